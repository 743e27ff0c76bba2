"""A chart of bars as a PNG file, with nothing but the standard library: lines, boxes, and letters of 5 by 7 points."""

import struct
import zlib
from collections.abc import Sequence

Colour = tuple[int, int, int]

LETTER_WIDTH = 6
LETTER_HEIGHT = 8
_FIRST = 32
# A letter a line of five columns from left to right; of each the lowest bit is the upper end. ASCII from the space on.
_FONT = bytes.fromhex(
    "0000000000 00005f0000 0007000700 147f147f14 242a7f2a12 2313086462 3649552250 0005030000 001c224100 0041221c00"
    "14083e0814 08083e0808 0050300000 0808080808 0060600000 2010080402 3e5149453e 00427f4000 4261514946 2141454b31"
    "1814127f10 2745454539 3c4a494930 0171090503 3649494936 064949291e 0036360000 0056360000 0814224100 1414141414"
    "0041221408 0201510906 324979413e 7e1111117e 7f49494936 3e41414122 7f4141221c 7f49494941 7f09090901 3e4149497a"
    "7f0808087f 00417f4100 2040413f01 7f08142241 7f40404040 7f020c027f 7f0408107f 3e4141413e 7f09090906 3e4151215e"
    "7f09192946 4649494931 01017f0101 3f4040403f 1f2040201f 3f4038403f 6314081463 0708700807 6151494543 007f414100"
    "0204081020 0041417f00 0402010204 4040404040 0001020400 2054545478 7f48444438 3844444420 384444487f 3854545418"
    "087e090102 0c5252523e 7f08040478 00447d4000 2040443d00 7f10284400 00417f4000 7c04180478 7c08040478 3844444438"
    "7c14141408 081414187c 7c08040408 4854545420 043f444020 3c4040207c 1c2040201c 3c4030403c 4428102844 0c5050503c"
    "4464544c44 0008364100 00007f0000 0041360800 0804081008".replace(" ", "")
)


class Picture:
    """Points of red, green and blue, white at first; what is drawn outside is cut off."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self._rows = [bytearray(b"\xff" * (3 * width)) for _ in range(height)]

    def box(self, left: int, top: int, width: int, height: int, colour: Colour) -> None:
        """Fill a rectangle."""
        first, last = max(0, left), min(self.width, left + width)
        if first < last:
            for row in self._rows[max(0, top) : max(0, top + height)]:
                row[3 * first : 3 * last] = bytes(colour) * (last - first)

    def text(self, left: int, top: int, text: str, colour: Colour, *, scale: int = 1) -> None:
        """Write one line; what the font lacks is a question mark."""
        for place, letter in enumerate(text):
            code = ord(letter) - _FIRST
            columns = _FONT[5 * code : 5 * code + 5] if 0 <= code < len(_FONT) // 5 else b"\x02\x01\x51\x09\x06"
            for x, column in enumerate(columns):
                for y in range(LETTER_HEIGHT):
                    if column >> y & 1:
                        at = left + (place * LETTER_WIDTH + x) * scale
                        self.box(at, top + y * scale, scale, scale, colour)

    def png(self) -> bytes:
        """The picture as a file."""
        header = struct.pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)
        points = b"".join(b"\0" + row for row in self._rows)
        parts: Sequence[tuple[bytes, bytes]] = ((b"IHDR", header), (b"IDAT", zlib.compress(points, 9)), (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
            for name, content in parts
        )

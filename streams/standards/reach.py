r"""Whether a pattern can be found in any text at all. Pure.

The pattern, which RE2 has accepted, is taken apart into single characters and what joins them. What a class such as
`[^/]` or `\pL` holds, RE2 is asked. For the anchors and word boundaries it is enough to know of each character whether
it is a line break, part of a word, or another: so all ways through the pattern can be walked, and there are few.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache

import re2

from streams.standards.patterns import PatternError, options

BEGIN, NEWLINE, WORD, OTHER = 1, 2, 4, 8
_END = BEGIN
_ANY = _END | NEWLINE | WORD | OTHER
_MOST_COPIES = 3
"""Of a repetition: what the first three cannot do, a thousand cannot."""

_MOST_NODES = 20_000

_ATOM = re.compile(
    r"\\Q(?P<quoted>.*?)(?:\\E|\Z)|(?P<word>\\[bB])|(?P<edge>\\[Az]|[\^$])|(?P<open>\((?:\?(?P<flags>[^:)<P]*)(?P<end>[:)]"
    r"|P?<\w+>))?)|(?P<close>\))|(?P<or>\|)|(?P<repeat>[*+?]|\{(?P<least>\d+)(?P<comma>,)?(?P<most>\d+)?\})\??"
    r"|(?P<one>\[\^?\]?(?:\[:\^?\w+:\]|\\[pP]\{\^?\w+\}|\\x\{\w+\}|\\.|[^\]\\])*\]|\\[pP]\{\^?\w+\}|\\[pP]\w"
    r"|\\x\{\w+\}|\\x\w\w|\\0[0-7]{0,2}|\\[1-7][0-7]{1,2}|\\.|.)",
    re.DOTALL,
)
_WORDS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
_PLAIN = "".join(chr(code) for code in range(128) if chr(code) not in _WORDS + "\n")
_FAR_REACHING = re.compile(r"\\[pPxDWSC]|\[\^|^\.$|\[:\^|[^\x00-\x7f]")
"""What may hold characters beyond ASCII."""


class _Graph:
    """Nodes and the ways between them: each way asks for a character, or for something about the place."""

    def __init__(self) -> None:
        self.ways: list[list[tuple[str, int, int]]] = []

    def node(self) -> int:
        if len(self.ways) >= _MOST_NODES:
            raise PatternError("has too many parts to walk through")
        self.ways.append([])
        return len(self.ways) - 1

    def way(self, start: int, asks: str, kinds: int, end: int) -> None:
        self.ways[start].append((asks, kinds, end))


def can_be_found(pattern: str, without: str = "") -> bool:
    """Whether some text holds the pattern; `without` names characters that the text cannot have.

    Raises PatternError for a pattern that is too large to tell.
    """
    graph = _Graph()
    try:
        first, last = _Reader(pattern, without, graph).alternatives("")
    except RecursionError:
        raise PatternError("nests too deep to walk through") from None
    return _reaches(graph, first, last)


def branches(pattern: str) -> list[str]:
    """What stands between the `|` that are in no group."""
    depth, parts, start = 0, [], 0
    for match in _ATOM.finditer(pattern):
        if match["open"] and match["end"] != ")":
            depth += 1
        elif match["close"]:
            depth -= 1
        elif match["or"] and depth == 0:
            parts.append(pattern[start : match.start()])
            start = match.end()
    return [*parts, pattern[start:]]


class _Reader:
    """Builds the graph of a pattern by descent; a part is read again for each of its copies."""

    def __init__(self, pattern: str, without: str, graph: _Graph) -> None:
        self._tokens = list(_tokens(pattern))
        self._at = 0
        self._without = without
        self._graph = graph

    def alternatives(self, flags: str) -> tuple[int, int]:
        """Read up to the end of the group and return its first and last node."""
        first, last = self._graph.node(), self._graph.node()
        while True:
            start, end, flags = self._sequence(flags)
            self._graph.way(first, "", 0, start)
            self._graph.way(end, "", 0, last)
            if self._at >= len(self._tokens) or self._tokens[self._at]["close"]:
                self._at += 1
                return first, last
            self._at += 1  # the |

    def _sequence(self, flags: str) -> tuple[int, int, str]:
        first = last = self._graph.node()
        while self._at < len(self._tokens) and not self._tokens[self._at]["close"] and not self._tokens[self._at]["or"]:
            token = self._tokens[self._at]
            if token["open"] and token["end"] == ")":
                flags = _changed(flags, token["flags"])
                self._at += 1
                continue
            start, end = self._repeated(flags)
            self._graph.way(last, "", 0, start)
            last = end
        return first, last, flags

    def _repeated(self, flags: str) -> tuple[int, int]:
        begin = self._at
        start, end = self._one(flags)
        first, last = start, end
        while self._at < len(self._tokens) and (token := self._tokens[self._at])["repeat"]:
            after = self._at + 1
            least, most = _counts(token)
            for _ in range(1, min(least, _MOST_COPIES)):
                self._at = begin
                start, end = self._one(flags)
                self._graph.way(last, "", 0, start)
                last = end
            if most is None or most > least:
                self._graph.way(end, "", 0, start)
            if least == 0:
                outer = self._graph.node()
                self._graph.way(outer, "", 0, first)
                self._graph.way(outer, "", 0, last)
                first = outer
            self._at = after
            if most == 0:
                first = last = self._graph.node()
        return first, last

    def _one(self, flags: str) -> tuple[int, int]:
        token = self._tokens[self._at]
        self._at += 1
        if token["open"]:
            return self.alternatives(_changed(flags, token["flags"] or ""))
        start, end = self._graph.node(), self._graph.node()
        if token["repeat"]:
            raise PatternError("repeats what stands before a change of flags")
        if token["word"]:
            self._graph.way(start, token["word"][1], 0, end)
        elif token["edge"]:
            edge = {r"\A": "^", r"\z": "$"}.get(token["edge"], token["edge"])
            lines = NEWLINE if "m" in flags and token["edge"] in "^$" else 0
            self._graph.way(start, edge, BEGIN | lines, end)
        else:
            self._graph.way(start, "one", _kinds(str(token["one"]), "".join(sorted(flags)), self._without), end)
        return start, end


def _tokens(pattern: str) -> Iterator[dict[str, str | None]]:
    for match in _ATOM.finditer(pattern):
        if match["quoted"] is None:
            yield match.groupdict()
        else:
            for character in match["quoted"]:
                yield dict.fromkeys(match.groupdict()) | {"one": str(re2.escape(character))}


def _changed(flags: str, change: str | None) -> str:
    on, _, off = (change or "").partition("-")
    return "".join(set(flags + on) - set(off) - set("U"))


def _counts(token: dict[str, str | None]) -> tuple[int, int | None]:
    if token["least"] is None:
        return {"*": (0, None), "+": (1, None), "?": (0, 1)}[str(token["repeat"])[0]]
    least = int(token["least"])
    if token["comma"] is None:
        return least, least
    return least, None if token["most"] is None else int(token["most"])


@lru_cache(maxsize=1)
def _beyond_ascii() -> str:
    codes: Iterable[int] = (*range(128, 0xD800), *range(0xE000, sys.maxunicode + 1))
    return "".join(map(chr, codes))


@lru_cache(maxsize=4096)
def _kinds(one: str, flags: str, without: str) -> int:
    """Which kinds of character a class, an escape or a letter stands for."""
    compiled = re2.compile(f"(?{flags}){one}" if flags else one, options())
    kinds = 0
    for kind, texts in ((NEWLINE, "\n"), (WORD, _WORDS), (OTHER, _PLAIN)):
        allowed = "".join(character for character in texts if character not in without)
        kinds |= kind if compiled.search(allowed) else 0
    if not kinds & OTHER and _FAR_REACHING.search(one) and compiled.search(_beyond_ascii()):
        kinds |= OTHER
    return kinds


def _reaches(graph: _Graph, first: int, last: int) -> bool:
    """Walk every way; a place is a node, what stands before it, and what must come next."""
    places = [(first, before, _ANY) for before in (BEGIN, NEWLINE, WORD, OTHER)]
    seen = set(places)
    while places:
        node, before, wanted = places.pop()
        if node == last:
            return True
        for asks, kinds, end in graph.ways[node]:
            for place in _next(end, asks, kinds, before, wanted):
                if place not in seen:
                    seen.add(place)
                    places.append(place)
    return False


def _next(end: int, asks: str, kinds: int, before: int, wanted: int) -> Iterator[tuple[int, int, int]]:
    if asks == "one":
        for kind in (NEWLINE, WORD, OTHER):
            if kinds & wanted & kind:
                yield end, kind, _ANY
        return
    if asks == "^":
        wanted = wanted if before & kinds else 0
    elif asks == "$":
        wanted &= kinds
    elif asks:
        inside = (before == WORD) is (asks == "b")  # then what follows is no part of a word
        wanted &= _ANY & ~WORD if inside else WORD
    if wanted:
        yield end, before, wanted

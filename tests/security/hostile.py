"""What an enemy would write into every field that takes text, and what it must never become."""

import re
from random import Random
from typing import Any

from tests.e2e import events

SQL = "'; DROP TABLE metadata_violations; -- \" ` \\' %s {0} %(x)s"
MARKUP = "[red]no[/red][link=https://evil.example]x[/link] :bomb: [/]"
TERMINAL = "\x9b31m\x9d0;owned\x9c\u202edcba\u2066\u200b"
"""C1 controls, which terminals obey as they obey ESC, and marks that turn the text around."""
LABEL = '",owned="1"} 9 {{ .Secrets }} <!channel> <https://evil.example|click> & <script>alert(1)</script>'
FORMULA = "=cmd|' /C calc'!A0"
LINE = '\r\n{"event": "forged", "level": "critical"}\nforged: line\x1b[2J\x1b]0;owned\x07\x08\x7f\x00'.replace(
    "\x00", ""
)

HOST = f"{FORMULA}{SQL}{MARKUP}{TERMINAL}"[:255]
COMPONENT = f"@{MARKUP[:36]}{TERMINAL}{LABEL[:30]}\\"
SUBMISSION = f"+{SQL[:40]}{MARKUP[:30]}{TERMINAL}\\"
SUBMITTER = f"-{LABEL}{MARKUP}{TERMINAL}\\"
PATH = f"/srv/{FORMULA}/{SQL}/{MARKUP}/{TERMINAL}/{LABEL}{LINE}/../x \\"
DOCUMENT = f"={PATH}"
METADATA = {
    FORMULA: LINE,
    "status": f"@{MARKUP}{LINE}{TERMINAL}",
    "version": f"={SQL}",
    "date": LABEL,
    TERMINAL: MARKUP,
}

_MAY_ACT = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u2069\ufeff]"
)
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def capture(random: Random) -> dict[str, Any]:
    return {**events.capture(random, HOST, [PATH, "=1+1", f"@{LINE}"]), "platform": MARKUP, "filesystem_type": FORMULA}


def reading(random: Random, at: str) -> dict[str, Any]:
    return {**events.reading(random, COMPONENT, 25_000, at), "reference_id": f"={MARKUP}"[:64]}


def submission(random: Random) -> dict[str, Any]:
    made = events.submission(random, SUBMISSION)
    document = {"path": DOCUMENT, "sha256": "ab" * 32, "metadata": METADATA}
    return {**made, "submitter": SUBMITTER, "documents": [document]}


def acting(text: str) -> list[str]:
    """The characters of an output that a terminal would obey, except the end of a line."""
    return sorted({ascii(char) for char in _MAY_ACT.findall(text)})

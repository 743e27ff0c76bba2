"""Honest events with hostile words: each must be stored to the byte. And the same event said in other ways."""

import json
from collections.abc import Iterator

from tests.bad_input.case import (
    CLOCKS,
    DUPLICATE,
    FILES,
    INVALID,
    STORED,
    SUBMISSIONS,
    TOPICS,
    Case,
    changed,
    encoded,
    good,
)

PATHS = {
    "relative": "a.py",
    "dots": "/srv/../../../etc/passwd",
    "only a slash": "/",
    "only a dot": ".",
    "only blanks": "   ",
    "a blank at its end": "/srv/a ",
    "a newline at its end": "/srv/a\n",
    "newlines and a forged log line": '/srv/a\r\n{"level": "info"}',
    "tabs": "/srv/a\tb",
    "a bell and a cursor": "/srv/\x07\x1b[2J\x1b[H",
    "a terminal's title": "/srv/\x1b]0;owned\x07",
    "a link of the terminal": "/srv/\x1b]8;;http://x\x1b\\a\x1b]8;;\x1b\\",
    "C1 controls": "/srv/\x9b31m\x90",
    "DEL": "/srv/a\x7f",
    "SQL, single quote": "/srv/x'; DROP TABLE metadata_violations; -- ",
    "SQL, double quote": '/srv/x" OR "1"="1',
    "SQL, backslash and quote": "/srv/x\\' OR 1=1 -- ",
    "SQL, backslash at its end": "/srv/x\\",
    "SQL, comment": "/srv/x/*!50000 UNION SELECT*/",
    "SQL, Ctrl-Z": "/srv/x\x1a",
    "SQL, wildcards": "/srv/%_%",
    "SQL, format": "/srv/%s%(name)s%d%%",
    "SQL, a multibyte quote": "/srv/縗' OR 1=1",
    "braces": "/srv/{0}{{x}}${HOME}$(id)`id`",
    "a spreadsheet's formula": "=cmd|' /C calc'!A0",
    "another formula": "@SUM(1+1)*cmd",
    "markup": "/srv/<script>alert(1)</script>.html",
    "rich's markup": "/srv/[red]x[/red][link=http://x]",
    "Markdown": "/srv/|a|**b**[c](javascript:alert(1))",
    "Java's look-up": "/srv/${jndi:ldap://x/a}",
    "Windows": "C:\\Users\\a\\b.txt",
    "a share": "\\\\server\\share\\a",
    "a device": "/srv/CON.txt",
    "a stream": "/srv/a.txt:evil.exe",
    "composed": "/srv/caf\u00e9",
    "decomposed": "/srv/cafe\u0301",
    "capitals that fold": "/srv/STRASSE-ẞ-İ",
    "the same in small letters": "/srv/strasse-ß-i̇",
    "a right-to-left override": "/srv/gnp.\u202eexe.py",
    "isolates": "/srv/\u2066a\u2069",
    "zero width": "/srv/a\u200b\u200d\ufeffb",
    "look-alikes": "/srv/раssword",
    "a line separator": "/srv/a\u2028b\u2029",
    "noncharacters": "/srv/\uffff\ufffe\U0010ffff",
    "private use": "/srv/\ue000\U000f0000",
    "an unassigned letter": "/srv/\U000e0fff",
    "emoji": "/srv/👩‍👩‍👧🏳️‍🌈",
    "a hundred marks on one letter": "/srv/a" + "\u0301" * 100,
    "a replacement character": "/srv/\ufffd.txt",
    "4,096 bytes": "/" + "x" * 4095,
    "4,096 bytes of emoji": "🚀" * 1024,
    "2,000 slashes": "/" * 2000,
    "2,000 levels": "/a" * 2000,
    "255 bytes in a segment": "/" + "n" * 255,
    "256 bytes in a segment": "/" + "n" * 256,
    "slow for a backtracking engine": "/srv/" + "a" * 3000 + "!",
    "an e-mail's worth of @": "/srv/" + "a@" * 1500,
    "a JSON path": "/srv/$.a[0]",
    "a URL": "https://user:password@host/a?b=c#d",
    "an environment file": "/srv/.env",
    "a version's file": "/srv/.git/config",
}


def cases(numbers: Iterator[int]) -> Iterator[Case]:
    for label, path in PATHS.items():
        event = good(FILES, next(numbers))
        yield Case(f"path: {label}", FILES, encoded(changed(event, "files.0.file_path", path)), STORED)
        if label.startswith(("SQL", "markup", "a newline", "a bell", "a right-to-left", "only", "a spreadsheet")):
            event = good(SUBMISSIONS, next(numbers))
            yield Case(f"document: {label}", SUBMISSIONS, encoded(changed(event, "documents.0.path", path)), STORED)
    yield from _records(numbers)
    for topic in TOPICS:
        yield from _repeats(topic, numbers)
    yield from _other_repeats(numbers)


def _records(numbers: Iterator[int]) -> Iterator[Case]:
    """Odd around the value: keys and headers."""

    def event() -> bytes:
        return encoded(good(FILES, next(numbers)))

    yield Case("record: without a key", FILES, event(), STORED, key=None)
    yield Case("record: an empty key", FILES, event(), STORED, key=b"")
    yield Case("record: a key that is not UTF-8", FILES, event(), STORED, key=b"\xff\xfe\x00")
    yield Case("record: a key of 100,000 bytes", FILES, event(), STORED, key=b"k" * 100_000)
    yield Case("record: a broken traceparent", FILES, event(), STORED, headers=[("traceparent", b"\xff-00")])
    yield Case("record: a traceparent of null", FILES, event(), STORED, headers=[("traceparent", None)])
    yield Case("record: a header of 100,000 bytes", FILES, event(), STORED, headers=[("x", b"h" * 100_000)])
    yield Case("record: a header a thousand times", FILES, event(), STORED, headers=[("x", b"y")] * 1000)
    yield Case("record: a forged dead letter's header", FILES, event(), STORED, headers=[("dlq.reason", b"mine")])
    forged: list[tuple[str, bytes | None]] = [("dlq.reason", b"mine"), ("__dlq.errors.topic", b"x"), ("kept", b"\xff")]
    yield Case("record: bad, with forged headers", FILES, b"no event", "invalid_json", "value:", headers=forged)
    broken: list[tuple[str, bytes | None]] = [("traceparent", None), ("", b""), ("é", b"\0")]
    yield Case("record: bad, with odd headers", CLOCKS, b"{}", INVALID, "Field required", headers=broken)
    yield Case("record: bad, without a key", SUBMISSIONS, b"[]", INVALID, "an object", key=None)
    yield Case("record: neither key nor value", FILES, None, "tombstone", "is null", key=None)


def _repeats(topic: str, numbers: Iterator[int]) -> Iterator[Case]:
    """One event, and the ways in which it may come again."""
    event = good(topic, next(numbers))
    value = encoded(event)
    short = topic.split(".")[0]
    yield Case(f"{short}: repeated: the first", topic, value, STORED)
    for label, again in (
        ("byte for byte", value),
        ("spread over lines", json.dumps(event, indent=2).encode()),
        ("keys in another order", json.dumps(dict(reversed(event.items()))).encode()),
        ("with an unknown field", encoded({**event, "attempt": 2})),
        ("event_id in capitals", encoded({**event, "event_id": event["event_id"].upper()})),
    ):
        yield Case(f"{short}: repeated: {label}", topic, again, DUPLICATE)


def _other_repeats(numbers: Iterator[int]) -> Iterator[Case]:
    event = changed(good(FILES, next(numbers)), "captured_at", "2026-11-20T10:00:00Z")
    yield Case("files repeated otherwise: the first", FILES, encoded(event), STORED)
    elsewhere = changed(event, "captured_at", "2026-11-20T15:30:00.000000999+05:30")
    yield Case("files repeated otherwise: the same moment elsewhere", FILES, encoded(elsewhere), DUPLICATE)
    texts = changed(event, "files.0.mtime_ns", str(event["files"][0]["mtime_ns"]))
    yield Case("files repeated otherwise: nanoseconds in a string", FILES, encoded(texts), DUPLICATE)
    moved = changed(event, "files.0.mtime_ns", event["files"][0]["mtime_ns"] + 1)
    yield Case("files: an event_id used again for another mtime", FILES, encoded(moved), STORED)
    other = changed(event, "host", "bad-input-2")
    yield Case("files: an event_id used again by another host", FILES, encoded(other), STORED)
    submission = good(SUBMISSIONS, next(numbers))
    yield Case("submissions: the first of an id", SUBMISSIONS, encoded(submission), STORED)
    conflicting = changed(submission, "documents.0.metadata.version", "9.9.9")
    yield Case("submissions: the id used again for other documents", SUBMISSIONS, encoded(conflicting), STORED)
    dry = changed(submission, "dry_run", True)
    yield Case("submissions: the same as a question", SUBMISSIONS, encoded(dry), STORED)
    reading = good(CLOCKS, next(numbers))
    yield Case("clocks: the first of an event_id", CLOCKS, encoded(reading), STORED)
    for number, offset in enumerate((-(2**63), 2**63 - 1, -(2**63))):
        event = {**good(CLOCKS, next(numbers)), "component_name": "bad-input-steps", "offset_microseconds": offset}
        event["last_sync_at"] = f"2026-11-20T10:12:{number:02}Z"
        yield Case(f"clocks: from one end of 64 bits to the other, reading {number}", CLOCKS, encoded(event), STORED)
    yield Case("clocks: the event_id used again", CLOCKS, encoded({**reading, "offset_microseconds": 7}), STORED)

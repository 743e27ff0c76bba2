"""Values that are no event of any topic: wrong encodings, wrong formats, broken JSON, bombs."""

import base64
import gzip
import json
import pickle
import zlib
from collections.abc import Iterator

from tests.bad_input.case import (
    ENCODING,
    INVALID,
    JSON,
    STORED,
    TOMBSTONE,
    TOO_LARGE,
    TOPICS,
    Case,
    Raw,
    changed,
    encoded,
    good,
)

LIMIT = 524_288
"""COCKPIT_MAX_RECORD_BYTES as it comes."""

_TEXT = json.dumps(good(TOPICS[0], 0))
_RAW = _TEXT.encode()

ANYWHERE: tuple[tuple[str, bytes | None, str, str], ...] = (
    # --- nothing
    ("null value", None, TOMBSTONE, "is null"),
    ("empty value", b"", JSON, "value:"),
    ("one blank", b" ", JSON, "value:"),
    ("only line ends", b"\r\n\r\n", JSON, "value:"),
    ("one NUL", b"\0", JSON, "value:"),
    ("a thousand NULs", b"\0" * 1000, JSON, "value:"),
    # --- encodings
    ("byte order mark before JSON", b"\xef\xbb\xbf" + _RAW, JSON, "value:"),
    ("UTF-16 with byte order mark", _TEXT.encode("utf-16"), ENCODING, "byte 0"),
    ("UTF-16 little-endian without mark", _TEXT.encode("utf-16-le"), JSON, "value:"),
    ("UTF-16 big-endian without mark", _TEXT.encode("utf-16-be"), JSON, "value:"),
    ("UTF-32 with byte order mark", _TEXT.encode("utf-32"), ENCODING, "byte 0"),
    ("UTF-32 big-endian without mark", _TEXT.encode("utf-32-be"), JSON, "value:"),
    ("UTF-7", "{größe}".encode("utf-7"), JSON, "value:"),
    ("EBCDIC", _TEXT.encode("cp037"), ENCODING, "not UTF-8"),
    ("Latin-1 in a string", '{"host": "größe"}'.encode("latin-1"), ENCODING, "byte 12"),
    ("Windows-1252 quotes", b'{"host": "\x93a\x94"}', ENCODING, "byte 10"),
    ("Shift-JIS", '{"host": "テスト"}'.encode("shift-jis"), ENCODING, "not UTF-8"),
    ("overlong slash", b'{"host": "\xc0\xaf"}', ENCODING, "byte 10"),
    ("overlong NUL of Java", b'{"host": "\xc0\x80"}', ENCODING, "byte 10"),
    ("surrogates as UTF-8 (CESU-8)", b'{"host": "\xed\xa0\xbd\xed\xb8\x80"}', ENCODING, "byte 10"),
    ("beyond U+10FFFF", b'{"host": "\xf4\x90\x80\x80"}', ENCODING, "byte 10"),
    ("a five-byte sequence", b'{"host": "\xf8\x88\x80\x80\x80"}', ENCODING, "byte 10"),
    ("a lone continuation byte", b'{"host": "\x80"}', ENCODING, "byte 10"),
    ("cut within a character", '{"host": "é'.encode()[:-1], ENCODING, "byte 10"),
    ("0xFF at the end", _RAW + b"\xff", ENCODING, "not UTF-8"),
    ("a lone high surrogate escaped", b'{"host": "\\ud800"}', JSON, "value:"),
    ("a lone low surrogate escaped", b'{"host": "\\udc00"}', JSON, "value:"),
    ("a surrogate pair the wrong way round", b'{"host": "\\ude00\\ud83d"}', JSON, "value:"),
    # --- other formats
    ("schema-registry frame around JSON", b"\x00\x00\x00\x00\x07" + _RAW, JSON, "value:"),
    ("schema-registry frame around Avro", b"\x00\x00\x00\x00\x07\x02\x06foo", JSON, "value:"),
    ("Avro object container", b"Obj\x01\x04\x14avro.codec", JSON, "value:"),
    ("Protocol Buffers", b"\x0a\x08build-07\x10\x96\x01", ENCODING, "not UTF-8"),
    ("MessagePack", b"\x81\xa4host\xa8build-07", ENCODING, "byte 0"),
    ("CBOR", b"\xa1\x64host\x68build-07", ENCODING, "byte 0"),
    ("BSON", b"\x14\x00\x00\x00\x02host\x00\x02\x00\x00\x00a\x00\x00", JSON, "value:"),
    ("gzip of the event", gzip.compress(_RAW, mtime=0), ENCODING, "byte 1"),
    ("zlib of the event", zlib.compress(_RAW), ENCODING, "not UTF-8"),
    ("gzip of 100 MB zeros", gzip.compress(b"\0" * 100_000_000, mtime=0), ENCODING, "byte 1"),
    ("a Python pickle", pickle.dumps({"host": "a"}), ENCODING, "byte 0"),
    ("base64 of the event", base64.b64encode(_RAW), JSON, "value:"),
    ("the event as a JSON string", json.dumps(_TEXT).encode(), INVALID, "should be an object"),
    ("XML", b'<?xml version="1.0"?><event/>', JSON, "value:"),
    ("XML with an external entity", b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>', JSON, ""),
    ("YAML", b"host: build-07\nfiles: []\n", JSON, "value:"),
    ("CSV", b"host,path\nbuild-07,/a\n", JSON, "value:"),
    ("a web form", b"host=build-07&files=", JSON, "value:"),
    ("an HTTP request", b"POST / HTTP/1.1\r\nHost: a\r\n\r\n", JSON, "value:"),
    ("a PNG", b"\x89PNG\r\n\x1a\n", ENCODING, "byte 0"),
    ("terminal escapes", b"\x1b]0;owned\x07\x1b[2J", JSON, "value:"),
    ("a log line of its own", b'x\n{"level": "info", "event": "all is well"}', JSON, "value:"),
    # --- JSON that is none
    ("cut after the first brace", b"{", JSON, "value:"),
    ("cut in the middle", _RAW[: len(_RAW) // 2], JSON, "value:"),
    ("cut before the last brace", _RAW[:-1], JSON, "value:"),
    ("something behind the event", _RAW + b"x", JSON, "value:"),
    ("two events in one record", _RAW + _RAW, JSON, "value:"),
    ("two events on two lines", _RAW + b"\n" + _RAW, JSON, "value:"),
    ("a comma too many", b'{"host": "a",}', JSON, "value:"),
    ("a comma missing", b'{"host": "a" "b": 1}', JSON, "value:"),
    ("single quotes", b"{'host': 'a'}", JSON, "value:"),
    ("keys without quotes", b'{host: "a"}', JSON, "value:"),
    ("a number for a key", b'{1: "a"}', JSON, "value:"),
    ("a comment", b'{"host": /* mine */ "a"}', JSON, "value:"),
    ("Python's None", b'{"host": None}', JSON, "value:"),
    ("JavaScript's undefined", b'{"host": undefined}', JSON, "value:"),
    ("a raw newline in a string", b'{"host": "a\nb"}', JSON, "value:"),
    ("a raw NUL in a string", b'{"host": "a\0b"}', JSON, "value:"),
    ("an escape that JSON lacks", b'{"host": "\\x41"}', JSON, "value:"),
    ("half an escape", b'{"host": "\\u00"}', JSON, "value:"),
    ("a leading zero", b'{"host": 007}', JSON, "value:"),
    ("a leading plus", b'{"host": +1}', JSON, "value:"),
    ("a hexadecimal number", b'{"host": 0x10}', JSON, "value:"),
    ("a number that ends with its point", b'{"host": 1.}', JSON, "value:"),
    ("an exponent without digits", b'{"host": 1e}', JSON, "value:"),
    ("an integer of 5,000 digits", b'{"host": ' + b"9" * 5000 + b"}", JSON, "value:"),
    ("nothing but an integer of 500,000 digits", b"9" * 500_000, JSON, "value:"),
    # --- JSON that is no event
    ("an array", b"[]", INVALID, "value: Input should be an object, got a JSON array of 0"),
    ("an array around the event", b"[" + _RAW + b"]", INVALID, "got a JSON array of 1"),
    ("the word null", b"null", INVALID, "value:"),
    ("the word true", b"true", INVALID, "value:"),
    ("a number", b"1", INVALID, "value:"),
    ("a string", b'"text"', INVALID, "value:"),
    ("NaN alone", b"NaN", INVALID, "value:"),
    ("an empty object", b"{}", INVALID, "Field required"),
    ("keys in capitals", _RAW.upper().replace(b"LINUX", b"linux"), INVALID, "Field required"),
    ("only __proto__", b'{"__proto__": {"event_id": "x"}}', INVALID, "Field required"),
    # --- bombs
    ("200,000 opening brackets", b"[" * 200_000, JSON, "value:"),
    ("50,000 nested objects", b'{"a":' * 50_000, JSON, "value:"),
    ("250 brackets, all closed", b'{"x": ' + b"[" * 250 + b"]" * 250 + b"}", JSON, "value:"),
    ("250,000 nulls", b"[" + b"null," * 100_000 + b"null]", INVALID, "value:"),
    ("30,000 keys", json.dumps({str(n): n for n in range(30_000)}).encode(), INVALID, "Field required"),
    ("the same key 40,000 times", b"{" + b'"host":"a",' * 40_000 + b'"host":"b"}', INVALID, "Field required"),
    ("one byte over the limit", b" " * (LIMIT + 1), TOO_LARGE, f"has {LIMIT + 1} bytes; at most {LIMIT}"),
    ("900,000 bytes of text", b"x" * 900_000, TOO_LARGE, "900000 bytes"),
    ("exactly the limit, of blanks", b" " * LIMIT, JSON, "value:"),
)


def cases(numbers: Iterator[int]) -> Iterator[Case]:
    """Each value on each topic, and honest events that are odd as a whole."""
    for topic in TOPICS:
        short = topic.split(".")[0]
        for label, value, outcome, said in ANYWHERE:
            yield Case(f"{short}: {label}", topic, value, outcome, said)
        for label, value in _odd(topic, numbers):
            yield Case(f"{short}: {label}", topic, value, STORED)
        event = good(topic, next(numbers))
        padded = encoded({**event, "padding": ""})
        room = LIMIT - len(padded)
        filled = encoded({**event, "padding": "x" * room})
        yield Case(f"{short}: padded to the limit", topic, filled, STORED)
        yield Case(f"{short}: padded over the limit", topic, filled.replace(b"x", b"xx", 1), TOO_LARGE, "bytes")
        for other in TOPICS:
            if other != topic:
                stray = encoded(good(other, next(numbers)))
                yield Case(f"{short}: an event of {other}", topic, stray, INVALID, "Field required")


def _odd(topic: str, numbers: Iterator[int]) -> Iterator[tuple[str, bytes]]:
    """What looks bad and is honest: unknown fields are ignored, whatever they hold."""

    def event() -> dict[str, object]:
        return good(topic, next(numbers))

    yield "an unknown field", encoded({**event(), "new_in_v2": [1, {"a": None}]})
    yield "an unknown field of 60 levels", encoded({**event(), "x": Raw("[" * 60 + "]" * 60)})
    yield "NaN in an unknown field", encoded({**event(), "x": Raw("NaN")})
    yield "1e999 in an unknown field", encoded({**event(), "x": Raw("1e999")})
    yield "4,000 digits in an unknown field", encoded({**event(), "x": Raw("9" * 4000)})
    yield "an unknown field with an empty name", encoded({**event(), "": "x"})
    yield "__proto__ and constructor", encoded({**event(), "__proto__": {"admin": True}, "constructor": 1})
    yield "a model's own names", encoded({**event(), "model_config": 1, "__class__": "x", "__dict__": {}})
    yield "blanks around it", b" \r\n\t" + encoded(event()) + b"\n\n"
    yield "20,000 blanks in front", b" " * 20_000 + encoded(event())
    yield "every character escaped", _escaped(encoded(event()))
    yield (
        "a key twice, the last one counts",
        encoded({**event(), "x": Raw('1, "event_id": "' + _next_id(numbers) + '"')}),
    )
    yield "its own event_id in capitals", encoded(changed(event(), "event_id", _next_id(numbers).upper()))


def _next_id(numbers: Iterator[int]) -> str:
    return str(good(TOPICS[1], next(numbers))["event_id"])


def _escaped(value: bytes) -> bytes:
    """The same JSON with every character of its strings as \\uXXXX."""
    out, inside = [], False
    for character in value.decode():
        if character == '"':
            inside = not inside
            out.append(character)
        else:
            out.append(f"\\u{ord(character):04x}" if inside else character)
    return "".join(out).encode()

import json
from typing import Any

import pytest

from schemas.events import ClockReading, FilesystemTimestamps
from streams.decode import decode
from streams.plan import Plan
from tests.unit.records import FakeRecord

VALID = {
    "event_id": "0b1f7b4e-6a53-4b1c-9a55-2f5a1c1d9e11",
    "host": "build-07",
    "captured_at": "2026-11-20T10:12:12.123456Z",
    "files": [{"file_path": "/a", "atime_ns": 1, "mtime_ns": 2, "ctime_ns": 3}],
}
MAX_BYTES = 10_000


def bytes_of(**changes: Any) -> bytes:
    return json.dumps({**VALID, **changes}).encode()


def refused(value: bytes | None) -> tuple[str, str]:
    plan = decode(FakeRecord(value), FilesystemTimestamps, MAX_BYTES)
    assert isinstance(plan, Plan)
    assert plan.dead_letter is not None
    assert plan.dead_letter.stage == "decode"
    assert "\n" not in plan.dead_letter.message
    return plan.dead_letter.reason, plan.dead_letter.message


def test_a_valid_event_is_decoded() -> None:
    event = decode(FakeRecord(bytes_of()), FilesystemTimestamps, MAX_BYTES)
    assert isinstance(event, FilesystemTimestamps)
    assert event.files[0].ctime_ns == 3


@pytest.mark.parametrize(
    ("value", "reason", "said"),
    [
        (None, "tombstone", "value: is null"),
        (b"", "invalid_json", "value:"),
        (b"{", "invalid_json", "value:"),
        (b"x" * 10_001, "too_large", "10001 bytes"),
        (b"\xff\xfe{}", "invalid_encoding", "not UTF-8 at byte 0"),
        (b'{"host": "\xc3\x28"}', "invalid_encoding", "not UTF-8 at byte 10"),
        (b'{"host": "\\ud800"}', "invalid_json", "hex escape"),
        (b"[" * 5000, "invalid_json", "value:"),
        (b"\x00\x00\x00\x00\x07{}", "invalid_json", "value:"),
        (b"[]", "invalid", "value: Input should be an object, got a JSON array of 0"),
        (b"null", "invalid", "value:"),
        (bytes_of(host=7), "invalid", "host: Input should be a valid string, got 7"),
        (bytes_of(captured_at="2026-11-20"), "invalid", "captured_at: must be an RFC 3339 time"),
        (bytes_of(captured_at="9999-12-31T23:59:59-12:00"), "invalid", "captured_at: must lie between"),
        (bytes_of(files=[]), "invalid", "files: List should have at least 1 item"),
        (
            bytes_of(files=[{"file_path": "/a\0b", "atime_ns": 1, "mtime_ns": 2, "ctime_ns": 3}]),
            "invalid",
            "files.0.file_path: must not contain NUL",
        ),
        (
            bytes_of(files=[{"file_path": "/a", "atime_ns": 1.5, "mtime_ns": 2, "ctime_ns": 3}]),
            "invalid",
            "files.0.atime_ns: Input should be a valid integer",
        ),
        (bytes_of(files=[{"file_path": "/a"}]), "invalid", "files.0.atime_ns: Field required"),
    ],
)
def test_what_cannot_be_an_event_says_why(value: bytes | None, reason: str, said: str) -> None:
    got_reason, message = refused(value)
    assert got_reason == reason
    assert said in message


def test_a_long_value_is_not_repeated_in_full() -> None:
    _, message = refused(bytes_of(host="x" * 9_000))
    assert len(message) < 400


def test_a_bad_record_does_not_disturb_its_neighbours() -> None:
    records = [FakeRecord(bytes_of(host=f"h{i}") if i % 2 else b"junk", offset=i) for i in range(10)]
    decoded = [decode(record, FilesystemTimestamps, MAX_BYTES) for record in records]
    assert [isinstance(made, Plan) for made in decoded] == [i % 2 == 0 for i in range(10)]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "-1"])
def test_numbers_must_be_finite_and_sensible(number: str) -> None:
    text = (
        '{"event_id": "0b1f7b4e-6a53-4b1c-9a55-2f5a1c1d9e11", "component_name": "a", "protocol": "NTP",'
        f' "offset_microseconds": 1, "rtt_microseconds": {number}}}'
    )
    plan = decode(FakeRecord(text.encode()), ClockReading, MAX_BYTES)
    assert isinstance(plan, Plan)
    assert plan.dead_letter is not None
    assert "rtt_microseconds" in plan.dead_letter.message

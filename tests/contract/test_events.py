"""What producers may send, byte for byte as it arrives: each accepted form, each refused form."""

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ValidationError

from schemas import (
    ClockReading,
    Document,
    FilesystemTimestamps,
    FileTimes,
    Submission,
    examples,
    generate,
)
from schemas.asyncapi import TOPICS
from schemas.events import LeapStatus, Protocol
from schemas.fields import INT64_MAX, INT64_MIN, TIMESTAMP_MAX, TIMESTAMP_MIN, UINT64_MAX

EXAMPLES: dict[type[BaseModel], dict[str, Any]] = {
    FilesystemTimestamps: examples.FILESYSTEM_TIMESTAMPS,
    ClockReading: examples.CLOCK_READING,
    Submission: examples.SUBMISSION,
}
SCHEMAS = {
    topic.model: Draft202012Validator(generate.json_schema(topic)) for topic in TOPICS if topic.model in EXAMPLES
}
PREFIX: dict[type[BaseModel], tuple[str | int, ...]] = {FileTimes: ("files", 0), Document: ("documents", 0)}
OWNER: dict[type[BaseModel], type[BaseModel]] = {FileTimes: FilesystemTimestamps, Document: Submission}


class Raw(str):
    """JSON text to stand in the event as it is, where json.dumps would write something else."""


def changed(model: type[BaseModel], field: str, value: Any) -> bytes:
    """The valid example as bytes, with one field of the event (or of its first file or document) replaced."""
    event = copy.deepcopy(EXAMPLES[OWNER.get(model, model)])
    target: Any = event
    for part in PREFIX.get(model, ()):
        target = target[part]
    target[field] = "@raw@" if isinstance(value, Raw) else value
    text = json.dumps(event, ensure_ascii=False)
    return (text.replace('"@raw@"', value) if isinstance(value, Raw) else text).encode()


def without(model: type[BaseModel], field: str) -> bytes:
    event = copy.deepcopy(EXAMPLES[OWNER.get(model, model)])
    target: Any = event
    for part in PREFIX.get(model, ()):
        target = target[part]
    del target[field]
    return json.dumps(event).encode()


def parse(model: type[BaseModel], value: bytes) -> Any:
    """The event, or its first file or document, as the worker would read it."""
    parsed: Any = OWNER.get(model, model).model_validate_json(value)
    for part in PREFIX.get(model, ()):
        parsed = parsed[part] if isinstance(part, int) else getattr(parsed, part)
    return parsed


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value


SAME = object()
FILE = examples.FILESYSTEM_TIMESTAMPS["files"][0]
DOCUMENT = examples.SUBMISSION["documents"][0]
AT = datetime(2026, 11, 20, 10, 12, 12, tzinfo=UTC)

ACCEPTED: list[tuple[type[BaseModel], str, Any, Any]] = [
    (FileTimes, "mtime_ns", 0, SAME),
    (FileTimes, "mtime_ns", INT64_MAX, SAME),
    (FileTimes, "mtime_ns", INT64_MIN, SAME),
    (FileTimes, "mtime_ns", Raw("-0"), 0),
    (FileTimes, "mtime_ns", "1152921504606846977", 2**60 + 1),
    (FileTimes, "mtime_ns", "-9223372036854775808", INT64_MIN),
    (FileTimes, "mtime_ns", "9223372036854775807", INT64_MAX),
    (FileTimes, "birthtime_ns", "0", 0),
    (FileTimes, "birthtime_ns", None, SAME),
    (FileTimes, "git_commit_sha", "A" * 40, SAME),
    (FileTimes, "git_commit_sha", None, SAME),
    (FileTimes, "sha256", "aF" * 32, SAME),
    (FileTimes, "size_bytes", INT64_MAX, SAME),
    (FileTimes, "inode", UINT64_MAX, SAME),
    (FileTimes, "device", UINT64_MAX, SAME),
    (FileTimes, "file_path", "a", SAME),
    (FileTimes, "file_path", "a" * 4096, SAME),
    (FileTimes, "file_path", "é" * 2048, SAME),
    (FileTimes, "file_path", "😀" * 1024, SAME),
    (FileTimes, "file_path", "/tmp/with space\tand\nnewline", SAME),
    (FileTimes, "file_path", Raw('"/\\ud83d\\ude00"'), "/😀"),
    (FilesystemTimestamps, "event_id", "00000000-0000-0000-0000-000000000000", SAME),
    (FilesystemTimestamps, "event_id", "5B0C7D1E-8F0A-4C59-9A63-2F1D3F6A7B10", SAME),
    (FilesystemTimestamps, "host", "x" * 255, SAME),
    (FilesystemTimestamps, "host", "東京-1", SAME),
    (FilesystemTimestamps, "platform", None, SAME),
    (FilesystemTimestamps, "captured_at", "2026-11-20T10:12:12Z", AT),
    (FilesystemTimestamps, "captured_at", "2026-11-20t10:12:12z", AT),
    (FilesystemTimestamps, "captured_at", "2026-11-20T10:12:12+00:00", AT),
    (FilesystemTimestamps, "captured_at", "2026-11-20T10:12:12-00:00", AT),
    (FilesystemTimestamps, "captured_at", "2026-11-20T15:57:12+05:45", AT),
    (FilesystemTimestamps, "captured_at", "2026-11-19T22:12:12-12:00", AT),
    (FilesystemTimestamps, "captured_at", "2026-11-20T10:12:12.5Z", AT.replace(microsecond=500_000)),
    (FilesystemTimestamps, "captured_at", "2026-11-20T10:12:12.123456Z", AT.replace(microsecond=123_456)),
    (FilesystemTimestamps, "captured_at", "2026-11-20T10:12:12.123456999Z", AT.replace(microsecond=123_456)),
    (FilesystemTimestamps, "captured_at", "1970-01-01T00:00:01Z", TIMESTAMP_MIN),
    (FilesystemTimestamps, "captured_at", "1969-12-31T12:00:01-12:00", TIMESTAMP_MIN),
    (FilesystemTimestamps, "captured_at", "2038-01-19T03:14:07.999999Z", TIMESTAMP_MAX),
    (FilesystemTimestamps, "captured_at", "2028-02-29T00:00:00Z", datetime(2028, 2, 29, tzinfo=UTC)),
    (ClockReading, "offset_microseconds", INT64_MIN, SAME),
    (ClockReading, "offset_microseconds", INT64_MAX, SAME),
    (ClockReading, "protocol", "PTP", SAME),
    (ClockReading, "protocol", "Browser", SAME),
    (ClockReading, "protocol", "Server", SAME),
    (ClockReading, "leap_status", "unsynchronised", SAME),
    (ClockReading, "last_sync_at", None, SAME),
    (ClockReading, "stratum", 0, SAME),
    (ClockReading, "stratum", 255, SAME),
    (ClockReading, "rtt_microseconds", 0, SAME),
    (ClockReading, "rtt_microseconds", 0.25, SAME),
    (ClockReading, "rtt_microseconds", Raw("1e3"), 1000.0),
    (ClockReading, "component_name", "c" * 100, SAME),
    (ClockReading, "component_name", "two words", SAME),
    (Submission, "submission_id", "s" * 128, SAME),
    (Submission, "dry_run", True, SAME),
    (Document, "metadata", {}, SAME),
    (Document, "metadata", {str(number): number for number in range(100)}, SAME),
    (Document, "metadata", {"k" * 128: [None, True, 1.5, "x", {"y": []}]}, SAME),
    (Document, "metadata", nested(5), SAME),
    (Document, "metadata", {"n": [INT64_MIN, UINT64_MAX]}, SAME),
    (Document, "metadata", {"NUL": "\x00"}, SAME),
]

DROPPED_FIELDS = {
    FilesystemTimestamps: ("platform", "filesystem_type"),
    FileTimes: (
        "git_commit_sha",
        "git_committed_at",
        "birthtime_ns",
        "size_bytes",
        "inode",
        "device",
        "sha256",
    ),
    ClockReading: (
        "last_sync_at",
        "stratum",
        "rtt_microseconds",
        "root_delay_microseconds",
        "root_dispersion_microseconds",
        "leap_status",
        "reference_id",
    ),
    Submission: ("dry_run",),
    Document: (),
}

REFUSED: list[tuple[type[BaseModel], str, Any]] = [
    (FileTimes, "mtime_ns", True),
    (FileTimes, "mtime_ns", 1.0),
    (FileTimes, "mtime_ns", Raw("1e3")),
    (FileTimes, "mtime_ns", 2**63),
    (FileTimes, "mtime_ns", -(2**63) - 1),
    (FileTimes, "mtime_ns", "9223372036854775808"),
    (FileTimes, "mtime_ns", "-9223372036854775809"),
    (FileTimes, "mtime_ns", ""),
    (FileTimes, "mtime_ns", " 1"),
    (FileTimes, "mtime_ns", "+1"),
    (FileTimes, "mtime_ns", "1.0"),
    (FileTimes, "mtime_ns", "0x10"),
    (FileTimes, "mtime_ns", "1_000"),
    (FileTimes, "mtime_ns", "١٢"),
    (FileTimes, "mtime_ns", None),
    (FileTimes, "mtime_ns", [1]),
    (FileTimes, "mtime_ns", Raw("NaN")),
    (FileTimes, "mtime_ns", Raw("01")),
    (FileTimes, "mtime_ns", Raw("1" * 5000)),
    (FileTimes, "size_bytes", -1),
    (FileTimes, "size_bytes", 2**63),
    (FileTimes, "size_bytes", "1"),
    (FileTimes, "inode", 2**64),
    (FileTimes, "inode", -1),
    (FileTimes, "file_path", ""),
    (FileTimes, "file_path", "a" * 4097),
    (FileTimes, "file_path", "é" * 2048 + "a"),
    (FileTimes, "file_path", "/srv/\x00"),
    (FileTimes, "file_path", Raw('"/\\ud800"')),
    (FileTimes, "file_path", Raw('"/\\udc00\\ud800"')),
    (FileTimes, "file_path", Raw('"/\\x41"')),
    (FileTimes, "file_path", 7),
    (FileTimes, "file_path", None),
    (FileTimes, "git_commit_sha", "a" * 39),
    (FileTimes, "git_commit_sha", "a" * 41),
    (FileTimes, "git_commit_sha", "g" * 40),
    (FileTimes, "git_commit_sha", ""),
    (FileTimes, "sha256", "a" * 63),
    (FileTimes, "sha256", "a" * 64 + "\n"),
    (FilesystemTimestamps, "event_id", "5b0c7d1e8f0a4c599a632f1d3f6a7b10"),
    (FilesystemTimestamps, "event_id", "{5b0c7d1e-8f0a-4c59-9a63-2f1d3f6a7b10}"),
    (FilesystemTimestamps, "event_id", "5b0c7d1e-8f0a-4c59-9a63-2f1d3f6a7b10\n"),
    (FilesystemTimestamps, "event_id", "x"),
    (FilesystemTimestamps, "event_id", 1),
    (FilesystemTimestamps, "host", ""),
    (FilesystemTimestamps, "host", "x" * 256),
    (FilesystemTimestamps, "host", "a\x00"),
    (FilesystemTimestamps, "host", "a\nb"),
    (FilesystemTimestamps, "host", "a\x1b[31m"),
    (FilesystemTimestamps, "host", "a\x7f"),
    (FilesystemTimestamps, "host", ["a"]),
    (FilesystemTimestamps, "platform", "p" * 65),
    (FilesystemTimestamps, "files", []),
    (FilesystemTimestamps, "files", [FILE] * 1001),
    (FilesystemTimestamps, "files", {}),
    (FilesystemTimestamps, "files", [FILE, None]),
    (FilesystemTimestamps, "files", None),
    (FilesystemTimestamps, "captured_at", "2026-11-20T10:12:12"),
    (FilesystemTimestamps, "captured_at", "2026-11-20"),
    (FilesystemTimestamps, "captured_at", "2026-11-20 10:12:12Z"),
    (FilesystemTimestamps, "captured_at", "2026-11-20T10:12Z"),
    (FilesystemTimestamps, "captured_at", "20261120T101212Z"),
    (FilesystemTimestamps, "captured_at", "2026-11-20T10:12:12+0100"),
    (FilesystemTimestamps, "captured_at", "2026-11-20T10:12:12+24:00"),
    (FilesystemTimestamps, "captured_at", "2026-11-20T10:12:12.Z"),
    (FilesystemTimestamps, "captured_at", "2026-11-20T10:12:12.1234567890Z"),
    (FilesystemTimestamps, "captured_at", "2026-11-20T10:12:12Z\n"),
    (FilesystemTimestamps, "captured_at", "1795169532"),
    (FilesystemTimestamps, "captured_at", 1795169532),
    (FilesystemTimestamps, "captured_at", 1795169532.5),
    (FilesystemTimestamps, "captured_at", True),
    (FilesystemTimestamps, "captured_at", None),
    (FilesystemTimestamps, "captured_at", "2016-12-31T23:59:60Z"),
    (FilesystemTimestamps, "captured_at", "2026-11-20T24:00:00Z"),
    (FilesystemTimestamps, "captured_at", "2026-02-29T00:00:00Z"),
    (FilesystemTimestamps, "captured_at", "2026-13-01T00:00:00Z"),
    (FilesystemTimestamps, "captured_at", "9999-12-31T23:59:59-12:00"),
    (FilesystemTimestamps, "captured_at", "0001-01-01T00:00:00Z"),
    (FilesystemTimestamps, "captured_at", "0001-01-01T00:00:00+14:00"),
    (FilesystemTimestamps, "captured_at", "0000-01-01T00:00:00Z"),
    (FilesystemTimestamps, "captured_at", "1970-01-01T00:00:00.999999Z"),
    (FilesystemTimestamps, "captured_at", "2038-01-19T03:14:08Z"),
    (FilesystemTimestamps, "captured_at", "٢٠٢٦-11-20T10:12:12Z"),
    (ClockReading, "protocol", "ntp"),
    (ClockReading, "protocol", "GPS"),
    (ClockReading, "protocol", None),
    (ClockReading, "leap_status", "unsynchronized"),
    (ClockReading, "offset_microseconds", False),
    (ClockReading, "offset_microseconds", 0.5),
    (ClockReading, "offset_microseconds", "1"),
    (ClockReading, "offset_microseconds", 2**63),
    (ClockReading, "offset_microseconds", Raw("1e999")),
    (ClockReading, "stratum", -1),
    (ClockReading, "stratum", 256),
    (ClockReading, "rtt_microseconds", -0.5),
    (ClockReading, "rtt_microseconds", True),
    (ClockReading, "rtt_microseconds", "900"),
    (ClockReading, "rtt_microseconds", 1.1e15),
    (ClockReading, "rtt_microseconds", Raw("NaN")),
    (ClockReading, "rtt_microseconds", Raw("Infinity")),
    (ClockReading, "rtt_microseconds", Raw("-Infinity")),
    (ClockReading, "rtt_microseconds", Raw("1e999")),
    (ClockReading, "component_name", "c" * 101),
    (ClockReading, "component_name", "api-gateway "),
    (ClockReading, "component_name", "a\tb"),
    (Submission, "submission_id", ""),
    (Submission, "submission_id", "s" * 129),
    (Submission, "submission_id", "release-1 "),
    (Submission, "dry_run", "false"),
    (Submission, "dry_run", 0),
    (Submission, "dry_run", None),
    (Submission, "documents", []),
    (Submission, "documents", [DOCUMENT] * 1001),
    (Document, "sha256", "0" * 40),
    (Document, "sha256", None),
    (Document, "path", "a\x00b"),
    (Document, "metadata", None),
    (Document, "metadata", []),
    (Document, "metadata", nested(6)),
    (Document, "metadata", nested(120)),
    (Document, "metadata", {"a": [[[[[1]]]]]}),
    (Document, "metadata", {str(number): number for number in range(101)}),
    (Document, "metadata", {"": 1}),
    (Document, "metadata", {"k" * 129: 1}),
    (Document, "metadata", {"n": UINT64_MAX + 1}),
    (Document, "metadata", {"n": [{"m": INT64_MIN - 1}]}),
    (Document, "metadata", Raw('{"n": NaN}')),
    (Document, "metadata", Raw('{"n": [1e999]}')),
]

NO_EVENTS = [
    b"",
    b" ",
    b"null",
    b"true",
    b"1",
    b'"text"',
    b"[]",
    b"{}",
    b"{",
    b"not json",
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf{}",
    b"[" * 100_000,
    b'{"a":' * 100_000,
]


def case_id(value: Any) -> str | None:
    if isinstance(value, type):
        return value.__name__
    text = value if isinstance(value, str) else repr(value)
    return ascii(text)[:40]


@pytest.mark.parametrize(("model", "field", "value", "expected"), ACCEPTED, ids=case_id)
def test_accepts(model, field, value, expected):
    sent = changed(model, field, value)
    parsed = getattr(parse(model, sent), field)
    assert parsed == (value if expected is SAME else expected)
    assert type(parsed) is not bool or isinstance(value, bool)
    SCHEMAS[OWNER.get(model, model)].validate(json.loads(sent))


@pytest.mark.parametrize(("model", "field", "value"), REFUSED, ids=case_id)
def test_refuses(model, field, value):
    with pytest.raises(ValidationError):
        parse(model, changed(model, field, value))


BEYOND_JSON_SCHEMA = {"mtime_ns", "file_path", "captured_at", "metadata"}
"""Fields of which the models refuse some values that no schema can: decimal strings past int64, bytes instead
of characters, the range of TIMESTAMP, depth. The descriptions in the generated schemas say it in words."""


@pytest.mark.parametrize(
    ("model", "field", "value"),
    [
        (model, field, value)
        for model, field, value in REFUSED
        if field not in BEYOND_JSON_SCHEMA
        # Not JSON, or a line end that Python's `$` lets pass and ECMAScript's does not.
        and not isinstance(value, Raw)
        and not (isinstance(value, str) and value.endswith("\n"))
    ],
    ids=case_id,
)
def test_the_generated_schema_refuses_it_too(model, field, value):
    assert not SCHEMAS[OWNER.get(model, model)].is_valid(json.loads(changed(model, field, value)))


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-20T10:12:12",
        "2026-11-20",
        "2026-11-20 10:12:12Z",
        "2026-13-01T00:00:00Z",
        "2026-11-20T24:00:00Z",
        "2016-12-31T23:59:60Z",
        "2026-11-20T10:12:12+24:00",
        "2026-11-20T10:12:12.1234567890Z",
        1795169532,
        None,
    ],
)
def test_the_generated_schema_refuses_what_is_no_rfc_3339_time(value):
    sent = json.loads(changed(FilesystemTimestamps, "captured_at", value))
    assert not SCHEMAS[FilesystemTimestamps].is_valid(sent)


@pytest.mark.parametrize("value", NO_EVENTS, ids=lambda value: repr(value[:12]))
@pytest.mark.parametrize("model", EXAMPLES)
def test_refuses_what_is_no_event(model, value):
    with pytest.raises(ValidationError):
        model.model_validate_json(value)


@pytest.mark.parametrize("model", [FilesystemTimestamps, FileTimes, ClockReading, Submission, Document])
def test_a_field_is_required_or_has_its_default(model):
    """The contract's optional fields, and no other, may be missing."""
    for field, info in model.__pydantic_fields__.items():
        if field in DROPPED_FIELDS[model]:
            assert getattr(parse(model, without(model, field)), field) == info.default
        else:
            with pytest.raises(ValidationError, match=field):
                parse(model, without(model, field))


@pytest.mark.parametrize("model", [FilesystemTimestamps, FileTimes, ClockReading, Submission, Document])
@pytest.mark.parametrize("value", [None, 2**70, "x" * 10_000, {"deep": nested(50)}], ids=lambda v: type(v).__name__)
def test_ignores_unknown_fields(model, value):
    parsed = parse(model, changed(model, "added_in_a_later_version", value))
    assert not hasattr(parsed, "added_in_a_later_version")


@pytest.mark.parametrize("count", [1, 1000])
def test_takes_from_one_to_a_thousand_files_and_documents(count):
    assert len(parse(FilesystemTimestamps, changed(FilesystemTimestamps, "files", [FILE] * count)).files) == count
    assert len(parse(Submission, changed(Submission, "documents", [DOCUMENT] * count)).documents) == count


def test_a_time_with_an_offset_is_the_same_instant_in_utc():
    parsed = parse(FilesystemTimestamps, changed(FilesystemTimestamps, "captured_at", "2026-11-20T12:12:12+02:00"))
    assert parsed.captured_at == datetime(2026, 11, 20, 10, 12, 12, tzinfo=UTC)


def test_a_refused_raw_utf8_sequence_is_a_validation_error():
    """Decoders that raise something else here would look like a bug of the worker."""
    good = changed(ClockReading, "component_name", "MARK")
    for wrong in (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"):
        with pytest.raises(ValidationError):
            ClockReading.model_validate_json(good.replace(b"MARK", wrong))


# --- any valid event survives the way over Kafka, and the generated schema takes what the model writes

int64 = st.integers(INT64_MIN, INT64_MAX)
uint64 = st.integers(0, UINT64_MAX)
spans = st.floats(0, 1e15, allow_nan=False) | st.integers(0, 10**15).map(float)
instants = st.datetimes(TIMESTAMP_MIN.replace(tzinfo=None), TIMESTAMP_MAX.replace(tzinfo=None), timezones=st.just(UTC))
paths = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=60)
identifiers = st.uuids().map(str)


def hexadecimal(length: int) -> st.SearchStrategy[str]:
    return st.text("0123456789abcdefABCDEF", min_size=length, max_size=length)


def printable(length: int) -> st.SearchStrategy[str]:
    characters = st.characters(exclude_characters="\x7f", exclude_categories=["Cs"], min_codepoint=0x20)
    return st.text(characters, min_size=1, max_size=length).filter(lambda text: not text.endswith(" "))


scalars = st.none() | st.booleans() | int64 | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20)
metadata = st.dictionaries(
    st.text(min_size=1, max_size=20),
    scalars | st.lists(scalars, max_size=3) | st.dictionaries(st.text(max_size=5), scalars, max_size=3),
    max_size=5,
)
files = st.builds(
    FileTimes,
    file_path=paths,
    atime_ns=int64,
    mtime_ns=int64,
    ctime_ns=int64,
    git_commit_sha=st.none() | hexadecimal(40),
    git_committed_at=st.none() | instants,
    birthtime_ns=st.none() | int64,
    size_bytes=st.none() | st.integers(0, INT64_MAX),
    inode=st.none() | uint64,
    device=st.none() | uint64,
    sha256=st.none() | hexadecimal(64),
)
documents = st.builds(Document, path=paths, sha256=hexadecimal(64), metadata=metadata)
events = st.one_of(
    st.builds(
        FilesystemTimestamps,
        event_id=identifiers,
        host=printable(255),
        captured_at=instants,
        platform=st.none() | printable(64),
        filesystem_type=st.none() | printable(64),
        files=st.lists(files, min_size=1, max_size=3),
    ),
    st.builds(
        ClockReading,
        event_id=identifiers,
        component_name=printable(100),
        protocol=st.sampled_from(Protocol.__args__),
        offset_microseconds=int64,
        last_sync_at=st.none() | instants,
        stratum=st.none() | st.integers(0, 255),
        rtt_microseconds=st.none() | spans,
        root_delay_microseconds=st.none() | spans,
        root_dispersion_microseconds=st.none() | spans,
        leap_status=st.none() | st.sampled_from(LeapStatus.__args__),
        reference_id=st.none() | printable(64),
    ),
    st.builds(
        Submission,
        event_id=identifiers,
        submission_id=printable(128),
        submitter=printable(255),
        submitted_at=instants,
        dry_run=st.booleans(),
        documents=st.lists(documents, min_size=1, max_size=3),
    ),
)


@settings(deadline=None)
@given(events)
def test_any_event_is_read_back_as_it_was_written(event):
    written = event.model_dump_json()
    assert type(event).model_validate_json(written) == event
    SCHEMAS[type(event)].validate(json.loads(written))


@settings(deadline=None)
@given(
    st.binary(max_size=200) | st.text(max_size=200).map(str.encode),
    st.sampled_from(sorted(EXAMPLES, key=str)),
)
def test_any_bytes_are_an_event_or_a_validation_error(value, model):
    read: Callable[[bytes], BaseModel] = model.model_validate_json
    with pytest.raises(ValidationError):
        read(value)

"""What is said between a worker and its judging processes arrives as it was said."""

from streams.judging import wire
from streams.plan import Announcement, DeadLetter, Plan, Violated
from tests.unit.records import FakeRecord


def body(packed: bytes) -> bytes:
    length = int.from_bytes(packed[: wire.LENGTH_BYTES], "big")
    assert len(packed) == wire.LENGTH_BYTES + length
    return packed[wire.LENGTH_BYTES :]


def test_records_keep_every_field() -> None:
    batches = [
        [FakeRecord(b"{}", offset=7, headers=(("traceparent", b"00-1"), ("tracestate", None))), FakeRecord(None)],
        [FakeRecord(b"\xff\x00", key=None, partition=3)],
    ]
    question = wire.read_question(body(wire.question(batches, forget=True, revision=12)))
    assert (question.forget, question.revision) == (True, 12)
    for sent, received in zip(batches, question.batches, strict=True):
        for one, other in zip(sent, received, strict=True):
            for name in ("topic", "partition", "offset", "timestamp", "timestamp_type", "key", "value", "headers"):
                assert getattr(one, name) == getattr(other, name), name


def test_plans_keep_every_field() -> None:
    record = FakeRecord()
    clean = Plan(record, "id-1", "filesystem_timestamps", {"filesystem_timestamps": ["('id-1')"]}, 0.25)
    violating = Plan(
        record,
        "id-2",
        "filesystem_timestamps",
        {"filesystem_timestamps": ["('id-2')"], "metadata_violations": ["('v')"]},
        0.5,
        announcements=[Announcement("violations.v1", "k", b"{}", (("traceparent", b"1"),))],
        violations=[Violated("s", "forensics", "high", 5)],
        shadow={("FS-1", 2): 3},
        indeterminate={"TS-1": 4},
    )
    dead = Plan(record, dead_letter=DeadLetter("invalid", "decode", "files: is missing"))
    (answered,) = wire.unpack(body(wire.answer([[clean, violating, dead]])))
    assert [wire.plan_of(record, plain) for plain in answered] == [clean, violating, dead]

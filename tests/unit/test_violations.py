"""A violation's row and message, which are made without the model that describes them."""

from typing import Any

import orjson
import pytest

from schemas.findings import SourceRef, Violation
from streams.judges.findings import Finding
from streams.plan import Plan
from streams.violations import add_findings
from tests.unit.records import NOW, NOW_US, FakeRecord
from tests.unit.standards.rules import rule

STANDARD = rule("FS-TEST-007", category="naming", severity="high")
EVENT_ID = "0197a3b2-0000-7000-8000-000000000001"


@pytest.mark.parametrize(
    ("observed", "evidence"),
    [
        ("/a b", {}),
        (None, {"delta_ns": -5, "explained_by": ["copy"], "ratio": 0.25, "nested": {"text": "ü \u2028 'q' \\ \"d\""}}),
        ("x" * 5000, {"nothing": None, "large": 2**63 - 1}),
    ],
)
def test_the_message_is_the_models(observed: str | None, evidence: dict[str, Any]) -> None:
    plan = Plan(FakeRecord())
    finding = Finding(STANDARD, "h:/a", "file_path", observed, "e" * 5000, "medium", evidence)
    ids = add_findings(
        plan, [finding], cause="row", event_id=EVENT_ID, event_time_us=NOW_US, detected_at_us=NOW_US, ruleset_revision=7
    )
    (announcement,) = plan.announcements
    message = Violation.model_validate_json(announcement.value)
    assert orjson.loads(announcement.value) == message.model_dump(mode="json")
    assert [message.id] == ids
    assert (announcement.topic, announcement.key) == ("violations.v1", "h:/a")
    assert message.source == SourceRef(topic=plan.record.topic, partition=1, offset=42)
    assert message.evidence == evidence
    assert message.event_time == message.detected_at == NOW
    assert message.observed == (None if observed is None else observed[:1024])
    assert [(v.category, v.severity, v.detected_at_us) for v in plan.violations] == [("naming", "medium", NOW_US)]
    (row,) = plan.rows["metadata_violations"]
    assert row.startswith(f"('{message.id}','{STANDARD.id}',1,'h:/a','file_path',")
    assert message.fingerprint in row

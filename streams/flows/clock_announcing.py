"""From what the clock judges decide to findings and to messages on drift-alerts.v1. Pure."""

from collections.abc import Mapping
from typing import Any

import orjson

from schemas.findings import DriftAlert, SourceRef
from streams.judges.clocks import Transition
from streams.judges.clocks.rules import Condition
from streams.judges.findings import Finding
from streams.plan import Announcement, Plan
from streams.standards.standard import Standard
from streams.violations import trace_headers


def finding_of(standard: Standard, component_name: str, condition: Condition, shared: Mapping[str, Any]) -> Finding:
    """The violation of a built-in standard by one component's clock."""
    return Finding(
        standard,
        component_name,
        standard.field,
        condition.observed,
        condition.expected,
        standard.severity,
        {**shared, **condition.evidence},
    )


def add_transition(
    plan: Plan, transition: Transition, document: Mapping[str, Any], source: tuple[int, int], revision: int
) -> None:
    """Announce an alert that begins or ends; `source` is (partition, offset) of the reading that it is about."""
    partition, offset = source
    alert = DriftAlert(
        **document,
        ruleset_revision=revision,
        source=SourceRef(topic=plan.record.topic, partition=partition, offset=offset),
    )
    value = orjson.dumps(alert.model_dump(mode="json"))
    plan.announcements.append(Announcement("drift-alerts.v1", alert.component_name, value, trace_headers(plan)))
    if transition.state == "firing":
        plan.drift_alerts.append((alert.kind, alert.severity))

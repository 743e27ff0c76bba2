"""Readings and their judgement, for tables of cases."""

from typing import Any

from schemas.events import ClockReading
from streams.judges.clocks import DEFAULT_LIMITS, Arrival, ClockState, Judgement, Limits, judge_reading
from streams.judges.clocks.rules import CODE_OF_KIND
from tests.unit.records import NOW_US

SECOND = 1_000_000
ACTIVE = dict.fromkeys((*CODE_OF_KIND.values(), "CLK-STEP", "CLK-CAUSALITY", "CLK-STRATUM", "CLK-PROTOCOL-CHANGED"), 1)
"""Every built-in standard of clocks is in force, in version 1."""


def reading(offset: int = 0, **fields: Any) -> ClockReading:
    return ClockReading(
        event_id=fields.pop("event_id", "0b1f7b4e-6a53-4b1c-9a55-2f5a1c1d9e11"),
        component_name=fields.pop("component_name", "api-gateway"),
        protocol=fields.pop("protocol", "NTP"),
        offset_microseconds=offset,
        **fields,
    )


class Clock:
    """One clock read again and again; `at` counts seconds from the first reading."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS, **fields: Any) -> None:
        self.limits = limits
        self.fields = fields
        self.state: ClockState | None = None
        self.seconds = 0.0

    def read(self, offset: int = 0, at: float | None = None, **options: Any) -> Judgement:
        self.seconds = self.seconds + 20 if at is None else at
        arrived_us = NOW_US + round(self.seconds * SECOND)
        read_at_us = arrived_us - round(options.pop("age", 0) * SECOND)
        judge_options = {name: options.pop(name) for name in ("speaks_for", "siblings", "active") if name in options}
        judgement = judge_reading(
            reading(offset, **{**self.fields, **options}),
            Arrival(read_at_us, arrived_us),
            self.state,
            self.limits,
            judge_options.pop("active", ACTIVE),
            **judge_options,
        )
        self.state = judgement.state or self.state
        return judgement

    def offsets(self, *offsets: int, **options: Any) -> Judgement:
        """Readings 20 s apart; the judgement of the last."""
        for offset in offsets[:-1]:
            self.read(offset, **options)
        return self.read(offsets[-1], **options)


def told(judgement: Judgement) -> list[tuple[str, str]]:
    """(kind, state) of the alerts that begin or end."""
    return [(transition.episode.kind, transition.state) for transition in judgement.transitions]


def codes(judgement: Judgement) -> list[str]:
    """The standards that are broken."""
    return sorted(code for code, _ in judgement.found)

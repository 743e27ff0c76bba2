"""What is remembered of a clock between its readings: plain values, written to the database as they are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["synchronized", "drifting", "error"]
STATUSES: tuple[Status, ...] = ("synchronized", "drifting", "error")
Certainty = Literal["proven", "uncertain", "indeterminate", "late"]
"""How sure a reading's status is: its bound may reach past the threshold (uncertain), its round trip may explain
an offset beyond it (indeterminate), or it came after a newer one and was only recorded (late)."""
Severity = Literal["warning", "critical"]
Kind = Literal[
    "offset",
    "offset_warning",
    "uncertain",
    "unsynchronised",
    "root_distance",
    "jitter",
    "predicted_crossing",
    "local_reference",
    "stale",
    "outlier",
    "reference_suspect",
]
WINDOW_READINGS = 8
KEPT_STEPS = 8


@dataclass(frozen=True, slots=True)
class Episode:
    """An alert between its beginning and its end."""

    alert_id: str
    kind: Kind
    severity: Severity
    starts_at_us: int
    last_seen_us: int
    peak_offset_microseconds: int
    occurrences: int = 1
    standard_code: str = ""
    standard_version: int = 0
    proven_readings: int = 0
    """Readings in a row whose whole interval of error lies beyond the threshold."""
    clear_readings: int = 0
    clear_since_us: int | None = None
    inhibited_by: str | None = None
    """The kind of alert that speaks for this one: nobody is told of it while that lasts."""

    def document(self) -> dict[str, Any]:
        """All of it, for JSON; `dataclasses.asdict` copies deeply and costs ten times as much."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Step:
    """A change of offset that no slewing clock makes."""

    at_us: int
    previous_at_us: int
    microseconds: int


@dataclass(frozen=True, slots=True)
class Point:
    """One reading as the statistics need it."""

    at_us: int
    arrived_us: int
    offset_microseconds: int


@dataclass(frozen=True, slots=True)
class ClockState:
    """One clock as its newest reading left it.

    `last_sync_at_us` orders the readings; `at_us` is when the reading was taken as far as can be told, and
    `arrived_us` when Kafka got it, by which silence is measured.
    """

    last_sync_at_us: int
    at_us: int
    arrived_us: int
    offset_microseconds: int
    bound_microseconds: float
    status: Status
    certainty: Certainty = "proven"
    event_id: str = ""
    source: tuple[int, int] = (0, 0)
    """(partition, offset) of the newest reading's record."""
    stratum: int | None = None
    leap_status: str | None = None
    reference_id: str | None = None
    rtt_microseconds: float | None = None
    root_delay_microseconds: float | None = None
    root_dispersion_microseconds: float | None = None
    window: tuple[Point, ...] = ()
    """The last readings since the last step, the oldest first."""
    steps: tuple[Step, ...] = ()
    """The last steps, the oldest first."""
    since_us: int = 0
    """When the clock was first read; 0 in a state that does not know."""
    episodes: Mapping[Kind, Episode] = field(default_factory=dict)

    @property
    def last_step(self) -> Step | None:
        """The newest step."""
        return self.steps[-1] if self.steps else None

    @property
    def main_episode(self) -> Episode | None:
        """The alert that a person asks for first."""
        worst = sorted(self.episodes.values(), key=lambda episode: (episode.severity, _ORDER.index(episode.kind)))
        return worst[0] if worst else None  # "critical" sorts before "warning"

    def memory(self) -> dict[str, Any]:
        """What columns of its own do not hold, as a JSON document."""
        return {
            "at_us": self.at_us,
            "since_us": self.since_us,
            "stratum": self.stratum,
            "leap_status": self.leap_status,
            "reference_id": self.reference_id,
            "rtt": self.rtt_microseconds,
            "root": [self.root_delay_microseconds, self.root_dispersion_microseconds],
            "window": [[p.at_us, p.arrived_us, p.offset_microseconds] for p in self.window],
            "steps": [[s.at_us, s.previous_at_us, s.microseconds] for s in self.steps],
            "episodes": [episode.document() for episode in self.episodes.values()],
        }


_ORDER: tuple[Kind, ...] = (
    "unsynchronised",
    "offset",
    "stale",
    "reference_suspect",
    "outlier",
    "predicted_crossing",
    "root_distance",
    "uncertain",
    "local_reference",
    "offset_warning",
    "jitter",
)


def state_from_memory(memory: Mapping[str, Any], **columns: Any) -> ClockState:
    """The state that `memory` and the columns beside it hold; an older version wrote fewer of its keys."""
    root_delay, root_dispersion = memory.get("root", (None, None))
    return ClockState(
        at_us=memory["at_us"],
        since_us=memory.get("since_us", 0),
        stratum=memory["stratum"],
        leap_status=memory["leap_status"],
        reference_id=memory["reference_id"],
        rtt_microseconds=memory["rtt"],
        root_delay_microseconds=root_delay,
        root_dispersion_microseconds=root_dispersion,
        window=tuple(Point(*point) for point in memory["window"]),
        steps=tuple(Step(*step) for step in memory["steps"]),
        episodes={found["kind"]: Episode(**found) for found in memory["episodes"]},
        **columns,
    )


def state_before_memory(alert: Mapping[str, Any] | None, **columns: Any) -> ClockState:
    """The state in a row of the first version, which knew of one alert and no past."""
    episodes: dict[Kind, Episode] = {}
    if alert is not None and "alert_id" in alert:
        known = {name: alert[name] for name in Episode.__slots__ if name in alert}
        code = "CLK-OFFSET" if alert["kind"] == "offset" else "CLK-UNSYNCHRONISED"
        known |= {"last_seen_us": columns["last_sync_at_us"], "standard_code": code, "standard_version": 1}
        episodes[alert["kind"]] = Episode(**known)
    return ClockState(at_us=columns["last_sync_at_us"], episodes=episodes, **columns)

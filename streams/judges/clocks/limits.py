"""The numbers that the clock rules compare with: one set a protocol, every number a setting."""

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.events import Protocol

PPM = 1e-6


@dataclass(frozen=True, slots=True)
class ProtocolLimits:
    """What one protocol can keep; microseconds."""

    threshold: int
    """|offset| above it is drift."""
    warning: int
    """|offset| above it deserves a word, though it is no drift; 0: never."""
    jitter: int
    """Scatter of the offsets above it is jitter; 0: never."""


_DEFAULTS: Mapping[Protocol, ProtocolLimits] = {
    "NTP": ProtocolLimits(10_000, 0, 1_000),
    "PTP": ProtocolLimits(10_000, 1, 1),
    "Browser": ProtocolLimits(100_000, 0, 10_000),
    "Server": ProtocolLimits(10_000, 1_000, 1_000),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """All numbers of the clock rules."""

    protocols: Mapping[Protocol, ProtocolLimits]
    clear_readings: int = 3
    """An alert ends after so many readings in a row that are clear of it ..."""
    clear_seconds: float = 60.0
    """... of which the last was taken so long after the first."""
    silence_seconds: float = 60.0
    """A clock is silent at the earliest after this ..."""
    silence_intervals: float = 3.0
    """... and after so many of its usual intervals."""
    predict_seconds: float = 3600.0
    """A crossing of the threshold is foretold when it is less than this away."""
    holdover_seconds: float = 24.0
    """A silent PTP clock counts as holding over for so long, then as running free."""
    wander_ppm: float = 15.0
    """How fast a clock that nobody corrects may run away."""

    def of(self, protocol: Protocol) -> ProtocolLimits:
        """The limits of one protocol."""
        return self.protocols[protocol]


DEFAULT_LIMITS = Limits(_DEFAULTS)

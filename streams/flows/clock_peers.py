"""The newest offset of every fresh clock that this worker knows of, by protocol: its own readings and the database's.

A storm is stopped where it begins: before an offset alert is told, the clock's peers are asked whether they have
all moved. Readings are put here as soon as they are fetched, so that a batch is judged knowing all of itself.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.events import Protocol
from streams.judges.clocks.facts import HISTORY_SECONDS
from streams.judges.clocks.limits import Limits
from streams.judges.clocks.peers import Peer, PeerVerdict, fresh, judge_peers


@dataclass(frozen=True, slots=True)
class Known:
    """A clock beside its peers, and where its newest reading is."""

    peer: Peer
    arrived_us: int
    event_id: str = ""
    source: tuple[int, int] = (0, 0)


class ClockPeers:
    """What `judge_peers` needs, kept up to date."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._known: dict[Protocol, dict[str, Known]] = defaultdict(dict)
        self._verdicts: dict[Protocol, PeerVerdict | None] = {}

    def heard(self, component: str, protocol: Protocol, known: Known) -> None:
        """A reading that is not late; one that arrived before what is known changes nothing."""
        before = self._known[protocol].get(component)
        if before is None or known.arrived_us >= before.arrived_us:
            self._known[protocol][component] = known
            self._verdicts.pop(protocol, None)

    def lost(self, component: str, protocol: Protocol) -> None:
        """The clock says that it is not synchronised: its offset means nothing to others."""
        if self._known[protocol].pop(component, None) is not None:
            self._verdicts.pop(protocol, None)

    def replace(self, rows: Iterable[Mapping[str, Any]], now_us: int) -> None:
        """Take the database's view; what was heard since stays, what is not fresh goes."""
        stored: dict[Protocol, dict[str, Known]] = defaultdict(dict)
        for row in rows:
            seconds = row["fresh_seconds"] or self._limits.silence_seconds
            stored[row["protocol"]][row["component_name"]] = Known(
                Peer(row["offset_microseconds"], row["at_us"], seconds),
                row["arrived_us"],
                row["event_id"] or "",
                (row["source_partition"] or 0, row["source_offset"] or 0),
            )
        for protocol, clocks in self._known.items():
            for component, known in clocks.items():
                before = stored[protocol].get(component)
                if before is None or known.arrived_us > before.arrived_us:
                    stored[protocol][component] = known
        self._known = defaultdict(dict)
        self._verdicts.clear()
        for protocol, clocks in stored.items():
            self._known[protocol] = {
                component: known
                for component, known in clocks.items()
                if now_us - known.arrived_us <= min(known.peer.fresh_seconds, HISTORY_SECONDS) * 1e6
            }

    def clocks(self, protocol: Protocol) -> Mapping[str, Known]:
        """The clocks of one protocol."""
        return self._known[protocol]

    def verdict(self, protocol: Protocol) -> PeerVerdict | None:
        """What they say of each other; None for fewer than three."""
        if protocol not in self._verdicts:  # asked for every reading of a storm
            peers = {component: known.peer for component, known in self._known[protocol].items()}
            self._verdicts[protocol] = judge_peers(fresh(peers), self._limits.of(protocol).threshold)
        return self._verdicts[protocol]

    def outliers(self) -> set[str]:
        """The components that are outliers by any protocol."""
        verdicts = [self.verdict(protocol) for protocol in list(self._known)]
        return {name for verdict in verdicts if verdict is not None for name in verdict.outliers}

    def speaks_for(self, component: str, protocol: Protocol) -> str | None:
        """`reference_suspect` if this clock moved together with most of its peers."""
        verdict = self.verdict(protocol)
        moved = verdict is not None and verdict.suspect == "moved" and component in verdict.moved
        return "reference_suspect" if moved else None

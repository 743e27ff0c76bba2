"""Alerts about clocks beside their peers: an outlier, or a reference that all of them follow. Awaits nothing."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, get_args

from schemas.events import Protocol
from streams.flows.clock_announcing import add_transition
from streams.flows.clock_peers import ClockPeers, Known
from streams.judges.clocks import ClockState, Episode, Kind, Limits, Transition
from streams.judges.clocks.alerts import ALL_COMPONENTS, of_state
from streams.judges.clocks.episodes import alert_id, cleared
from streams.judges.clocks.facts import HISTORY_SECONDS
from streams.judges.clocks.peers import LEAST_CLOCKS, OUTLIER_FRACTION, Peer, PeerVerdict
from streams.judges.clocks.rules import CLEAR_FRACTION, CODE_OF_KIND, Condition
from streams.judges.clocks.statistics import plain
from streams.plan import Plan
from streams.standards.ruleset import Ruleset
from streams.store.recall import peer_alert_row

_NAMED = 20
"""So many components an alert about a reference names; it is a message and not a table."""

_NOBODY = Known(Peer(0, 1_000_000, 0.0), 1_000_000)
"""Where no clock is left that an ending alert could be about."""

AlertKey = tuple[str, Protocol, Kind]
StateOf = Callable[[tuple[str, Protocol]], ClockState | None]
NewPlan = Callable[[tuple[int, int]], Plan]


def watch_peers(
    peers: ClockPeers,
    alerts: Mapping[AlertKey, Episode],
    rules: Ruleset,
    limits: Limits,
    new_plan: NewPlan,
    now_us: int,
    state_of: StateOf = lambda _: None,
) -> list[Plan]:
    """A plan for each alert that begins, is on its way to its end, or ends; `state_of` gives what alerts tell."""
    plans: list[Plan] = []
    for protocol in get_args(Protocol):
        verdict = peers.verdict(protocol)
        ours = {key: episode for key, episode in alerts.items() if key[1] == protocol}
        watch = _Watch(protocol, peers.clocks(protocol), verdict, rules, limits, new_plan, now_us, state_of)
        plans += watch.plans(ours)
    return plans


class _Watch:
    """One look at the clocks of one protocol."""

    def __init__(
        self,
        protocol: Protocol,
        clocks: Mapping[str, Known],
        verdict: PeerVerdict | None,
        rules: Ruleset,
        limits: Limits,
        new_plan: NewPlan,
        now_us: int,
        state_of: StateOf,
    ) -> None:
        self._protocol = protocol
        self._clocks = clocks
        self._verdict = verdict
        self._rules = rules
        self._limits = limits
        self._new_plan = new_plan
        self._now_us = now_us
        self._state_of = state_of

    def plans(self, alerts: Mapping[AlertKey, Episode]) -> Iterator[Plan]:
        """What changes."""
        for key, episode in alerts.items():
            yield from self._goes_on(key, episode)
        verdict = self._verdict
        if verdict is None:
            return
        suspect_key: AlertKey = (ALL_COMPONENTS, self._protocol, "reference_suspect")
        if verdict.suspect is not None and suspect_key not in alerts:
            yield from self._begins(suspect_key, _suspect_condition(verdict, self._limits.of(self._protocol).threshold))
        if verdict.suspect is not None or suspect_key in alerts:
            return  # whoever is an outlier while the reference is in doubt cannot be told
        for component in sorted(verdict.outliers):
            outlier_key: AlertKey = (component, self._protocol, "outlier")
            if outlier_key not in alerts:
                yield from self._begins(outlier_key, self._outlier_condition(component, verdict))

    def _goes_on(self, key: AlertKey, episode: Episode) -> Iterator[Plan]:
        clear = self._is_clear(key, episode)
        if clear is None:
            return
        if not clear:
            if episode.clear_readings:
                yield self._stored(key, replace(episode, clear_readings=0, clear_since_us=None))
            return
        after, transition = cleared(episode, self._now_us, self._limits)
        plan = self._stored(key, after)
        if transition is not None:
            self._announce(plan, key, transition)
        yield plan

    def _is_clear(self, key: AlertKey, episode: Episode) -> bool | None:
        """Whether this look counts towards the end; None where it tells nothing."""
        component, _, kind = key
        gone = self._now_us - episode.last_seen_us > HISTORY_SECONDS * 1e6
        if self._verdict is None:
            return gone or None
        if kind == "reference_suspect":
            return self._verdict.suspect is None
        if component not in self._verdict.distances:
            return gone or None
        allowed = CLEAR_FRACTION * OUTLIER_FRACTION * self._limits.of(self._protocol).threshold
        return self._verdict.distances[component] < allowed

    def _begins(self, key: AlertKey, condition: Condition) -> Iterator[Plan]:
        component, protocol, kind = key
        standard = self._rules.builtin(CODE_OF_KIND[kind])
        if standard is None:
            return
        newest = self._newest(component)
        episode = Episode(
            alert_id=alert_id(component, protocol, kind, newest.event_id),
            kind=kind,
            severity="critical" if kind == "reference_suspect" else "warning",
            starts_at_us=newest.peer.at_us,
            last_seen_us=self._now_us,
            peak_offset_microseconds=self._offset(component),
            standard_code=standard.code,
            standard_version=standard.version,
        )
        plan = self._stored(key, episode)
        self._announce(plan, key, Transition(episode, "firing", condition))
        yield plan

    def _outlier_condition(self, component: str, verdict: PeerVerdict) -> Condition:
        threshold = self._limits.of(self._protocol).threshold
        distance = verdict.distances[component]
        evidence = {"distance_microseconds": distance, "clocks": verdict.clocks}
        return Condition(
            plain(distance),
            f"|offset - median of the others| <= {plain(OUTLIER_FRACTION * threshold)} microseconds",
            evidence=evidence,
        )

    def _stored(self, key: AlertKey, episode: Episode | None) -> Plan:
        plan = self._new_plan(self._newest(key[0]).source)
        plan.rows["clock_peer_alerts"] = [peer_alert_row(*key, episode)]
        return plan

    def _announce(self, plan: Plan, key: AlertKey, transition: Transition) -> None:
        component, protocol, _ = key
        newest = self._newest(component)
        state = self._state_of((component, protocol))
        if state is None or state.event_id != newest.event_id:  # of all clocks, or nothing but its offset is known
            offset = self._offset(component)
            state = ClockState(
                last_sync_at_us=newest.peer.at_us,
                at_us=newest.peer.at_us,
                arrived_us=newest.arrived_us,
                offset_microseconds=offset,
                bound_microseconds=abs(offset),
                status="synchronized",
                event_id=newest.event_id,
            )
        document: dict[str, Any] = of_state(component, protocol, state, transition, self._now_us, self._limits)
        add_transition(plan, transition, document, newest.source, self._rules.revision)

    def _newest(self, component: str) -> Known:
        """The component's reading, or the newest of all of them."""
        if component in self._clocks:
            return self._clocks[component]
        return max(self._clocks.values(), key=lambda known: (known.peer.at_us, known.event_id), default=_NOBODY)

    def _offset(self, component: str) -> int:
        if component == ALL_COMPONENTS:
            return round(self._verdict.median_microseconds) if self._verdict else 0
        return self._newest(component).peer.offset_microseconds


def _suspect_condition(verdict: PeerVerdict, threshold: int) -> Condition:
    names = sorted(verdict.moved or verdict.outliers)
    evidence = {
        "reason": verdict.suspect,
        "clocks": verdict.clocks,
        "components": names[:_NAMED],
        "median_microseconds": verdict.median_microseconds,
        "least_clocks": LEAST_CLOCKS,
    }
    if verdict.suspect == "moved":
        observed = f"{len(names)} of {verdict.clocks} clocks are beyond {threshold} microseconds on one side, together"
    else:
        observed = f"{len(names)} of {verdict.clocks} clocks are outliers to the others"
    return Condition(observed, "at most half of the clocks moved together or are outliers", "critical", evidence)

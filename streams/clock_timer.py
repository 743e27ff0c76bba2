"""What no event tells: a clock that has become silent, and clocks that disagree with each other.

Every worker looks after the clocks of its own partitions, and the one with partition 0 holds all clocks against each
other; so an alert is raised once, however many workers there are. What is decided goes the way of everything else:
through the flow's memory and the recorder's one transaction. Alerts that fire are in the database, where the next
worker finds them. They are alerts and not violations: those are about events, of which there is none here.

Silence is counted from a reading's arrival by the database's clock, since that of a worker may be stepped like any
other and would make all clocks silent at once; and only up to where the partition has been read: a worker that comes
back after an hour does not take its own absence for the clocks' silence.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import mode
import structlog

from streams.clock_partitions import LEADING_PARTITION, Partitions
from streams.errors import RetriableError
from streams.flows.clock import ClockFlow, ClockKey
from streams.flows.clock_announcing import add_transition
from streams.flows.clock_peer_watch import watch_peers
from streams.judges.clocks import ClockState
from streams.judges.clocks.alerts import of_state
from streams.judges.clocks.facts import HISTORY_SECONDS
from streams.judges.clocks.silence import judge_silence
from streams.plan import Plan
from streams.recorder import Batch, Recorder
from streams.settings import Settings
from streams.standards.ruleset import Ruleset
from streams.store.recall import Recall

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class TimerRecord:
    """Stands where a plan has its record: the topic, and the place of the reading that the alert is about."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    timestamp_type: int | None = None
    key: bytes | None = None
    value: bytes | None = None
    headers: Sequence[tuple[str, bytes | None]] = ()


class ClockTimer(mode.Service):  # type: ignore[misc]
    """Looks every few seconds; a look that fails is repeated with the next."""

    def __init__(
        self,
        settings: Settings,
        flow: ClockFlow,
        recall: Recall,
        recorder: Recorder,
        rules: Callable[[], Ruleset],
        partitions: Partitions,
    ) -> None:
        super().__init__()
        self._every_seconds = settings.clock_timer_seconds
        self._topic = settings.topic(flow.topic)
        self._flow = flow
        self._recall = recall
        self._recorder = recorder
        self._rules = rules
        self._partitions = partitions

    @mode.Service.task  # type: ignore[untyped-decorator]
    async def _work(self) -> None:
        await self.sleep(self._every_seconds)
        while not self.should_stop:
            try:
                await self.look(await self._recall.now_us())
            except RetriableError as error:
                log.warning("clocks_not_looked_at", error=str(error))
            await self.sleep(self._every_seconds)

    async def look(self, now_us: int) -> int:
        """Look once; returns how many alerts began or ended."""
        generation, ours = self._partitions.generation(), self._partitions.caught_up()
        if not ours:
            return 0
        heard_until_us = await self._heard_until_us(ours, now_us)
        silent = await self._recall.silent_clocks(now_us, self._flow.limits.silence_seconds)
        self._flow.peers.replace(await self._recall.clock_peers(now_us - round(HISTORY_SECONDS * 1e6)), now_us)
        alerts = await self._recall.peer_alerts() if LEADING_PARTITION in ours else {}
        outliers = self._flow.peers.outliers() if LEADING_PARTITION in ours else set()
        stored_states = await self._recall.clock_states(sorted(outliers | {name for name, _, _ in alerts}))
        if self._partitions.generation() != generation:
            return 0
        # From here to the recorder's queue nothing is awaited: what is judged is in the queue in the order of
        # the judgements, as the readings are.
        rules = self._rules()
        plans = []
        for key, stored in silent.items():
            until_us = heard_until_us.get(stored.source[0])
            if until_us is not None and (plan := self._silence(key, stored, until_us, now_us, rules)):
                plans.append(plan)
        if LEADING_PARTITION in ours:
            blank = partial(self._plan, now_us=now_us)
            plans += watch_peers(
                self._flow.peers,
                alerts,
                rules,
                self._flow.limits,
                blank,
                now_us,
                lambda key: _newer(self._flow.known(key), stored_states.get(key)),
            )
        if plans:
            await self._recorder.put([Batch(self._partitions.event(generation), self._flow, plans)])
        return sum(len(plan.announcements) for plan in plans)

    async def _heard_until_us(self, ours: dict[int, bool], now_us: int) -> dict[int, int]:
        """Up to when each of our partitions is known: now, or where the reading of a backlog has got to."""
        behind = not all(ours.values())
        stored = await self._recall.heard_until_us() if behind else {}
        return {partition: now_us if done else stored.get(partition, 0) for partition, done in ours.items()}

    def _silence(self, key: ClockKey, stored: ClockState, until_us: int, now_us: int, rules: Ruleset) -> Plan | None:
        state = _newer(self._flow.known(key), stored) or stored
        standard = rules.builtin("CLK-STALE")
        judged = judge_silence(*key, state, until_us, self._flow.limits)
        if standard is None or judged is None:
            return None
        changed, transition = judged
        episode = replace(transition.episode, standard_version=standard.version)
        transition = replace(transition, episode=episode)
        plan = self._plan(state.source, now_us)
        self._flow.remember(plan, key, replace(changed, episodes={**changed.episodes, "stale": episode}))
        document = of_state(*key, state, transition, until_us, self._flow.limits)
        add_transition(plan, transition, document, state.source, rules.revision)
        return plan

    def _plan(self, source: tuple[int, int], now_us: int) -> Plan:
        return Plan(TimerRecord(self._topic, *source, now_us // 1000), from_timer=True)


def _newer(known: ClockState | None, stored: ClockState | None) -> ClockState | None:
    """Memory is ahead while readings wait to be stored, and behind where partitions have moved to and fro."""
    if known is None or stored is None:
        return known or stored
    return stored if known.arrived_us < stored.arrived_us else known

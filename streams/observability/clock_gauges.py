"""What is exported of every clock: its newest offset and state, and when it was read.

The flow tells of a reading as it judges it; a probe tells what the table says of all clocks, so that a worker that
just started knows them too, and one that lost a clock's partition does not go on telling an old offset.
"""

from streams.observability import metrics


class ClockGauges:
    """Keeps the newest reading of each clock; past the label limit, further components are told as `other`."""

    def __init__(self) -> None:
        self._components: set[str] = set()
        self._read_at: dict[tuple[str, str], float] = {}

    def tell(self, component: str, protocol: str, *, read_at: float, offset_seconds: float, state: int) -> None:
        """Export a reading, unless a newer one of the same clock was told already.

        Args:
            component: the component's name.
            protocol: NTP, PTP, Browser or Server.
            read_at: Unix time of the reading, in seconds.
            offset_seconds: positive: the clock is fast.
            state: 0 synchronized, 1 drifting, 2 error.
        """
        component = _printable(component)
        if component not in self._components and len(self._components) >= metrics.COMPONENT_LABEL_LIMIT:
            component = "other"
        else:
            self._components.add(component)
        key = component, protocol
        if read_at < self._read_at.get(key, 0.0):
            return
        self._read_at[key] = read_at
        metrics.CLOCK_OFFSET.labels(*key).set(offset_seconds)
        metrics.CLOCK_STATE.labels(*key).set(state)
        metrics.CLOCK_READ_AT.labels(*key).set(read_at)

    def forget(self, clocks: set[tuple[str, str]]) -> None:
        """Export these no longer: components that were taken out of service."""
        for key in {(_printable(component), protocol) for component, protocol in clocks} & self._read_at.keys():
            del self._read_at[key]
            for gauge in (metrics.CLOCK_OFFSET, metrics.CLOCK_STATE, metrics.CLOCK_READ_AT):
                gauge.remove(*key)
        self._components = {component for component, _ in self._read_at}


def _printable(component: str) -> str:
    """A label that acts on no terminal, and reads in one direction; nearly every name is one as it is."""
    return component if component.isprintable() else ascii(component)[1:-1]


CLOCKS = ClockGauges()
"""Of this process, as its metrics are."""

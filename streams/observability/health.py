"""/metrics, /livez and /readyz, served by a thread of their own: a hung event loop must not hide itself.

/livez    200 while the event loop turns and batches make progress; Kafka or the database being away does
          not fail it, because a restart would mend neither
/readyz   200 while partitions are assigned, the database answers and Kafka takes our messages
"""

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic, time

from prometheus_client.exposition import choose_encoder, gzip_accepted

from streams.observability.http_server import Answer, HttpServer, Request
from streams.observability.metrics import OLDEST_UNWRITTEN, REGISTRY

_LOOP_SILENT_SECONDS = 30.0
_REST = 40
"""How many times as long as it took the metrics are not made again: a fortieth of the worker's time for each form."""
_OPENMETRICS = "application/openmetrics-text"


@dataclass(slots=True)
class Health:
    """What the worker knows of itself; written by the event loop, read by the server's threads."""

    stall_seconds: float
    assigned: bool = False
    database_answers: bool = False
    kafka_answers: Callable[[], bool] = field(default=lambda: True)
    _ticked_at: float = field(default_factory=monotonic)
    _progressed_at: float = field(default_factory=monotonic)
    _waiting: list[float] = field(default_factory=list)

    def tick(self) -> None:
        """The event loop turns."""
        self._ticked_at = monotonic()

    def group_begins(self, oldest_record_at: float) -> None:
        """A group waits to be stored; `oldest_record_at` is its first record's Kafka time in seconds."""
        if not self._waiting:
            self._progressed_at = monotonic()
        self._waiting.append(oldest_record_at)

    def groups_end(self, count: int) -> None:
        """So many of the oldest waiting groups are done."""
        del self._waiting[:count]
        self._progressed_at = monotonic()

    def oldest_unwritten_seconds(self) -> float:
        """Age of the oldest record that waits; 0 if none does."""
        waiting = list(self._waiting)
        return max(0.0, time() - min(waiting)) if waiting else 0.0

    def problems_of_life(self) -> list[str]:
        """Why a restart would help; empty while it would not."""
        problems = []
        if (silent := monotonic() - self._ticked_at) > _LOOP_SILENT_SECONDS:
            problems.append(f"the event loop has not turned for {silent:.0f} s")
        outage = not (self.database_answers and self.kafka_answers())
        stalled = monotonic() - self._progressed_at
        if self._waiting and not outage and stalled > self.stall_seconds:
            problems.append(f"no batch was finished for {stalled:.0f} s")
        return problems

    def problems_of_readiness(self) -> list[str]:
        """Why no work gets done just now."""
        problems = [] if self.assigned else ["no partitions are assigned yet"]
        if not self.database_answers:
            problems.append("the database does not answer")
        if not self.kafka_answers():
            problems.append("kafka does not take our messages")
        return problems


class HealthServer:
    """Serves a Health and the metrics until closed."""

    def __init__(self, health: Health, host: str, port: int) -> None:
        self._health = health
        self._exposition = _Exposition()
        OLDEST_UNWRITTEN.set_function(health.oldest_unwritten_seconds)
        self._server = HttpServer(host, port, self._answer)
        self.port = self._server.port

    def close(self) -> None:
        """Stop serving and free the port."""
        self._server.close()

    def _answer(self, request: Request) -> Answer:
        if request.path == "/metrics":
            return self._exposition.answer(request.headers)
        checks = {"/livez": self._health.problems_of_life, "/readyz": self._health.problems_of_readiness}
        if request.path not in checks:
            return Answer("404 Not Found", b"/metrics, /livez, /readyz\n")
        problems = checks[request.path]()
        status = "503 Service Unavailable" if problems else "200 OK"
        return Answer(status, ("; ".join(problems) or "ok").encode() + b"\n")


class _Exposition:
    """The metrics as text in each of four forms; asked again at once, the same answer for a tenth of a second or so.

    Making it holds the interpreter's lock for milliseconds, in which the worker's loop waits.
    """

    def __init__(self) -> None:
        self._made: dict[tuple[bool, bool], tuple[float, Answer]] = {}
        """With the moment until which it serves."""

    def answer(self, headers: Mapping[str, str]) -> Answer:
        form = _OPENMETRICS in headers.get("accept", ""), gzip_accepted(headers.get("accept-encoding", ""))
        until, answer = self._made.get(form) or (0.0, None)
        began = monotonic()
        if answer is None or began >= until:
            answer = _exposition(*form)
            made = monotonic()
            self._made[form] = made + _REST * (made - began), answer
        return answer


def _exposition(openmetrics: bool, zipped: bool) -> Answer:
    encode, content_type = choose_encoder(f"{_OPENMETRICS}; version=1.0.0" if openmetrics else "")
    body = encode(REGISTRY)
    headers: tuple[tuple[str, str], ...] = (("Content-Type", content_type),)
    if zipped:
        body, headers = gzip.compress(body, 1), (*headers, ("Content-Encoding", "gzip"))
    return Answer("200 OK", body, headers)

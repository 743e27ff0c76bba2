"""Plays a written exposition: gauges as they stand, counters and histograms growing with every scrape."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

_EXPOSITIONS = Path(__file__).with_name("expositions")
_TYPE = re.compile(r"^# TYPE (\S+) (\S+)$", re.MULTILINE)


def exposition(name: str, scrape: int) -> str:
    """The text of the nth scrape, counted from 1."""
    text = (_EXPOSITIONS / f"{name}.txt").read_text()
    growing = tuple(metric for metric, kind in _TYPE.findall(text) if kind != "gauge")
    lines = []
    for line in text.splitlines():
        if growing and line.startswith(growing):
            sample, value = line.rsplit(" ", 1)
            line = f"{sample} {float(value) * scrape}"
        lines.append(line)
    return "\n".join(lines) + "\n"


@contextmanager
def exporter(name: str) -> Iterator[str]:
    """Serve an exposition at /metrics; gives the address, host:port."""
    scrapes = iter(range(1, 1_000_000))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = exposition(name, next(scrapes)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

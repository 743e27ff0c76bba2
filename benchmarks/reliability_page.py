"""docs/reliability.md: tables that `scripts/floods` and `scripts/soak` write between marks of their own."""

import os
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.stack import CHECKOUT
from streams.settings import PREFIX

PAGE = CHECKOUT / "docs" / "reliability.md"


def prepare_process() -> None:
    """No setting of the product counts here, and whoever ends the harness ends its servers: both out of `finally`."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def origin(document: dict[str, Any], others_percent: float | None) -> str:
    """Where numbers come from: the machine, the command, the revision."""
    machine = document["machine"]
    told = (
        f"`{document['command']}`, {document['started_at']}, revision `{document['git_revision']}`; {machine['cpu']},"
        f" {machine['cores']} cores, {machine['memory_gb']} GB, Python {machine['python']}; Kafka, the database, the"
        " sender and the worker share the cores"
    )
    return told + (f"; other programs took up to {others_percent:g} % of them." if others_percent else ".")


def add_pictures(pictures: Sequence[Path]) -> None:
    """Put pictures beside the page."""
    images = PAGE.parent / "images"
    images.mkdir(exist_ok=True)
    for picture in pictures:
        shutil.copy(picture, images / f"reliability-{picture.name}")


def write(name: str, text: str) -> None:
    """Put a text between the marks of a name; raises ValueError where the page lacks them."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    page = PAGE.read_text(encoding="utf-8")
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{PAGE}: lacks the marks {begin} and {end}")
    PAGE.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")

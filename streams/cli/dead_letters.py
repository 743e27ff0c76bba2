"""`cockpit dlq`: look at dead letters, and send them back once what was wrong is mended."""

import asyncio
import heapq
import json
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

import typer
from rich.table import Table

from streams.cli.terminal import cell, console, document, plain
from streams.errors import UserError
from streams.kafka.dead_letter_box import Letter, dead_letter_topics, read_letter, read_letters
from streams.kafka.dead_letter_replay import Replayer, refusal, replayer
from streams.kafka.security import client_log_silenced
from streams.producers.publish import kafka_errors_told
from streams.settings import Settings, load_settings

dlq_app = typer.Typer(help="Dead letters: records that could not be stored, byte for byte.", no_args_is_help=True)

_TOPIC = typer.Argument("", help="One input topic; default: all.")
_REASON = typer.Option("", help="Only this reason, such as invalid_json.")
_ROWS = 50
_HEX_BYTES = 512
_SEND_AT_ONCE = 100
_SENDS_A_SECOND = 5

T = TypeVar("T")


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(dlq_app, name="dlq")


@dlq_app.command("list")
def list_command(
    topic: str = _TOPIC,
    reason: str = _REASON,
    limit: int | None = typer.Option(None, min=1, help=f"So many of the newest; default: {_ROWS}, with --json all."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object a line."),
) -> None:
    """List dead letters, and count their reasons."""
    settings = load_settings()
    topics = dead_letter_topics(settings, topic)
    if as_json and limit is None:
        _run(_print_all(_letters(settings, topics, reason)), topics)
        return
    newest, counts = _run(_newest(_letters(settings, topics, reason), limit or _ROWS), topics)
    if as_json:
        for summary in newest:
            typer.echo(json.dumps(summary))
        return
    table = Table("dead letter", "from", "reason", "stage", "failed at", "bytes", "message")
    for summary in newest:
        at = "{topic} {partition}:{offset}".format_map(summary)
        source = "{source_topic} {source_partition}:{source_offset}".format_map(summary)
        said = ("" if summary[name] is None else summary[name] for name in ("reason", "stage", "failed_at", "bytes"))
        table.add_row(*map(cell, (at, source, *said, summary["message"])))
    if newest:
        console().print(table)
    total = counts.total()
    shown = f", the newest {len(newest)} are shown" if len(newest) < total else ""
    reasons = ", ".join(f"{plain(name)}: {number}" for name, number in counts.most_common())
    typer.echo(f"{total} dead letters{shown}" + (f" ({reasons})" if reasons else ""))


@dlq_app.command("show")
def show(
    topic: str = typer.Argument(..., help="The input topic or its dead-letter topic."),
    partition: int = typer.Argument(..., min=0),
    offset: int = typer.Argument(..., min=0),
    raw: bool = typer.Option(False, "--raw", help="Write the value's bytes to standard output, unchanged."),
) -> None:
    """Show one dead letter: headers, key and value."""
    settings = load_settings()
    topics = dead_letter_topics(settings, topic)
    letter = _run(read_letter(settings, topics[0], partition, offset), topics)
    if raw:
        sys.stdout.buffer.write(letter.value or b"")
        sys.stdout.flush()
        return
    for header, value in letter.headers:
        said = "null" if value is None else plain(value.decode("utf-8", "backslashreplace"))
        typer.echo(f"{plain(header)}: {said}")
    typer.echo(f"key: {_bytes(letter.key)}")
    typer.echo(f"value ({len(letter.value or b'')} bytes):\n{_value(letter.value)}")


@dlq_app.command("replay")
def replay(
    topic: str = _TOPIC,
    reason: str = _REASON,
    partition: int | None = typer.Option(None, min=0, help="Only this partition of the dead-letter topic."),
    offset: int | None = typer.Option(None, min=0, help="Only this offset; with --partition."),
    limit: int = typer.Option(1_000_000, min=1, help="At most so many, oldest first in each partition."),
    rate: float = typer.Option(500, min=0.1, help="Records a second."),
    force: bool = typer.Option(False, "--force", help="Also those that were replayed five times already."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Say what would be sent; send nothing."),
) -> None:
    """Send records back to their topics, unchanged. Safe to repeat: what is stored already is a duplicate."""
    if offset is not None and partition is None:
        raise UserError("--offset: means nothing without --partition: name both")
    settings = load_settings()
    topics = dead_letter_topics(settings, topic)
    chosen = _letters(settings, topics, reason, partition, offset)
    found, sent = _run(_replay(settings, chosen, limit, 0.0 if dry_run else rate, force=force), topics)
    if offset is not None and not found:
        raise UserError(f"--partition {partition} --offset {offset}: no such dead letter; see `cockpit dlq list`")
    typer.echo(f"{'would replay' if dry_run else 'replayed'} {sent} of {found} dead letters")
    if sent < found:
        raise typer.Exit(1)


async def _replay(
    settings: Settings, letters: AsyncGenerator[Letter, None], limit: int, rate: float, *, force: bool
) -> tuple[int, int]:
    """Returns how many letters there were and how many went; a rate of 0 only counts them."""
    at_once = max(1, min(_SEND_AT_ONCE, int(rate / _SENDS_A_SECOND)))
    found = sent = 0
    waiting: list[Letter] = []
    async with aclosing(letters), replayer(settings) as back:
        async for letter in letters:
            found += 1
            if (text := refusal(letter, settings, force=force)) is not None:
                _say_refused(text)
            elif rate:
                waiting.append(letter)
            else:
                sent += 1
            if len(waiting) >= at_once:
                sent += await _send(back, waiting, rate)
                waiting = []
            if found >= limit:
                break
        sent += await _send(back, waiting, rate) if waiting else 0
    return found, sent


async def _send(back: Replayer, letters: list[Letter], rate: float) -> int:
    # Both must be over: the acknowledgements, and the time that the rate allows for so many.
    refused, _ = await asyncio.gather(back.send(letters), asyncio.sleep(len(letters) / rate))
    for text in refused:
        _say_refused(text)
    return len(letters) - len(refused)


def _say_refused(text: str) -> None:
    typer.echo(f"not replayed: {plain(text)}", err=True)


def _run(work: Coroutine[Any, Any, T], topics: list[str]) -> T:
    with client_log_silenced(), kafka_errors_told(topics[0]):
        return asyncio.run(work)


async def _letters(
    settings: Settings, topics: list[str], reason: str, partition: int | None = None, offset: int | None = None
) -> AsyncGenerator[Letter, None]:
    async with aclosing(read_letters(settings, topics)) as letters:
        async for letter in letters:
            if (
                reason in ("", letter.reason)
                and partition in (None, letter.partition)
                and offset in (None, letter.offset)
            ):
                yield letter


async def _newest(letters: AsyncGenerator[Letter, None], limit: int) -> tuple[list[dict[str, Any]], Counter[str]]:
    """The newest letters, newest last, and all their reasons; a topic may hold more than memory does."""
    counts: Counter[str] = Counter()
    newest: list[tuple[tuple[int, str, int, int], dict[str, Any]]] = []
    async for letter in letters:
        counts[letter.reason] += 1
        # By place within a millisecond, for partitions are read in no order that repeats.
        entry = ((letter.timestamp_ms, letter.topic, letter.partition, letter.offset), _summary(letter))
        if len(newest) < limit:
            heapq.heappush(newest, entry)
        else:
            heapq.heappushpop(newest, entry)
    return [summary for _, summary in sorted(newest)], counts


async def _print_all(letters: AsyncGenerator[Letter, None]) -> None:
    async with aclosing(letters):
        async for letter in letters:
            typer.echo(json.dumps(_summary(letter)))


def _summary(letter: Letter) -> dict[str, Any]:
    return {
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "source_topic": letter.source_topic,
        "source_partition": letter.source_partition,
        "source_offset": letter.source_offset,
        "reason": letter.reason,
        "stage": letter.said("dlq.stage"),
        "failed_at": letter.said("dlq.failed_at"),
        "bytes": None if letter.value is None else len(letter.value),
        "replays": letter.replays,
        "message": letter.said("__dlq.errors.message"),
    }


def _value(value: bytes | None) -> str:
    """The value laid out where it is JSON (a key given twice is shown once: --raw has it all), or as it is."""
    try:
        return document(json.loads((value or b"").decode()))
    except (ValueError, RecursionError):
        return _bytes(value)


def _bytes(value: bytes | None) -> str:
    """One line, whatever the bytes are: more lines could pass for headers."""
    if value is None:
        return "null"
    try:
        return plain(value.decode())
    except UnicodeDecodeError:
        more = "" if len(value) <= _HEX_BYTES else f" … and {len(value) - _HEX_BYTES} bytes more"
        return f"not UTF-8; in hex: {value[:_HEX_BYTES].hex(' ')}{more}"

"""`cockpit dlq`: look at dead letters, and send them back once what was wrong is mended."""

import asyncio
import json
import sys
from collections import Counter
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from streams.cli.terminal import cell, plain
from streams.errors import UserError
from streams.kafka.dead_letter_box import (
    Letter,
    dead_letter_topics,
    read_letter,
    read_letters,
    replayed,
    sender,
)
from streams.producers.publish import client_log_silenced, kafka_errors_told
from streams.settings import Settings, load_settings

dlq_app = typer.Typer(help="Dead letters: records that could not be stored, byte for byte.", no_args_is_help=True)

_TOPIC = typer.Argument("", help="One input topic; default: all.")
_REASON = typer.Option("", help="Only this reason, such as invalid_json.")
_HEX_BYTES = 512
_SEND_AT_ONCE = 100


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(dlq_app, name="dlq")


@dlq_app.command("list")
def list_command(
    topic: str = _TOPIC,
    reason: str = _REASON,
    limit: int = typer.Option(50, min=1, help="Show so many of the newest; the counts are of all."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object a line, all of them."),
) -> None:
    """List dead letters with their reasons."""
    letters = _run(load_settings(), topic, reason)
    if as_json:
        for letter in letters:
            typer.echo(json.dumps(_summary(letter)))
        return
    table = Table("dead letter", "from", "reason", "stage", "failed at", "bytes", "message")
    for letter in letters[-limit:]:
        row = _summary(letter)
        table.add_row(*(cell(row[name]) for name in ("at", "from", "reason", "stage", "failed_at", "bytes", "message")))
    console = Console(soft_wrap=False)
    if letters:
        console.print(table)
    counts = Counter(letter.reason for letter in letters)
    said = ", ".join(f"{plain(name)}: {count}" for name, count in counts.most_common())
    typer.echo(f"{len(letters)} dead letters" + (f" ({said})" if said else ""))


@dlq_app.command("show")
def show(
    topic: str = typer.Argument(..., help="The input topic or its dead-letter topic."),
    partition: int = typer.Argument(..., min=0),
    offset: int = typer.Argument(..., min=0),
    raw: bool = typer.Option(False, "--raw", help="Write the value's bytes to standard output, unchanged."),
) -> None:
    """Show one dead letter: headers, key and value."""
    settings = load_settings()
    (name,) = dead_letter_topics(settings, topic)
    with client_log_silenced(), kafka_errors_told(name):
        letter = asyncio.run(read_letter(settings, name, partition, offset))
    if raw:
        sys.stdout.buffer.write(letter.value or b"")
        sys.stdout.flush()
        return
    for header, value in letter.headers:
        typer.echo(f"{plain(header)}: {plain(value.decode('utf-8', 'backslashreplace'))}")
    typer.echo(f"key: {_readable(letter.key)}")
    typer.echo(f"value ({len(letter.value or b'')} bytes):\n{_readable(letter.value)}")


@dlq_app.command("replay")
def replay(
    topic: str = _TOPIC,
    reason: str = _REASON,
    partition: int | None = typer.Option(None, min=0, help="Only this partition of the dead-letter topic."),
    offset: int | None = typer.Option(None, min=0, help="Only this offset; with --partition."),
    limit: int = typer.Option(1_000_000, min=1, help="At most so many, oldest first."),
    rate: float = typer.Option(500, min=1, help="Records a second."),
    force: bool = typer.Option(False, "--force", help="Also those that were replayed five times already."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Say what would be sent; send nothing."),
) -> None:
    """Send records back to their topics, unchanged. Safe to repeat: what is stored already is a duplicate."""
    if offset is not None and partition is None:
        raise UserError("--offset: means nothing without --partition: name both")
    settings = load_settings()
    letters = [
        letter
        for letter in _run(settings, topic, reason)
        if partition in (None, letter.partition) and offset in (None, letter.offset)
    ][:limit]
    outgoing, refused = [], []
    for letter in letters:
        try:
            outgoing.append(replayed(letter, settings, force=force))
        except UserError as error:
            refused.append(str(error))
    for text in refused:
        typer.echo(f"not replayed: {plain(text)}", err=True)
    if not dry_run and outgoing:
        with client_log_silenced(), kafka_errors_told(outgoing[0].topic):
            asyncio.run(_send(settings, outgoing, rate))
    typer.echo(f"{'would replay' if dry_run else 'replayed'} {len(outgoing)} of {len(letters)} dead letters")
    if refused:
        raise typer.Exit(1)


async def _send(settings: Settings, outgoing: list[Any], rate: float) -> None:
    async with sender(settings) as announcer:
        for start in range(0, len(outgoing), _SEND_AT_ONCE):
            chunk = outgoing[start : start + _SEND_AT_ONCE]
            # Both must be over: the acknowledgements, and the time that the rate allows for so many.
            await asyncio.gather(announcer.send_all(chunk), asyncio.sleep(len(chunk) / rate))


def _run(settings: Settings, topic: str, reason: str) -> list[Letter]:
    topics = dead_letter_topics(settings, topic)

    async def read() -> list[Letter]:
        return [letter async for letter in read_letters(settings, topics) if reason in ("", letter.reason)]

    with client_log_silenced(), kafka_errors_told(topics[0]):
        return asyncio.run(read())


def _summary(letter: Letter) -> dict[str, Any]:
    return {
        "at": f"{letter.topic} {letter.partition}:{letter.offset}",
        "from": letter.source,
        "reason": letter.reason,
        "stage": letter.said("dlq.stage"),
        "failed_at": letter.said("dlq.failed_at"),
        "bytes": None if letter.value is None else len(letter.value),
        "message": letter.said("__dlq.errors.message"),
    }


def _readable(value: bytes | None) -> str:
    if value is None:
        return "null"
    try:
        text = json.dumps(json.loads(value.decode()), indent=2)
    except (ValueError, RecursionError):
        pass
    else:
        return text  # json.dumps escapes whatever a terminal would act on
    try:
        decoded = value.decode()
    except UnicodeDecodeError:
        more = "" if len(value) <= _HEX_BYTES else f" … and {len(value) - _HEX_BYTES} bytes more"
        return f"not UTF-8; in hex: {value[:_HEX_BYTES].hex(' ')}{more}"
    return "\n".join(plain(line) for line in decoded.split("\n"))

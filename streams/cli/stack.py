"""`cockpit up`, `cockpit down` and `cockpit status`: the local stack."""

import signal
from time import monotonic

import typer
from rich.table import Table

from streams.cli.terminal import cell, console, inline
from streams.local.stack import Stack
from streams.settings import STACK_ENV, DatabaseAddress, Settings, load_settings

_NOT_UP = 3


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("up")(up)
    app.command("down")(down)
    app.command("status")(status)


def up() -> None:
    """Start a local Kafka and MariaDB; a server that the environment names is used instead."""
    # SIGTERM cleans up as Ctrl-C does: no half-started server stays behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    screen = console(highlight=False, soft_wrap=True)
    settings, stack = _settings_and_stack()
    for name, address in _given(settings).items():
        screen.print(f"{name}: {inline(address)} is set in the environment: it is used and not started")
    began = monotonic()
    with screen.status("local stack"):
        addresses = stack.start(lambda step: screen.print(f"[dim]{step} …[/dim]"))
    screen.print(f"[green]up[/green] in {monotonic() - began:.1f} s")
    screen.print(f"  Kafka     {addresses.kafka_bootstrap}")
    screen.print(f"  database  {DatabaseAddress(addresses.database_url)!r}")
    if stack.env_file.exists():
        screen.print(f"  settings  {STACK_ENV} (read by every cockpit command started in this folder)")


def down(wipe: bool = typer.Option(False, "--wipe", help="Also delete the data of both servers.")) -> None:
    """Stop what `cockpit up` started; the data stays."""
    screen = console(highlight=False, soft_wrap=True)
    stopped = Stack(STACK_ENV.parent).stop(wipe=wipe)
    screen.print(f"stopped: {', '.join(stopped) or 'nothing was running'}{'; data deleted' if wipe else ''}")


def status() -> None:
    """Show what runs; exit 0 when all of the stack is up, 3 when not."""
    settings, stack = _settings_and_stack()
    table = Table("server", "state", "pid", "port", "log")
    states = stack.status()
    for state in states:
        text = "[green]up[/green]" if state.answers else "[red]does not answer[/red]" if state.running else "stopped"
        table.add_row(state.name, text, str(state.pid or ""), str(state.port or ""), cell(state.log))
    screen = console(highlight=False, soft_wrap=True)
    if states:
        screen.print(table)
    for name, address in _given(settings).items():
        screen.print(f"{name}: {inline(address)} is set in the environment and not ours to start")
    if not all(state.answers for state in states):
        raise typer.Exit(_NOT_UP)


def _settings_and_stack() -> tuple[Settings, Stack]:
    """The settings without the stack's own file, and the stack of what they leave to be started."""
    settings = load_settings(_env_file=None)
    given = settings.model_fields_set
    return settings, Stack(
        STACK_ENV.parent,
        kafka_bootstrap=settings.kafka_bootstrap if "kafka_bootstrap" in given else None,
        database_url=settings.database_url.get_secret_value() if "database_url" in given else None,
    )


def _given(settings: Settings) -> dict[str, str]:
    """The servers that the environment names, with their addresses; no password."""
    given = {}
    if "kafka_bootstrap" in settings.model_fields_set:
        given["COCKPIT_KAFKA_BOOTSTRAP"] = settings.kafka_bootstrap
    if "database_url" in settings.model_fields_set:
        given["COCKPIT_DATABASE_URL"] = repr(settings.database)
    return given

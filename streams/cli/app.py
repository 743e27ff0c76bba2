"""`cockpit`: every group of commands, put together."""

import importlib

import typer

from streams import __version__

_GROUPS = (
    "stack",
    "setup",
    "users",
    "worker",
    "standards",
    "violations",
    "report",
    "capture",
    "clock",
    "submit",
    "dead_letters",
    "tiflash",
)


def build_cli() -> typer.Typer:
    """The whole command line; each module of `_GROUPS` registers its own commands."""
    app = typer.Typer(
        name="cockpit",
        help="Metadata governance on a stream: file times, clocks and submissions, judged and recorded.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )
    app.callback()(_root)
    for group in _GROUPS:
        importlib.import_module(f"streams.cli.{group}").register(app)
    return app


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    pass

"""What the commands on standards share: reading the registry, and naming what is not in it."""

from collections.abc import Awaitable, Callable
from difflib import get_close_matches
from typing import TypeVar

from streams.errors import UserError
from streams.settings import load_settings
from streams.standards.standard import Standard
from streams.store import standards as store
from streams.store.database import Database

Answer = TypeVar("Answer")


async def read(work: Callable[[Database], Awaitable[Answer]]) -> Answer:
    """Do one thing with the database."""
    async with Database(load_settings(), connections=2) as database:
        return await work(database)


async def known_versions(database: Database, code: str) -> list[Standard]:
    """All versions of a standard, in order; raises UserError for a code that is not in the registry."""
    versions = (await store.load_versions(database, code)).get(code)
    shown = await store.load_standards(database)
    if versions is None:
        versions = [standard for standard in shown if standard.code == code]  # put there by hand, and not yet seen
    if not versions:
        raise unknown(code, [standard.code for standard in shown])
    return versions


def unknown(code: str, codes: list[str]) -> UserError:
    """The error for a code that does not exist."""
    close = get_close_matches(code.upper(), codes, 3)
    hint = f"did you mean {' or '.join(close)}?" if close else "`cockpit standards list` shows all"
    return UserError(f"standard {code!a}: is not in the registry: {hint}")


def version_of(versions: list[Standard], number: int) -> Standard:
    """One version; raises UserError naming those that there are."""
    for version in versions:
        if version.version == number:
            return version
    known = ", ".join(str(version.version) for version in versions)
    raise UserError(f"standard {versions[0].code}: version {number}: does not exist; there is {known}")

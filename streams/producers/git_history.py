"""The last commit of every tracked file of a work tree, from one pass over its history."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from schemas.fields import TIMESTAMP_MAX, TIMESTAMP_MIN

_SHA1_CHARACTERS = 40
_CHUNK_BYTES = 65_536
_MOST_PATHSPECS = 100
_ENTRY = ".git"
# A repository's own settings can name programs that git would run; those that these commands touch are off.
_GIT = (
    "git",
    "--no-optional-locks",
    "--literal-pathspecs",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "log.showSignature=false",
)
# Set inside a git hook, these would point git at another repository than the files'.
_REDIRECTING = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX")


@dataclass(frozen=True, slots=True)
class Commit:
    """The commit that touched a file last."""

    sha: str
    committed_at: datetime | None
    """The committer's date; None where it lies outside what a TIMESTAMP holds."""


class GitHistory:
    """Looks up commits by path; each work tree's history is read once, when its first file is asked for."""

    def __init__(self, roots: Sequence[Path] = ()) -> None:
        """`roots` narrow the history to the files below them; paths outside are still answered with None."""
        self._roots = [os.path.realpath(root) for root in roots]
        self._commits: dict[str, dict[str, Commit]] = {}
        self.problems: dict[str, str] = {}
        """What git said of work trees whose history it would not show."""
        self._work_tree = lru_cache(maxsize=65_536)(self._find_work_tree)

    def last_commit(self, path: str) -> Commit | None:
        """The last commit of an absolute path; None for untracked files and outside work trees."""
        tree = self._work_tree(os.path.dirname(path))  # noqa: PTH120 - text all along
        if tree is None:
            return None
        if tree not in self._commits:
            self._commits[tree] = self._read(tree)
        return self._commits[tree].get(os.path.relpath(path, tree).replace(os.sep, "/"))

    def _find_work_tree(self, folder: str) -> str | None:
        if os.path.basename(folder) == _ENTRY:  # noqa: PTH119 - text all along
            return None  # git's own files are not tracked
        if os.path.lexists(os.path.join(folder, _ENTRY)):  # noqa: PTH118 - text all along
            return folder
        parent = os.path.dirname(folder)  # noqa: PTH120 - text all along
        return None if parent == folder else self._work_tree(parent)

    def _read(self, tree: str) -> dict[str, Commit]:
        pathspecs = [
            os.path.relpath(root, tree) for root in self._roots if root == tree or root.startswith(tree + os.sep)
        ]
        if len(pathspecs) > _MOST_PATHSPECS:  # a command line holds only so many
            pathspecs = []
        try:
            tracked = _run(tree, "ls-files", "-z", "--", *pathspecs)
            shallow = Path(tree, os.fsdecode(_run(tree, "rev-parse", "--git-path", "shallow")).rstrip("\n"))
        except FileNotFoundError:
            return {}
        except subprocess.CalledProcessError as error:
            self.problems[tree] = " ".join(error.stderr.decode(errors="replace").split())
            return {}
        wanted = {os.fsdecode(name) for name in tracked.split(b"\0") if name}
        # In a shallow clone the last commits seem to have touched everything: who really did is not known.
        boundary = set(shallow.read_text(encoding="ascii").split()) if shallow.is_file() else set()
        found = last_commits(_log(tree, pathspecs), wanted)
        return {name: commit for name, commit in found.items() if commit.sha not in boundary}


def last_commits(tokens: Iterator[str], wanted: set[str]) -> dict[str, Commit]:
    """The first commit that names each wanted file, in a log that begins with the newest.

    `tokens` are the NUL-separated parts of `git log -z --name-only --format='/%H %ct'`: a tracked name never
    begins with a slash, so that a commit's line cannot be taken for one. Stops when every file is known.
    """
    left, found = set(wanted), {}
    commit: Commit | None = None
    first = False
    for token in tokens:
        if not left:
            break
        if token.startswith("/"):
            sha, _, seconds = token[1:].partition(" ")
            commit, first = _commit(sha, int(seconds)), True
            continue
        # Git ends a commit's line with a line feed that comes after the NUL.
        name, first = (token.removeprefix("\n") if first else token), False
        if commit and name in left:
            left.discard(name)
            found[name] = commit
    return found


def _commit(sha: str, seconds: int) -> Commit | None:
    if len(sha) != _SHA1_CHARACTERS:  # a repository of SHA-256: the contract has no place for its names
        return None
    within = TIMESTAMP_MIN.timestamp() <= seconds <= TIMESTAMP_MAX.timestamp()
    return Commit(sha, datetime.fromtimestamp(seconds, UTC) if within else None)


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _REDIRECTING} | {"LC_ALL": "C"}


def _run(tree: str, *arguments: str) -> bytes:
    done = subprocess.run([*_GIT, "-C", tree, *arguments], capture_output=True, check=True, env=_environment())
    return done.stdout


def _log(tree: str, pathspecs: Sequence[str]) -> Iterator[str]:
    # -c names the files of a merge that differ from both sides: those that the merge itself wrote.
    options = ("-z", "-c", "--no-renames", "--name-only", "--no-relative", "--no-show-signature", "--format=/%H %ct")
    command = [*_GIT, "-C", tree, "log", *options, "--", *pathspecs]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=_environment()
    ) as process:
        assert process.stdout is not None
        try:
            rest = b""
            while chunk := process.stdout.read1(_CHUNK_BYTES):  # type: ignore[attr-defined]
                *tokens, rest = (rest + chunk).split(b"\0")
                yield from map(os.fsdecode, tokens)
        finally:
            process.kill()  # all files are known, or it has ended by itself

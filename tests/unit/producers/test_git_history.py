"""A real repository, with merges and awkward names."""

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from streams.producers.files import capture
from streams.producers.git_history import GitHistory, last_commits

SHA_A, SHA_B = "a" * 40, "b" * 40


class Repository:
    def __init__(self, root):
        self.root = root
        self.seconds = 1_700_000_000
        root.mkdir()
        self("init", "-q", "-b", "main")

    def __call__(self, *arguments, check=True):
        identity = {f"GIT_{who}_{what}": "x@y" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        dates = {"GIT_AUTHOR_DATE": "1600000000 +0000", "GIT_COMMITTER_DATE": f"{self.seconds} +0200"}
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.root), **identity, **dates}
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, env=environment, check=check, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, **contents):
        for name, content in contents.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        self.seconds += 60
        self("add", "-A")
        self("commit", "-q", "--allow-empty", "-m", "m")
        return self("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "repository")


def shas(repository, *names, roots=()):
    history = GitHistory(roots)
    found = [history.last_commit(str(repository.root / name)) for name in names]
    assert history.problems == {}
    return [commit and commit.sha for commit in found]


def test_each_file_has_the_commit_that_touched_it_last(repository):
    awkward = {"new\nline": "1", "\nleading": "1", 'quo"te': "1", "ümlaut": "1", "-dash": "1", ":(glob)*": "1"}
    first = repository.commit(a="1", b="1", **{"d/c": "1"}, **awkward)
    second = repository.commit(b="2")
    repository.commit()
    third = repository.commit(**{"d/c": "2"})
    (repository.root / "untracked").touch()
    (repository.root / "a").write_text("not committed")
    assert shas(repository, "a", "b", "d/c", "untracked") == [first, second, third, None]
    assert shas(repository, *awkward) == [first] * len(awkward)


def test_the_time_is_the_committers(repository):
    repository.commit(a="1")
    commit = GitHistory().last_commit(str(repository.root / "a"))
    assert commit is not None
    assert commit.committed_at == datetime.fromtimestamp(repository.seconds, UTC)


def test_merges_count_for_what_they_themselves_wrote(repository):
    repository.commit(a="1", b="1", c="1")
    repository("checkout", "-q", "-b", "side")
    side = repository.commit(a="side", c="side")
    repository("checkout", "-q", "main")
    main = repository.commit(b="main", c="main")
    repository("merge", "-q", "--no-commit", "side", check=False)  # a conflict in c
    merge = repository.commit(c="by hand")
    assert len(repository("rev-parse", f"{merge}^@").split()) == 2
    assert shas(repository, "a", "b", "c") == [side, main, merge]


def test_renamed_readded_and_old_files(repository):
    repository.commit(a="1", b="1", old="1")
    (repository.root / "a").rename(repository.root / "renamed")
    renamed = repository.commit()
    (repository.root / "b").unlink()
    repository.commit()
    readded = repository.commit(b="1")
    assert shas(repository, "renamed", "b", "a") == [renamed, readded, None]


def test_roots_narrow_the_history_and_change_no_answer(repository):
    first = repository.commit(**{"d/a": "1", "e/a": "1"})
    repository.commit(**{"e/a": "2"})
    assert shas(repository, "d/a", roots=[repository.root / "d"]) == [first]
    assert shas(repository, "d/a", roots=[repository.root / "d" / "a"]) == [first]


def test_nested_repositories_answer_for_their_own_files(repository):
    outer = repository.commit(a="1")
    inner = Repository(repository.root / "inner")
    nested = inner.commit(a="1")
    assert shas(repository, "a", "inner/a", ".git/config") == [outer, nested, None]


def test_a_shallow_clone_does_not_blame_its_oldest_commit(repository):
    repository.commit(a="1", b="1")
    repository.commit(a="2")
    last = repository.commit(a="3")
    clone = repository.root.parent / "clone"
    repository("clone", "-q", "--depth", "2", f"file://{repository.root}", str(clone))
    history = GitHistory()
    commit = history.last_commit(str(clone / "a"))
    assert commit is not None
    assert commit.sha == last
    assert history.last_commit(str(clone / "b")) is None


def test_without_a_commit_or_a_repository_there_is_nothing(repository, tmp_path):
    (repository.root / "a").touch()
    assert shas(repository, "a") == [None]
    assert GitHistory().last_commit(str(tmp_path / "elsewhere")) is None


def test_a_repository_that_git_cannot_read_is_reported(tmp_path):
    (tmp_path / ".git").write_text("gitdir: nowhere\n")
    history = GitHistory()
    assert history.last_commit(str(tmp_path / "a")) is None
    assert "nowhere" in history.problems[str(tmp_path)]


def test_without_git_there_is_nothing(repository, monkeypatch, tmp_path):
    repository.commit(a="1")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shas(repository, "a") == [None]


def test_inside_a_hook_git_still_looks_at_the_files_own_repository(repository, monkeypatch, tmp_path):
    first = repository.commit(a="1")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    assert shas(repository, "a") == [first]


def test_capture_carries_the_commits(repository):
    first = repository.commit(a="1")
    (repository.root / "b").touch()
    events = list(
        capture([repository.root / "a", repository.root / "b"], host="h", history=GitHistory([repository.root]))
    )
    found = {Path(file.file_path).name: file.git_commit_sha for event in events for file in event.files}
    assert found == {"a": first, "b": None}


def test_the_log_is_left_as_soon_as_every_file_is_known():
    def tokens():
        yield from (f"/{SHA_A} 1700000000", "\na", "other")
        yield from (f"/{SHA_B} 99999999999", "\nb", "a")
        raise AssertionError("read on although all is known")

    found = last_commits(tokens(), {"a", "b"})
    assert {name: commit.sha for name, commit in found.items()} == {"a": SHA_A, "b": SHA_B}
    assert found["b"].committed_at is None  # beyond what a TIMESTAMP holds


def test_commits_named_by_sha256_are_left_out():
    assert last_commits(iter([f"/{'c' * 64} 1700000000", "\na"]), {"a"}) == {}

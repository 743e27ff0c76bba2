"""Real files, whose times are set for real."""

import hashlib
import os
import socket
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from schemas import FilesystemTimestamps
from streams.errors import UserError
from streams.producers import files
from streams.producers.files import Omissions, canonical_path, capture, filesystem_type, parse_mountinfo

MOUNTINFO = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 253:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 27 0:30 / /mnt/a\\040disk rw shared:2 master:1 - xfs /dev/vdb rw
31 27 0:31 / /srv rw - ext4 /dev/vdc rw
32 31 0:32 / /srv rw - fuse.sshfs host:/ rw
"""


def captured(*paths, **options):
    omissions = Omissions()
    events = list(capture(paths, host="h", omissions=omissions, **options))
    for event in events:
        FilesystemTimestamps.model_validate_json(event.model_dump_json(exclude_none=True))
    return events, omissions


def names(events):
    return [Path(file.file_path).name for event in events for file in event.files]


def test_times_are_those_of_stat_to_the_nanosecond(tmp_path):
    path = tmp_path / "a.py"
    path.write_bytes(b"abc")
    os.utime(path, ns=(1_700_000_000_123_456_789, -1_500_000_001))
    stat = os.lstat(path)
    (event,), omissions = captured(path)
    (file,) = event.files
    assert (file.file_path, file.atime_ns, file.mtime_ns) == (str(path), 1_700_000_000_123_456_789, -1_500_000_001)
    assert (file.ctime_ns, file.inode, file.device) == (stat.st_ctime_ns, stat.st_ino, stat.st_dev)
    assert (file.size_bytes, file.sha256, file.git_commit_sha) == (3, None, None)
    assert event.host == "h"
    assert abs(datetime.now(UTC) - event.captured_at) < timedelta(minutes=1)
    assert not omissions.counts


def test_only_regular_files_are_taken_and_links_are_not_followed(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").touch()
    tree = tmp_path / "tree"
    (tree / "b").mkdir(parents=True)
    for name in ("z", "a", "b/c"):
        (tree / name).touch()
    (tree / "link").symlink_to(outside / "secret")
    (tree / "folder-link").symlink_to(outside)
    os.mkfifo(tree / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(tree / "socket"))
        events, omissions = captured(tree)
    assert names(events) == ["a", "z", "c"]
    assert not omissions.counts


def test_a_path_named_twice_is_captured_once(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "f").touch()
    events, _ = captured(tmp_path / "d" / "f", tmp_path, tmp_path / "d" / ".." / "d", tmp_path)
    assert names(events) == ["f"]


def test_a_linked_folder_above_is_resolved_so_that_a_file_has_one_name(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "f").touch()
    (tmp_path / "alias").symlink_to("real")
    assert canonical_path(tmp_path / "alias" / "f") == str(tmp_path / "real" / "f")


@pytest.mark.parametrize(
    ("name", "message"), [("missing", "cannot be captured: No such file"), ("link", "is a symbolic link")]
)
def test_a_wrong_path_is_refused_before_anything_is_read(tmp_path, name, message):
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(UserError, match=message):
        capture([tmp_path, tmp_path / name], host="h")


def test_a_host_that_the_contract_refuses_is_named(tmp_path):
    (tmp_path / "f").touch()
    with pytest.raises(UserError, match=r"^host: 'a\\nb' is refused"):
        list(capture([tmp_path], host="a\nb"))


def test_what_cannot_be_carried_is_counted_with_an_example(tmp_path):
    (tmp_path / "good").touch()
    for name in (b"\xff1", b"\xff2"):
        os.close(os.open(os.fsencode(tmp_path) + b"/" + name, os.O_CREAT))
    events, omissions = captured(tmp_path)
    assert names(events) == ["good"]
    ((reason, count),) = omissions.counts.items()
    assert "not UTF-8" in reason
    assert count == 2
    assert omissions.examples[reason].endswith("\udcff1")


def test_a_file_that_vanishes_during_the_walk_is_counted(tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / name).touch()
    omissions = Omissions()
    # One file an event: the walk has listed all three when the first is handed out.
    stream = capture([tmp_path], host="h", omissions=omissions, event_bytes=1)
    first = next(stream)
    (tmp_path / "c").unlink()
    assert names([first, *stream]) == ["a", "b"]
    assert omissions.counts == {"vanished": 1}


def test_an_event_holds_a_thousand_files_at_the_most(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_EVENT_SPAN", timedelta(hours=1))
    for number in range(1001):
        (tmp_path / f"{number:04}").touch()
    events, _ = captured(tmp_path)
    assert [len(event.files) for event in events] == [1000, 1]
    assert len({event.event_id for event in events}) == 2


def test_an_event_stays_below_its_bytes(tmp_path):
    for number in range(60):
        (tmp_path / f"{number:02}{'é' * 100}").touch()
    events, _ = captured(tmp_path, event_bytes=5000)
    sizes = [len(event.model_dump_json(exclude_none=True).encode()) for event in events]
    assert sum(len(event.files) for event in events) == 60
    assert max(sizes) <= 5000
    assert min(sizes[:-1]) > 3500  # and they are filled


def test_captured_at_is_the_last_stat_and_within_the_span_of_the_first(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_EVENT_SPAN", timedelta(0))
    for number in range(20):
        (tmp_path / str(number)).touch()
    events, _ = captured(tmp_path)
    assert len(events) > 1
    assert all(before.captured_at <= after.captured_at for before, after in pairwise(events))
    given = datetime(2026, 11, 20, tzinfo=UTC)
    (event,), _ = captured(tmp_path, captured_at=given)
    assert event.captured_at == given


def test_the_hash_is_of_the_content_and_reading_leaves_no_trace(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"content" * 100_000)
    os.utime(path, ns=(0, os.lstat(path).st_mtime_ns))  # relatime would move an atime this old
    (event,), omissions = captured(path, with_sha256=True)
    assert event.files[0].sha256 == hashlib.sha256(b"content" * 100_000).hexdigest()
    assert event.files[0].atime_ns == os.lstat(path).st_atime_ns == 0
    assert not omissions.counts


def test_mountinfo_gives_the_type_of_the_longest_prefix():
    mounts = parse_mountinfo(MOUNTINFO)
    assert filesystem_type("/etc/passwd", mounts) == "ext4"
    assert filesystem_type("/proc/1/maps", mounts) == "proc"
    assert filesystem_type("/process/x", mounts) == "ext4"
    assert filesystem_type("/mnt/a disk/x", mounts) == "xfs"
    assert filesystem_type("/srv/x", mounts) == "fuse.sshfs"
    assert filesystem_type("/x", {}) is None
    assert parse_mountinfo("") == {}


def test_an_event_has_files_of_one_file_system(tmp_path, monkeypatch):
    for name in ("a/f", "b/f", "c/f"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    mounts = {"/": "ext4", str(tmp_path / "b"): "nfs4"}
    monkeypatch.setattr(files, "_read_mounts", lambda: mounts)
    events, _ = captured(tmp_path)
    assert [(event.filesystem_type, len(event.files)) for event in events] == [("ext4", 1), ("nfs4", 1), ("ext4", 1)]

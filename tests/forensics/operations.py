"""The operations of the corpus: what people and programs do every day, and what somebody does who hides a change."""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from schemas.events import FileTimes
from streams.judges.host_clock import ClockStep
from tests.forensics.corpus import Act, Operation

Stamp = Callable[[os.stat_result], int]
SECOND, DAY = 10**9, 86_400 * 10**9
OLD_NS = 1_425_988_800_123_456_789
"""2015-03-10T12:00:00.123456789Z."""
_GIT_ENVIRONMENT = {
    "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null",
}  # fmt: skip


def run(folder: Path, *command: str, **environment: str) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env=os.environ | environment)


def sh(*command: str) -> Act:
    return lambda folder: run(folder, *command)


def write(*names: str, text: str = "written for the corpus\n") -> Act:
    def act(folder: Path) -> None:
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(f"{name}: {text}")

    return act


def both(*acts: Act) -> Act:
    def act(folder: Path) -> None:
        for one in acts:
            one(folder)

    return act


def times(name: str, mtime: Stamp, atime: Stamp = lambda stat: stat.st_atime_ns) -> Act:
    """os.utime, by what the file's times are."""

    def act(folder: Path) -> None:
        stat = (folder / name).stat()
        os.utime(folder / name, ns=(atime(stat), mtime(stat)))

    return act


def aged(name: str) -> Act:
    """A file as it was left in 2015, with a fraction of a second."""
    return times(name, lambda _: OLD_NS, lambda _: OLD_NS + DAY)


def now(_: os.stat_result) -> int:
    return time.time_ns()


_ONE, _TWO = write("a"), write("a", "b")


def tampering(
    name: str, *stages: Act, prepare: Act = _ONE, tampered: tuple[str, ...] = ("a",), **more: Any
) -> Operation:
    return Operation(name, prepare, stages, tampered, **more)


def benign(name: str, *stages: Act, prepare: Act = _TWO, **more: Any) -> Operation:
    return Operation(name, prepare, stages, **more)


def _saved(folder: Path) -> None:
    """Vim as it saves when it keeps a backup: the old file renamed, a new one written."""
    program = shutil.which("vim.tiny") or "vim"
    run(
        folder,
        program,
        "-u",
        "NONE",
        "-es",
        "-c",
        "set backupcopy=no writebackup",
        "-c",
        "s/$/ edited/",
        "-c",
        "wq",
        "a",
    )


def _packed(kind: str, mtime: float, count: int = 3) -> Act:
    """An archive `pack.tar` or `pack.zip` of files of one time, with other content than `write` gives them."""

    def act(folder: Path) -> None:
        source = folder / "source"
        source.mkdir()
        for number in range(count):
            path = source / f"f{number}"
            path.write_text(f"from the archive, {number}\n")
            os.utime(path, (mtime, mtime))
        if kind == "tar":
            with tarfile.open(folder / "pack.tar", "w") as tar:
                tar.add(source, "out")
        else:
            with zipfile.ZipFile(folder / "pack.zip", "w") as pack:
                for path in sorted(source.iterdir()):
                    pack.write(path, f"out/{path.name}")
        shutil.rmtree(source)

    return act


def _package(folder: Path, version: str, mtime: int) -> None:
    """A Debian package of two files, as `x-VERSION.deb`."""
    package = folder / "package"
    write("package/usr/share/x/a", "package/usr/share/x/b", text=f"of version {version}\n")(folder)
    for path in package.rglob("*"):
        os.utime(path, (mtime, mtime))
    write("package/DEBIAN/control", text="")(folder)
    control = f"Package: x\nVersion: {version}\nArchitecture: all\nMaintainer: a <a@example.org>\nDescription: x\n"
    (package / "DEBIAN/control").write_text(control)
    run(folder, "dpkg-deb", "-b", "package", f"x-{version}.deb", SOURCE_DATE_EPOCH=str(mtime))
    shutil.rmtree(package)


def _packages(folder: Path) -> None:
    """Two versions of a package, and an empty system to install them into."""
    _package(folder, "1", 1_600_000_001)
    _package(folder, "2", 1_700_000_001)
    for name in ("info", "updates", "triggers"):
        (folder / "root/var/lib/dpkg" / name).mkdir(parents=True)
    (folder / "root/var/lib/dpkg/status").touch()


def installed(version: str) -> Act:
    return sh("dpkg", "--root=root", "--force-not-root,bad-path,downgrade", "--install", f"x-{version}.deb")


def _wheel(folder: Path) -> None:
    about = {
        "METADATA": "Metadata-Version: 2.1\nName: x\nVersion: 1\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: corpus\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "x.py,,\nx-1.dist-info/METADATA,,\nx-1.dist-info/WHEEL,,\nx-1.dist-info/RECORD,,\n",
    }
    with zipfile.ZipFile(folder / "x-1-py3-none-any.whl", "w") as wheel:
        for name, text in {
            "x.py": "x = 1\n",
            **{f"x-1.dist-info/{name}": text for name, text in about.items()},
        }.items():
            wheel.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text)


_PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "-q", "--no-index", "--no-deps")


def _repository(folder: Path) -> None:
    run(folder, "git", "init", "-q", "-b", "main")
    for number, name in enumerate(("a", "b")):
        write(name)(folder)
        run(folder, "git", "add", name)
        date = f"2024-0{number + 3}-01T10:00:07 +0000"
        run(folder, "git", "commit", "-qm", name, GIT_COMMITTER_DATE=date, GIT_AUTHOR_DATE=date, **_GIT_ENVIRONMENT)
    run(folder, "git", "checkout", "-qb", "other")
    write("a", text="on another branch\n")(folder)
    run(folder, "git", "commit", "-qam", "other", **_GIT_ENVIRONMENT)
    run(folder, "git", "checkout", "-q", "main")


def _on_another_volume(folder: Path) -> None:
    """An old file in shared memory, which is a file system of its own."""
    away = Path(tempfile.mkdtemp(dir="/dev/shm"))
    write("old")(away)
    aged("old")(away)
    (folder / "away").symlink_to(away)


def _moved_from_another_volume(folder: Path) -> None:
    away = (folder / "away").resolve()
    run(folder, "mv", str(away / "old"), "moved")
    away.rmdir()


def _swapped(folder: Path) -> None:
    (folder / "live").rename(folder / "withdrawn")
    (folder / "older").rename(folder / "live")


def _rotated(folder: Path) -> None:
    (folder / "a").rename(folder / "a.1")
    write("a")(folder)


def _stamped_in_1970(file: FileTimes) -> FileTimes:
    """`date -s 1970-01-02; touch a; date -s NOW`: the kernel stamps all three times by the clock that it has."""
    stamp = 100_000 * SECOND + 123_456_789
    return file.model_copy(update={"atime_ns": stamp, "mtime_ns": stamp, "ctime_ns": stamp})


def _stepped_back(file: FileTimes) -> FileTimes:
    """Written after a time server had set the clock back by an hour, which was that much ahead."""
    hour = 3_600 * SECOND
    stamp = file.ctime_ns - hour
    return file.model_copy(update={"atime_ns": stamp, "mtime_ns": stamp, "ctime_ns": stamp})


def _back_and_forth(at_us: int) -> tuple[ClockStep, ...]:
    years_ns = at_us * 1000 - 100_000 * SECOND
    return (
        ClockStep(at_us - 500_000, at_us - 300_000, -years_ns),
        ClockStep(at_us - 300_000, at_us - 100_000, years_ns),
    )


def _one_back(at_us: int) -> tuple[ClockStep, ...]:
    return (ClockStep(at_us - 500_000, at_us - 300_000, -3_600 * SECOND),)


def _hidden(folder: Path) -> None:
    before = (folder / "a").stat()
    _WRITTEN_AGAIN(folder)
    os.utime(folder / "a", ns=(before.st_atime_ns, before.st_mtime_ns))


_MANY = tuple(f"m{number:02}" for number in range(25))
_WRITTEN_AGAIN = write("a", text="other and longer content, by somebody else\n")

_SYNCED = sh("rsync", "-rt", "from/", "to/")

TAMPERING = (
    tampering("touch -t, years back", sh("touch", "-t", "201503101200", "a")),
    tampering("touch -t with seconds", sh("touch", "-t", "202503101207.33", "a")),
    tampering("touch -d, three days back", sh("touch", "-d", "3 days ago", "a")),
    tampering("touch -d, a day ahead", sh("touch", "-d", "tomorrow", "a")),
    tampering("touch -a -d, atime only", sh("touch", "-a", "-d", "30 days ago", "a")),
    tampering("touch -m -t, mtime only", sh("touch", "-m", "-t", "201503101200", "a")),
    tampering("touch -r an old neighbour", sh("touch", "-r", "b", "a"), prepare=both(write("a", "b"), aged("b"))),
    tampering("touch -r /bin/sh", sh("touch", "-r", "/bin/sh", "a")),
    tampering("os.utime, years back, with a fraction", times("a", lambda _: OLD_NS)),
    tampering("os.utime, one hour back", times("a", lambda s: s.st_mtime_ns - 3_600 * SECOND)),
    tampering("os.utime, one hour ahead", times("a", lambda _: time.time_ns() + 3_600 * SECOND)),
    tampering("os.utime, forward to a time that was seen", times("a", lambda s: s.st_mtime_ns + DAY),
              prepare=both(write("a"), times("a", lambda s: s.st_mtime_ns - 2 * DAY))),
    tampering("os.utime, the epoch", times("a", lambda _: 0)),
    tampering("touch -d @315532800, 1980", sh("touch", "-d", "@315532800", "a")),
    tampering("written, then mtime put back", _hidden),
    tampering("written, then touch -r an old neighbour", both(_WRITTEN_AGAIN, sh("touch", "-r", "b", "a")),
              prepare=both(write("a", "b"), aged("b"))),
    tampering("cp over the path, then touch -t", both(_WRITTEN_AGAIN, sh("touch", "-t", "201503101200", "a"))),
    tampering("a backdated file moved over the path",
              both(write("x"), sh("touch", "-t", "201503101200", "x"), sh("mv", "x", "a"))),
    tampering("dropped in /tmp, touch -r /bin/sh", both(write("new"), sh("touch", "-r", "/bin/sh", "new")),
              tampered=("new",), place="/tmp"),
    tampering("dropped, touch -t", both(write("new"), sh("touch", "-t", "201503101200", "new")), tampered=("new",)),
    tampering("25 files touched to one time", sh("touch", "-t", "201503101207.33", *_MANY),
              prepare=write(*_MANY), tampered=_MANY),
    tampering("a tracked file, touch -t", sh("touch", "-t", "202301010101.01", "a"), prepare=_repository),
    tampering("tar x of an archive with times of 2034", sh("tar", "-xf", "pack.tar"),
              prepare=_packed("tar", 2_019_686_400.5), tampered=("out/f0", "out/f1", "out/f2")),
    tampering("faketime 2015, touch", sh("faketime", "2015-03-10 12:00:00", "touch", "a")),
    tampering("faketime a day ahead, touch", sh("faketime", "-f", "+1d", "touch", "a")),
    tampering("captured under a clock set back by an hour (faketime)", sh("touch", "a"), clock_back=timedelta(hours=1)),
    tampering("date -s 1970, touch, date -s now", sh("touch", "a"), rewritten=_stamped_in_1970, steps=_back_and_forth),
)  # fmt: skip

BENIGN = (
    benign("read", sh("cat", "a")),
    benign("appended to", sh("sh", "-c", "echo more >> a")),
    benign("saved by an editor (vim, write and rename)", _saved),
    benign("sed -i", sh("sed", "-i", "s/for/by/", "a")),
    benign("touch", sh("touch", "a")),
    benign("chmod", sh("chmod", "600", "a")),
    benign("hard link", sh("ln", "a", "c")),
    benign("cp to a new path", sh("cp", "a", "c")),
    benign("cp over a path", sh("cp", "a", "b")),
    benign("cp -p of an old file to a new path", sh("cp", "-p", "a", "c"), prepare=both(write("a"), aged("a"))),
    benign("cp -p of an old file over a path", sh("cp", "-p", "a", "bb"), prepare=both(write("a", "bb"), aged("a"))),
    benign("cp -p of a newer file over a path", sh("cp", "-p", "a", "bb"),
           prepare=both(write("a", "bb"), times("a", lambda s: s.st_mtime_ns - DAY),
                        times("bb", lambda s: s.st_mtime_ns - 2 * DAY))),
    benign("mv", sh("mv", "a", "c")),
    benign("mv of an old file over a path", sh("mv", "a", "b"), prepare=both(write("a", "b"), aged("a"))),
    benign("log rotation", _rotated),
    benign("tar x of a new tree", sh("tar", "-xf", "pack.tar"), prepare=_packed("tar", 1_500_000_007)),
    benign("tar x over newer files", sh("tar", "-xf", "pack.tar"),
           prepare=both(write("out/f0", "out/f1", "out/f2"), _packed("tar", 1_500_000_007))),
    benign("tar x of 500 files over newer ones", sh("tar", "-xf", "pack.tar"),
           prepare=both(write(*(f"out/f{n}" for n in range(500))), _packed("tar", 1_500_000_007, 500))),
    benign("mv of an old file from another volume", _moved_from_another_volume, prepare=_on_another_volume),
    benign("unzip of a new tree", sh("unzip", "-q", "pack.zip"), prepare=_packed("zip", 1_500_000_007)),
    benign("unzip over newer files", sh("unzip", "-oq", "pack.zip"),
           prepare=both(write("out/f0", "out/f1", "out/f2"), _packed("zip", 1_500_000_007))),
    benign("rsync -t of a new tree", _SYNCED, prepare=both(write("from/a", "from/b"), aged("from/a"))),
    benign("rsync -t over newer files", _SYNCED,
           prepare=both(write("from/a", "from/b", "to/a", "to/b"), aged("from/a"))),
    benign("rsync -t --inplace over a newer file of another size", sh("rsync", "-rt", "--inplace", "from/", "to/"),
           prepare=both(write("to/a"), write("from/a", text="of another size\n"), aged("from/a"))),
    benign("package install (dpkg -i)", installed("1"), prepare=_packages),
    benign("package upgrade, and downgrade again (dpkg -i)", installed("2"), installed("1"),
           prepare=both(_packages, installed("1"))),
    benign("package unpacked (dpkg-deb -x)", sh("dpkg-deb", "-x", "x-1.deb", "out"), prepare=_packages),
    benign("wheel install (pip)", sh(*_PIP, "--target", "site-packages", "x-1-py3-none-any.whl"), prepare=_wheel),
    benign("git checkout of another branch, and back", sh("git", "checkout", "-q", "other"),
           sh("git", "checkout", "-q", "main"), prepare=_repository),
    benign("git restore-mtime", sh("git", "restore-mtime"), prepare=_repository),
    benign("backup restored by rsync -a over a changed tree", both(sh("rsync", "-a", "live/", "saved/"),
           write("live/a", text="other and longer content\n")), sh("rsync", "-a", "saved/", "live/"),
           prepare=both(write("live/a", "live/b"), aged("live/a"))),
    benign("backup restored over a changed file", both(sh("cp", "-p", "a", "saved"), _WRITTEN_AGAIN),
           sh("cp", "-p", "saved", "a"), prepare=both(write("a"), aged("a"))),
    benign("backup restored by tar, years old", sh("tar", "-xf", "pack.tar", "--overwrite"),
           prepare=both(write("out/f0"), _packed("tar", 1_500_000_007, 1))),
    benign("a directory swapped for an older one", _swapped, prepare=both(
        write(*(f"older/{n}" for n in range(4))), lambda _: time.sleep(0.02), write(*(f"live/{n}" for n in range(4))))),
    benign("reproducible build",
           both(write("node_modules/a"), times("node_modules/a", lambda _: 499_162_500 * SECOND))),
    benign("a clock set back by its time server", sh("touch", "a"), rewritten=_stepped_back, steps=_one_back),
)  # fmt: skip

OPERATIONS = TAMPERING + BENIGN

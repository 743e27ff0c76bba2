"""The Dockerfile: our rules on what it says, and its build steps carried out in a folder.

No Docker engine is at hand. The steps of the stage `build` are run as they stand, with the image's folders in a scratch
folder and this machine's Python; what they make is then started, and told to stop, as a container would be.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pip
import pytest
from dockerfile_parse import DockerfileParser

from streams.settings import Settings
from tests.deploy.compose_file import services
from tests.e2e import events
from tests.e2e.conftest import database, deployed  # noqa: F401  # fixtures
from tests.e2e.worker import WorkerProcess, all_committed, eventually, send_all

CHECKOUT = Path(__file__).parents[2]
Step = tuple[str, str]


def stages(tmp_path: Path) -> dict[str, list[Step]]:
    """The instructions of each stage, by its name."""
    parser = DockerfileParser(str(tmp_path), fileobj=None)
    parser.content = (CHECKOUT / "Dockerfile").read_text()
    found: dict[str, list[Step]] = {}
    name = ""
    for step in parser.structure:
        instruction, value = step["instruction"], step["value"]
        if instruction == "FROM":
            name = value.split(" AS ")[1]
            found[name] = []
        if name and instruction != "COMMENT":
            found[name].append((instruction, value))
    return found


@pytest.fixture
def built_by(tmp_path: Path) -> dict[str, list[Step]]:
    return stages(tmp_path)


def values(steps: list[Step], instruction: str) -> list[str]:
    return [value for name, value in steps if name == instruction]


def test_the_base_is_pinned_and_both_stages_share_it(built_by: dict[str, list[Step]]) -> None:
    text = (CHECKOUT / "Dockerfile").read_text()
    assert re.search(r"^ARG PYTHON=3\.11\.\d+-slim-bookworm$", text, re.MULTILINE)
    assert [values(steps, "FROM")[0].split(" AS ")[0] for steps in built_by.values()] == ["python:${PYTHON}"] * 2
    assert list(built_by) == ["build", "runtime"]


def test_everything_is_installed_by_hash_or_without_an_index(built_by: dict[str, list[Step]]) -> None:
    installs = [part for run in values(built_by["build"], "RUN") for part in run.split("&&") if " install " in part]
    assert len(installs) == 3
    assert all("--only-binary :all:" in install or "--no-index" in install for install in installs), "no compiler runs"
    for install in installs:
        assert "--require-hashes" in install or "--no-index" in install, install
    for file in ("runtime.txt", "build.txt"):
        text = (CHECKOUT / "requirements" / file).read_text()
        assert "--hash=sha256:" in text
        assert "://" not in text


def test_the_final_stage_runs_as_a_number_and_can_install_nothing(built_by: dict[str, list[Step]]) -> None:
    last = built_by["runtime"]
    assert values(last, "USER") == ["10001:10001"]
    runs = " ".join(values(last, "RUN"))
    assert "pip uninstall --yes pip setuptools wheel" in runs
    assert "rm -r /usr/local/lib/python3.11/ensurepip" in runs
    assert "useradd --uid 10001" in runs
    assert "install" not in runs.replace("uninstall", "")
    assert "apt" not in runs
    assert values(last, "COPY") == ["--from=build /opt/cockpit /opt/cockpit"]
    names = [name for name, _ in last]
    assert names.index("USER") > names.index("RUN"), "what follows is done without rights"


def test_no_rule_of_thumb_is_broken(built_by: dict[str, list[Step]]) -> None:
    text = (CHECKOUT / "Dockerfile").read_text()
    assert text.startswith("# syntax=docker/dockerfile:1\n")
    for stage, steps in built_by.items():
        names = [name for name, _ in steps]
        assert "ADD" not in names, "ADD unpacks and fetches"
        assert not {"MAINTAINER", "VOLUME", "ONBUILD"} & set(names)
        for _, value in (step for step in steps if step[0] in ("ENV", "ARG")):
            assert not re.search(r"(?i)secret|password|token|key", value), f"{stage}: {value} stays in its history"
        for run in values(steps, "RUN"):
            assert ";" not in run, f"{stage}: a step that fails must fail the build: {run}"
            assert not re.search(r"\b(curl|wget|sudo|git)\b|://", run), f"{stage}: only locked packages: {run}"
        for directory in values(steps, "WORKDIR"):
            assert directory.startswith("/")
    for instruction in ("USER", "ENTRYPOINT", "CMD", "HEALTHCHECK", "STOPSIGNAL", "EXPOSE"):
        assert len(values(built_by["runtime"], instruction)) == 1, instruction
        assert not values(built_by["build"], instruction), f"{instruction}: of a stage that nobody runs"
    # What is copied belongs to root: the user that runs it cannot change it.
    assert "--chown" not in text


def test_versions_agree(built_by: dict[str, list[Step]]) -> None:
    version = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["version"]
    assert f"VERSION={version}" in values(built_by["runtime"], "ARG")
    assert services()["worker"]["image"] == f"cockpit-streams:{version}"
    (port,) = values(built_by["runtime"], "EXPOSE")
    assert int(port) == Settings.model_fields["metrics_port"].default


def test_signals_reach_the_worker_and_its_pulse_is_looked_at(built_by: dict[str, list[Step]]) -> None:
    last = built_by["runtime"]
    assert values(last, "ENTRYPOINT") == ['["cockpit"]']
    assert values(last, "CMD") == ['["worker"]']
    assert values(last, "STOPSIGNAL") == ["SIGTERM"]
    (check,) = values(last, "HEALTHCHECK")
    assert 'CMD ["python", "-c"' in check
    assert "/livez" in check


def test_it_says_what_it_is(built_by: dict[str, list[Step]]) -> None:
    labels = " ".join(values(built_by["runtime"], "LABEL"))
    for name in ("title", "description", "version", "revision", "vendor"):
        assert f"org.opencontainers.image.{name}=" in labels


def test_what_is_copied_reaches_the_builder_and_nothing_else_does(built_by: dict[str, list[Step]]) -> None:
    let_in = {line[1:] for line in (CHECKOUT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {source for value in values(built_by["build"], "COPY") for source in value.split()[:-1]}
    assert copied == let_in


def carry_out(steps: list[Step], scratch: Path) -> None:
    """Run the steps of a stage with the image's folders below `scratch`."""
    source = scratch / "source"
    source.mkdir()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", scratch / "python"], check=True)
    # The base image's pip. `venv` would unpack one too, and take four seconds for it.
    libraries = Path(sysconfig.get_path("purelib", vars={"base": str(scratch / "python")}))
    shutil.copytree(Path(pip.__file__).parent, libraries / "pip")
    environment = {
        **os.environ,
        "PATH": f"{scratch}/python/bin:{os.environ['PATH']}",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    for instruction, value in steps:
        if instruction == "COPY":
            *files, target = value.split()
            for file in files:
                place = source / target
                if (CHECKOUT / file).is_dir():
                    shutil.copytree(CHECKOUT / file, place, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    place = place / Path(file).name if target.endswith("/") else place
                    place.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(CHECKOUT / file, place)
        elif instruction == "RUN":
            command = value.replace("/opt/cockpit", str(scratch / "cockpit")).replace(
                "/wheels", str(scratch / "wheels")
            )
            done = subprocess.run(
                ["sh", "-ec", command],
                cwd=source,
                env=environment,
                capture_output=True,
                text=True,
                timeout=600,
                check=False,
            )
            assert done.returncode == 0, f"{value}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that another user may look into, with a `tmp` as the image has it."""
    with tempfile.TemporaryDirectory(prefix="cockpit-image-") as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "tmp").mkdir()
        (Path(folder) / "tmp").chmod(0o1777)
        yield Path(folder)


READ_ONLY = """\
mount --bind "$0" "$0"
mount --bind "$0/tmp" "$0/tmp"
mount -o remount,ro,bind "$0"
mount -o remount,ro,bind /
cd "$0/tmp"
exec "$@"
"""


def as_in_the_container(folder: Path) -> tuple[str, ...]:
    """With nothing but /tmp to write to, as the image's user.

    That user may look into every folder here, for this machine's Python may lie in a private one. Whoever is not root
    stays who they are; where no mounts can be made of one's own, that files belong to root must do.
    """
    if os.geteuid() != 0:
        return ("env", f"--chdir={folder / 'tmp'}")
    look = "-all,+dac_read_search"
    nobody = ["setpriv", "--reuid=10001", "--regid=10001", "--clear-groups", "--no-new-privs"]
    nobody += [f"--bounding-set={look}", f"--inh-caps={look}", f"--ambient-caps={look}", "--"]
    may_mount = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0
    place = (
        ("unshare", "--mount", "sh", "-ec", READ_ONLY, str(folder)) if may_mount else ("env", f"--chdir={folder}/tmp")
    )
    return (*place, *nobody)


async def test_the_steps_make_a_worker_that_works_and_stops(
    built_by: dict[str, list[Step]],
    deployed: Settings,  # noqa: F811
    open_folder: Path,
    tmp_path: Path,
) -> None:
    carry_out(built_by["build"], open_folder)
    program = open_folder / "cockpit" / "bin" / "cockpit"
    inside = {path.name for path in (open_folder / "cockpit" / "bin").iterdir()}
    assert not {name for name in inside if name.startswith(("pip", "easy_install"))}
    before = _files(open_folder / "cockpit")
    assert {path for path, _ in before if path.endswith(".py")} <= {_source(path) for path, _ in before}

    class FromImage(WorkerProcess):
        command = (*as_in_the_container(open_folder), str(program))

    worker = FromImage(
        deployed, tmp_path / "worker.log", PYTHONDONTWRITEBYTECODE="1", TMPDIR=str(open_folder / "tmp"), HOME="/tmp"
    )
    worker.start()
    try:
        await worker.ready()
        await send_all(deployed, [_message()])
        await eventually(lambda: all_committed(deployed, events.TOPICS), 60, "the record is stored")
        assert await worker.terminate() == 0
    finally:
        worker.close()
    assert _files(open_folder / "cockpit") == before, "a worker writes nothing into its image"


def _source(path: str) -> str:
    """The source that a compiled file was made of; else nothing."""
    folder, _, name = path.rpartition("/__pycache__/")
    return f"{folder}/{name.split('.')[0]}.py" if folder else ""


def _message() -> events.Message:
    from random import Random

    event: dict[str, Any] = events.capture(Random(1), "host", ["/srv/a"])
    return events.message("filesystem-timestamps.v1", "host", event)


def _files(folder: Path) -> set[tuple[str, float]]:
    return {(str(path), path.stat().st_mtime) for path in folder.rglob("*") if path.is_file()}

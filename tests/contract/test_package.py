"""What is installed elsewhere: the wheel holds every module and every data file of the product."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]


def test_the_wheel_holds_all_that_the_product_reads(tmp_path: Path) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "streams", "schemas", "pyproject.toml", "README.md", "requirements"],
        cwd=CHECKOUT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    source = tmp_path / "source"
    for name in tracked:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CHECKOUT / name, source / name)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q", "-w", tmp_path, source]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    wanted = {name for name in tracked if name.startswith(("streams/", "schemas/")) and not name.endswith(".md")}
    assert wanted - packed == set()

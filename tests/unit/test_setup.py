"""What `make setup` installs is what the code needs, and it says what it cannot install."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534


def _requirements(name: str) -> list[Requirement]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    stripped = (line.partition("#")[0].strip() for line in lines)
    return [Requirement(line) for line in stripped if line]


def test_every_package_that_ours_asks_for_is_pinned_in_turn() -> None:
    pinned = {canonicalize_name(pin.name) for pin in _requirements("constraints.txt")}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    waiting = [*project["dependencies"], *extras["dev"], *extras["models"]]
    seen: set[str] = set()
    while waiting:
        requirement = Requirement(waiting.pop())
        name = canonicalize_name(requirement.name)
        marker = requirement.marker
        wanted = marker is None or any(
            marker.evaluate({"extra": extra}) for extra in ("", *requirement.extras)
        )
        if name in seen or not wanted:
            continue
        seen.add(name)
        waiting += importlib.metadata.requires(name) or []
    assert seen - pinned == set()


def test_pins_are_exact_and_name_no_place_to_fetch_from() -> None:
    for name in ("constraints.txt", "ops/wheels.txt"):
        for pin in _requirements(name):
            assert re.fullmatch(r"==[^*,]+", str(pin.specifier)), pin
            assert pin.url is None, pin
        assert "://" not in (ROOT / name).read_text(encoding="utf-8")


def test_pins_agree_with_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    pins = {
        canonicalize_name(pin.name): Version(str(pin.specifier).removeprefix("=="))
        for pin in _requirements("constraints.txt")
    }
    for line in [*project["dependencies"], *extras["dev"], *extras["models"]]:
        asked = Requirement(line)
        assert pins[canonicalize_name(asked.name)] in asked.specifier, line


@pytest.fixture
def checkout() -> Iterator[Path]:
    """What setup reads, in a folder that any user may enter, with a Debian that has nothing."""
    with tempfile.TemporaryDirectory() as folder:
        checkout = Path(folder)
        checkout.chmod(0o755)
        (checkout / "ops/kafka").mkdir(parents=True)
        for name in ("setup.sh", "packages.txt", "wheels.txt", "kafka/pom.xml"):
            shutil.copy(ROOT / "ops" / name, checkout / "ops" / name)
        for name in ("constraints.txt", "pyproject.toml"):
            shutil.copy(ROOT / name, checkout / name)
        (checkout / "bin").mkdir()
        _program(checkout / "bin/dpkg-query", "echo bash installed; echo kcat config-files")
        yield checkout


def _program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def _setup(checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", checkout / "ops/setup.sh"],
        capture_output=True,
        text=True,
        check=False,
        user=NOBODY if os.geteuid() == 0 else None,
        cwd=checkout,
        env={"PATH": f"{checkout / 'bin'}:/usr/bin:/bin", **environment},
        timeout=60,
    )


def test_without_root_the_missing_packages_and_the_command_are_named(checkout: Path) -> None:
    done = _setup(checkout)
    assert done.returncode == 1
    command = re.search(r"apt-get install --no-install-recommends (.+)", done.stderr)
    assert command is not None, done.stderr
    named = command[1].split()
    # `kcat` was removed but for its configuration; of alternatives, the first is named.
    assert {"kcat", "maven", "apertium", "python3-venv", "default-jre-headless"} <= set(named)
    assert "openjdk-17-jre-headless" not in named
    assert not (checkout / ".venv").exists()


def test_only_what_is_missing_is_named_and_any_alternative_will_do(checkout: Path) -> None:
    listed = (ROOT / "ops/packages.txt").read_text(encoding="utf-8")
    names = {
        name
        for line in listed.splitlines()
        for name in line.partition("#")[0].replace("|", " ").split()
    }
    there = names - {"maven", "default-jre-headless"}
    lines = "\n".join(f"echo {name} installed" for name in there)
    _program(checkout / "bin/dpkg-query", lines)
    done = _setup(checkout)
    assert done.returncode == 1
    assert "--no-install-recommends maven\n" in done.stderr


def test_a_python_that_is_too_old_is_refused(checkout: Path) -> None:
    (checkout / "bin/dpkg-query").unlink()
    _program(checkout / "bin/old-python", "exit 1")
    path = f"{checkout / 'bin'}:{_without(checkout, 'dpkg-query')}"
    done = _setup(checkout, PYTHON="old-python", PATH=path)
    assert done.returncode == 1
    assert "no Python 3.11 or newer found (tried old-python" in done.stderr
    assert "ops/packages.txt" in done.stdout


def _without(checkout: Path, program: str) -> Path:
    """A folder of links to every program of the system but one."""
    folder = checkout / "system"
    folder.mkdir()
    for source in (Path("/usr/bin"), Path("/bin")):
        for entry in source.iterdir():
            link = folder / entry.name
            if entry.name != program and not link.exists():
                link.symlink_to(entry)
    return folder


def test_the_packages_that_the_code_tells_users_to_install_are_in_the_list() -> None:
    listed = (ROOT / "ops/packages.txt").read_text(encoding="utf-8")
    told = re.compile(r"apertium-[a-z]{2,3}-[a-z]{2,3}\b|dict-freedict-[a-z]{3}-[a-z]{3}\b")
    sources = [*(ROOT / "agents").rglob("*.py"), *(ROOT / "streams").rglob("*.py")]
    names = {name for file in sources for name in told.findall(file.read_text(encoding="utf-8"))}
    assert "apertium-cat-ita" in names
    assert {name for name in names if name not in listed} == set()

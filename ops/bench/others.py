"""Where Quix Streams is installed, for comparison: a virtual environment of its own.

This module is read there too, so it needs nothing that is not in PACKAGES.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

QUIX: Final = "ops.bench.quix"
GUARANTEE: Final = "BENCH_QUIX_GUARANTEE"
ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / ".venv" / "quix"
# What the empty step needs beside it.
PACKAGES: Final = (
    "quixstreams==3.28.1",
    "orjson",
    "pydantic-settings",
    "prometheus-client",
    "structlog",
)


class NotInstalled(RuntimeError):
    """What is compared with cannot be installed; the message says why."""


def quix_python(say: Callable[[str], None]) -> Path:
    """The interpreter that has Quix Streams; installs it the first time. Raises NotInstalled."""
    python = FOLDER / "bin" / "python"
    if _has_quix(python):
        return python
    say(f"installing {PACKAGES[0]} into {FOLDER.relative_to(ROOT)}, to compare with")
    for command in (
        [sys.executable, "-m", "venv", str(FOLDER)],
        [str(python), "-m", "pip", "install", "-q", *PACKAGES],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NotInstalled(
                f"{PACKAGES[0]} cannot be installed ({done.stderr.strip()[-300:]}); leave it out"
                " with --only, naming the other measurements"
            )
    return python


def _has_quix(python: Path) -> bool:
    if not python.is_file():
        return False
    command = [str(python), "-c", "import quixstreams"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0

"""Keeps workers running until SIGTERM: `python -m ops.chaos.supervised STAGE/SLOT …`

STAGE is a stage of the pipeline, the synthetic stage, a plain implementation of targets.py, or a
module that is run with the slot as its argument, by the interpreter of the environment variable
OTHER_PYTHON if there is one.
"""

import asyncio
import os
import sys
from typing import Final

from agents.pipeline import PIPELINE
from ops.chaos import step
from streams import logs, supervisor
from streams.settings import Settings
from streams.supervisor import Program

OTHER_PYTHON: Final = "CHAOS_OTHER_PYTHON"


def program(name: str) -> Program:
    """How to start the worker of this name, `stage/slot`."""
    stage, _, slot = name.partition("/")
    if stage in {each.name for each in PIPELINE}:
        return Program(name, supervisor.worker_command(stage, int(slot)))
    if "." in stage:
        python = os.environ.get(OTHER_PYTHON, sys.executable)
        return Program(name, (python, "-m", stage, slot))
    module = "ops.chaos.worker" if stage == step.NAME else "ops.chaos.targets"
    return Program(name, (sys.executable, "-m", module, stage, slot))


def main(names: list[str]) -> None:
    """Supervises these workers in the foreground."""
    settings = Settings()
    logs.configure(settings)
    asyncio.run(supervisor.supervise([program(name) for name in names], settings))


if __name__ == "__main__":
    main(sys.argv[1:])

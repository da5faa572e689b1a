"""One worker of the synthetic stage: `python -m ops.chaos.worker synthetic SLOT`."""

import sys

from ops.chaos.step import STAGE
from streams import worker
from streams.settings import Settings


def main(slot: int) -> int:
    """Runs in the foreground until SIGTERM; returns the exit code."""
    return worker.main(STAGE, Settings(), port=0)


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[2])))

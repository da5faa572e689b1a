"""One worker, and nothing that it has no use for: `python -m agents.work STAGE SLOT`.

This is what `babelwire run` starts. The language processes of a worker import this module again and
know nothing of Kafka, so what only the worker needs is imported where it is needed.
"""

import sys
from typing import NoReturn

from agents.pipeline import PIPELINE
from streams.settings import Settings


def main(stage: str, settings: Settings, slot: int) -> NoReturn:
    """Runs the worker number `slot` of the stage of that name in the foreground."""
    from streams import worker

    position = [each.name for each in PIPELINE].index(stage)
    worker.main(PIPELINE[position], settings, worker.port_of(position, slot, settings), slot)


if __name__ == "__main__":
    main(sys.argv[1], Settings(), int(sys.argv[2]))

"""One worker of the synthetic stage: `python -m ops.chaos.worker synthetic SLOT`."""

import sys

from ops.chaos.step import STAGE
from streams import worker
from streams.settings import Settings

if __name__ == "__main__":
    worker.main(STAGE, Settings(), port=0, slot=int(sys.argv[2]))

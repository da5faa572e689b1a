"""A normalization whose engine is away while a file is there: `python -m tests.broker.away`, with
the file's name in the environment."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from agents.pipeline import PIPELINE
from schemas import NormalizedArticle, RawArticle
from streams import worker
from streams.settings import Settings
from streams.stage import Unavailable

SWITCH: Final = "AWAY_SWITCH"


def load(settings: Settings) -> Callable[[RawArticle], NormalizedArticle]:
    """The real work, while the switch is not there."""
    switch = Path(os.environ[SWITCH])
    real = PIPELINE[0].load(settings)

    def work(raw: RawArticle) -> NormalizedArticle:
        if switch.exists():
            raise Unavailable("the engine is being replaced")
        made = real(raw)
        assert isinstance(made, NormalizedArticle)
        return made

    return work


if __name__ == "__main__":
    # By its importable name, so that the language process can find it.
    from tests.broker import away

    settings = Settings()
    worker.main(replace(PIPELINE[0], load=away.load), settings, worker.port_of(0, 0, settings))

"""Runs a worker of one stage as if it had another version, and perhaps slower:

python -m tests.broker.bumped STAGE VERSION [SECONDS per article]
"""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from agents.pipeline import PIPELINE
from schemas import NormalizedArticle
from schemas.identity import event_id
from streams import worker
from streams.settings import Settings

_STAGE: Final = "BUMPED_STAGE"
_VERSION: Final = "BUMPED_VERSION"
_SECONDS: Final = "BUMPED_SECONDS"


def load(settings: Settings) -> Callable[[Any], NormalizedArticle]:
    """The real work, under the other version."""
    name, version = os.environ[_STAGE], os.environ[_VERSION]
    seconds = float(os.environ[_SECONDS])
    [stage] = [each for each in PIPELINE if each.name == name]
    work = stage.load(settings)

    def bumped(article: Any) -> NormalizedArticle:
        time.sleep(seconds)
        made = work(article)
        return made.model_copy(
            update={
                "versions": {**made.versions, name: version},
                "event_id": event_id(made.article_id, made.content_hash, name, version),
            }
        )

    return bumped


def main(name: str, version: str, seconds: str = "0") -> None:
    """Runs the worker until SIGTERM."""
    os.environ |= {_STAGE: name, _VERSION: version, _SECONDS: seconds}
    settings = Settings()
    position = [each.name for each in PIPELINE].index(name)
    stage = replace(PIPELINE[position], version=version, load=load)
    worker.main(stage, settings, worker.port_of(position, 0, settings))


if __name__ == "__main__":
    # By its real name, so that the language processes find `load`.
    from tests.broker import bumped

    bumped.main(*sys.argv[1:])

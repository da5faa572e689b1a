"""The synthetic stage: as cheap as a stage can be, and it does as the record says.

It reads what the real first stage reads and writes what that one writes. How long the work takes
and where the engine's switch is come from the environment, which language processes inherit.
"""

import hashlib
import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ops.chaos.records import EXTRA
from schemas import Language, NormalizedArticle, RawArticle, Span
from schemas.normalized import Provenance
from streams.settings import Settings
from streams.stage import Stage, Unavailable
from streams.topics import NORMALIZED, RAW

NAME: Final = "synthetic"
VERSION: Final = "1.0.0"
STEP_MS: Final = "CHAOS_STEP_MS"
# While this file exists, the engine is out of order.
SWITCH: Final = "CHAOS_SWITCH"
CRASH_EXIT: Final = 23
_HANG_SECONDS: Final = 3600.0
_NAMESPACE: Final = uuid.UUID("6f3c1f1e-7a53-5f0e-9d6b-3b3f1f0c5a11")


def load(settings: Settings) -> Callable[[RawArticle], NormalizedArticle]:
    """The work: from a RawArticle to a NormalizedArticle of the same text.

    It raises Unavailable while the switch is thrown, ends its process for `crash`, and outlasts
    every time limit for `hang`.
    """
    seconds = float(os.environ.get(STEP_MS, "0")) / 1000
    switch = os.environ.get(SWITCH)

    def work(raw: RawArticle) -> NormalizedArticle:
        instruction = raw.extra.get(EXTRA, {}).get("do")
        if instruction == "crash":
            os._exit(CRASH_EXIT)
        if instruction == "hang":
            time.sleep(_HANG_SECONDS)
        if switch and Path(switch).exists():
            raise Unavailable("the synthetic engine is switched off")
        if seconds:
            time.sleep(seconds)
        return normalized(raw)

    return work


def normalized(raw: RawArticle) -> NormalizedArticle:
    """The article as it is, in one paragraph of one sentence."""
    digest = hashlib.sha256(raw.body.encode()).hexdigest()
    article_id = hashlib.sha256(f"{raw.source}\n{raw.url}".encode()).hexdigest()
    name = f"{article_id} {digest} {raw.extra}"
    whole = [Span(start=0, end=len(raw.body))]
    return NormalizedArticle(
        article_id=article_id,
        event_id=str(uuid.uuid5(_NAMESPACE, name)),
        source=raw.source,
        url=raw.url,
        title=raw.title,
        byline=raw.byline,
        published_at=None,
        language=Language(code=raw.language or "und", confidence=1.0),
        text=raw.body,
        paragraphs=whole,
        sentences=whole,
        removed=[],
        provenance=Provenance(),
        content_hash=digest,
        extra=raw.extra,
        versions={NAME: VERSION},
    )


STAGE: Final = Stage(NAME, version=VERSION, reads=RAW, writes=NORMALIZED, load=load)

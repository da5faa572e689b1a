"""The normalization stage: what it reads, does and writes."""

from collections.abc import Callable

from schemas import NormalizedArticle, RawArticle
from streams.settings import Settings
from streams.stage import Stage
from streams.topics import NORMALIZED, RAW


def load(settings: Settings) -> Callable[[RawArticle], NormalizedArticle]:
    """Loads what the work needs and returns it."""
    raise NotImplementedError


STAGE = Stage("normalization", version="1.0.0", reads=RAW, writes=NORMALIZED, load=load)

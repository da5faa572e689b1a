"""The translation stage: what it reads, does and writes."""

from collections.abc import Callable

from schemas import NormalizedArticle, TranslatedArticle
from streams.settings import Settings
from streams.stage import Stage
from streams.topics import NORMALIZED, TRANSLATED


def load(settings: Settings) -> Callable[[NormalizedArticle], TranslatedArticle]:
    """Loads what the work needs and returns it."""
    raise NotImplementedError


STAGE = Stage("translation", version="1.0.0", reads=NORMALIZED, writes=TRANSLATED, load=load)

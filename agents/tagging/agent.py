"""The tagging stage: what it reads, does and writes."""

from collections.abc import Callable

from schemas import EnrichedEvent, TranslatedArticle
from streams.settings import Settings
from streams.stage import Stage
from streams.topics import ENRICHED, TRANSLATED


def load(settings: Settings) -> Callable[[TranslatedArticle], EnrichedEvent]:
    """Loads what the work needs and returns it."""
    raise NotImplementedError


STAGE = Stage("tagging", version="1.0.0", reads=TRANSLATED, writes=ENRICHED, load=load)

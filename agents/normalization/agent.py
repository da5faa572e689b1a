"""The normalization stage: what it reads, does and writes."""

from collections.abc import Callable

from agents.normalization.article import NAME, normalize
from agents.normalization.forest import shipped
from agents.normalization.language import load_detector
from schemas import NormalizedArticle, RawArticle
from streams.settings import Settings
from streams.stage import Stage
from streams.topics import NORMALIZED, RAW

VERSION = "1.0.0"


def load(settings: Settings) -> Callable[[RawArticle], NormalizedArticle]:
    """Loads the language detector and the page classifier and returns the work.

    The work raises Unprocessable with `empty_body`, `no_article` or `hostile_markup`.
    """
    detect, forest = load_detector(), shipped()

    def work(raw: RawArticle) -> NormalizedArticle:
        return normalize(raw, VERSION, detect, forest)

    return work


STAGE = Stage(NAME, version=VERSION, reads=RAW, writes=NORMALIZED, load=load)

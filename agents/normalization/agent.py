"""The normalization stage: what it reads, does and writes."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from agents.normalization import NAME
from agents.normalization.measures import measure
from schemas import NormalizedArticle, RawArticle
from streams.settings import Settings
from streams.stage import Stage
from streams.topics import NORMALIZED, RAW

VERSION = "1.1.0"


def load(settings: Settings) -> Callable[[RawArticle], NormalizedArticle]:
    """Loads the language detector and the page classifier and returns the work.

    The work raises Unprocessable with `empty_body`, `no_article` or `hostile_markup`.
    """
    # Here, because who only reads the pipeline's data has no use for what this brings along.
    from agents.normalization.article import normalize
    from agents.normalization.forest import shipped
    from agents.normalization.language import load_detector

    detect, forest = load_detector(), shipped()

    def work(raw: RawArticle) -> NormalizedArticle:
        with _without_collecting():
            return normalize(raw, VERSION, detect, forest)

    return work


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Keeps the garbage collector from walking the parts of one article again and again.

    A text of a hundred thousand lines is a million objects, none of them in a cycle; looking for
    cycles among them takes as long as the work.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


STAGE = Stage(
    NAME,
    version=VERSION,
    reads=RAW,
    writes=NORMALIZED,
    load=load,
    measure=measure,
    share=0.01,
)

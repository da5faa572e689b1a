"""The translation stage: what it reads, does and writes."""

import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from agents.translation.measures import measure, tally
from schemas import NormalizedArticle, TranslatedArticle
from schemas.identity import event_id
from streams.settings import Settings
from streams.stage import Stage
from streams.topics import NORMALIZED, TRANSLATED

if TYPE_CHECKING:
    from agents.translation.engines import Engine
    from agents.translation.shelf import Shelf

log = structlog.get_logger()


def load(settings: Settings) -> Callable[[NormalizedArticle], TranslatedArticle]:
    """Returns the work: an article in any language to the same article with its English.

    The engine of a language is made at the first article in it, and kept. An article that no
    engine serves comes out untranslated and says so; nothing here makes a dead letter.
    """
    # Here, because who only reads the pipeline's data has no use for what this brings along.
    from agents.translation.assemble import translate_article
    from agents.translation.memory import Memory, Remembering
    from agents.translation.routes import choose, ways

    table = ways(settings)
    memory = Memory(shelf=_shelf(settings))
    engines: dict[str, Engine] = {}

    def engine_for(language: str) -> "Engine":
        if language not in engines:
            engines[language] = Remembering(choose(table, language), memory)
        return engines[language]

    def work(article: NormalizedArticle) -> TranslatedArticle:
        return TranslatedArticle.model_validate(
            {
                **dict(article),
                "event_id": event_id(
                    article.article_id, article.content_hash, STAGE.name, STAGE.version
                ),
                "versions": {**article.versions, STAGE.name: STAGE.version},
                "translation": translate_article(article, engine_for),
            }
        )

    return work


def _shelf(settings: Settings) -> "Shelf | None":
    from agents.translation.shelf import Shelf

    if not settings.memory_bytes:
        return None
    folder = settings.state_dir / "translations"
    try:
        return Shelf(folder, settings.memory_bytes)
    except (OSError, sqlite3.Error) as fault:
        log.warning(
            "translations are remembered by each process for itself",
            folder=str(folder),
            fault=f"{type(fault).__name__}: {fault}",
        )
        return None


STAGE = Stage(
    "translation",
    version="1.1.0",
    reads=NORMALIZED,
    writes=TRANSLATED,
    load=load,
    measure=measure,
    tally=tally,
    share=0.82,
)

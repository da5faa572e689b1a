"""The translation stage: what it reads, does and writes."""

from collections.abc import Callable

from agents.translation.assemble import translate_article
from agents.translation.engines import Engine
from agents.translation.measures import measure, tally
from agents.translation.memory import Memory, Remembering
from agents.translation.routes import choose, ways
from schemas import NormalizedArticle, TranslatedArticle
from schemas.identity import event_id
from streams.settings import Settings
from streams.stage import Stage
from streams.topics import NORMALIZED, TRANSLATED


def load(settings: Settings) -> Callable[[NormalizedArticle], TranslatedArticle]:
    """Returns the work: an article in any language to the same article with its English.

    The engine of a language is made at the first article in it, and kept. An article that no
    engine serves comes out untranslated and says so; nothing here makes a dead letter.
    """
    table = ways(settings)
    memory = Memory()
    engines: dict[str, Engine] = {}

    def engine_for(language: str) -> Engine:
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


STAGE = Stage(
    "translation",
    version="1.1.0",
    reads=NORMALIZED,
    writes=TRANSLATED,
    load=load,
    measure=measure,
    tally=tally,
    share=0.85,
)

"""The tagging stage: what it reads, does and writes."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from agents.tagging.measures import measure
from schemas import EnrichedEvent, TranslatedArticle
from schemas.identity import event_id
from streams.settings import Settings
from streams.stage import Stage
from streams.topics import ENRICHED, TRANSLATED

if TYPE_CHECKING:
    from agents.tagging.article import FindNames
    from agents.tagging.spans import Span


def load(settings: Settings) -> Callable[[TranslatedArticle], EnrichedEvent]:
    """Reads the name table and returns the work: names in both texts, one entity per thing.

    A model is loaded with the first article of its language, since most processes see few
    languages and the French one takes seconds. Raises NameTableError when the user's own name
    table cannot be read.
    """
    # Here, because spaCy takes a second to import, and who only reads the pipeline's data (a
    # worker's own process, the command line) has no use for it.
    from agents.tagging.article import tag
    from agents.tagging.models import recogniser
    from agents.tagging.names import table

    names = table(settings.names_file)
    loaded: dict[str, FindNames | None] = {}

    def model(language: str) -> "FindNames | None":
        if language not in loaded:
            loaded[language] = recogniser(settings, language)
        return loaded[language]

    def english(sentence: str) -> "list[Span]":
        find = model("en")
        return find(sentence) if find else []

    def work(article: TranslatedArticle) -> EnrichedEvent:
        entities, about = tag(article, names, model(article.language.code), english)
        return EnrichedEvent.model_validate(
            {
                **dict(article),
                "event_id": event_id(
                    article.article_id, article.content_hash, STAGE.name, STAGE.version
                ),
                "versions": {**article.versions, STAGE.name: STAGE.version},
                "entities": entities,
                "about": about,
            }
        )

    return work


STAGE = Stage(
    "tagging", version="1.0.0", reads=TRANSLATED, writes=ENRICHED, load=load, measure=measure
)

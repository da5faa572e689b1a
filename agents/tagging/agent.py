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


def load(settings: Settings) -> Callable[[TranslatedArticle], EnrichedEvent]:
    """Reads the name table and returns the work: names in both texts, one entity per thing.

    A model is loaded with the first article of its language, since most processes see few
    languages and the French one takes seconds. The user's own name table and house rules are read
    again when they change. Raises NameTableError when they cannot be used.
    """
    # Here, because spaCy takes a second to import, and who only reads the pipeline's data (a
    # worker's own process, the command line) has no use for it.
    from agents.tagging.article import tag
    from agents.tagging.house import House
    from agents.tagging.models import recogniser

    house = House(settings)
    loaded: dict[str, FindNames | None] = {}

    def model(language: str) -> "FindNames | None":
        if language not in loaded:
            loaded[language] = recogniser(settings, language)
        return loaded[language]

    def work(article: TranslatedArticle) -> EnrichedEvent:
        names = house.names()
        entities, about = tag(article, names, model(article.language.code), model("en"))
        # Other names and rules make other events of the same article, with ids of their own.
        own = f"+house.{house.fingerprint}" if house.fingerprint else ""
        version = STAGE.version + own
        return EnrichedEvent.model_validate(
            {
                **dict(article),
                "event_id": event_id(article.article_id, article.content_hash, STAGE.name, version),
                "versions": {**article.versions, STAGE.name: version},
                "entities": entities,
                "about": about,
            }
        )

    return work


STAGE = Stage(
    "tagging",
    version="1.2.0",
    reads=TRANSLATED,
    writes=ENRICHED,
    load=load,
    measure=measure,
    share=0.17,
)

"""What the metrics record of a translated article."""

from agents.translation.memory import COUNTS
from schemas import TranslatedArticle
from streams.metrics import COVERAGE, QUALITY, TRANSLATION_MEMORY, Measure, Sample


def measure(article: TranslatedArticle) -> list[Measure]:
    """Coverage, and the quality estimate where something was translated, by language."""
    language = (("language", article.language.code),)
    found: list[Measure] = [Sample(COVERAGE, article.translation.coverage, language)]
    if article.translation.quality is not None:
        found.append(Sample(QUALITY, article.translation.quality, language))
    return found


def tally() -> list[Measure]:
    """Sentences that the translation memory was asked for since the last call, by what it knew."""
    asked, remembered = COUNTS.taken()
    return [
        Sample(TRANSLATION_MEMORY, remembered, (("memory", "hit"),)),
        Sample(TRANSLATION_MEMORY, asked - remembered, (("memory", "miss"),)),
    ]

"""What the metrics record of a translated article."""

from schemas import TranslatedArticle
from streams.metrics import COVERAGE, QUALITY, Measure, Sample


def measure(article: TranslatedArticle) -> list[Measure]:
    """Coverage, and the quality estimate where something was translated, by language."""
    language = (("language", article.language.code),)
    found: list[Measure] = [Sample(COVERAGE, article.translation.coverage, language)]
    if article.translation.quality is not None:
        found.append(Sample(QUALITY, article.translation.quality, language))
    return found

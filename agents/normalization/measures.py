"""What the metrics record of a normalized article."""

from schemas import NormalizedArticle
from streams.metrics import NEAR_DUPLICATES, Measure, Sighting


def measure(article: NormalizedArticle) -> list[Measure]:
    """One sighting, where the text is long enough for a signature: the like of it under another
    article_id is a copy."""
    if article.near_duplicate is None:
        return []
    return [Sighting(NEAR_DUPLICATES, int(article.near_duplicate, 16), article.article_id)]

"""What the metrics record of a normalized article."""

from schemas import NormalizedArticle
from streams.metrics import NEAR_DUPLICATES, Measure, Sighting


def measure(article: NormalizedArticle) -> list[Measure]:
    """One sighting: the same text under another article_id is a copy."""
    return [Sighting(NEAR_DUPLICATES, (article.content_hash,), article.article_id)]

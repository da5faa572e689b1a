"""What the metrics record of a normalized article."""

from schemas import NormalizedArticle
from streams.metrics import NEAR_DUPLICATES, Measure, Sighting


def measure(article: NormalizedArticle) -> list[Measure]:
    """One sighting: the same text under another article_id is a copy.

    The signature is the beginning of the content hash, so that only exact copies are found.
    """
    return [Sighting(NEAR_DUPLICATES, int(article.content_hash[:16], 16), article.article_id)]

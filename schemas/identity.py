"""Identity of events: the same input through the same version of a stage is the same event."""

import uuid
from typing import Final

_NAMESPACE: Final = uuid.UUID("5b1ed9a4-3c0f-5d58-9f0e-0d9c1f6c2a77")


def event_id(article_id: str, content_hash: str, stage: str, version: str) -> str:
    """The uuid5 (RFC 9562) of one stage's output for one content of one article.

    >>> event_id("a", "b", "normalization", "1.0.0") == event_id("a", "b", "normalization", "1.0.0")
    True
    """
    return str(uuid.uuid5(_NAMESPACE, "\n".join((article_id, content_hash, stage, version))))

"""Every topic, in flow order. This list is the only place where a topic is declared."""

from dataclasses import dataclass
from typing import Final

from schemas import EnrichedEvent, NormalizedArticle, RawArticle, TranslatedArticle
from schemas.base import Message

DAY_MS: Final = 24 * 60 * 60 * 1000
LARGEST_RECORD_BYTES: Final = 16 * 1024 * 1024
# Half, so that whatever got in still fits when headers with the reason are added to it.
LARGEST_RAW_BYTES: Final = LARGEST_RECORD_BYTES // 2


@dataclass(frozen=True)
class Topic:
    """One topic. `name` is without the prefix, which is a setting; `schema` is None for topics
    whose values are any bytes; `key` says what the record key is. Records of a `public` topic are
    written by other people's programs and held to the setting `max_record_bytes`."""

    name: str
    schema: type[Message] | None
    key: str
    partitions: int = 6
    retention_ms: int = 7 * DAY_MS
    cleanup_policy: str = "delete"
    public: bool = False
    largest_bytes: int = LARGEST_RECORD_BYTES

    def full_name(self, prefix: str) -> str:
        """The name on the broker, such as `babelwire.raw`."""
        return f"{prefix}.{self.name}"

    @property
    def config(self) -> dict[str, str]:
        """The topic's configuration as the broker takes it."""
        return {
            "retention.ms": str(self.retention_ms),
            "cleanup.policy": self.cleanup_policy,
            "max.message.bytes": str(self.largest_bytes),
        }


RAW: Final = Topic(
    "raw",
    RawArticle,
    key="any or none; `babelwire push` uses source and URL",
    public=True,
    largest_bytes=LARGEST_RAW_BYTES,
)
NORMALIZED: Final = Topic("normalized", NormalizedArticle, key="article_id")
TRANSLATED: Final = Topic("translated", TranslatedArticle, key="article_id")
ENRICHED: Final = Topic("enriched", EnrichedEvent, key="article_id", retention_ms=30 * DAY_MS)
DEAD_LETTERS: Final = Topic(
    "dead-letters", None, key="that of the failed record", retention_ms=30 * DAY_MS
)

TOPICS: Final = (RAW, NORMALIZED, TRANSLATED, ENRICHED, DEAD_LETTERS)

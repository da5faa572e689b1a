"""Pushing raw articles to Kafka, with a receipt for each."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.structs import RecordMetadata
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from agents.feeds import Feed
from agents.inputs import Input
from schemas import RawArticle, Unprocessable, encode
from streams import clients
from streams.settings import Settings
from streams.stage import Stage


@dataclass(frozen=True)
class Receipt:
    """What became of one input. `article_id` is the id that normalization will give; `warning`
    says why it will refuse the article; `error` says why nothing was sent."""

    name: str
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    article_id: str | None = None
    warning: str | None = None
    error: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """All fields, for JSON."""
        return asdict(self)

    def line(self) -> str:
        """The receipt on one line."""
        place = f"{self.topic}/{self.partition}@{self.offset}"
        what = f"article {self.article_id[:16]}" if self.article_id else "unchecked record"
        if self.warning:
            what = f"will become a dead letter: {self.warning}"
        return f"✓ {place}  {what}  {self.name}"


class Push:
    """Sends articles to the topic that the first stage reads."""

    def __init__(self, settings: Settings, first: Stage) -> None:
        self._settings = settings
        self._topic = first.reads.full_name(settings.topic_prefix)
        self._first = first

    async def send(
        self, inputs: Iterable[Input], report: Callable[[Receipt], None], total: int
    ) -> None:
        """Sends each article; reports every receipt once its record is on the broker.

        The article_id comes from normalizing the article here: the same code gives the same id.
        """
        async with clients.producer(self._settings) as producer:
            work = self._first.load(self._settings)
            with progress_bar() as progress:
                task = progress.add_task("pushing", total=total)
                for item in inputs:
                    report(await self._send_one(producer, work, item))
                    progress.advance(task)

    async def send_bytes(self, paths: Iterable[Path], report: Callable[[Receipt], None]) -> None:
        """Sends each file's bytes as one record, unchecked."""
        async with clients.producer(self._settings) as producer:
            for path in paths:
                try:
                    data = await asyncio.to_thread(path.read_bytes)
                    sent = await producer.send_and_wait(self._topic, data)
                except OSError as fault:
                    report(Receipt(str(path), error=f"cannot be read: {fault.strerror}"))
                except MessageSizeTooLargeError:
                    report(Receipt(str(path), error="is larger than the broker takes"))
                else:
                    report(_receipt(str(path), sent))

    async def _send_one(
        self, producer: AIOKafkaProducer, work: Callable[[RawArticle], Any], item: Input
    ) -> Receipt:
        if item.article is None:
            return Receipt(item.name, error=item.error)
        value = encode(item.article)
        limit = self._settings.max_record_bytes
        if len(value) > limit:
            return Receipt(
                item.name,
                error=f"is {len(value)} bytes as a record, the limit is {limit}"
                " (setting max_record_bytes); split it or raise the limit",
            )
        article_id = warning = None
        try:
            article_id = work(item.article).article_id
        except Unprocessable as verdict:
            warning = f"{verdict.reason}: {verdict.error}"
        sent = await producer.send_and_wait(self._topic, value, key=_key(item.article))
        return _receipt(item.name, sent, article_id, warning)


class PushedEntries:
    """Which entries of a feed went out: gives the inputs, is told the receipts in their order."""

    def __init__(self, feed: Feed, report: Callable[[Receipt], None]) -> None:
        self._feed = feed
        self._report = report
        self._reported: list[Receipt] = []

    def inputs(self) -> Iterator[Input]:
        """The entries that are new."""
        return (entry.item for entry in self._feed.fresh)

    def report(self, receipt: Receipt) -> None:
        """Takes the receipt of the next entry and passes it on."""
        self._reported.append(receipt)
        self._report(receipt)

    def remember(self) -> None:
        """Remembers, for the next time, the entries whose record is on the broker.

        And those without text: as long as they have none, they need not be named again.
        """
        pairs = zip(self._feed.fresh, self._reported, strict=False)
        self._feed.remember(
            entry.key
            for entry, receipt in pairs
            if receipt.error is None or entry.item.article is None
        )


def _key(article: RawArticle) -> bytes | None:
    """Source and URL, so that one article's versions keep their order; none without a URL."""
    return None if article.url is None else f"{article.source or ''}\n{article.url}".encode()


def _receipt(
    name: str, sent: RecordMetadata, article_id: str | None = None, warning: str | None = None
) -> Receipt:
    return Receipt(name, sent.topic, sent.partition, sent.offset, article_id, warning)


def progress_bar() -> Progress:
    """Progress on stderr, gone when the work is done."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )

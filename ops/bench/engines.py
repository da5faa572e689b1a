"""The language work without Kafka: the bare engines, and each stage's work, on all cores at once.

The bare engines are what nobody can do without: the translation of every sentence and the model
that finds names, in the source and in the English, called in batches of several articles. A stage's
work is all that a language process does with a record: decode, work, encode.
"""

import multiprocessing
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.synchronize import Barrier
from typing import Any, Final

from agents.pipeline import PIPELINE
from agents.tagging.models import recogniser
from agents.translation.engines import Engine
from agents.translation.routes import choose, ways
from ops.bench.workload import MIX, SHORT, Workload
from schemas import NormalizedArticle, RawArticle, decode, encode
from streams.cost import seconds_spent
from streams.settings import Settings
from streams.stage import Stage

# Articles whose sentences the bare engines get in one call.
TOGETHER: Final = 8


@dataclass
class Spent:
    """What a number of articles cost. `cpu` is in seconds by what was done and language; `rate` is
    in characters a second of all processes together, start and warm-up not counted."""

    articles: int = 0
    characters: Counter[str] = field(default_factory=Counter)
    rate: float = 0.0
    cpu: dict[str, dict[str, float]] = field(default_factory=dict)

    def spend(self, what: str, language: str, seconds: float) -> None:
        """Adds to what was spent on it."""
        by_language = self.cpu.setdefault(what, {})
        by_language[language] = by_language.get(language, 0.0) + seconds

    def add(self, other: "Spent") -> None:
        """Takes in what another process measured at the same time."""
        self.articles += other.articles
        self.characters += other.characters
        # Of processes that end at different times, each at its own pace while it was busy.
        self.rate += other.rate
        for what, by_language in other.cpu.items():
            for language, seconds in by_language.items():
                self.spend(what, language, seconds)

    def per_article(self, what: str) -> float:
        """CPU seconds of one article."""
        return sum(self.cpu[what].values()) / self.articles


def on_all_cores(
    measure: Callable[[Sequence[bytes]], Spent], articles: Sequence[RawArticle], cores: int
) -> Spent:
    """Has each of `cores` processes measure its share of the articles at the same time."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(cores)
    shares = [[encode(article) for article in articles[at::cores]] for at in range(cores)]
    total = Spent()
    with ProcessPoolExecutor(cores, context, _prepare, (barrier,)) as processes:
        for spent in processes.map(measure, shares):
            total.add(spent)
    return total


def bare(values: Sequence[bytes]) -> Spent:
    """Measures the engines alone."""
    settings = Settings()
    normalize = PIPELINE[0].load(settings)
    articles = [_normalized(normalize, value) for value in values]
    table = ways(settings)
    spent = Spent(len(articles))
    by_language: dict[str, list[NormalizedArticle]] = defaultdict(list)
    for article in articles:
        by_language[article.language.code].append(article)
        spent.characters[article.language.code] += len(article.text)
    engines: dict[str, Engine] = {language: choose(table, language) for language in by_language}
    finders = {language: recogniser(settings, language) for language in {*by_language, "en"}}
    for language, engine in engines.items():
        engine.translate([_sentences(by_language[language][0])[0]])
    for find in finders.values():
        if find is not None:
            find(["Roma", "Paris"])
    _start_together()
    began = time.perf_counter()
    for language, those in by_language.items():
        find, find_english = finders[language], finders["en"]
        for at in range(0, len(those), TOGETHER):
            group = those[at : at + TOGETHER]
            sentences = [sentence for article in group for sentence in _sentences(article)]
            before = seconds_spent()
            english = [each.text for each in engines[language].translate(sentences)]
            after = seconds_spent()
            spent.spend("translation", language, after - before)
            if find is not None:
                find([article.text for article in group])
            between = seconds_spent()
            spent.spend("names in the source", language, between - after)
            if find_english is not None and language != "en":
                find_english(english)
            spent.spend("names in the English", language, seconds_spent() - between)
    spent.rate = spent.characters.total() / (time.perf_counter() - began)
    return spent


def stages(values: Sequence[bytes]) -> Spent:
    """Measures the work of each stage, one article after the other, and what of it is reading,
    checking and writing messages."""
    # What an earlier run translated must not come from the disk.
    settings = Settings(memory_bytes=0)
    works = [(stage, stage.load(settings)) for stage in PIPELINE]
    spent = Spent(len(values))
    for value in first_of_each_language():
        for stage, work in works:
            value = encode(work(decode(_schema(stage), value)))
    _start_together()
    began = time.perf_counter()
    for value in values:
        for stage, work in works:
            before, processor = seconds_spent(), time.process_time()
            message = decode(_schema(stage), value)
            decoded = time.process_time()
            done = work(message)
            worked = time.process_time()
            value = encode(done)
            messages = decoded - processor + time.process_time() - worked
            language = done.language.code
            spent.spend("messages", language, messages)
            spent.spend(stage.name, language, seconds_spent() - before)
        spent.characters[language] += len(done.text)
    spent.rate = spent.characters.total() / (time.perf_counter() - began)
    return spent


_barrier: Barrier | None = None


def _prepare(barrier: Barrier) -> None:
    global _barrier
    _barrier = barrier


def _start_together() -> None:
    if _barrier is not None:
        _barrier.wait()


def first_of_each_language() -> list[bytes]:
    """What loads the models of every language, and is in no workload."""
    made = Workload(None, seed=0)
    return [encode(made.article(SHORT, language)) for language in MIX]


def _normalized(normalize: Callable[[Any], Any], value: bytes) -> NormalizedArticle:
    article = normalize(decode(RawArticle, value))
    assert isinstance(article, NormalizedArticle)
    return article


def _sentences(article: NormalizedArticle) -> list[str]:
    return [article.text[span.start : span.end] for span in article.sentences]


def _schema(stage: Stage) -> Any:
    return stage.reads.schema

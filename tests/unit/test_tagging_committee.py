"""The committee: what its members learn, and its stored form."""

import random
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import spacy
from spacy.language import Language
from thinc.api import fix_random_seed

from agents.tagging.committee import FACTORY, Committee
from agents.tagging.features import NameLists, PieceTable
from ops.train.augment import Names
from ops.train.corpora import Labelled, Sentence
from ops.train.italian import UNKNOWN, fold, seats, stage, taught

SMALL: dict[str, Any] = {
    "@architectures": "babelwire.Committee.v1",
    "members": 2,
    "width": 32,
    "projected": 4,
    "depth": 2,
    "attrs": ["NORM", "SHAPE"],
    "rows": [500, 100],
}
TABLE = PieceTable(
    ["\u2581", *"AadPisv"], [-1.0] * 8, np.random.default_rng(0).normal(size=(8, 6)).astype("f4")
)
LESSON = Sentence(("Ada", "va", "a", "Pisa"), ((0, 1, "PER"), (3, 4, "LOC")))
NAMES = Names(["Ada"], ["Neri"], ["Pisa"], ["Acme"])


def committee(nlp: Language) -> Committee:
    ner = nlp.get_pipe("ner")
    assert isinstance(ner, Committee)
    return ner


def untaught() -> Language:
    """A small committee that knows nothing."""
    fix_random_seed(0)
    nlp = spacy.blank("it")
    nlp.add_pipe(FACTORY, name="ner", config={"model": SMALL})
    words, members = seats(nlp)
    words.attrs.update(table=TABLE, lists=NameLists({"Ada": 1, "Pisa": 4}))
    for each in members:
        each.initialize(X=words.predict([nlp.make_doc("Ada")]))
    return nlp


@pytest.fixture(scope="module")
def nlp() -> Language:
    """A committee that has learnt one sentence."""
    made = untaught()
    for number, each in enumerate(seats(made)[1]):
        chance = random.Random(number)
        stage(made, each, [LESSON] * 400, 20, 300, NAMES, chance, "lesson", lambda line: None)
    return made


def found(nlp: Language, text: str) -> set[tuple[str, str]]:
    return {(ent.text, ent.label_) for ent in nlp(text).ents}


def test_it_learns_a_sentence(nlp: Language) -> None:
    assert found(nlp, "Ada va a Pisa") == {("Ada", "PER"), ("Pisa", "LOC")}


def test_texts_without_words_have_no_names(nlp: Language) -> None:
    docs = list(nlp.pipe(["", "Ada va a Pisa", ""]))
    assert [len(doc.ents) for doc in docs] == [0, 2, 0]
    assert committee(nlp).predict([]) == []


def test_a_very_long_text_takes_no_memory_for_the_short_ones_beside_it(nlp: Language) -> None:
    long = "Ada va a Pisa " * 1000
    tracemalloc.start()
    docs = list(nlp.pipe([long, *["Ada va a Pisa"] * 63], batch_size=64))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * 2**20
    assert all(len(doc.ents) == 2 for doc in docs[1:])


def test_it_finds_after_reading_what_it_found_before_writing(nlp: Language, tmp_path: Path) -> None:
    nlp.to_disk(tmp_path / "model")
    read = spacy.load(tmp_path / "model")
    assert found(read, "Ada va a Pisa") == found(nlp, "Ada va a Pisa")
    assert committee(read).to_bytes() == committee(nlp).to_bytes()


def test_members_share_one_table_of_pieces(nlp: Language) -> None:
    nodes = committee(nlp).model.to_dict()["attrs"]
    assert sum("table" in attrs for attrs in nodes) == 1


def test_folding_the_maps_into_the_table_keeps_what_members_say() -> None:
    nlp = untaught()
    words, members = seats(nlp)
    doc = nlp.make_doc("Ada va a Pisa")
    before = [np.asarray(each.predict(words.predict([doc]))) for each in members]
    fold(words, members)
    assert words.attrs["table"].rows.dtype == np.int8
    assert words.attrs["table"].width == len(members) * SMALL["projected"]
    for each, scores in zip(members, before, strict=True):
        assert np.allclose(np.asarray(each.predict(words.predict([doc]))), scores, atol=0.1)


@pytest.mark.filterwarnings("ignore:.*W030")
def test_a_name_that_ends_within_a_word_teaches_nothing() -> None:
    lesson = Labelled("Adamo va", ((0, 3, "PER"),))
    [(_, tags)] = taught(spacy.blank("it"), [lesson])
    assert tags.tolist() == [UNKNOWN, 0]

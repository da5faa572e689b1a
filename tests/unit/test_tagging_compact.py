"""The recogniser stored in eight bits."""

from pathlib import Path

import numpy as np
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.training import Example
from thinc.api import fix_random_seed

from agents.tagging.compact import FACTORY, quantised, restored
from agents.tagging.models import compact


def trained() -> Language:
    """A small recogniser that has learnt one sentence."""
    # Twenty lessons are enough from this beginning, not from every one.
    fix_random_seed(0)
    nlp = spacy.blank("it")
    nlp.add_pipe(FACTORY, name="ner", config={"model": SMALL})
    example = Example.from_dict(nlp.make_doc("Ada va a Pisa"), {"entities": [(0, 3, "PER")]})
    nlp.initialize(lambda: [example])
    for _ in range(20):
        nlp.update([example])
    return nlp


SMALL = {
    "@architectures": "spacy.TransitionBasedParser.v2",
    "state_type": "ner",
    "extra_state_tokens": False,
    "hidden_width": 16,
    "maxout_pieces": 2,
    "use_upper": True,
    "tok2vec": {
        "@architectures": "spacy.HashEmbedCNN.v2",
        "pretrained_vectors": None,
        "width": 32,
        "depth": 1,
        "embed_size": 500,
        "window_size": 1,
        "maxout_pieces": 2,
        "subword_features": True,
    },
}


def test_it_finds_after_reading_what_it_found_before_writing(tmp_path: Path) -> None:
    nlp = trained()
    nlp.to_disk(tmp_path / "model")
    read = spacy.load(tmp_path / "model")
    assert [(ent.text, ent.label_) for ent in read("Ada va a Pisa").ents] == [("Ada", "PER")]
    assert compact(read).to_bytes() == compact(spacy.load(tmp_path / "model")).to_bytes()


def test_its_file_is_a_quarter_of_spacys(tmp_path: Path) -> None:
    nlp = trained()
    assert len(compact(nlp).to_bytes()) < 0.35 * len(compact(nlp).model.to_bytes())


@given(st.lists(st.lists(st.floats(-5, 5, width=32), min_size=3, max_size=3), min_size=1))
def test_eight_bits_cost_at_most_half_a_step(rows: list[list[float]]) -> None:
    matrix = np.array(rows, dtype=np.float32)
    step = np.abs(matrix).max(axis=-1, keepdims=True) / 127
    assert (np.abs(restored(quantised(matrix)) - matrix) <= step / 2 + 1e-6).all()

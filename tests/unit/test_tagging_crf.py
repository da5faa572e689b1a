"""Tags in sequence, checked against all sequences written out."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.tagging.crf import (
    CLOSES,
    LEGAL,
    OPENS,
    TAGS,
    TINY,
    Beliefs,
    Floats,
    best_paths,
    names,
    padded,
)

LENGTHS = (3, 1, 2)


def drawn(seed: int) -> tuple[Floats, Floats]:
    """Scores of two models for six tokens, and their transitions."""
    chance = np.random.default_rng(seed)
    size = len(TAGS)
    return chance.normal(0, 2, (2, 6, size)), chance.normal(0, 1, (2, size, size))


def is_legal(path: tuple[int, ...]) -> bool:
    return bool(
        OPENS[path[0]]
        and CLOSES[path[-1]]
        and all(LEGAL[a, b] for a, b in itertools.pairwise(path))
    )


def written_out(scores: Floats, transitions: Floats) -> tuple[Floats, Floats]:
    """Probabilities of tags at each token of a text, and expected transitions, the long way."""
    tags = np.zeros(scores.shape)
    pairs = np.zeros(transitions.shape)
    for path in itertools.product(range(len(TAGS)), repeat=len(scores)):
        if not is_legal(path):
            continue
        weight = np.exp(
            sum(scores[number, tag] for number, tag in enumerate(path))
            + sum(transitions[a, b] for a, b in itertools.pairwise(path))
        )
        for number, tag in enumerate(path):
            tags[number, tag] += weight
        for a, b in itertools.pairwise(path):
            pairs[a, b] += weight
    total = tags[0].sum()
    return tags / total, pairs / total


def test_beliefs_are_what_all_legal_sequences_say() -> None:
    scores, transitions = drawn(1)
    cube, mask = padded(scores, LENGTHS)
    beliefs = Beliefs(cube, mask, transitions)
    found, pairs = beliefs.tags(), beliefs.transitions()
    for model in range(2):
        counted = np.zeros(transitions.shape[1:])
        at = 0
        for text, length in enumerate(LENGTHS):
            tags, each = written_out(scores[model, at : at + length], transitions[model])
            assert np.allclose(found[:length, model, text], tags)
            counted += each
            at += length
        assert np.allclose(pairs[model], counted)


@given(st.integers(0, 10_000))
def test_the_best_path_is_legal_and_no_other_is_better(seed: int) -> None:
    scores, transitions = drawn(seed)
    cube, mask = padded(scores, LENGTHS)
    beliefs = Beliefs(cube, mask, transitions).tags().mean(axis=1)
    for text, path in enumerate(best_paths(beliefs, mask)):
        assert len(path) == LENGTHS[text]
        logs = np.log(beliefs[:, text] + TINY)
        others = [
            sum(logs[number, tag] for number, tag in enumerate(other))
            for other in itertools.product(range(len(TAGS)), repeat=len(path))
            if is_legal(other)
        ]
        assert is_legal(tuple(path))
        assert sum(logs[number, tag] for number, tag in enumerate(path)) == pytest.approx(
            max(others)
        )


def test_what_stands_beside_a_text_changes_nothing() -> None:
    scores, transitions = drawn(2)
    together = Beliefs(*padded(scores, LENGTHS), transitions).tags()
    alone = Beliefs(*padded(scores[:, 3:4], [1]), transitions).tags()
    assert np.allclose(together[:1, :, 1], alone[:, :, 0])


def test_scores_of_any_size_are_borne() -> None:
    scores, transitions = drawn(3)
    cube, mask = padded(scores * 400, LENGTHS)
    beliefs = Beliefs(cube, mask, transitions).tags()
    assert np.isfinite(beliefs).all()
    assert all(is_legal(tuple(path)) for path in best_paths(beliefs.mean(axis=1), mask))


def test_no_name_follows_from_tags_outside() -> None:
    assert list(names([0, 0])) == []
    assert list(names([])) == []

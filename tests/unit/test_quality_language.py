"""The measure of language identification counts what its description says."""

import pytest

from ops.quality.language import bucket, evenly, row


@pytest.mark.parametrize(
    ("length", "name"), [(0, "0-19"), (19, "0-19"), (20, "20-39"), (159, "80-159"), (160, "160+")]
)
def test_a_sentence_belongs_to_the_bucket_of_its_length(length: int, name: str) -> None:
    assert bucket("x" * length) == name


def test_sentences_are_taken_at_equal_distances_and_no_more_than_there_are() -> None:
    assert evenly(list("abcdef"), 3) == ["a", "c", "e"]
    assert evenly(["a"], 3) == ["a"]


def test_each_bucket_and_the_long_ones_together_get_their_share() -> None:
    line = row("it", ["x" * 10, "x" * 50, "x" * 90], ["it", "und", "it"])
    assert line == (
        "it  0-19: 1.0000 (1/1)  40-79: 0.0000 (0/1)  80-159: 1.0000 (1/1)  from 40: 0.5000 (1/2)"
    )

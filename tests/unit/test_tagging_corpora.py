"""Reading corpora and scoring on them."""

from pathlib import Path

from ops.train.corpora import (
    Labelled,
    Sentence,
    lines_of,
    read_bio,
    read_brat,
    spaced,
    written,
)

SENTENCE = Sentence(("L'", "Etna", "è", "a", "Nicolosi", "."), ((0, 2, "LOC"), (4, 5, "LOC")))


def quoted(one: Labelled) -> list[str]:
    return [one.text[start:end] for start, end, _ in one.entities]


def test_tokens_are_joined_by_spaces_for_scoring() -> None:
    assert spaced(SENTENCE).text == "L' Etna è a Nicolosi ."
    assert quoted(spaced(SENTENCE)) == ["L' Etna", "Nicolosi"]


def test_tokens_are_joined_as_in_print_for_training() -> None:
    assert written(SENTENCE).text == "L'Etna è a Nicolosi."
    assert quoted(written(SENTENCE)) == ["L'Etna", "Nicolosi"]


def test_neighbouring_entities_stay_apart_and_other_types_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "x.tsv"
    path.write_text("A\tB-PER\nB\tB-PER\nC\tI-PER\nD\tB-MISC\n\nE\tI-LOC\n", encoding="utf-8")
    assert [sentence.entities for sentence in read_bio(path)] == [
        ((0, 1, "PER"), (1, 3, "PER")),
        ((0, 1, "LOC"),),
    ]


def test_only_outermost_spans_of_standoff_count(tmp_path: Path) -> None:
    (tmp_path / "1.txt").write_text("Mairie de Lyon, hier", encoding="utf-8")
    (tmp_path / "1.ann").write_text(
        "T1\tOrganization 0 14\tMairie de Lyon\nT2\tLocation 10 14\tLyon\nT3\tDate 16 20\thier\n",
        encoding="utf-8",
    )
    assert [quoted(one) for _, one in read_brat(tmp_path)] == [["Mairie de Lyon"]]


def test_an_article_falls_into_lines_with_offsets_of_their_own() -> None:
    lines = list(lines_of(Labelled("Ada\n\nva a Bari", ((0, 3, "PER"), (10, 14, "LOC")))))
    assert [(line.text, quoted(line)) for line in lines] == [
        ("Ada", ["Ada"]),
        ("va a Bari", ["Bari"]),
    ]

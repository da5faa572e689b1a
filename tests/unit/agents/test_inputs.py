"""What push and enrich read: files of every kind, and clear errors for those that cannot be."""

from pathlib import Path

import pytest

from agents.inputs import Hints, articles_in, articles_of, files_of

NO_HINTS = Hints()


def bodies(data: bytes, suffix: str) -> list[str]:
    return [item.article.body for item in articles_in(data, "x", suffix, NO_HINTS) if item.article]


def test_a_text_file_is_one_article() -> None:
    assert bodies("Città\nVecchia".encode(), ".txt") == ["Città\nVecchia"]


def test_text_in_an_old_encoding_is_read_right() -> None:
    text = "La città è più viva che mai, perché la gente è tornata nelle piazze. " * 5
    assert bodies(text.encode("cp1252"), ".txt") == [text]


def test_a_page_keeps_its_markup_and_says_so() -> None:
    [item] = articles_in(b"<p>ciao</p>", "x", ".html", NO_HINTS)
    assert item.article
    assert item.article.content_type == "text/html"


def test_json_lines_are_an_article_each_and_a_bad_line_spoils_only_itself() -> None:
    items = list(
        articles_in(b'{"body":"a"}\n\n{"body":1}\n{"body":"b"}\n', "n", ".jsonl", NO_HINTS)
    )
    assert [item.article.body if item.article else None for item in items] == ["a", None, "b"]
    assert items[1].name == "n:3"
    assert items[1].error and items[1].error.startswith("wrong_shape: body")


def test_a_json_file_holds_one_article_or_a_list() -> None:
    assert bodies(b'{"body":"a"}', ".json") == ["a"]
    assert bodies(b'[{"body":"a"},{"body":"b"}]', ".json") == ["a", "b"]


def test_standard_input_is_looked_at() -> None:
    assert bodies(b'{"body":"a"}\n{"body":"b"}', "") == ["a", "b"]
    assert bodies(b"Just text.\nMore text.", "") == ["Just text.\nMore text."]


def test_hints_fill_what_the_input_leaves_open_and_no_more() -> None:
    hints = Hints(source="mine", language="it")
    [item] = articles_in(b'{"body":"a","source":"theirs"}', "x", ".json", hints)
    assert item.article
    assert (item.article.source, item.article.language) == ("theirs", "it")


def test_a_folder_gives_its_article_files_in_order(tmp_path: Path) -> None:
    for name in ("b.txt", "a.html", "notes.pdf"):
        (tmp_path / name).write_text("x")
    assert [path.name for path in files_of([tmp_path])] == ["a.html", "b.txt"]


@pytest.mark.parametrize(
    ("data", "suffix", "words"),
    [(b"[1", ".json", "not_json"), (b"\x00\x01\x02\xff\xfe\x9d" * 40, ".txt", "binary")],
)
def test_what_is_no_article_gets_an_error_that_says_why(
    data: bytes, suffix: str, words: str
) -> None:
    [item] = articles_in(data, "x", suffix, NO_HINTS)
    assert item.article is None
    assert item.error and words in item.error


def test_a_file_that_is_not_there_gets_an_error(tmp_path: Path) -> None:
    [item] = articles_of(tmp_path / "gone.txt", NO_HINTS)
    assert item.error == "cannot be read: No such file or directory"

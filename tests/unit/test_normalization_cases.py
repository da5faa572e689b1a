"""The table of cases: `normalization_cases.tsv` says for each text what is kept and what goes."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from agents.normalization.agent import load
from schemas import NormalizedArticle, RawArticle
from streams.settings import Settings

TABLE = Path(__file__).parent / "normalization_cases.tsv"


@dataclass(frozen=True)
class Case:
    """One row, with its paragraphs filled in."""

    language: str
    body: str
    kept: str
    removed: list[tuple[str, str]]
    fields: dict[str, str]


def cases() -> list[Case]:
    paragraphs: dict[tuple[str, str], str] = {}
    found = []
    for row in TABLE.read_text("utf-8").splitlines():
        if not row or row.startswith("#"):
            continue
        language, *columns = row.split("\t")
        if len(columns) == 2:
            paragraphs[language, columns[0]] = columns[1]
            continue
        filled = [
            column.replace("{A}", paragraphs[language, "{A}"])
            .replace("{B}", paragraphs[language, "{B}"])
            .replace("⏎", "\n")
            for column in columns
        ]
        found.append(Case(language, filled[0], filled[1], pairs(filled[2]), dict(pairs(filled[3]))))
    return found


def pairs(column: str) -> list[tuple[str, str]]:
    return [(name, value) for name, _, value in (p.partition("=") for p in column.split("; ") if p)]


@cache
def work() -> Callable[[RawArticle], NormalizedArticle]:
    return load(Settings())


@cache
def normalized(body: str) -> NormalizedArticle:
    return work()(RawArticle(body=body, content_type="text/plain"))


EVERY = pytest.mark.parametrize(
    "case", cases(), ids=lambda case: f"{case.language} {case.body[:40]}"
)


def test_there_are_a_hundred_cases_in_five_languages() -> None:
    assert len(cases()) >= 100
    assert {case.language for case in cases()} == {"it", "fr", "es", "pt", "en"}


@EVERY
def test_the_article_is_kept_whole_and_nothing_else(case: Case) -> None:
    assert normalized(case.body).text == case.kept


@EVERY
def test_what_goes_is_listed_by_kind_and_stands_where_it_is_said_to(case: Case) -> None:
    removed = normalized(case.body).removed
    assert [(piece.kind, piece.text) for piece in removed] == case.removed
    for piece in removed:
        assert piece.start is not None
        assert case.body[piece.start :].startswith(piece.text)


@EVERY
def test_title_byline_and_date_are_read(case: Case) -> None:
    article = normalized(case.body)
    date = article.published_at.value if article.published_at else ""
    known = {"title": article.title or "", "byline": article.byline or "", "date": date}
    assert {name: known[name] for name in case.fields} == case.fields


@EVERY
def test_the_language_is_told(case: Case) -> None:
    assert normalized(case.body).language.code == case.language

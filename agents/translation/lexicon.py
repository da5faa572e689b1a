"""The words and phrases that the rules do not know or render badly, as data."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import resources

_DATA = resources.files("agents.translation") / "data"


@dataclass(frozen=True)
class Phrases:
    """Fixed expressions and their Portuguese; found as whole words, the longest first."""

    pattern: re.Pattern[str]
    portuguese: dict[str, str]


def rows(name: str) -> list[list[str]]:
    """The tab-separated rows of a data file; empty where the language has no such file."""
    file = _DATA / name
    if not file.is_file():
        return []
    lines = file.read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


@cache
def words(pair: str) -> dict[str, str]:
    """Surface form to Portuguese, both in lower case, for a pair such as `it-pt`."""
    return {row[0]: row[1] for row in rows(f"words.{pair}.tsv")}


@cache
def version() -> str:
    """The start of the SHA-256 over all data files."""
    digest = hashlib.sha256()
    for file in sorted(_DATA.iterdir(), key=lambda file: file.name):
        if file.name.endswith((".tsv", ".txt")):
            digest.update(file.read_bytes())
    return f"lexicon:{digest.hexdigest()[:8]}"


@dataclass(frozen=True)
class Entry:
    """A translation by lemma. `gender` (`m`, `f`) is given where it may differ from that of the
    dictionary's own; `formed_here` says that Apertium's generator does not have the lemma."""

    lemma: str
    gender: str
    formed_here: bool


# Lemma and first tag of the source side to what shall be its translation.
Glossary = dict[tuple[str, str], Entry]


@cache
def glossary(pair: str) -> Glossary:
    """Our own entries over the dictionary of a pair such as `cat-por`."""
    return {
        (row[0], row[1]): Entry(row[2].removesuffix("!"), "".join(row[3:4]), row[2].endswith("!"))
        for row in rows(f"lemmas.{pair}.tsv")
    }


@cache
def phrases(pair: str) -> Phrases | None:
    """The phrase table of a pair, or None."""
    table = {row[0].lower(): row[1] for row in rows(f"phrases.{pair}.tsv")}
    if not table:
        return None
    longest_first = sorted(table, key=lambda phrase: (-len(phrase), phrase))
    spelled = "|".join(_spelled(phrase) for phrase in longest_first)
    return Phrases(re.compile(rf"(?<![\w'’-])(?:{spelled})", re.IGNORECASE), table)


@cache
def patterns(pair: str) -> tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]:
    """What its neighbours show the meaning of: a pattern, and the Portuguese of each group of it.

    A group that did not take part is left out.
    """
    return tuple((re.compile(row[0]), tuple(row[1:])) for row in rows(f"patterns.{pair}.tsv"))


@cache
def repairs(table: str) -> tuple[Callable[[str], str], ...]:
    """The substitutions of `repairs.TABLE.tsv` over a text before the next step reads it, in order;
    most tables are called by the language of the text."""

    def repair(pattern: str, replacement: str) -> Callable[[str], str]:
        compiled = re.compile(pattern)
        return lambda text: compiled.sub(replacement, text)

    return tuple(
        repair(pattern, replacement) for pattern, replacement in rows(f"repairs.{table}.tsv")
    )


@cache
def names() -> tuple[tuple[str, ...], frozenset[str]]:
    """The name list, and those of its names that are common words too."""
    listed = [row[0] for row in rows("names.txt")]
    common = frozenset(name.removesuffix("?") for name in listed if name.endswith("?"))
    return tuple(name.removesuffix("?") for name in listed), common


@cache
def heads() -> tuple[str, ...]:
    """The beginnings, in lower case, of words that are no part of the name after them."""
    return tuple(stem for row in rows("heads.txt") for stem in row[0].split())


@cache
def namesakes() -> frozenset[str]:
    """Surnames and towns that are common words of a language too."""
    return frozenset(name for row in rows("namesakes.txt") for name in row[0].split())


def _spelled(phrase: str) -> str:
    # A phrase that ends in an elision (`lorsqu'`) is followed by its word at once.
    closed = "" if phrase.endswith(("'", ".")) else r"(?![\w-])"
    return re.escape(phrase).replace("'", "['’]") + closed

"""No regular expression of normalization goes on for ever on a text made to make it."""

import importlib
import pkgutil
import re
import time
from collections.abc import Iterator

import pytest

import agents.normalization
from agents.normalization import dates, inline, relative
from agents.normalization.cues import cues

PIECES = [
    *("a", "A", "1", " ", "a ", "A ", "1 ", ".", "a.", "A.", ". ", "a. ", "A. ", "a.b", "aaa.Bbb"),
    *(
        "(",
        "((a",
        "[a ",
        "«",
        "“a",
        '"',
        "'",
        "a'",
        "-",
        "a-",
        "- ",
        "|",
        " | ",
        "/",
        "a/",
        ":",
        "a: ",
    ),
    *(
        "1/",
        "1-",
        "1:",
        "2024-",
        "<",
        "<a ",
        "<a b='",
        "&",
        "&a",
        "=",
        "…",
        "!?",
        "\u0301",
        "é",
        "\t",
    ),
    *(
        "di ",
        "par ",
        "ieri ",
        "il y a ",
        "foto: ",
        "date ",
        "© ",
        "pubblicita ",
        "a,",
        "a, ",
        "12 ",
    ),
]
LONGEST = 1.0


def patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    for found in pkgutil.iter_modules(agents.normalization.__path__):
        module = importlib.import_module(f"agents.normalization.{found.name}")
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern):
                yield f"{found.name}.{name}", value
    for name in cues().__slots__:
        value = getattr(cues(), name)
        if isinstance(value, re.Pattern):
            yield f"cues.{name}", value
    yield from ((f"dates {at}", one) for at, (one, _) in enumerate(dates._patterns()))
    yield from ((f"relative {code}", one) for code, one in relative._patterns().items())
    yield "inline label", inline._label_pattern()


def test_there_are_patterns_to_try() -> None:
    assert len(dict(patterns())) > 50


@pytest.mark.parametrize(("name", "pattern"), patterns(), ids=lambda value: str(value)[:40])
def test_a_pattern_is_done_with_hostile_text_in_time(name: str, pattern: re.Pattern[str]) -> None:
    for piece in PIECES:
        text = piece * (2_000 // len(piece))
        for hostile in (text, text + "\n", text + "!", "x" + text):
            started = time.process_time()
            for at, _ in enumerate(pattern.finditer(hostile)):
                if at > 10_000:
                    break
            pattern.match(hostile)
            spent = time.process_time() - started
            assert spent < LONGEST, f"{name} took {spent:.1f} s of {piece!r}"

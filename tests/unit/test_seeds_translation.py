"""The five articles the system exists for: English that can be read, nothing of them lost."""

import re
from functools import cache
from pathlib import Path

import pytest

from agents.normalization.agent import load as load_normalization
from agents.translation import guards
from agents.translation.agent import load as load_translation
from agents.translation.routes import engine_table
from schemas import RawArticle, TranslatedArticle
from streams.settings import Settings

SEEDS = Path(__file__).parents[3] / "shared" / "seeds"
SETTINGS = Settings()

pytestmark = [
    pytest.mark.skipif(not SEEDS.is_dir(), reason="../shared/seeds is not here"),
    pytest.mark.skipif(
        not {"it", "fr"} <= {row.language for row in engine_table(SETTINGS) if row.available},
        reason="no engine for it and fr; `babelwire doctor` says what is missing",
    ),
]
EVERY = pytest.mark.parametrize("number", ["000", "001", "002", "003", "004"])

# Words that no English sentence has, of the languages on the way.
FOREIGN = frozenset(
    (
        *("tenho", "não", "uma", "dos", "das", "pelo", "pela", "também", "são", "ao", "com", "que"),
        *("els", "amb", "però", "més", "aquest", "della", "degli", "nella", "che", "sono", "anche"),
        *("les", "une", "dans", "avec", "mais", "cette", "qu", "est", "pour", "sur"),
    )
)
NAMES = {
    "000": ("OpenAI", "Sora", "Sam Altman", "Hollywood", "Bloomberg", "The Verge", "Los Angeles"),
    "001": ("OpenAI", "Sora", "Brad Lightcap", "Disney", "Universal Pictures", "Sam Altman"),
    "002": ("OpenAI", "Bloomberg", "Hollywood", "Sora", "Los Angeles", "Altman"),
    "003": ("Meta", "Google", "Nvidia", "Jensen Huang", "Netflix", "Tesla", "Optimus"),
    "004": ("OpenAI", "Sora", "Hollywood", "Bloomberg"),
}


@cache
def article(number: str) -> TranslatedArticle:
    [path] = SEEDS.glob(f"{number}_*.txt")
    raw = RawArticle(body=path.read_text("utf-8"))
    return load_translation(SETTINGS)(load_normalization(SETTINGS)(raw))


@EVERY
def test_every_sentence_is_translated_and_none_is_lost(number: str) -> None:
    done = article(number)
    translation = done.translation
    assert [sentence.source for sentence in translation.sentences] == done.sentences
    assert translation.coverage == 1.0
    assert {sentence.engine for sentence in translation.sentences} <= {
        "apertium+bergamot",
        "bergamot",
    }


@EVERY
def test_no_word_of_another_language_is_left(number: str) -> None:
    words = re.findall(r"[^\W\d_]+", article(number).translation.text.lower())
    assert not FOREIGN & set(words)


@EVERY
def test_the_guards_see_nothing_wrong_but_what_they_say(number: str) -> None:
    done = article(number)
    for sentence in done.translation.sentences:
        source = done.text[sentence.source.start : sentence.source.end]
        english = done.translation.text[sentence.target.start : sentence.target.end]
        seen = guards.alarms(source, english)
        assert "repetition" not in seen
        assert "not English" not in seen
        assert set(seen) <= set(sentence.alarms)


@EVERY
def test_the_names_are_there(number: str) -> None:
    text = article(number).translation.text
    assert [name for name in NAMES[number] if name not in text] == []

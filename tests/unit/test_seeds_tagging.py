"""The names in the source text of the five articles that the system exists for."""

from pathlib import Path

import pytest

from agents.tagging.entities import things
from agents.tagging.models import recogniser
from agents.tagging.names import table
from agents.tagging.recognition import recognise
from streams.settings import Settings

SEEDS = Path(__file__).parents[3] / "shared" / "seeds"
ALWAYS = {"org:openai", "product:sora", "org:bloomberg"}
STORY = {"loc:hollywood", "loc:los-angeles", "per:sam-altman"}
EXPECTED = {
    "000": ("it", ALWAYS | STORY | {"org:the-verge", "product:gpt-5"}),
    "001": (
        "it",
        {"org:openai", "product:sora", "per:sam-altman", "per:brad-lightcap", "org:disney"}
        | {"org:universal-pictures", "org:warner-bros", "org:discovery"},
    ),
    "002": ("fr", ALWAYS | STORY | {"org:gizmodo"}),
    "003": (
        "it",
        {"org:openai", "org:meta", "org:google", "org:nvidia", "per:jensen-huang", "org:netflix"}
        | {"org:tesla", "product:optimus", "per:scarlett-johansson", "per:joaquin-phoenix"}
        | {"org:disney", "org:warner-bros", "org:discovery", "org:bloomberg", "loc:hollywood"}
        | {"per:sam-altman", "work:her"},
    ),
    "004": ("fr", ALWAYS | {"loc:germany"}),
}


@pytest.mark.skipif(not SEEDS.is_dir(), reason="../shared/seeds is not beside the checkout")
@pytest.mark.parametrize("number", EXPECTED)
def test_every_name_of_a_seed_is_found_and_nothing_that_is_none(number: str) -> None:
    language, expected = EXPECTED[number]
    text = next(SEEDS.glob(f"{number}_*.txt")).read_text(encoding="utf-8")
    find = recogniser(Settings(), language)
    assert find is not None
    found = things(text, recognise(text, find(text), table(None)), table(None))
    ids = {thing.id for thing in found}
    assert expected <= ids
    # What else stands there: the awards, and the byline and heading that normalization removes.
    assert ids - expected <= {"work:oscar", "per:fantasy", "per:di-fantasy"}

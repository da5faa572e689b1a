"""A page's lines as numbers, for the classifier: shape, cue, place, neighbours, subject.

Every feature means the same on any site and in any language; none names a site or a word.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from agents.normalization.bylines import byline_of
from agents.normalization.cues import LINE_KINDS
from agents.normalization.dates import find_date
from agents.normalization.folding import bare
from agents.normalization.headline import looks_like_headline
from agents.normalization.segments import Segment

Numbers = NDArray[np.floating[Any]]

_KINDS: Final = (*LINE_KINDS, "credit")
_FAR: Final = 20
_LONGEST_HEADING: Final = 6
_LONGEST_DATED: Final = 120
_CLOCK: Final = re.compile(r"\b\d{1,2}[:h]\d{2}\b|\b\d{1,2} (?:a|p)\.? ?m\b")
_LABEL: Final = re.compile(r"[^:.]{2,30}: ?\S")
_SIGNS: Final = re.compile(r"[|>»/©@#]|http")
_WINDOWS: Final = (1, 3, 10)

NAMES: Final = (
    *("length", "words", "prose", "ends", "ellipsis", "question", "colon", "label", "bullet"),
    *("digits", "capitals", "upper", "small_start", "signs", "clock", "density", "headline"),
    *("date", "byline", "repeated", "repeated_nearby", "subject", "subject_many"),
    *(f"kind_{kind}" for kind in _KINDS),
    *(f"prose_within_{reach}" for reach in _WINDOWS),
    *(f"links_within_{reach}" for reach in _WINDOWS),
    *("prose_above", "prose_below", "length_above", "length_below", "longest_near"),
    *("kind_above", "kind_below", "related_above", "credit_below", "date_above", "date_below"),
    *("under_related", "under_comments", "under_subscribe", "prose_before", "prose_after"),
    *("in_run", "run_within_2", "run_within_8", "from_start", "from_end", "lead", "tail"),
)


def features(read: Sequence[Segment], run: Sequence[bool]) -> Numbers:
    """One row a line, one column for each of NAMES. `run` says what the rules take for the article.

    Costs time in proportion to the number of lines.
    """
    size = len(read)
    column: dict[str, Numbers] = {}

    def put(name: str, values: Sequence[float] | Numbers) -> None:
        column[name] = np.asarray(values, dtype=np.float32)

    texts = [line.text for line in read]
    chars = np.array([len(text) for text in texts], dtype=np.float32)
    prose = np.array([line.prose for line in read], dtype=np.float32)
    kinds = [line.kind for line in read]
    chosen = np.array(run, dtype=np.float32)
    dates = [_is_dated(text) for text in texts]

    put("length", np.minimum(chars, 600))
    put("words", [min(len(line.words), 80) for line in read])
    put("prose", prose)
    put("ends", [line.ends for line in read])
    put("ellipsis", [text.endswith(("…", "...", "[...]", "[…]")) for text in texts])
    put("question", [text.rstrip('»”" ').endswith(("?", "!")) for text in texts])
    put("colon", [text.endswith(":") for text in texts])
    put("label", [bool(_LABEL.match(text)) for text in texts])
    put("bullet", [line.bullet for line in read])
    put("digits", [_digits(text[:300]) for text in texts])
    put("capitals", [_capitals(text[:300]) for text in texts])
    put("upper", [text.isupper() for text in texts])
    put("small_start", [text[:1].islower() for text in texts])
    put("signs", [bool(_SIGNS.search(text[:300])) for text in texts])
    put("clock", [bool(_CLOCK.search(text[:_LONGEST_DATED])) for text in texts])
    put("density", [line.density for line in read])
    put("headline", [looks_like_headline(text) for text in texts])
    put("date", dates)
    put("byline", [byline_of(text, last=False) is not None for text in texts])

    plain = [bare(text[:200]) for text in texts]
    counts = Counter(plain)
    put("repeated", [min(counts[text], 4) for text in plain])
    put("repeated_nearby", _repeated_nearby(plain))
    subject, many = _subject(read, run)
    put("subject", subject)
    put("subject_many", many)

    for kind in _KINDS:
        put(f"kind_{kind}", [found == kind for found in kinds])
    written = prose * np.minimum(chars, 600) / 100
    link = np.array(
        [not line.prose and 15 <= len(line.text) <= 160 and not line.ends for line in read],
        dtype=np.float32,
    )
    for reach in _WINDOWS:
        put(f"prose_within_{reach}", _around(written, reach))
        put(f"links_within_{reach}", _around(link, reach))
    put("prose_above", _distance(prose))
    put("prose_below", _distance(prose[::-1])[::-1])
    put("length_above", _shift(np.minimum(chars, 600), 1))
    put("length_below", _shift(np.minimum(chars, 600), -1))
    put("longest_near", np.maximum(_shift(written, 1), _shift(written, -1)))
    marked = np.array([kind is not None for kind in kinds], dtype=np.float32)
    put("kind_above", _shift(marked, 1))
    put("kind_below", _shift(marked, -1))
    put("related_above", _shift(column["kind_related"], 1))
    put("credit_below", _shift(column["kind_credit"], -1))
    put("date_above", _shift(column["date"], 1))
    put("date_below", _shift(column["date"], -1))
    for kind in ("related", "comments", "subscribe"):
        put(f"under_{kind}", _under(read, kind))
    total = max(float(written.sum()), 1.0)
    put("prose_before", (np.cumsum(written) - written) / total)
    put("prose_after", 1 - np.cumsum(written) / total)

    put("in_run", chosen)
    put("run_within_2", _around(chosen, 2) / 4)
    put("run_within_8", _around(chosen, 8) / 16)
    places = np.flatnonzero(chosen * prose)
    first, last = (int(places[0]), int(places[-1])) if len(places) else (0, size - 1)
    at = np.arange(size)
    put("from_start", np.clip(at - first, -_FAR, _FAR))
    put("from_end", np.clip(at - last, -_FAR, _FAR))
    put("lead", _written_between(written, at, first))
    put("tail", _written_between(written, np.full(size, last), at))
    return np.column_stack([column[name] for name in NAMES]).astype(np.float32)


def _is_dated(text: str) -> bool:
    return len(text) <= _LONGEST_DATED and (
        find_date(text) is not None or (len(text) < 30 and _CLOCK.search(text) is not None)
    )


def _digits(text: str) -> float:
    return sum(char.isdigit() for char in text) / max(len(text), 1)


def _capitals(text: str) -> float:
    words = text.split()
    return sum(word[0].isupper() for word in words) / max(len(words), 1)


def _repeated_nearby(plain: Sequence[str]) -> list[bool]:
    """Whether the same line stands within the few lines above or below."""
    return [
        bool(text) and text in (*plain[max(0, at - 6) : at], *plain[at + 1 : at + 7])
        for at, text in enumerate(plain)
    ]


def _subject(read: Sequence[Segment], run: Sequence[bool]) -> tuple[list[float], list[float]]:
    """Share and number of a line's content words that the run uses in its other paragraphs."""
    used: Counter[str] = Counter()
    own = [chosen and line.prose for line, chosen in zip(read, run, strict=True)]
    for line, counts in zip(read, own, strict=True):
        if counts:
            used.update(line.content)
    shares, numbers = [], []
    for line, counts in zip(read, own, strict=True):
        common = sum(used[word] > counts for word in line.content)
        shares.append(common / len(line.content) if line.content else 0.0)
        numbers.append(float(min(common, 10)))
    return shares, numbers


def _around(values: Numbers, reach: int) -> Numbers:
    """The sum of the values up to `reach` lines away, the line's own left out."""
    sums = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    at = np.arange(len(values))
    low, high = np.maximum(at - reach, 0), np.minimum(at + reach + 1, len(values))
    return np.asarray(sums[high] - sums[low] - values, dtype=np.float32)


def _distance(prose: Numbers) -> Numbers:
    """How many lines above the nearest prose stands, at most `_FAR`."""
    away, found = _FAR, np.empty(len(prose), dtype=np.float32)
    for at, value in enumerate(prose):
        found[at] = away
        away = 1 if value else min(away + 1, _FAR)
    return found


def _shift(values: Numbers, by: int) -> Numbers:
    shifted = np.zeros_like(values)
    if by > 0:
        shifted[by:] = values[:-by]
    else:
        shifted[:by] = values[-by:]
    return shifted


def _under(read: Sequence[Segment], kind: str) -> list[bool]:
    """Whether a heading of that kind stands above, with no long paragraph in between."""
    inside, found = False, []
    for line in read:
        found.append(inside)
        if line.kind == kind and len(line.words) <= _LONGEST_HEADING:
            inside = True
        elif line.prose and kind != "comments" and len(line.text) >= 200:
            inside = False
    return found


def _written_between(
    written: Numbers, high: NDArray[np.int_], low: "NDArray[np.int_] | int"
) -> Numbers:
    """How much prose, in hundreds of characters, lies from `low` up to `high`; at least 0."""
    sums = np.concatenate([[0.0], np.cumsum(written, dtype=np.float64)])
    return np.asarray(np.clip(sums[high] - sums[low], 0, 60), dtype=np.float32)

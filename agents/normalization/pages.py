"""Whole web pages pasted as text: which run of lines is the article.

Method: maximum subsequence segmentation (Pasternack and Roth, "Extracting article text from the
web with maximum subsequence segmentation", WWW 2009) over lines instead of tokens. Every line gets
a score, positive for prose and negative for the lines of menus and lists of links; the article is
the run with the largest sum. Prose is told by length, an end mark and the share of function words.
A forest trained on labelled pages then looks at every line in and around that run.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from agents.normalization.features import Numbers, features
from agents.normalization.headline import looks_like_headline
from agents.normalization.layout import ends_a_sentence
from agents.normalization.segments import Segment, read_segments

_FEWEST_LINES, _MOST_LINES = 30, 5_000
_FEWEST_FURNITURE = 5
_MANY_LINES, _MUCH = 100, 10
_MANY_BULLETS = 25
# A run this strong beside the strongest one, or this strong in itself, is an article of its own.
_NEAR_LARGEST = 0.35
_OWN_SHARE, _OWN_SUM = 0.15, 15.0
_LONGEST_LOOSE, _LOOSE_SHARE = 160, 0.3
_SHORTEST_ARTICLE = 400
_HEADLINE_REACH = 40
_REACH = 40
_SHORTEST_CUT_OFF = 120
_SHORTEST_PARAGRAPH = 200
_LONGEST_HEADING = 5
_LARGEST_BOX, _LARGEST_TABLE = 8, 40
_ENOUGH = 800
_SAME_SUBJECT = 0.33
_HEADLINE_SHARE = 0.5
_SHORTEST_STANDFIRST, _STANDFIRST_SUBJECT = 50, 0.25
# Beyond two buttons one paragraph goes on with the article if it speaks of the same things.
_BUTTONS, _GOING_ON = 2, 0.15
_SURE_INSIDE, _SURE_OUTSIDE = 0.5, 0.75

_BARRIERS: Final = {"comments": -8.0, "related": -5.0, "subscribe": -3.0, "cookies": -3.0}


class Classifier(Protocol):
    """Tells the article's lines from those around it."""

    def article_share(self, lines: Numbers) -> Numbers:
        """How sure it is, in 0..1, that each row of features is a line of the article."""


def article_lines(lines: Sequence[str], classifier: Classifier) -> list[bool] | None:
    """Which lines belong to the article, or None where the text is not a whole page.

    The rules choose the run; the classifier then decides line by line, and needs to be surer to
    add a line from outside the run, such as a title, than to keep one inside.
    """
    read = read_page_lines(lines)
    run = None if read is None else run_of(read)
    if read is None or run is None:
        return None
    shares = classifier.article_share(features(read, run))
    return [
        bool(share >= (_SURE_INSIDE if inside else _SURE_OUTSIDE))
        for share, inside in zip(shares, run, strict=True)
    ]


def read_page_lines(lines: Sequence[str]) -> list[Segment] | None:
    """The lines read, or None where the text is not a whole page.

    A page has many lines, a good part of them short or without an end mark, and several that are
    furniture by their own words; a poem, a list or an interview has not.
    """
    if not _FEWEST_LINES <= len(lines) <= _MOST_LINES:
        return None
    loose = sum(len(line) < _LONGEST_LOOSE and not ends_a_sentence(line) for line in lines)
    if loose < _LOOSE_SHARE * len(lines):
        return None
    read = read_segments(lines)
    marked = sum(line.kind is not None for line in read)
    if marked < _FEWEST_FURNITURE and sum(line.bullet for line in read) < _MANY_BULLETS:
        return None
    return read


def run_of(read: Sequence[Segment]) -> list[bool] | None:
    """Which lines the rules take for the article, or None where they find none."""
    start, end = _article(read)
    plainly = len(read) >= _MANY_LINES or sum(line.kind is not None for line in read) >= _MUCH
    shortest = _SHORTEST_ARTICLE // 3 if plainly else _SHORTEST_ARTICLE
    if _prose(read[start:end]) < shortest:
        return None
    keep = [start <= at < end for at in range(len(read))]
    for at in _asides(read, start, end):
        keep[at] = False
    for at in _cut_off(read, start, end):
        keep[at] = True
    title = _title(read, start, end)
    if title is not None:
        keep[title] = True
        if _is_standfirst(read, title + 1, _used(read, start, end)):
            keep[title + 1] = True
    return keep


def _is_standfirst(read: Sequence[Segment], at: int, used: set[str]) -> bool:
    """Whether the line under a title sums the article up."""
    line = read[at]
    return (
        line.kind is None
        and not line.bullet
        and len(line.text) >= _SHORTEST_STANDFIRST
        and len(line.content & used) >= _STANDFIRST_SUBJECT * len(line.content)
    )


def _score(line: Segment) -> float:
    if line.prose:
        return min(len(line.text), 600) / 60
    if not line.words:
        return -0.1
    if line.kind is not None:
        return _BARRIERS.get(line.kind, -0.5) if len(line.words) <= _LONGEST_HEADING else -1.0
    if line.bullet:
        return -1.2
    return -1.0 if len(line.text) < 200 else 0.0


def _article(read: Sequence[Segment]) -> tuple[int, int]:
    """The best run, cut where the readers' comments begin, and what a box of links cut off it."""
    scores = [_score(line) for line in read]
    start, end = _best_run(scores)
    written = 0
    for at in range(start, end):
        if read[at].kind == "comments" and written >= _ENOUGH:
            first, last = _best_run(scores[start:at])
            return start + first, start + last
        written += len(read[at].text) if read[at].prose else 0
    while (beyond := _beyond_a_box(read, end)) is not None:
        end = beyond
    return start, end


def _beyond_a_box(read: Sequence[Segment], end: int) -> int | None:
    """Where the paragraphs end that go on below `end`, None where there are none.

    Beyond a box of links, a few lines: two long paragraphs in a row, and no comments in between,
    because a list of links has a title over each blurb. Beyond a table or list, which has no line
    of furniture in it: further lines, and one paragraph at a small distance.
    """
    plain = True
    used = _used(read, 0, end)
    for at in range(end, min(end + _LARGEST_TABLE, len(read) - 1)):
        away = at - end
        heading = len(read[at].words) <= _LONGEST_HEADING
        plain = plain and (read[at].kind is None or (read[at].kind == "related" and not heading))
        if read[at].kind == "comments" or (away >= _LARGEST_BOX and not plain):
            return None
        alone = (plain and away <= _LARGEST_BOX) or (
            0 < away <= _BUTTONS
            and all(line.kind not in (None, "related") for line in read[end:at])
            and (away == 1 or len(read[at].content & used) >= _GOING_ON * len(read[at].content))
        )
        if _long(read[at]) and (alone or any(map(_long, read[at + 1 : at + 2 + 2 * plain]))):
            while at < len(read) and read[at].prose:
                at += 1
            return at
    return None


def _long(line: Segment) -> bool:
    return line.prose and not line.bullet and len(line.text) >= _SHORTEST_CUT_OFF


def _prose(read: Sequence[Segment]) -> int:
    return sum(len(line.text) for line in read if line.prose)


def _best_run(scores: Sequence[float]) -> tuple[int, int]:
    """The half-open range with the largest sum (Kadane), or the first that comes near it.

    A page that goes on with further articles, or ends with a long notice, has its own one on top.
    """
    runs: list[tuple[float, int, int]] = []
    total, start = 0.0, 0
    for at, score in enumerate(scores):
        if total <= 0:
            total, start = 0.0, at
            runs.append((0.0, at, at))
        total += score
        if total > runs[-1][0]:
            runs[-1] = (total, start, at + 1)
    largest = max((reached for reached, _, _ in runs), default=0.0)
    enough = min(_NEAR_LARGEST * largest, max(_OWN_SHARE * largest, _OWN_SUM))
    return next(((first, last) for reached, first, last in runs if reached >= enough), (0, 0))


def _asides(read: Sequence[Segment], start: int, end: int) -> list[int]:
    """Captions inside the run, and the links and blurbs below a heading such as `Related`."""
    gone = []
    listing = False
    for at in range(start, end):
        line = read[at]
        goes_on = at + 1 < len(read) and read[at + 1].prose
        if line.prose and (not listing or goes_on or len(line.text) >= _SHORTEST_PARAGRAPH):
            listing = False
        elif line.kind == "related" and len(line.words) <= _LONGEST_HEADING:
            listing = True
        elif listing or (line.kind == "credit" and at < end - 1):
            gone.append(at)
    return gone


def _cut_off(read: Sequence[Segment], start: int, end: int) -> list[int]:
    """Paragraphs near the run, beyond a menu or a box, that speak of the same things."""
    used = _used(read, start, end)
    last = min(len(read), end + _REACH)
    last = next((at for at in range(end, last) if read[at].kind == "comments"), last)
    near = (*range(max(0, start - _REACH), start), *range(end, last))
    return [
        at
        for at in near
        if _long(read[at]) and len(read[at].content & used) >= _SAME_SUBJECT * len(read[at].content)
    ]


def _used(read: Sequence[Segment], start: int, end: int) -> set[str]:
    return {word for line in read[start:end] for word in line.content}


def _title(read: Sequence[Segment], start: int, end: int) -> int | None:
    """The headline above the run whose words the run uses most, the topmost among equals."""
    used = _used(read, start, end)
    best, found = _HEADLINE_SHARE, None
    for at in range(max(0, start - _HEADLINE_REACH), start):
        line = read[at]
        content = line.content
        if line.kind or line.bullet or len(content) < 2 or not looks_like_headline(line.text):
            continue
        share = len(content & used) / len(content)
        if share > best:
            best, found = share, at
    return found

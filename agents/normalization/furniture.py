"""Page furniture in text: what is not the article, why, and what it still tells about the article.

Decides line by line on cue phrases together with shape (length, punctuation, what follows the cue)
and place (head and tail of the text), and sentence by sentence on notes of origin. A line that is
only doubtful stays: a lost sentence is worse than a kept label.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from typing import Final

from agents.normalization.bylines import byline_of, closing_byline, is_names
from agents.normalization.cues import cues
from agents.normalization.dates import Date, date_line, find_date, parse_date
from agents.normalization.folding import bare, fold
from agents.normalization.inline import inline_furniture
from agents.normalization.layout import Block, ends_a_sentence
from agents.normalization.mapped import Mapped, join
from agents.normalization.relative import relative_line
from agents.normalization.sentences import sentences

_HEAD, _TAIL = 6, 4
_LONGEST_LABEL = 60
_LONGEST_LEAD = 250
_LONGEST_WITHIN = 200
_LONGEST_CREDIT = 220
_LONGEST_NOTE = 300
_LONGEST_LABELLED = 120
_TOO_MANY_FOR_A_CAPTION = 2
_FEWEST_WORDS, _FUNCTION_WORDS = 8, 0.2

_DATE_PREFIX: Final = re.compile(r"date[: ] ?(\d{4}(?:-\d{2}){0,2})(?![\w-]) ?", re.I)
_AFTER_LEAD: Final = re.compile(r"\s*(?:[:：>»→|]|-(?!\w)|\.\.\.|…|$)")
# `3 commentaires`, `comments 12`
_NUMBER: Final = re.compile(r"^\d+ | \(?\d+$")
_NO_WORDS: Final = re.compile(r"[\W_]*")
_CREDIT_SIGN: Final = re.compile(r"\s*(?:[:/|©]|\(c\))")
_CREDIT_TO: Final = re.compile(r"\s+(?:by|di|de|par|por)\s+")
_IN_BRACKETS: Final = re.compile(r"\(([^()]{2,60})\)\W{0,2}$")
_COLON: Final = re.compile(r"\s?[:/] ?\S")
_CLOSING_SIGN: Final = re.compile(r"© ?[^.]{2,50}$")
# `… los Andes. EFE`: in an article the last paragraph may be signed like that, too.
_SIGNED: Final = re.compile(r"[.)»”\"] ?([A-Z][A-Z /-]{1,30})$")
_SENTENCE_END: Final = re.compile(r"[^\W\d_]{3}[.!?…][»”\"')\]]{0,2} ")
# `Words of a caption or a title | The Site`
_OF_THE_SITE: Final = re.compile(r"\w \| [^|.]{2,25}$")
_SIGNATURE: Final = re.compile(r"(?:©|\(c\)|copyright)\s*\S", re.I)


@dataclass(frozen=True, slots=True)
class Piece:
    """Something taken out: what kind of thing, by which rule."""

    kind: str
    body: Mapped
    rule: str


@dataclass(slots=True)
class Findings:
    """What was taken out so far and what it said."""

    removed: list[Piece] = field(default_factory=list)
    byline: str | None = None
    published: Date | None = None
    relative: str | None = None
    provenance: str | None = None
    machine_translated: bool = False


def strip_furniture(lines: Sequence[Block], findings: Findings) -> list[Block]:
    """The lines without furniture; what was taken out is added to `findings`."""
    kept = _without_date_prefix(list(lines), findings)
    kept = _without_notices(kept, findings)
    kept = _without_lines(kept, findings)
    kept = _without_inline(kept, findings)
    kept = _without_dates_and_bylines(kept, findings)
    return _without_closing_byline(kept, findings)


def _without_date_prefix(lines: list[Block], findings: Findings) -> list[Block]:
    """` date 2024-05 Label` run together with the first line."""
    match = _DATE_PREFIX.match(lines[0].text) if lines else None
    date = parse_date(match[1]) if match else None
    if match is None or date is None:
        return lines
    first = lines[0].body
    findings.removed.append(Piece("date", first.cut(0, match.end()).strip(), "date-prefix"))
    findings.published = findings.published or date
    rest = first.cut(match.end(), len(first)).strip()
    label = _label_at_start(rest.text)
    if label:
        findings.removed.append(Piece("advert", rest.cut(0, label).strip(), "advert:after-date"))
        rest = rest.cut(label, len(rest)).strip()
    return ([Block(rest, lines[0].apart)] if len(rest) else []) + lines[1:]


def _label_at_start(text: str) -> int:
    """How long an advertising label is that runs into a capitalised sentence, 0 for none."""
    first = text.split(" ", 1)[0]
    following = text[len(first) :].lstrip()
    if cues().alone.get(bare(first)) != "advert" or not first[:1].isupper():
        return 0
    return len(first) if not following or following[0].isupper() else 0


def _without_notices(lines: list[Block], findings: Findings) -> list[Block]:
    """Sentences at the head and tail that say where the article comes from or who translated it."""
    kept = []
    for at, line in enumerate(lines):
        if at < _HEAD or at >= len(lines) - _TAIL:
            kept += _without_notice(line, findings)
        else:
            kept.append(line)
    return kept


def _without_notice(line: Block, findings: Findings) -> list[Block]:
    folded = fold(line.text)
    if not (
        cues().translation_statement.search(folded) or cues().provenance_statement.search(folded)
    ):
        return [line]
    spans = sentences(line.text, "")
    kinds: list[str | None] = []
    for start, end in spans:
        above = kinds[-1] if kinds else None
        kinds.append(_notice(folded[start:end], above))
    kept = []
    for kind, group in groupby(zip(kinds, spans, strict=True), key=lambda pair: pair[0]):
        members = [span for _, span in group]
        part = line.body.cut(members[0][0], members[-1][1])
        if kind is None:
            kept.append(Block(part, line.apart))
            continue
        findings.removed.append(Piece(kind, part, f"{kind}:notice"))
        if kind == "provenance":
            findings.provenance = findings.provenance or part.text
        else:
            findings.machine_translated = True
    return kept


def _notice(sentence: str, above: str | None) -> str | None:
    if len(sentence) > _LONGEST_NOTE:
        return None
    found = cues()
    for kind, subject, statement in (
        ("machine_translation", found.translation_subject, found.translation_statement),
        ("provenance", found.provenance_subject, found.provenance_statement),
    ):
        said = statement.search(sentence)
        about = subject.search(sentence)
        if said and about and about.start() < said.start() and about.start() <= 60:
            return kind
    if above == "machine_translation" and found.translation_more.search(sentence):
        return above
    return None


def _without_lines(lines: list[Block], findings: Findings) -> list[Block]:
    kept = []
    for line in lines:
        found = verdict(line.text)
        if found is None:
            kept.append(line)
        else:
            findings.removed.append(Piece(found[0], line.body, found[1]))
    return kept


def _without_inline(lines: list[Block], findings: Findings) -> list[Block]:
    kept = []
    for at, line in enumerate(lines):
        pieces = inline_furniture(line.text, _certain, first=at == 0)
        parts, done = [], 0
        for piece in pieces:
            findings.removed.append(
                Piece(piece.kind, line.body.cut(piece.start, piece.end).strip(), piece.rule)
            )
            findings.published = findings.published or piece.date
            parts.append(line.body.cut(done, piece.start).strip())
            done = piece.end
        if not pieces:
            kept.append(line)
            continue
        parts.append(line.body.cut(done, len(line.body)).strip())
        rest = join([part for part in parts if len(part)], " ")
        if len(rest):
            kept.append(Block(rest, line.apart))
    return kept


def verdict(text: str, *, page: bool = False) -> tuple[str, str] | None:
    """Kind and rule of a line that is furniture by its own words, None for any other.

    In a whole page, `page`, weaker signs count too: there they stand around an article far more
    often than in one.
    """
    if len(text) > _LONGEST_LEAD:
        return None
    certain = _certain(text)
    return _likely(text) if certain is None and page else certain


def kind_of(line: str) -> tuple[str, str] | None:
    """Kind and rule of a line of a page that stands outside its article, None for any other."""
    if date_line(line) is not None or relative_line(line):
        return "date", "date-line"
    if byline_of(line, last=False) is not None:
        return "byline", "byline-line"
    return verdict(line, page=True)


def _likely(text: str) -> tuple[str, str] | None:
    if len(text) > _LONGEST_WITHIN:
        return None
    found = cues().any_maybe.search(fold(text))
    if found:
        kind = cues().maybe[found.group()]
        return kind, f"{kind}:maybe"
    if len(text) <= _LONGEST_LABELLED and _OF_THE_SITE.search(text) and not _says_who_or_when(text):
        return "credit", "credit:site"
    signed = _SIGNED.search(text[-70:])
    if signed and cues().agencies.fullmatch(fold(signed[1])):
        return "credit", "credit:agency"
    return None


def _says_who_or_when(text: str) -> bool:
    return find_date(text) is not None or byline_of(text, last=False) is not None


@lru_cache(maxsize=16_384)
def _certain(text: str) -> tuple[str, str] | None:
    if _NO_WORDS.fullmatch(text):
        return "navigation", "no-words"
    found, folded, whole = cues(), fold(text), bare(text)
    if len(whole) <= _LONGEST_LABEL and not text.endswith("."):
        kind = found.alone.get(whole) or found.alone.get(_NUMBER.sub("", whole))
        if kind:
            return kind, f"{kind}:alone"
    if kind := _lead(text, folded):
        return kind, f"{kind}:lead"
    if len(text) <= _LONGEST_LABEL and not ends_a_sentence(text) and found.any_heading.match(whole):
        return "related", "related:heading"
    if (
        len(text) <= _LONGEST_WITHIN
        and (match := found.any_within.search(folded))
        and not _a_sentence(folded[: match.start()])
    ):
        kind = found.within[match.group()]
        return kind, f"{kind}:within"
    before, colon, _ = folded[:_LONGEST_LABEL].partition(":")
    if colon and (kind := found.labels.get(bare(before))):
        return kind, f"{kind}:label"
    rule = _credit(text, folded)
    return ("credit", rule) if rule else None


def _a_sentence(before: str) -> bool:
    """Whether a whole sentence of prose stands there: then the cue is not all that the line is."""
    end = max(before.rfind(mark) for mark in ".!?…")
    words = re.findall(r"[^\W\d_]+", before[: end + 1])
    return len(words) >= _FEWEST_WORDS and any(
        sum(word in listed for word in words) >= _FUNCTION_WORDS * len(words)
        for listed in cues().stopwords.values()
    )


def _lead(text: str, folded: str) -> str | None:
    """Kind of the cue that opens a line which is nothing but it, a labelled link, or a headline.

    `Read more books this year.` is a sentence: small letter after the cue, full stop at the end.
    """
    opening = len(folded) - len(folded.lstrip(" *+-•·►▶→>»|[(«\"'"))
    match = cues().any_lead.match(folded, opening)
    if match is None:
        return None
    kind = cues().lead[match.group()]
    if _AFTER_LEAD.match(folded, match.end()):
        return kind
    following = text[match.end() :].lstrip(" «“\"'¿¡‘(")[:1]
    headline = following.isupper() and not text.rstrip().endswith(".")
    return kind if headline and len(text) <= _LONGEST_WITHIN else None


def _credit(text: str, folded: str) -> str | None:
    """Rule by which the line is a caption or a credit."""
    if len(text) > _LONGEST_CREDIT:
        return None
    found = cues()
    if _SIGNATURE.match(folded.lstrip("( ")) and len(text) <= 100:
        return "credit:sign"
    opening = len(folded) - len(folded.lstrip("([* "))
    if len(text) <= _LONGEST_LABEL and _agencies_alone(text, folded):
        return "credit:agency-alone"
    label = found.credit_labels.match(folded, opening)
    if label and len(text) <= _LONGEST_LABELLED:
        if _CREDIT_SIGN.match(folded, label.end()):
            return "credit:label"
        to = _CREDIT_TO.match(folded, label.end())
        if to and is_names(text[to.end() :].rstrip(" )].")):
            return "credit:name"
    return _closing_credit(text, folded)


def _agencies_alone(text: str, folded: str) -> bool:
    """`Getty Images`, `Photo AFP`, `A. Name / Reuters`: an agency, and at most names around it."""
    found = cues()
    if text.endswith((".", "?", "!")) or not found.agencies.search(folded):
        return False
    rest = found.credit_labels.sub(" ", found.agencies.sub(" ", folded))
    if not re.search(r"\w", rest):
        return True
    names = [part for part in re.split(r"[/|–—]", text) if part.strip()]
    return len(names) > 1 and all(
        is_names(part) or found.agencies.fullmatch(fold(part).strip()) is not None for part in names
    )


def _closing_credit(text: str, folded: str) -> str | None:
    """`… . Foto: Archive`, `… (Reuters/A Name)`, `… © AFP` at the end of a single short line."""
    tail = folded[-70:]
    inside = _IN_BRACKETS.search(tail)
    if inside:
        words = inside[1]
        agency = cues().agencies.search(words)
        if agency and ("/" in words or "|" in words or cues().credit_labels.search(words)):
            return "credit:bracket"
        before = text[: len(text) - len(tail) + inside.start()]
        if agency and agency.span() == (0, len(words)) and not ends_a_sentence(before.rstrip()):
            return "credit:bracket"
        label = cues().credit_labels.match(words)
        if label and _COLON.match(words, label.end()):
            return "credit:bracket"
    last = list(cues().credit_labels.finditer(tail))
    if (
        last
        and _COLON.match(tail, last[-1].end())
        and not ends_a_sentence(text)
        and len(_SENTENCE_END.findall(text)) < _TOO_MANY_FOR_A_CAPTION
    ):
        return "credit:closing"
    if _CLOSING_SIGN.search(tail):
        return "credit:closing"
    return None


def _without_dates_and_bylines(lines: list[Block], findings: Findings) -> list[Block]:
    """Date lines and bylines above and below the article.

    The window is counted in lines that stay, so that a stack of such lines goes as a whole.
    """
    if len(lines) < 2:
        return lines
    gone: set[int] = set()
    for window, order in ((_HEAD, range(len(lines))), (_TAIL, reversed(range(len(lines))))):
        passed = 0
        for at in order:
            if at in gone:
                continue
            if signs(lines[at], last=at == len(lines) - 1, findings=findings):
                gone.add(at)
            elif (passed := passed + 1) == window:
                break
    return [line for at, line in enumerate(lines) if at not in gone]


def signs(line: Block, *, last: bool, findings: Findings) -> bool:
    """Whether the line only says when or by whom; what it says goes to `findings`."""
    date = date_line(line.text)
    signed = byline_of(line.text, last=last) if date is None else None
    if date is not None:
        findings.removed.append(Piece("date", line.body, "date-line"))
        findings.published = findings.published or date
    elif relative_line(line.text):
        findings.removed.append(Piece("date", line.body, "date-relative"))
        findings.relative = findings.relative or line.text
        return True
    elif signed is not None:
        findings.removed.append(Piece("byline", line.body, "byline-line"))
        findings.byline = findings.byline or signed.name
        findings.published = findings.published or signed.published
    return date is not None or signed is not None


def _without_closing_byline(lines: list[Block], findings: Findings) -> list[Block]:
    """A byline as the very last words, after the last sentence of the article."""
    found = closing_byline(lines[-1].text) if lines else None
    if found is None:
        return lines
    start, name = found
    last = lines[-1].body
    findings.removed.append(Piece("byline", last.cut(start, len(last)), "byline-closing"))
    findings.byline = findings.byline or name
    return [*lines[:-1], Block(last.cut(0, start).strip(), lines[-1].apart)]

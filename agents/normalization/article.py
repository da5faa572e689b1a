"""From a raw article to a normalized one: the steps in order."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from agents.normalization import NAME
from agents.normalization.dates import Date, parse_date
from agents.normalization.furniture import Findings, Piece, kind_of, signs, strip_furniture
from agents.normalization.headline import headline, same_words, tidy
from agents.normalization.identity import article_id, canonical_url, content_hash, near_duplicate
from agents.normalization.language import Detect, paragraph_languages
from agents.normalization.layout import Block, assemble, blocks, unwrap
from agents.normalization.mapped import Mapped
from agents.normalization.markup import Page, is_html, read_page
from agents.normalization.pages import Classifier, article_lines
from agents.normalization.relative import relative_dates
from agents.normalization.repair import repair
from agents.normalization.sentences import sentences
from schemas import (
    Language,
    NormalizedArticle,
    Provenance,
    PublishedAt,
    RawArticle,
    RawRun,
    RelativeDate,
    Removed,
    Span,
    Unprocessable,
)
from schemas.identity import event_id

_ROUNDS: Final = 20
_MOST_RUNS, _SHORTEST_RUN = 2_000, 20
_SIGNED_ABOVE, _SIGNED_WITHIN, _SIGNED_BELOW = 2, 12, 4


def normalize(
    raw: RawArticle, version: str, detect: Detect, classifier: Classifier
) -> NormalizedArticle:
    """The clean article. `version` is the stage's, `detect` tells the language of a text and
    `classifier` the article's lines from those around it in a whole page.

    Raises Unprocessable with `empty_body`, `no_article` or `hostile_markup`.
    """
    if not raw.body.strip():
        raise Unprocessable("empty_body", "the body has no text; send the article's text or HTML")
    page = read_page(raw.body) if is_html(raw.body, raw.content_type) else None
    body = Mapped.of(raw.body) if page is None else Mapped.sought(page.text, raw.body)
    findings = Findings()
    if page is not None:
        findings.removed += [
            Piece(kind, Mapped.lost(line), rule)
            for line in page.outside
            for kind, rule in (kind_of(line) or ("page", "html:outside"),)
        ]
    lines = _settle(body, findings, classifier)
    given = tidy(raw.title) or (tidy(page.title, page.site) if page else None)
    title = given or headline(lines)
    if title and len(lines) > 1 and same_words(lines[0].text, title):
        lines = _settle(assemble(lines[1:]), findings, classifier)
    if not lines:
        raise Unprocessable(
            "no_article", "nothing is left once the page furniture is gone; send the article itself"
        )
    body = assemble(lines)
    text = body.text
    language = detect(text, raw.language or (page.language if page else None))
    url = canonical_url(raw.url or (page.url if page else None))
    paragraphs = _paragraphs(lines)
    languages, mixed = paragraph_languages(_texts(lines), language, detect)
    published = _published_at(raw, page, findings)
    identity, content = article_id(raw.source, url, text), content_hash(title, text)
    return NormalizedArticle(
        article_id=identity,
        event_id=event_id(identity, content, NAME, version),
        source=raw.source,
        url=url,
        title=title,
        byline=tidy(raw.byline) or (tidy(page.byline) if page else None) or findings.byline,
        published_at=published,
        language=language,
        text=text,
        paragraphs=paragraphs,
        sentences=_sentences(text, paragraphs, languages),
        removed=_in_order(findings.removed, raw.body),
        provenance=Provenance(
            note=findings.provenance, machine_translated=findings.machine_translated
        ),
        content_hash=content,
        extra=raw.extra,
        versions={NAME: version},
        near_duplicate=near_duplicate(text),
        paragraph_languages=languages,
        mixed_language=mixed,
        relative_dates=_relative_dates(text, language, findings, _reference(raw, published)),
        raw_runs=_raw_runs(body, raw.body),
    )


def _settle(body: Mapped, findings: Findings, classifier: Classifier) -> list[Block]:
    """Repairs and strips until nothing changes: normalized text normalizes to itself."""
    lines = blocks(repair(body))
    for _ in range(_ROUNDS):
        removed = len(findings.removed)
        stripped = unwrap(strip_furniture(_without_page(lines, findings, classifier), findings))
        settled = blocks(repair(assemble(stripped)))
        if len(findings.removed) == removed and _texts(settled) == _texts(lines):
            return settled
        lines = settled
    return lines


def _texts(lines: Sequence[Block]) -> list[str]:
    return [line.text for line in lines]


def _without_page(
    lines: Sequence[Block], findings: Findings, classifier: Classifier
) -> list[Block]:
    wanted = article_lines(_texts(lines), classifier)
    if wanted is None:
        return list(lines)
    signatures = set(_around_the_article(wanted))
    for at, (line, keep) in enumerate(zip(lines, wanted, strict=True)):
        if not keep and not (at in signatures and signs(line, last=False, findings=findings)):
            findings.removed.append(Piece("page", line.body, "page:outside"))
    return [line for line, keep in zip(lines, wanted, strict=True) if keep]


def _around_the_article(wanted: Sequence[bool]) -> Iterator[int]:
    """Lines where a page says when and by whom: among those kept first, just above, just below."""
    first = wanted.index(True) if True in wanted else 0
    yield from range(max(0, first - _SIGNED_ABOVE), min(first + _SIGNED_WITHIN, len(wanted)))
    last = len(wanted) - 1 - list(reversed(wanted)).index(True) if True in wanted else 0
    yield from range(last, min(last + _SIGNED_BELOW, len(wanted)))


def _published_at(raw: RawArticle, page: Page | None, findings: Findings) -> PublishedAt | None:
    if field := parse_date(raw.published_at):
        return _stated(field, "field")
    if page is not None and page.published is not None:
        return _stated(page.published, "metadata")
    return _stated(findings.published, "text") if findings.published else None


def _stated(date: Date, origin: str) -> PublishedAt:
    return PublishedAt.model_validate(
        {"value": date.value, "precision": date.precision, "from": origin}
    )


def _paragraphs(lines: Sequence[Block]) -> list[Span]:
    spans, start = [], 0
    for line in lines:
        spans.append(Span(start=start, end=start + len(line.text)))
        start += len(line.text) + 2
    return spans


def _sentences(text: str, paragraphs: Sequence[Span], languages: Sequence[Language]) -> list[Span]:
    """Neighbours in one language are cut together, by the abbreviations of that language."""
    spans = []
    pairs = zip(paragraphs, (language.code for language in languages), strict=True)
    for code, group in groupby(pairs, key=lambda pair: pair[1]):
        together = [span for span, _ in group]
        first, last = together[0].start, together[-1].end
        spans += [
            Span(start=first + start, end=first + end)
            for start, end in sentences(text[first:last], code)
        ]
    return spans


def _reference(raw: RawArticle, published: PublishedAt | None) -> str | None:
    """The day that relative dates count from."""
    if published is not None:
        return published.value
    fetched = parse_date(raw.fetched_at)
    return fetched.value if fetched else None


def _relative_dates(
    text: str, language: Language, findings: Findings, reference: str | None
) -> list[RelativeDate]:
    found = [
        RelativeDate(text=text[start:end], start=start, reference=reference)
        for start, end in relative_dates(text, language.code)
    ]
    if findings.relative is not None:
        found.insert(0, RelativeDate(text=findings.relative, start=None, reference=reference))
    return found


def _raw_runs(body: Mapped, raw: str) -> list[RawRun]:
    runs = list(body.runs(raw))
    if len(runs) > _MOST_RUNS:
        runs = [run for run in runs if run[1] - run[0] >= _SHORTEST_RUN][:_MOST_RUNS]
    return [RawRun(start=start, end=end, raw_start=raw_start) for start, end, raw_start in runs]


def _in_order(pieces: Sequence[Piece], body: str) -> list[Removed]:
    """By place in the raw body; those without a place last, as they were found."""
    removed = [_removed(piece, body) for piece in pieces]
    return sorted(removed, key=lambda piece: (piece.start is None, piece.start or 0))


def _removed(piece: Piece, body: str) -> Removed:
    where = piece.body.raw_range()
    if where is not None:
        start, end = where
        return Removed(kind=piece.kind, text=body[start:end], start=start, rule=piece.rule)
    found = body.find(piece.body.text)
    return Removed(
        kind=piece.kind,
        text=piece.body.text,
        start=found if found >= 0 else None,
        rule=piece.rule,
    )

"""One article for the eye: what normalization kept, and in colour what it took out and why."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from schemas import NormalizedArticle, RawArticle, Removed

_COLOURS = {
    "advert": "red",
    "related": "magenta",
    "share": "blue",
    "subscribe": "blue",
    "cookies": "blue",
    "navigation": "cyan",
    "comments": "cyan",
    "credit": "yellow",
    "byline": "green",
    "date": "green",
    "provenance": "bright_yellow",
    "machine_translation": "bright_yellow",
}
_OTHER = "bright_black"
_LONGEST_PIECE = 400


def explained(raw: RawArticle, article: NormalizedArticle) -> RenderableType:
    """The raw body with each removed piece marked and named in place, then what was made of it.

    Pieces whose place in the body is not known, which HTML has, are listed below the text.
    """
    placed = [piece for piece in article.removed if piece.start is not None]
    if any(run.start == 0 for run in article.raw_runs) or not article.text:
        body = _marked(raw.body, placed)
        lost = [piece for piece in article.removed if piece.start is None]
    else:
        body, lost = Text(article.text), article.removed
    return Group(body, Text(), *(_piece(piece) for piece in lost), Text(), _facts(article))


def _marked(body: str, pieces: list[Removed]) -> Text:
    text, done = Text(), 0
    for piece in sorted(pieces, key=lambda one: one.start or 0):
        start = piece.start or 0
        if start < done:
            continue
        text.append(body[done:start])
        text.append_text(_piece(piece))
        done = start + len(piece.text)
    return text.append(body[done:])


def _piece(piece: Removed) -> Text:
    colour = _COLOURS.get(piece.kind, _OTHER)
    shown = piece.text if len(piece.text) <= _LONGEST_PIECE else piece.text[:_LONGEST_PIECE] + "…"
    return Text.assemble(
        (shown, f"{colour} strike"), (f" ⟨{piece.kind}, {piece.rule}⟩", f"{colour} italic")
    )


def _facts(article: NormalizedArticle) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in _known(article):
        table.add_row(Text(name, "dim"), Text(value))
    return table


def _known(article: NormalizedArticle) -> Iterator[tuple[str, str]]:
    yield "title", article.title or "-"
    yield "byline", article.byline or "-"
    if article.published_at is None:
        yield "published", "-"
    else:
        date = article.published_at
        yield "published", f"{date.value} ({date.precision}, from {date.origin})"
    others = sorted({one.code for one in article.paragraph_languages} - {article.language.code})
    yield (
        "language",
        f"{article.language.code} {article.language.confidence:.2f}"
        + (f", also {', '.join(others)}" if others else "")
        + (", mixed" if article.mixed_language else ""),
    )
    if article.provenance.note:
        yield "provenance", article.provenance.note
    if article.provenance.machine_translated:
        yield "provenance", "machine-translated at source"
    kept = len(article.text)
    yield "kept", f"{kept} characters in {len(article.paragraphs)} paragraphs"
    yield "removed", f"{len(article.removed)} pieces"

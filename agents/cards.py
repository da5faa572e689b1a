"""What people see in the terminal: event cards, receipts, status tables."""

from collections.abc import Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from schemas import EnrichedEvent, Entity

COLOURS: Final = {
    "PER": "bright_magenta",
    "ORG": "bright_cyan",
    "LOC": "bright_green",
    "PRODUCT": "bright_yellow",
    "WORK": "orange1",
}
NAMES: Final = {
    "PER": "people",
    "ORG": "organisations",
    "LOC": "places",
    "PRODUCT": "products",
    "WORK": "works",
}
FIRST_CHARACTERS: Final = 420
MOST_ENTITIES: Final = 12


def card(event: EnrichedEvent) -> RenderableType:
    """One enriched event: headline, origin, first lines in English, entities by type."""
    english = event.translation
    headline = english.title or _first_sentence(event)
    body = english.text
    if english.title is None and body.startswith(headline):
        body = body[len(headline) :].lstrip()
    return Panel(
        Group(
            Text(_shorten(headline, 160), style="bold"),
            Text(_origin(event), style="dim"),
            Text(),
            _coloured(_shorten(body), event.entities),
            Text(),
            _entities(event.entities),
        ),
        subtitle=Text(_footnote(event), style="dim"),
        subtitle_align="right",
        border_style="blue",
        padding=(0, 1),
    )


def _first_sentence(event: EnrichedEvent) -> str:
    sentences = event.translation.sentences
    if not sentences:
        return event.translation.text[:90]
    span = sentences[0].target
    return event.translation.text[span.start : span.end]


def _origin(event: EnrichedEvent) -> str:
    engines = sorted({sentence.engine for sentence in event.translation.sentences} - {"none"})
    routes = sorted({sentence.route for sentence in event.translation.sentences})
    if engines:
        how = f"translated by {', '.join(engines)} ({', '.join(routes)})"
    elif event.language.code == "en":
        how = "English original"
    else:
        how = "not translated: no engine for this language"
    date = event.published_at.value if event.published_at else None
    flags = ["machine-translated at source"] if event.provenance.machine_translated else []
    by = f"by {event.byline}" if event.byline else None
    parts = [event.language.code, how, date, event.source, by, *flags]
    return " · ".join(part for part in parts if part)


def _footnote(event: EnrichedEvent) -> str:
    translation = event.translation
    quality = "" if translation.quality is None else f" · quality {translation.quality:.0%}"
    removed = f" · {len(event.removed)} pieces removed" if event.removed else ""
    return f"{event.article_id[:12]} · coverage {translation.coverage:.0%}{quality}{removed}"


def _shorten(text: str, most: int = FIRST_CHARACTERS) -> str:
    if len(text) <= most:
        return text
    return text[:most].rsplit(" ", 1)[0] + " …"


def _coloured(text: str, entities: Sequence[Entity]) -> Text:
    coloured = Text(text)
    for entity in entities:
        for named in {m.target.text for m in entity.mentions if m.target is not None}:
            coloured.highlight_words([named], COLOURS[entity.type])
    return coloured


def _entities(entities: Sequence[Entity]) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    for kind, colour in COLOURS.items():
        names = [entity.name for entity in entities if entity.type == kind]
        if names:
            more = f" and {len(names) - MOST_ENTITIES} more" if len(names) > MOST_ENTITIES else ""
            shown = ", ".join(names[:MOST_ENTITIES]) + more
            grid.add_row(Text(NAMES[kind], style="dim"), Text(shown, style=colour))
    return grid if grid.row_count else Text("no entities", style="dim")


def duration(seconds: float) -> str:
    """Seconds as people say them: `0 s`, `42 s`, `3 min`, `2.5 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"

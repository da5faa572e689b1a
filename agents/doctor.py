"""What `babelwire doctor` finds out: what is there, what serves what, how to get the rest."""

import asyncio
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from agents.tagging.models import model_table
from agents.translation.routes import engine_table
from streams import clients
from streams.settings import Settings

PACKAGES: Final = ("babelwire", "faust-streaming", "aiokafka", "spacy", "fxtranslate")
PROGRAMS: Final = (
    ("java", "runs the embedded broker", "apt-get install default-jre-headless"),
    ("mvn", "fetches the embedded broker once", "apt-get install maven"),
    ("apertium", "translates it, fr and es to Portuguese", "apt-get install apertium"),
)


@dataclass(frozen=True)
class Row:
    """One finding."""

    ok: bool
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Section:
    """A table of findings; the first heading is for the mark."""

    title: str
    headings: tuple[str, ...]
    rows: Sequence[Row]


def sections(settings: Settings) -> list[Section]:
    """Looks at this machine; takes a few seconds, changes nothing."""
    return [
        Section("Parts", ("", "what", "found", "if missing"), [*_programs(), _broker(settings)]),
        Section(
            "Translation to English",
            ("", "language", "engine", "route", "quality", "to get it or better it"),
            [
                Row(row.available, (row.language, row.engine, row.route, row.quality, row.missing))
                for row in engine_table(settings)
            ],
        ),
        Section(
            "Names in the text",
            ("", "language", "model", "to get it"),
            [
                Row(row.available, (row.language, row.model, row.missing))
                for row in model_table(settings)
            ],
        ),
    ]


def _programs() -> list[Row]:
    rows = [Row(sys.version_info >= (3, 11), ("python", sys.version.split()[0], ""))]
    for package in PACKAGES:
        try:
            rows.append(Row(True, (package, version(package), "")))
        except PackageNotFoundError:
            rows.append(Row(False, (package, "not installed", "make setup")))
    for program, purpose, remedy in PROGRAMS:
        found = shutil.which(program)
        rows.append(Row(found is not None, (f"{program}: {purpose}", found or "not found", remedy)))
    return rows


def _broker(settings: Settings) -> Row:
    try:
        present = asyncio.run(clients.existing_topics(settings))
    except clients.BrokerUnreachable:
        # A broker is not part of the installation, so its absence is a note and not a fault.
        return Row(
            True, (f"broker {settings.bootstrap_servers}", "no answer", "babelwire kafka start")
        )
    ours = sum(name.startswith(f"{settings.topic_prefix}.") for name in present)
    return Row(True, (f"broker {settings.bootstrap_servers}", f"answers, {ours} topics", ""))

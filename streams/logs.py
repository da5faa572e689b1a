"""Structured logs to stderr, for people on a terminal and as JSON elsewhere."""

import logging
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import structlog

from streams.settings import Settings

REPEAT_SECONDS: Final = 30.0
# Some libraries put their values into the template; its beginning tells what kind it is.
TEMPLATE_CHARACTERS: Final = 40


class OncePerWindow(logging.Filter):
    """Lets each message template of each logger through once per window, with a count of the rest.

    A client that has lost its broker says so hundreds of times a second.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._seconds = seconds
        self._clock = clock
        self._last: dict[tuple[str, str], float] = {}
        self._held: Counter[tuple[str, str]] = Counter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to write the record."""
        kind, now = (record.name, str(record.msg)[:TEMPLATE_CHARACTERS]), self._clock()
        if now - self._last.get(kind, -self._seconds) < self._seconds:
            self._held[kind] += 1
            return False
        self._last[kind] = now
        held = self._held.pop(kind, 0)
        if held:
            record.msg = f"{record.getMessage()} (and {held} more like it)"
            record.args = ()
        return True


def configure(settings: Settings) -> None:
    """Sets up structlog and sends the libraries' own warnings through it."""
    as_json = settings.log_format == "json" or (
        settings.log_format == "auto" and not sys.stderr.isatty()
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(OncePerWindow(REPEAT_SECONDS))
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processor=renderer)
    )
    logging.root.handlers[:] = [handler]
    # Faust and aiokafka tell every rebalance step at info and repeat themselves at warning.
    logging.root.setLevel(logging.DEBUG if settings.log_level == "debug" else logging.WARNING)

"""Structured logs to stderr, for people on a terminal and as JSON elsewhere.

One line per event that matters: what happens to every record is told at debug only, and what
happens again and again is told a few times and then counted. No line carries article text; the
libraries of the language processes may quote what they choke on, so they are heard at debug only.
"""

import logging
import sys
import time
from collections import Counter
from collections.abc import Callable, MutableMapping
from typing import Any, Final

import structlog

from streams.settings import Settings

REPEAT_SECONDS: Final = 30.0
# A handful of lines shows what kind of records fail; ten thousand of them hide all else.
MOST_ALIKE: Final = 10
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


class FewPerWindow:
    """A structlog processor: of warnings with the same event and reason, lets `most` through per
    window; the first of the next window says how many were held back, as `held`."""

    def __init__(
        self, seconds: float, most: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = seconds
        self._most = most
        self._clock = clock
        self._began: dict[tuple[str, str], float] = {}
        self._count: Counter[tuple[str, str]] = Counter()

    def __call__(
        self, _logger: Any, method: str, line: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """The line, perhaps with `held`. Raises DropEvent for one that is held back."""
        if method != "warning":
            return line
        kind, now = (str(line.get("event")), str(line.get("reason"))), self._clock()
        if now - self._began.get(kind, -self._seconds) >= self._seconds:
            held = self._count.pop(kind, 0) - self._most
            self._began[kind] = now
            if held > 0:
                line["held"] = held
        self._count[kind] += 1
        if self._count[kind] > self._most:
            raise structlog.DropEvent
        return line


def configure(settings: Settings, *, libraries: bool = True) -> None:
    """Sets up structlog and sends the libraries' own warnings through it, if they are to be
    heard."""
    as_json = settings.log_format == "json" or (
        settings.log_format == "auto" and not sys.stderr.isatty()
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: list[Any] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if as_json
        else [structlog.dev.ConsoleRenderer()]
    )
    structlog.configure(
        processors=[FewPerWindow(REPEAT_SECONDS, MOST_ALIKE), *shared, *renderer],
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(OncePerWindow(REPEAT_SECONDS))
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    logging.root.handlers[:] = [handler]
    # Faust and aiokafka tell every rebalance step at info and repeat themselves at warning.
    heard = logging.WARNING if libraries else logging.CRITICAL + 1
    logging.root.setLevel(logging.DEBUG if settings.log_level == "debug" else heard)

"""Structured logs to stderr, for people on a terminal and as JSON elsewhere."""

import logging
import sys
from typing import Any

import structlog

from streams.settings import Settings


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
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processor=renderer)
    )
    logging.root.handlers[:] = [handler]
    # Faust and aiokafka tell every rebalance step at info and repeat themselves at warning.
    logging.root.setLevel(logging.DEBUG if settings.log_level == "debug" else logging.WARNING)

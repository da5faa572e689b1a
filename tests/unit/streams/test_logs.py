"""Logs for a tired person: what libraries repeat is written once, with a count."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from streams.logs import FewPerWindow, OncePerWindow, configure
from streams.settings import Settings


@pytest.fixture
def restored() -> Iterator[None]:
    """Leaves logging as it was."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:], logging.root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def record(message: str, *arguments: object) -> logging.LogRecord:
    return logging.LogRecord("aiokafka", logging.ERROR, "", 0, message, arguments, None)


def test_a_repeated_message_is_written_once_per_window_and_then_with_a_count() -> None:
    now = [0.0]
    once = OncePerWindow(30, clock=lambda: now[0])
    assert once.filter(record("cannot connect to node %s", 1))
    assert not once.filter(record("cannot connect to node %s", 1))
    assert not once.filter(record("cannot connect to node %s", 2))
    now[0] = 31.0
    again = record("cannot connect to node %s", 3)
    assert once.filter(again)
    assert again.getMessage() == "cannot connect to node 3 (and 2 more like it)"


def test_different_messages_do_not_hide_each_other() -> None:
    once = OncePerWindow(30, clock=lambda: 0.0)
    assert once.filter(record("cannot connect"))
    assert once.filter(record("heartbeat failed"))


def test_of_many_records_that_fail_alike_a_few_are_told_and_the_rest_counted() -> None:
    now = [0.0]
    few = FewPerWindow(30, 2, clock=lambda: now[0])

    def told(reason: str, method: str = "warning") -> dict[str, object] | None:
        try:
            return dict(few(None, method, {"event": "dead letter", "reason": reason}))
        except structlog.DropEvent:
            return None

    assert [told("crashed") is not None for _ in range(5)] == [True, True, False, False, False]
    assert told("failed") is not None
    assert told("crashed", "error") is not None
    now[0] = 31.0
    assert told("crashed") == {"event": "dead letter", "reason": "crashed", "held": 3}
    now[0] = 62.0
    assert told("crashed") == {"event": "dead letter", "reason": "crashed"}


def test_lines_of_ours_and_of_libraries_are_json_with_the_stage(
    capsys: pytest.CaptureFixture[str], restored: None
) -> None:
    configure(Settings(log_format="json"))
    structlog.contextvars.bind_contextvars(stage="tagging")
    structlog.get_logger().info("started", partition=3)
    structlog.get_logger().debug("record processed")
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("library").exception("it failed with %s", 7)
    ours, theirs = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert (ours["event"], ours["stage"], ours["partition"]) == ("started", "tagging", 3)
    assert (theirs["event"], theirs["stage"], theirs["level"]) == (
        "it failed with 7",
        "tagging",
        "error",
    )
    assert "ValueError: broken" in theirs["exception"]


def test_what_libraries_of_the_language_processes_say_may_quote_text_and_is_not_heard(
    capsys: pytest.CaptureFixture[str], restored: None
) -> None:
    configure(Settings(log_format="json"), libraries=False)
    logging.getLogger("trafilatura").error("discarding: Il sindaco di Torino")
    assert capsys.readouterr().err == ""

"""Logs for a tired person: what libraries repeat is written once, with a count."""

import logging

from streams.logs import OncePerWindow


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

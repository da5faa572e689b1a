"""Fixtures that every test against the broker may use."""

from tests.broker.kafka import broker, jars

__all__ = ["broker", "jars"]

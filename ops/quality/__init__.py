"""Measures of quality, each a command that prints its figures."""

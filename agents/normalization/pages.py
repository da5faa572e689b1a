"""Whole web pages pasted as text: which run of lines is the article."""

from collections.abc import Sequence


def article_lines(lines: Sequence[str]) -> list[bool] | None:
    """Which lines belong to the article, or None where the text is not a page."""
    return None

"""Normalization: clean articles out of dirty text, with a record of what was removed."""

from typing import Final

NAME: Final = "normalization"

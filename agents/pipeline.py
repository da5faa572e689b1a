"""The pipeline, in flow order, as data."""

from typing import Final

from agents.normalization.agent import STAGE as NORMALIZATION
from agents.tagging.agent import STAGE as TAGGING
from agents.translation.agent import STAGE as TRANSLATION
from streams.stage import Stage

PIPELINE: Final[tuple[Stage, ...]] = (NORMALIZATION, TRANSLATION, TAGGING)

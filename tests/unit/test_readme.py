"""What the README says of settings, reasons and ports is what the code has."""

from ops.readme import README, current
from schemas import REASONS
from streams.topics import TOPICS


def test_the_generated_parts_are_current() -> None:
    text = README.read_text(encoding="utf-8")
    assert current(text) == text, "run python -m ops.readme"


def test_every_topic_and_every_reason_is_named() -> None:
    text = README.read_text(encoding="utf-8")
    assert [t.name for t in TOPICS if f"`{t.full_name('babelwire')}`" not in text] == []
    assert [reason for reason in REASONS if f"`{reason}`" not in text] == []

"""Settings come from flags, the environment and a file, in that order."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from streams.settings import Settings
from streams.topics import RAW


def test_the_environment_wins_over_the_file_and_the_file_over_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "babelwire.toml"
    file.write_text('topic_prefix = "file"\nprocesses = 3\n')
    monkeypatch.setenv("BABELWIRE_CONFIG", str(file))
    monkeypatch.setenv("BABELWIRE_TOPIC_PREFIX", "environment")
    settings = Settings()
    assert (settings.topic_prefix, settings.processes, settings.in_flight) == (
        "environment",
        3,
        256,
    )


def test_a_misspelt_setting_in_the_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "babelwire.toml"
    file.write_text("proceses = 3\n")
    monkeypatch.setenv("BABELWIRE_CONFIG", str(file))
    with pytest.raises(ValidationError, match="proceses"):
        Settings()


def test_every_setting_says_what_it_is_for() -> None:
    assert [name for name, each in Settings.model_fields.items() if not each.description] == []


def test_servers_bind_to_loopback_unless_told_otherwise() -> None:
    assert Settings().host == "127.0.0.1"


def test_the_prefix_is_the_first_part_of_every_topic_name() -> None:
    assert RAW.full_name("desk") == "desk.raw"

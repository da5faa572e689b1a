"""What doctor finds: which engine serves which language, and what would bring the rest."""

import pytest

from agents import doctor
from streams.settings import Settings

# Nothing listens on the discard port, so the broker's row needs no broker.
SETTINGS = Settings(bootstrap_servers="127.0.0.1:9")


def rows(title: str) -> list[doctor.Row]:
    [section] = [each for each in doctor.sections(SETTINGS) if each.title == title]
    assert all(len(row.cells) == len(section.headings) - 1 for row in section.rows)
    return list(section.rows)


def test_each_language_that_is_promised_has_an_engine_and_a_better_one_is_optional() -> None:
    table = rows("Translation to English")
    for language in ("it", "fr", "es", "pt", "en"):
        states = [row.state for row in table if row.cells[0] == language]
        assert "there" in states, language
        assert "missing" not in states, language
    [direct] = [row for row in table if row.cells[:2] == ("it", "bergamot")]
    assert direct.state == "optional"
    assert "MPL-2.0" in direct.cells[-1]
    better = {row.cells[:2]: row.cells[-1] for row in rows("What would improve it")}
    assert "babelwire models fetch it" in better["it", "it>en"]


def test_what_is_absent_is_named_with_the_command_that_brings_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    [maven] = [row for row in rows("Parts") if row.cells[0].startswith("mvn")]
    assert (maven.state, maven.cells[-1]) == ("missing", "apt-get install maven")


def test_an_absent_broker_is_no_fault_of_the_installation() -> None:
    [broker] = [row for row in rows("Parts") if row.cells[0].startswith("broker")]
    assert (broker.state, broker.cells[-1]) == ("optional", "babelwire kafka start")


def test_every_language_says_what_finds_its_names() -> None:
    assert {row.cells[0] for row in rows("Names in the text")} >= {"it", "fr", "es", "pt", "en"}


def test_the_connection_is_shown_without_its_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BABELWIRE_SASL_PASSWORD", "swordfish")
    settings = Settings(
        bootstrap_servers="127.0.0.1:9", security_protocol="SASL_PLAINTEXT", sasl_username="desk"
    )
    told = str(doctor.sections(settings))
    assert "SCRAM-SHA-512" in told
    assert "set (sasl_password)" in told
    assert "swordfish" not in told

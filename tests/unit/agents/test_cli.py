"""What the command line refuses before it does anything."""

import os
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner, Result

from agents.cli import app


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """Flags become environment variables; here only for one test."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_a_secret_as_a_flag_is_refused_with_where_to_put_it() -> None:
    for name in ("sasl_password", "ssl_key_password"):
        done = run("--set", f"{name}=swordfish", "topics", "show")
        said = " ".join(done.output.split())
        assert done.exit_code == 2
        assert f"BABELWIRE_{name.upper()}" in said
        assert "swordfish" not in said


def test_the_value_of_a_misspelt_setting_is_not_repeated() -> None:
    done = run("--set", "sasl_pasword=swordfish", "topics", "show")
    assert done.exit_code == 2
    assert "sasl_pasword" in done.output
    assert "swordfish" not in done.output


def test_settings_that_contradict_each_other_are_named_without_their_values(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BABELWIRE_SASL_PASSWORD", "swordfish")
    done = run("topics", "show")
    assert done.exit_code == 2
    assert "sasl_password is set, but security_protocol" in " ".join(done.output.split())
    assert "swordfish" not in done.output


def test_acls_are_printed_for_one_stage_or_all() -> None:
    assert len(run("topics", "acls", "--arguments").output.splitlines()) == 15
    one = run("topics", "acls", "--arguments", "--stage", "tagging").output
    assert len(one.splitlines()) == 5
    assert run("topics", "acls", "--stage", "nope").exit_code == 2

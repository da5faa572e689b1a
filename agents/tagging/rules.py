"""House rules: what a newsroom adds to, takes from and calls otherwise in the names we find.

A folder (setting `rules_dir`) holds one table per language, `it.tsv`, and `any.tsv` for all of
them, with the columns rule, surface, type, id, name, case:

- `allow`: `surface` is always a name of `type`; `id` and `name` (what it is called in the event)
  may be left empty;
- `deny`: `surface` is never a name;
- `alias`: `surface` is another name of the thing with `id`, which the name table has, or which is
  made from the `name` of something it lacks.

`case` is a line in which the rule shows: it is tried when the table is read, and a table one of
whose cases fails is refused. Ours are in `data/rules`. Files are read again when they change.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Final, cast, get_args

from agents.tagging.names import (
    CURATED,
    Name,
    NameTable,
    NameTableError,
    shipped_names,
    table,
)
from agents.tagging.spans import fold, slug
from schemas import EntityType

COLUMNS: Final = ("rule", "surface", "type", "id", "name", "case")
EVERY_LANGUAGE: Final = "any"
LANGUAGE: Final = re.compile(r"[a-z]{2,3}")
TYPES: Final[dict[str, EntityType]] = {kind.lower(): kind for kind in get_args(EntityType)}
OURS: Final = "agents/tagging/data/rules"


class RuleError(NameTableError):
    """House rules that cannot be used; the message names file, line and remedy."""


@dataclass(frozen=True)
class Rule:
    """One line of a table. `language` is empty for all; `place` says where the line is."""

    kind: str
    language: str
    surface: str
    type: EntityType | None
    id: str
    name: str
    case: str
    place: str


@dataclass(frozen=True)
class Names:
    """The name table with the house rules in it. `denied` has the surfaces that are no names, by
    language, under "" for every one, and by their folded form."""

    table: NameTable
    denied: dict[str, dict[str, str]] = field(default_factory=dict)

    def is_denied(self, surface: str, language: str) -> bool:
        """Whether the house says that this is no name in that language."""
        folded = fold(surface)
        return any(folded in self.denied.get(code, ()) for code in ("", language))

    def denied_surfaces(self, language: str) -> set[str]:
        """What is denied in that language, as the rules write it."""
        return {word for code in ("", language) for word in self.denied.get(code, {}).values()}


def parse_rules(text: str, language: str, origin: str) -> Iterator[Rule]:
    """The rules of one table's text; lines that begin with # are comments.

    Raises RuleError at the first line that is not a rule.
    """
    numbered = [
        (number, line)
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.startswith("#")
    ]
    if not numbered or tuple(numbered[0][1].split("\t")) != COLUMNS:
        raise RuleError(
            f"{origin} should begin with the columns {' '.join(COLUMNS)}, separated by tabs"
        )
    for number, line in numbered[1:]:
        place = f"{origin}:{number}"
        cells = [cell.strip() for cell in line.split("\t")]
        kind, surface, wanted, identity, name, case = (cells + [""] * len(COLUMNS))[:6]
        of_id = TYPES.get(identity.partition(":")[0])
        given = cast(EntityType, wanted) if wanted in TYPES.values() else of_id
        fault = _fault(kind, surface, wanted, given, identity, case)
        if fault:
            raise RuleError(f"{place}: {fault}")
        yield Rule(kind, language, surface, given, identity, name, case, place)


def _fault(
    kind: str, surface: str, wanted: str, given: EntityType | None, identity: str, case: str
) -> str:
    kinds = ", ".join(TYPES.values())
    if kind not in ("allow", "deny", "alias"):
        return f"the rule is {kind!r}; it should be allow, deny or alias"
    if not surface:
        return f"the {kind} rule names no surface"
    if surface not in case:
        return f"the case of {surface!r} should be a line of text that has it letter for letter"
    if kind == "allow" and given is None:
        return f"{surface!r} is allowed as {wanted or 'nothing'}; the type should be one of {kinds}"
    if kind == "alias" and given is None:
        return f"the alias {surface!r} needs the id it stands for, such as org:openai"
    if identity and (given is None or not identity.startswith(f"{given.lower()}:")):
        return f"the id {identity!r} should begin with its type, one of {kinds}, in small letters"
    return ""


def read_rules(folder: Path) -> list[Rule]:
    """The rules of all tables in a folder, by name of file.

    Raises RuleError where the folder or a table cannot be read.
    """
    if not folder.is_dir():
        raise RuleError(f"the folder of house rules {folder} is not there; correct rules_dir")
    rules: list[Rule] = []
    for path in sorted(folder.glob("*.tsv")):
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as fault:
            raise RuleError(f"cannot read the house rules {path}: {fault}") from None
        rules += parse_rules(text, _language_of(path.stem, str(path)), str(path))
    return rules


def our_rules() -> list[Rule]:
    """The rules that we ship."""
    folder = files("agents.tagging") / "data" / "rules"
    rules: list[Rule] = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".tsv"):
            language = _language_of(entry.name.removesuffix(".tsv"), entry.name)
            rules += parse_rules(
                entry.read_text(encoding="utf-8"), language, f"{OURS}/{entry.name}"
            )
    return rules


def _language_of(stem: str, origin: str) -> str:
    if stem == EVERY_LANGUAGE:
        return ""
    if not LANGUAGE.fullmatch(stem):
        raise RuleError(
            f"{origin}: house rules are in {EVERY_LANGUAGE}.tsv or a file named after a language,"
            " such as it.tsv"
        )
    return stem


def with_rules(rules: list[Rule], names_file: Path | None) -> Names:
    """The name table with these rules in it, the earlier of two that differ first. Not yet tried
    on their cases."""
    known = {name.id: name for name in shipped_names()}
    made: list[Name] = []
    denied: dict[str, dict[str, str]] = {}
    for rule in rules:
        if rule.kind == "deny":
            denied.setdefault(rule.language, {})[fold(rule.surface)] = rule.surface
        else:
            made.append(_name(rule, known.get(rule.id)))
    return Names(table(names_file, made), denied)


def _name(rule: Rule, known: Name | None) -> Name:
    assert rule.type is not None  # parse_rules sees to it
    identity = rule.id or f"{rule.type.lower()}:{slug(rule.name or rule.surface)}"
    name = known or Name(identity, rule.name or rule.surface, rule.type)
    return replace(
        name,
        name=rule.name or name.name,
        aliases=tuple(dict.fromkeys((*name.aliases, rule.surface))),
        needs="",
        finds=True,
        weight=100 * CURATED,
        known_by=((rule.language, rule.surface),),
    )


Tried = Callable[[str, str, Names], list[tuple[str, str, str]]]


def failures(rules: list[Rule], names: Names, found: Tried) -> Iterator[str]:
    """What is wrong with the rules whose cases fail, each with its place. `found` gives the
    (surface, type, id) of the names in a line of a language by these names, when every denied
    surface in it was proposed as a name."""
    for rule in rules:
        said = found(rule.case, rule.language or "en", names)
        same = [one for one in said if fold(one[0]) == fold(rule.surface)]
        if rule.kind == "deny":
            if same:
                yield f"{rule.place}: {rule.surface!r} is denied and still found in its case"
        elif not any(kind == rule.type and rule.id in ("", of) for _, kind, of in same):
            wanted = rule.id or rule.type
            given = ", ".join(f"{surface} ({of})" for surface, _, of in said) or "nothing"
            yield f"{rule.place}: the case of {rule.surface!r} has no {wanted}, but {given}"

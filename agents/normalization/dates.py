"""Publication dates as people write them, no more precise than they are.

Reads ISO 8601, RFC 2822, and day, month and year in Italian, French, Spanish, Portuguese, English
and German (month names from the Unicode CLDR, through Babel).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Final, Literal

from babel.dates import get_day_names, get_month_names

from agents.normalization.folding import fold, words

Precision = Literal["year", "month", "day", "time"]

LANGUAGES: Final = ("it", "fr", "es", "pt", "en", "de")
_LONGEST: Final = 120
_YEARS: Final = range(1600, 2200)
# What may stand around a date in a date line, folded.
_AROUND: Final = words(
    "date data fecha datum pubblicato pubblicata pubblicazione il lo la le del della di da alle "
    "ore h aggiornato aggiornata ultimo ultima aggiornamento modifica modificato creato scritto "
    "publie publiee publication parution paru parue mis mise a jour modifie cree ce en du de des "
    "les publicado publicada publicacion el los las hs hora horas actualizado actualizada "
    "actualizacion ultima hace publicacao as atualizado atualizada atualizacao em o os published "
    "posted updated last on at in first est utc gmt cet cest bst pm am veroffentlicht am um uhr "
    "aktualisiert stand"
)


@dataclass(frozen=True, slots=True)
class Date:
    """A date as `2024`, `2024-03`, `2024-03-12` or `2024-03-12T10:45[:30][+01:00]`."""

    value: str
    precision: Precision


@dataclass(frozen=True, slots=True)
class Found:
    """A date at `[start, end)` of the text that was searched."""

    start: int
    end: int
    date: Date


def parse_date(text: str | None) -> Date | None:
    """The one date that a field of an article holds, or None."""
    cleaned = " ".join((text or "").split())
    if not cleaned or len(cleaned) > _LONGEST:
        return None
    if re.fullmatch(r"\d{4}", cleaned) and int(cleaned) in _YEARS:
        return Date(cleaned, "year")
    if re.match(r"[A-Za-z]{3},? \d|\d{1,2} [A-Za-z]{3} \d{4} \d\d:", cleaned):
        try:
            moment = parsedate_to_datetime(cleaned)
        except ValueError:
            pass
        else:
            return Date(moment.isoformat(), "time") if moment.year in _YEARS else None
    found = find_date(cleaned)
    return found.date if found else None


def find_date(text: str) -> Found | None:
    """The first date in a short text, with the time of day where one follows it."""
    folded = fold(text[:_LONGEST])
    best: Found | None = None
    for pattern, read in _patterns():
        for match in pattern.finditer(folded):
            value = read(match)
            if value is not None and (best is None or match.start() < best.start):
                best = Found(match.start(), match.end(), value)
                break
    return _with_time(folded, best) if best and best.date.precision == "day" else best


def date_line(text: str) -> Date | None:
    """The date of a line that says nothing but when the article was published."""
    if len(text) > _LONGEST:
        return None
    found = find_date(text)
    if found is None:
        return None
    folded = fold(text)
    rest = re.findall(r"[^\W_]+", folded[: found.start] + " " + folded[found.end :])
    return found.date if around_a_date(rest) and len(rest) <= 10 else None


def around_a_date(rest: Sequence[str]) -> bool:
    """Whether folded words are such as stand around a date that says when something came out."""
    return all(word in _AROUND or word in _days() or _is_clock(word) for word in rest)


def _is_clock(word: str) -> bool:
    return re.fullmatch(r"\d{1,2}(?:h\d{0,2}|am|pm)?", word) is not None


@cache
def _months() -> dict[str, int]:
    names: dict[str, int] = {"sept": 9, "set": 9, "setiembre": 9}
    for language in LANGUAGES:
        for width in ("wide", "abbreviated"):
            for context in ("format", "stand-alone"):
                for number, name in get_month_names(width, context, language).items():
                    names[fold(name).rstrip(".")] = number
    return names


@cache
def _days() -> frozenset[str]:
    names = {
        part
        for language in LANGUAGES
        for width in ("wide", "abbreviated")
        for name in get_day_names(width, "format", language).values()
        for part in re.findall(r"[^\W\d_]+", fold(name))
    }
    return frozenset(names)


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Date | None]], ...]:
    month = "|".join(sorted(map(re.escape, _months()), key=len, reverse=True))
    clock = r"(?:[t ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)? ?(z|[+-]\d{2}:?\d{2})?)?"
    return (
        (re.compile(rf"(?<!\d)(\d{{4}})-(\d{{2}})(?:-(\d{{2}}){clock})?(?![\d])"), _iso),
        (
            re.compile(
                rf"(?<!\d)(\d{{1,2}})(?:er|º|°|st|nd|rd|th|\.)?[ -](?:de |of )?({month})\b\.?,?[ -]"
                r"(?:de |del )?(\d{4})(?!\d)"
            ),
            lambda m: _day(m[3], _months()[m[2]], m[1]),
        ),
        (
            re.compile(rf"\b({month})\b\.? (\d{{1,2}})(?:st|nd|rd|th)?,? (\d{{4}})(?!\d)"),
            lambda m: _day(m[3], _months()[m[1]], m[2]),
        ),
        (
            re.compile(rf"\b({month})\b\.?,? (?:de |del )?(\d{{4}})(?!\d)"),
            lambda m: _month(m[2], _months()[m[1]]),
        ),
        (re.compile(r"(?<!\d)(\d{1,2})([/.-])(\d{1,2})\2(\d{4})(?!\d)"), _numbers),
        (
            re.compile(r"(?<!\d)(\d{4})([/.])(\d{1,2})\2(\d{1,2})(?!\d)"),
            lambda m: _day(m[1], int(m[3]), m[4]),
        ),
    )


def _iso(match: re.Match[str]) -> Date | None:
    year, month, day, hour, minute, second, zone = match.groups()
    if day is None:
        return _month(year, int(month))
    whole = _day(year, int(month), day)
    if whole is None or hour is None:
        return whole
    offset = "" if zone is None else zone.upper()
    if len(offset) == 5:
        offset = f"{offset[:3]}:{offset[3:]}"
    value = f"{whole.value}T{hour}:{minute}{':' + second if second else ''}{offset}"
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return whole
    return Date(value, "time")


def _numbers(match: re.Match[str]) -> Date | None:
    """Day first, as everywhere but in the United States; month first where only that can be."""
    first, second, year = int(match[1]), int(match[3]), match[4]
    day, month = (second, first) if second > 12 else (first, second)
    return _day(year, month, str(day))


def _day(year: str, month: int, day: str) -> Date | None:
    try:
        whole = date(int(year), month, int(day))
    except ValueError:
        return None
    return Date(whole.isoformat(), "day") if whole.year in _YEARS else None


def _month(year: str, month: int) -> Date | None:
    if int(year) not in _YEARS or not 1 <= month <= 12:
        return None
    return Date(f"{int(year):04}-{month:02}", "month")


_CLOCK: Final = re.compile(
    r"[ ,|-]{0,4}(?:(?:alle|ore|a|las|as|at|h|um|de|le) ){0,2}(\d{1,2})[:h.](\d{2})(?![\d.])"
    r"(?: ?([ap])\.?m\b\.?)?"
)


def _with_time(folded: str, found: Found) -> Found:
    clock = _CLOCK.match(folded, found.end)
    if clock is None or int(clock[1]) > 23 or int(clock[2]) > 59:
        return found
    hour = int(clock[1]) if clock[3] is None else int(clock[1]) % 12 + 12 * (clock[3] == "p")
    value = f"{found.date.value}T{hour:02}:{clock[2]}"
    return Found(found.start, clock.end(), Date(value, "time"))

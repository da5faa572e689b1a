"""Dates that count from the day of writing: `ieri`, `il y a deux jours`, `last week`."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from agents.normalization.folding import fold

MOST: Final = 100

_NUMBER: Final = {
    "it": r"\d{1,3}|un|un'|una|due|tre|quattro|cinque|sei|sette|otto|nove|dieci|pochi|poche",
    "fr": r"\d{1,3}|un|une|deux|trois|quatre|cinq|six|sept|huit|neuf|dix|quelques",
    "es": r"\d{1,3}|un|una|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|unos|unas",
    "pt": r"\d{1,3}|um|uma|dois|duas|tres|quatro|cinco|seis|sete|oito|nove|dez|alguns|algumas",
    "en": r"\d{1,3}|a|an|one|two|three|four|five|six|seven|eight|nine|ten|a few",
}
_UNIT: Final = {
    "it": r"minut[oi]|or[ae]|giorn[oi]|settiman[ae]|mes[ei]|ann[oi]",
    "fr": r"minutes?|heures?|jours?|semaines?|mois|ans?|annees?",
    "es": r"minutos?|horas?|dias?|semanas?|mes(?:es)?|anos?",
    "pt": r"minutos?|horas?|dias?|semanas?|mes(?:es)?|anos?",
    "en": r"minutes?|hours?|days?|weeks?|months?|years?",
}
_DAY: Final = {
    "it": r"lunedi|martedi|mercoledi|giovedi|venerdi|sabato|domenica",
    "fr": r"lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche",
    "es": r"lunes|martes|miercoles|jueves|viernes|sabado|domingo",
    "pt": r"segunda-feira|terca-feira|quarta-feira|quinta-feira|sexta-feira|sabado|domingo",
    "en": r"monday|tuesday|wednesday|thursday|friday|saturday|sunday",
}
# N, U and D stand for the numbers, units and days of the language.
_PHRASES: Final = {
    "it": r"l'altro ieri|ieri(?: (?:sera|mattina|notte|pomeriggio))?|oggi|domani|stamattina|stamane"
    r"|stasera|stanotte|questa (?:mattina|sera|notte|settimana)|questo (?:mese|pomeriggio)"
    r"|quest'anno"
    r"|(?:la )?(?:settimana scorsa|scorsa settimana)|(?:il )?(?:mese scorso|scorso mese)"
    r"|(?:l')?anno scorso|(?:lo )?scorso anno|(?:U) prossim[oa]|(?:N) (?:U) fa"
    r"|D (?:scors|prossim)[oa]",
    "fr": r"avant-hier|hier(?: (?:soir|matin))?|aujourd'hui|demain|ce (?:matin|soir|mois-ci)"
    r"|cette (?:nuit|semaine|annee)|(?:la )?semaine (?:derniere|prochaine)"
    r"|(?:le )?mois (?:dernier|prochain)|l'an(?:nee)? (?:derniere|dernier|prochaine|prochain)"
    r"|il y a (?:N) (?:U)|D (?:dernier|prochain)",
    "es": r"anteayer|antes de ayer|ayer(?: por la (?:tarde|noche|manana))?|anoche|hoy|pasado manana"
    r"|esta (?:manana|tarde|noche|semana)|este (?:mes|ano)"
    r"|(?:la )?semana (?:pasada|proxima|que viene)"
    r"|(?:el )?(?:mes|ano) (?:pasado|proximo|que viene)|hace (?:N) (?:U)|(?:el )?(?:D) pasado"
    r"|(?:el )?proximo (?:D)",
    "pt": r"anteontem|ontem(?: a (?:noite|tarde))?|hoje|amanha|esta (?:manha|tarde|noite|semana)"
    r"|este (?:mes|ano)|(?:na |a )?semana (?:passada|que vem)"
    r"|(?:no |o )?(?:mes|ano) (?:passado|que vem)"
    r"|ha (?:N) (?:U)|(?:U|N U) atras|(?:na |no )?(?:D) passad[oa]|(?:na |no )?proxim[oa] (?:D)",
    "en": r"the day before yesterday|yesterday(?: (?:morning|afternoon|evening))?|today|tonight"
    r"|tomorrow|this (?:morning|afternoon|evening|week|month|year)"
    r"|(?:last|next) (?:night|week|month|year|D)|(?:N) (?:U) ago",
}


def relative_dates(text: str, language: str) -> Iterator[tuple[int, int]]:
    """Where relative dates stand in a text in one of it, fr, es, pt, en; the first `MOST` of them.

    >>> list(relative_dates("Lo ha detto ieri sera.", "it"))
    [(12, 21)]
    """
    pattern = _patterns().get(language)
    if pattern is None:
        return
    for at, match in enumerate(pattern.finditer(fold(text))):
        if at == MOST:
            return
        yield match.span()


def relative_line(line: str) -> bool:
    """Whether a line is a relative date and nothing else, such as `Hace 3 horas`."""
    folded = fold(line).strip(" .:·|•-")
    return len(folded) <= 60 and any(pattern.fullmatch(folded) for pattern in _lines())


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    return {code: re.compile(rf"(?<![\w-])(?:{_full(code)})(?![\w-])") for code in _PHRASES}


@cache
def _lines() -> tuple[re.Pattern[str], ...]:
    around = (
        r"(?:pubblicato|aggiornato|publie|mis a jour|publicado|actualizado|atualizado|published"
        r"|updated|posted)"
    )
    return tuple(
        re.compile(
            rf"(?:{around}:? )?(?:{_full(code)})(?: (?:alle|a|as|a las|at) \d{{1,2}}[:h.]\d{{2}})?"
        )
        for code in _PHRASES
    )


def _full(code: str) -> str:
    parts = {"N": _NUMBER[code], "U": _UNIT[code], "D": _DAY[code]}
    return re.sub(r"\b[NUD]\b", lambda found: f"(?:{parts[found.group()]})", _PHRASES[code])

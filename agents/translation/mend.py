"""Small repairs: over the Portuguese that the rules made, and over the English at the end."""

import itertools
import re
import unicodedata

from agents.translation import lexicon
from agents.translation.portuguese import conjugate

# The hidden word has no gender; the rules take the masculine.
_MASCULINE_AI = re.compile(r"\b(o|do|no|ao|pelo) IA\b", re.IGNORECASE)
_BARE_AI = re.compile(
    r"\b(sociedade|empresa|modelos?|tecnologias?|sistemas?|ferramentas?|indústria) IA\b"
)
_FEMININE = {"o": "a", "do": "da", "no": "na", "ao": "à", "pelo": "pela"}
# Three digits a group, or a decimal comma; a year or a time of day is neither.
_CONTINENTAL = re.compile(
    r"(?<![\d.,])(?:\d{1,3}(?:\.\d{3})+(?:,\d+)?|\d{1,3}(?:[\u00a0\u202f ]\d{3})+(?:,\d+)?"
    r"|\d+,\d{1,2})"
    r"(?![\d]|[.,]\d)"
)
# The vocabularies know straight quotes best, and English has no space within them.
_OPENING, _CLOSING = re.compile(r"«\s*|[“„]"), re.compile(r"\s*»|”")
_APOSTROPHE = re.compile("[’‘]")
# The past of Catalan is made with the present of `to go`, as the future of Portuguese is. Where hop
# two does not know the verb it takes the one for the other.
_GOING = re.compile(r"\b([Vv])(ai|ão)(?:-se)? ([^\W\d_]{2,}[aei]r)\b")
_GOES = {
    "it": re.compile(r"\b(?:va|vanno|vada|andr\w+|and(?:are|ando)|sta|stanno)\b", re.IGNORECASE),
    "fr": re.compile(r"\b(?:va|vont|aill\w+|all\w+|part\w*)\b", re.IGNORECASE),
    "es": re.compile(r"\b(?:va|van|vay\w+|ir\w*|ib\w+)\b", re.IGNORECASE),
}
_IRREGULAR = frozenset(("ser", "estar", "ter", "haver", "fazer", "dizer", "poder", "pôr", "ir"))
_NAME = re.compile(r"\b[A-Z][a-z]+\b")
# Their `for` before a verb is a purpose; that of Spanish is a cause.
_POR_IS_PURPOSE = frozenset(("ca", "fr", "it"))
_NASAL_THEM = re.compile(r"\b(\w{2,}(?:am|em|ão))-nos\b")
# How the languages say `if`.
_IF = {
    "it": re.compile(r"\bse(?:nnò)?\b", re.I),
    "fr": re.compile(r"\bsi(?:non)?\b|\bs'ils?\b", re.I),
    "es": re.compile(r"\bsi(?:no)?\b", re.I),
}
_OPENS_CLAUSE = r"((?:^|[,;:(]\s|\"|\b(?:[Ee]|[Mm]as|[Oo]u|[Pp]ois|[Pp]orque)\s))"
_SE_BEFORE_ADVERB = re.compile(_OPENS_CLAUSE + r"[Ss]e (não|só|nunca|já)\b")
_OPENING_SE = re.compile(_OPENS_CLAUSE + r"[Ss]e (?!não|só|nunca|já|[oa]s? )([a-zà-ÿ]{2,})\b(?!-)")
_US = re.compile(
    r"\b(?:ci|ce|c'|noi|nostr\w+|nous|notre|nos|nosotros|nuestr\w+)(?:\b|(?<='))", re.I
)
_ACCENTED = re.compile(r"\b(?=[^\W\d_]*[À-ÿ])[A-ZÀ-Þ][^\W\d_]+\b")
_SPACED_PERCENT = re.compile(r"(\d)[ \u00a0\u202f]%")


def source(text: str, language: str) -> str:
    """The source with straight quotes and without what the rules are known to misread; capitals
    stay where they were."""
    mended = _APOSTROPHE.sub("'", _CLOSING.sub('"', _OPENING.sub('"', text)))
    for repair in lexicon.repairs(language):
        mended = repair(mended)
    return mended[:1].upper() + mended[1:] if text[:1].isupper() else mended


def portuguese(text: str, language: str) -> str:
    """The Portuguese, made from `language`, as the neural model reads it best."""
    for repair in lexicon.repairs("pt"):
        text = repair(text)
    if language in _POR_IS_PURPOSE:
        for repair in lexicon.repairs("purpose"):
            text = repair(text)
    text = _MASCULINE_AI.sub(_feminine, text)
    return _BARE_AI.sub(r"\1 de IA", text)


def them(text: str, source: str) -> str:
    """The Portuguese with `-nos` after a plural verb as `os`, where the source has no `us`.

    After a nasal both are `nos`, and the model takes it for `us`.
    """
    if _US.search(source):
        return text
    return _NASAL_THEM.sub(r"os \1", text)


def impersonal(text: str, source: str, language: str) -> str:
    """The Portuguese with a clitic `se` that opens a clause behind its verb (`sabe-se`) or behind
    the negation (`não se sabe`), where the source has no `if`: the model takes it for one.
    """
    conditional = _IF.get(language)
    if conditional is None or conditional.search(source):
        return text
    return _OPENING_SE.sub(r"\1\2-se", _SE_BEFORE_ADVERB.sub(r"\1\2 se", text))


def past(text: str, source: str, language: str) -> str:
    """The Portuguese with a preterite for `vai` and infinitive where nothing in the source goes."""
    goes = _GOES.get(language)
    if goes is None or goes.search(source):
        return text

    def happened(going: re.Match[str]) -> str:
        if going.group(3) in _IRREGULAR:
            return going.group()
        number = "sg" if going.group(2) == "ai" else "pl"
        verb = conjugate(going.group(3), {"ifi", "p3", number})
        return verb.capitalize() if going.group(1) == "V" else verb

    return _GOING.sub(happened, text)


def english(text: str) -> str:
    """The English without what the models are known to leave behind, and with the word that news
    has where they know another."""
    for repair in lexicon.repairs("en"):
        text = repair(text)
    return text


def numbers(text: str, source: str) -> str:
    """Numbers that were copied from the source as English writes them: `1.500,5` as `1,500.5`."""
    for found in sorted(set(_CONTINENTAL.findall(source)), key=len, reverse=True):
        whole, comma, part = found.partition(",")
        english = re.sub(r"[.\u00a0\u202f ]", ",", whole) + ("." + part if comma else "")
        text = re.sub(rf"(?<![\d.,]){re.escape(found)}(?![\d]|[.,]\d)", english, text)
    return _SPACED_PERCENT.sub(r"\1%", text)


def accents(text: str, source: str) -> str:
    """The text with names that only got another accent (`Vladímir`) as the source has them."""
    written = set(_NAME.findall(source))

    def restore(match: re.Match[str]) -> str:
        word = match.group()
        plain = "".join(filter(str.isascii, unicodedata.normalize("NFD", word)))
        return plain if plain in written and word not in source else word

    return _ACCENTED.sub(restore, text)


def opening(text: str, source: str) -> str:
    """The text with a capital where the source has one, but for words such as `iPhone`."""
    if source[:1].isupper() and text[:1].islower() and not text[1:2].isupper():
        return text[:1].upper() + text[1:]
    return text


def possessives(text: str, names: list[str]) -> str:
    """`Sora de OpenAI`, which the model takes for one name, as `OpenAI's Sora`."""
    for name, owner in itertools.permutations(dict.fromkeys(names), 2):
        text = text.replace(f"{name} de {owner}", f"{owner}'s {name}")
    return text


def _feminine(found: re.Match[str]) -> str:
    article = found.group(1)
    feminine = _FEMININE[article.lower()]
    return (feminine.capitalize() if article[0].isupper() else feminine) + " IA"

"""Words that the rules do not know: own lexicon, FreeDict by lemma, then word endings.

The endings rest on what the Romance languages share: `-zione`, `-tion`, `-ció` and `-ción` are all
`-ção`. A word so remade is often the right one and nearly always closer to it than the foreign one.
"""

import re

import simplemma

from agents.translation import freedict, lexicon
from agents.translation.portuguese import plural

# Longest first within each language.
_ENDINGS: dict[str, tuple[tuple[str, str], ...]] = {
    "it": (
        *(("zioni", "ções"), ("zione", "ção"), ("sioni", "sões"), ("sione", "são")),
        *(("abili", "áveis"), ("abile", "ável"), ("ibili", "íveis"), ("ibile", "ível")),
        *(("amento", "amento"), ("amenti", "amentos"), ("mente", "mente")),
        *(("enza", "ência"), ("enze", "ências"), ("anza", "ância"), ("anze", "âncias")),
        *(("tori", "dores"), ("tore", "dor"), ("trici", "doras"), ("trice", "dora")),
        *(("isti", "istas"), ("iste", "istas"), ("ismi", "ismos"), ("ari", "ários")),
        *(("ario", "ário"), ("aria", "ária"), ("aggio", "agem"), ("aggi", "agens")),
        *(("ità", "idade"), ("tà", "dade"), ("osi", "osos"), ("ivi", "ivos")),
        *(("iche", "icas"), ("ici", "icos"), ("ali", "ais"), ("ale", "al")),
        *(("ando", "ando"), ("endo", "endo"), ("ati", "ados"), ("ato", "ado")),
        *(("ate", "adas"), ("ata", "ada"), ("iti", "idos"), ("ito", "ido")),
        *(("uto", "ido"), ("uti", "idos"), ("enti", "entes"), ("anti", "antes")),
        *(("are", "ar"), ("ere", "er"), ("ire", "ir")),
    ),
    "fr": (
        *(("tions", "ções"), ("tion", "ção"), ("sions", "sões"), ("sion", "são")),
        *(("iquement", "icamente"), ("ellement", "almente"), ("ablement", "avelmente")),
        *(("usement", "osamente"), ("ivement", "ivamente"), ("ements", "amentos")),
        *(("ement", "amento"), ("ables", "áveis"), ("able", "ável"), ("ibles", "íveis")),
        *(("ible", "ível"), ("ités", "idades"), ("ité", "idade"), ("ismes", "ismos")),
        *(("isme", "ismo"), ("iste", "ista"), ("eurs", "ores"), ("eur", "or")),
        *(("ences", "ências"), ("ence", "ência"), ("ances", "âncias"), ("ance", "ância")),
        *(("iques", "icos"), ("ique", "ico"), ("euses", "osas"), ("euse", "osa")),
        *(("eux", "oso"), ("aux", "ais"), ("ées", "adas"), ("ée", "ada")),
        *(("és", "ados"), ("é", "ado"), ("er", "ar")),
    ),
    "ca": (
        *(("cions", "ções"), ("ció", "ção"), ("sions", "sões"), ("sió", "são")),
        *(("tats", "dades"), ("tat", "dade"), ("ment", "mente"), ("ismes", "ismos")),
        *(("isme", "ismo"), ("atges", "agens"), ("atge", "agem"), ("ències", "ências")),
        *(("ència", "ência"), ("àncies", "âncias"), ("ància", "ância"), ("ables", "áveis")),
        *(("able", "ável"), ("ibles", "íveis"), ("ible", "ível"), ("ors", "ores")),
        *(("istes", "istas"), ("ats", "ados"), ("at", "ado"), ("ades", "adas")),
        *(("its", "idos"), ("it", "ido"), ("ides", "idas"), ("ant", "ando")),
        *(("int", "indo"), ("ics", "icos"), ("ic", "ico"), ("ques", "cas")),
        *(("osos", "osos"), ("ós", "oso"), ("ius", "ivos"), ("iu", "ivo")),
        *(("ives", "ivas"), ("aris", "ários"), ("ari", "ário"), ("àries", "árias")),
        *(("nys", "nhos"), ("ny", "nho"), ("als", "ais"), ("es", "as")),
    ),
    "es": (
        *(("ciones", "ções"), ("ción", "ção"), ("siones", "sões"), ("sión", "são")),
        *(("dades", "dades"), ("dad", "dade"), ("mientos", "mentos"), ("miento", "mento")),
        *(("ables", "áveis"), ("able", "ável"), ("ibles", "íveis"), ("ible", "ível")),
        *(("encias", "ências"), ("encia", "ência"), ("ancias", "âncias"), ("ancia", "ância")),
        *(("ajes", "agens"), ("aje", "agem"), ("ales", "ais"), ("ones", "ões"), ("ón", "ão")),
        *(("arios", "ários"), ("ario", "ário"), ("arias", "árias"), ("aria", "ária")),
        *(("aron", "aram"), ("ieron", "eram"), ("aban", "avam"), ("aba", "ava")),
        *(("án", "ão"), ("ó", "ou")),
    ),
}
# Endings that names do not have.
_WORD_ONLY = re.compile(r"(?:zion[ei]|ità|tions?|ités?|ciones|ción|idad(?:es)?|ment[eoi]|ements?)$")
_SPELLING = {
    "it": (("zz", "z"), ("cch", "c"), ("gg", "g"), ("tt", "t"), ("pp", "p"), ("bb", "b")),
    "fr": (("ph", "f"), ("tt", "t"), ("nn", "n"), ("pp", "p"), ("ll", "l")),
    "ca": (("l·l", "l"), ("ny", "nh"), ("ll", "lh"), ("à", "á"), ("è", "é"), ("ò", "ó")),
    "es": (("ñ", "nh"), ("ll", "lh")),
}
_PAST = {
    "it": re.compile(r"[aiu]t([oaie])$"),
    "fr": re.compile(r"(?:é|i|u)(e?s?)$"),
}
_PARTICIPLE = {
    "o": "o",
    "a": "a",
    "i": "os",
    "e": "as",
    "": "o",
    "es": "as",
    "s": "os",
}


class UnknownWords:
    """The Portuguese of single words of one language."""

    def __init__(self, language: str) -> None:
        self._language = language
        self._own = lexicon.words(f"{language}-pt")

    def portuguese(self, surface: str, unknown: bool) -> str | None:
        """The Portuguese of a word, or None where the rules shall have it.

        The own lexicon overrules what the rules know; all else is for words they do not.
        """
        lowered = surface.lower()
        own = self._own.get(lowered)
        if own is not None or not unknown or not lowered.isalpha():
            return own
        return self._from_dictionary(lowered) or by_ending(lowered, self._language)

    def has(self, lowered: str) -> bool:
        """Whether the own lexicon has the lower-case form."""
        return lowered in self._own

    def is_word(self, lowered: str) -> bool:
        """Whether the lower-case form is a word of the language, and so no name."""
        return (
            _WORD_ONLY.search(lowered) is not None
            or lowered in self._own
            or lowered in freedict.entries(self._language)
            or simplemma.is_known(lowered, self._language)
        )

    def _from_dictionary(self, lowered: str) -> str | None:
        dictionary = freedict.entries(self._language)
        if not dictionary:
            return None
        exact = dictionary.get(lowered)
        if exact is not None:
            return exact[1]
        lemma = simplemma.lemmatize(lowered, self._language).lower()
        entry = dictionary.get(lemma)
        if entry is None:
            return None
        part, portuguese = entry
        if part == "v":
            return self._participle(lowered, portuguese)
        return plural(portuguese) if _is_plural(lowered, lemma, self._language) else portuguese

    def _participle(self, lowered: str, infinitive: str) -> str | None:
        """The participle, which news is full of; other forms are left to the endings."""
        match = _PAST[self._language].search(lowered)
        if match is None or not re.fullmatch(r"[^\W\d_]+[aei]r", infinitive):
            return None
        theme = "a" if infinitive.endswith("ar") else "i"
        ending = _PARTICIPLE.get(match.group(1), "a")
        return infinitive[:-2] + theme + "d" + ending


def by_ending(word: str, language: str) -> str | None:
    """The word with the Portuguese ending and spelling, or None where no ending fits."""
    for ending, portuguese in _ENDINGS.get(language, ()):
        if word.endswith(ending) and len(word) >= len(ending) + 3:
            stem = word[: -len(ending)]
            for foreign, native in _SPELLING[language]:
                stem = stem.replace(foreign, native)
            return stem + portuguese
    return None


def _is_plural(word: str, lemma: str, language: str) -> bool:
    if word == lemma:
        return False
    return word.endswith(("s", "x")) if language == "fr" else word.endswith(("i", "e"))

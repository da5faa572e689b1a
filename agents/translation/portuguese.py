"""Portuguese forms of the words that Apertium's generator does not have: the regular ones."""

import re

_VOWELS = "aeiouáéíóúâêô"
_CELLS = tuple((person, number) for number in ("sg", "pl") for person in ("p1", "p2", "p3"))

# Endings by tense and conjugation, for the persons in the order of _CELLS. The simple future and
# the conditional stand on the infinitive, all others on the stem.
_ENDINGS: dict[str, dict[str, tuple[str, ...]]] = {
    "pri": {
        "ar": ("o", "as", "a", "amos", "ais", "am"),
        "er": ("o", "es", "e", "emos", "eis", "em"),
        "ir": ("o", "es", "e", "imos", "is", "em"),
    },
    "pii": {
        "ar": ("ava", "avas", "ava", "ávamos", "áveis", "avam"),
        "er": ("ia", "ias", "ia", "íamos", "íeis", "iam"),
        "ir": ("ia", "ias", "ia", "íamos", "íeis", "iam"),
    },
    "ifi": {
        "ar": ("ei", "aste", "ou", "amos", "astes", "aram"),
        "er": ("i", "este", "eu", "emos", "estes", "eram"),
        "ir": ("i", "iste", "iu", "imos", "istes", "iram"),
    },
    "prs": {
        "ar": ("e", "es", "e", "emos", "eis", "em"),
        "er": ("a", "as", "a", "amos", "ais", "am"),
        "ir": ("a", "as", "a", "amos", "ais", "am"),
    },
    "pis": {
        "ar": ("asse", "asses", "asse", "ássemos", "ásseis", "assem"),
        "er": ("esse", "esses", "esse", "êssemos", "êsseis", "essem"),
        "ir": ("isse", "isses", "isse", "íssemos", "ísseis", "issem"),
    },
    "fti": dict.fromkeys(("ar", "er", "ir"), ("ei", "ás", "á", "emos", "eis", "ão")),
    "cni": dict.fromkeys(("ar", "er", "ir"), ("ia", "ias", "ia", "íamos", "íeis", "iam")),
}
_ENDINGS["imp"] = _ENDINGS["prs"]
_ON_INFINITIVE = frozenset(("fti", "cni"))
_ARTICLES = {
    form: pair
    for pair in (
        *(("o", "a"), ("do", "da"), ("no", "na"), ("ao", "à"), ("pelo", "pela"), ("um", "uma")),
        *(("os", "as"), ("dos", "das"), ("nos", "nas"), ("aos", "às"), ("pelos", "pelas")),
        *(("este", "esta"), ("esse", "essa"), ("aquele", "aquela"), ("seu", "sua")),
        *(("estes", "estas"), ("seus", "suas"), ("novo", "nova"), ("novos", "novas")),
        *(("uns", "umas"), ("deste", "desta"), ("neste", "nesta"), ("num", "numa")),
        *(("todo", "toda"), ("todos", "todas"), ("outro", "outra"), ("outros", "outras")),
        *(("mesmo", "mesma"), ("muito", "muita"), ("muitos", "muitas"), ("primeiro", "primeira")),
        *(("vários", "várias"), ("alguns", "algumas"), ("algum", "alguma")),
    )
    for form in pair
}
_FEMININE = re.compile(
    r"(?:[çs]ão|[çs]ões|dades?|agem|agens|ências?|âncias?|ezas?|tudes?)$"
    # Those of no such ending that news is full of.
    r"|^(?:árvore|base|classe|cor|corte|crise|dor|equipe|fase|flor|fonte|frente|greve|lei|mão|mãe"
    r"|manhã|morte|mulher|noite|ordem|parte|paz|ponte|raiz|rede|saúde|série|sede|sorte|tarde|vez"
    r"|viagem|voz)(?:s|es)?$"
)
_MASCULINE = re.compile(r"(?:[^ã]os?|ores|or|mentos?|ais|al|éis|el|óis)$")
# Words such as `problema`, `dia`, `artista`, and those whose last letter is all there is to see.
_OF_NO_PLAIN_GENDER = re.compile(r"(?:[eéio]ma|rama|ista|dia|mapa|eta|cida)$|^.{1,3}$|^para$")
_PARTICIPLE = {"ar": "ad", "er": "id", "ir": "id"}
# Before `e` and `i` the first sound of these is spelt otherwise; the last two before `a` and `o`.
_BEFORE_E = (("ç", "c"), ("c", "qu"), ("g", "gu"))
_BEFORE_A = (("gu", "g"), ("g", "j"), ("c", "ç"))


def inflect(lemma: str, tags: list[str]) -> str:
    """The form of a regular word that Apertium's tags ask for, such as `["n", "f", "pl"]`.

    Words of several, adverbs and the like stay as they are but for the plural of the first word.
    """
    known = set(tags)
    if tags[:1] == ["vblex"]:
        return conjugate(lemma, known)
    if tags[:1] in (["n"], ["adj"]):
        feminine = tags[0] == "adj" and "f" in known
        word = lemma[:-1] + "a" if feminine and lemma.endswith("o") else lemma
        return plural(word) if "pl" in known else word
    return lemma


def conjugate(infinitive: str, tags: set[str]) -> str:
    """A form of a regular verb; the infinitive where the tags ask for none that there is."""
    stem, kind = infinitive[:-2], infinitive[-2:]
    if "ger" in tags:
        return infinitive[:-1] + "ndo"
    if "pp" in tags:
        return stem + _PARTICIPLE[kind] + ("a" if "f" in tags else "o") + "s" * ("pl" in tags)
    tense = next((tense for tense in _ENDINGS if tense in tags), None)
    cell = next((at for at, pair in enumerate(_CELLS) if set(pair) <= tags), None)
    if tense is None or cell is None:
        return infinitive
    ending = _ENDINGS[tense][kind][cell]
    return infinitive + ending if tense in _ON_INFINITIVE else _spelt(stem, kind, ending)


def plural(expression: str) -> str:
    """The regular plural of the first word of an expression."""
    word, space, rest = expression.partition(" ")
    if word.endswith(("ção", "são")):
        word = word[:-2] + "ões"
    elif word.endswith("m"):
        word = word[:-1] + "ns"
    elif word.endswith("l"):
        word = word[:-1] + "is"
    elif word.endswith(("r", "z")):
        word += "es"
    elif word[-1] in _VOWELS or word.endswith("o"):
        word += "s"
    return word + space + rest


def agree(word: str, expression: str) -> str:
    """The article or contraction `word` as the expression after it needs it, such as `da` for `do`
    before `chegada`; any other word, and any word before a noun of no plain gender, as it is.

    A lone `a` is left: it may be the preposition.
    """
    pair = _ARTICLES.get(word.lower())
    feminine = _is_feminine(expression.split(" ")[0])
    if pair is None or feminine is None or word.lower() == "a":
        return word
    chosen = pair[feminine]
    return chosen.capitalize() if word[0].isupper() else chosen


def _is_feminine(noun: str) -> bool | None:
    """What the ending says of a noun's gender; None where it says nothing."""
    singular = noun.removesuffix("s")
    if _FEMININE.search(noun):
        return True
    if _OF_NO_PLAIN_GENDER.search(singular):
        return None
    if singular.endswith("a"):
        return True
    return False if _MASCULINE.search(noun) else None


def _spelt(stem: str, kind: str, ending: str) -> str:
    soft = ending[0] in "eéêií"
    changes = _BEFORE_E if kind == "ar" and soft else _BEFORE_A if kind != "ar" and not soft else ()
    for sound, spelling in changes:
        if stem.endswith(sound):
            return stem[: -len(sound)] + spelling + ending
    return stem + ending

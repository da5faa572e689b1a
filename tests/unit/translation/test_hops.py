"""What one hop knows helps the next; the parts that need no Apertium, and some that do."""

import shutil
import subprocess
from pathlib import Path

import pytest

from agents.translation import lexicon
from agents.translation.apertium import commands, mode_path
from agents.translation.hops import Hop, Meaning, as_news, meanings, pinned
from agents.translation.lexicon import Entry

needs_apertium = pytest.mark.skipif(
    shutil.which("apertium-transfer") is None or not mode_path("cat-por").is_file(),
    reason="Apertium's cat-por is not installed",
)
DONA = "^dona/dona<n><f><sg>/donar<vblex><pri><p3><sg>$"


def test_a_reading_that_was_not_meant_goes() -> None:
    gives = [Meaning("donar", frozenset(("vblex", "pri", "p3", "sg")))]
    woman = [Meaning("dona", frozenset(("n", "f", "sg")))]
    assert pinned(DONA, gives) == "^dona/donar<vblex><pri><p3><sg>$"
    assert pinned(DONA, woman) == "^dona/dona<n><f><sg>$"


def test_readings_stay_where_none_of_them_was_meant() -> None:
    assert pinned(DONA, [Meaning("casa", frozenset(("n", "f", "sg")))]) == DONA
    assert pinned(DONA, []) == DONA


def test_words_between_transfer_and_generation_are_read_part_by_part() -> None:
    line = "^Veure<vblex><inf>+el<prn><enc><p3><m><sg>$ ^*Xqbcx$"
    assert [meaning.lemma for meaning in meanings(line)] == ["veure", "el"]


def test_the_first_word_of_an_expression_is_no_verb_for_the_next_hop() -> None:
    said = meanings("^després que<cnjadv>$ ^l'<det>$")
    readings = "^després/després<adv>/desprendre<vblex><pp><m><sg>$"
    assert pinned(readings, said) == "^després/després<adv>$"


def test_a_word_that_looks_as_if_it_said_thou_does_not_unless_the_line_does() -> None:
    noun, verb = "accordo<n><m><pl>", "accordare<vblex><pri><p2><sg>"
    assert as_news(f"^accordi/{noun}/{verb}$") == f"^accordi/{noun}$"
    spoken = f"^tu/prpers<prn><tn><p2><mf><sg>$ ^accordi/{noun}/{verb}$"
    assert as_news(spoken) == spoken


def test_an_article_that_opens_a_line_or_goes_with_a_plural_noun_is_no_pronoun() -> None:
    la, noun = "^La/il<det><def><f><sg>/prpers<prn><pro><p3><f><sg>$", "^procura/procura<n><f><sg>"
    verb = "/procurare<vblex><pri><p3><sg>$"
    assert as_news(f"{la} {noun}{verb}") == f"^La/il<det><def><f><sg>$ {noun}{verb}"
    assert as_news(f"{la} ^ama/amare<vblex><pri><p3><sg>$").startswith(la)
    assert as_news("^che/che<cnjsub>$ ^gli/il<det>/prpers<prn>$ ^importi/importo<n><m><pl>$") == (
        "^che/che<cnjsub>$ ^gli/il<det>$ ^importi/importo<n><m><pl>$"
    )


def test_an_article_after_a_hidden_word_is_no_pronoun_before_a_noun() -> None:
    la, noun = "^la/il<det><def><f><sg>/prpers<prn><pro><p3><f><sg>$", "^lotta/lotta<n><f><sg>"
    verb = "/lottare<vblex><pri><p3><sg>$"
    hidden = "^xqbbx/*xqbbx$ "
    assert as_news(f"{hidden}{la} {noun}{verb}") == (
        f"{hidden}^la/il<det><def><f><sg>$ {noun}{verb}"
    )
    assert as_news(f"^lui/lui<prn>$ {la} {noun}{verb}") == f"^lui/lui<prn>$ {la} {noun}{verb}"


@needs_apertium
def test_an_own_entry_is_inflected_like_the_word_it_stands_for() -> None:
    mode = commands(mode_path("cat-por").read_text(encoding="utf-8"))
    hop = Hop(mode, {("recerca", "n"): Entry("pesquisa", "f", False)})
    (line,), _ = hop.lines(["Les noves recerques."])
    hop.close()
    assert line == "As novas pesquisas."


@needs_apertium
def test_an_own_entry_that_the_generator_lacks_is_formed_here() -> None:
    mode = commands(mode_path("cat-por").read_text(encoding="utf-8"))
    hop = Hop(mode, {("rebutjar", "vblex"): Entry("rejeitar", "", True)})
    (line,), _ = hop.lines(["El govern rebutjarà la proposta."])
    hop.close()
    assert "rejeitará a proposta" in line


@needs_apertium
def test_what_is_formed_here_as_one_thing_is_left_to_the_generator_as_another() -> None:
    mode = commands(mode_path("cat-por").read_text(encoding="utf-8"))
    hop = Hop(mode, {("cert", "n"): Entry("certo", "", True)})
    (line,), _ = hop.lines(["Certes persones ho saben."])
    hop.close()
    assert line.startswith("Certas pessoas")


@needs_apertium
@pytest.mark.parametrize("pair", ["cat-por", "ita-cat", "fra-cat", "spa-cat", "es-pt"])
def test_every_own_entry_is_in_the_generator_or_marked(pair: str) -> None:
    path = mode_path(pair)
    if not path.is_file():
        pytest.skip(f"{pair} is not installed")
    stages = commands(path.read_text(encoding="utf-8"))
    binary = next(word for stage in stages for word in stage if word.endswith("autogen.bin"))
    lemmas = sorted(
        {
            (entry.lemma, tag)
            for (_, tag), entry in lexicon.glossary(pair).items()
            if not entry.formed_here
        }
    )
    asked = "\n".join(" ".join(_some_forms(lemma, tag)) for lemma, tag in lemmas)
    told = subprocess.run(
        ["lt-proc", "-g", str(Path(binary))],
        input=asked,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    missing = [
        lemma
        for (lemma, tag), forms in zip(lemmas, told, strict=True)
        if forms.count("#") >= len(_some_forms(lemma, tag))
    ]
    assert not missing


def _some_forms(lemma: str, tag: str) -> list[str]:
    head, mark, queue = lemma.partition("#")
    tail = mark + queue
    if tag == "vblex":
        return [f"^{head}<vblex><{form}>{tail}$" for form in ("inf", "ger", "pri><p3><sg")]
    if tag in ("n", "adj"):
        genders, numbers = ("m", "f", "mf"), ("sg", "pl", "sp")
        return [f"^{head}<{tag}><{g}><{n}>{tail}$" for g in genders for n in numbers]
    return [f"^{lemma}<{tag}>$"]

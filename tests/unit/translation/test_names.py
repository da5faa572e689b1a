"""Which words are names, on analysed lines written by hand."""

import re

from agents.translation import names, stream

KNOWN = names.known_pattern(["Meta", "Sam Altman", "Her"])


def found(analysed: str) -> list[str]:
    line = re.sub(r"\^([^/]*)/[^$]*\$", r"\1", analysed)
    units = stream.read_units(analysed, line)
    return [
        line[start:end]
        for start, end in names.find_names(line, units, KNOWN, {"crollo"}.__contains__)
    ]


def test_a_capitalised_word_that_the_analyser_does_not_know_is_a_name() -> None:
    assert found("^il/il<det>$ ^robot/robot<n>$ ^Zentrik/*Zentrik$") == ["Zentrik"]


def test_a_mixed_case_word_is_a_name_and_an_unknown_lower_case_word_is_not() -> None:
    assert found("^usa/usare<vblex>$ ^eBook/*eBook$ ^vortici/*vortici$") == ["eBook"]


def test_an_unknown_word_at_the_start_that_the_lexicon_knows_is_no_name() -> None:
    assert found("^Crollo/*Crollo$ ^in/in<pr>$ ^borsa/borsa<n>$") == []


def test_a_name_reaches_over_its_capitalised_neighbour() -> None:
    assert found(
        "^con/con<pr>$ ^Zentrik/*Zentrik$ ^Rossi/rosso<adj>/Rossi<np><cog>$ ^oggi/oggi<adv>$"
    ) == ["Zentrik Rossi"]


def test_a_place_is_left_to_the_rules() -> None:
    assert found("^a/a<pr>$ ^Parigi/Parigi<np><top>$") == []


def test_a_town_that_english_calls_alike_is_a_name() -> None:
    assert found("^a/a<pr>$ ^Taranto/Taranto<np><top>$") == ["Taranto"]


def test_a_town_in_one_piece_is_a_name_unless_english_calls_it_otherwise() -> None:
    towns = "^Noisy/*Noisy$-^le/le<det>$-^Sec/sec<adj>$ ^et/et<cnjcoo>$ ^Saint/saint<adj>$"
    assert found(f"{towns}-^Nazaire/*Nazaire$") == ["Noisy-le-Sec", "Saint-Nazaire"]
    assert found("^Saint/saint<adj>$-^Pétersbourg/Pétersbourg<np><loc>$") == []


def test_an_arabic_article_belongs_to_its_name() -> None:
    assert found("^al/al<pr>$-^Azhar/*Azhar$") == ["al-Azhar"]


def test_a_capitalised_verb_within_a_sentence_is_a_name_and_at_its_start_is_not() -> None:
    assert found("^il/il<det>$ ^signor/signore<n>$ ^Prende/prendere<vblex>$") == ["Prende"]
    assert found("“^Prende/prendere<vblex>$ ^tempo/tempo<n>$") == []


def test_a_spanish_question_mark_opens_a_sentence() -> None:
    assert found("¿^Desea/desear<vblex>$ ^algo/algo<prn>$?") == []


def test_the_name_list_wins_over_the_analyser() -> None:
    assert found("^per/per<pr>$ ^Meta/meta<n>$ ^e/e<cnjcoo>$") == ["Meta"]


def test_in_a_line_in_capitals_only_the_list_counts() -> None:
    assert found("^ZENTRIK/*ZENTRIK$ ^ANNUNCIA/*ANNUNCIA$ ^NOVITA/*NOVITA$") == []


def test_addresses_handles_and_endless_words_are_opaque() -> None:
    line = "Su https://esempio.it/a?b=1, @zentrik e #cinema: " + "x" * 80
    shown = [line[start:end] for start, end, opaque in names.find_by_form(line, KNOWN) if opaque]
    assert shown == ["https://esempio.it/a?b=1", "@zentrik", "#cinema", "x" * 80]


def test_a_capitalised_small_word_before_a_name_belongs_to_it() -> None:
    assert found("^con/con<pr>$ ^Al/a<pr>+il<det>$ ^Pacino/*Pacino$") == ["Al Pacino"]
    assert found("^con/con<pr>$ ^La/il<det>$ ^casa/casa<n>$") == []


def test_a_name_reaches_over_the_capitalised_word_before_it_unless_that_is_a_title() -> None:
    assert found("^di/di<pr>$ ^Ella/lei<prn>$ ^Dinkins/*Dinkins$") == ["Ella Dinkins"]
    assert found("^il/il<det>$ ^Presidente/presidente<n>$ ^Zentrik/*Zentrik$") == ["Zentrik"]


def test_an_acronym_is_a_name_though_its_letters_make_a_word() -> None:
    assert found("^la/il<det>$ ^SEC/sec<adj>$ ^tace/tacere<vblex>$") == ["SEC"]
    assert found("^secolo/secolo<n>$ ^XIX/XIX<num>$") == []


def test_a_namesake_within_a_sentence_is_a_name_unless_an_article_makes_it_a_word() -> None:
    assert found("^contro/contro<pr>$ ^Travaglio/travaglio<n>$") == ["Travaglio"]
    assert found("^nel/in<pr>+il<det>$ ^Travaglio/travaglio<n>$") == []


def test_a_namesake_that_opens_a_sentence_is_a_name_before_its_verb() -> None:
    assert found("^Grasso/grasso<n>$ ^ha/avere<vbhaver><pri>$ ^detto/dire<vblex><pp>$") == [
        "Grasso"
    ]
    assert found("^Grasso/grasso<n>$ ^e/e<cnjcoo>$ ^zucchero/zucchero<n>$") == []


def test_a_first_name_makes_a_name_of_the_noun_after_it_but_not_of_a_description() -> None:
    assert found("^Marco/Marco<np><ant>/marco<n>$ ^Scoglio/scoglio<n>$") == ["Marco Scoglio"]
    assert found("^Marina/Marina<np><ant>/marina<n>$ ^Militare/militare<adj>$") == []


def test_what_begins_with_a_capitalised_small_word_is_a_surname_or_a_title() -> None:
    assert found("^per/per<pr>$ ^Di/di<pr>$ ^Pietro/Pietro<np><ant>/pietra<n>$") == ["Di Pietro"]
    assert found("^secondo/secondo<pr>$ ^Il/il<det>$ ^Foglio/foglio<n>$") == ["Il Foglio"]
    assert found("^e/e<cnjcoo>$ ^La/il<det>$ ^Spezia/Spezia<np><loc>$") == []
    assert found("^Di/di<pr>$ ^Pietro/Pietro<np><ant>$ ^parla/parlare<vblex><pri>$") == [
        "Di Pietro"
    ]


def test_a_street_keeps_its_name() -> None:
    assert found("^su/su<pr>$ ^Piazza/piazza<n>$ ^Affari/affare<n>$") == ["Piazza Affari"]
    assert found("^en/en<pr>$ ^Ciudad/ciudad<n>$ ^Neza/*Neza$") == ["Ciudad Neza"]
    assert found("^su/su<pr>$ ^Piazza/piazza<n>$ ^Rossa/rosso<adj>$") == []


def test_an_elided_surname_is_a_name_but_an_opening_article_is_none() -> None:
    assert found("^con/con<pr>$ ^D'/di<pr>$^Avanzo/avanzo<n>$") == ["D'Avanzo"]
    assert found("^de/de<pr>$ ^al/a<pr>$-^Masri/*Masri$") == ["al-Masri"]
    assert found("^D'/di<pr>$^Italia/Italia<np><top>$ ^si/si<prn>$ ^parla/parlare<vblex>$") == []

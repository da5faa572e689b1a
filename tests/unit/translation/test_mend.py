"""Repairs over the Portuguese and the English."""

from agents.translation import mend


def test_artificial_intelligence_is_feminine_and_follows_its_noun_with_a_preposition() -> None:
    assert mend.portuguese("O uso do IA e os modelos IA") == "O uso da IA e os modelos de IA"


def test_a_catalan_connective_that_hop_two_leaves_is_repaired() -> None:
    assert mend.portuguese("Ara bem, chove.") == "No entanto, chove."


def test_the_portuguese_abbreviation_becomes_english() -> None:
    assert mend.english("The society AI uses IA .") == "The AI company uses AI."


def test_a_name_of_a_name_gets_the_english_possessive() -> None:
    assert mend.possessives("As for Sora de OpenAI", ["Sora", "OpenAI"]) == "As for OpenAI's Sora"
    assert mend.possessives("Rio de Janeiro", ["Rio de Janeiro"]) == "Rio de Janeiro"


def test_copied_numbers_are_written_as_english_does() -> None:
    source = "Nel 2024 1.500,5 euro, il 3,5 % di 2 000 persone alle 12.30."
    copied = "In 2024 1.500,5 euros, 3,5 % of 2 000 people at 12.30."
    assert mend.numbers(copied, source) == "In 2024 1,500.5 euros, 3.5% of 2,000 people at 12.30."


def test_a_sentence_opens_as_its_source_does() -> None:
    assert mend.opening("the museum", "Il museo") == "The museum"
    assert mend.opening("iPhone sales", "Le vendite") == "iPhone sales"
    assert mend.opening("the museum", "il museo") == "the museum"


def test_french_articles_without_an_english_one_go_before_the_rules_see_them() -> None:
    assert mend.source("Il est venu avec des armes.", "fr") == "Il est venu avec armes."
    assert mend.source("Des gens attendent.", "fr") == "Gens attendent."
    assert mend.source("Ce n'est cependant pas vrai.", "fr") == "Ce n'est pas cependant vrai."
    assert mend.source("L'avenir des enfants.", "fr") == "L'avenir des enfants."


def test_quotes_and_apostrophes_become_straight_before_the_rules_see_them() -> None:
    assert mend.source("« C’est fini », dit-il.", "fr") == '"C\'est fini", dit-il.'
    assert mend.source("“Basta”, dice.", "it") == '"Basta", dice.'


def test_a_share_loses_the_article_that_english_does_not_have() -> None:
    assert mend.portuguese("Caíram um 14%.") == "Caíram 14%."
    assert mend.portuguese("Em 48% dos votantes apoia.") == "48% dos votantes apoia."


def test_a_match_is_no_political_party() -> None:
    assert mend.portuguese("A equipa ganhou o partido.") == "A equipa ganhou o jogo."
    assert mend.portuguese("O partido perdeu as eleições.") == "O partido perdeu as eleições."


def test_a_name_that_got_another_accent_is_written_as_in_the_source() -> None:
    assert mend.accents("Vladímir saw José.", "Vladimir vede José.") == "Vladimir saw José."
    assert mend.accents("in Montreal", "à Montréal") == "in Montreal"


def test_an_adverb_does_not_part_a_french_participle_from_its_auxiliary() -> None:
    mended = mend.source("Il n'a pas encore été lancé.", "fr")
    assert mended == "Il n'a pas été encore lancé."


def test_a_purpose_is_no_cause_and_a_place_no_purpose() -> None:
    assert mend.portuguese("vídeo por treinar modelos") == "vídeo para treinar modelos"
    assert mend.portuguese("acabou por vender") == "acabou por vender"
    assert mend.portuguese("por prazer") == "por prazer"


def test_a_french_participle_whose_verb_is_hidden_is_no_stay() -> None:
    mended = mend.portuguese("A aplicação não tem estadia ainda lançada.")
    assert mended == "A aplicação não foi ainda lançada."


def test_a_word_that_the_model_misreads_gives_way_to_one_that_it_knows() -> None:
    assert mend.portuguese("Os sequestradores fugiram.") == "Os raptores fugiram."
    assert mend.portuguese("A crise sanitária piora.") == "A crise de saúde piora."
    assert mend.portuguese("Anunciou as suas demissões.") == "Anunciou a sua renúncia."
    assert mend.portuguese("Reformou-se cedo.") == "Aposentou-se cedo."
    assert mend.portuguese("Reformou a lei.") == "Reformou a lei."
    assert mend.portuguese("Ele disparou ao ladrão.") == "Ele atirou no ladrão."


def test_people_are_counted_and_residents_are_not() -> None:
    assert mend.portuguese("Tem 3 milhões de habitantes.") == "Tem 3 milhões de pessoas."
    assert mend.portuguese("Os habitantes queixam-se.") == "Os moradores queixam-se."


def test_english_gets_the_word_of_the_news() -> None:
    assert mend.english("The set comprises two.") == "The set includes two."
    assert mend.english("It is comprised of two.") == "It is comprised of two."
    assert mend.english("The number of deaths rose to 12.") == "The death toll rose to 12."
    assert mend.english("Guilty of involuntary murder.") == "Guilty of manslaughter."


def test_what_happened_is_not_going_to_happen() -> None:
    assert mend.past("Vão apressar-se.", "Se apresuraron.", "es") == "Apressaram-se."
    assert mend.past("Vai curar-te.", "Te va a curar.", "es") == "Vai curar-te."
    assert mend.past("Vai fazer calor.", "Farà caldo.", "it") == "Vai fazer calor."

"""Repairs over the Portuguese and the English."""

from agents.translation import mend


def test_artificial_intelligence_is_feminine_and_follows_its_noun_with_a_preposition() -> None:
    assert mend.portuguese("O uso do IA e os modelos IA", "it") == "O uso da IA e os modelos de IA"


def test_a_catalan_connective_that_hop_two_leaves_is_repaired() -> None:
    assert mend.portuguese("Ara bem, chove.", "it") == "No entanto, chove."


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
    assert mend.portuguese("Caíram um 14%.", "it") == "Caíram 14%."
    assert mend.portuguese("Em 48% dos votantes apoia.", "it") == "48% dos votantes apoia."


def test_a_match_is_no_political_party() -> None:
    assert mend.portuguese("A equipa ganhou o partido.", "it") == "A equipa ganhou o jogo."
    assert mend.portuguese("O partido perdeu as eleições.", "it") == "O partido perdeu as eleições."


def test_a_name_that_got_another_accent_is_written_as_in_the_source() -> None:
    assert mend.accents("Vladímir saw José.", "Vladimir vede José.") == "Vladimir saw José."
    assert mend.accents("in Montreal", "à Montréal") == "in Montreal"


def test_an_adverb_does_not_part_a_french_participle_from_its_auxiliary() -> None:
    mended = mend.source("Il n'a pas encore été lancé.", "fr")
    assert mended == "Il n'a pas été encore lancé."


def test_a_purpose_is_no_cause_and_a_place_no_purpose() -> None:
    assert mend.portuguese("vídeo por treinar modelos", "it") == "vídeo para treinar modelos"
    assert mend.portuguese("acabou por vender", "it") == "acabou por vender"
    assert mend.portuguese("por prazer", "it") == "por prazer"
    assert mend.portuguese("preso por conduzir", "es") == "preso por conduzir"


def test_a_spanish_object_that_is_a_person_loses_its_preposition() -> None:
    assert mend.portuguese("O juiz condenou ao autor.", "es") == "O juiz condenou o autor."
    assert mend.portuguese("Visitou a seus pais.", "es") == "Visitou seus pais."
    assert mend.portuguese("Entrevistou às vítimas.", "es") == "Entrevistou as vítimas."
    assert mend.portuguese("Encontrou ao lado a chave.", "es") == "Encontrou ao lado a chave."
    assert mend.portuguese("Foi condenado a dez anos.", "es") == "Foi condenado a dez anos."


def test_spanish_thousands_of_millions_are_counted_in_thousand_millions() -> None:
    assert mend.source("Son 10.000 millones.", "es") == "Son 10 mil millones."
    assert mend.source("Son 1.250 millones.", "es") == "Son 1,25 mil millones."
    assert mend.source("Son 1.250.000 millones.", "es") == "Son 1.250.000 millones."


def test_a_french_participle_whose_verb_is_hidden_is_no_stay() -> None:
    mended = mend.portuguese("A aplicação não tem estadia ainda lançada.", "it")
    assert mended == "A aplicação não foi ainda lançada."


def test_after_a_plural_verb_them_is_not_us_unless_the_source_says_us() -> None:
    assert mend.them("Os rivais criticam-nos.", "I rivali li criticano.") == (
        "Os rivais os criticam."
    )
    assert mend.them("Criticam-nos.", "Ci criticano.") == "Criticam-nos."


def test_an_infinitive_follows_its_verb_as_in_portuguese() -> None:
    assert mend.portuguese("Decidiu de não partir.", "it") == "Decidiu não partir."
    assert mend.portuguese("Disse de ter perdido.", "it") == "Disse ter perdido."
    assert mend.portuguese("Pediram de ficar.", "it") == "Pediram para ficar."
    assert mend.portuguese("Tratou de fugir.", "it") == "Tentou fugir."
    assert mend.portuguese("A decisão de partir.", "it") == "A decisão de partir."


def test_a_partitive_article_after_a_transitive_verb_goes() -> None:
    assert mend.portuguese("Adotou das medidas.", "it") == "Adotou medidas."
    assert mend.portuguese("Falou das medidas.", "it") == "Falou das medidas."


def test_a_number_or_a_time_has_one_preposition() -> None:
    assert mend.portuguese("Prevista para em 2012.", "it") == "Prevista para 2012."
    assert mend.portuguese("Planos para no próximo ano.", "it") == "Planos para o próximo ano."
    assert mend.portuguese("Subiu em 5%.", "it") == "Subiu em 5%."


def test_a_subject_behind_its_verb_at_the_end_goes_before_it() -> None:
    assert (
        mend.portuguese("Em Roma, surgem dúvidas novas.", "it") == "Em Roma, dúvidas novas surgem."
    )
    assert mend.portuguese("Em Roma, surgem de manhã.", "it") == "Em Roma, surgem de manhã."


def test_a_comparison_does_not_take_what_depends_on_its_noun() -> None:
    assert mend.portuguese("Uma análise mais clara que os prazos e das capacidades.", "it") == (
        "Uma análise mais clara dos prazos e das capacidades."
    )


def test_a_french_ne_without_its_second_half_denies_nothing() -> None:
    assert mend.source("Il craint que la loi ne change.", "fr") == "Il craint que la loi change."
    kept = "Il craint que la loi ne change pas."
    assert mend.source(kept, "fr") == kept


def test_what_stands_in_commas_does_not_part_a_french_participle_from_its_auxiliary() -> None:
    assert mend.source("La loi a, selon lui, suscité des doutes.", "fr") == (
        "La loi, selon lui, a suscité des doutes."
    )


def test_a_clitic_that_opens_a_clause_is_no_if_unless_the_source_has_one() -> None:
    assert mend.impersonal("Se sabe pouco.", "On sait peu.", "fr") == "sabe-se pouco."
    assert mend.impersonal("Se não sabe, mas se espera.", "On ne sait pas.", "fr") == (
        "não se sabe, mas espera-se."
    )
    assert mend.impersonal("O que se sabe.", "Ce qu'on sait.", "fr") == "O que se sabe."
    kept = "Se chove, se fica em casa."
    assert mend.impersonal(kept, "S'il pleut, on reste.", "fr") == kept
    assert mend.impersonal(kept, "Se piove, si resta a casa.", "it") == kept


def test_what_seems_so_seems_that_it_is_or_seems_to_be() -> None:
    assert mend.portuguese("Parece bem, mas parece tenha caído.", "it") == (
        "Parece bem, mas parece que tenha caído."
    )
    assert mend.portuguese("Um plano que parece seja bom.", "it") == "Um plano que parece ser bom."


def test_a_word_that_the_model_misreads_gives_way_to_one_that_it_knows() -> None:
    assert mend.portuguese("Os sequestradores fugiram.", "it") == "Os raptores fugiram."
    assert mend.portuguese("A crise sanitária piora.", "it") == "A crise de saúde piora."
    assert mend.portuguese("Anunciou as suas demissões.", "it") == "Anunciou a sua renúncia."
    assert mend.portuguese("Reformou-se cedo.", "it") == "Aposentou-se cedo."
    assert mend.portuguese("Reformou a lei.", "it") == "Reformou a lei."
    assert mend.portuguese("Ele disparou ao ladrão.", "it") == "Ele atirou no ladrão."


def test_people_are_counted_and_residents_are_not() -> None:
    assert mend.portuguese("Tem 3 milhões de habitantes.", "it") == "Tem 3 milhões de pessoas."
    assert mend.portuguese("Os habitantes queixam-se.", "it") == "Os moradores queixam-se."


def test_english_gets_the_word_of_the_news() -> None:
    assert mend.english("The set comprises two.") == "The set includes two."
    assert mend.english("It is comprised of two.") == "It is comprised of two."
    assert mend.english("The number of deaths rose to 12.") == "The death toll rose to 12."
    assert mend.english("Guilty of involuntary murder.") == "Guilty of manslaughter."


def test_what_happened_is_not_going_to_happen() -> None:
    assert mend.past("Vão apressar-se.", "Se apresuraron.", "es") == "Apressaram-se."
    assert mend.past("Vai curar-te.", "Te va a curar.", "es") == "Vai curar-te."
    assert mend.past("Vai fazer calor.", "Farà caldo.", "it") == "Vai fazer calor."

"""The stage's work on whole articles, with Apertium and the model where they are installed."""

import pytest

from agents.translation.agent import STAGE, load
from agents.translation.assemble import translate_article
from agents.translation.engines import Capabilities, PassThrough, Rendering
from agents.translation.routes import engine_table
from schemas import Language, NormalizedArticle, Provenance, Span, encode
from schemas.identity import event_id
from streams.settings import Settings

SETTINGS = Settings()


def needs(language: str) -> pytest.MarkDecorator:
    available = any(row.available for row in engine_table(SETTINGS) if row.language == language)
    return pytest.mark.skipif(
        not available, reason=f"no engine for {language}; `babelwire doctor` says what is missing"
    )


def article(language: str, *paragraphs: list[str], title: str | None = None) -> NormalizedArticle:
    text = "\n\n".join(" ".join(sentences) for sentences in paragraphs)
    spans, whole, at = [], [], 0
    for sentences in paragraphs:
        start = at
        for sentence in sentences:
            spans.append(Span(start=at, end=at + len(sentence)))
            at += len(sentence) + 1
        whole.append(Span(start=start, end=at - 1))
        at += 1
    return NormalizedArticle(
        article_id="a" * 64,
        event_id="e",
        source=None,
        url=None,
        title=title,
        byline=None,
        published_at=None,
        language=Language(code=language, confidence=0.9),
        text=text,
        paragraphs=whole,
        sentences=spans,
        removed=[],
        provenance=Provenance(),
        content_hash="h",
        extra={},
        versions={"normalization": "1.0.0"},
    )


ITALIAN = article(
    "it",
    ["Il sindaco ha aperto il museo.", "Sono arrivate 300 persone."],
    ["Meta e OpenAI pagano l'IA per il cinema."],
    title="Il museo riapre",
)


@needs("it")
def test_every_sentence_has_one_target_and_paragraphs_are_kept() -> None:
    translation = load(SETTINGS)(ITALIAN).translation
    targets = [
        translation.text[sentence.target.start : sentence.target.end]
        for sentence in translation.sentences
    ]
    assert [sentence.source for sentence in translation.sentences] == ITALIAN.sentences
    assert translation.text == f"{targets[0]} {targets[1]}\n\n{targets[2]}"
    paragraphs = [translation.text[span.start : span.end] for span in translation.paragraphs]
    assert paragraphs == [f"{targets[0]} {targets[1]}", targets[2]]
    assert "museum" in targets[0]
    assert "300" in targets[1]
    assert all(part in targets[2] for part in ("Meta", "OpenAI", "AI"))
    assert "museum" in (translation.title or "").lower()
    assert {sentence.route for sentence in translation.sentences} == {"it>ca>pt>en"}
    models = translation.sentences[0].models
    assert [model.partition(":")[0] for model in models] == [
        *("ita-cat", "cat-por", "pt-en", "lexicon")
    ]
    assert translation.sentences[0].confidence == 1.0
    assert translation.coverage == 1.0


@needs("it")
def test_the_same_article_gives_the_same_bytes_in_another_process_and_after_other_articles() -> (
    None
):
    first = encode(load(SETTINGS)(ITALIAN))
    work = load(SETTINGS)
    work(article("it", ["Ha piovuto tutta la notte e le strade sono chiuse."]))
    assert encode(work(ITALIAN)) == first


@needs("pt")
def test_portuguese_needs_no_rules() -> None:
    (sentence,) = load(SETTINGS)(article("pt", ["O museu abriu ontem."])).translation.sentences
    assert (sentence.engine, sentence.route) == ("bergamot", "pt>en")


@needs("es")
def test_a_spanish_word_that_the_direct_way_lacks_is_known_through_catalan() -> None:
    (sentence,) = load(SETTINGS)(article("es", ["Compra mantequilla."])).translation.sentences
    assert (sentence.route, sentence.unknown) == ("es>pt>en", [])


@needs("es")
def test_spanish_thousands_of_millions_are_billions() -> None:
    spanish = article("es", ["El gobierno gastó 1.500 millones de euros en hospitales."])
    assert "1.5 billion" in load(SETTINGS)(spanish).translation.text


def test_english_is_its_own_translation() -> None:
    english = article("en", ["The museum opened.", "It rained."], title="Museum")
    translation = load(SETTINGS)(english).translation
    assert (translation.text, translation.title) == (english.text, "Museum")
    assert translation.coverage == 1.0
    assert [sentence.engine for sentence in translation.sentences] == ["none", "none"]


def test_a_language_that_nothing_serves_is_passed_on_and_says_so() -> None:
    translation = load(SETTINGS)(article("fi", ["Museo avattiin."])).translation
    assert translation.text == "Museo avattiin."
    assert (translation.coverage, translation.quality) == (0.0, None)
    assert translation.sentences[0].notes == ["no engine for fi"]


def test_the_event_is_identified_by_what_it_was_made_of() -> None:
    event = load(SETTINGS)(article("en", ["Yes."]))
    assert event.event_id == event_id("a" * 64, "h", "translation", STAGE.version)
    assert event.versions == {"normalization": "1.0.0", "translation": STAGE.version}


def test_an_article_without_sentences_gives_an_empty_translation() -> None:
    translation = load(SETTINGS)(article("en")).translation
    assert (translation.text, translation.sentences, translation.paragraphs) == ("", [], [])


def test_a_sentence_that_the_engine_makes_nothing_of_stays_in_its_language() -> None:
    class Mute(PassThrough):
        capabilities = Capabilities("mute", "it>en", "pivot")

        def translate(self, sentences: list[str]) -> list[Rendering]:
            return [Rendering("" if "gatto" in sentence else "Fine.") for sentence in sentences]

    engine = Mute("it")
    translation = translate_article(article("it", ["Il gatto.", "Va bene."]), lambda _: engine)
    assert translation.text == "Il gatto. Fine."
    assert translation.sentences[0].engine == "none"
    assert "left as it is" in translation.sentences[0].notes[0]
    assert translation.coverage == pytest.approx(8 / 17, abs=1e-3)


def test_a_paragraph_in_another_language_goes_to_the_engine_of_its_own() -> None:
    class Shouting(PassThrough):
        def translate(self, sentences: list[str]) -> list[Rendering]:
            return [Rendering(f"{self.capabilities.route}: {sentence}") for sentence in sentences]

    class Italian(Shouting):
        capabilities = Capabilities("one", "it>en", "pivot")

    class French(Shouting):
        capabilities = Capabilities("two", "fr>en", "pivot")

    engines = {"it": Italian("it"), "fr": French("fr")}
    mixed = article("it", ["Uno.", "Due."], ["Trois."], ["Quattro."], title="Titolo").model_copy(
        update={
            "paragraph_languages": [
                Language(code=code, confidence=0.9) for code in ("it", "fr", "it")
            ]
        }
    )
    translation = translate_article(mixed, engines.__getitem__)
    assert translation.title == "it>en: Titolo"
    assert translation.text == "it>en: Uno. it>en: Due.\n\nfr>en: Trois.\n\nit>en: Quattro."
    assert [each.engine for each in translation.sentences] == ["one", "one", "two", "one"]
    assert translation.coverage == 1.0

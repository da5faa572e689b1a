"""The English article from its sentences: alignment, coverage and quality."""

from collections.abc import Callable, Sequence

from agents.translation.engines import EXPECTED, Capabilities, Engine, Rendering
from schemas import NormalizedArticle, Span, TranslatedSentence, Translation


def translate_article(
    article: NormalizedArticle, engine_for: Callable[[str], Engine]
) -> Translation:
    """The article in English, one target for each source sentence.

    `engine_for` gives the engine of a language. A paragraph in another language than the article,
    such as a quotation, goes to the engine of its own. Paragraphs are joined by an empty line,
    sentences by one space. A sentence of which the engine made nothing stands there in its own
    language, with a note. `coverage` is the share of the sentences' characters that were translated
    (or are English). `quality` is what the engine's class is worth (EXPECTED), lowered by what
    speaks against single sentences, weighted by the same characters; null when nothing was
    translated.
    """
    sources = [article.text[span.start : span.end] for span in article.sentences]
    engines = [engine_for(language) for language in _languages(article)]
    title = [] if article.title is None else [article.title]
    renderings = _rendered(
        [*title, *sources], [*(engine_for(article.language.code) for _ in title), *engines]
    )
    of_sentences = renderings[len(title) :]
    text, paragraphs, sentences = _layout(article, of_sentences, engines)
    sizes = [len(source) for source in sources]
    done = [
        engine.capabilities.quality != "none" and bool(rendering.text.strip())
        for engine, rendering in zip(engines, of_sentences, strict=True)
    ]
    covered = sum(size for size, translated in zip(sizes, done, strict=True) if translated)
    estimates = [
        EXPECTED[(rendering.by or engine.capabilities).quality] * rendering.confidence
        for engine, rendering in zip(engines, of_sentences, strict=True)
    ]
    served = engine_for(article.language.code).capabilities.quality != "none"
    return Translation(
        title=(renderings[0].text.strip() or article.title) if title else None,
        text=text,
        paragraphs=paragraphs,
        coverage=round(covered / sum(sizes), 4) if sizes else float(served),
        quality=_weighted(sizes, done, estimates),
        sentences=sentences,
        source_machine_translated=article.provenance.machine_translated,
    )


def _languages(article: NormalizedArticle) -> list[str]:
    """The language of each sentence: that of its paragraph, where normalization tells one."""
    found: list[str] = []
    paragraph = 0
    for sentence in article.sentences:
        paragraph = _paragraph_of(article, sentence, paragraph)
        told = article.paragraph_languages[paragraph : paragraph + 1]
        found.append(told[0].code if told else article.language.code)
    return found


def _rendered(sentences: list[str], engines: Sequence[Engine]) -> list[Rendering]:
    """Each sentence through its engine, and each engine asked once."""
    places: dict[int, list[int]] = {}
    for place, engine in enumerate(engines):
        places.setdefault(id(engine), []).append(place)
    found: dict[int, Rendering] = {}
    for group in places.values():
        made = engines[group[0]].translate([sentences[place] for place in group])
        found |= dict(zip(group, made, strict=True))
    return [found[place] for place in range(len(sentences))]


def _layout(
    article: NormalizedArticle, renderings: Sequence[Rendering], engines: Sequence[Engine]
) -> tuple[str, list[Span], list[TranslatedSentence]]:
    parts: list[str] = []
    length = 0
    paragraphs: list[Span] = []
    sentences: list[TranslatedSentence] = []
    begun: int | None = None
    last = -1
    for source, rendering, engine in zip(article.sentences, renderings, engines, strict=True):
        paragraph = _paragraph_of(article, source, max(last, 0))
        if parts:
            gap = " " if paragraph == last else "\n\n"
            if gap != " " and begun is not None:
                paragraphs.append(Span(start=begun, end=length))
                begun = None
            parts.append(gap)
            length += len(gap)
        last = paragraph
        english = " ".join(rendering.text.split())
        notes = list(rendering.notes)
        by = rendering.by or engine.capabilities
        sure = rendering.confidence
        if not english:
            english = article.text[source.start : source.end]
            notes.append("the engine made nothing of it: left as it is")
            by, sure = Capabilities("none", article.language.code, "none"), 0.0
        if begun is None:
            begun = length
        target = Span(start=length, end=length + len(english))
        sentences.append(
            TranslatedSentence(
                source=source,
                target=target,
                engine=by.name,
                route=by.route,
                notes=notes,
                models=list(by.models),
                confidence=sure,
                unknown=list(rendering.unknown),
                alarms=list(rendering.alarms),
                actions=list(rendering.actions),
            )
        )
        parts.append(english)
        length += len(english)
    if begun is not None:
        paragraphs.append(Span(start=begun, end=length))
    return "".join(parts), paragraphs, sentences


def _paragraph_of(article: NormalizedArticle, sentence: Span, first: int) -> int:
    for number in range(first, len(article.paragraphs)):
        if sentence.start < article.paragraphs[number].end:
            return number
    return len(article.paragraphs)


def _weighted(sizes: list[int], done: list[bool], estimates: list[float]) -> float | None:
    total = sum(size for size, translated in zip(sizes, done, strict=True) if translated)
    if not total:
        return None
    weighted = sum(
        size * estimate
        for size, translated, estimate in zip(sizes, done, estimates, strict=True)
        if translated
    )
    return round(min(1.0, weighted / total), 4)

"""A recogniser of names that is a committee: the mean of what several small networks believe.

A member sees of each word its norm, prefix, suffix and shape in hashed embeddings, its piece vector
and in which name lists it is (`agents.tagging.features`), and of its neighbours four words to each
side; it gives each token a score for each tag. The members' probabilities of tags
(`agents.tagging.crf`) are averaged before the best path is taken, which is worth more than a vote
over whole names. What a word looks like is worked out once for all members.

Importing this module registers the factory `babelwire_committee` and its architecture with spaCy,
which `spacy.load` of a pipeline trained by `ops.train.ner it` needs.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import srsly  # type: ignore[import-untyped]
from spacy.language import Language
from spacy.ml.models.tok2vec import MaxoutWindowEncoder
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc, Span
from spacy.util import registry
from spacy.vocab import Vocab
from thinc.api import HashEmbed, Linear, Maxout, Model, chain, concatenate
from thinc.types import Floats2d

from agents.tagging import crf
from agents.tagging.compact import packed, unpacked
from agents.tagging.features import LIST_BITS, Words, word_features

FACTORY: Final = "babelwire_committee"
FILE: Final = "committee.msgpack"
HIDDEN: Final = 64
MOST_PADDED: Final = 8_000

# Names in a text as (first token, one past the last, type).
Names = list[tuple[int, int, str]]


class Committee(TrainablePipe):  # type: ignore[misc]
    """The component. Its stored form has int8 weights, as that of `compact`."""

    def __init__(self, vocab: Vocab, model: Model[Any, Any], name: str = "ner") -> None:
        self.vocab = vocab
        self.model = model
        self.name = name
        self.cfg: dict[str, Any] = {}
        for label in crf.TYPES:
            vocab.strings.add(label)

    @property
    def labels(self) -> tuple[str, ...]:
        """The types of names it finds."""
        return crf.TYPES

    def predict(self, docs: Iterable[Doc]) -> list[Names]:
        """The names in each document."""
        given = list(docs)
        found: list[Names] = [[] for _ in given]
        filled = [number for number, doc in enumerate(given) if len(doc)]
        if not filled:
            return found
        words, members = self.model.layers
        seen = words.predict([given[number] for number in filled])
        scores = np.stack([np.asarray(member.predict(seen)) for member in members.layers])
        parts = np.split(scores, np.cumsum(seen.lengths)[:-1], axis=1)
        transitions = np.stack(
            [np.asarray(member.get_param("transitions")) for member in members.layers]
        )
        for group in of_like_length(seen.lengths):
            padded, mask = crf.padded(
                np.concatenate([parts[text] for text in group], axis=1),
                [seen.lengths[text] for text in group],
            )
            beliefs = crf.Beliefs(padded, mask, transitions).tags().mean(axis=1)
            for text, path in zip(group, crf.best_paths(beliefs, mask), strict=True):
                found[filled[text]] = list(crf.names(path))
        return found

    def set_annotations(self, docs: Iterable[Doc], scores: Sequence[Names]) -> None:
        """Writes the names into `doc.ents`."""
        for doc, names in zip(docs, scores, strict=True):
            doc.set_ents([Span(doc, first, end, label=kind) for first, end, kind in names])

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """The component without its vocabulary, which holds no weight."""
        data: bytes = srsly.msgpack_dumps(packed(self.model.to_dict()))
        return data

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> "Committee":
        """Reads what `to_bytes` wrote into a component of the same architecture."""
        self.model.from_dict(unpacked(srsly.msgpack_loads(data)))
        return self

    def to_disk(self, path: Path | str, *, exclude: Iterable[str] = ()) -> None:
        """Writes `to_bytes` into a folder."""
        Path(path).mkdir(parents=True, exist_ok=True)
        (Path(path) / FILE).write_bytes(self.to_bytes())

    def from_disk(self, path: Path | str, *, exclude: Iterable[str] = ()) -> "Committee":
        """Reads what `to_disk` wrote."""
        return self.from_bytes((Path(path) / FILE).read_bytes())


def of_like_length(lengths: Sequence[int]) -> Iterator[list[int]]:
    """The numbers of texts in groups that, padded to the longest among them, have no more than
    MOST_PADDED tokens: one very long text would else take the memory of as many as are beside it.

    >>> list(of_like_length([5, MOST_PADDED, 3]))
    [[2, 0], [1]]
    """
    group: list[int] = []
    for text in sorted(range(len(lengths)), key=lambda text: lengths[text]):
        if group and lengths[text] * (len(group) + 1) > MOST_PADDED:
            yield group
            group = []
        group.append(text)
    if group:
        yield group


@Language.factory(FACTORY, assigns=["doc.ents", "token.ent_iob", "token.ent_type"])
def make_committee(nlp: Language, name: str, model: Model[Any, Any]) -> Committee:
    """The component; `model` is a `babelwire.Committee.v1`."""
    return Committee(nlp.vocab, model, name)


@registry.architectures("babelwire.Committee.v1")  # type: ignore[untyped-decorator]
def committee(
    members: int, width: int, projected: int, depth: int, attrs: list[str], rows: list[int]
) -> Model[Any, Any]:
    """Two layers: the features of words, and one that only holds the members. `attrs` are lexeme
    attributes, each embedded in a hash table of as many `rows`; of a piece vector each member sees
    `projected` numbers."""
    seats: Model[Any, Any] = Model(
        "members", _not_run, layers=[member(width, projected, depth, rows) for _ in range(members)]
    )
    return Model("committee", _not_run, layers=[word_features(attrs), seats])


def _not_run(model: Model[Any, Any], X: Any, is_train: bool) -> Any:  # noqa: N803 - thinc's name
    raise NotImplementedError("the component runs the layers itself")


def member(width: int, projected: int, depth: int, rows: Sequence[int]) -> Model[Words, Floats2d]:
    """A network from the words of some texts to the scores of their tags (all tokens, tags)."""
    hashes: list[Model[Any, Any]] = [
        HashEmbed(width, size, column=column, seed=column + 8, dropout=0.0)
        for column, size in enumerate(rows)
    ]
    mixed: Model[Any, Any] = Maxout(
        width, width * len(rows) + projected + LIST_BITS, nP=3, dropout=0.0, normalize=True
    )
    encoded = MaxoutWindowEncoder(width=width, window_size=1, maxout_pieces=3, depth=depth)
    scored: Model[Any, Any] = chain(
        Maxout(HIDDEN, width, nP=2, dropout=0.0), Linear(len(crf.TAGS), HIDDEN)
    )
    return Model(
        "member",
        _member_forward,
        init=_member_init,
        layers=[concatenate(*hashes), mixed, encoded, scored],
        params={"projection": None, "transitions": None},
        attrs={"projected": projected},
    )


def _member_init(
    model: Model[Words, Floats2d],
    X: Words | None = None,  # noqa: N803 - thinc passes them by these names
    Y: Any = None,  # noqa: N803
) -> None:
    assert X is not None
    outputs, inputs = model.attrs["projected"], X.vectors.shape[1]
    bound = np.sqrt(6 / (outputs + inputs))
    projection = np.random.uniform(-bound, bound, (outputs, inputs)).astype("f4")
    model.set_param("projection", cast(Floats2d, projection))
    tags = len(crf.TAGS)
    model.set_param("transitions", cast(Floats2d, np.zeros((tags, tags), dtype="f4")))
    for layer in model.layers:
        layer.initialize()


def _member_forward(
    model: Model[Words, Floats2d], words: Words, is_train: bool
) -> tuple[Floats2d, Callable[[Floats2d], Words]]:
    hashes, mixed, encoded, scored = model.layers
    ops = model.ops
    projection = cast(Floats2d, model.get_param("projection"))
    vectors = cast(Floats2d, words.vectors)
    embedded, back_hashes = hashes(words.keys, is_train)
    projected = ops.gemm(vectors, projection, trans2=True)
    wide = np.hstack([embedded, np.asarray(projected), words.lists])
    narrow, back_mixed = mixed(wide, is_train)
    # Text by text, since the windows of the encoder look beyond the ends of none.
    parts, back_encoded = encoded(ops.unflatten(narrow, ops.asarray1i(words.lengths)), is_train)
    scores, back_scored = scored(ops.flatten(parts), is_train)

    def backprop(gradient: Floats2d) -> Words:
        inner = ops.unflatten(back_scored(gradient), ops.asarray1i(words.lengths))
        outer = back_mixed(ops.flatten(back_encoded(inner)))
        at = embedded.shape[1]
        back_hashes(np.ascontiguousarray(outer[:, :at]))
        middle = np.ascontiguousarray(outer[:, at : at + projected.shape[1]])
        model.inc_grad("projection", ops.gemm(cast(Floats2d, middle), vectors, trans1=True))
        return words

    return scores, backprop

"""spaCy's recogniser of names, stored with weights of eight bits: a quarter of the size.

Importing this module registers the factory `babelwire_compact_ner`, which `spacy.load` of a
pipeline trained by `ops.train.ner` needs. In memory it is spaCy's own component in every respect.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
import srsly  # type: ignore[import-untyped]
from numpy.typing import NDArray
from spacy.language import Language
from spacy.pipeline import EntityRecognizer
from thinc.api import Model

FACTORY: Final = "babelwire_compact_ner"
FILE: Final = "recogniser.msgpack"
SMALL: Final = 1_000

Packed = dict[str, Any]


class CompactRecogniser(EntityRecognizer):  # type: ignore[misc]
    """An EntityRecognizer whose stored form has int8 weights, with a scale for each row."""

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """The component without its vocabulary, which holds no weight."""
        data: bytes = srsly.msgpack_dumps(
            {
                "cfg": srsly.json_dumps(dict(self.cfg)),
                "moves": self.moves.to_bytes(exclude=["vocab", "strings"]),
                "model": packed(self.model.to_dict()),
            }
        )
        return data

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> "CompactRecogniser":
        """Reads what `to_bytes` wrote into a component of the same architecture."""
        read = srsly.msgpack_loads(data)
        model = srsly.msgpack_dumps(unpacked(read["model"]))
        super().from_bytes(srsly.msgpack_dumps({**read, "model": model}), exclude=["vocab"])
        return self

    def to_disk(self, path: Path | str, *, exclude: Iterable[str] = ()) -> None:
        """Writes `to_bytes` into a folder."""
        Path(path).mkdir(parents=True, exist_ok=True)
        (Path(path) / FILE).write_bytes(self.to_bytes())

    def from_disk(self, path: Path | str, *, exclude: Iterable[str] = ()) -> "CompactRecogniser":
        """Reads what `to_disk` wrote."""
        return self.from_bytes((Path(path) / FILE).read_bytes())


@Language.factory(FACTORY, assigns=["doc.ents", "token.ent_iob", "token.ent_type"])
def make_compact_recogniser(nlp: Language, name: str, model: Model[Any, Any]) -> CompactRecogniser:
    """The component; `model` is a spaCy parser of state type `ner`."""
    return CompactRecogniser(nlp.vocab, model, name)


def packed(model: Packed) -> Packed:
    """thinc's form of a model with its larger weights quantised."""
    params = [
        {name: quantised(v) if is_large(v) else v for name, v in node.items()}
        for node in model["params"]
    ]
    return {**model, "params": params}


def unpacked(model: Packed) -> Packed:
    """What `packed` was given, but for what the quantising cost."""
    params = [
        {name: restored(v) if isinstance(v, dict) else v for name, v in node.items()}
        for node in model["params"]
    ]
    return {**model, "params": params}


def is_large(value: NDArray[np.float32] | None) -> bool:
    """Whether a parameter is a matrix worth quantising."""
    return value is not None and value.ndim > 1 and value.size > SMALL


def quantised(weights: NDArray[np.float32]) -> Packed:
    """A matrix as int8 with a scale for each row (the last axis), as plain data."""
    scale = np.maximum(np.abs(weights).max(axis=-1, keepdims=True), 1e-9) / 127
    rows = np.rint(weights / scale).astype(np.int8)
    return {"rows": rows, "scale": scale.astype(np.float32)}


def restored(stored: Packed) -> NDArray[np.float32]:
    """The matrix of what `quantised` made, to within half a step."""
    matrix: NDArray[np.float32] = stored["rows"].astype(np.float32) * stored["scale"]
    return matrix

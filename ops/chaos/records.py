"""The records that the harness writes: who they are, and what should become of them.

A record's identity is `key:number`, where numbers count up within a key. It travels in the
article's `extra` and, for records whose value nobody can read, in a header; both come through to
the output or the dead letter, so that every outcome names the record it belongs to.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final, Literal

import orjson

from streams.topics import NORMALIZED, RAW, TRANSLATED

ID_HEADER: Final = "chaos-id"
EXTRA: Final = "chaos"

Poison = Literal["garbage", "misshapen", "crash", "hang"]
# What a poison record must end as: the reason code of its dead letter.
REASON_OF: Final[Mapping[Poison, str]] = {
    "garbage": "not_utf8",
    "misshapen": "wrong_shape",
    "crash": "crashed",
    "hang": "timed_out",
}
OUTPUT: Final = "output"

# Written for the harness, in the languages that the pipeline translates.
_NEWS: Final[Mapping[str, tuple[str, ...]]] = {
    "it": (
        "La giunta di {place} ha approvato il piano numero {number}.",
        "{name} ha ringraziato i cittadini.",
    ),
    "fr": (
        "Le conseil de {place} a voté le projet numéro {number}.",
        "{name} a remercié les habitants.",
    ),
    "es": (
        "El consejo de {place} aprobó el proyecto número {number}.",
        "{name} dio las gracias a los vecinos.",
    ),
    "pt": (
        "A câmara de {place} aprovou o projeto número {number}.",
        "{name} agradeceu aos moradores.",
    ),
    "en": (
        "The council of {place} approved plan number {number}.",
        "{name} thanked the people of the town.",
    ),
}
_PLACES: Final = ("Torino", "Lyon", "Bilbao", "Coimbra", "Cardiff", "Parma", "Nantes", "Braga")
_NAMES: Final = ("Ada Ferri", "Luc Perrin", "Ana Ruiz", "Rui Matos", "Owen Maddox")


@dataclass(frozen=True)
class Planned:
    """One record to write. `topic` is a topic's name without prefix; `expect` is OUTPUT or the
    reason code of the dead letter that it must become."""

    id: str
    key: str
    value: bytes
    topic: str = RAW.name
    expect: str = OUTPUT


@dataclass(frozen=True)
class Batch:
    """What is written in one transaction, which is then committed or aborted."""

    records: tuple[Planned, ...]
    aborted: bool


class Source:
    """Makes batches without end, the same ones for the same seed and the same calls."""

    def __init__(self, seed: int, keys: int, pipeline: bool) -> None:
        self._random = Random(seed)
        self._keys = keys
        self._pipeline = pipeline
        self._numbers: Counter[str] = Counter()

    def batch(self, size: int, aborted_share: float, poison: Iterable[Poison] = ()) -> Batch:
        """A batch of `size` healthy records with the poison ones among them."""
        wanted: list[Poison | None] = [None] * size + list(poison)
        self._random.shuffle(wanted)
        # Poison counts as written, so it is never in a transaction that is meant to fail.
        aborted = not any(wanted) and self._random.random() < aborted_share
        return Batch(tuple(self._record(kind) for kind in wanted), aborted)

    def _record(self, poison: Poison | None) -> Planned:
        key = f"k{self._random.randrange(self._keys)}"
        self._numbers[key] += 1
        name = f"{key}:{self._numbers[key]}"
        if poison is None:
            return Planned(name, key, self._article(name, key, {}))
        topic = RAW.name
        if self._pipeline:
            topic = self._random.choice((RAW.name, NORMALIZED.name, TRANSLATED.name))
        value = {
            "garbage": b"\xff\xfe not an article",
            "misshapen": orjson.dumps({"body": 5, EXTRA: name}),
        }.get(poison) or self._article(name, key, {"do": poison})
        return Planned(name, key, value, topic, REASON_OF[poison])

    def _article(self, name: str, key: str, instruction: Mapping[str, str]) -> bytes:
        language, (first, second) = self._random.choice(list(_NEWS.items()))
        words = {
            "place": self._random.choice(_PLACES),
            "name": self._random.choice(_NAMES),
            "number": name.partition(":")[2],
        }
        return orjson.dumps(
            {
                "body": f"{first} {second}".format(**words),
                "language": language,
                "source": "chaos",
                "url": f"https://chaos.example/{key}",
                "extra": {EXTRA: {"id": name, **instruction}},
            }
        )


def id_of(value: bytes | None, headers: Iterable[tuple[str, bytes | None]]) -> str | None:
    """The identity that a record carries in its header or in its article; None without one."""
    for header, content in headers:
        if header == ID_HEADER and content:
            return content.decode()
    try:
        loaded: Any = orjson.loads(value or b"")
        return str(loaded["extra"][EXTRA]["id"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None

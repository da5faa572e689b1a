"""Which faults happen, in what order and to whom: all from one seed."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

STOP_SECONDS: Final = 14.0


@dataclass(frozen=True)
class Kind:
    """A kind of fault. `lasts` is about how many seconds it takes until the parts are whole again,
    for pacing the load; `times` is how often it comes in a run; one that hits a worker comes at
    least once for each stage."""

    name: str
    what: str
    lasts: float
    times: int = 1
    hits_worker: bool = False


KINDS: Final = (
    Kind("kill", "kill -9 of a worker", 0.0, times=2, hits_worker=True),
    Kind(
        "term",
        "SIGTERM to a worker, which drains; the supervisor starts it again",
        1.0,
        times=2,
        hits_worker=True,
    ),
    Kind(
        "stop",
        f"SIGSTOP of a worker for {STOP_SECONDS:.0f} s, past the session time-out of 10 s",
        STOP_SECONDS,
        times=2,
        hits_worker=True,
    ),
    Kind("broker", "kill -9 of a broker, started again after 3 s", 8.0, times=2),
    Kind("roll", "every broker in turn is stopped in order and started again", 15.0),
    Kind("add", "a worker joins", 2.0),
    Kind("remove", "the worker that joined leaves", 2.0),
    Kind("poison", "records that cannot be decoded, fail validation or crash their process", 1.0),
    Kind("hang", "records that outlast the time limit", 4.0),
    Kind("engine", "the engine behind the step is unavailable", 6.0),
    Kind("disk", "the broker's disk is full; room is made and the broker started again", 10.0),
    Kind("partitions", "the input topic gets more partitions", 3.0),
)
BY_NAME: Final = {kind.name: kind for kind in KINDS}


class UnknownFault(ValueError):
    """A fault that the harness does not know; the message lists those that it knows."""


@dataclass(frozen=True)
class Fault:
    """One fault to come. `pause` is how many seconds of quiet precede it; `stage` is the number of
    the stage whose worker it hits; `target` picks that worker, or the broker: the executor takes it
    modulo how many there are."""

    kind: Kind
    pause: float
    stage: int
    target: int


def parse(names: str) -> list[str]:
    """The faults that a comma-separated list names: `all`, `none`, or names of KINDS.

    Raises UnknownFault. `remove` brings `add` with it, since it is the added worker that leaves.
    """
    if names == "all":
        return list(BY_NAME)
    if names == "none":
        return []
    chosen = [name.strip() for name in names.split(",") if name.strip()]
    for name in chosen:
        if name not in BY_NAME:
            raise UnknownFault(f"no fault is called {name!r}; there are all, none, {_known()}")
    if "remove" in chosen and "add" not in chosen:
        chosen.append("add")
    return [name for name in BY_NAME if name in chosen]


def schedule(
    names: Collection[str],
    seed: int,
    *,
    quiet: tuple[float, float],
    stages: int = 1,
    once: bool = False,
) -> list[Fault]:
    """The faults in the order of the run, each after a pause drawn from `quiet` (seconds).

    Every kind comes as often as it says, or `once`; each of the `stages` gets its share. What `add`
    brings `remove` takes away later.
    """
    random = Random(seed)
    kinds = [BY_NAME[name] for name in names for _ in range(_times(BY_NAME[name], stages, once))]
    random.shuffle(kinds)
    order = [kind.name for kind in kinds]
    if "add" in order and "remove" in order:
        add, remove = order.index("add"), order.index("remove")
        if remove < add:
            kinds[add], kinds[remove] = kinds[remove], kinds[add]
    so_far: Counter[str] = Counter()
    faults = []
    for kind in kinds:
        pause, target = random.uniform(*quiet), random.randrange(1 << 16)
        faults.append(Fault(kind, pause, so_far[kind.name] % stages, target))
        so_far[kind.name] += 1
    return faults


def seconds_of(faults: Sequence[Fault]) -> float:
    """About how long these faults take, pauses included."""
    return sum(fault.pause + fault.kind.lasts for fault in faults)


def _times(kind: Kind, stages: int, once: bool) -> int:
    times = 1 if once else kind.times
    return max(times, stages) if kind.hits_worker else times


def _known() -> str:
    return ", ".join(BY_NAME)

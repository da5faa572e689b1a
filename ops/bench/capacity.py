"""From measured costs to machines: what a core can do in a day, and what a target needs.

Work is proportional to the characters of an article; what Kafka costs is proportional to its
records. Waiting times of a busy machine grow without bound as its load nears 1, so a plan leaves
room (`utilisation`).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

DAY: Final = 86_400.0
UTILISATION: Final = 0.7
CORES_PER_WORKER: Final = 4


@dataclass(frozen=True)
class Costs:
    """Processor seconds: `work[stage][language]` for 1,000 characters, `overhead` for an article
    on its way through all stages (delivery and the broker)."""

    work: Mapping[str, Mapping[str, float]]
    overhead: float

    @classmethod
    def of(cls, result: Mapping[str, Any]) -> "Costs":
        """From what `python -m ops.bench` found."""
        per_article = result["pipeline"]["whole"]["cpu_ms"]
        overhead = sum(cost for what, cost in per_article.items() if not what.startswith("work "))
        return cls(
            {
                stage: {language: cost / 1000 for language, cost in by_language.items()}
                for stage, by_language in result["stages"]["cpu_ms_per_1000_characters"].items()
            },
            overhead / 1000,
        )

    def article(self, language: str, characters: float) -> float:
        """Processor seconds of one article."""
        work = sum(by_language[language] for by_language in self.work.values())
        return self.overhead + work * characters / 1000

    def stage(self, stage: str, mix: Mapping[str, float], characters: float) -> float:
        """Processor seconds of one stage's work on an article of a mix of languages."""
        return sum(
            share * self.work[stage][language] * characters / 1000
            for language, share in mix.items()
        )

    def of_mix(self, mix: Mapping[str, float], characters: float) -> float:
        """Processor seconds of one article of a mix of languages (shares that add up to 1)."""
        return sum(share * self.article(language, characters) for language, share in mix.items())


@dataclass(frozen=True)
class Needed:
    """What a target needs. `workers` and `processes` are by stage; `partitions` is of each topic;
    `core_hours` are for a million articles."""

    cores: int
    workers: dict[str, int]
    processes: dict[str, int]
    partitions: int
    core_hours: float


def plan(
    costs: Costs,
    articles_per_day: float,
    mix: Mapping[str, float],
    characters: float,
    utilisation: float = UTILISATION,
    peak: float = 3.0,
) -> Needed:
    """What it takes to keep up when the busiest hour has `peak` times the average.

    A worker is given at most CORES_PER_WORKER language processes. There are at least twice as many
    partitions as workers of the largest stage, and as many for each of them.
    """
    per_second = articles_per_day / DAY * peak
    cores = math.ceil(per_second * costs.of_mix(mix, characters) / utilisation)
    processes = {
        stage: max(1, math.ceil(per_second * costs.stage(stage, mix, characters) / utilisation))
        for stage in costs.work
    }
    workers = {stage: math.ceil(number / CORES_PER_WORKER) for stage, number in processes.items()}
    most = max(workers.values())
    return Needed(
        cores=cores,
        workers=workers,
        processes=processes,
        partitions=most * max(2, math.ceil(6 / most)),
        core_hours=1e6 * costs.of_mix(mix, characters) / 3600,
    )


def predicted(costs: Costs, mix: Mapping[str, float], characters: float, cores: int) -> float:
    """Articles a second of so many cores without any room left."""
    return cores / costs.of_mix(mix, characters)


def per_core_and_day(costs: Costs, language: str, characters: float) -> float:
    """Articles a day of one core that does nothing else, without any room left."""
    return DAY / costs.article(language, characters)

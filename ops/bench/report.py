"""What was measured, as tables: for a terminal, and for the README."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ops.bench import capacity
from ops.bench.capacity import Costs
from ops.bench.workload import MIX

# What was recorded last; the README is made from it.
RESULTS: Final = Path(__file__).with_name("results.json")
LANGUAGES: Final = ("it", "fr", "es", "en")
TARGETS: Final = (10_000, 100_000, 1_000_000)
CHARACTERS: Final = 2_500


@dataclass(frozen=True)
class Sheet:
    """One table: its title, its head, its rows."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """The table as Markdown, under its title."""
        lines = [" | ".join(self.head), " | ".join("---" for _ in self.head)]
        lines += [" | ".join(row) for row in self.rows]
        return f"**{self.title}**\n\n" + "".join(f"| {line} |\n" for line in lines)


def summed_up(result: dict[str, Any]) -> dict[str, Any]:
    """The result with what follows from several measurements, where they were made."""
    told = dict(result)
    whole = result.get("pipeline", {}).get("whole")
    if whole and "bare" in result:
        told["pipeline_over_bare"] = _ratio(whole, result["bare"])
        told["plain_over_bare"] = _ratio(result["pipeline"]["plain"], result["bare"])
    if whole and "stages" in result:
        own = sum(cost for what, cost in whole["cpu_ms"].items() if what.startswith("delivery"))
        told["delivery_and_messages_ms"] = round(own + result["stages"]["cpu_ms"]["messages"], 2)
        measured, foreseen = whole["articles_per_s"], _foreseen(result)
        told["capacity"] = {
            "predicted_articles_per_s": round(foreseen, 2),
            "measured_articles_per_s": measured,
            "error": round(foreseen / measured - 1, 3),
        }
    return told


def same_machine(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether results of the two may stand in one table; how busy they were does not count."""
    return {**one, "load": None} == {**other, "load": None}


def loads(result: Mapping[str, Any]) -> str:
    """In words, the machine's load before each part was measured.

    >>> loads({"bare": {"load_at_start": 0.2}, "memory": {"load_at_start": 1.4}})
    'load at the start 0.2 (bare), 1.4 (memory)'
    """
    parts: dict[float, list[str]] = {}
    for name, part in result.items():
        if isinstance(part, Mapping) and "load_at_start" in part:
            parts.setdefault(part["load_at_start"], []).append(name)
    told = (f"{load} ({', '.join(names)})" for load, names in parts.items())
    return f"load at the start {', '.join(told)}"


def _ratio(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    return round(float(one["characters_per_s"]) / float(other["characters_per_s"]), 3)


def _foreseen(result: Mapping[str, Any]) -> float:
    whole = result["pipeline"]["whole"]
    return capacity.predicted(
        Costs.of(result), MIX, whole["mean_characters"], result["machine"]["cores"]
    )


def sheets(result: Mapping[str, Any]) -> Iterator[Sheet]:
    """The tables of what there is."""
    if "bare" in result:
        yield _throughput(result)
    if "pipeline" in result:
        yield _costs(result)
        yield _latency(result["pipeline"]["latency"])
        yield _single(result)
    if "empty_step" in result:
        yield Sheet(
            "One worker with an empty step",
            ("", "records/s", "CPU seconds per 1,000"),
            tuple(
                (name, f"{each['records_per_s']:,}", f"{each['cpu_s_per_1000']:.2f}")
                for name, each in _variants(result["empty_step"])
            ),
        )
    if "trickle" in result:
        yield Sheet(
            f"One worker with an empty step, {result['trickle']['per_s']:g} records a second one by"
            " one",
            ("", "CPU ms a second without records", "CPU ms a record"),
            tuple(
                (name, f"{each['idle_ms_per_s']:.1f}", f"{each['ms_per_record']:.1f}")
                for name, each in _variants(result["trickle"])
            ),
        )
    if "scaling" in result:
        scaling = result["scaling"]
        yield Sheet(
            f"Workers whose work waits {scaling['wait_ms']:g} ms a record,"
            f" {scaling['partitions']} partitions",
            ("workers", "records/s", "efficiency"),
            tuple(
                (str(workers), f"{rate:.1f}", f"{scaling['efficiency'][workers]:.2f}")
                for workers, rate in scaling["workers"].items()
            ),
        )
    if "memory" in result:
        yield _memory(result["memory"])
    if "capacity" in result:
        yield from _capacity(Costs.of(result))


def _variants(part: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """What was measured of each variant or worker, without what holds for the whole part."""
    return [(name, each) for name, each in part.items() if isinstance(each, Mapping)]


def _throughput(result: Mapping[str, Any]) -> Sheet:
    bare = result["bare"]["characters_per_s"]
    rows = [("bare engines", result["bare"])]
    if "stages" in result:
        rows.append(("the stages' work, without Kafka", result["stages"]))
    if "pipeline" in result:
        rows.append(("babelwire, exactly once", result["pipeline"]["whole"]))
        rows.append(("plain aiokafka loop, at least once", result["pipeline"]["plain"]))
    return Sheet(
        f"Throughput of {result['machine']['cores']} cores",
        ("", "characters/s", "of the bare engines"),
        tuple(
            (name, f"{each['characters_per_s']:,}", f"{each['characters_per_s'] / bare:.1%}")
            for name, each in rows
        ),
    )


def _costs(result: Mapping[str, Any]) -> Sheet:
    rows = [(what, f"{cost:.1f}") for what, cost in result["pipeline"]["whole"]["cpu_ms"].items()]
    if "bare" in result:
        rows += [
            (f"bare: {what}", f"{cost:.1f}") for what, cost in result["bare"]["cpu_ms"].items()
        ]
    if "stages" in result:
        cost = result["stages"]["cpu_ms"]["messages"]
        rows.append(("reading, checking and writing messages (in the work above)", f"{cost:.2f}"))
    mean = result["pipeline"]["whole"]["mean_characters"]
    return Sheet(
        f"Processor time of an article of {mean:,} characters",
        ("what", "ms"),
        tuple(rows),
    )


def _latency(latency: list[Mapping[str, Any]]) -> Sheet:
    return Sheet(
        "Push to enriched event, articles of 2,500 characters at random times",
        ("load", "articles/s", "articles", "p50", "p95", "p99"),
        tuple(
            (
                f"{each['load']:.0%}",
                f"{each['per_s']:.2f}",
                str(each["articles"]),
                *(f"{each[p]:.2f} s" for p in ("p50", "p95", "p99")),
            )
            for each in latency
        ),
    )


def _single(result: Mapping[str, Any]) -> Sheet:
    start, copies = result["pipeline"]["start"], result["pipeline"]["copies"]
    rows = [
        *(
            (f"{stage} ready after the start", f"{took:.1f} s")
            for stage, took in start["ready_s"].items()
        ),
        ("start of all stages to the first event", f"{start['first_event_s']:.1f} s"),
        ("translating a copy, of a first translation", f"{copies['translation_share']:.1%}"),
        (
            "the same with one new sentence",
            f"{copies['translation_share_with_a_new_sentence']:.1%}",
        ),
        ("a copy in all stages, of a first article", f"{copies['all_stages_share']:.1%}"),
    ]
    if "delivery_and_messages_ms" in result:
        rows.append(
            (
                "delivery, parsing and validation, CPU per article",
                f"{result['delivery_and_messages_ms']:.1f} ms",
            )
        )
    if "capacity" in result:
        rows.append(("the capacity model's error", f"{result['capacity']['error']:+.1%}"))
    return Sheet("Single figures", ("what", ""), tuple(rows))


def _memory(memory: Mapping[str, Any]) -> Sheet:
    return Sheet(
        f"Memory over {memory['articles']:,} short articles",
        ("worker", "MB", "MB more per 1,000 articles", "standard error"),
        tuple(
            (name, f"{each['mb']:,.0f}", f"{each['mb_per_1000']:+.2f}", f"{each['error']:.2f}")
            for name, each in _variants(memory)
        ),
    )


def _capacity(costs: Costs) -> Iterator[Sheet]:
    yield Sheet(
        f"Capacity model: articles of {CHARACTERS:,} characters a day on one core, kept busy",
        ("language", "articles a day", "core-hours per million"),
        tuple(
            (
                language,
                f"{capacity.per_core_and_day(costs, language, CHARACTERS):,.0f}",
                f"{1e6 * costs.article(language, CHARACTERS) / 3600:,.0f}",
            )
            for language in LANGUAGES
        ),
    )
    rows = []
    for target in TARGETS:
        needed = capacity.plan(costs, target, MIX, CHARACTERS)
        rows.append(
            (
                f"{target:,}",
                str(needed.cores),
                *(f"{needed.workers[stage]} × {_each(needed, stage)}" for stage in needed.workers),
                str(needed.partitions),
            )
        )
    yield Sheet(
        "Capacity model: what a target needs (busiest hour three times the average, 70% load)",
        (
            "articles a day",
            "cores",
            *(f"{stage}: workers × processes" for stage in costs.work),
            "partitions",
        ),
        tuple(rows),
    )


def _each(needed: capacity.Needed, stage: str) -> int:
    return -(-needed.processes[stage] // needed.workers[stage])

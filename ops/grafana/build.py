"""Writes the dashboards that Grafana loads: `python -m ops.grafana.build`.

Metric names come from `streams/metrics.py` and those of rules are checked, so a renamed metric
renames itself here; tests check that the files are current, and that on a running pipeline no
panel is empty.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as kinds
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DataSourceRef,
    DataTransformerConfig,
    Threshold,
    ThresholdsMode,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from agents.pipeline import PIPELINE
from streams.metrics import (
    BUILD_INFO,
    CIRCUIT,
    COMMITS,
    COVERAGE,
    CPU_SECONDS,
    DEAD_LETTERS,
    END_TO_END_SECONDS,
    ENTITIES,
    IN_FLIGHT,
    LAG_RECORDS,
    LAG_SECONDS,
    MEMORY_BYTES,
    NEAR_DUPLICATES,
    OVERDUE_RECORDS,
    PAGE_EVENTS,
    PAGE_STREAMS,
    POOL_RESTARTS,
    PROCESSES,
    PUBLICATION_AGE_SECONDS,
    QUALITY,
    QUEUE,
    READY,
    RECORDS,
    REREADS,
    RETRIES,
    TRANSLATION_MEMORY,
    UNMEASURED,
    WORK_SECONDS,
    Count,
    Spread,
)

FOLDER: Final = Path(__file__).with_name("dashboards")
SOURCE: Final = DataSourceRef(type_val="prometheus", uid="prometheus")
COLUMNS: Final = 24
NAMES: Final = ("overview", "stages", "language-quality", "delivery", "capacity")
FIRST, LAST = PIPELINE[0].name, PIPELINE[-1].name
INTERVAL: Final = "$__rate_interval"

Steps = list[tuple[float | None, str]]
SOON: Final[Steps] = [(None, "green"), (60, "yellow"), (600, "red")]
NONE_IS_GOOD: Final[Steps] = [(None, "green"), (1, "yellow"), (100, "red")]
ANY_IS_BAD: Final[Steps] = [(None, "green"), (1, "red")]
NONE_IS_BAD: Final[Steps] = [(None, "red"), (1, "green")]


@dataclass(frozen=True)
class Row:
    """Panels side by side, equally wide but for the last, which takes what is left."""

    height: int
    panels: list[stat.Panel | table.Panel | timeseries.Panel]


@dataclass(frozen=True)
class Board:
    """A dashboard: its file's name, its title, and its rows from the top."""

    name: str
    title: str
    description: str
    rows: list[Row]


def main() -> None:
    """Writes the dashboard files."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in rendered().items():
        (FOLDER / f"{name}.json").write_text(text, encoding="utf-8")


def rendered() -> dict[str, str]:
    """The text of each dashboard's file, by its name."""
    return {
        board.name: json.dumps(_built(board), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"
        for board in boards()
    }


def boards() -> list[Board]:
    """All dashboards. The first is the one to look at; the others say why."""
    return [overview(), stages(), language_quality(), delivery(), capacity()]


def overview() -> Board:
    """Is news flowing, how late is it, which stage holds it up, what failed and why."""
    return Board(
        "overview",
        "babelwire: overview",
        "Is news flowing, how late is it, which stage holds it up, what failed and why.",
        [
            Row(
                4,
                [
                    _number(
                        "Is news flowing? Enriched per minute",
                        f"sum({_rate(RECORDS, outcome='processed', stage=LAST)}) * 60",
                        "Articles that came out of the last stage.",
                    ),
                    _number(
                        "How late? 95 of 100 within",
                        _quantile(0.95, END_TO_END_SECONDS, stage=LAST),
                        "From push to the commit of the enriched event.",
                        unit="s",
                        steps=SOON,
                    ),
                    _number(
                        "Bottleneck: oldest record waiting",
                        f"topk(1, stage:{LAG_SECONDS.name}:max)",
                        "The stage that holds up the others, and how long its oldest record waits.",
                        unit="s",
                        legend="{{stage}}",
                        steps=SOON,
                    ),
                    _number(
                        "Failed in the last hour",
                        f"sum(increase({DEAD_LETTERS.name}[1h]))",
                        "Dead letters; why they failed is in the table below.",
                        steps=NONE_IS_GOOD,
                    ),
                    _number(
                        "Workers ready",
                        f"sum by (stage) ({READY.name})",
                        "A stage at 0 does no work: see its log, and /readyz of its worker.",
                        legend="{{stage}}",
                        steps=NONE_IS_BAD,
                    ),
                    _number(
                        "Alerts firing",
                        'count(ALERTS{alertstate="firing"}) or vector(0)',
                        "What each means and what to do: ops/runbooks.",
                        steps=ANY_IS_BAD,
                    ),
                ],
            ),
            Row(
                8,
                [
                    _curves(
                        "Records finished per second",
                        {"{{stage}}": f"sum by (stage) ({_rate(RECORDS)})"},
                        "Processed and dead-lettered together.",
                        unit="reqps",
                    ),
                    _curves(
                        "Waiting, records",
                        {"{{stage}}": f"stage:{LAG_RECORDS.name}:sum"},
                        "Records of a stage's input that are not committed yet.",
                    ),
                    _curves(
                        "Waiting, age of the oldest",
                        {"{{stage}}": f"stage:{LAG_SECONDS.name}:max"},
                        "A line that climbs by the clock is a stage that stands still.",
                        unit="s",
                    ),
                ],
            ),
            Row(
                8,
                [
                    _table(
                        "What failed in the last hour, and why",
                        "topk(12, round(sum by (stage, reason)"
                        f" (increase({DEAD_LETTERS.name}[1h]))))",
                        "Dead letters by stage and reason: babelwire dead-letters list",
                        value="dead letters",
                    ),
                    _curves(
                        "Share of articles late",
                        {
                            "last 5 minutes": _bad("freshness", "5m"),
                            "last hour": _bad("freshness", "1h"),
                            "objective": "vector(0.01)",
                        },
                        "Not enriched within the setting fresh_within of their push, overdue ones"
                        " that still wait included.",
                        unit="percentunit",
                    ),
                    _curves(
                        "Articles per minute, by language",
                        {
                            "{{language}}": "sum by (language)"
                            f" ({_rate(RECORDS, outcome='processed', stage=FIRST)}) * 60"
                        },
                        "As the first stage identified them.",
                        stacked=True,
                    ),
                ],
            ),
        ],
    )


def stages() -> Board:
    """Each stage: what passes, how long it takes, what waits where."""
    return Board(
        "stages",
        "babelwire: stages",
        "Each stage: what passes, how long it takes, what waits where.",
        [
            Row(
                8,
                [
                    _curves(
                        "Records finished per second",
                        {"{{stage}}: {{outcome}}": f"sum by (stage, outcome) ({_rate(RECORDS)})"},
                        "By outcome.",
                        unit="reqps",
                    ),
                    _curves(
                        "Busy share",
                        {"{{stage}}": "stage:babelwire_busy:ratio_rate5m"},
                        "Share of the time in which the language processes worked. Near 100% with a"
                        " lag, the stage needs more of them.",
                        unit="percentunit",
                    ),
                ],
            ),
            Row(
                8,
                [
                    _curves(
                        "Work on one record",
                        {
                            "{{stage}}, half": _quantile(0.5, WORK_SECONDS),
                            "{{stage}}, 95 of 100": _quantile(0.95, WORK_SECONDS),
                        },
                        "Time in a language process.",
                        unit="s",
                    ),
                    _curves(
                        "Since the push",
                        {
                            "{{stage}}, half": _quantile(0.5, END_TO_END_SECONDS),
                            "{{stage}}, 95 of 100": _quantile(0.95, END_TO_END_SECONDS),
                        },
                        "From the raw record's timestamp to the commit of the stage's output.",
                        unit="s",
                    ),
                ],
            ),
            Row(
                8,
                [
                    _curves(
                        "In hand",
                        {"{{stage}}": f"sum by (stage) ({IN_FLIGHT.name})"},
                        "Taken in and not committed; at the setting in_flight, no more is taken.",
                    ),
                    _curves(
                        "In line for a language process",
                        {"{{stage}}": f"sum by (stage) ({QUEUE.name})"},
                        "Of those in hand.",
                    ),
                    _curves(
                        "Waiting on the topic, by partition",
                        {
                            "{{stage}} {{partition}}": "max by (stage, partition)"
                            f" ({LAG_RECORDS.name})"
                        },
                        "One partition above all others: a slow record, or a key that has most of"
                        " the records.",
                    ),
                ],
            ),
        ],
    )


def language_quality() -> Board:
    """What the language work is worth, as far as it can be told without a reader."""
    return Board(
        "language-quality",
        "babelwire: language quality",
        "What the language work is worth, as far as it can be told without a reader.",
        [
            Row(
                8,
                [
                    _curves(
                        "Translation coverage, mean",
                        {"{{language}}": f"language:{COVERAGE.name}:mean1h"},
                        "Share of the source text that an engine, or English itself, accounts for.",
                        unit="percentunit",
                    ),
                    _curves(
                        "Translation quality estimate, mean",
                        {"{{language}}": f"language:{QUALITY.name}:mean1h"},
                        "On the scale of chrF: about .5 is readable, 1 the original.",
                        unit="percentunit",
                    ),
                ],
            ),
            Row(
                8,
                [
                    _curves(
                        "Articles translated for less than 80%",
                        {
                            "{{language}}": "sum by (language)"
                            f' (increase({COVERAGE.name}_bucket{{le="0.8"}}[1h]))'
                        },
                        "In an hour. Languages without an engine are all here.",
                    ),
                    _curves(
                        "Quality estimate of the worst tenth",
                        {
                            "{{language}}": "histogram_quantile(0.1, sum by (language, le)"
                            f" (rate({QUALITY.name}_bucket[1h])))"
                        },
                        "Nine of ten articles are estimated better.",
                        unit="percentunit",
                    ),
                ],
            ),
            Row(
                8,
                [
                    _curves(
                        "Entities per article, mean",
                        {"{{type}}": f"type:{ENTITIES.name}:mean1h"},
                        "A type that drops to nothing: a model or the name table is missing.",
                    ),
                    _curves(
                        "Near-duplicate share",
                        {
                            "last hour": "babelwire_near_duplicates:ratio_rate1h",
                            "copies per minute": f"sum({_rate(NEAR_DUPLICATES)}) * 60",
                        },
                        "Articles whose text the same worker has seen under another article_id.",
                    ),
                    _curves(
                        "Translation memory, sentences per minute",
                        {"{{memory}}": f"sum by (memory) ({_rate(TRANSLATION_MEMORY)}) * 60"},
                        "Sentences that were translated before, and those that were not.",
                    ),
                    _curves(
                        "From publication to enriched",
                        {
                            "{{precision}}, half": "histogram_quantile(0.5,"
                            " sum by (precision, le)"
                            f" (rate({PUBLICATION_AGE_SECONDS.name}_bucket[1h])))"
                        },
                        "Where the day or time of publication is known; a day counts from its"
                        " beginning.",
                        unit="s",
                    ),
                ],
            ),
        ],
    )


def delivery() -> Board:
    """Is everything that came delivered, and what became a dead letter."""
    return Board(
        "delivery",
        "babelwire: delivery and dead letters",
        "Is everything that came delivered, and what became a dead letter.",
        [
            Row(
                4,
                [
                    _number(
                        "Dead letters in the last hour",
                        f"sum(increase({DEAD_LETTERS.name}[1h]))",
                        "babelwire dead-letters list --since 1h",
                        steps=NONE_IS_GOOD,
                    ),
                    _number(
                        "Refused, share of the last hour",
                        _bad("completeness", "1h"),
                        "The objective is under 1%.",
                        unit="percentunit",
                        steps=[(None, "green"), (0.01, "red")],
                    ),
                    _number(
                        "Overdue now",
                        f"sum(stage:{OVERDUE_RECORDS.name}:sum)",
                        "Records that wait longer than the setting fresh_within.",
                        steps=NONE_IS_GOOD,
                    ),
                    _number(
                        "Not measured in the last hour",
                        f"sum(increase({UNMEASURED.name}[1h]))",
                        "Records whose measures failed; the records went on.",
                        steps=ANY_IS_BAD,
                    ),
                ],
            ),
            Row(
                8,
                [
                    _curves(
                        "Circuit breaker",
                        {"{{stage}}": f"max by (stage) ({CIRCUIT.name})"},
                        "0 closed: work flows. 1 half-open: one record is tried. 2 open: the engine"
                        " is unavailable and the stage pauses; nothing is skipped.",
                    ),
                    _curves(
                        "Attempts with the engine unavailable, per minute",
                        {"{{stage}}": f"sum by (stage) ({_rate(RETRIES)}) * 60"},
                        "Their records are tried again in their place.",
                    ),
                    _curves(
                        "Records read again, per half hour",
                        {"{{stage}}": f"sum by (stage) (increase({REREADS.name}[30m]))"},
                        "Losses between consumer and ledger that were noticed and mended. A few"
                        " around a rebalance are normal.",
                    ),
                ],
            ),
            Row(
                8,
                [
                    _curves(
                        "Dead letters per minute, by reason",
                        {
                            "{{stage}}: {{reason}}": "sum by (stage, reason)"
                            f" ({_rate(DEAD_LETTERS)}) * 60"
                        },
                        "Counts of nothing are drawn too, at 0.",
                    ),
                    _curves(
                        "Overdue, by stage",
                        {"{{stage}}": f"stage:{OVERDUE_RECORDS.name}:sum"},
                        "They count as late while they wait.",
                    ),
                ],
            ),
            Row(
                8,
                [
                    _curves(
                        "Commits per second",
                        {"{{stage}}": f"sum by (stage) ({_rate(COMMITS)})"},
                        "That the broker confirmed.",
                        unit="reqps",
                    ),
                    _curves(
                        "Starts of workers in half an hour",
                        {
                            "{{stage}}": "sum by (stage)"
                            ' (changes(process_start_time_seconds{job="babelwire"}[30m]))'
                        },
                        "Again and again: BabelwireRestarting says what to do.",
                    ),
                    _curves(
                        "Language processes replaced in half an hour",
                        {"{{stage}}": f"sum by (stage) (increase({POOL_RESTARTS.name}[30m]))"},
                        "A record crashed one or took longer than the setting time_limit.",
                    ),
                ],
            ),
        ],
    )


def capacity() -> Board:
    """What the work costs, and what is left."""
    return Board(
        "capacity",
        "babelwire: capacity",
        "What the work costs, and what is left.",
        [
            Row(
                8,
                [
                    _curves(
                        "Processor seconds per 1,000 articles",
                        {
                            "{{stage}}: {{language}}": "stage_language:"
                            "babelwire_cpu_seconds_per_thousand:ratio_rate1h"
                        },
                        "Of the last hour, by stage and language; the first article of a language"
                        " pays for its models.",
                        unit="s",
                    ),
                    _curves(
                        "Cores in use by language work",
                        {"{{stage}}": f"sum by (stage) ({_rate(CPU_SECONDS)})"},
                        "Language processes and the programs they run.",
                        stacked=True,
                    ),
                ],
            ),
            Row(
                8,
                [
                    _curves(
                        "Busy share",
                        {"{{stage}}": "stage:babelwire_busy:ratio_rate5m"},
                        "What is missing to 100% is left.",
                        unit="percentunit",
                    ),
                    _curves(
                        "Memory",
                        {"{{stage}}": f"sum by (stage) ({MEMORY_BYTES.name})"},
                        "Workers with all their processes.",
                        unit="bytes",
                    ),
                    _curves(
                        "Language processes",
                        {"{{stage}}": f"sum by (stage) ({PROCESSES.name})"},
                        "The setting processes, times the workers.",
                    ),
                ],
            ),
            Row(
                6,
                [
                    _table(
                        "Versions running",
                        f"count by (stage, version) ({BUILD_INFO.name})",
                        "Workers by stage and version.",
                        value="workers",
                    ),
                    _curves(
                        "Live page",
                        {
                            "streams open": f"sum({PAGE_STREAMS.name})",
                            "events per second": f"sum({_rate(PAGE_EVENTS)})",
                        },
                        "Browsers and programs that read it.",
                    ),
                ],
            ),
        ],
    )


def _rate(metric: Count, **labels: str) -> str:
    return f"rate({metric.name}{_selector(labels)}[{INTERVAL}])"


def _quantile(quantile: float, metric: Spread, **labels: str) -> str:
    buckets = f"rate({metric.name}_bucket{_selector(labels)}[{INTERVAL}])"
    return f"histogram_quantile({quantile}, sum by (stage, le) ({buckets}))"


def _bad(objective: str, window: str) -> str:
    return f'objective:babelwire_bad:ratio_increase{window}{{objective="{objective}"}}'


def _selector(labels: Mapping[str, str]) -> str:
    pairs = ", ".join(f'{name}="{value}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _query(expression: str, legend: str, instant: bool) -> prometheus.Dataquery:
    query = prometheus.Dataquery().datasource(SOURCE).expr(expression).legend_format(legend)
    return query.instant() if instant else query.range()


P = TypeVar("P", stat.Panel, table.Panel, timeseries.Panel)


def _named(panel: P, title: str, description: str, queries: list[prometheus.Dataquery]) -> P:
    panel.title(title).description(description).datasource(SOURCE)
    for number, query in enumerate(queries):
        panel.with_target(query.ref_id(chr(ord("A") + number)))
    return panel


def _number(
    title: str,
    expression: str,
    description: str,
    *,
    legend: str = "",
    unit: str = "short",
    steps: Steps | None = None,
) -> stat.Panel:
    levels = [Threshold(value=value, color=color) for value, color in steps or [(None, "text")]]
    panel = _named(stat.Panel(), title, description, [_query(expression, legend, instant=True)])
    return (
        panel.unit(unit)
        .decimals(0 if unit == "short" else 1)
        .thresholds(dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(levels))
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .text_mode(
            kinds.BigValueTextMode.VALUE_AND_NAME if legend else kinds.BigValueTextMode.VALUE
        )
    )


def _curves(
    title: str,
    expressions: Mapping[str, str],
    description: str,
    *,
    unit: str = "short",
    stacked: bool = False,
) -> timeseries.Panel:
    queries = [_query(expression, legend, False) for legend, expression in expressions.items()]
    panel = _named(timeseries.Panel(), title, description, queries)
    stacking = common.StackingConfig().mode(
        kinds.StackingMode.NORMAL if stacked else kinds.StackingMode.NONE
    )
    return (
        panel.unit(unit)
        .min(0)
        .fill_opacity(60 if stacked else 10)
        .stacking(stacking)
        .tooltip(common.VizTooltipOptions().mode(kinds.TooltipDisplayMode.MULTI))
    )


def _table(title: str, expression: str, description: str, *, value: str) -> table.Panel:
    query = _query(expression, "", instant=True).format(PromQueryFormat.TABLE)
    panel = _named(table.Panel(), title, description, [query])
    return panel.with_transformation(
        DataTransformerConfig(
            id_val="organize",
            options={"excludeByName": {"Time": True}, "renameByName": {"Value": value}},
        )
    )


def _built(board: Board) -> Any:
    built = (
        dashboard.Dashboard(board.title)
        .uid(f"babelwire-{board.name}")
        .description(board.description)
        .tags(["babelwire"])
        .readonly()
        .refresh("10s")
        .time("now-30m", "now")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
    )
    for other in NAMES:
        if other != board.name:
            built = built.link(
                dashboard.DashboardLink(other.replace("-", " ")).url(f"/d/babelwire-{other}")
            )
    identity = 0
    for row in board.rows:
        width = COLUMNS // len(row.panels)
        for number, panel in enumerate(row.panels):
            last = number == len(row.panels) - 1
            wide = COLUMNS - number * width if last else width
            identity += 1
            built = built.with_panel(panel.id(identity).height(row.height).span(wide))
    return built.build()


if __name__ == "__main__":
    main()

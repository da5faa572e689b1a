"""Writes what follows from the metrics: `python -m ops.prometheus.build`.

`rules.yml`, the recording rules and alerts, and `METRICS.md`, the page that lists every metric.
Tests check that both are current.
"""

from pathlib import Path
from typing import Final

import yaml

from ops.prometheus import rules
from streams.metrics import (
    LABELS,
    LAG_METRICS,
    METRICS,
    PAGE_METRICS,
    WORKER_METRICS,
    Age,
    Count,
    Level,
    Metric,
    Spread,
)

FOLDER: Final = Path(__file__).parent
RULES: Final = FOLDER / "rules.yml"
PAGE: Final = FOLDER / "METRICS.md"
WRITTEN_BY: Final = "python -m ops.prometheus.build"


def main() -> None:
    """Writes both files."""
    RULES.write_text(rendered_rules(), encoding="utf-8")
    PAGE.write_text(rendered_page(), encoding="utf-8")


def rendered_rules(clock: rules.Clock = rules.REAL) -> str:
    """The rule file's text, with durations by `clock`."""
    text = yaml.safe_dump(rules.groups(clock), sort_keys=False, width=96, allow_unicode=True)
    return f"# Written by `{WRITTEN_BY}` from ops/prometheus/rules.py.\n{text}"


def rendered_page() -> str:
    """The page of metrics, in Markdown."""
    lines = [
        f"<!-- Written by `{WRITTEN_BY}` from streams/metrics.py. -->",
        "",
        "# Metrics",
        "",
        "Every worker serves them at `/metrics`; so does the live page, which measures lag from the"
        " broker alone and so knows it of stages whose workers are gone. A worker's language"
        " processes report through their worker, so each worker is one target.",
        "",
        "| metric | kind | labels | most series | from | what it is |",
        "|---|---|---|---|---|---|",
        *(_row(metric) for metric in METRICS),
        "",
        "Both also export the standard `process_*` metrics of the Prometheus client:"
        " `process_start_time_seconds` (a change is a restart), `process_cpu_seconds_total` and"
        " `process_resident_memory_bytes` (of the process alone, without language processes),"
        " `process_open_fds`.",
        "",
        "## Labels",
        "",
        "| label | what it says | values |",
        "|---|---|---|",
        *(
            f"| `{label.name}` | {label.help} |"
            f" {', '.join((*label.values, 'other')) if label.values else f'up to {label.most}'} |"
            for label in LABELS.values()
        ),
        "",
        "## How many series",
        "",
        f"A worker exports {sum(metric.series for metric in WORKER_METRICS)} series at the most,"
        " however many languages and reasons it meets, and usually a quarter of that; the live"
        f" page {sum(_of_page(metric) for metric in PAGE_METRICS)}. A test holds both to a budget.",
        "",
        "## What the processor time counts",
        "",
        "`babelwire_cpu_seconds_total` is measured in the language process around each record: all"
        " its threads, programs that it started and that have ended (Apertium's tagger), and"
        " programs that it keeps running (the rest of Apertium), which Linux tells in steps of"
        " 10 ms each; the steps even out over records. Kafka, decoding in the worker and the"
        " loading of models before the first record are not in it; a model loaded with the first"
        " article of its language is.",
    ]
    return "\n".join(lines) + "\n"


def _row(metric: Metric) -> str:
    kind = {Count: "counter", Level: "gauge", Spread: "histogram", Age: "histogram"}.get(
        type(metric), "counter"
    )
    labels = ", ".join(f"`{label}`" for label in metric.labels) or "none"
    by = [
        name
        for name, all_ in (("worker", WORKER_METRICS), ("page", PAGE_METRICS))
        if metric in all_
    ]
    series = metric.series if metric in WORKER_METRICS else _of_page(metric)
    return f"| `{metric.name}` | {kind} | {labels} | {series} | {', '.join(by)} | {metric.help} |"


def _of_page(metric: Metric) -> int:
    """Series on the live page, which tells of every stage."""
    return metric.series * (LABELS["stage"].size if metric in LAG_METRICS else 1)


if __name__ == "__main__":
    main()

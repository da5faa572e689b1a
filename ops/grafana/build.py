"""Writes the overview dashboard that Grafana loads: `python -m ops.grafana.build`.

Metric names come from `streams/metrics.py`, so a renamed metric renames itself here; a test checks
that the written file is current.
"""

from pathlib import Path
from typing import Any, Final

import orjson

from streams.metrics import (
    BUILD_INFO,
    COMMITS,
    DEAD_LETTERS,
    END_TO_END_SECONDS,
    IN_FLIGHT,
    LAG_RECORDS,
    LAG_SECONDS,
    POOL_RESTARTS,
    READY,
    RECORDS,
    WORK_SECONDS,
    Metric,
    Spread,
)

OVERVIEW: Final = Path(__file__).with_name("dashboards") / "overview.json"
COLUMNS: Final = 24
DATASOURCE: Final = {"type": "prometheus", "uid": "prometheus"}

Panel = dict[str, Any]


def main() -> None:
    """Writes the dashboard file."""
    OVERVIEW.parent.mkdir(exist_ok=True)
    OVERVIEW.write_bytes(rendered())


def rendered() -> bytes:
    """The dashboard as the bytes of its file."""
    return orjson.dumps(dashboard(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def dashboard() -> dict[str, Any]:
    """The overview: is it well, does it keep up, how long does it take, what goes wrong."""
    return {
        "uid": "babelwire-overview",
        "title": "babelwire overview",
        "tags": ["babelwire"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "10s",
        "time": {"from": "now-30m", "to": "now"},
        "timezone": "browser",
        "panels": _placed(
            (
                4,
                [
                    _number(
                        "Workers ready",
                        f"sum by (stage) ({READY.name})",
                        "A stage at 0 does no work: see its log, and /readyz of its worker.",
                        legend="{{stage}}",
                        steps=[(None, "red"), (1, "green")],
                    ),
                    _number(
                        "Enriched per minute",
                        f"sum({_rate(RECORDS, outcome='processed', stage='tagging')}) * 60",
                        "Articles that came out of the last stage.",
                    ),
                    _number(
                        "Furthest behind",
                        f"max({LAG_SECONDS.name})",
                        "Age of the oldest record that any stage has yet to finish.",
                        unit="s",
                        steps=[(None, "green"), (60, "yellow"), (600, "red")],
                    ),
                    _number(
                        "Dead letters in an hour",
                        f"sum(increase({DEAD_LETTERS.name}[1h])) or vector(0)",
                        "What they are: babelwire dead-letters list",
                        steps=[(None, "green"), (1, "yellow"), (100, "red")],
                    ),
                    _number(
                        "Pushed to enriched, 95 of 100 within",
                        _quantile(0.95, END_TO_END_SECONDS, stage="tagging"),
                        "From the raw record's timestamp to the commit of the enriched event.",
                        unit="s",
                    ),
                ],
            ),
            (
                8,
                [
                    _curves(
                        "Records finished per second",
                        {"{{stage}}": f"sum by (stage) ({_rate(RECORDS)})"},
                        "Processed and dead-lettered together.",
                        unit="reqps",
                    ),
                    _curves(
                        "Behind, records",
                        {"{{stage}}": f"sum by (stage) ({LAG_RECORDS.name})"},
                        "Records of a stage's input that are not committed yet.",
                    ),
                    _curves(
                        "Behind, time",
                        {"{{stage}}": f"max by (stage) ({LAG_SECONDS.name})"},
                        "Age of the oldest record not committed yet.",
                        unit="s",
                    ),
                ],
            ),
            (
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
                        "Since it was pushed",
                        {
                            "{{stage}}, half": _quantile(0.5, END_TO_END_SECONDS),
                            "{{stage}}, 95 of 100": _quantile(0.95, END_TO_END_SECONDS),
                        },
                        "From the raw record's timestamp to the commit of the stage's output.",
                        unit="s",
                    ),
                    _curves(
                        "In hand",
                        {"{{stage}}": f"sum by (stage) ({IN_FLIGHT.name})"},
                        "Records taken in and not committed yet; at the setting in_flight, the "
                        "stage is as busy as it may be.",
                    ),
                ],
            ),
            (
                8,
                [
                    _curves(
                        "Dead letters per minute, by reason",
                        {
                            "{{stage}}: {{reason}}": "sum by (stage, reason) "
                            f"({_rate(DEAD_LETTERS)}) * 60"
                        },
                        "What they are: babelwire dead-letters list",
                    ),
                    _curves(
                        "Languages, articles per minute",
                        {
                            "{{language}}": "sum by (language) "
                            f"({_rate(RECORDS, outcome='processed', stage='normalization')}) * 60"
                        },
                        "As the first stage identified them.",
                        stacked=True,
                    ),
                    _curves(
                        "Language processes replaced in 5 minutes",
                        {"{{stage}}": f"sum by (stage) (increase({POOL_RESTARTS.name}[5m]))"},
                        "A record crashed one or took longer than the setting time_limit.",
                    ),
                ],
            ),
            (
                6,
                [
                    _curves(
                        "Commits per second",
                        {"{{stage}}": f"sum by (stage) ({_rate(COMMITS)})"},
                        "Offset commits that the broker confirmed.",
                        unit="reqps",
                    ),
                    _table(
                        "Versions running",
                        f"count by (stage, version) ({BUILD_INFO.name})",
                        "Workers by stage and version.",
                    ),
                ],
            ),
        ),
    }


def _rate(metric: Metric, **labels: str) -> str:
    return f"rate({metric.name}{_selector(labels)}[$__rate_interval])"


def _quantile(quantile: float, metric: Spread, **labels: str) -> str:
    buckets = f"rate({metric.name}_bucket{_selector(labels)}[$__rate_interval])"
    return f"histogram_quantile({quantile}, sum by (stage, le) ({buckets}))"


def _selector(labels: dict[str, str]) -> str:
    pairs = ", ".join(f'{name}="{value}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _panel(kind: str, title: str, description: str, targets: list[Panel]) -> Panel:
    named = [{"refId": chr(ord("A") + number), **target} for number, target in enumerate(targets)]
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "targets": named,
    }


def _number(
    title: str,
    expression: str,
    description: str,
    *,
    legend: str = "",
    unit: str = "short",
    steps: list[tuple[float | None, str]] | None = None,
) -> Panel:
    target = {"expr": expression, "legendFormat": legend, "instant": True}
    thresholds = [{"value": value, "color": color} for value, color in steps or [(None, "text")]]
    return {
        **_panel("stat", title, description, [target]),
        "fieldConfig": {
            "defaults": {
                "unit": unit,
                "decimals": 0 if unit == "short" else 1,
                "thresholds": {"mode": "absolute", "steps": thresholds},
            },
            "overrides": [],
        },
        "options": {
            "reduceOptions": {"calcs": ["lastNotNull"]},
            "textMode": "value_and_name" if legend else "value",
        },
    }


def _curves(
    title: str,
    expressions: dict[str, str],
    description: str,
    *,
    unit: str = "short",
    stacked: bool = False,
) -> Panel:
    targets = [
        {"expr": expression, "legendFormat": legend} for legend, expression in expressions.items()
    ]
    custom: Panel = {"fillOpacity": 10}
    if stacked:
        custom = {"fillOpacity": 60, "stacking": {"mode": "normal"}}
    return {
        **_panel("timeseries", title, description, targets),
        "fieldConfig": {"defaults": {"unit": unit, "min": 0, "custom": custom}, "overrides": []},
        "options": {"tooltip": {"mode": "multi"}, "legend": {"displayMode": "list"}},
    }


def _table(title: str, expression: str, description: str) -> Panel:
    target = {"expr": expression, "format": "table", "instant": True}
    return {
        **_panel("table", title, description, [target]),
        "transformations": [
            {
                "id": "organize",
                "options": {"excludeByName": {"Time": True}, "renameByName": {"Value": "workers"}},
            }
        ],
    }


def _placed(*rows: tuple[int, list[Panel]]) -> list[Panel]:
    """The panels with ids and places: each row is its height and its panels, equally wide but for
    the last, which takes what is left."""
    placed: list[Panel] = []
    top = 0
    for height, panels in rows:
        width = COLUMNS // len(panels)
        for column, panel in enumerate(panels):
            last = column == len(panels) - 1
            place = {
                "x": column * width,
                "y": top,
                "w": COLUMNS - column * width if last else width,
                "h": height,
            }
            placed.append({"id": len(placed) + 1, **panel, "gridPos": place})
        top += height
    return placed


if __name__ == "__main__":
    main()

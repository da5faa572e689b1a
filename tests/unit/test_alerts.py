"""Every alert fires when it should and clears when all is well again, by promtool on real rules."""

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from agents.pipeline import PIPELINE
from ops.prometheus import build, rules
from ops.prometheus.programs import program
from streams.metrics import LATENCY_BUCKETS, METRICS, Spread

RUNBOOKS = Path(rules.__file__).parents[1] / "runbooks"
STAGES = [stage.name for stage in PIPELINE]


@dataclass(frozen=True)
class Case:
    """Input series by name, in promtool's notation, one value each `step` minutes; the labels of
    the alerts of one name that fire at minute `fires`; none does at `quiet` or at `clears`."""

    alert: str
    series: dict[str, str]
    quiet: int
    fires: int
    clears: int
    labels: list[dict[str, str]] = field(default_factory=list)
    step: int = 1


def enriched(total: str, fresh: str) -> dict[str, str]:
    return {
        'babelwire_end_to_end_seconds_count{stage="tagging"}': total,
        'babelwire_end_to_end_seconds_bucket{stage="tagging", le="60.0"}': fresh,
    }


def lag(metric: str, values: str, partition: int = 0) -> dict[str, str]:
    return {f'{metric}{{stage="translation", partition="{partition}"}}': values}


ready = {f'babelwire_ready{{stage="{stage}"}}': "1x400" for stage in STAGES}
page = {"severity": "page"}
ticket = {"severity": "ticket"}
fresh = {"objective": "freshness"}
complete = {"objective": "completeness"}

CASES = [
    # Ten articles a minute; from minute 60 on for 20 minutes all of them come late.
    Case(
        "BabelwireArticlesLate",
        enriched("0+10x300", "0+10x60 600x20 610+10x220"),
        quiet=60,
        fires=75,
        clears=110,
        labels=[page | fresh],
    ),
    # Nothing comes out at all: what waits is late before it is finished.
    Case(
        "BabelwireArticlesLate",
        enriched("0+10x60 600x40 1000+10x200", "0+10x60 600x40 1000+10x200")
        | lag("babelwire_overdue_records", "0x60 0+10x39 0x200"),
        quiet=62,
        fires=85,
        clears=180,
        labels=[page | fresh],
    ),
    # Two of a hundred, for days: nobody is woken for it, but the budget runs out.
    Case(
        "BabelwireArticlesLate",
        enriched("0+1000x900", "0+1000x60 60000+980x380 433400+1000x460"),
        quiet=600,
        fires=4400,
        clears=8000,
        step=10,
    ),
    Case(
        "BabelwireFreshnessBudget",
        enriched("0+1000x900", "0+1000x60 60000+980x380 433400+1000x460"),
        quiet=600,
        fires=4400,
        clears=5000,
        labels=[ticket | fresh],
        step=10,
    ),
    Case(
        "BabelwireArticlesRefused",
        enriched("0+10x300", "0+10x300")
        | {
            'babelwire_dead_letters_total{stage="translation", reason="failed"}': "0x60"
            " 0+10x20 200x220"
        },
        quiet=60,
        fires=80,
        clears=140,
        labels=[page | complete],
    ),
    Case(
        "BabelwireCompletenessBudget",
        enriched("0+1000x900", "0+1000x900")
        | {
            'babelwire_dead_letters_total{stage="tagging", reason="failed"}': "0x60"
            " 0+20x380 7600x460"
        },
        quiet=600,
        fires=4400,
        clears=5000,
        labels=[ticket | complete],
        step=10,
    ),
    Case(
        "BabelwireStageDown",
        ready | {'babelwire_ready{stage="translation"}': "1x10 0x10 1x20"},
        quiet=11,
        fires=14,
        clears=22,
        labels=[page | {"stage": "translation"}],
    ),
    # A worker that is gone exports nothing.
    Case(
        "BabelwireStageDown",
        ready | {'babelwire_ready{stage="tagging"}': "1x10 stale _x10 1x20"},
        quiet=11,
        fires=15,
        clears=24,
        labels=[page | {"stage": "tagging"}],
    ),
    Case(
        "BabelwireStuck",
        lag("babelwire_lag_seconds", "0x5 0+60x30 0x30")
        | lag("babelwire_lag_seconds", "3x70", partition=1),
        quiet=15,
        fires=30,
        clears=40,
        labels=[page | {"stage": "translation", "partition": "0"}],
    ),
    # Far behind, but catching up: late, not stuck.
    Case("BabelwireStuck", lag("babelwire_lag_seconds", "3600-20x100"), 0, 50, 90),
    Case(
        "BabelwireLagUnmeasured",
        {f'babelwire_lag_seconds{{stage="{stage}", partition="0"}}': "0x60" for stage in STAGES}
        | {'babelwire_lag_seconds{stage="tagging", partition="0"}': "0x10 stale _x15 0x30"},
        quiet=11,
        fires=18,
        clears=30,
        labels=[ticket | {"stage": "tagging"}],
    ),
    Case(
        "BabelwireRestarting",
        {
            'process_start_time_seconds{job="babelwire", stage="tagging"}': "100x10 200x5 300x5"
            " 400x60"
        },
        quiet=19,
        fires=25,
        clears=60,
        labels=[ticket | {"stage": "tagging"}],
    ),
    Case(
        "BabelwireLanguageProcessesDying",
        {'babelwire_pool_restarts_total{stage="translation"}': "0x10 0+1x10 10x60"},
        quiet=12,
        fires=25,
        clears=60,
        labels=[ticket | {"stage": "translation"}],
    ),
    Case(
        "BabelwireEngineUnavailable",
        {'babelwire_circuit_state{stage="translation"}': "0x10 2x20 0x60"},
        quiet=12,
        fires=20,
        clears=40,
        labels=[ticket | {"stage": "translation"}],
    ),
    Case(
        "BabelwireSaturated",
        {
            'babelwire_work_seconds_sum{stage="translation"}': "0+60x100 6000+6x60",
            'babelwire_language_processes{stage="translation"}': "1x160",
        }
        | lag("babelwire_lag_seconds", "0x10 300x90 0x60"),
        quiet=20,
        fires=60,
        clears=110,
        labels=[ticket | {"stage": "translation"}],
    ),
    Case(
        "BabelwireCoverageDropped",
        {
            'babelwire_translation_coverage_ratio_count{stage="translation", language="it"}': (
                "0+5x400"
            ),
            'babelwire_translation_coverage_ratio_sum{stage="translation", language="it"}': (
                "0+5x120 600+0.625x40 626+5x240"
            ),
        },
        quiet=600,
        fires=700,
        clears=900,
        labels=[ticket | {"language": "it"}],
        step=5,
    ),
    Case(
        "BabelwireNoArticles",
        {
            'babelwire_records_total{stage="normalization", outcome="processed", language="it"}': (
                "0+5x12 60x60 65+5x20"
            )
        },
        quiet=100,
        fires=300,
        clears=390,
        labels=[ticket],
        step=5,
    ),
]


def _test(case: Case) -> dict[str, Any]:
    expected = [{"exp_labels": labels} for labels in case.labels]
    looks = [(case.quiet, []), (case.fires, expected), (case.clears, [])]
    return {
        "interval": f"{case.step}m",
        "input_series": [
            {"series": name, "values": values} for name, values in case.series.items()
        ],
        "alert_rule_test": [
            {"eval_time": f"{minute}m", "alertname": case.alert, "exp_alerts": alerts}
            for minute, alerts in looks
        ],
    }


def _promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program("promtool"), *arguments], capture_output=True, text=True, check=False
    )


def _plain(group: dict[str, Any], step: int) -> dict[str, Any]:
    """The rules without annotations, which `promtool test` would want word by word, and evaluated
    as often as the series change."""
    bare = [
        {name: value for name, value in rule.items() if name != "annotations"}
        for rule in group["rules"]
    ]
    return {**group, "interval": f"{step}m", "rules": bare}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.alert}-{case.fires}")
def test_an_alert_fires_when_it_should_and_clears_again(case: Case, tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(
        yaml.safe_dump({"groups": [_plain(group, case.step) for group in rules.groups()["groups"]]})
    )
    test = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": f"{case.step}m",
        # Any order otherwise, and with long steps what one group records is too old for the next.
        "group_eval_order": [group["name"] for group in rules.groups()["groups"]],
        "tests": [_test(case)],
    }
    (tmp_path / "test.yml").write_text(yaml.safe_dump(test))
    checked = _promtool("test", "rules", tmp_path / "test.yml")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_alert_has_a_case_for_each_severity() -> None:
    tried = {(case.alert, labels["severity"]) for case in CASES for labels in case.labels}
    assert tried == {(rule["alert"], rule["labels"]["severity"]) for rule in rules.alerts()}


def test_every_alert_has_a_runbook_page_and_every_page_an_alert() -> None:
    named = {rule["annotations"]["runbook_url"] for rule in rules.alerts()}
    pages = {f"{rules.RUNBOOKS}/{path.name}" for path in RUNBOOKS.glob("Babelwire*.md")}
    assert named == pages
    for path in RUNBOOKS.glob("Babelwire*.md"):
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f"# {path.stem}\n"), path
        for heading in ("## What it means", "## How to look", "## What to do"):
            assert heading in text, (path, heading)


def test_prometheus_accepts_the_rules() -> None:
    checked = _promtool("check", "rules", "--lint=all", "--lint-fatal", build.RULES)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_rule_file_and_the_page_of_metrics_are_current() -> None:
    advice = f"the description changed: {build.WRITTEN_BY}"
    assert build.RULES.read_text(encoding="utf-8") == build.rendered_rules(), advice
    assert build.PAGE.read_text(encoding="utf-8") == build.rendered_page(), advice


def test_rules_ask_only_for_metrics_that_are_exported_and_rules_that_are_recorded() -> None:
    exported = {metric.name for metric in METRICS} | {"process_start_time_seconds"}
    for metric in METRICS:
        if isinstance(metric, Spread):
            exported |= {f"{metric.name}_{part}" for part in ("bucket", "sum", "count")}
    document = yaml.safe_load(build.RULES.read_text(encoding="utf-8"))
    written = [rule for group in document["groups"] for rule in group["rules"]]
    known = exported | {rule["record"] for rule in written if "record" in rule}
    for rule in written:
        assert _series(rule["expr"]) <= known, rule


def _series(expression: str) -> set[str]:

    names: set[str] = set(re.findall(r"(?:\w+:)?(?:babelwire|process)_\w+(?::\w+)?", expression))
    return names


def test_what_counts_as_fresh_is_the_bound_of_a_bucket() -> None:
    assert rules.REAL.fresh_within in LATENCY_BUCKETS


def test_a_faster_clock_only_shortens_durations() -> None:
    assert rules.REAL.span(3 * rules.DAY) == "3d"
    assert rules.Clock(pace=60).span(rules.HOUR) == "1m"
    assert rules.Clock(pace=60).span(2 * rules.MINUTE) == "2s"
    quick = rules.groups(rules.Clock(pace=60, fresh_within=5))
    names = [rule.get("record") for group in quick["groups"] for rule in group["rules"]]
    assert names == [
        rule.get("record") for group in rules.groups()["groups"] for rule in group["rules"]
    ]

"""Prometheus finds workers and page, and the dashboards show what they export."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import generate_latest

from agents.pipeline import PIPELINE
from ops.grafana import build
from ops.prometheus import build as prometheus
from ops.prometheus.programs import program
from streams.metrics import LABELS, METRICS, PAGE_METRICS, Metrics, Spread, StageMetrics
from streams.settings import Settings
from streams.worker import port_of

OPS = Path(__file__).resolve().parents[2] / "ops"
PORTS = {stage.name: port_of(number, 0, Settings()) for number, stage in enumerate(PIPELINE)}
PAGE_PORT = Settings.model_fields["page_port"].default
DASHBOARDS = {name: json.loads(text) for name, text in build.rendered().items()}


def _promtool(*arguments: str | Path, given: bytes = b"") -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [program("promtool"), *arguments], input=given, capture_output=True, check=False
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def _jobs(name: str) -> dict[str, dict[str, Any]]:
    document = yaml.safe_load((OPS / "prometheus" / name).read_text(encoding="utf-8"))
    return {job["job_name"]: job for job in document["scrape_configs"]}


def expressions() -> list[str]:
    """Every expression of every panel."""
    return [
        target["expr"]
        for dashboard in DASHBOARDS.values()
        for panel in dashboard["panels"]
        for target in panel["targets"]
    ]


@pytest.mark.parametrize("name", ["prometheus.yml", "compose.yml"])
def test_prometheus_accepts_the_configuration(name: str) -> None:
    checked = _promtool("check", "config", OPS / "prometheus" / name)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("metrics", [StageMetrics("tagging"), Metrics(PAGE_METRICS)])
def test_names_and_help_texts_keep_the_rules_of_prometheus(metrics: Metrics) -> None:
    checked = _promtool("check", "metrics", given=generate_latest(metrics.registry))
    # It echoes what it reads; its complaints stand on stderr.
    assert checked.returncode == 0, checked.stderr
    for metric in METRICS:
        assert metric.name.startswith("babelwire_")
        assert metric.help.endswith("."), metric.name
        assert set(metric.labels) <= LABELS.keys()


def test_on_one_machine_page_and_first_worker_of_each_stage_are_scraped() -> None:
    jobs = _jobs("prometheus.yml")
    targets = {
        (entry["labels"]["stage"], entry["labels"]["worker"]): entry["targets"]
        for entry in jobs["babelwire"]["static_configs"]
    }
    assert targets == {
        (stage, f"{stage}/0"): [f"127.0.0.1:{port}"] for stage, port in PORTS.items()
    }
    [page] = jobs["babelwire-page"]["static_configs"]
    assert page["targets"] == [f"127.0.0.1:{PAGE_PORT}"]


def test_in_containers_page_and_every_worker_of_each_stage_are_scraped() -> None:
    jobs = _jobs("compose.yml")
    lookups = jobs["babelwire"]["dns_sd_configs"]
    assert {lookup["names"][0]: lookup["port"] for lookup in lookups} == PORTS
    [lookup] = jobs["babelwire-page"]["dns_sd_configs"]
    assert (lookup["names"], lookup["port"]) == (["page"], PAGE_PORT)


def test_the_dashboard_files_are_current_and_there_is_no_other() -> None:
    files = {path.stem: path.read_text(encoding="utf-8") for path in build.FOLDER.glob("*.json")}
    assert files == build.rendered(), "the description changed: python -m ops.grafana.build"
    assert tuple(DASHBOARDS) == build.NAMES


def test_the_dashboards_show_every_metric_and_nothing_that_is_not_there() -> None:
    exported = {metric.name for metric in METRICS}
    for metric in METRICS:
        if isinstance(metric, Spread):
            exported |= {f"{metric.name}_{part}" for part in ("bucket", "sum", "count")}
    document = yaml.safe_load(prometheus.RULES.read_text(encoding="utf-8"))
    rules = {
        rule["record"]: rule["expr"]
        for group in document["groups"]
        for rule in group["rules"]
        if "record" in rule
    }
    shown = " ".join(expressions())
    asked = set(re.findall(r"(?:\w+:)?babelwire_\w+(?::\w+)?", shown))
    assert asked <= exported | rules.keys()
    behind = shown + " ".join(rules[name] for name in asked & rules.keys())
    # A rule may stand on another.
    behind += " ".join(expression for name, expression in rules.items() if name in behind)
    assert {metric.name for metric in METRICS if metric.name not in behind} == set()


def test_the_dashboards_ask_only_for_labels_that_exist() -> None:
    labels = LABELS.keys() | {"le", "objective", "alertstate", "job"}
    for expression in expressions():
        grouped = re.findall(r"by \(([^)]*)\)", expression)
        selected = re.findall(r"(\w+)=\"", expression)
        asked = {label for group in grouped for label in group.split(", ")} | set(selected)
        assert asked <= labels, expression


def test_prometheus_accepts_every_expression_of_the_dashboards(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": expression.replace(build.INTERVAL, "5m")}
        for number, expression in enumerate(expressions())
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    checked = _promtool("check", "rules", file)
    assert checked.returncode == 0, checked.stderr + checked.stdout


@pytest.mark.parametrize("name", build.NAMES)
def test_panels_fill_the_width_do_not_overlap_and_say_what_they_show(name: str) -> None:
    taken = set()
    for panel in DASHBOARDS[name]["panels"]:
        assert panel["description"], panel["title"]
        place = panel["gridPos"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert (x, y) not in taken
                taken.add((x, y))
    height = max(y for _, y in taken) + 1
    assert len(taken) == build.COLUMNS * height


def test_grafana_is_given_the_dashboards_and_the_data_source_they_name() -> None:
    provisioning = OPS / "grafana" / "provisioning"
    sources = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text())
    assert [source["uid"] for source in sources["datasources"]] == [build.SOURCE.uid]

    providers = yaml.safe_load((provisioning / "dashboards" / "babelwire.yml").read_text())
    folder = providers["providers"][0]["options"]["path"]
    compose = yaml.safe_load((OPS.parent / "docker-compose.yml").read_text(encoding="utf-8"))
    mounts = compose["services"]["grafana"]["volumes"]
    assert f"./{build.FOLDER.relative_to(OPS.parent)}:{folder}:ro" in mounts
    assert (
        "./ops/prometheus/rules.yml:/etc/prometheus/rules.yml:ro"
        in (compose["services"]["prometheus"]["volumes"])
    )

"""Prometheus finds the workers, and the dashboard shows what they export."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from agents.pipeline import PIPELINE
from ops.grafana import build
from streams.metrics import METRICS, Spread
from streams.settings import Settings
from streams.worker import port_of

OPS = Path(__file__).resolve().parents[2] / "ops"
PORTS = {stage.name: port_of(number, 0, Settings()) for number, stage in enumerate(PIPELINE)}


def _promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    # `make setup` puts it into the environment where the machine has none.
    program = shutil.which("promtool") or OPS.parent / ".venv" / "bin" / "promtool"
    assert Path(program).exists(), "promtool is missing: make setup"
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def _scrape_configuration(name: str) -> dict[str, Any]:
    document = yaml.safe_load((OPS / "prometheus" / name).read_text(encoding="utf-8"))
    (job,) = document["scrape_configs"]
    assert isinstance(job, dict)
    return job


def _expressions() -> list[str]:
    return [target["expr"] for panel in build.dashboard()["panels"] for target in panel["targets"]]


@pytest.mark.parametrize("name", ["prometheus.yml", "compose.yml"])
def test_prometheus_accepts_the_configuration(name: str) -> None:
    checked = _promtool("check", "config", OPS / "prometheus" / name)
    assert checked.returncode == 0, checked.stderr


def test_on_one_machine_the_first_worker_of_each_stage_is_scraped() -> None:
    targets = {
        entry["labels"]["worker"]: entry["targets"]
        for entry in _scrape_configuration("prometheus.yml")["static_configs"]
    }
    assert targets == {f"{stage}/0": [f"127.0.0.1:{port}"] for stage, port in PORTS.items()}


def test_in_containers_every_worker_of_each_stage_is_scraped() -> None:
    lookups = _scrape_configuration("compose.yml")["dns_sd_configs"]
    assert {lookup["names"][0]: lookup["port"] for lookup in lookups} == PORTS


def test_the_dashboard_file_is_current() -> None:
    assert build.OVERVIEW.read_bytes() == build.rendered(), (
        "the description changed: python -m ops.grafana.build"
    )


def test_the_dashboard_shows_every_metric_and_no_other() -> None:
    exported = {metric.name for metric in METRICS}
    series = {
        f"{metric.name}_bucket" if isinstance(metric, Spread) else metric.name for metric in METRICS
    }
    shown = set(re.findall(r"babelwire_\w+", " ".join(_expressions())))
    assert shown == series, exported


def test_the_dashboard_asks_only_for_labels_that_exist() -> None:
    labels = {label for metric in METRICS for label in metric.labels} | {"le"}
    for expression in _expressions():
        grouped = re.findall(r"by \(([^)]*)\)", expression)
        selected = re.findall(r"(\w+)=\"", expression)
        asked = {label for group in grouped for label in group.split(", ")} | set(selected)
        assert asked <= labels, expression


def test_prometheus_accepts_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": expression.replace("$__rate_interval", "5m")}
        for number, expression in enumerate(_expressions())
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "overview", "rules": rules}]}))
    checked = _promtool("check", "rules", file)
    assert checked.returncode == 0, checked.stderr + checked.stdout


def test_panels_fill_the_width_and_do_not_overlap() -> None:
    taken = set()
    for panel in build.dashboard()["panels"]:
        place = panel["gridPos"]
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert (x, y) not in taken
                taken.add((x, y))
    height = max(y for _, y in taken) + 1
    assert len(taken) == build.COLUMNS * height


def test_grafana_is_given_the_dashboard_and_the_data_source_it_names() -> None:
    provisioning = OPS / "grafana" / "provisioning"
    sources = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text())
    assert [source["uid"] for source in sources["datasources"]] == [build.DATASOURCE["uid"]]

    providers = yaml.safe_load((provisioning / "dashboards" / "babelwire.yml").read_text())
    folder = providers["providers"][0]["options"]["path"]
    compose = yaml.safe_load((OPS.parent / "docker-compose.yml").read_text(encoding="utf-8"))
    mounts = compose["services"]["grafana"]["volumes"]
    assert f"./{build.OVERVIEW.parent.relative_to(OPS.parent)}:{folder}:ro" in mounts

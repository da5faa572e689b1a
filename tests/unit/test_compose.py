"""docker-compose.yml is valid and says the same as the rest of the repository."""

import re
import shutil
import subprocess
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
import yaml

from agents.pipeline import PIPELINE
from ops.docker import healthcheck
from streams.settings import Settings
from streams.worker import PORTS_PER_STAGE, port_of

ROOT = Path(__file__).resolve().parents[2]
STAGES = [stage.name for stage in PIPELINE]


@pytest.fixture(scope="module")
def composed() -> dict[str, Any]:
    """The file as docker-compose reads it, with everything it refers to filled in."""
    program = shutil.which("docker-compose")
    assert program, "docker-compose is missing: make setup"
    read = subprocess.run(
        [program, "-f", ROOT / "docker-compose.yml", "config"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert read.returncode == 0, read.stderr
    document: dict[str, Any] = yaml.safe_load(read.stdout)
    return document


def test_each_stage_of_the_pipeline_is_a_service_that_runs_its_worker(
    composed: dict[str, Any],
) -> None:
    workers = {
        name: service["command"]
        for name, service in composed["services"].items()
        if "worker" in (service.get("command") or [])
    }
    assert workers == {stage: ["worker", stage] for stage in STAGES}


def test_workers_start_when_the_topics_are_made_and_those_when_kafka_is_healthy(
    composed: dict[str, Any],
) -> None:
    services = composed["services"]
    assert services["topics"]["command"] == ["topics", "create"]
    assert services["topics"]["depends_on"]["kafka"]["condition"] == "service_healthy"
    assert services["kafka"]["healthcheck"]["test"]
    for stage in STAGES:
        condition = services[stage]["depends_on"]["topics"]["condition"]
        assert condition == "service_completed_successfully"


def test_every_setting_given_to_a_worker_exists(composed: dict[str, Any]) -> None:
    known = {f"BABELWIRE_{name.upper()}" for name in Settings.model_fields}
    for stage in [*STAGES, "topics", "page"]:
        given = composed["services"][stage]["environment"]
        assert given.keys() <= known
        assert given["BABELWIRE_HOST"] == "0.0.0.0"


def test_workers_reach_kafka_at_the_listener_it_advertises(composed: dict[str, Any]) -> None:
    advertised = composed["services"]["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    for stage in STAGES:
        bootstrap = composed["services"][stage]["environment"]["BABELWIRE_BOOTSTRAP_SERVERS"]
        assert f"//{bootstrap}," in advertised


def test_ports_are_open_to_this_machine_only(composed: dict[str, Any]) -> None:
    published = {
        name: service["ports"]
        for name, service in composed["services"].items()
        if "ports" in service
    }
    assert published.keys() == {"kafka", "page", "prometheus", "grafana"}
    for ports in published.values():
        for port in ports:
            address = port if isinstance(port, str) else port.get("host_ip", "")
            assert address.startswith("127.0.0.1")


def test_workers_may_drain_before_they_are_killed(composed: dict[str, Any]) -> None:
    drain_time = Settings.model_fields["drain_time"].default
    for stage in STAGES:
        grace = composed["services"][stage]["stop_grace_period"]
        assert int(re.fullmatch(r"(\d+)s", grace)[1]) > drain_time  # type: ignore[index]


def test_kafka_is_the_release_and_the_configuration_of_the_embedded_broker(
    composed: dict[str, Any],
) -> None:
    kafka = composed["services"]["kafka"]
    maven = {"m": "http://maven.apache.org/POM/4.0.0"}
    version = ET.parse(ROOT / "ops/kafka/pom.xml").findtext(
        "m:properties/m:kafka.version", namespaces=maven
    )
    assert kafka["image"] == f"apache/kafka:{version}"

    lines = (ROOT / "ops/kafka/server.properties").read_text().splitlines()
    embedded = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    # Where it listens and keeps its data is different in a container.
    places = re.compile(r"listener|log\.dirs|voters")
    for name, value in embedded.items():
        if not places.search(name):
            variable = "KAFKA_" + name.upper().replace(".", "_")
            assert kafka["environment"].get(variable) == value, name


def test_what_is_mounted_exists(composed: dict[str, Any]) -> None:
    sources = [
        volume.split(":")[0] if isinstance(volume, str) else volume["source"]
        for service in composed["services"].values()
        for volume in service.get("volumes", [])
    ]
    files = [Path(source) for source in sources if source.startswith("/")]
    assert len(files) == 4
    assert [path for path in files if not path.exists()] == []


def test_the_health_check_of_the_image_asks_the_ports_that_workers_take() -> None:
    settings = Settings()
    ports = tuple(port_of(position, 0, settings) for position in range(len(PIPELINE)))
    assert ports == healthcheck.PORTS
    assert ports[1] - ports[0] == PORTS_PER_STAGE


def test_the_image_gets_every_file_that_its_build_names() -> None:
    dockerfile = (ROOT / "ops/docker/Dockerfile").read_text()
    allowed = (ROOT / ".dockerignore").read_text()
    named = [
        source
        for line in re.findall(r"^COPY (.+)$", dockerfile, flags=re.MULTILINE)
        for source in line.split()[:-1]
    ]
    assert "pyproject.toml" in named
    for source in named:
        assert (ROOT / source).exists(), source
        assert f"!{source}\n" in allowed, source

    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"][
        "packages"
    ]
    for package in packages:
        folder = package.replace(".", "/")
        assert folder.split("/")[0] in named or f"{folder}/__init__.py" in named, package

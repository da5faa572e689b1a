"""Debian's Prometheus programs: where they are, and a Prometheus that runs for a while."""

import json
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

import yaml

from ops.prometheus import rules

HOST: Final = "127.0.0.1"
START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 10.0


class PrometheusFailed(RuntimeError):
    """Prometheus is missing, did not start, or refused a question; the words say which."""


def program(name: Literal["prometheus", "promtool"]) -> str:
    """The program's path: that of the machine, else the one that `make setup` put into the
    environment. Raises PrometheusFailed."""
    found = shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))
    if found is None:
        raise PrometheusFailed(f"{name} is missing; `make setup` brings it")
    return found


class Prometheus:
    """A running Prometheus."""

    def __init__(self, port: int) -> None:
        self.address = f"http://{HOST}:{port}"

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The result of an instant query. Raises PrometheusFailed with its words."""
        return list(self._ask("query", query=expression)["result"])

    def query_range(self, expression: str, seconds: float, step: float) -> list[dict[str, Any]]:
        """The result over the last so many seconds."""
        now = time.time()
        found = self._ask(
            "query_range", query=expression, start=now - seconds, end=now, step=f"{step:g}"
        )
        return list(found["result"])

    def alerts(self) -> dict[str, str]:
        """State (`pending` or `firing`) of the alerts that are not quiet, by name; of several of
        one name, the more urgent."""
        found: dict[str, str] = {}
        for alert in self._ask("alerts")["alerts"]:
            name = alert["labels"]["alertname"]
            if found.get(name) != "firing":
                found[name] = alert["state"]
        return found

    def _ask(self, what: str, **parameters: Any) -> dict[str, Any]:
        url = f"{self.address}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as response:
                answer = json.loads(response.read())
        except urllib.error.HTTPError as refusal:
            raise PrometheusFailed(f"{parameters}: {refusal.read().decode()}") from None
        return dict(answer["data"])


@contextmanager
def prometheus(
    folder: Path,
    port: int,
    workers: dict[str, str],
    page: str | None,
    clock: rules.Clock = rules.REAL,
    scrape_seconds: float = 5.0,
) -> Iterator[Prometheus]:
    """A Prometheus on loopback with the rules, by `clock`, of this folder; stopped at the end.

    `workers` are `host:port` by stage, `page` is that of the live page. Raises PrometheusFailed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rules.yml").write_text(yaml.safe_dump(rules.groups(clock)), encoding="utf-8")
    (folder / "prometheus.yml").write_text(
        yaml.safe_dump(_configuration(workers, page, scrape_seconds)), encoding="utf-8"
    )
    log_path = folder / "prometheus.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [
                program("prometheus"),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={HOST}:{port}",
            ],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            _await_ready(process, port, log_path)
            yield Prometheus(port)
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/-/ready", timeout=2):
                return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                last = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
                raise PrometheusFailed(f"Prometheus did not start:\n{last}") from None
        time.sleep(0.1)


def _configuration(
    workers: dict[str, str], page: str | None, scrape_seconds: float
) -> dict[str, Any]:
    def targets(pairs: Sequence[tuple[str, dict[str, str]]]) -> list[dict[str, Any]]:
        return [{"targets": [address], "labels": labels} for address, labels in pairs]

    jobs = [
        {
            "job_name": "babelwire",
            "honor_labels": True,
            "static_configs": targets(
                [
                    (address, {"stage": stage, "worker": f"{stage}/0"})
                    for stage, address in workers.items()
                ]
            ),
        }
    ]
    if page is not None:
        jobs.append({"job_name": "babelwire-page", "static_configs": targets([(page, {})])})
    return {
        "global": {"scrape_interval": f"{round(scrape_seconds * 1000)}ms"},
        "rule_files": ["rules.yml"],
        "scrape_configs": jobs,
    }

"""The embedded broker starts, keeps its data, stops, and says what is wrong when it cannot."""

import asyncio
import dataclasses
import json
import os
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import UnknownTopicOrPartitionError

from streams import embedded
from streams.embedded import Broker, EmbeddedKafkaError
from streams.settings import Settings
from streams.topics import LARGEST_RECORD_BYTES

pytestmark = pytest.mark.broker


@pytest.fixture
def state_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "state"
    embedded.stop(tmp_path / "state", timeout=5)


async def _create_topic(bootstrap: str, name: str, configuration: dict[str, str]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 1, 1, topic_configs=configuration)])
    finally:
        await admin.close()


async def _write(bootstrap: str, topic: str, value: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_request_size=32 << 20)
    await producer.start()
    try:
        await producer.send_and_wait(topic, value)
    finally:
        await producer.stop()


async def _read_one(bootstrap: str, topic: str) -> bytes | None:
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", group_id="readers"
    )
    await consumer.start()
    try:
        value: bytes | None = (await asyncio.wait_for(consumer.getone(), 20)).value
        return value
    finally:
        await consumer.stop()


def test_records_survive_a_clean_restart(state_dir: Path, jars: Path) -> None:
    reports: list[str] = []
    largest = b"x" * (LARGEST_RECORD_BYTES - 1024)

    first = embedded.start(state_dir, jars=jars, port=0, report=reports.append)
    assert embedded.status(state_dir) == first
    assert first.bootstrap in reports[-1]
    asyncio.run(
        _create_topic(first.bootstrap, "kept", {"max.message.bytes": str(LARGEST_RECORD_BYTES)})
    )
    asyncio.run(_write(first.bootstrap, "kept", largest))

    assert embedded.stop(state_dir)
    assert embedded.status(state_dir) is None
    assert not Path(f"/proc/{first.pid}").exists()
    assert list((state_dir / "kafka" / "data").glob(".kafka_cleanshutdown"))
    assert "ERROR" not in first.log.read_text(encoding="utf-8")

    second = embedded.start(state_dir, jars=jars, port=0)
    assert second.pid != first.pid
    assert asyncio.run(_read_one(second.bootstrap, "kept")) == largest

    with pytest.raises(EmbeddedKafkaError, match=f"already running.* pid {second.pid}"):
        embedded.start(state_dir, jars=jars, port=0)


def test_records_survive_a_killed_broker_and_the_restart_says_so(
    state_dir: Path,
    jars: Path,
) -> None:
    first = embedded.start(state_dir, jars=jars, port=0)
    asyncio.run(_create_topic(first.bootstrap, "kept", {}))
    asyncio.run(_write(first.bootstrap, "kept", b"here"))
    os.kill(first.pid, 9)
    os.waitpid(first.pid, 0)

    assert embedded.status(state_dir) is None
    reports: list[str] = []
    second = embedded.start(state_dir, jars=jars, port=0, report=reports.append)
    assert f"pid {first.pid} ended without being stopped" in reports[0]
    assert asyncio.run(_read_one(second.bootstrap, "kept")) == b"here"


def test_the_broker_outlives_its_starter_and_another_process_can_stop_it(
    state_dir: Path,
    jars: Path,
) -> None:
    starter = (
        "import sys; from pathlib import Path; from streams import embedded;"
        "embedded.start(Path(sys.argv[1]), jars=Path(sys.argv[2]), port=0)"
    )
    subprocess.run([sys.executable, "-c", starter, state_dir, jars], check=True, timeout=90)

    running = embedded.status(state_dir)
    assert running is not None
    assert os.getsid(running.pid) == running.pid
    assert embedded.stop(state_dir)
    assert embedded.status(state_dir) is None


def test_it_listens_on_loopback_only_and_creates_no_topic_unasked(broker: Broker) -> None:
    port = int(broker.bootstrap.rpartition(":")[2])
    table = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
    addresses = {
        line.split()[1].rpartition(":")[0]
        for line in table.splitlines()
        if f":{port:04X} " in line and line.split()[3] == "0A"
    }
    assert addresses <= {"0100007F", "0000000000000000FFFF00000100007F"}
    assert addresses

    async def describe() -> list[dict[str, int]]:
        admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
        await admin.start()
        try:
            described: list[dict[str, int]] = await admin.describe_topics(["never-declared"])
            return described
        finally:
            await admin.close()

    assert asyncio.run(describe())[0]["error_code"] == UnknownTopicOrPartitionError.errno


def test_a_stop_that_takes_too_long_ends_in_a_kill(state_dir: Path, jars: Path) -> None:
    running = embedded.start(state_dir, jars=jars, port=0)
    os.kill(running.pid, 19)  # SIGSTOP: SIGTERM now waits, SIGKILL does not
    assert embedded.stop(state_dir, timeout=0.5)
    assert not Path(f"/proc/{running.pid}").exists()


def test_stopping_what_does_not_run_is_no_error(state_dir: Path) -> None:
    assert not embedded.stop(state_dir)


def test_a_port_in_use_is_named_with_its_process(state_dir: Path, jars: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EmbeddedKafkaError) as refusal:
            embedded.start(state_dir, jars=jars, port=port)
    assert f"Port {port} " in str(refusal.value)
    assert f"(pid {os.getpid()})" in str(refusal.value)
    assert "--port" in str(refusal.value)
    assert embedded.status(state_dir) is None


def _fake_java(folder: Path, version: str, then: str = "exit 1") -> None:
    folder.mkdir(exist_ok=True)
    java = folder / "java"
    java.write_text(
        textwrap.dedent(
            f"""\
            #!/bin/sh
            if [ "$1" = -version ]; then echo 'openjdk version "{version}"' >&2; exit 0; fi
            {then}
            """
        )
    )
    java.chmod(0o755)


@pytest.mark.parametrize("version", ["1.8.0_402", "11.0.22"])
def test_an_old_java_is_refused_with_the_package_to_install(
    version: str, tmp_path: Path, state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fake_java(tmp_path / "bin", version)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(EmbeddedKafkaError, match=r"is Java (8|11)\.") as refusal:
        embedded.start(state_dir, jars=tmp_path, port=0)
    assert "apt-get install default-jre-headless" in str(refusal.value)


def test_a_missing_java_is_named_with_the_package_to_install(
    tmp_path: Path, state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(EmbeddedKafkaError, match="no `java`") as refusal:
        embedded.start(state_dir, jars=tmp_path, port=0)
    assert "openjdk-17-jre-headless" in str(refusal.value)


def test_a_full_disk_is_refused_before_anything_is_started(
    state_dir: Path,
    jars: Path,
) -> None:
    with pytest.raises(EmbeddedKafkaError, match=r"20 MiB are free at .* 1024 MiB are needed"):
        embedded.start(state_dir, jars=jars, port=0, free_bytes=lambda _: 20 << 20)
    assert not (state_dir / "kafka" / "data").exists()


def test_a_broker_that_ends_at_once_is_reported_with_its_last_words(
    tmp_path: Path, state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    format_then_fail = (
        'case "$*" in *StorageTool*) exit 0;; esac; echo "FATAL no such thing" >&2; exit 1'
    )
    _fake_java(tmp_path / "bin", "17.0.1", format_then_fail)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(EmbeddedKafkaError, match="ended while it started") as failure:
        embedded.start(state_dir, jars=tmp_path, port=0)
    assert "FATAL no such thing" in str(failure.value)
    assert not (state_dir / "kafka" / "broker.json").exists()


def test_a_broker_that_never_answers_is_stopped_again(
    tmp_path: Path, state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid_file = tmp_path / "pid"
    # Stays under its own command line, as java does, and listens on nothing.
    hang = (
        'case "$*" in *StorageTool*) exit 0;; esac; '
        f"echo $$ > {pid_file}; while :; do sleep 0.1; done"
    )
    _fake_java(tmp_path / "bin", "17.0.1", hang)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(embedded, "START_LIMIT_S", 0.5)
    with pytest.raises(EmbeddedKafkaError, match="did not answer within"):
        embedded.start(state_dir, jars=tmp_path, port=0)
    assert not Path(f"/proc/{pid_file.read_text().strip()}").exists()


@pytest.mark.parametrize("record", ["", "{", "[]", '{"pid": "x"}'])
def test_a_damaged_pid_file_does_not_count(
    record: str,
    state_dir: Path,
    jars: Path,
) -> None:
    (state_dir / "kafka").mkdir(parents=True)
    (state_dir / "kafka" / "broker.json").write_text(record)
    assert embedded.status(state_dir) is None
    reports: list[str] = []
    with pytest.raises(EmbeddedKafkaError, match="Not enough disk"):
        embedded.start(state_dir, jars=jars, report=reports.append, free_bytes=lambda _: 0)
    assert "is damaged" in reports[0]


def test_a_process_that_got_the_old_pid_is_left_alone(state_dir: Path) -> None:
    (state_dir / "kafka").mkdir(parents=True)
    record = state_dir / "kafka" / "broker.json"
    with subprocess.Popen(["sleep", "60"]) as stranger:
        record.write_text(json.dumps({"pid": stranger.pid, "bootstrap": "127.0.0.1:9"}))
        assert embedded.status(state_dir) is None
        assert not embedded.stop(state_dir)
        assert stranger.poll() is None
        stranger.kill()


def test_nodes_of_a_cluster_know_each_other_and_have_ports_of_their_own(tmp_path: Path) -> None:
    nodes = embedded.cluster(tmp_path, 3)
    ports = [port for node in nodes for port in (node.port, node.controller_port)]
    assert len(set(ports)) == 6
    assert len({node.state_dir for node in nodes}) == 3
    assert [node.properties["node.id"] for node in nodes] == ["1", "2", "3"]
    [voters] = {node.properties["controller.quorum.voters"] for node in nodes}
    assert voters == ",".join(
        f"{number}@127.0.0.1:{node.controller_port}" for number, node in enumerate(nodes, 1)
    )
    assert {node.properties["transaction.state.log.min.isr"] for node in nodes} == {"2"}


def test_given_properties_take_the_place_of_the_template_s(tmp_path: Path, jars: Path) -> None:
    [node] = embedded.cluster(tmp_path, 1)
    named = {**node.properties, "node.id": "7"}
    named["controller.quorum.voters"] = f"7@127.0.0.1:{node.controller_port}"
    [broker] = embedded.start_together([dataclasses.replace(node, properties=named)], jars=jars)
    try:
        assert asyncio.run(_node_ids(broker.bootstrap)) == [7]
    finally:
        embedded.stop(node.state_dir, timeout=5)


async def _node_ids(bootstrap: str) -> list[int]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        return [broker["node_id"] for broker in (await admin.describe_cluster())["brokers"]]
    finally:
        await admin.close()


def _fake_maven(folder: Path, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "mvn").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "mvn").chmod(0o755)


FETCHES_ONE_JAR = """
for word in "$@"; do case "$word" in -DoutputDirectory=*) out="${word#*=}";; esac; done
echo called >> "$(dirname "$0")/calls"; sleep 0.5
mkdir -p "$out"; : > "$out/kafka_2.13-4.jar"
"""


def test_without_maven_and_without_jars_the_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EmbeddedKafkaError, match="apt-get install maven"):
        embedded.fetch_jars(Settings(cache_dir=tmp_path / "cache"))


def test_jars_in_the_cache_need_no_maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(cache_dir=tmp_path / "cache")
    _fake_maven(tmp_path / "bin", FETCHES_ONE_JAR)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    reports: list[str] = []
    fetched = embedded.fetch_jars(settings, reports.append)
    assert [jar.name for jar in fetched.iterdir()] == ["kafka_2.13-4.jar"]
    assert "1 jars" in reports[-1]

    monkeypatch.setenv("PATH", str(tmp_path))
    assert embedded.fetch_jars(settings) == fetched


def test_two_processes_fetch_the_jars_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _fake_maven(tmp_path / "bin", FETCHES_ONE_JAR)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("BABELWIRE_CACHE_DIR", str(tmp_path / "cache"))
    fetch = "from streams import embedded, settings; embedded.fetch_jars(settings.Settings())"
    both = [subprocess.Popen([sys.executable, "-c", fetch]) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert (tmp_path / "bin" / "calls").read_text().count("called") == 1


def test_a_failed_fetch_says_why_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(cache_dir=tmp_path / "cache")
    _fake_maven(tmp_path / "bin", "echo '[ERROR] Unknown host'; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    with pytest.raises(EmbeddedKafkaError, match="Unknown host"):
        embedded.fetch_jars(settings)
    assert {path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()} == {"lock"}


def test_jars_are_not_fetched_onto_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fake_maven(tmp_path / "bin", FETCHES_ONE_JAR)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    with pytest.raises(EmbeddedKafkaError, match="5 MiB are free"):
        embedded.fetch_jars(Settings(cache_dir=tmp_path / "c"), free_bytes=lambda _: 5 << 20)
    assert not (tmp_path / "bin" / "calls").exists()


def test_a_state_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedKafkaError, match="BABELWIRE_STATE_DIR"):
        embedded.start(tmp_path / "file", jars=tmp_path)


def test_outside_a_checkout_the_message_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_CONFIGURATION", tmp_path)
    with pytest.raises(EmbeddedKafkaError, match="BABELWIRE_BOOTSTRAP_SERVERS"):
        embedded.fetch_jars(Settings(cache_dir=tmp_path))

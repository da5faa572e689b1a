"""The embedded broker: a real Apache Kafka, one KRaft node, on this machine's loopback address.

Everything it needs to know is in `ops/kafka/`: the jars (`pom.xml`), the broker's settings
(`server.properties`, a template) and its log (`log4j2.xml`). Everything it leaves behind is in
`<state_dir>/kafka/`: `data/`, `server.log`, `console.log` and, while it runs, `broker.json`.

A cluster of several such nodes on this machine, for tests of what brokers do to each other, comes
from `cluster` and `start_together`.

For Linux: whether a pid is still our broker is read from /proc.
The functions block. From asyncio, call them through `asyncio.to_thread`.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import random
import re
import shutil
import signal
import socket
import string
import subprocess
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streams.settings import Settings

HOST: Final = "127.0.0.1"
CLUSTER_ID: Final = (
    "BabelwireEmbeddedKafkA"  # 16 bytes in base64; a leading "-" breaks Kafka's tool
)
OLDEST_JAVA: Final = 17
START_LIMIT_S: Final = 60.0
ROOM_FOR_DATA: Final = 1 << 30
ROOM_FOR_JARS: Final = 200 << 20

Report = Callable[[str], None]
FreeBytes = Callable[[Path], int]

# Linux gives outgoing connections ports from 32768 on, unless told otherwise.
_LASTING_PORTS: Final = range(20_000, 32_000)
NO_PROPERTIES: Final[Mapping[str, str]] = MappingProxyType({})

# A broker of minutes never earns back what the second compiler costs: half of its processor time.
_FOR_SMALL_MACHINES: Final = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")

_CONFIGURATION: Final = Path(__file__).resolve().parents[1] / "ops" / "kafka"


class EmbeddedKafkaError(Exception):
    """The broker cannot be had; the message says why and what to do about it."""


@dataclass(frozen=True)
class Broker:
    """A running embedded broker. `bootstrap` is `host:port`; `log` is its log file."""

    bootstrap: str
    pid: int
    log: Path


@dataclass(frozen=True)
class _Files:
    """Where one embedded broker keeps what."""

    home: Path

    @classmethod
    def of(cls, state_dir: Path) -> "_Files":
        return cls(state_dir.resolve() / "kafka")

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def properties(self) -> Path:
        return self.home / "server.properties"

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    @property
    def console(self) -> Path:
        return self.home / "console.log"

    @property
    def record(self) -> Path:
        return self.home / "broker.json"

    @property
    def lock(self) -> Path:
        return self.home / "lock"


def free_bytes(folder: Path) -> int:
    """The bytes free on the disk of `folder`, which must exist."""
    return shutil.disk_usage(folder).free


def _ignore(_line: str) -> None:
    pass


def fetch_jars(
    settings: Settings, report: Report = _ignore, *, free_bytes: FreeBytes = free_bytes
) -> Path:
    """The folder with the broker's jars, fetched with Maven unless it is in the cache.

    The folder is `<cache_dir>/kafka/<version>/libs`. It appears only when complete, and of several
    processes that ask at once, one fetches and the others wait.

    Raises:
        EmbeddedKafkaError: no Maven, no disk space, no network, or no checkout to read
            `pom.xml` from.
    """
    pom = _configuration_file("pom.xml")
    version = _kafka_version(pom)
    libs = settings.cache_dir.resolve() / "kafka" / version / "libs"
    if libs.is_dir():
        return libs
    _create(libs.parent)
    with _locked(libs.parent / "lock"):
        if libs.is_dir():
            return libs
        maven = shutil.which("mvn")
        if maven is None:
            raise EmbeddedKafkaError(
                "Maven fetches the Kafka broker's jars, and there is no `mvn` on the PATH.\n"
                "Install it: apt-get install maven"
            )
        _require_room(libs.parent, ROOM_FOR_JARS, "the Kafka broker's jars", free_bytes)
        with tempfile.TemporaryDirectory(prefix="fetching-", dir=libs.parent) as fetching:
            _run_maven(maven, pom, Path(fetching) / "libs", f"Kafka {version}", report)
            (Path(fetching) / "libs").rename(libs)
    return libs


def start(
    state_dir: Path,
    *,
    jars: Path,
    port: int = 9092,
    controller_port: int | None = None,
    heap: str = "512m",
    properties: Mapping[str, str] = NO_PROPERTIES,
    scram: Mapping[str, str] = NO_PROPERTIES,
    report: Report = _ignore,
    free_bytes: FreeBytes = free_bytes,
) -> Broker:
    """Starts the broker and returns when it answers.

    It outlives this process and listens on 127.0.0.1 only. Its data, in `state_dir`, are those of
    the last run there. `jars` comes from `fetch_jars`; `port` 0 takes any free port, and so does
    `controller_port` None; `heap` is Java's `-Xmx`; `properties` are broker properties that add to
    those of `server.properties` or take their place.

    `scram` are passwords by user for SCRAM-SHA-512, known to the broker from its first start in
    `state_dir` on. They pass through a process's arguments, so they are for tests and trials.

    Raises:
        EmbeddedKafkaError: already running in `state_dir`, port in use, no or too old Java, less
            than 1 GiB free, or it did not answer within 60 s (it is then stopped again).
    """
    files = _Files.of(state_dir)
    _create(files.home)
    with _locked(files.lock):
        running = _recorded(files, report)
        if running is not None:
            raise EmbeddedKafkaError(
                f"The broker is already running: {running.bootstrap}, pid {running.pid}.\n"
                "Use it as it is, or stop it first: babelwire kafka stop"
            )
        java = _java()
        _require_room(files.home, ROOM_FOR_DATA, "the Kafka broker's data", free_bytes)
        port = port or _free_port()
        controller_port = controller_port or _free_port()
        for wanted in (port, controller_port):
            _require_free(wanted)

        template = _configuration_file("server.properties").read_text(encoding="utf-8")
        lines = string.Template(template).substitute(
            port=port, controller_port=controller_port, data_dir=files.data
        )
        # Of a property that is given twice Java takes the later one.
        more = "".join(f"{name}={value}\n" for name, value in properties.items())
        files.properties.write_text(f"{lines}\n{more}", encoding="utf-8")
        command = [
            java,
            f"-Xmx{heap}",
            *_FOR_SMALL_MACHINES,
            f"-Dbabelwire.kafka.dir={files.home}",
            f"-Dlog4j2.configurationFile={_configuration_file('log4j2.xml')}",
            "-cp",
            f"{jars.resolve()}/*",
        ]
        # Format leaves this file last, so it is there when a format went through.
        if not (files.data / "meta.properties").exists():
            _format(command, files, scram)
        broker = Broker(
            bootstrap=f"{HOST}:{port}",
            pid=_spawn([*command, "kafka.Kafka", str(files.properties)], files.console),
            log=files.log,
        )
        try:
            files.record.write_text(
                json.dumps({"pid": broker.pid, "bootstrap": broker.bootstrap}), encoding="utf-8"
            )
            _await_answer(broker, files)
        except BaseException:
            _terminate(broker.pid, files, timeout=0)
            files.record.unlink(missing_ok=True)
            raise
    report(f"Kafka answers on {broker.bootstrap} (pid {broker.pid}, log {broker.log})")
    return broker


def stop(state_dir: Path, timeout: float = 30.0) -> bool:
    """Stops the broker of `state_dir`; True if one was running.

    It gets SIGTERM, and SIGKILL when it is still there after `timeout` seconds. Kafka's log
    survives either; after the second the next start takes a little longer.
    """
    files = _Files.of(state_dir)
    running = _recorded(files, _ignore)
    if running is not None:
        _terminate(running.pid, files, timeout)
    files.record.unlink(missing_ok=True)
    return running is not None


def status(state_dir: Path) -> Broker | None:
    """The broker that runs in `state_dir`, or None. It may still be on its way up."""
    return _recorded(_Files.of(state_dir), _ignore)


@dataclass(frozen=True)
class Node:
    """One node of a cluster: where its data are, its ports, and what joins it to the others.

    The ports stay the same when the node is started again, since the others know it by them.
    """

    state_dir: Path
    port: int
    controller_port: int
    properties: Mapping[str, str]


def cluster(state_dir: Path, size: int) -> list[Node]:
    """The nodes of a cluster of `size`, each broker and controller; nothing is started yet.

    Internal topics are kept on all nodes, up to three, and a write to them needs all but one.
    """
    ports = _free_ports(2 * size)
    numbers = range(1, size + 1)
    replicas = str(min(size, 3))
    in_sync = str(max(1, min(size, 3) - 1))
    controllers = ports[size:]
    voters = ",".join(
        f"{number}@{HOST}:{port}" for number, port in zip(numbers, controllers, strict=True)
    )
    shared = {
        "controller.quorum.voters": voters,
        "default.replication.factor": replicas,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": replicas,
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": in_sync,
    }
    return [
        Node(
            state_dir / f"node-{number}",
            ports[number - 1],
            controllers[number - 1],
            {**shared, "node.id": str(number)},
        )
        for number in numbers
    ]


def start_node(node: Node, *, jars: Path, heap: str = "512m") -> Broker:
    """Starts one node, as `start` does; it answers only once a majority of the nodes is up."""
    return start(
        node.state_dir,
        jars=jars,
        port=node.port,
        controller_port=node.controller_port,
        heap=heap,
        properties=node.properties,
    )


def start_together(nodes: Sequence[Node], *, jars: Path, heap: str = "512m") -> list[Broker]:
    """Starts the nodes at the same time and returns when each answers.

    Raises:
        EmbeddedKafkaError: as `start`; those that came up are then stopped again.
    """
    with ThreadPoolExecutor(len(nodes)) as threads:
        starting = [threads.submit(start_node, node, jars=jars, heap=heap) for node in nodes]
    faults = [fault for each in starting if (fault := each.exception()) is not None]
    if faults:
        for node in nodes:
            stop(node.state_dir)
        raise faults[0]
    return [each.result() for each in starting]


def _configuration_file(name: str) -> Path:
    path = _CONFIGURATION / name
    if not path.is_file():
        raise EmbeddedKafkaError(
            f"{path} is missing. The embedded broker runs from a checkout of babelwire "
            "(`make setup` there, or pip install -e);\n"
            "installed in any other way, point BABELWIRE_BOOTSTRAP_SERVERS at a broker of your own."
        )
    return path


def _kafka_version(pom: Path) -> str:
    version = ET.parse(pom).findtext(
        "m:properties/m:kafka.version", namespaces={"m": "http://maven.apache.org/POM/4.0.0"}
    )
    if not version:
        raise EmbeddedKafkaError(f"{pom} states no <kafka.version>. Restore it: git checkout {pom}")
    return version


def _create(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EmbeddedKafkaError(
            f"Cannot create {folder}: {error.strerror}.\n"
            "Choose other places with BABELWIRE_STATE_DIR and BABELWIRE_CACHE_DIR."
        ) from error


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _require_room(folder: Path, needed: int, purpose: str, free_bytes: FreeBytes) -> None:
    free = free_bytes(folder)
    if free < needed:
        raise EmbeddedKafkaError(
            f"Not enough disk for {purpose}: {free >> 20} MiB are free at {folder}, "
            f"{needed >> 20} MiB are needed.\n"
            "Free some, or choose other places with BABELWIRE_STATE_DIR and BABELWIRE_CACHE_DIR."
        )


def _run_maven(maven: str, pom: Path, libs: Path, what: str, report: Report) -> None:
    report(f"{what}: fetching the broker's jars with Maven (45 MB, once)")
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        options = ["-B", "-q", "-C", "-f", str(pom)]
        selection = ["-DincludeScope=runtime", f"-DoutputDirectory={libs}"]
        process = subprocess.Popen(
            [maven, *options, "dependency:copy-dependencies", *selection],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=10)
                    break
                report(f"{what}: still fetching, {time.monotonic() - began:.0f} s")
        except BaseException:
            process.kill()
            process.wait()
            raise
        if process.returncode != 0 or not any(libs.glob("kafka_*.jar")):
            output.seek(0)
            raise EmbeddedKafkaError(
                f"Maven could not fetch the Kafka broker's jars:\n{_tail(output.read(), 6)}\n"
                "Check the network, and the proxy or mirror in ~/.m2/settings.xml; then try again."
            )
    count = sum(1 for _ in libs.glob("*.jar"))
    report(f"{what}: {count} jars in {time.monotonic() - began:.0f} s")


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin") if home else None
    java = java or shutil.which("java")
    advice = (
        f"Kafka needs Java {OLDEST_JAVA} or newer. "
        "Install it: apt-get install default-jre-headless (or openjdk-17-jre-headless)"
    )
    if java is None:
        raise EmbeddedKafkaError(f"There is no `java` on the PATH.\n{advice}")
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(?:1\.)?(\d+)', said)
    if found is None:
        raise EmbeddedKafkaError(f"{java} does not say its version: {_tail(said, 3)}\n{advice}")
    if int(found[1]) < OLDEST_JAVA:
        raise EmbeddedKafkaError(f"{java} is Java {found[1]}.\n{advice}")
    return java


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _free_ports(count: int) -> list[int]:
    """Distinct free ports that stay free while a node is down.

    They lie below those that the system gives to outgoing connections, one of which would sooner or
    later sit on the port of a node that is just being started again.
    """
    found: list[int] = []
    for port in random.sample(_LASTING_PORTS, len(_LASTING_PORTS)):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            found.append(port)
        if len(found) == count:
            return found
    raise EmbeddedKafkaError(
        f"There are no {count} free ports from {_LASTING_PORTS.start} to {_LASTING_PORTS.stop - 1}."
    )


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        # As Java does: a port whose last connections are in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            holder = _listener(port)
            raise EmbeddedKafkaError(
                f"Port {port} cannot be used: {error.strerror}"
                + (f" by {holder}" if holder else "")
                + ".\nStop what holds it, or choose another: babelwire kafka start --port PORT"
            ) from error


def _listener(port: int) -> str | None:
    """The name and pid of the process that listens on `port`, as far as /proc shows it to us."""
    listening = "0A"
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text(encoding="ascii").splitlines()[1:]:
                _, local, _, state, *_, inode = line.split()[:10]
                if state == listening and int(local.rpartition(":")[2], 16) == port:
                    inodes.add(f"socket:[{inode}]")
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(str(fd.readlink()) in inodes for fd in (process / "fd").iterdir()):
                name = (process / "comm").read_text(encoding="utf-8").strip()
                return f"{name} (pid {process.name})"
    return None


def _format(command: list[str], files: _Files, scram: Mapping[str, str]) -> None:
    tool = [*command, "kafka.tools.StorageTool", "format", "--ignore-formatted"]
    for user, password in scram.items():
        tool += ["--add-scram", f"SCRAM-SHA-512=[name={user},password={password}]"]
    made = subprocess.run(
        [*tool, "--cluster-id", CLUSTER_ID, "--config", str(files.properties)],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        raise EmbeddedKafkaError(
            f"Kafka could not prepare {files.data}:\n{_tail(made.stdout + made.stderr, 6)}"
        )


def _spawn(command: list[str], console: Path) -> int:
    """Starts a process in a session of its own, so that it lives on when we or our terminal end."""
    write = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    return os.posix_spawn(
        command[0],
        command,
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(console), write, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )


def _await_answer(broker: Broker, files: _Files) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    host, port = broker.bootstrap.split(":")
    while not (_listens(host, int(port)) and asyncio.run(_answers(broker.bootstrap))):
        # Not asked of /proc: a command line is empty for a moment after the process starts.
        if os.waitpid(broker.pid, os.WNOHANG) != (0, 0):
            raise EmbeddedKafkaError(f"Kafka ended while it started.\n{_last_words(files)}")
        if time.monotonic() > deadline:
            raise EmbeddedKafkaError(
                f"Kafka did not answer within {START_LIMIT_S:.0f} s and was stopped.\n"
                f"{_last_words(files)}"
            )
        time.sleep(0.1)


def _listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


async def _answers(bootstrap: str) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=5_000)
    try:
        await admin.start()
        return bool((await admin.describe_cluster())["brokers"])
    except (KafkaError, OSError, TimeoutError):
        return False
    finally:
        await admin.close()


def _last_words(files: _Files) -> str:
    for log in (files.console, files.log):
        with contextlib.suppress(OSError):
            text = log.read_text(encoding="utf-8", errors="replace")
            worst = [line for line in text.splitlines() if re.search(r"\b(ERROR|FATAL)\b", line)]
            if log == files.console or worst:
                said = _tail("\n".join(worst) or text, 6)
                if said:
                    return f"{said}\nMore in {log}"
    return f"Its log is {files.log}"


def _tail(text: str, lines: int) -> str:
    return "\n".join([line for line in text.splitlines() if line.strip()][-lines:])


def _recorded(files: _Files, report: Report) -> Broker | None:
    """The broker that the record names, if that process lives and is ours. What else the record
    may name, such as a process that got the pid after a power cut, is left alone."""
    try:
        record = json.loads(files.record.read_text(encoding="utf-8"))
        broker = Broker(bootstrap=record["bootstrap"], pid=int(record["pid"]), log=files.log)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        report(f"{files.record} is damaged and does not count")
        return None
    if _is_ours(broker.pid, files):
        return broker
    report(f"The broker of pid {broker.pid} ended without being stopped; its data are kept")
    return None


def _is_ours(pid: int, files: _Files) -> bool:
    """Whether `pid` lives and is the broker of these files. A zombie has no command line."""
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return f"-Dbabelwire.kafka.dir={files.home}".encode() in arguments


def _terminate(pid: int, files: _Files, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        while _is_ours(pid, files):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)

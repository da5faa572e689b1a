"""TLS, logins and permissions, on a real broker that asks for all three."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from agents.pipeline import PIPELINE
from streams import acls, clients, reading
from streams.acls import Acl
from streams.stage import Stage
from streams.topics import DEAD_LETTERS, TOPICS, Topic
from tests.broker.harness import Desk, open_desk, until
from tests.broker.secured import (
    PASSWORDS,
    Authority,
    Secured,
    at,
    grant,
    logged_in,
    secured_broker,
)

BODY = "The council of Porto approved the new tram line on Monday evening. " * 5


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory, jars: Path) -> Iterator[Secured]:
    with secured_broker(tmp_path_factory.mktemp("secured"), jars) as broker:
        yield broker


@pytest.fixture(scope="module")
def office(secured: Secured, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Topics on the secured broker; each stage's user has what the stage needs, no more."""
    desk = open_desk(secured.plain, tmp_path_factory.mktemp("office"))
    prefix = desk.settings.topic_prefix
    for stage in PIPELINE:
        grant(desk.settings, acls.needed(stage, prefix, f"User:{stage.name}"))
        grant(desk.settings, acls.needed(stage, prefix, "User:crew"))
    grant(desk.settings, [Acl("User:reader", "Read", "topic", desk.topic("enriched"))])
    return desk


def no_secret_in(text: str) -> bool:
    return not any(password in text for password in PASSWORDS.values())


def test_each_stage_works_under_a_user_that_may_do_only_what_the_stage_needs(
    office: Desk, secured: Secured, tmp_path: Path
) -> None:
    password_file = tmp_path / "password"
    password_file.write_text(PASSWORDS["translation"] + "\n")
    # At debug, where aiokafka would write its requests.
    first, second, third = (
        logged_in(office, secured, "normalization", log_level="debug"),
        logged_in(office, secured, "translation", sasl_password_file=password_file),
        logged_in(office, secured, "tagging", log_level="debug"),
    )
    office.produce([(None, orjson.dumps({"body": BODY}), []), (None, b"not json", [])])
    with (
        first.running("worker", "normalization"),
        second.running("worker", "translation"),
        third.running("worker", "tagging"),
    ):
        office.await_outcomes(2)
    [event] = office.events()
    assert event["versions"].keys() == {stage.name for stage in PIPELINE}
    assert [letter.reason for letter, _ in office.dead_letters().values()] == ["not_json"]
    for stage in PIPELINE:
        assert no_secret_in(office.log_of("worker", stage.name).read_text())
    seen = logged_in(office, secured, "reader").run("tail", "--since", "1h", "--once", "--json")
    assert orjson.loads(seen.stdout)["article_id"] == event["article_id"]


@pytest.mark.parametrize("stage", PIPELINE, ids=lambda stage: stage.name)
def test_what_a_stage_does_not_need_is_refused_to_its_user_by_name(
    stage: Stage, office: Desk, secured: Secured
) -> None:
    settings = logged_in(office, secured, stage.name).settings
    prefix = settings.topic_prefix

    async def read(topic: Topic) -> None:
        async for _ in reading.follow(settings, topic.full_name(prefix), 0.0, stop_at_end=True):
            pass

    async def write(topic: Topic) -> None:
        async with clients.producer(settings) as producer:
            await producer.send_and_wait(topic.full_name(prefix), b"x", key=b"x")

    async def transact(name: str) -> None:
        with clients.authorized(settings):
            async with AIOKafkaProducer(
                **clients.connection(settings), transactional_id=f"{prefix}.{name}.0"
            ):
                pass

    async def join(name: str) -> None:
        consumer = AIOKafkaConsumer(
            stage.reads.full_name(prefix),
            **clients.connection(settings),
            group_id=f"{prefix}.{name}",
        )
        try:
            with clients.authorized(settings):
                await consumer.start()
                await consumer.getmany(timeout_ms=2_000)
        finally:
            await consumer.stop()

    async def attempt_all() -> None:
        for topic in TOPICS:
            if topic != stage.reads:
                with pytest.raises(clients.NotAuthorized, match=topic.full_name(prefix)):
                    await read(topic)
            if topic not in (stage.writes, DEAD_LETTERS):
                with pytest.raises(clients.NotAuthorized, match=topic.full_name(prefix)):
                    await write(topic)
        await clients.wait_for_topics(settings, [], print, f"{prefix}.{stage.name}")
        for other in PIPELINE:
            if other != stage:
                with pytest.raises(clients.NotAuthorized, match=f"{prefix}.{other.name}"):
                    await clients.wait_for_topics(settings, [], print, f"{prefix}.{other.name}")
                with pytest.raises(clients.NotAuthorized, match=f"{prefix}.{other.name}"):
                    await join(other.name)
                with pytest.raises(clients.NotAuthorized, match=f"{prefix}.{other.name}"):
                    await transact(other.name)
        await transact(stage.name)
        with pytest.raises(clients.NotAuthorized, match="elsewhere"):
            await clients.create_topics(settings.model_copy(update={"topic_prefix": "elsewhere"}))

    asyncio.run(attempt_all())


@pytest.mark.parametrize(
    "command", [("push", "-"), ("status",), ("dead-letters", "replay")], ids=" ".join
)
def test_a_command_that_is_not_permitted_says_to_whom_and_what_to_look_at(
    command: tuple[str, ...], office: Desk, secured: Secured
) -> None:
    said = refusal_by_command(logged_in(office, secured, "reader"), *command)
    assert "user reader is not allowed to use" in said
    assert "babelwire topics acls" in said


def refusal_by_command(desk: Desk, *command: str) -> str:
    """What a command says that fails with exit code 1."""
    done = desk.run(*command, stdin=BODY.encode(), check=False)
    said = " ".join(done.stderr.decode().split())
    assert done.returncode == 1, said
    assert "Traceback" not in said
    assert no_secret_in(said)
    return said


def refusal(desk: Desk, kind: type[Exception] = clients.AccessRefused) -> str:
    """What a client says that cannot be started."""
    with pytest.raises(kind) as fault:
        asyncio.run(clients.existing_topics(desk.settings))
    assert no_secret_in(str(fault.value))
    return str(fault.value)


def test_wrong_credentials_are_named_and_the_password_is_not(
    office: Desk, secured: Secured
) -> None:
    wrong = logged_in(office, secured, "reader", sasl_password=PASSWORDS["crew"])
    said = refusal_by_command(wrong, "topics", "show")
    assert "does not accept the login of user reader by SCRAM-SHA-512" in said
    assert "sasl_password" in said
    other = logged_in(office, secured, "reader", sasl_mechanism="SCRAM-SHA-256")
    assert "does not offer sasl_mechanism SCRAM-SHA-256" in refusal(other)


def test_a_worker_with_wrong_credentials_or_without_permission_ends_with_78(
    office: Desk, secured: Secured, tmp_path: Path
) -> None:
    wrong = logged_in(office, secured, "tagging", sasl_password=PASSWORDS["crew"])
    foreign = logged_in(office, secured, "reader")
    fresh = open_desk(secured.plain, tmp_path)
    needed = acls.needed(PIPELINE[2], fresh.settings.topic_prefix, "User:reader")
    grant(fresh.settings, [acl for acl in needed if acl.resource == "topic"])
    groupless = logged_in(fresh, secured, "reader")
    for desk, words in (
        (wrong, "does not accept the login"),
        (foreign, "is not allowed to use topic"),
        (groupless, f"is not allowed to use consumer group {fresh.topic('tagging')}:"),
    ):
        done = desk.run("worker", "tagging", check=False)
        assert done.returncode == 78
        assert words in done.stderr.decode()
        assert "Traceback" not in done.stderr.decode()
        assert no_secret_in(done.stderr.decode())


def test_a_broker_whose_authority_is_not_ours_is_not_trusted(
    office: Desk, secured: Secured, tmp_path: Path
) -> None:
    stranger = Authority.found(tmp_path / "stranger")
    said = refusal(logged_in(office, secured, "reader", ssl_cafile=stranger.certificate))
    assert f"the certificate of {secured.login} is not trusted" in said
    assert f"check ssl_cafile ({stranger.certificate})" in said


def test_a_client_certificate_lets_in_and_its_absence_is_named(
    office: Desk, secured: Secured, tmp_path: Path
) -> None:
    def through(**wire: str | Path) -> Desk:
        trusted = secured.authority.certificate
        return at(office, secured.certificate, security_protocol="SSL", ssl_cafile=trusted, **wire)

    known = secured.authority.issue("reader", password="swordfish")
    through(ssl_certfile=known, ssl_key_password="swordfish").run("tail", "--since", "1h", "--once")
    assert "ssl_certfile is not set" in refusal(through(), clients.BrokerUnreachable)
    strange = Authority.found(tmp_path / "strange").issue("reader")
    assert "ssl_certfile" in refusal(through(ssl_certfile=strange), clients.BrokerUnreachable)
    said = refusal(through(ssl_certfile=known, ssl_key_password="herring"))
    assert "ssl_key_password" in said
    assert "herring" not in said
    assert "cannot read ssl_certfile" in refusal(through(ssl_certfile=known.parent / "absent"))


def test_the_wrong_protocol_for_a_port_is_suspected_aloud(office: Desk, secured: Secured) -> None:
    for desk in (
        at(office, secured.login),
        at(office, secured.certificate),
        at(office, secured.plain, security_protocol="SSL"),
        logged_in(office, secured, "reader", address=secured.plain),
        logged_in(office, secured, "reader", security_protocol="SASL_PLAINTEXT", ssl_cafile=None),
        at(
            office,
            secured.login,
            security_protocol="SSL",
            ssl_cafile=secured.authority.certificate,
        ),
    ):
        said = refusal(desk, clients.BrokerUnreachable)
        assert "something" in said
        assert "check security_protocol" in said
    unencrypted = logged_in(
        *(office, secured, "reader"),
        address=secured.plain,
        security_protocol="SASL_PLAINTEXT",
        ssl_cafile=None,
    )
    assert "takes no logins" in refusal(unencrypted)


def test_secrets_are_in_no_argument_of_supervised_workers(office: Desk, secured: Secured) -> None:
    desk = logged_in(office, secured, "crew")

    def workers(supervisor: int) -> list[str]:
        return [command for command in descendants(supervisor) if " agents.work " in command]

    with desk.running("run") as supervisor:
        until(lambda: len(workers(supervisor.pid)) == len(PIPELINE), 30, "the workers")
        assert no_secret_in("\n".join(descendants(supervisor.pid)))


def descendants(pid: int) -> list[str]:
    """The command lines of a process and all that it started."""
    found = [Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()]
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for child in (thread / "children").read_text().split():
            found += descendants(int(child))
    return found

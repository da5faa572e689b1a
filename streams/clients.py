"""How every Kafka client of ours is made, so that brokers, limits and logins are set in one place.

What the broker says no to becomes an `AccessRefused` that names what to check; nothing here ever
puts a password into a message, a log line or a `repr`.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.conn import create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    GroupCoordinatorNotAvailableError,
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
    UnsupportedSaslMechanismError,
    for_code,
)
from aiokafka.helpers import create_ssl_context

from streams.settings import Settings
from streams.topics import LARGEST_RECORD_BYTES, TOPICS, Topic

CONNECT_PAUSE_SECONDS: Final = 1.0
# So that a raised number of partitions is noticed within seconds, not within the default 5 minutes.
METADATA_AGE_MS: Final = 10_000
PROBE_MILLISECONDS: Final = 5_000
# How long a worker's consumers' background tasks sleep when nothing tells them to look: what gives
# them something to do wakes them, and the default of 200 ms is most of what an idle worker costs.
CONSUMER_IDLE_MS: Final = 1_000

# The kinds of coordinator, as the protocol numbers them.
_GROUP: Final = 0
_TRANSACTION: Final = 1

_RESOURCES: Final = {
    TopicAuthorizationFailedError: "topic",
    GroupAuthorizationFailedError: "consumer group",
    TransactionalIdAuthorizationFailed: "transactional id",
    # What a producer needs to begin: to be allowed to write somewhere.
    ClusterAuthorizationFailedError: "any topic for writing",
}


class BrokerUnreachable(ConnectionError):
    """No broker answered at the configured address; it may come later."""

    def __init__(self, settings: Settings, hint: str = "") -> None:
        super().__init__(
            f"no Kafka broker answers at {settings.bootstrap_servers}; "
            + (hint or "start one with `babelwire kafka start`, or set BABELWIRE_BOOTSTRAP_SERVERS")
        )


class TopicMissing(LookupError):
    """A topic is not on the broker."""

    def __init__(self, topic: str) -> None:
        super().__init__(f"topic {topic} does not exist; run `babelwire topics create`")


class AccessRefused(PermissionError):
    """We are not let in, or not allowed to do this; trying again changes nothing."""


class WireUnusable(AccessRefused):
    """A file that the connection settings name cannot be used."""


class CredentialsRefused(AccessRefused):
    """The broker does not accept our login."""


class CertificateRefused(AccessRefused):
    """One side of the connection does not trust the other's certificate."""


class NotAuthorized(AccessRefused):
    """The broker's ACLs forbid what we tried."""

    def __init__(self, settings: Settings, resource: str) -> None:
        who = f"user {settings.sasl_username}" if settings.uses_sasl else "this client"
        super().__init__(
            f"{who} is not allowed to use {resource}: the broker's ACLs forbid it;"
            " `babelwire topics acls` prints what each stage needs"
        )


class _Secret(str):
    """A string that does not show in a repr, and so not in a traceback with local variables."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'**********'"


def connection(settings: Settings) -> dict[str, Any]:
    """The keyword arguments that every aiokafka client takes. Raises WireUnusable."""
    arguments: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap_servers,
        "security_protocol": settings.security_protocol,
    }
    if settings.uses_tls:
        arguments["ssl_context"] = _ssl_context(settings)
    if settings.uses_sasl:
        # At debug aiokafka writes its requests, and PLAIN has the password in one of them.
        logging.getLogger("aiokafka.conn").setLevel(logging.WARNING)
        arguments["sasl_mechanism"] = settings.sasl_mechanism
        arguments["sasl_plain_username"] = settings.sasl_username
        arguments["sasl_plain_password"] = _password(settings)
    return arguments


def packing(settings: Settings) -> str | None:
    """The producers' `compression_type`."""
    return None if settings.compression == "none" else settings.compression


def _password(settings: Settings) -> _Secret:
    if settings.sasl_password is not None:
        return _Secret(settings.sasl_password.get_secret_value())
    text = _readable("sasl_password_file", settings.sasl_password_file).rstrip("\r\n")
    if not text:
        raise WireUnusable(f"sasl_password_file {settings.sasl_password_file} is empty")
    return _Secret(text)


def _ssl_context(settings: Settings) -> ssl.SSLContext:
    files = {
        name: getattr(settings, name) for name in ("ssl_cafile", "ssl_certfile", "ssl_keyfile")
    }
    for name, path in files.items():
        if path is not None:
            _readable(name, path)
    key_password = settings.ssl_key_password
    try:
        made: ssl.SSLContext = create_ssl_context(
            cafile=settings.ssl_cafile,
            certfile=settings.ssl_certfile,
            keyfile=settings.ssl_keyfile,
            # Without one, OpenSSL would ask the terminal and wait.
            password=key_password.get_secret_value() if key_password else "",
        )
        return made
    except (ssl.SSLError, OSError) as fault:
        named = ", ".join(f"{name} {path}" for name, path in files.items() if path)
        raise WireUnusable(
            f"cannot use {named} for TLS ({getattr(fault, 'reason', None) or fault}); each must be"
            " PEM, the key must fit the certificate, and ssl_key_password the key"
        ) from None


def _readable(name: str, path: Path | None) -> str:
    try:
        return Path(str(path)).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        why = getattr(fault, "strerror", None) or "it is not a text file"
        raise WireUnusable(f"cannot read {name} {path}: {why}") from None


@asynccontextmanager
async def admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client. Raises BrokerUnreachable and AccessRefused."""
    client = AIOKafkaAdminClient(**connection(settings))
    try:
        await _start(client, settings)
        with authorized(settings):
            yield client
    finally:
        await client.close()


@asynccontextmanager
async def producer(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    """An idempotent producer that waits for all in-sync replicas.

    Raises BrokerUnreachable and AccessRefused.
    """
    client = AIOKafkaProducer(
        **connection(settings),
        acks="all",
        enable_idempotence=True,
        max_request_size=LARGEST_RECORD_BYTES,
        compression_type=packing(settings),
        linger_ms=5,
    )
    try:
        await _start(client, settings)
        with authorized(settings):
            yield client
    finally:
        await client.stop()


@asynccontextmanager
async def reader(
    settings: Settings, fetch_bytes: int = LARGEST_RECORD_BYTES, idle_ms: int = 200
) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer outside of any group, for looking at topics.

    `fetch_bytes` bounds what it fetches ahead of each partition; a larger record comes alone.
    `idle_ms` is how often it looks, untold, whether there is something to do.
    Raises BrokerUnreachable and AccessRefused.
    """
    client = AIOKafkaConsumer(
        **connection(settings),
        enable_auto_commit=False,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        fetch_max_wait_ms=200,
        max_partition_fetch_bytes=fetch_bytes,
        consumer_timeout_ms=idle_ms,
    )
    try:
        await _start(client, settings)
        with authorized(settings):
            yield client
    finally:
        await client.stop()


@contextmanager
def authorized(settings: Settings) -> Iterator[None]:
    """Turns what a client raises when an ACL forbids something into NotAuthorized."""
    try:
        yield
    except tuple(_RESOURCES) as fault:
        kind = _RESOURCES[type(fault)]
        named = fault.args[0] if fault.args else ""
        if isinstance(named, str):
            named = named.removeprefix("Unable to get coordinator id for ")
        if isinstance(named, (set, frozenset, list, tuple)):
            named = ", ".join(sorted(str(each) for each in named))
        raise NotAuthorized(settings, f"{kind} {named}".strip()) from None


async def _start(client: Any, settings: Settings) -> None:
    # aiokafka logs every refused connection as an error on top of raising.
    loggers = [logging.getLogger(name) for name in ("aiokafka", "aiokafka.conn")]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with authorized(settings):
            await client.start()
    except KafkaConnectionError:
        raise await _diagnosis(settings) from None
    finally:
        for logger in loggers:
            logger.setLevel(logging.WARNING)


async def _diagnosis(settings: Settings) -> BrokerUnreachable | AccessRefused:
    """Why no client can start. aiokafka drops the reason, so one connection is made again."""
    arguments = connection(settings)
    servers = arguments.pop("bootstrap_servers").split(",")
    found: BrokerUnreachable | AccessRefused = BrokerUnreachable(settings)
    for server in servers:
        host, _, port = server.strip().rpartition(":")
        if not port.isdigit():
            return BrokerUnreachable(settings, f"{server!r} is not host:port")
        try:
            made = await create_conn(
                host.strip("[]"), int(port), request_timeout_ms=PROBE_MILLISECONDS, **arguments
            )
            made.close()
            if not settings.uses_sasl:
                found = BrokerUnreachable(
                    settings,
                    "something there answers and then hangs up: check security_protocol (does it"
                    " ask for a login?)",
                )
        except (KafkaError, OSError, TimeoutError) as fault:
            reason = _reason(fault, server.strip(), settings)
            if isinstance(reason, AccessRefused):
                return reason
            found = reason or found
    return found


def _reason(
    fault: Exception, server: str, settings: Settings
) -> BrokerUnreachable | AccessRefused | None:
    if isinstance(fault, ssl.SSLCertVerificationError):
        return CertificateRefused(
            f"the certificate of {server} is not trusted: {fault.verify_message}; check ssl_cafile"
            f" ({settings.ssl_cafile or 'not set: the CAs of this system count'}) and the host name"
        )
    if isinstance(fault, ssl.SSLError) and "ALERT" in (fault.reason or ""):
        return CertificateRefused(
            f"{server} does not accept our certificate ({fault.reason}); check ssl_certfile and"
            " ssl_keyfile"
        )
    if isinstance(fault, (SaslAuthenticationFailed, AuthenticationFailedError)):
        return CredentialsRefused(
            f"{server} does not accept the login of user {settings.sasl_username} by"
            f" {settings.sasl_mechanism}; check sasl_username, sasl_password (or"
            " sasl_password_file) and sasl_mechanism"
        )
    if isinstance(fault, UnsupportedSaslMechanismError):
        return CredentialsRefused(
            f"{server} does not offer sasl_mechanism {settings.sasl_mechanism}; use one of those"
            " that it is configured with"
        )
    if isinstance(fault, IllegalSaslStateError):
        return CredentialsRefused(
            f"{server} takes no logins; check security_protocol ({settings.security_protocol}) and"
            " the port"
        )
    if isinstance(fault, KafkaConnectionError) and settings.uses_tls:
        return BrokerUnreachable(
            settings,
            "something there speaks TLS and then hangs up: check security_protocol, and whether it"
            f" asks for a certificate (ssl_certfile {settings.ssl_certfile or 'is not set'})",
        )
    # What refuses a connection may be on its way up. What takes one and then hangs up, or stays
    # silent, mostly expects another protocol, but may be a proxy whose broker is away.
    if isinstance(fault, (KafkaConnectionError, ssl.SSLError, ConnectionResetError)):
        return BrokerUnreachable(
            settings,
            f"something is there, but it does not speak {settings.security_protocol}: check"
            " security_protocol and the port",
        )
    return None


async def existing_topics(settings: Settings) -> set[str]:
    """Full names of the topics on the broker."""
    async with admin(settings) as client:
        return set(await client.list_topics())


async def partitions_of(settings: Settings, topic: str) -> list[int]:
    """Numbers of a topic's partitions, ascending. Raises TopicMissing and NotAuthorized."""
    async with admin(settings) as client:
        [described] = await _described(client, settings, [topic])
    partitions = sorted(each["partition"] for each in described["partitions"])
    if not partitions:
        raise TopicMissing(topic)
    return partitions


async def _described(
    client: AIOKafkaAdminClient, settings: Settings, names: Iterable[str]
) -> list[dict[str, Any]]:
    """What the broker says of the topics. Raises NotAuthorized."""
    described: list[dict[str, Any]] = await client.describe_topics(list(names))
    hidden = sorted(
        each["topic"]
        for each in described
        if each["error_code"] == TopicAuthorizationFailedError.errno
    )
    if hidden:
        raise NotAuthorized(settings, f"topic {', '.join(hidden)}")
    return described


async def create_topics(settings: Settings, topics: Iterable[Topic] = TOPICS) -> list[str]:
    """Creates the topics that do not exist yet; returns their full names.

    Raises NotAuthorized, and KafkaError with the broker's words when it refuses one.
    """
    async with admin(settings) as client:
        present = set(await client.list_topics())
        missing = [
            topic for topic in topics if topic.full_name(settings.topic_prefix) not in present
        ]
        if not missing:
            return []
        response = await client.create_topics(
            [
                NewTopic(
                    topic.full_name(settings.topic_prefix),
                    topic.partitions,
                    settings.replication_factor,
                    topic_configs=topic.config,
                )
                for topic in missing
            ]
        )
    for name, code, message in response.topic_errors:
        error = for_code(code)
        if error in _RESOURCES:
            raise NotAuthorized(settings, f"topic {name}")
        # Another process may have been quicker; that is what we wanted anyway.
        if code != 0 and error.__name__ != "TopicAlreadyExistsError":
            raise KafkaError(f"the broker refused to create {name}: {message or error.__name__}")
    return [topic.full_name(settings.topic_prefix) for topic in missing]


async def create_topics_in_time(settings: Settings, say: Callable[[str], None]) -> None:
    """Creates the topics as soon as a broker answers; says once that it waits for one.

    Raises AccessRefused.
    """
    said = False
    while True:
        try:
            created = await create_topics(settings)
        except BrokerUnreachable as fault:
            if not said:
                say(f"waiting: {fault}")
            said = True
            await asyncio.sleep(CONNECT_PAUSE_SECONDS)
        else:
            if created:
                say(f"created topics {', '.join(created)}")
            return


async def _missing_topics(settings: Settings, names: set[str]) -> list[str]:
    async with admin(settings) as client:
        missing = sorted(names - set(await client.list_topics()))
        if missing:
            # A topic that we may not see is left out of the list, too.
            await _described(client, settings, missing)
    return missing


async def _require_group(settings: Settings, group: str) -> None:
    """Raises NotAuthorized when we may not use the group or its transactional ids."""
    async with admin(settings) as client:
        for name, kind in ((group, _GROUP), (f"{group}.0", _TRANSACTION)):
            # Its coordinator may still be on its way up; permission is asked for before that.
            with suppress(GroupCoordinatorNotAvailableError):
                await client.find_coordinator(name, kind)


async def wait_for_topics(
    settings: Settings,
    names: Iterable[str],
    say: Callable[[str], None],
    group: str | None = None,
) -> None:
    """Waits until a broker answers and has the topics; says what it waits for once each.

    Raises AccessRefused, also when we may not use `group` or its transactional ids: who tries to
    join a group without permission is left waiting.
    """
    said: set[str] = set()
    while True:
        try:
            missing = await _missing_topics(settings, set(names))
            if group is not None and not missing:
                await _require_group(settings, group)
        except BrokerUnreachable as fault:
            waiting_for = f"waiting: {fault}"
        else:
            if not missing:
                return
            waiting_for = f"waiting: topics missing ({', '.join(missing)}); create them with"
            waiting_for += " `babelwire topics create`"
        if waiting_for not in said:
            said.add(waiting_for)
            say(waiting_for)
        await asyncio.sleep(CONNECT_PAUSE_SECONDS)

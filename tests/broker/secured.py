"""A real broker that asks for logins, certificates and permissions.

Three listeners: one without any of it, whose clients are the broker's super users, one with SCRAM
logins over TLS, and one that asks for client certificates.
"""

import asyncio
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from aiokafka.protocol.admin import CreateAclsRequest

from streams import clients, embedded
from streams.acls import Acl
from streams.embedded import HOST
from streams.settings import Settings
from tests.broker.harness import Desk

PASSWORDS: Final = {
    name: f"{name}-hunter2-{number}"
    for number, name in enumerate(("normalization", "translation", "tagging", "crew", "reader"))
}

# As the protocol numbers them.
_RESOURCES: Final = {"topic": 2, "group": 3, "transactional-id": 5}
_OPERATIONS: Final = {"Read": 3, "Write": 4}
_LITERAL, _PREFIXED, _ALLOW = 3, 4, 3


@dataclass(frozen=True)
class Authority:
    """A certificate authority of our own, in a folder."""

    folder: Path

    @classmethod
    def found(cls, folder: Path) -> "Authority":
        """Makes a new one."""
        folder.mkdir(parents=True)
        _openssl(
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"),
            *("-keyout", str(folder / "ca.key"), "-out", str(folder / "ca.pem")),
        )
        return cls(folder)

    @property
    def certificate(self) -> Path:
        """What those who trust it need."""
        return self.folder / "ca.pem"

    def issue(self, name: str, password: str | None = None) -> Path:
        """A certificate for a user, or for a server on this machine; key in the same file."""
        key, request, made = (self.folder / f"{name}.{end}" for end in ("key", "csr", "crt"))
        protect = ("-passout", f"pass:{password}") if password else ("-nodes",)
        _openssl(
            *("req", "-newkey", "rsa:2048", "-subj", f"/CN={name}", *protect),
            *("-addext", f"subjectAltName=IP:{HOST}", "-keyout", str(key), "-out", str(request)),
        )
        _openssl(
            *("x509", "-req", "-in", str(request), "-days", "2", "-copy_extensions", "copy"),
            *("-CA", str(self.certificate), "-CAkey", str(self.folder / "ca.key")),
            *("-CAcreateserial", "-out", str(made)),
        )
        both = self.folder / f"{name}.pem"
        both.write_text(key.read_text() + made.read_text())
        return both


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


@dataclass(frozen=True)
class Secured:
    """The broker's three addresses, and the authority that its clients should trust."""

    plain: str
    login: str
    certificate: str
    authority: Authority


@contextmanager
def secured_broker(folder: Path, jars: Path) -> Iterator[Secured]:
    """Starts one with the users of PASSWORDS; it permits nothing that was not granted."""
    authority = Authority.found(folder / "authority")
    ports = embedded._free_port(), embedded._free_port(), embedded._free_port()
    plain, login, certificate = (f"{HOST}:{port}" for port in ports)
    controller_port = embedded._free_port()
    listeners = f"PLAINTEXT://{plain},LOGIN://{login},CERTIFICATE://{certificate}"
    properties = {
        "listeners": f"{listeners},CONTROLLER://{HOST}:{controller_port}",
        "advertised.listeners": listeners,
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,"
        "LOGIN:SASL_SSL,CERTIFICATE:SSL",
        "listener.name.login.sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.login.scram-sha-512.sasl.jaas.config": "org.apache.kafka.common.security"
        ".scram.ScramLoginModule required;",
        "listener.name.certificate.ssl.client.auth": "required",
        "ssl.principal.mapping.rules": "RULE:^CN=(.*?)$/$1/",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(authority.issue("broker")),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority.certificate),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
    }
    embedded.start(
        folder / "state",
        jars=jars,
        port=ports[0],
        controller_port=controller_port,
        properties=properties,
        scram=PASSWORDS,
    )
    try:
        yield Secured(plain, login, certificate, authority)
    finally:
        embedded.stop(folder / "state")


def grant(settings: Settings, wanted: Iterable[Acl]) -> None:
    """Adds the ACLs, as a super user."""

    async def add() -> None:
        async with clients.admin(settings) as client:
            for acl in wanted:
                response = await client._send_to_controller(
                    CreateAclsRequest(
                        _RESOURCES[acl.resource],
                        acl.name,
                        _PREFIXED if acl.prefixed else _LITERAL,
                        acl.principal,
                        "*",
                        _OPERATIONS[acl.operation],
                        _ALLOW,
                    )
                )
                assert response.creation_responses[0][0] == 0, response

    asyncio.run(add())


def at(desk: Desk, address: str, **wire: str | Path | None) -> Desk:
    """The same desk seen through another listener, with these connection settings."""
    values = {"bootstrap_servers": address}
    values |= {name: str(value) for name, value in wire.items() if value is not None}
    settings = Settings.model_validate({**dict(desk.settings), **values})
    environment = desk.environment | {
        f"BABELWIRE_{name.upper()}": value for name, value in values.items()
    }
    return replace(desk, settings=settings, environment=environment)


def logged_in(desk: Desk, secured: Secured, user: str, **wire: str | Path | None) -> Desk:
    """The desk of a user with a login."""
    chosen: dict[str, str | Path | None] = {
        "security_protocol": "SASL_SSL",
        "sasl_username": user,
        "ssl_cafile": secured.authority.certificate,
    }
    if "sasl_password_file" not in wire:
        chosen["sasl_password"] = PASSWORDS[user]
    chosen |= {"address": secured.login, **wire}
    return at(desk, str(chosen.pop("address")), **chosen)

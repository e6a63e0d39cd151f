"""The configuration of a local broker, as values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ADMIN = "admin"
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"


@dataclass(frozen=True)
class Node:
    """One broker, which is a controller too."""

    number: int
    port: int
    controller_port: int
    folder: Path

    @property
    def address(self) -> str:
        """Where clients find it."""
        return f"127.0.0.1:{self.port}"

    @property
    def controller(self) -> str:
        """Where controllers find it."""
        return f"127.0.0.1:{self.controller_port}"


def properties(node: Node, nodes: list[Node], password: str | None) -> str:
    """The `server.properties` of a node; with a password, clients and brokers must show who they are."""
    values = {**_cluster(node, nodes), **_quick(), **_copies(len(nodes)), **(_guarded(password) if password else {})}
    return "".join(f"{name}={value}\n" for name, value in values.items())


def _cluster(node: Node, nodes: list[Node]) -> dict[str, object]:
    return {
        "process.roles": "broker,controller",
        "node.id": node.number,
        "controller.quorum.bootstrap.servers": ",".join(n.controller for n in nodes),
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "CLIENT",
        "listeners": f"CLIENT://{node.address},CONTROLLER://{node.controller}",
        "advertised.listeners": f"CLIENT://{node.address}",
        "listener.security.protocol.map": "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": node.folder / "log",
        "auto.create.topics.enable": "false",
        "num.network.threads": 2,
        "num.io.threads": 4,
    }


def _quick() -> dict[str, object]:
    """A group forms at once; a broker that was killed is missed, and back, within seconds (by default 12)."""
    return {
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        "broker.session.timeout.ms": 3000,
        "broker.heartbeat.interval.ms": 500,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.num.partitions": 1,
        "share.coordinator.state.topic.num.partitions": 1,
        "log.message.timestamp.type": "LogAppendTime",
    }


def _copies(count: int) -> dict[str, object]:
    enough = 2 if count > 1 else 1
    return {
        "default.replication.factor": count,
        "min.insync.replicas": enough,
        "offsets.topic.replication.factor": count,
        "transaction.state.log.replication.factor": count,
        "transaction.state.log.min.isr": enough,
        "share.coordinator.state.topic.replication.factor": count,
        "share.coordinator.state.topic.min.isr": enough,
    }


def _guarded(password: str) -> dict[str, object]:
    who = f'username="{ADMIN}" password="{password}"'
    return {
        "listener.security.protocol.map": "CLIENT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
        "sasl.mechanism.controller.protocol": "PLAIN",
        "listener.name.client.scram-sha-512.sasl.jaas.config": f"{_SCRAM} required {who};",
        "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.controller.plain.sasl.jaas.config": f'{_PLAIN} required {who} user_{ADMIN}="{password}";',
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:{ADMIN}",
        "allow.everyone.if.no.acl.found": "false",
    }


def client_properties(user: str, password: str) -> str:
    """What Kafka's own tools need to sign in."""
    return (
        "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=SCRAM-SHA-512\n"
        f'sasl.jaas.config={_SCRAM} required username="{user}" password="{password}";\n'
    )

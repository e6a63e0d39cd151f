"""A local Kafka of one node or three, for trials and tests: `python -m deploy.kafka.local [DATA [NODES]]`, DATA empty for a folder that goes.

It formats KRaft storage, starts, stops, kills, and keeps its data where it is told. Not for production: the addresses
are this machine's, one account's password guards all.
"""

from __future__ import annotations

import base64
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from deploy.kafka.jars import HERE, NoKafka, resolve
from deploy.kafka.settings import ADMIN, Node, client_properties, properties
from shared.bus.kafka_acls import Grant
from shared.clock import new_id

START_SECONDS = 180
STOP_SECONDS = 20
JVM = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+PerfDisableSharedMem")


class LocalKafka:
    """Brokers of this machine. With `scram` everyone signs in, and `accounts` (name to password) exist."""

    def __init__(
        self,
        data: Path,
        nodes: int = 1,
        *,
        scram: dict[str, str] | None = None,
        first_port: int | None = None,
        heap: str = "512m",
    ) -> None:
        self._jars = resolve()
        self._data = data.absolute()
        self._accounts = scram
        self._heap = heap
        ports = iter(range(first_port, first_port + 2 * nodes) if first_port else _free_ports(2 * nodes))
        self.nodes = [Node(n, next(ports), next(ports), self._data / f"node-{n}") for n in range(1, nodes + 1)]
        self._running: dict[int, subprocess.Popen[bytes]] = {}

    @property
    def servers(self) -> str:
        """`host:port,…`."""
        return ",".join(node.address for node in self.nodes)

    @property
    def url(self) -> str:
        """As `ONEWINDOW_BUS` names it."""
        return f"kafka://{self.servers}"

    @property
    def pids(self) -> list[int]:
        """The processes of the nodes that run."""
        return [process.pid for process in self._running.values()]

    def start(self) -> LocalKafka:
        """Formats what is new, starts every node, returns when all answer; raises `NoKafka` with the log's end."""
        self._format()
        for node in self.nodes:
            self.start_node(node.number)
        for node in self.nodes:
            self._wait(node)
        return self

    def start_node(self, number: int) -> None:
        """Starts one node; does not wait for it."""
        node = self.nodes[number - 1]
        with (node.folder / "server.log").open("ab") as log:
            self._running[number] = subprocess.Popen(
                self._java("kafka.Kafka", str(node.folder / "server.properties"), heap=self._heap),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def wait(self, number: int = 1) -> None:
        """Waits until a node answers."""
        self._wait(self.nodes[number - 1])

    def signal(self, number: int, what: signal.Signals) -> None:
        """Sends a node a signal: SIGSTOP, SIGCONT."""
        self._running[number].send_signal(what)

    def kill(self, number: int = 1) -> None:
        """Kills a node as a power cut would."""
        process = self._running.pop(number)
        process.kill()
        process.wait()

    def stop(self) -> None:
        """Stops every node; data stays."""
        for process in self._running.values():
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in self._running.values():
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running.clear()

    def tool(self, main: str, *arguments: str) -> str:
        """What one of Kafka's own tools says, signed in as the administrator; raises `NoKafka` when it fails."""
        return self._run(main, *arguments, *self._signed_in())

    def grant(self, grants: Iterable[Grant]) -> None:
        """Gives services what the catalogue says, with Kafka's own tool; raises `NoKafka` when it fails."""
        runs = ["\t".join([*grant.arguments(), *self._signed_in()]) for grant in grants]
        self._run(str(HERE / "Several.java"), "org.apache.kafka.tools.AclCommand", said="\n".join(runs))

    def _signed_in(self) -> list[str]:
        where = ["--bootstrap-server", self.servers]
        return where if self._accounts is None else [*where, "--command-config", str(self._data / "admin.properties")]

    def _format(self) -> None:
        self._data.mkdir(parents=True, exist_ok=True)
        password = (self._accounts or {}).get(ADMIN)
        if self._accounts is not None:
            self._private("admin.properties", client_properties(ADMIN, self._accounts[ADMIN]))
        fresh = not (self._data / "cluster").exists()
        cluster = _short_id() if fresh else (self._data / "cluster").read_text()
        voters = ",".join(f"{n.number}@{n.controller}:{_short_id()}" for n in self.nodes)
        for node in self.nodes:
            node.folder.mkdir(exist_ok=True)
            self._private(f"node-{node.number}/server.properties", properties(node, self.nodes, password))
            if fresh:
                self._format_node(node, cluster, voters)
        (self._data / "cluster").write_text(cluster)

    def _format_node(self, node: Node, cluster: str, voters: str) -> None:
        who = ["--standalone"] if len(self.nodes) == 1 else ["--initial-controllers", voters]
        for name, password in (self._accounts or {}).items():
            who += ["--add-scram", f"SCRAM-SHA-512=[name={name},password={password}]"]
        self._run("kafka.tools.StorageTool", "format", "-t", cluster, "-c", f"{node.folder}/server.properties", *who)

    def _private(self, name: str, text: str) -> None:
        path = self._data / name
        path.touch(mode=0o600)
        path.write_text(text)

    def _java(self, main: str, *arguments: str, heap: str = "128m") -> list[str]:
        logging = f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}"
        return ["java", f"-Xmx{heap}", *JVM, logging, "-cp", f"{self._jars}/*", main, *arguments]

    def _run(self, main: str, *arguments: str, said: str = "") -> str:
        command = self._java(main, *arguments)
        done = subprocess.run(command, input=said, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            raise NoKafka(f"{main}: {(done.stderr + done.stdout)[-2000:]}")
        return done.stdout

    def _wait(self, node: Node) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self._running[node.number].poll() is not None:
                break
            if _answers(node.port):
                return
            time.sleep(0.05)
        log = (node.folder / "server.log").read_text(errors="replace")[-2000:]
        raise NoKafka(f"Kafka 节点 {node.number} 没有启动 / node {node.number} did not start:\n{log}")


def _answers(port: int) -> bool:
    # A listener is opened only when the broker is unfenced and its log is recovered.
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in held]
    for taken in held:
        taken.close()
    return ports


def _short_id() -> str:
    """Kafka's way to write an id: 22 characters, none at the front that a command would take for an option."""
    while True:
        text = base64.urlsafe_b64encode(new_id().bytes[::-1]).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def main(arguments: list[str]) -> int:
    """Runs brokers until Ctrl-C."""
    kept = arguments[0] if arguments else ""
    data = Path(kept) if kept else Path(tempfile.mkdtemp(prefix="onewindow-kafka-"))
    count = int(arguments[1]) if len(arguments) > 1 else 1
    # A service manager's SIGTERM is a Ctrl-C, from the first moment: no broker is left behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    kafka: LocalKafka | None = None
    try:
        kafka = LocalKafka(data, count, first_port=int(os.environ.get("KAFKA_PORT", "9092")))
        kafka.start()
        print(f"✓ Kafka 已就绪 / ready, data in {data}\n  ONEWINDOW_BUS={kafka.url}  (Ctrl-C 停止 / stops)", flush=True)
        signal.pause()
    except (NoKafka, OSError) as cause:
        print(cause, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass
    finally:
        if kafka is not None:
            kafka.stop()
        if not kept:
            shutil.rmtree(data, ignore_errors=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

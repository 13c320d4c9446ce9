"""Where everything of a cluster is: addresses, ports, folders; what it remembers between commands.

Two layouts. In network namespaces each node has an address of its own and can be cut off; nothing
of it is seen on the machine's own interfaces. On loopback ports no right to make namespaces is
needed, and nothing can be cut.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from string import Template
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NODES = ("n1", "n2", "n3")
PREFIX = "trace"  # of namespaces and of network devices


@dataclass(slots=True)
class Layout:
    """One cluster. `processes` is what was started: name -> (pid, when, as the kernel tells it)."""

    home: Path
    namespaces: bool
    synchronous: bool
    password: str = field(default_factory=lambda: secrets.token_hex(16))
    processes: dict[str, tuple[int, str]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    # -- addresses ---------------------------------------------------------------------------------

    @property
    def hub(self) -> str:
        return "10.77.0.1" if self.namespaces else "127.0.0.1"

    @property
    def network(self) -> str:
        return "10.77.0.0/24" if self.namespaces else "127.0.0.0/8"

    def address(self, node: str) -> str:
        return f"10.77.0.1{node[1:]}" if self.namespaces else "127.0.0.1"

    def port(self, what: str, node: str = "") -> int:
        """The hub's ports are the same in both layouts; a node's differ on loopback."""
        ports = {"write": 5000, "read": 5001, "pooler": 6432}
        ports |= {"web": 8100, "pages": 8101, "desk": 8102}
        if what in ports:
            return 10_000 + ports[what]
        own = {"postgresql": 15_430, "rest": 18_000, "etcd": 12_370, "etcd_peer": 12_380}
        return own[what] + int(node[1:])

    def namespace(self, node: str) -> str:
        return f"{PREFIX}-{node}"

    def folder(self, node: str) -> Path:
        return self.home / node

    @property
    def library(self) -> Path:
        """Patroni and what it needs; kept from run to run."""
        return self.home.with_name(self.home.name + "-lib")

    @property
    def instance(self) -> Path:
        return self.home / "instance"

    @property
    def web(self) -> str:
        return f"http://{self.hub}:{self.port('web')}"

    def url(self, where: str) -> str:
        """A database address: `pooler`, `write` and `read` (straight), or a node's own."""
        login = f"postgresql+psycopg://trace:{self.password}"
        if where in NODES:
            port = self.port("postgresql", where)
            return f"{login}@/trace?host={self.folder(where)}/sock&port={port}"
        return f"{login}@{self.hub}:{self.port(where)}/trace"

    def environment(self, **more: str) -> dict[str, str]:
        """What the product is told."""
        given = {
            "TRACE_INSTANCE": str(self.instance),
            "TRACE_PUBLIC_URL": self.web,
            "TRACE_ID_BASE": "https://trace.example",
            "TRACE_PROXIES": "1",  # HAProxy
            "TRACE_DATABASE_URL": self.url("pooler"),
            "TRACE_DATABASE_READ_URL": self.url("read"),
            "PYTHONPATH": str(ROOT),
        }
        kept = {k: v for k, v in os.environ.items() if not k.startswith("TRACE_")}
        return {**kept, **given, **more}

    # -- files -------------------------------------------------------------------------------------

    def filled(self, template: str, **more: object) -> str:
        """One of the files beside this one with its blanks filled in."""
        names = ("write", "read", "pooler", "web", "pages", "desk")
        values = {name: self.port(name) for name in names}
        text = Template((HERE / template).read_text())
        return text.substitute({**values, "hub": self.hub, "network": self.network, **more})

    def save(self) -> None:
        path = self.home / "cluster.json"
        path.write_text(json.dumps({**asdict(self), "home": str(self.home)}, indent=1))
        path.chmod(0o600)

    @classmethod
    def load(cls, home: Path) -> Layout:
        """The cluster that stands there. Raises SystemExit where there is none."""
        try:
            told = json.loads((home / "cluster.json").read_text())
        except FileNotFoundError:
            raise SystemExit(f"No cluster in {home}: python -m deploy.cluster up") from None
        told["processes"] = {name: tuple(one) for name, one in told["processes"].items()}
        return cls(**{**told, "home": home})


def missing() -> list[str]:
    """What has to be installed first, in words."""
    programs = {
        "etcd": "etcd-server",
        "haproxy": "haproxy",
        "pgbouncer": "pgbouncer",
        "setpriv": "util-linux",
    }
    folders = "/usr/sbin:/usr/bin:/sbin:/bin:" + os.environ.get("PATH", "")
    lacking = [package for one, package in programs.items() if not shutil.which(one, path=folders)]
    if not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        lacking.append("postgresql")
    return lacking

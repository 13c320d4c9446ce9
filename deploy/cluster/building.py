"""From nothing to a running cluster: etcd, Patroni with PostgreSQL, HAProxy, PgBouncer, product."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psycopg

from deploy.cluster.layout import HERE, NODES, ROOT, Layout, missing
from deploy.cluster.processes import as_server, owned, program, start, stop_all, wait, within

SHOPS, MOVING, TOKENS = 300, 200, 80


def prepare(layout: Layout) -> None:
    """Folders and the library of the nodes; refuses by name what is missing."""
    lacking = missing()
    if lacking:
        raise SystemExit(f"Install first: {', '.join(lacking)} (Debian: apt-get install)")
    if layout.home.exists():
        if (layout.home / "cluster.json").exists():
            stop_all(Layout.load(layout.home))
        shutil.rmtree(layout.home)
    layout.home.mkdir(parents=True, mode=0o755)
    if not (layout.library / "patroni").exists():
        needed = HERE / "requirements.txt"
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check"),
                *("--root-user-action=ignore", "--target", str(layout.library)),
                *("-r", str(needed)),
            ],
            check=True,
            capture_output=True,
        )
    layout.save()


def build(layout: Layout) -> dict[str, float]:
    """Everything in its order; seconds each step took. Runs in the hub's network."""
    took = {}
    for node in NODES:
        owned(layout.folder(node))
        owned(layout.folder(node) / "sock")
        start_etcd(layout, node)
    took["etcd"] = wait("quorum of etcd", lambda: _etcd_is_well(layout))
    for node in NODES:
        start_patroni(layout, node)
    _start_proxies(layout)
    took["primary"] = wait("primary", lambda: primary(layout) is not None)
    took["replicas"] = wait("replicas", lambda: is_whole(layout))
    took["write port"] = wait("way to write", lambda: _answers(layout))
    _database(layout)
    took["product"] = _product(layout)
    layout.save()
    return took


def start_etcd(layout: Layout, node: str) -> None:
    values = _values(layout, node)
    words = shlex.split(layout.filled("etcd.args", **values))
    start(
        layout,
        f"{node}-etcd",
        within(layout, node, as_server([program("etcd"), *words])),
    )


def start_patroni(layout: Layout, node: str) -> None:
    path = layout.folder(node) / "patroni.yml"
    path.write_text(layout.filled("patroni.yml", **_values(layout, node)))
    path.chmod(0o644)  # in a folder that only its user may open
    python = shutil.which("python3", path="/usr/bin:/bin") or sys.executable
    start(
        layout,
        f"{node}-patroni",
        within(layout, node, as_server([python, "-m", "patroni", str(path)])),
        {"PYTHONPATH": str(layout.library), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
    )


def _values(layout: Layout, node: str) -> dict[str, object]:
    etcds = [f"{layout.address(one)}:{layout.port('etcd', one)}" for one in NODES]
    members = [
        f"{one}=http://{layout.address(one)}:{layout.port('etcd_peer', one)}" for one in NODES
    ]
    own = {name: layout.port(name, node) for name in ("postgresql", "rest", "etcd", "etcd_peer")}
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: int(one.parent.name))
    return {
        **own,
        "name": node,
        "home": layout.folder(node),
        "address": layout.address(node),
        "etcd_hosts": json.dumps(etcds),
        "etcd_cluster": ",".join(members),
        "synchronous": "true" if layout.synchronous else "false",
        "password": layout.password,
        "programs": programs,
    }


def _start_proxies(layout: Layout) -> None:
    folder = owned(layout.home / "hub")
    servers = "\n".join(
        f"  server {node} {layout.address(node)}:{layout.port('postgresql', node)} "
        f"check port {layout.port('rest', node)}"
        for node in NODES
    )
    files = {
        "haproxy.cfg": layout.filled("haproxy.cfg", servers=servers),
        "pgbouncer.ini": layout.filled("pgbouncer.ini", home=folder),
        # Plain text can log in on both sides.
        "users.txt": f'"trace" "{layout.password}"\n',
    }
    for name, text in files.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o644)
    hub = (program("haproxy"), "-db", "-f", str(folder / "haproxy.cfg"))
    start(layout, "haproxy", within(layout, "hub", as_server(hub)))
    pooler = (program("pgbouncer"), str(folder / "pgbouncer.ini"))
    start(layout, "pgbouncer", within(layout, "hub", as_server(pooler)))


def _database(layout: Layout) -> None:
    url = layout.url("write").replace("postgresql+psycopg", "postgresql")
    admin = url.replace("//trace:", "//postgres:").replace("/trace", "/postgres")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE trace LOGIN PASSWORD '{layout.password}'")
        connection.execute("CREATE DATABASE trace OWNER trace TEMPLATE template0 ENCODING 'UTF8'")


def _product(layout: Layout) -> float:
    """Migrations straight to the primary (a pooler would mix up their sessions), then a world,
    then worker and web server: half of its processes for public pages, which go first where a
    processor is short (deploy/gunicorn.conf.py)."""
    straight = layout.environment(
        TRACE_DATABASE_URL=layout.url("write"), TRACE_DATABASE_READ_URL=""
    )
    flask = [sys.executable, "-m", "flask", "--app", "wsgi"]
    run(layout, [*flask, "db", "upgrade"], straight)
    world = [sys.executable, "-m", "deploy.cluster.world", *map(str, (SHOPS, MOVING, TOKENS))]
    told = run(layout, world, straight)
    layout.facts["world"] = json.loads(told.splitlines()[-1])
    environment = layout.environment()
    worker = [program("nice"), "-n", "10", *flask, "trace", "worker"]
    start(layout, "worker", within(layout, "hub", worker), environment)
    doors = [f"{layout.hub}:{layout.port(name)}" for name in ("desk", "pages")]
    command = [
        *(sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", "wsgi:app"),
        *(word for door in doors for word in ("--bind", door)),
        *("--worker-class", "gthread", "--workers", "4", "--threads", "16"),
        *("--worker-tmp-dir", "/dev/shm", "--no-control-socket"),  # noqa: S108
        *("--log-level", "warning", "--timeout", "60"),
    ]
    start(layout, "web", within(layout, "hub", command), environment)
    page = f"/t{layout.facts['world']['scanned'][0]}"
    return wait("page", lambda: get(f"{layout.web}{page}")[0] == 200)


def run(layout: Layout, command: list[str], environment: dict[str, str]) -> str:
    """A command of the product in the hub's network; what it printed. Raises SystemExit."""
    done = subprocess.run(
        within(layout, "hub", command),
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def get(url: str, method: str = "GET") -> tuple[int, bytes]:
    """(status, body); 0 where nobody answers."""
    asked = urllib.request.Request(url, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=3) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, b""
    except OSError:
        return 0, b""


def _etcd_is_well(layout: Layout) -> bool:
    return all(
        get(f"http://{layout.address(node)}:{layout.port('etcd', node)}/health")[0] == 200
        for node in NODES
    )


def role(layout: Layout, node: str) -> dict[str, Any]:
    """What Patroni says of the node; empty where it says nothing."""
    _, body = get(f"http://{layout.address(node)}:{layout.port('rest', node)}/patroni")
    return json.loads(body) if body else {}


def primary(layout: Layout) -> str | None:
    """The node that Patroni calls primary and that holds the lock."""
    for node in NODES:
        base = f"http://{layout.address(node)}:{layout.port('rest', node)}"
        if get(f"{base}/primary", "OPTIONS")[0] == 200:
            return node
    return None


def is_whole(layout: Layout) -> bool:
    """A primary, two replicas that stream, one of them synchronous where that is wanted."""
    wanted = {"/primary": 1, "/replica": 2, **({"/sync": 1} if layout.synchronous else {})}
    for path, count in wanted.items():
        bases = [f"http://{layout.address(n)}:{layout.port('rest', n)}" for n in NODES]
        if sum(get(f"{base}{path}", "OPTIONS")[0] == 200 for base in bases) != count:
            return False
    return True


def _answers(layout: Layout) -> bool:
    url = layout.url("write").replace("postgresql+psycopg", "postgresql")
    admin = url.replace("//trace:", "//postgres:").replace("/trace", "/postgres")
    try:
        with psycopg.connect(admin, connect_timeout=3):
            return True
    except psycopg.OperationalError:
        return False

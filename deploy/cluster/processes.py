"""Starting, watching and ending the parts of a cluster; only what was started here is touched."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from deploy.cluster.layout import NODES, ROOT, Layout

FOLDERS = "/usr/sbin:/usr/bin:/sbin:/bin"


def program(name: str) -> str:
    found = shutil.which(name, path=f"{FOLDERS}:{os.environ.get('PATH', '')}")
    if found is None:
        raise SystemExit(f"{name} is not installed")
    return found


def within(layout: Layout, node: str, command: Sequence[str]) -> list[str]:
    """The command in the node's (or the hub's) network."""
    if not layout.namespaces:
        return list(command)
    return [program("ip"), "netns", "exec", layout.namespace(node), *command]


def as_server(command: Sequence[str]) -> list[str]:
    """The command as a user that PostgreSQL accepts. It takes the place of what starts it, so that
    the process started is the server itself: a signal meant for it reaches it."""
    if os.geteuid() != 0:
        return list(command)
    return [
        program("setpriv"),
        *("--reuid=postgres", "--regid=postgres", "--init-groups"),
        *command,
    ]


def owned(folder: Path) -> Path:
    """A folder of the server's user."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
    return folder


def start(
    layout: Layout, name: str, command: Sequence[str], environment: dict[str, str] | None = None
) -> int:
    """Starts it, notes it, and goes on; what it says is in `<home>/logs`."""
    logs = layout.home / "logs"
    logs.mkdir(exist_ok=True, mode=0o755)
    with (logs / f"{name}.log").open("ab") as log:
        child = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            cwd=ROOT if environment and "TRACE_INSTANCE" in environment else "/",
            start_new_session=True,
        )
    layout.processes[name] = (child.pid, born(child.pid))
    layout.save()
    return child.pid


def born(pid: int) -> str:
    """When a process was started: its number alone may be another's by now. "" for none."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if told[0] == "Z" else told[19]


def children(pid: int) -> list[int]:
    """Those of a process, and theirs."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for one in map(int, task.read_text().split()):
                found += [one, *children(one)]
    return found


def server_processes(layout: Layout, node: str) -> list[int]:
    """The node's PostgreSQL: Patroni starts it beside itself."""
    try:
        first = int((layout.folder(node) / "data" / "postmaster.pid").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return []
    try:
        if str(layout.folder(node)) not in Path(f"/proc/{first}/cmdline").read_text():
            return []
    except OSError:
        return []
    return [first, *children(first)]


def node_processes(layout: Layout, node: str, *, etcd: bool) -> list[int]:
    """All of a node: Patroni, PostgreSQL and, if wanted, etcd."""
    names = [f"{node}-patroni", *([f"{node}-etcd"] if etcd else [])]
    found = [layout.processes[name] for name in names if name in layout.processes]
    mine = [pid for pid, when in found if born(pid) == when]
    return [*mine, *server_processes(layout, node)]


def send(pids: Sequence[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def stop_all(layout: Layout) -> None:
    """Ends everything that was started, in any state, and takes the networks away."""
    for node in NODES:
        found = node_processes(layout, node, etcd=True)
        send(found, signal.SIGKILL)
    for pid, when in layout.processes.values():
        if born(pid) == when:
            whole = [pid, *children(pid)]
            send(whole, signal.SIGCONT)
            send(whole, signal.SIGKILL)
    layout.processes.clear()
    if layout.namespaces:
        for node in ("hub", *NODES):
            subprocess.run(
                [program("ip"), "netns", "del", layout.namespace(node)],
                check=False,
                capture_output=True,
            )


def wait(what: str, holds: Callable[[], bool], seconds: float = 90) -> float:
    """Until it holds; how long it took. Raises SystemExit naming what did not come."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > seconds:
            raise SystemExit(f"After {seconds:.0f} s: no {what}. See the logs.")
        time.sleep(0.1)
    return time.monotonic() - began


def networks(layout: Layout) -> None:
    """A bridge in a namespace of its own, and a namespace a node that hangs on it."""
    ip = program("ip")
    hub = layout.namespace("hub")
    lines = [
        f"netns add {hub}",
        f"-n {hub} link set lo up",
        f"-n {hub} link add br0 type bridge",
        f"-n {hub} addr add {layout.hub}/24 dev br0",
        f"-n {hub} link set br0 up",
    ]
    for node in NODES:
        name = layout.namespace(node)
        lines += [
            f"netns add {name}",
            f"link add v{node} netns {hub} type veth peer name eth0 netns {name}",
            f"-n {hub} link set v{node} master br0 up",
            f"-n {name} link set lo up",
            f"-n {name} addr add {layout.address(node)}/24 dev eth0",
            f"-n {name} link set eth0 up",
        ]
    for line in lines:
        subprocess.run([ip, *line.split()], check=True)


def cut(layout: Layout, node: str, *, healed: bool = False) -> None:
    """Takes a node off the network, or puts it back."""
    state = "up" if healed else "down"
    hub = layout.namespace("hub")
    subprocess.run(
        [program("ip"), "-n", hub, "link", "set", f"v{node}", state],
        check=True,
    )

"""Commands: up, load, drill, report, down, all.

python -m deploy.cluster all                    everything below, twice: with and without
                                                synchronous mode; writes docs/reports
python -m deploy.cluster up [--loopback] [--asynchronous]
python -m deploy.cluster load                   no faults; figures
python -m deploy.cluster drill kill|freeze|cut  one fault under load; status 1 where a promise
                                                is broken
python -m deploy.cluster report                 writes docs/reports/cluster.md and failover.md
python -m deploy.cluster down                   ends every process and takes the networks away
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from deploy.cluster import building, drills, load, reports
from deploy.cluster.layout import ROOT, Layout
from deploy.cluster.processes import networks, program, stop_all

HOME = Path("/var/tmp/trace-cluster")  # noqa: S108 (short, and open to the server's user)
INSIDE = "TRACE_CLUSTER_INSIDE"


def main(given: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(given)
    home: Path = asked.home
    if asked.command == "up":
        return up(asked)
    if asked.command == "down":
        return down(home, everything=asked.everything)
    if asked.command == "report":
        for path in reports.write(home):
            click.echo(path.relative_to(ROOT))
        return 0
    if asked.command == "all":
        return all_of_it(asked)
    layout = Layout.load(home)
    if layout.namespaces and INSIDE not in os.environ:
        return _inside(layout, sys.argv[1:] if given is None else given)
    return _act(layout, asked)


def _act(layout: Layout, asked: argparse.Namespace) -> int:
    if asked.command == "build":
        took = building.build(layout)
        reports.keep(layout.home, reports.of_build(layout, took))
        click.echo(json.dumps({name: round(seconds, 1) for name, seconds in took.items()}))
        return 0
    if asked.command == "load":
        world = layout.facts["world"]
        told = load.run(
            layout.web,
            world,
            captures=asked.captures,
            scans=asked.scans,
            events=asked.events,
            seconds=asked.seconds,
        )
        row = reports.of_load(layout, told, asked.captures, asked.scans, asked.events)
    else:
        amounts = {"captures": asked.captures, "scans": asked.scans, "events": asked.events}
        found = drills.drill(layout, asked.fault, **amounts)
        row = reports.of_drill(layout, found, **amounts)
    reports.keep(layout.home, row)
    click.echo(json.dumps(row, indent=1))
    return 0 if row.get("holds", True) else 1


def up(asked: argparse.Namespace) -> int:
    """A new cluster; one that stands there is taken down first."""
    layout = Layout(asked.home, not asked.loopback, not asked.asynchronous)
    building.prepare(layout)
    if layout.namespaces:
        networks(layout)
        return _inside(layout, ["--home", str(asked.home), "build"])
    return _act(layout, argparse.Namespace(command="build"))


def down(home: Path, *, everything: bool = False) -> int:
    if (home / "cluster.json").exists():
        stop_all(Layout.load(home))
    shutil.rmtree(home, ignore_errors=True)
    if everything:
        shutil.rmtree(Layout(home, False, True).library, ignore_errors=True)
        reports.results(home).unlink(missing_ok=True)
    return 0


def all_of_it(asked: argparse.Namespace) -> int:
    """Both clusters, every drill, the control that has to lose rows, the pages."""
    whole = ["--captures", str(asked.captures), "--scans", str(asked.scans)]
    whole += ["--events", str(asked.events)]
    base = [sys.executable, "-m", "deploy.cluster", "--home", str(asked.home)]
    loopback = ["--loopback"] if asked.loopback else []
    faults = [one for one in drills.FAULTS if not (asked.loopback and one == "cut")]
    kept: list[int] = []
    try:
        subprocess.run([*base, "up", *loopback], check=True)
        subprocess.run([*base, "load", *whole], check=True)
        kept += [
            subprocess.run([*base, "drill", fault, *whole], check=False).returncode
            for fault in faults
        ]
        if "cut" in faults:
            subprocess.run([*base, "up", "--asynchronous"], check=True)
            control = subprocess.run([*base, "drill", "cut", *whole], check=False).returncode
            lost = reports.rows_of(asked.home, "drill")[-1]["probe_lost"]
            click.echo(f"Without synchronous mode {lost} acknowledged events were lost")
            kept.append(0 if control == 1 and lost else 1)
    finally:
        down(asked.home)
    reports.write(asked.home)
    return max(kept, default=0)


def _inside(layout: Layout, words: Sequence[str]) -> int:
    """The same command once more, in the hub's network."""
    command = [program("ip"), "netns", "exec", layout.namespace("hub")]
    command += [sys.executable, "-m", "deploy.cluster", *words]
    environment = {**os.environ, INSIDE: "1", "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=environment, check=False).returncode


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.cluster",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--home", type=Path, default=HOME, help=f"where it lives ({HOME})")
    commands = parser.add_subparsers(dest="command", required=True)
    loaded = argparse.ArgumentParser(add_help=False)
    loaded.add_argument("--captures", type=int, default=200, help="a second (200)")
    loaded.add_argument("--events", type=int, default=1, help="of a document (1: none)")
    loaded.add_argument("--scans", type=int, default=500, help="a second (500)")
    for name in ("up", "all"):
        one = commands.add_parser(name, parents=[loaded] if name == "all" else [])
        one.add_argument("--loopback", action="store_true", help="no network namespaces")
        if name == "up":
            one.add_argument("--asynchronous", action="store_true", help="to see rows lost")
    commands.add_parser("build", help="(the second half of up)")
    commands.add_parser("load", parents=[loaded]).add_argument("--seconds", type=float, default=60)
    commands.add_parser("drill", parents=[loaded]).add_argument("fault", choices=drills.FAULTS)
    commands.add_parser("report")
    gone = commands.add_parser("down")
    gone.add_argument("--everything", action="store_true", help="figures and library, too")
    return parser


if __name__ == "__main__":
    sys.exit(main())

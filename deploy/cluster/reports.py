"""What was measured, kept beside the cluster and written as pages of docs/reports."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deploy.cluster import drills, load
from deploy.cluster.layout import ROOT, Layout

REPORTS = ROOT / "docs" / "reports"
GAP, ERRORS = 30.0, 0.001  # what is promised: seconds without writes, share of pages not answered
Row = dict[str, Any]


def results(home: Path) -> Path:
    return home.with_name(home.name + "-results.json")


def keep(home: Path, row: Row) -> None:
    """One result more."""
    path = results(home)
    rows = json.loads(path.read_text()) if path.exists() else []
    path.write_text(json.dumps([*rows, row], indent=1))


def rows_of(home: Path, kind: str) -> list[Row]:
    path = results(home)
    rows = json.loads(path.read_text()) if path.exists() else []
    return [row for row in rows if row["kind"] == kind]


def of_build(layout: Layout, took: dict[str, float]) -> Row:
    return {"kind": "build", **_common(layout, drills.machine()), "took": took}


def of_load(layout: Layout, told: load.Told, captures: int, scans: int, events: int = 1) -> Row:
    common = _common(layout, drills.machine())
    return {"kind": "load", **common, **_load(told, captures, scans, events)}


def of_drill(layout: Layout, one: drills.Drill, captures: int, scans: int, events: int = 1) -> Row:
    gap, gap_began = one.told.longest_gap()
    checked = one.checked
    return {
        "kind": "drill",
        **_common(layout, one.machine),
        **_load(one.told, captures, scans, events),
        "fault": one.fault,
        "node": one.node,
        "new_primary": one.new_primary,
        "gap": gap,
        "gap_after": gap_began - one.told.began - one.struck,
        "healed": one.healed,
        "lost": checked.lost,
        "doubled": checked.doubled,
        "entries": checked.entries,
        "alike": checked.alike,
        "recorded": checked.recorded,
        "log": checked.log,
        "grown": checked.grown,
        "probe": one.probe,
        "probe_lost": one.probe_lost,
        "holds": gap <= GAP
        and one.told.error_rate <= ERRORS
        and checked.lost == 0
        and one.probe_lost == 0
        and "BROKEN" not in checked.log + checked.grown,
    }


def _common(layout: Layout, machine: dict[str, str]) -> Row:
    return {
        "at": datetime.now(UTC).isoformat(timespec="minutes"),
        "machine": machine,
        "namespaces": layout.namespaces,
        "synchronous": layout.synchronous,
    }


def _load(told: load.Told, captures: int, scans: int, events: int) -> Row:
    seconds = max(told.seconds, 0.001)
    return {
        "asked": [captures, scans],
        "events": events,
        "seconds": seconds,
        "captures": len(told.acknowledged),
        "capture_ms": [load.percentile(told.capture_seconds, share) for share in (0.5, 0.99)],
        "capture_troubles": dict(told.capture_troubles),
        "unanswered": told.unanswered,
        "scans": told.scans,
        "scan_ms": [load.percentile(told.scan_seconds, share) for share in (0.5, 0.99)],
        "scan_errors": dict(told.scan_errors),
        "error_rate": told.error_rate,
        "as_of": told.as_of,
    }


# -- pages -----------------------------------------------------------------------------------------


def write(home: Path) -> list[Path]:
    """Both pages from what was kept; the paths."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    pages = {"cluster.md": _cluster(home), "failover.md": _failover(home)}
    for name, text in pages.items():
        (REPORTS / name).write_text(text)
    return [REPORTS / name for name in pages]


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table."""
    return [_line(heads), _line(["---"] * len(heads)), *map(_line, rows)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


CLUSTER = """# A cluster, built and loaded

Written by `python -m deploy.cluster`; how it is built is told in
[the how-to](../how-to/cluster.md). Everything runs on the one machine the load comes from: three
etcd, three Patroni with PostgreSQL, HAProxy, PgBouncer, a worker, two web servers. The load of a
machine is the kernel's (1, 5, 15 minutes) when the figure was taken: far above its processors, it
measures what else ran there. Captures are events, each sent by itself (201: recorded) or in
documents of several (202: accepted, and recorded by the worker).
"""

FAILOVER = f"""# Failover: the primary killed, frozen, cut off

Written by `python -m deploy.cluster`; what each drill does is told in
[the how-to](../how-to/cluster.md#drills).

Promised: nothing acknowledged is lost; writes are back within {GAP:.0f} s; at most {ERRORS:.1%} of
public pages are not answered; the log stays one log. With synchronous mode off the cut has to lose
what the cut side acknowledged: that is how the check is seen to be able to fail. The load of a
machine is the kernel's when the drill ended: far above its processors, it measures what else ran
there.
"""

BUILD_HEADS = ("when", "machine", "network", "synchronous", "s: etcd, primary, replicas, product")
LOAD_HEADS = (
    *("when", "machine", "captures + scans a second: asked", "got", "capture p50 / p99 ms"),
    *("scan p50 / p99 ms", "captures repeated", "pages not answered"),
)
DRILL_HEADS = (
    *("when", "machine", "fault", "synchronous", "captures + scans a second: asked, got"),
    *("longest write gap", "pages not answered", "pages that said as of when"),
    *("acknowledged, lost", "acknowledged on the cut side, lost", "holds"),
)


def _cluster(home: Path) -> str:
    builds = [_built(row) for row in rows_of(home, "build")]
    loads = [_loaded(row) for row in rows_of(home, "load")]
    parts = [CLUSTER, "## From nothing", "", *_table(BUILD_HEADS, builds), ""]
    return "\n".join([*parts, "## Load without faults", "", *_table(LOAD_HEADS, loads), ""])


def _built(row: Row) -> list[str]:
    took = row["took"]
    steps = ("etcd", "primary", "replicas", "product")
    seconds = " + ".join(f"{took[one]:.1f}" for one in steps if one in took)
    network = "namespaces" if row["namespaces"] else "loopback"
    return [*_where(row), network, _on(row["synchronous"]), seconds]


def _loaded(row: Row) -> list[str]:
    return [
        *_where(row),
        _asked(row),
        _got(row),
        f"{row['capture_ms'][0]:.0f} / {row['capture_ms'][1]:.0f}",
        f"{row['scan_ms'][0]:.1f} / {row['scan_ms'][1]:.0f}",
        str(sum(row["capture_troubles"].values())),
        _unanswered(row),
    ]


def _failover(home: Path) -> str:
    rows = rows_of(home, "drill")
    lines = [FAILOVER, *_table(DRILL_HEADS, [_drill(row) for row in rows])]
    lines += ["", "## What was found afterwards", "", *map(_afterwards, rows)]
    return "\n".join([*lines, ""])


def _drill(row: Row) -> list[str]:
    return [
        *_where(row),
        row["fault"],
        _on(row["synchronous"]),
        f"{_asked(row)}, {_got(row)}",
        f"{row['gap']:.1f} s",
        _unanswered(row),
        str(row["as_of"]),
        f"{row['captures']}, {row['lost']}",
        "–" if row["probe"] < 0 else f"{row['probe']}, {row['probe_lost']}",
        "yes" if row["holds"] else "**no**",
    ]


def _afterwards(row: Row) -> str:
    synchronous = "" if row["synchronous"] else ", synchronous mode off"
    told = [
        f"{row['node']} → {row['new_primary']}",
        f"the longest gap began {row['gap_after']:.1f} s after the fault",
        f"three nodes stood again {row['healed']:.1f} s after it was healed",
        f"everything accepted was recorded {row.get('recorded', 0):.1f} s after the load ended",
        f"they held the same {row['entries']} entries {row['alike']:.1f} s after the load ended",
        f"`trace log check`: {row['log']}",
        f"the log of before and of after: {row['grown']}",
        f"recorded twice: {row['doubled']}",
        f"captures repeated for {_counts(row['capture_troubles'])}, {row['unanswered']} given up",
        f"pages not answered for {_counts(row['scan_errors'])}",
        f"capture p50 / p99 {row['capture_ms'][0]:.0f} / {row['capture_ms'][1]:.0f} ms",
        f"scan {row['scan_ms'][0]:.1f} / {row['scan_ms'][1]:.0f} ms",
    ]
    return f"- {row['fault']}{synchronous} ({row['at']}): {'; '.join(told)}."


def _asked(row: Row) -> str:
    """Captures are events; those of a document are acknowledged together."""
    captures, scans = row["asked"]
    together = row.get("events", 1)
    return f"{captures} + {scans}" + (f" (documents of {together})" if together > 1 else "")


def _got(row: Row) -> str:
    return f"{row['captures'] / row['seconds']:.0f} + {row['scans'] / row['seconds']:.0f}"


def _unanswered(row: Row) -> str:
    return f"{sum(row['scan_errors'].values())} of {row['scans']} ({row['error_rate']:.3%})"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{why} {count}" for why, count in sorted(counts.items())) or "nothing"


def _where(row: Row) -> list[str]:
    machine = row["machine"]
    size = f"{machine['processors']} processors, {machine['memory']}, load {machine['load']}"
    return [row["at"].removesuffix("+00:00"), size]


def _on(value: bool) -> str:
    return "on" if value else "**off**"

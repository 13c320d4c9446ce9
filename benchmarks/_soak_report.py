"""docs/reports/soak.md of a run of `benchmarks.soak`: one part for each database, the other's kept
as it was."""

from __future__ import annotations

import os
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks._parts import put_part
from benchmarks._soak_watch import MIB, Course, Seen, course

if TYPE_CHECKING:
    from benchmarks.soak import Soaked

SCANS: Final = ("scan page", "scan page, first", "scan page, changed")
HEAD: Final = """# Soak

An hour of everything at once: scans, captures by programs, entries of phones, forms, queries,
labels, spreadsheets, exports, audits, recalls and wrong requests, against the product as production
runs it, with the recycling of processes turned off. Written by `python -m benchmarks.soak`,
which says in its modules how it is done and measured; what an operator takes from it is in
[What fails](../explanation/failures.md#an-hour-of-everything).
"""


def changes(found: Soaked) -> dict[str, float]:
    """How much more of its own memory each process has at the end than after the warm-up, as a part
    of it."""
    return {
        name: course([(one.at, float(one.own)) for one in _since(found, seen)]).change
        for name, seen in found.watch.seen.items()
    }


def later_changes(found: Soaked) -> dict[str, float]:
    """The same within the second half of what follows the warm-up."""
    made = {}
    for name, seen in found.watch.seen.items():
        some = _since(found, seen)
        points = [(one.at, float(one.own)) for one in some[len(some) // 2 :]]
        if points:
            made[name] = course(points).change
    return made


def _since(found: Soaked, seen: Iterable[Seen]) -> list[Seen]:
    return [one for one in seen if one.at >= found.warm]


def scan_ratio(found: Soaked, kinds: Sequence[str] = SCANS[:1]) -> float:
    """p99 of the scan pages that were sent whole, by their median, after the warm-up."""
    whole = found.told.whole(*kinds, since=_warm_minute(found))
    return whole.quantile(0.99) / whole.quantile(0.5) if whole.count else 0.0


def _warm_minute(found: Soaked) -> int:
    return round((found.warm - found.begun.timestamp()) / 60)


def report(found: Soaked) -> str:
    """One database's part."""
    lines: list[str] = []
    for part in (_top, _promises, _latencies, _minutes, _memory, _inside, _gauges, _end):
        lines += [*part(found), ""]
    return "\n".join(lines)


def write(path: Path, database: str, text: str) -> None:
    """Puts a database's part into the report, beside the other's."""
    put_part(path, HEAD, database, text)


def _top(found: Soaked) -> list[str]:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    loads = found.watch.loads
    name = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[found.database]
    note = f" {found.facts['note']}" if found.facts.get("note") else ""
    requests = sum(found.told.statuses.values())
    return [
        f"## {name}",
        "",
        (
            f"{found.minutes:g} minutes from {found.begun:%Y-%m-%d %H:%M} UTC on {os.cpu_count()} "
            f"processors and {memory:.0f} GB of memory, which also ran the clients. Load of the "
            f"machine: median {statistics.median(loads):.1f}, most {max(loads):.1f}.{note}"
        ),
        "",
        (
            f"{_asked(found)} {found.told.acts:,} acts, {requests:,} requests. Processes: "
            f"`{_public(found)}`, and one worker."
        ),
    ]


def _asked(found: Soaked) -> str:
    """How much was asked for, and of what."""
    ahead = (found.warm - found.begun.timestamp()) / 60
    when = (
        f"after {ahead:.0f} minutes at twice that, "
        "at random moments, whether answers came or not; all together:"
    )
    if not found.most:
        return f"The run asked for {found.rate:.1f} acts a second, {when}"
    return (
        f"At most {found.most:.0f} acts a second were done by clients that wait for their answers; "
        f"the run asked for {found.rate:.1f} a second, {when}"
    )


def _public(found: Soaked) -> str:
    """The command without this run's folder."""
    return found.site.command.replace(str(found.site.folder), "…")


def _promises(found: Soaked) -> list[str]:
    bad = sum(n for (_, status), n in found.told.statuses.items() if status >= 500 or not status)
    ratio, whole = scan_ratio(found), scan_ratio(found, SCANS)
    worst = max(changes(found).items(), key=lambda one: abs(one[1]))
    later = max(later_changes(found).items(), key=lambda one: abs(one[1]))
    lost = found.facts["lost"]
    rows: list[tuple[str, str, str, bool]] = [
        ("answers of 5xx, connections broken", str(bad), "0", not bad),
        ("answers other than expected", str(found.told.unexpected), "0", not found.told.unexpected),
        (
            "acknowledged and not there",
            f"{len(lost)} of {found.facts['acknowledged']:,}",
            "0",
            not lost,
        ),
        (
            "own memory after the warm-up, most changed process",
            f"{100 * worst[1]:+.1f} % ({worst[0]})",
            "± 5 %",
            abs(worst[1]) <= 0.05,
        ),
        (
            "the same, second half of the run",
            f"{100 * later[1]:+.1f} % ({later[0]})",
            "± 5 %",
            abs(later[1]) <= 0.05,
        ),
        ("scan page, p99 / median", f"{ratio:.1f}", "≤ 5", ratio <= 5),
        (
            "the same with pages scanned for the first time, or just changed, that are built anew",
            f"{whole:.1f}",
            "",
            True,
        ),
        (
            "the product's own audit",
            found.facts["audit"][1],
            "0 differences",
            found.facts["audit"][0] == 0,
        ),
        (
            "beacons answered and not counted",
            str(found.facts["beacons"] - found.facts["counted"]),
            "0",
            found.facts["beacons"] == found.facts["counted"],
        ),
    ]
    lines = ["| promise | found | wanted | kept |", "| --- | --- | --- | --- |"]
    return [*lines, *(f"| {a} | {b} | {c} | {'yes' if d else '**no**'} |" for a, b, c, d in rows)]


def _latencies(found: Soaked) -> list[str]:
    since = _warm_minute(found)
    lines = [
        (
            "Milliseconds by kind of request, after the warm-up; the first request of an act is "
            "counted from the moment it was due."
        ),
        "",
        "| request | number | p50 | p99 | p99.9 | most | answers |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    statuses: dict[str, Counter[int]] = {}
    for (kind, status), count in found.told.statuses.items():
        statuses.setdefault(kind, Counter())[status] += count
    everything = [("*scan pages together*", found.told.whole(*SCANS, since=since), Counter[int]())]
    everything += [
        (kind, found.told.whole(kind, since=since), statuses[kind]) for kind in sorted(statuses)
    ]
    for kind, times, given in everything:
        if times.count:
            told = ", ".join(f"{status or 'none'}: {n:,}" for status, n in sorted(given.items()))
            lines.append(
                f"| {kind} | {times.count:,} | {_ms(times.quantile(0.5))} | "
                f"{_ms(times.quantile(0.99))} | {_ms(times.quantile(0.999))} | {_ms(times.most)} | "
                f"{told} |"
            )
    late = found.told.late
    lines += [
        "",
        (
            f"Acts waited for a free hand of the client for {_ms(late.quantile(0.5))} ms (median), "
            f"{_ms(late.quantile(0.99))} ms (p99); that is in the figures."
        ),
    ]
    return lines


def _ms(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _minutes(found: Soaked) -> list[str]:
    """Every fifth of the run, by minutes."""
    step = max(1, int(found.minutes) // 12)
    lines = [
        f"Scan pages and captures of one event, {step} minutes a line (p50 / p99 in milliseconds):",
        "",
        "| minute | scan pages | capture | entry of a phone | query |",
        "| --- | --- | --- | --- | --- |",
    ]
    kinds = (SCANS, ("capture, one event",), ("outbox entry",), ("query",))
    for start in range(0, max(1, int(found.minutes)), step):
        cells = []
        for names in kinds:
            whole = _between(found, names, start, start + step)
            cells.append(f"{_ms(whole.quantile(0.5))} / {_ms(whole.quantile(0.99))}")
        lines.append(f"| {start} | {' | '.join(cells)} |")
    return lines


def _between(found: Soaked, names: Sequence[str], start: int, end: int) -> Any:
    from benchmarks._soak_told import together

    return together(
        one
        for name in names
        for minute, one in found.told.times.get(name, {}).items()
        if start <= minute < end
    )


def _memory(found: Soaked) -> list[str]:
    lines = [
        (
            "Memory after the warm-up, MiB: median of the first and of the last sixth of the time. "
            "*Own* is anonymous memory; the rest of what is resident is files that the system can "
            "take back (libraries, the database's shared memory)."
        ),
        "",
        (
            "| process | lived | own, first | own, last | change | of it in the second half | "
            "least … most | slope an hour | resident, last | proportional, last | threads | "
            "open files | of these the database | CPU s |"
        ),
        "| --- " * 14 + "|",
    ]
    later = later_changes(found)
    for name, seen in found.watch.seen.items():
        some = _since(found, seen)
        if not some:
            continue
        own = course([(one.at, one.own / MIB) for one in some])
        whole = (seen[-1].at - seen[0].at) / 60
        lived = f"{whole:.0f} min" + (", died" if name in found.watch.gone else "")
        lines.append(
            f"| {name} | {lived} | {own.first:.1f} | {own.last:.1f} | {100 * own.change:+.1f} % | "
            f"{100 * later[name]:+.1f} % | {own.least:.1f} … {own.most:.1f} | {own.slope:+.1f} | "
            f"{_last(some, 'rss')} | {_last(some, 'pss')} | {_span(some, 'threads')} | "
            f"{_span(some, 'files')} | {_span(some, 'databases')} | "
            f"{seen[-1].cpu - seen[0].cpu:.0f} |"
        )
    return lines


def _last(seen: Sequence[Seen], name: str) -> str:
    return f"{getattr(seen[-1], name) / MIB:.1f}"


def _span(seen: Sequence[Seen], name: str) -> str:
    values = [getattr(one, name) for one in seen]
    return f"{min(values)} … {max(values)}"


def _inside(found: Soaked) -> list[str]:
    """What the processes tell of themselves."""
    lines = [
        (
            "From within, after the warm-up (medians of the first and the last sixth): Python's "
            "blocks say what is alive, malloc's bytes what of that and of others is in use and "
            "what is kept free, and the bounded memories how full they are."
        ),
        "",
        "| process | what | first | last | change |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, told in found.facts["inside"].items():
        rows: dict[str, list[tuple[float, float]]] = {}
        for one in told:
            rows.setdefault("blocks of Python", []).append((one["at"], one["blocks"]))
            for key, value in {**one["malloc"], **one["caches"]}.items():
                words = f"malloc, {key}, bytes" if key in one["malloc"] else key
                rows.setdefault(words, []).append((one["at"], value))
        for words, points in rows.items():
            way = course(points)
            if way.most:
                lines.append(
                    f"| {name} | {words} | {way.first:,.0f} | {way.last:,.0f} | {_change(way)} |"
                )
    return lines


def _change(way: Course) -> str:
    return f"{100 * way.change:+.1f} %" if way.first else ""


def _gauges(found: Soaked) -> list[str]:
    lines = [
        "The product's own figures and the database, whole run:",
        "",
        "| what | median | most | last |",
        "| --- | --- | --- | --- |",
    ]
    for name, points in found.watch.gauges.items():
        values = [value for _, value in points]
        lines.append(
            f"| {name} | {statistics.median(values):,.4g} | {max(values):,.4g} | "
            f"{values[-1]:,.4g} |"
        )
    return lines


def _end(found: Soaked) -> list[str]:
    facts = found.facts
    same = "are those" if facts["same processes"] else "**are not those**"
    lines = [
        (
            f"At the end: the last job was done {facts['drained']:.0f} s after the last request; "
            f"{facts['events']:,} events in the database; jobs failed: "
            f"{_pairs(facts['jobs failed']) or 'none'}; done and still listed: "
            f"{_pairs(facts['jobs done'])}. The processes of the start "
            f"{same} of the end; "
            f"asked to end, they ended with {_pairs(facts['ended'].items())}. Audit: "
            f"{facts['audit'][1]}."
        )
    ]
    if found.told.words:
        lines += [
            "",
            "Unexpected answers:",
            "",
            *(f"- `{one[:300]}`" for one in found.told.words[:15]),
        ]
    for name, errors in facts["logs"].items():
        if errors:
            lines += [
                "",
                f"In the log of {name}:",
                "",
                *(f"- `{one[:200]}`" for one in errors[:10]),
            ]
    return lines


def _pairs(some: Iterable[Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in some)

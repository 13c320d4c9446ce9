"""Replaying a log: what anyone with a copy, and a chain's salts, can find out."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
import orjson

from trace import clock
from trace.cli.group import refusals, trace
from trace.core.signing import JsonObject, TrustError, Unreadable, loads_strict, unb64url
from trace.core.statements import keyring_identity, tag
from trace.core.statements.receipts import Head, open_receipt
from trace.core.tlog import (
    Checkpoint,
    TrustPolicy,
    Verifier,
    open_checkpoint_by,
    parse_policy,
    root,
    verify_consistency,
)
from trace.core.tlog.proofs import consistency_proof
from trace.core.verify.mirror import (
    Mirror,
    MirrorTiles,
    Problem,
    audit,
    each_entry,
    read_checkpoint_of,
)
from trace.core.verify.monitor import Chain, Monitor
from trace.core.verify.origins import follow_origin
from trace.core.verify.policy_file import policy_of
from trace.services import log_keys
from trace.services.log import current_state
from trace.services.mirrors import mirror_at, write_file

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@trace.command("monitor")
@click.argument("source")
@click.option("--policy", "policy_file", type=FILE, help="Policy file: whom to trust.")
@click.option(
    "--bundle", "bundles", type=FILE, multiple=True, help="Bundle, or an export's chains."
)
@click.option(
    "--last", type=click.Path(dir_okay=False, path_type=Path), help="Last checkpoint seen."
)
@click.option("--workers", type=click.IntRange(min=1), default=2, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def monitor_command(
    source: str,
    policy_file: Path | None,
    bundles: tuple[Path, ...],
    last: Path | None,
    workers: int,
    as_json: bool,
) -> None:
    """Replay the log at SOURCE, a folder or an address; status 1 when something is wrong.

    Names missing, reordered and foreign links, entries out of their form, times that go back, and
    follows every organisation's keys. With --bundle (repeatable) the chains whose salts it holds
    are followed link by link. With --last the checkpoint seen before is compared, then replaced.
    """
    with refusals():
        mirror = mirror_at(source)
        trust = parse_policy(policy_file.read_bytes()) if policy_file is not None else None
        report = _monitor(mirror, trust, bundles, last, workers)
    click.echo(
        orjson.dumps(report, option=orjson.OPT_INDENT_2).decode() if as_json else _text(report)
    )
    if report["problems"]:
        raise SystemExit(1)


def _monitor(
    mirror: Mirror,
    trust: TrustPolicy | None,
    bundles: tuple[Path, ...],
    last: Path | None,
    workers: int,
) -> JsonObject:
    if trust is not None:
        known = [log.verifier for log in trust.logs]
    else:
        known = log_keys.verifiers(current_state().origin)
    found = audit(mirror, known, workers=workers, check_form=False)
    checkpoint, note = read_checkpoint_of(mirror, known)
    problems = list(found.problems)
    if trust is not None:
        problems += _witnessed(trust, note)
    problems += _compared(mirror, last, known)
    monitor = _made(trust, checkpoint.origin)
    older: JsonObject | None = None
    for index, entry in each_entry(mirror, 0, checkpoint.size):
        if index == 0 and b'"type":"origin"' in entry:
            older, refused = _followed(entry, trust)
            problems += refused
        monitor.take(index, entry)
    chains, heads, wrong = _chains(bundles, mirror, checkpoint)
    replayed = monitor.finish(chains, heads)
    problems += [*wrong, *replayed.problems]
    if last is not None and not problems:
        write_file(last.absolute(), note.encode())
    return {
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
        "types": replayed.types,
        "organisations": replayed.organisations,
        "older": older,
        "chains": [
            {"identity": chain.identity, "links": len(chain.places), "places": list(chain.places)}
            for chain in replayed.chains
        ],
        "problems": [asdict(problem) for problem in problems],
    }


def _made(trust: TrustPolicy | None, origin: str) -> Monitor:
    words = {word for word, _ in trust.directives} if trust is not None else set()
    if trust is None or not {"root", "platform"} <= words:
        return Monitor(origin)
    policy = policy_of(trust, origin=origin)
    return Monitor(origin, policy.root, policy.platform, policy.inspectors)


def _witnessed(trust: TrustPolicy, note: str) -> list[Problem]:
    try:
        trust.check(note, now=clock.now())
    except TrustError as error:
        return [Problem(error.code, "checkpoint", error.detail)]
    return []


def _compared(mirror: Mirror, last: Path | None, known: list[Verifier]) -> list[Problem]:
    """The checkpoint seen before must be the beginning of the one now."""
    if last is None or not last.exists():
        return []
    old = open_checkpoint_by(last.read_text(), known)
    new, _ = read_checkpoint_of(mirror, known)
    tiles = MirrorTiles(mirror, new.size)
    try:
        if old.origin == new.origin:
            proof = consistency_proof(old.size, new.size, tiles) if old.size <= new.size else []
            verify_consistency(old.size, new.size, old.root, root(new.size, tiles), proof)
    except TrustError as error:
        return [Problem(error.code, f"checkpoint of {old.size} entries", error.detail)]
    return []


def _followed(entry: bytes, trust: TrustPolicy | None) -> tuple[JsonObject | None, list[Problem]]:
    if trust is None:
        return None, []
    try:
        older = follow_origin(entry, trust, now=clock.now())
    except TrustError as error:
        return None, [Problem(error.code, "entry 0", error.detail)]
    return {
        "origin": older.checkpoint.origin,
        "size": older.checkpoint.size,
        "ended": clock.rfc3339(older.ended),
    }, []


def _chains(
    bundles: tuple[Path, ...], mirror: Mirror, checkpoint: Checkpoint
) -> tuple[list[Chain], list[Head], list[Problem]]:
    """Chains, receipts' heads, and statements that are not at their index, from bundles."""
    size = checkpoint.size
    chains: dict[str, Chain] = {}
    heads: list[Head] = []
    shown: dict[int, bytes] = {}
    for path in bundles:
        value = loads_strict(path.read_bytes(), max_bytes=20 * 1024 * 1024, max_depth=8)
        try:
            logs = [*value.get("older", []), value]
            rank = _rank(logs, checkpoint.origin)
            for chain in value.get("chains", []):
                name, salt = chain["identity"], unb64url(chain["salt"])
                chains[name] = Chain(name, salt, _first(name, salt, logs, rank))
            if "receipt" in value:
                receipt, _ = open_receipt(value["receipt"])
                numbers = [*(one.number for one in receipt.older)]
                numbers.append(numbers[-1] + 1 if numbers else 0)
                heads += [
                    head
                    for head in receipt.heads
                    if head.log == numbers[rank] and head.index < size
                ]
            for item in [*logs[rank].get("statements", []), *logs[rank].get("entries", [])]:
                shown[int(item["index"])] = item["entry"].encode()
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise Unreadable("a bundle, or an object with chains", path.name) from error
    wrong = []
    for index, expected in sorted(shown.items()):
        if index >= size or next(each_entry(mirror, index, size))[1] != expected:
            wrong.append(Problem("not-in-log", f"entry {index}", "the bundle shows another entry"))
    return list(chains.values()), heads, wrong


def _rank(logs: list[JsonObject], origin: str) -> int:
    """Which of a bundle's logs this is a copy of; the newest where none bears its name."""
    names = [str(log.get("checkpoint", "")).partition("\n")[0] for log in logs]
    return names.index(origin) if origin in names else len(logs) - 1


def _first(name: str, salt: bytes, logs: list[JsonObject], rank: int) -> int | None:
    """The number of a chain's first link in the log of this rank; None where it has none."""
    if len(logs) == 1 or name.endswith(keyring_identity("")):
        return 0
    number = 0
    for log in logs[: rank + 1]:
        items = [*log.get("statements", []), *log.get("entries", [])]
        here = {link for item in items for link in loads_strict(item["entry"]).get("links", [])}
        first = number
        while tag(salt, name, number) in here:
            number += 1
    return first if number > first else None


def _text(report: JsonObject) -> str:
    lines = [f"{report['origin']}: {report['size']} entries, root {report['root']}"]
    lines += [f"  {count} {kind}" for kind, count in report["types"].items()]
    if report["older"]:
        lines.append(
            f"  continues {report['older']['origin']} of {report['older']['size']} entries"
        )
    lines += [
        f"  {chain['links']} link{'' if chain['links'] == 1 else 's'} of {chain['identity']}"
        for chain in report["chains"]
    ]
    lines += [f"{p['code']}  {p['place']}: {p['detail']}" for p in report["problems"]]
    count = len(report["problems"])
    lines.append(
        f"{count} problem{'' if count == 1 else 's'} found" if count else "no problem found"
    )
    return "\n".join(lines)

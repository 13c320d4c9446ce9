"""`trace-verify`: checks a bundle, a copy of the log, or both, with nothing but files.

Rules.
1. Exit status 0: valid; 1: read and not valid; 2: nothing could be checked (no such file, a policy
   that cannot be relied on).
2. With a copy of the log (`--mirror`) the whole tree is made anew from its entries; a bundle's
   checkpoint must be a beginning or the whole of that tree; of a longer one the report says that it
   was not compared.
3. `--state` keeps, by origin, the newest checkpoint that this computer saw. Whatever is checked
   later must continue it: this is what catches a rewritten history, whoever signed it. Without a
   copy of the log two checkpoints of different sizes can be compared by a bundle's own consistency
   proof only; where that does not reach, the file is left alone and the report says `not-compared`.
4. `--attachments` is a folder of files: each must be one that a shown statement of the bundle
   names, by digest and size. A file that none names makes the check not valid, for who looks on
   would take it for a signed one; a named file that is not there is told and refuses nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, TextIO

from trace.core.signing import JsonObject, Unreadable
from trace.core.statements import parse_bundle
from trace.core.statements.bundles import MAX_BYTES
from trace.core.tlog import (
    BadPolicy,
    Checkpoint,
    TrustPolicy,
    Verifier,
    parse_note,
    parse_policy,
    root,
)
from trace.core.verify.attachments import Attachment, check_folder
from trace.core.verify.bundle import verify_bundle
from trace.core.verify.mirror import (
    Folder,
    MirrorTiles,
    MirrorUnreadable,
    audit,
    read_checkpoint_of,
)
from trace.core.verify.policy_file import policy_of
from trace.core.verify.seen import (
    Relation,
    Unusable,
    check_root,
    compare,
    read_seen,
    seen_checkpoint,
    write_seen,
)
from trace.core.verify.telling import refusal_json, report_json
from trace.core.verify.words import NOT_VALID, UNUSABLE, VALID, sentences
from trace.errors import TraceError

MAX_STATE: Final = 1_000_000  # bytes


def main(
    arguments: Sequence[str] | None = None,
    *,
    now: datetime,
    out: TextIO | None = None,
    err: TextIO | None = None,
    prog: str = "trace-verify.pyz",
) -> int:
    """Runs the program at the moment `now`; returns the exit status (rule 1)."""
    options = _parser(prog).parse_args(arguments)
    if options.bundle is None and options.mirror is None:
        _parser(prog).error("name a BUNDLE, or a copy of the log by --mirror")
    if options.bundle is None and options.attachments is not None:
        _parser(prog).error("--attachments needs the BUNDLE whose statements name the files")
    out, err = out or sys.stdout, err or sys.stderr
    status, told = check(
        Request(
            policy=Path(options.policy),
            bundle=None if options.bundle is None else Path(options.bundle),
            mirror=None if options.mirror is None else Path(options.mirror),
            state=None if options.state is None else Path(options.state),
            origin=options.origin,
            workers=options.workers,
            attachments=None if options.attachments is None else Path(options.attachments),
        ),
        now=now,
        progress=_progress(err),
    )
    if options.json:
        out.write(json.dumps(told, ensure_ascii=False, indent=1) + "\n")
    else:
        out.write("".join(f"{line}\n" for line in sentences(status, told)))
    return status


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Checks bundles and copies of the log, offline. "
        "Exit status: 0 valid, 1 not valid, 2 nothing could be checked.",
    )
    parser.add_argument("bundle", metavar="BUNDLE", nargs="?", help="a bundle file")
    parser.add_argument("--policy", required=True, help="whom to trust (C2SP tlog-policy)")
    parser.add_argument("--mirror", metavar="DIR", help="a copy of the log: make its tree anew")
    parser.add_argument("--state", metavar="FILE", help="the newest checkpoints seen here")
    parser.add_argument(
        "--attachments", metavar="DIR", help="a folder of files that the bundle's statements name"
    )
    parser.add_argument("--origin", help="which log of the policy; the first one if not given")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    return parser


def _progress(err: TextIO) -> Callable[[int, int], None]:
    """A line that counts up, where somebody is looking."""
    if not err.isatty():
        return lambda done, size: None

    def show(done: int, size: int) -> None:
        end = "\n" if done >= size else ""
        err.write(f"\r{done:,} of {size:,} entries{end}")
        err.flush()

    return show


@dataclass(frozen=True, slots=True)
class Request:
    """What to check, by which policy."""

    policy: Path
    bundle: Path | None = None
    mirror: Path | None = None
    state: Path | None = None
    origin: str | None = None
    workers: int = 1
    attachments: Path | None = None


def check(
    request: Request,
    *,
    now: datetime,
    progress: Callable[[int, int], None] = lambda done, size: None,
) -> tuple[int, JsonObject]:
    """(exit status, report). Raises nothing that the files could cause."""
    try:
        run = _Run(request, now, progress, _policy(request))
    except TraceError as error:
        return UNUSABLE, refusal_json(error)
    try:
        told = run.run()
    except (Unusable, MirrorUnreadable, BadPolicy) as error:
        return UNUSABLE, {**run.told, **refusal_json(error)}
    except TraceError as error:
        return NOT_VALID, {**run.told, **refusal_json(error)}
    return VALID if told["valid"] else NOT_VALID, told


def _policy(request: Request) -> TrustPolicy:
    return parse_policy(_read(request.policy, MAX_STATE))


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise Unusable(name=str(path), reason=error.strerror or "it cannot be read") from None
    if len(data) > limit:
        raise Unreadable(f"at most {limit} bytes", "more")
    return data


@dataclass(slots=True)
class _Run:
    request: Request
    now: datetime
    progress: Callable[[int, int], None]
    trust: TrustPolicy
    told: JsonObject = field(default_factory=dict)

    def run(self) -> JsonObject:
        request = self.request
        bundle: _Proved | None = None
        copy: _Proved | None = None
        if request.bundle is not None:
            bundle = self._bundle(request.bundle)
        if request.mirror is not None:
            copy = self._copy(request.mirror)
        if not self.told["valid"]:
            return self.told  # nothing of it is to be remembered
        if bundle is not None and copy is not None:
            self._compare_with_copy(bundle, copy)
        if request.state is not None:
            self._compare_with_seen(request.state, bundle, copy)
        return self.told

    def _bundle(self, path: Path) -> _Proved:
        data = _read(path, MAX_BYTES)
        report = verify_bundle(data, policy_of(self.trust, origin=self.request.origin), self.now)
        self.told |= report_json(report)
        if self.request.attachments is not None:
            self._files(self.request.attachments, report.attachments)
        bundle = parse_bundle(data)
        checkpoint = Checkpoint.parse(parse_note(bundle.checkpoint).text)
        older = None
        if bundle.since is not None:
            older = Checkpoint.parse(parse_note(bundle.since.checkpoint).text)
        return _Proved(checkpoint, bundle.checkpoint, older)

    def _files(self, folder: Path, named: Mapping[str, Attachment]) -> None:
        """Rule 4."""
        if not folder.is_dir():
            raise Unusable(name=str(folder), reason="it is no folder")
        found = list(check_folder(folder, named))
        self.told["files"] = [
            {"name": one.name, "digest": one.digest, "state": one.state} for one in found
        ]
        fine = all(one.state in ("same", "missing") for one in found)
        self.told["valid"] = self.told["valid"] and fine

    def _copy(self, path: Path) -> _Proved:
        folder = Folder(path)
        verifiers = self._verifiers()
        found = audit(
            folder, verifiers, workers=max(1, self.request.workers), progress=self.progress
        )
        self.told["mirror"] = {
            "origin": found.checkpoint.origin,
            "size": found.checkpoint.size,
            "tiles": found.tiles,
            "problems": [
                {"code": one.code, "place": one.place, "detail": one.detail}
                for one in found.problems
            ],
        }
        self.told["valid"] = self.told.get("valid", True) and not found.problems
        _, note = read_checkpoint_of(folder, verifiers)
        tiles = MirrorTiles(folder, found.checkpoint.size)
        return _Proved(found.checkpoint, note, tiles=tiles)

    def _verifiers(self) -> list[Verifier]:
        origin = self.request.origin
        if origin is None and self.trust.logs:
            origin = self.trust.logs[0].verifier.name
        return self.trust.log_verifiers(origin or "")

    def _compare_with_copy(self, bundle: _Proved, copy: _Proved) -> None:
        known, held = bundle.checkpoint, copy.checkpoint.size
        if copy.tiles is None or known.size > held:
            self.told["mirror"]["bundle"] = "not-compared"
            return
        check_root(known, root(known.size, copy.tiles))
        self.told["mirror"]["bundle"] = "same" if known.size == held else "continues"

    def _compare_with_seen(self, path: Path, bundle: _Proved | None, copy: _Proved | None) -> None:
        newest = max(
            (one for one in (copy, bundle) if one is not None), key=lambda one: one.checkpoint.size
        )
        seen = read_seen(path)
        origin = newest.checkpoint.origin
        last = seen_checkpoint(path, seen[origin]) if origin in seen else None
        relation: Relation = "first"
        if last is not None:
            relation = compare(
                last,
                newest.checkpoint,
                older=bundle.older if bundle is newest else None,
                tiles=copy.tiles if copy is not None else None,
                held=copy.checkpoint.size if copy is not None else 0,
            )
        self.told["seen"] = {"state": relation, "size": None if last is None else last.size}
        grown = last is None or newest.checkpoint.size > last.size
        if relation in ("first", "continues") and grown:
            write_seen(path, {**seen, origin: newest.note})


@dataclass(frozen=True, slots=True)
class _Proved:
    """A checkpoint that was checked, with what else it can be compared by."""

    checkpoint: Checkpoint
    note: str
    older: Checkpoint | None = None
    tiles: MirrorTiles | None = None

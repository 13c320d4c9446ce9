"""Commands of the log and the worker."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
from flask.cli import AppGroup

from trace import clock
from trace.cli.group import refusals, trace
from trace.core.signing import TrustError
from trace.core.tlog import (
    BadPolicy,
    Verifier,
    open_checkpoint_by,
    parse_policy,
    verify_consistency,
)
from trace.core.verify.mirror import audit
from trace.extensions import db
from trace.jobs import worker
from trace.jobs.witnesses import check_start
from trace.services import log_keys, mirrors, origins, platform, refill, sequencer, witnessing
from trace.services.log import current_state
from trace.services.log_file import LogForked, checkpoint_path, keep
from trace.services.log_guard import forget_restored, mending
from trace.services.log_reading import newest_published, read_growth

log = AppGroup("log", help="The transparency log.")
trace.add_command(log)

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
SHA256 = 32


@log.command("init")
def init() -> None:
    """Create keys, log and the platform's organisation; does nothing where they exist."""
    made = platform.initialise(at=clock.now())
    db.session.commit()
    worker.publish("command-line")
    state = current_state()
    click.echo(f"{'created' if made else 'exists'}: {state.origin}, {state.size} entries")


@log.command("publish")
def publish() -> None:
    """Integrate committed entries and sign the checkpoint now."""
    with refusals():
        worker.publish("command-line")
    newest = sequencer.newest_checkpoint()
    if newest is not None:
        click.echo(newest.note, nl=False)


@log.command("policy")
def policy() -> None:
    """Print a policy file for this log: its keys, the platform's root key, its witnesses."""
    with refusals():
        click.echo(witnessing.read_policy_text(), nl=False)


@log.command("export")
@click.argument("folder", type=FOLDER)
def export(folder: Path) -> None:
    """Write the log to FOLDER, laid out for any web server; later runs add what is new."""
    with refusals():
        size = mirrors.export(folder, progress=_progress)
    click.echo(f"{size} entries in {folder}")


@log.command("mirror")
@click.argument("source")
@click.argument("folder", type=FOLDER)
@click.option("--policy", "policy_file", type=FILE, help="Policy file with the log's key.")
def mirror(source: str, folder: Path, policy_file: Path | None) -> None:
    """Bring FOLDER up to the copy at SOURCE, a folder or an address such as https://…/log."""
    with refusals():
        known = _known_keys(policy_file)
        size = mirrors.fetch(mirrors.mirror_at(source), folder, known, progress=_progress)
    click.echo(f"{size} entries in {folder}")


@log.command("check")
@click.argument("folder")
@click.option("--policy", "policy_file", type=FILE, help="Policy file with the log's key.")
@click.option("--workers", type=click.IntRange(min=1), default=os.cpu_count() or 1)
def check(folder: str, policy_file: Path | None, workers: int) -> None:
    """Rebuild every tile and the root from a copy's entries and compare; status 1 on a difference.

    FOLDER is a folder or an address. Without --policy the key is this instance's own.
    """
    with refusals():
        found = audit(
            mirrors.mirror_at(folder), _known_keys(policy_file), workers=workers, progress=_progress
        )
    for problem in found.problems:
        click.echo(f"{problem.code}  {problem.place}: {problem.detail}")
    root = found.checkpoint.root.hex()
    if found.problems:
        click.echo(f"{len(found.problems)} differences in {found.entries} entries", err=True)
        raise SystemExit(1)
    click.echo(f"whole: {found.entries} entries, {found.tiles} tiles, root {root}")


@log.command("consistency")
@click.argument("old_size", type=click.IntRange(min=0))
@click.argument("new_size", type=click.IntRange(min=0), required=False)
def consistency(old_size: int, new_size: int | None) -> None:
    """Print OLD_SIZE OLD_ROOT NEW_SIZE NEW_ROOT HASH…, in hex, as verify-consistency takes them."""
    with refusals():
        newest = newest_published()
        growth = read_growth(old_size, new_size or newest.size, newest.number)
    words = [growth.old, growth.old_root.hex(), growth.new, growth.new_root.hex()]
    click.echo(" ".join(map(str, [*words, *(node.hex() for node in growth.proof)])))


@log.command("verify-consistency")
@click.argument("old_size")
@click.argument("old_root")
@click.argument("new_size")
@click.argument("new_root")
@click.argument("hashes", nargs=-1)
def verify_consistency_command(
    old_size: str, old_root: str, new_size: str, new_root: str, hashes: tuple[str, ...]
) -> None:
    """Check any RFC 6962 consistency proof, all hashes in hex; status 0 says that it holds."""
    try:
        verify_consistency(
            _size(old_size),
            _size(new_size),
            _hash(old_root),
            _hash(new_root),
            [_hash(text) for text in hashes],
        )
    except (TrustError, ValueError) as error:
        reason = f"{error.code}: {error.detail}" if isinstance(error, TrustError) else str(error)
        click.echo(f"not valid: {reason}", err=True)
        raise SystemExit(1) from None
    click.echo(f"valid: the log of {new_size} entries continues the log of {old_size}")


@log.command("refill")
@click.argument("source")
def refill_command(source: str) -> None:
    """After restoring an older backup: take the missing entries from the copy at SOURCE."""
    with refusals():
        done = refill.refill(mirrors.mirror_at(source), at=clock.now())
        db.session.commit()
        forget_restored()
        worker.publish("command-line")
    click.echo(f"{done.after - done.before} entries taken back, the log has {done.after}")
    for statement in done.lost:
        click.echo(f"lost: the contents of statement {statement}")
    click.echo(
        f"{done.forgotten} statements forgot again what had been erased, "
        f"{done.taken_down} takedowns done again"
    )
    for kid in done.keys:
        click.echo(f"lost: the private half of {kid}; rotate or recover it")


@log.command("resume")
def resume() -> None:
    """After restoring a backup: nothing was published after it, the log goes on as it is.

    Refused when the checkpoint file, a copy (TRACE_LOG_MIRRORS) or a witness knows of more; say it
    only where you know that none other can.
    """
    with refusals():
        with mending():
            check_start()
        lifted = forget_restored()
        worker.publish("command-line")
    state = current_state()
    click.echo(
        f"{state.origin} goes on after {state.size} entries"
        if lifted
        else f"{state.origin}: no backup was restored here since the log went on last"
    )


@log.command("keep")
@click.argument("file", type=FILE)
def keep_command(file: Path) -> None:
    """Put the checkpoint in FILE (from a witness or a copy) where the newest one is kept outside
    the database; refused unless the database's log continues it."""
    with refusals():
        state = current_state()
        known = log_keys.verifiers(state.origin)
        note = file.read_text()
        given = open_checkpoint_by(note, known)
        held = state.size - state.start
        if given.size > held:
            raise LogForked(kept=given.size, reason=f"the database holds only {held} entries")
        if sequencer.root_at(given.size) != given.root:
            raise LogForked(kept=given.size, reason="the entries up to there are different ones")
        keep(state.id, state.origin, note)
    click.echo(f"kept: {given.size} entries, in {checkpoint_path(state.id)}")


@log.command("new-origin")
@click.option("--checkpoint", type=FILE, help="The old log's newest checkpoint.")
@click.confirmation_option(
    prompt="Verifiers follow only where their policy names the new log. Begin it?"
)
def new_origin(checkpoint: Path | None) -> None:
    """Begin the log anew, naming the old one: when it can neither be continued nor refilled."""
    with refusals():
        note = checkpoint.read_text() if checkpoint is not None else None
        made = origins.new_origin(at=clock.now(), note=note)
        db.session.commit()
        forget_restored()
        worker.publish("command-line")
    click.echo(f"{made.origin} continues {made.old}, published up to {made.old_size} entries")
    for code in made.without_key:
        click.echo(f"no key of {code} is held here: it enrols anew")


@log.command("rotate-key")
@click.option("--finish", is_flag=True, help="Retire the old key: policies know the new one.")
def rotate_key(*, finish: bool) -> None:
    """Change the log's key: both sign until --finish."""
    with refusals():
        origin, number = current_state().origin, current_state().id
        path = checkpoint_path(number)
        if finish:
            if path.exists():
                log_keys.check_can_finish(origin, path.read_text())
            kept = log_keys.finish(origin)
            click.echo(f"the old key is kept in {kept}")
            return
        log_keys.begin(origin)
        sequencer.sign_again(now=clock.now())
        db.session.commit()
    for verifier in log_keys.verifiers(origin):
        click.echo(verifier.vkey)


@log.command("witnesses")
def witnesses() -> None:
    """Print the witnesses of the policy: who runs them, what they cosigned newest."""
    with refusals():
        for one in witnessing.witnesses():
            at = one.cosigned_at.isoformat() if one.cosigned_at else "never"
            counts = "" if one.counts else " (the operator's own: counts for nothing)"
            failure = f"  {one.failure}" if one.failure else ""
            click.echo(f"{one.name}  {one.operator}  {one.size or 0}  {at}{counts}{failure}")


def _known_keys(policy_file: Path | None) -> list[Verifier]:
    if policy_file is None:
        return log_keys.verifiers(current_state().origin)
    logs = [one.verifier for one in parse_policy(policy_file.read_bytes()).logs]
    if not logs:
        raise BadPolicy(line=0, reason="it names no log")
    return logs


def _progress(done: int, size: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{done} of {size} entries", nl=done >= size, err=True)
    elif done >= size or done % 1_048_576 == 0:
        click.echo(f"{done} of {size} entries", err=True)


def _size(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise ValueError(f"a size is a whole number from 0, not {text[:40]!r}")
    return int(text)


def _hash(text: str) -> bytes:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        raise ValueError(f"a hash is written in hex, not {text[:80]!r}") from None
    if len(found) != SHA256 or len(text) != 2 * SHA256:
        raise ValueError(f"a hash has {2 * SHA256} hexadecimal digits, not {len(text)}")
    return found


@trace.command("worker")
@click.option("--once", is_flag=True, help="Do everything due and stop.")
def worker_command(once: bool) -> None:
    """Publish the log and run background jobs until stopped."""
    if once:
        click.echo(f"{worker.run_pending('command-line')} jobs")
    else:
        worker.work()

"""Papers from the shell: `flask --app wsgi trace export KIND …`.

Without --organisation only what the public may see is written; with it, what that organisation
reads (an authority: what it reaches)."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable
from contextlib import contextmanager, nullcontext
from itertools import chain
from pathlib import Path
from typing import IO, Any

import click
import orjson
from flask import current_app, g
from flask.cli import AppGroup

from trace import clock
from trace.cli.group import refusals, trace
from trace.core.gs1 import Identity, parse_identity, parse_path
from trace.errors import NotFound
from trace.extensions import db
from trace.models import Organisation, Thing
from trace.services import eudr, fsma_files
from trace.services.actors import Actor
from trace.services.addresses import organisation_named
from trace.services.chain_papers import Around, around
from trace.services.chains import find_subject
from trace.services.dpp import passport_paper
from trace.services.epcis_papers import written
from trace.services.one_up_one_down import COLUMNS, Span, steps
from trace.services.settings import current_settings

export = AppGroup("export", help="Papers of a lot: events, passport, spreadsheets, plots, diary.")
trace.add_command(export)

OUT = click.option("-o", "--out", type=click.Path(dir_okay=False, path_type=Path), help="A file.")
WHO = click.option("--organisation", "code", required=True, help="Its code or GLN: who reads.")


def _thing(text: str) -> Thing:
    """The thing behind a printed address, its path (/b/…) or its code's address. Raises NotFound,
    Gs1Error."""
    base = current_settings().id_base
    if not text.isprintable():  # bytes that are no text, and worse
        raise NotFound
    identity = parse_path(text).identity if text.startswith("/") else parse_identity(text, base)
    if identity is None:
        raise NotFound
    found = db.session.get(Thing, find_subject(identity).things[0])
    if found is None:
        raise NotFound
    return found


def _actor(code: str) -> Actor:
    """The organisation with this code or GLN, as one that may read and take away."""
    if not code.isalnum():
        raise NotFound
    identity = Identity("417" if code.isdigit() and len(code) == 13 else "o", code.upper())
    row: Organisation | None = organisation_named(identity)
    if row is None:
        raise NotFound
    return Actor(row, None, "inspector" if row.kind == "authority" else "owner")


@contextmanager
def _opened(out: Path | None) -> Any:
    """Where to write: a file, whole or not at all, or the standard output."""
    if out is None:
        with nullcontext(sys.stdout.buffer) as stream:
            yield stream
            stream.flush()
        return
    part = out.with_name(f".{out.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def _write(out: Path | None, pieces: Iterable[bytes]) -> None:
    stream: IO[bytes]
    with _opened(out) as stream:
        for piece in pieces:
            stream.write(piece)


@export.command("epcis")
@click.argument("address")
@WHO
@OUT
def epcis(address: str, code: str, out: Path | None) -> None:
    """The events around the thing at ADDRESS, both ways, as an EPCIS 2.0 document."""
    with refusals():
        found = around(_actor(code), _thing(address).id)
        _write(out, written(found, at=clock.now()))
        _note_more(found)


@export.command("passport")
@click.argument("address")
@OUT
def passport(address: str, out: Path | None) -> None:
    """The digital passport (or the record) of the thing at ADDRESS, as the public has it."""
    with refusals():
        thing_id = _thing(address).id
        db.session.rollback()
        paper = passport_paper(thing_id, at=clock.now())
        _write(out, [orjson.dumps(paper, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)])


@export.command("fsma")
@click.argument("address")
@WHO
@click.option("--format", "form", type=click.Choice(fsma_files.FORMATS), default="xlsx")
@click.option("-o", "--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
def fsma(address: str, code: str, form: str, out: Path) -> None:
    """The FSMA 204 spreadsheet of the lot at ADDRESS, both ways."""
    with refusals():
        found = around(_actor(code), _thing(address).id)
        part = out.with_name(f".{out.name}.part")
        try:
            count = fsma_files.WRITERS[form](found, part, lambda _: None)
            part.replace(out)
        finally:
            part.unlink(missing_ok=True)
        click.echo(f"{count} rows", err=True)
        _note_more(found)


@export.command("eudr")
@click.argument("address")
@WHO
@OUT
def eudr_command(address: str, code: str, out: Path | None) -> None:
    """The plots of the lot at ADDRESS as GeoJSON; exit status 1 where a check fails."""
    with refusals():
        plots = eudr.plots_of(around(_actor(code), _thing(address).id, down=False))
        _write(out, [plots.geojson.encode(), b"\n"])
        for check in plots.checks:
            word = "FAILS" if check.fails else "note"
            click.echo(f"{word}\t{check.code}\t{check.place}\t{check.detail}".rstrip(), err=True)
        if not plots.passes:
            raise SystemExit(1)


@export.command("steps")
@WHO
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]))
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]))
@OUT
def steps_command(code: str, since: Any, until: Any, out: Path | None) -> None:
    """One step up, one step down of an organisation, as CSV."""
    with refusals():
        span = Span(since.date() if since else None, until.date() if until else None)
        found = steps(_actor(code), span)
        _write(out, map(_csv_line, chain([COLUMNS], (step.row() for step in found))))


def _csv_line(row: Iterable[object]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow([fsma_files.cell(value) for value in row])
    return line.getvalue().encode()


@export.command("diary")
@click.argument("address")
@WHO
@click.option("--format", "form", type=click.Choice(("xlsx", "pdf")), default="xlsx")
@click.option("--lang", default="vi")
@click.option("-o", "--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
def diary(address: str, code: str, form: str, lang: str, out: Path) -> None:
    """The VietGAP diary of the planting at ADDRESS (/c/…), private books with it."""
    from trace.web.producer.books import diary_of

    with refusals(), current_app.test_request_context(f"/?lang={lang}"):
        g.actor = _actor(code)
        _write(out, [diary_of(_thing(address).id, form).get_data()])


def _note_more(found: Around) -> None:
    if found.more:
        click.echo("there is more than fits: this is not all of it", err=True)

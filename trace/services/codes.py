"""A printed code, photographed or typed: which thing of ours it means.

A photo is decoded to a small picture first (services.attachments' limits: pixels, one at a time),
then read by zxing-cpp; at most CODES_READ codes of it are looked at. Nothing of the photo is kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import IO, Final

import zxingcpp
from sqlalchemy import select

from trace.core.gs1 import (
    Gs1Error,
    Identity,
    canonical_uri,
    check_code,
    parse_digital_link,
    parse_identity,
    parse_path,
)
from trace.errors import TraceError
from trace.extensions import db
from trace.models import CrateLabel, Handover, Thing, Unit
from trace.services.actors import Actor
from trace.services.attachments import read_picture
from trace.services.crates import NotACrate, read_crate
from trace.services.settings import current_settings
from trace.services.stamps import NotAStamp, read_stamp
from trace.services.timelines import visible

CODES_READ: Final = 20
CODE_KEYS: Final = ("b", "c", "h", "q", "n")


class NoCodeSeen(TraceError):
    code = "no-code-seen"
    message = "No code was found in this photo. Hold the phone closer, in good light, or type it."


class NotOurCode(TraceError):
    code = "not-our-code"
    message = "“%(text)s” is no code of a lot, planting, crate or note that you may open here."


def read_codes(stream: IO[bytes]) -> list[str]:
    """The texts of the codes in a photo, at most CODES_READ. Raises NotAPhoto, PhotoTooLarge,
    NoCodeSeen."""
    found = zxingcpp.read_barcodes(read_picture(stream))
    texts = [one.text for one in found if one.valid and one.text][:CODES_READ]
    if not texts:
        raise NoCodeSeen(path="photo")
    return texts


def identities_of(text: str, id_base: str) -> list[Identity]:
    """What a scanned or typed text may mean: an address under any host that follows the grammar,
    or one of our codes as printed."""
    plain = text.strip()
    if plain.startswith("(") or plain.replace(" ", "").isdecimal():
        try:  # the number under or in a linear code
            return [read_crate(plain, "code")]
        except NotACrate:
            pass
    if "/" in plain:
        try:
            known = parse_identity(plain, id_base)
            return [known or parse_digital_link(plain, id_base=id_base).identity]
        except Gs1Error:
            pass
        try:  # the path alone, as our own pages hand it on
            return [parse_path(f"/{plain.lstrip('/')}").identity]
        except Gs1Error:
            pass
        path = plain.split("?", 1)[0].rstrip("/").split("/")
        # A demonstration prints its codes under another host than the frozen base.
        letters = [(k, v) for k, v in pairwise(path) if k in CODE_KEYS]
        plain = letters[-1][1] if letters else plain
    try:
        code = check_code(plain)
    except Gs1Error:
        return []
    return [Identity(key, code) for key in CODE_KEYS]


def find_printed(actor: Actor, texts: Iterable[str]) -> tuple[str, str, int | None] | None:
    """The first of the organisation's own labels among the texts that name no batch by themselves:
    ("stamp", text, the lot it is bound to or None), or ("crate", text, None) for a crate's label
    under which nothing was packed yet. None where there is none."""
    actor.check("read")
    for text in texts:
        try:
            roll, number = read_stamp(actor, text[:2000], "code")
        except NotAStamp:
            pass
        else:
            lot = db.session.scalar(
                select(Unit.lot_id).where(Unit.range_id == roll.id, Unit.number == number)
            )
            return "stamp", text, lot
        try:
            crate = canonical_uri(read_crate(text[:2000], "code"), current_settings().id_base)
        except NotACrate:
            continue
        blank = (
            select(CrateLabel.id)
            .outerjoin(Thing, Thing.identity == CrateLabel.identity)
            .where(
                CrateLabel.identity == crate,
                CrateLabel.organisation_id == actor.organisation.id,
                Thing.id.is_(None),
            )
        )
        if db.session.scalar(blank) is not None:
            return "crate", text, None
    return None


def find_things(actor: Actor, texts: Iterable[str]) -> Thing | Handover:
    """The first thing or delivery note among the texts that the organisation may open. Raises
    NotOurCode."""
    actor.check("read")
    id_base = current_settings().id_base
    told = list(texts)
    for text in told:
        wanted = [
            canonical_uri(Identity(one.key, one.value, one.qualifiers), id_base)
            for one in identities_of(text[:2000], id_base)
        ]
        rows = db.session.scalars(select(Thing).where(Thing.identity.in_(wanted))).all()
        lots = [row.lot_id for row in rows if row.kind == "unit" and row.lot_id]
        rows = [*rows, *db.session.scalars(select(Thing).where(Thing.id.in_(lots)))]
        open_to = visible(actor, [row.id for row in rows])
        for row in rows:
            if row.id in open_to and row.kind in ("lot", "cycle", "logistic"):
                return row
        note = db.session.scalar(
            select(Handover).where(
                Handover.note.in_(wanted),
                Handover.voided.is_(False),
                (Handover.giver_id == actor.organisation.id)
                | (Handover.taker_id == actor.organisation.id),
            )
        )
        if note is not None:
            return note
    raise NotOurCode(path="code", text=(told[0] if told else "")[:80])

"""Credentials of the United Nations Transparency Protocol that an organisation hands out about its
own goods: issued on its word, signed with its key (VC-JOSE-COSE, `vc+jwt`), revocable.

They repeat the public record for software of others; the record, its statements and the log stay
what is believed here. Our own verifier reads neither these nor the status lists.

1. Only who made the goods, or speaks for them, issues; in its console, never on a stranger's
   request: a signature is an act. Who approves by passkey cannot sign with the server's key.
2. A new one ends the one before it of the same kind about the same goods.
3. Status lists are the platform's. A recall or a hold suspends at once, for as long as it stands.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from threading import Lock
from typing import Final

from cachetools import LRUCache
from sqlalchemy import exists, func, select, update
from sqlalchemy.exc import IntegrityError

from trace.core.signing import JsonObject, dumps, loads_strict, parse_compact, sign_compact
from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import Alert, Credential, Thing
from trace.models.credentials import KINDS
from trace.services.actors import Actor
from trace.services.alerts import alerts_of
from trace.services.audit import write_audit
from trace.services.batches import organisation_address
from trace.services.dpp import codes_of, paper_of
from trace.services.keys import signing_key
from trace.services.naming import issuer_of
from trace.services.passports import passport_of
from trace.services.platform import platform_organisation
from trace.services.public_copies import CopyDropped
from trace.services.settings import current_settings
from trace.services.successors import made_by_or_for
from trace.services.untp_documents import (
    EventsLink,
    Frame,
    product_passport,
    traceability_events,
)
from trace.services.untp_status import PLACES, PURPOSES, status_credential

TYP: Final = "vc+jwt"
MEDIA_TYPE: Final = "application/vc+jwt"
# Half full is full: a free place is soon drawn, and who is listed stays among many.
FULL: Final = PLACES // 2
TRIES: Final = 40
GOODS: Final = ("lot", "unit")


class ApprovalNeeded(TraceError):
    code = "credential-needs-approval"
    status = 409
    message = "%(name)s approves by passkey what is said in its name; this is signed by the server."
    next_step = "Hand out the proof bundle instead: its statements are approved."


class NothingToTell(TraceError):
    code = "nothing-to-tell"
    status = 409
    message = "Nothing public is recorded about this yet."


class UnknownCredentialKind(TraceError):
    code = "unknown-credential-kind"
    message = "A credential is of kind passport or events."


def issue(actor: Actor, thing_id: int, kind: str, *, at: datetime) -> Credential:
    """Signs and keeps a credential; ends the one before it. The caller commits, and has nothing
    unwritten in the session. Raises NotFound, NoKey, ApprovalNeeded, NothingToTell."""
    actor.check("manage")
    if kind not in KINDS:
        raise UnknownCredentialKind(path="kind")
    thing = _own(actor, thing_id)
    organisation = actor.organisation
    if organisation.approval_required:
        raise ApprovalNeeded(name=organisation.name)
    key = signing_key(organisation)
    read = passport_of(thing.id, at=at)
    if not read.document["lines"]:
        raise NothingToTell
    public_id = str(uuid.uuid4())
    row = _placed(actor, thing, kind, read.version, public_id, at)
    settings = current_settings()
    frame = Frame(
        id=f"urn:uuid:{public_id}",
        did=issuer_of(organisation.code),
        name=organisation.name_en or organisation.name,
        code=organisation_address(organisation),
        valid_from=at,
        lists={one: list_address(row.status_list, one) for one in PURPOSES},
        index=row.status_index,
    )
    if kind == "passport":
        paper = paper_of(read, alerts_of([thing.id])[thing.id], at=at)
        told = product_passport(
            paper, frame, public_url=settings.public_url, events=_events_link(actor, thing.id)
        )
    else:
        with db.engine.connect() as connection:
            codes = codes_of(connection, read.document)
        told = traceability_events(
            read.document["lines"], codes.places, frame, id_base=settings.id_base
        )
    row.jwt = sign_compact(dumps(told), typ=TYP, kid=key.kid, key=key.private)
    _end_earlier(row, at)
    db.session.flush()
    write_audit(actor, "credential.issue", f"credential:{public_id}", at=at, kind=kind)
    return row


def _own(actor: Actor, thing_id: int) -> Thing:
    thing = db.session.scalar(
        select(Thing).where(
            Thing.id == thing_id, Thing.kind.in_(GOODS), made_by_or_for(actor.organisation.id)
        )
    )
    if thing is None:
        raise NotFound
    return thing


def _placed(
    actor: Actor, thing: Thing, kind: str, version: int, public_id: str, at: datetime
) -> Credential:
    """A row with a place of its own in the newest list that has room."""
    count = db.session.scalar(select(func.count()).select_from(Credential)) or 0
    for _ in range(TRIES):
        row = Credential(
            public_id=public_id,
            organisation_id=actor.organisation.id,
            thing_id=thing.id,
            kind=kind,
            version=version,
            jwt="",
            status_list=count // FULL,
            status_index=secrets.randbelow(PLACES),
            created_at=at,
        )
        try:
            with db.session.begin_nested():
                db.session.add(row)
        except IntegrityError:
            continue
        return row
    raise RuntimeError("no free place in the status list")  # of a half-full list: never


def _end_earlier(row: Credential, at: datetime) -> None:
    db.session.execute(
        update(Credential)
        .where(
            Credential.thing_id == row.thing_id,
            Credential.kind == row.kind,
            Credential.organisation_id == row.organisation_id,
            Credential.id != row.id,
            Credential.revoked_at.is_(None),
        )
        .values(revoked_at=at)
        .execution_options(synchronize_session=False)
    )


def _events_link(actor: Actor, thing_id: int) -> EventsLink | None:
    rows = [
        one
        for one in list_credentials(actor, thing_id)
        if one.kind == "events" and one.revoked_at is None
    ]
    if not rows:
        return None
    digest = sha256(rows[0].jwt.encode()).hexdigest()
    return EventsLink(credential_address(rows[0].public_id), digest)


def list_credentials(actor: Actor, thing_id: int | None = None) -> Sequence[Credential]:
    """The organisation's own credentials, the newest first."""
    actor.check("read")
    query = select(Credential).where(Credential.organisation_id == actor.organisation.id)
    if thing_id is not None:
        query = query.where(Credential.thing_id == thing_id)
    return db.session.scalars(query.order_by(Credential.id.desc()).limit(50)).all()


def get_own(actor: Actor, public_id: str) -> Credential:
    """One of the organisation's own. Raises NotFound."""
    row = find(public_id)
    if row is None or row.organisation_id != actor.organisation.id:
        raise NotFound
    return row


def revoke(actor: Actor, row: Credential, *, at: datetime) -> None:
    """Ends a credential for good; ended already, nothing happens."""
    actor.check("manage")
    if row.organisation_id != actor.organisation.id:
        raise NotFound
    if row.revoked_at is None:
        row.revoked_at = at
        write_audit(actor, "credential.revoke", f"credential:{row.public_id}", at=at)


def find(public_id: str) -> Credential | None:
    """A credential by its public id."""
    try:
        known = str(uuid.UUID(public_id))
    except ValueError:
        return None
    return db.session.scalar(select(Credential).where(Credential.public_id == known))


def text_of(row: Credential) -> str:
    """A credential as it was signed. Raises CopyDropped."""
    if not row.jwt:
        raise CopyDropped
    return row.jwt


def payload_of(row: Credential) -> JsonObject:
    """What a credential says. Raises CopyDropped."""
    found: JsonObject = loads_strict(parse_compact(text_of(row), typ=TYP).payload)
    return found


def credential_address(public_id: str) -> str:
    """Where a credential is given out."""
    return f"{current_settings().id_base}/credentials/{public_id}"


# -- status ----------------------------------------------------------------------------------------

_signed: LRUCache[tuple[object, ...], str] = LRUCache(maxsize=64)
_signed_lock = Lock()


def list_address(number: int, purpose: str) -> str:
    """Where a status list is."""
    return f"{current_settings().id_base}/credentials/status/{number}/{purpose}"


def status_list(number: int, purpose: str, *, at: datetime) -> str:
    """A status list as a signed credential; of the same day and bits the same text. Raises
    NotFound for one that nobody was ever put into, but the first."""
    if purpose not in PURPOSES or not 0 <= number < 2**31:
        raise NotFound
    if number and not db.session.scalar(select(exists().where(Credential.status_list == number))):
        raise NotFound
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    places = tuple(sorted(_ended(number) if purpose == "revocation" else _suspended(number)))
    platform = platform_organisation()
    key = signing_key(platform)
    known = (current_settings().id_base, key.kid, number, purpose, day, places)
    with _signed_lock:
        made = _signed.get(known)
    if made is None:
        told = status_credential(
            list_address(number, purpose),
            purpose,
            places,
            issuer=issuer_of(platform.code),
            day=day,
        )
        made = sign_compact(dumps(told), typ=TYP, kid=key.kid, key=key.private)
        with _signed_lock:
            _signed[known] = made
    return made


def _ended(number: int) -> list[int]:
    return list(
        db.session.scalars(
            select(Credential.status_index).where(
                Credential.status_list == number, Credential.revoked_at.is_not(None)
            )
        )
    )


def _suspended(number: int) -> list[int]:
    """Those about goods that a recall or a hold stands on now."""
    return list(
        db.session.scalars(
            select(Credential.status_index)
            .where(Credential.status_list == number)
            .where(
                exists()
                .where(Alert.thing_id == Credential.thing_id, Alert.lifted_by.is_(None))
                .where(Alert.kind.in_(("recall", "hold")))
            )
        )
    )


def states(rows: Sequence[Credential]) -> dict[int, str]:
    """valid | revoked | suspended by row."""
    held = set()
    if rows:
        alerts = alerts_of([row.thing_id for row in rows])
        held = {
            thing
            for thing, listed in alerts.items()
            if any(one.kind in ("recall", "hold") for one in listed)
        }
    return {
        row.id: "revoked"
        if row.revoked_at is not None
        else "suspended"
        if row.thing_id in held
        else "valid"
        for row in rows
    }

"""Taking down an abusive photo or text: nobody is shown it, and everybody is told that it was.

Rules (docs/adr/0011-takedowns.md).
1. A takedown hides, an erasure destroys. What is personal (reason `personal`, in a member that may
   be erased) is erased: value and salt go, the log says so by digest. Everything else is withheld
   from every audience; the log says nothing, because nothing is destroyed.
2. A text leaves the event's row (null, as after an erasure) and is kept sealed in the takedown:
   no reader, present or future, can show it by mistake. Its digest stays in the signed statement,
   which still verifies and says "withheld". Its eventID is kept from the public where it is a hash.
   Copies of pages that showed it go for good (services.public_copies): lifting brings none back.
3. Only words that somebody made up may go: extension members that are texts, never what a statement
   is about, quantities, treatments or notices.
4. A photo's file leaves the folder that is served. Its digest stays in the statement. A personal
   or indecent one is deleted at once, another after KEPT_DAYS; the same picture is refused when it
   is sent again.
5. A takedown may be lifted while what it hid is there. A restored backup is made to obey again from
   the journal, a file outside the database that holds digests, days and reasons.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import select, update

from trace.core.signing import b64url, unb64url
from trace.core.statements import Disclosure, Statement, disclosures_of, keep_changed, kept_texts
from trace.core.statements.erasure import ERASABLE
from trace.errors import Conflict, NotAllowed, NotFound, TraceError
from trace.extensions import db
from trace.models import Attachment, Erasure, Event, Organisation, Product, Request, Takedown
from trace.models.requests import REASONS
from trace.services import attachments, freshness, takedown_journal
from trace.services.actors import Actor
from trace.services.after_commit import after_commit
from trace.services.audit import write_audit
from trace.services.erasures import attached, erase, forget_pages, get_event, lock_event
from trace.services.event_rows import with_event_id
from trace.services.jurisdictions import may_decide, scope_of
from trace.services.platform import platform_organisation
from trace.services.sealing import reseal, seal, unseal

KEPT_DAYS: Final = 90
# A photo of these is not kept for anybody to look at again.
DELETED_AT_ONCE: Final = frozenset({"personal", "indecent"})
# Extension members that say what a statement is about: safety, amounts, days, identities.
NEVER: Final = frozenset(
    {
        "trace:inputs",
        "trace:declaredNone",
        "trace:difference",
        "trace:area",
        "trace:harvestDate",
        "trace:attachments",
        "trace:product",
        "trace:performedBy",
        "trace:recordedBy",
        "trace:shares",
    }
)


class NotTakeable(TraceError):
    code = "not-takeable"
    message = "“%(member)s” is not a text that may be taken down."


class AlreadyTakenDown(Conflict):
    code = "already-taken-down"
    message = "This was taken down already."


class NothingKept(Conflict):
    code = "nothing-kept"
    message = "What was taken down is no longer kept; it cannot be put back."


@dataclass(frozen=True, slots=True)
class Text:
    """A text of a statement that may be taken down: where it stands and what it says."""

    path: str
    value: str


# -- deciding --------------------------------------------------------------------------------------


def check_decider(actor: Actor, issuer: Organisation | None) -> None:
    """The platform decides; so does a supervisor of a confirmed authority, inside its jurisdiction
    or where deciding was lent to it. Raises NotAllowed."""
    if actor.organisation.kind == "platform" and actor.may("administer"):
        return
    if not may_decide(actor, ward_code=issuer.ward_code if issuer is not None else None):
        raise NotAllowed


def texts_of(event: Event) -> list[Text]:
    """The texts of a statement that may be taken down (rule 3)."""
    return [Text(d.path, _value(d)) for d in _stored(event) if _is_takeable(d)]


def photos_of(event: Event) -> list[str]:
    """Digests of the photos a statement names."""
    return attached(d for d in _stored(event) if d.path.partition("/")[0] == "trace:attachments")


def take_down_text(
    actor: Actor,
    statement_id: str,
    path: str,
    *,
    reason: str,
    at: datetime,
    request: Request | None = None,
) -> Takedown | Erasure:
    """Takes a text down (rules 1 to 3); the caller commits. Raises NotAllowed, NotFound,
    NotTakeable, AlreadyTakenDown."""
    _check_reason(reason)
    event = get_event(statement_id)
    check_decider(actor, event.issuer)
    lock_event(event)
    found = next((d for d in _stored(event) if d.path == path), None)
    if found is None:
        standing = select(Takedown.id).where(
            Takedown.event_id == event.id, Takedown.member == path, Takedown.lifted_at.is_(None)
        )
        raise NotTakeable(member=path) if db.session.scalar(standing) is None else AlreadyTakenDown
    if not _is_takeable(found):
        raise NotTakeable(member=path)
    if reason == "personal" and path.partition("/")[0] in ERASABLE:
        platform = Actor(platform_organisation(), actor.person, "admin")
        return erase(
            platform, statement_id, [path], reason=reason, at=at, kind="takedown", request=request
        )
    row = _row(actor, "text", found.digest, reason, at, request, event, path)
    _withhold(row, event, found)
    db.session.add(row)
    write_audit(actor, "takedown.text", statement_id, at=at, member=path, reason=reason)
    _note(row)
    db.session.flush()
    return row


def take_down_photo(
    actor: Actor,
    digest: str,
    *,
    reason: str,
    at: datetime,
    request: Request | None = None,
    event: Event | None = None,
) -> Takedown:
    """Takes a photo down (rule 4), wherever it is named; the caller commits. Raises NotAllowed,
    NotFound, AlreadyTakenDown."""
    _check_reason(reason)
    attachment = db.session.get(Attachment, digest)
    if attachment is None:
        raise NotFound
    owner = db.session.get(Organisation, attachment.organisation_id)
    check_decider(actor, owner)
    if find_standing(digest) is not None:
        raise AlreadyTakenDown
    row = _row(actor, "photo", digest, reason, at, request, event, "trace:attachments")
    db.session.add(row)
    write_audit(actor, "takedown.photo", f"photo:{digest}", at=at, reason=reason)
    _hide_photo(row, owner, at)
    if event is not None:
        forget_pages(event.id, copies_at=at)
    _note(row)
    db.session.flush()
    return row


def lift(actor: Actor, takedown: Takedown, *, at: datetime) -> None:
    """Puts back what was taken down by mistake (rule 5). Raises NotAllowed, NothingKept."""
    issuer = takedown.event.issuer if takedown.event is not None else None
    check_decider(actor, issuer)
    if takedown.event is not None:
        lock_event(takedown.event)
    db.session.refresh(takedown)
    if takedown.lifted_at is not None:
        raise NothingKept
    if takedown.kind == "photo" and not attachments.is_aside(takedown.digest):
        raise NothingKept
    if takedown.kind == "text" and (takedown.kept is None or takedown.event is None):
        raise NothingKept
    takedown.lifted_at = at
    db.session.flush()  # the guard of events looks for this
    if takedown.kind == "text":
        _put_back(takedown)
    else:
        owner = _owner_of(takedown.digest)
        if owner is not None:
            freshness.organisation_changed(owner, at=at)
        after_commit(partial(attachments.bring_back, takedown.digest))
    write_audit(actor, "takedown.lift", f"{takedown.kind}:{takedown.digest}", at=at)
    _note(takedown)
    db.session.flush()


def find_standing(digest: str) -> Takedown | None:
    """The takedown of a digest that stands."""
    return db.session.scalar(
        select(Takedown).where(Takedown.digest == digest, Takedown.lifted_at.is_(None))
    )


def withheld_digests() -> frozenset[str]:
    """Digests of the texts that are kept sealed, each opened and hashed: for the audit, a null in
    an event's row is either erased by the log or found here, and found to be what was signed."""
    rows = db.session.scalars(select(Takedown).where(Takedown.kept.is_not(None))).all()
    found = set()
    for row in rows:
        try:
            text = unseal(row.kept or b"", _place(row.digest))["text"]
        except TraceError:
            continue  # the audit then names the event
        if b64url(hashlib.sha256(text.encode()).digest()) == row.digest:
            found.add(row.digest)
    return frozenset(found)


def list_takedowns(actor: Actor) -> list[Takedown]:
    """All takedowns, the newest first; a confirmed authority sees its own. Raises NotAllowed."""
    query = select(Takedown).order_by(Takedown.id.desc())
    if actor.organisation.kind == "authority":
        scope_of(actor, "decide")
        query = query.where(Takedown.organisation_id == actor.organisation.id)
    elif not (actor.organisation.kind == "platform" and actor.may("administer")):
        raise NotAllowed
    return list(db.session.scalars(query))


def get_takedown(actor: Actor, takedown_id: int) -> Takedown:
    """One of them. Raises NotFound."""
    found = next((one for one in list_takedowns(actor) if one.id == takedown_id), None)
    if found is None:
        raise NotFound
    return found


def forget_photos(*, at: datetime) -> int:
    """Deletes the files of photos taken down KEPT_DAYS ago; returns how many."""
    before = at - timedelta(days=KEPT_DAYS)
    digests = db.session.scalars(
        select(Takedown.digest).where(
            Takedown.kind == "photo", Takedown.created_at <= before, Takedown.lifted_at.is_(None)
        )
    )
    gone = [digest for digest in digests if attachments.is_aside(digest)]
    for digest in gone:
        attachments.remove_aside(digest)
    return len(gone)


def rewrap(old: bytes, new: bytes) -> int:
    """Seals kept texts anew under another key-encryption key; returns how many."""
    rows = db.session.scalars(select(Takedown).where(Takedown.kept.is_not(None))).all()
    for row in rows:
        if row.kept is not None:
            row.kept = reseal(row.kept, _place(row.digest), old, new)
    return len(rows)


# -- after a restore -------------------------------------------------------------------------------


def replay(*, at: datetime) -> int:
    """Does again what the journal tells of and what the rows say; returns how many takedowns had
    to be done again. The caller commits."""
    count = 0
    for told in _written_up():
        standing = find_standing(told.digest)
        if told.lifted:
            if standing is not None:
                standing.lifted_at = at
                db.session.flush()
                if standing.kind == "text" and standing.kept is not None:
                    _put_back(standing)
                elif standing.kind == "photo":
                    after_commit(partial(attachments.bring_back, told.digest))
                count += 1
            continue
        count += _again(told, standing, at)
    db.session.flush()
    return count


def _written_up() -> list[takedown_journal.Told]:
    """The journal, less what rows know better: a process that died between its commit and the
    journal left a decision out of it. That is written now, and a photo brought back that was left
    aside."""
    journal = {told.digest: told for told in takedown_journal.read()}
    newest = {row.digest: row for row in db.session.scalars(select(Takedown).order_by(Takedown.id))}
    for digest, row in newest.items():
        told, known = journal.get(digest), _told(row)
        lifted = known.lifted and (told is None or told.at <= known.at)
        if told is None or told.at < known.at or (lifted and not told.lifted):
            _note(row)
            journal[digest] = known
        if lifted:
            journal.pop(digest, None)
            if row.kind == "photo" and attachments.is_aside(digest):
                after_commit(partial(attachments.bring_back, digest))
    return list(journal.values())


def _again(told: takedown_journal.Told, standing: Takedown | None, at: datetime) -> bool:
    done = False
    event = db.session.scalar(select(Event).where(Event.statement_id == told.statement))
    if standing is None:
        decider = db.session.scalar(select(Organisation).where(Organisation.code == told.by))
        actor = Actor(decider or platform_organisation(), None, "admin")
        if told.kind == "text" and event is None:
            return False  # the statement itself was lost
        standing = _row(
            actor, told.kind, told.digest, told.reason, told.at, None, event, told.member
        )
        db.session.add(standing)
        db.session.flush()
        done = True
    if standing.kind == "text" and standing.event is not None:
        found = next((d for d in _stored(standing.event) if d.digest == told.digest), None)
        if found is not None:
            _withhold(standing, standing.event, found)
            done = True
    if standing.kind == "photo" and (done or attachments.is_served(told.digest)):
        _hide_photo(standing, _owner_of(told.digest), at)
        done = True
    return done


# -- inside ----------------------------------------------------------------------------------------


def _check_reason(reason: str) -> None:
    if reason not in REASONS:
        raise NotTakeable(path="reason", member=reason[:40])


def _stored(event: Event) -> tuple[Disclosure, ...]:
    return disclosures_of(event.jwt, kept_texts(event.disclosures))


def _value(disclosure: Disclosure) -> str:
    value = orjson.loads(unb64url(disclosure.text))[-1]
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _is_takeable(disclosure: Disclosure) -> bool:
    top, _, below = disclosure.path.partition("/")
    name = below.replace("~1", "/") if top == "ilmd" else top.replace("~1", "/")
    if ":" not in name or name in NEVER or name.startswith("cbvmda:"):
        return False
    value = orjson.loads(unb64url(disclosure.text))[-1]
    return bool(value) and all(isinstance(one, str) for one in _leaves(value))


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict) and "..." in value:
        yield None  # it only holds the digests of elements, which are disclosures of their own
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _leaves(one)
    else:
        yield value


def _row(
    actor: Actor,
    kind: str,
    digest: str,
    reason: str,
    at: datetime,
    request: Request | None,
    event: Event | None,
    member: str,
) -> Takedown:
    return Takedown(
        kind=kind,
        digest=digest,
        event=event,
        member=member,
        reason=reason,
        request_id=request.id if request is not None else None,
        organisation=actor.organisation,
        person_id=actor.person.id if actor.person is not None else None,
        created_at=at,
    )


def _withhold(row: Takedown, event: Event, found: Disclosure) -> None:
    """Rule 2."""
    known = _stored(event)
    private: list[str] = orjson.loads(event.private)
    hash_of_it = _event_id_with(event, known, found.path) - set(private)
    texts = kept_texts(event.disclosures)
    kept = {"text": found.text, "at": texts.index(found.text), "private": sorted(hash_of_it)}
    row.kept = seal(kept, _place(row.digest))
    _store(
        event,
        [None if text == found.text else text for text in texts],
        [*private, *sorted(hash_of_it)],
        copies_at=row.created_at,
    )


def _event_id_with(event: Event, known: Collection[Disclosure], path: str) -> set[str]:
    """`eventID`, where it is the hash of an event and the public must not see it with `path`."""
    return with_event_id(Statement(event.jwt, tuple(known)), [path]) & {"eventID"}


def _put_back(row: Takedown) -> None:
    event = row.event
    if event is None or row.kept is None:
        raise NothingKept
    kept = unseal(row.kept, _place(row.digest))
    texts = kept_texts(event.disclosures)
    texts[kept["at"]] = kept["text"]
    private = [path for path in orjson.loads(event.private) if path not in kept["private"]]
    _store(event, texts, private)
    row.kept = None


def _store(
    event: Event,
    texts: list[str | None],
    private: list[str],
    *,
    copies_at: datetime | None = None,
) -> None:
    db.session.execute(
        update(Event)
        .where(Event.id == event.id)
        .values(
            disclosures=keep_changed(event.disclosures, texts),
            private=orjson.dumps(private).decode(),
        )
        .execution_options(synchronize_session=False)
    )
    db.session.refresh(event)
    forget_pages(event.id, copies_at=copies_at)


def _hide_photo(row: Takedown, owner: Organisation | None, at: datetime) -> None:
    for product in db.session.scalars(select(Product).where(Product.picture == row.digest)):
        product.picture = None
        freshness.product_changed(product, at=at)
    if owner is not None:
        freshness.organisation_changed(owner, at=at)
    act = attachments.remove_file if row.reason in DELETED_AT_ONCE else attachments.put_aside
    after_commit(partial(act, row.digest))


def _owner_of(digest: str) -> Organisation | None:
    return db.session.scalar(
        select(Organisation)
        .join(Attachment, Attachment.organisation_id == Organisation.id)
        .where(Attachment.digest == digest)
    )


def _note(row: Takedown) -> None:
    """Writes the journal once the decision is committed."""
    after_commit(partial(takedown_journal.write, _told(row)))


def _told(row: Takedown) -> takedown_journal.Told:
    return takedown_journal.Told(
        kind=row.kind,
        digest=row.digest,
        statement=row.event.statement_id if row.event is not None else b"",
        member=row.member,
        reason=row.reason,
        by=row.organisation.code,
        at=row.created_at,
        lifted=row.lifted_at is not None,
    )


def _place(digest: str) -> str:
    return f"takedown:{digest}"


def statement_of(event: Event | None) -> str:
    """The urn:uuid of a statement; nothing for none."""
    return f"urn:uuid:{UUID(bytes=event.statement_id)}" if event is not None else ""

"""Files of registration: handed in by phone, judged by an authority or the platform.

The organisation has its code and its key from the first minute and may record; until somebody
confirms it, every public page says that nobody has.

Rules.
1. The desk: the platform sees every file; a supervisor of a confirmed authority those of wards in
   its jurisdiction. Nobody judges their own.
2. received, answered -> asked, confirmed, declined; asked -> confirmed, declined; the applicant
   answers what was asked and what was declined (-> answered), and adds papers until a confirmation.
3. A confirmation is a statement of the platform in the log (formats, section 5): it says who was
   confirmed and which organisation judged. Questions and refusals are told to the applicant and
   kept in the audit log; they are nobody else's business and are not published.
4. Photos of papers serve the decision. PAPERS_KEPT after it they are deleted, and when the
   organisation closes; until then they are sealed at rest (services.papers).
5. Somebody confirmed is confirmed under a name, as a kind, in a ward. When it changes one of these
   it is unconfirmed again, on every page at once, and its file waits for the desk (-> answered).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import IO, Any, Final

from sqlalchemy import or_, select
from sqlalchemy.orm import contains_eager

from trace.clock import rfc3339
from trace.core.gs1 import Identity, local_uri
from trace.errors import Conflict, NotAllowed, NotFound, TraceError
from trace.extensions import db
from trace.models import Application, ApplicationPaper, ApplicationStep, Organisation
from trace.models.applications import CLOSED, PAPER_KINDS, STATES, WAITING
from trace.services import freshness, log
from trace.services.actors import Actor
from trace.services.after_commit import after_commit
from trace.services.audit import write_audit
from trace.services.capture import capture
from trace.services.competence import authorities_for, covers
from trace.services.notifications import notify, notify_each
from trace.services.papers import (
    PAPER_LIMIT,
    TooManyPapers,
    drop_papers,
    keep_paper,
    kept_before,
    seal_plain,
)
from trace.services.platform import platform_organisation
from trace.services.sets import among
from trace.services.settings import current_settings
from trace.services.versions import check_version
from trace.services.vocabulary import context

DECISIONS: Final = ("asked", "confirmed", "declined")
# A decision can be complained about for ninety days (Law on Complaints 02/2011/QH13, article 9).
PAPERS_KEPT: Final = timedelta(days=90)


class FileClosed(Conflict):
    code = "file-closed"
    message = "This file has been decided."


class WordsMissing(TraceError):
    code = "words-missing"
    message = "Say what is missing or why: the applicant reads it."


class NothingToAnswer(Conflict):
    code = "nothing-to-answer"
    message = "Nobody has asked anything about this file."


class PapersMissing(TraceError):
    code = "papers-missing"
    message = "Choose or take at least one photo."


def open_application(actor: Actor, *, at: datetime) -> Application:
    """The organisation's file, opened when there is none yet. Raises NotAllowed."""
    actor.check("manage")
    found = find_application(actor)
    if found is not None:
        return found
    made = Application(
        organisation_id=actor.organisation.id,
        person_id=actor.person.id if actor.person else None,
        created_at=at,
        changed_at=at,
    )
    db.session.add(made)
    db.session.flush()
    _step(actor, made, "received", "", at)
    _tell_desk(made, at)
    return made


def find_application(actor: Actor) -> Application | None:
    """The file of the actor's own organisation."""
    actor.check("read")
    return db.session.scalar(
        select(Application).where(Application.organisation_id == actor.organisation.id)
    )


def get_own(actor: Actor) -> Application:
    """The file of the actor's own organisation. Raises NotFound."""
    found = find_application(actor)
    if found is None:
        raise NotFound
    return found


def add_papers(
    actor: Actor, file: Application, kind: str, streams: Iterable[IO[bytes]], *, at: datetime
) -> int:
    """Adds photos of papers; returns how many. Raises NotAllowed, FileClosed, TooManyPapers,
    NotAPhoto, PhotoTooLarge, each naming `papers`."""
    _check_own(actor, file)
    if file.state == "confirmed":
        raise FileClosed
    found = list(streams)
    if len(file.papers) + len(found) > PAPER_LIMIT:
        raise TooManyPapers(path="papers", limit=PAPER_LIMIT)
    if kind not in PAPER_KINDS:
        kind = "other"
    for stream in found:
        digest, size = keep_paper(stream)
        if any(one.digest == digest for one in file.papers):
            continue
        file.papers.append(
            ApplicationPaper(
                application_id=file.id, kind=kind, digest=digest, size=size, created_at=at
            )
        )
    if found:
        db.session.flush()
        _step(actor, file, "papers", "", at)
    return len(found)


def answer(actor: Actor, file: Application, text: str, *, version: int, at: datetime) -> None:
    """The applicant answers what was asked, or a refusal: the file waits for the desk again.
    Raises NotAllowed, FileClosed, NothingToAnswer, WordsMissing, ChangedMeanwhile."""
    _check_own(actor, file)
    check_version(file, version)
    if file.state == "confirmed":
        raise FileClosed
    if file.state not in ("asked", "declined"):
        raise NothingToAnswer
    if not text:
        raise WordsMissing(path="text")
    file.state, file.decided_at, file.decided_by_id = "answered", None, None
    _step(actor, file, "answered", text, at)
    _tell_desk(file, at)


def ask_anew(actor: Actor, text: str, *, at: datetime) -> None:
    """The organisation changed what it was confirmed as: nobody has confirmed it as that, and its
    file waits for the desk again (rule 5). `text` says what changed."""
    organisation = actor.organisation
    organisation.status, organisation.confirmed_at = "unconfirmed", None
    file = open_application(actor, at=at)
    file.state, file.statement = "answered", None
    file.decided_at, file.decided_by_id = None, None
    _step(actor, file, "changed", text, at)
    _tell_desk(file, at)


def forget_papers(*, at: datetime) -> int:
    """Deletes photos of papers whose purpose has ended (rule 4); returns how many. Seals those that
    an earlier release kept unsealed. The caller commits; called every hour."""
    seal_plain()
    rows = db.session.scalars(
        select(ApplicationPaper)
        .join(Application, Application.id == ApplicationPaper.application_id)
        .join(Organisation, Organisation.id == Application.organisation_id)
        .where(or_(Application.decided_at <= at - PAPERS_KEPT, Organisation.closed_at.is_not(None)))
    ).all()
    digests = {row.digest for row in rows} | kept_before(at - timedelta(days=1))
    for row in rows:
        db.session.delete(row)
    db.session.flush()
    # Two files may hold the same photo; of a registration that failed a photo may be left alone.
    needed = set(
        db.session.scalars(
            select(ApplicationPaper.digest).where(among(ApplicationPaper.digest, sorted(digests)))
        )
    )
    after_commit(lambda: drop_papers(digests - needed))
    if rows:
        write_audit(None, "application.papers-deleted", "applications", at=at, count=len(rows))
    return len(rows)


# -- the desk --------------------------------------------------------------------------------------


def list_applications(actor: Actor, *, closed: bool = False) -> list[Application]:
    """The files this actor judges; those that wait for the desk first, the oldest first. Raises
    NotAllowed."""
    _check_desk(actor)
    states = CLOSED if closed else tuple(state for state in STATES if state not in CLOSED)
    rows = db.session.scalars(
        select(Application)
        .join(Application.organisation)
        .options(contains_eager(Application.organisation))
        .where(Application.state.in_(states))
    )
    found = [row for row in rows if _judges(actor, row.organisation)]
    return sorted(found, key=lambda row: (row.state not in WAITING, row.changed_at, row.id))


def get_application(actor: Actor, application_id: int) -> Application:
    """One of the files this actor judges. Raises NotFound, NotAllowed."""
    _check_desk(actor)
    found = db.session.get(Application, application_id)
    if found is None or not _judges(actor, found.organisation):
        raise NotFound
    return found


def decide(
    actor: Actor, file: Application, decision: str, text: str, *, version: int, at: datetime
) -> None:
    """Asks for more, confirms or declines. Raises NotAllowed, FileClosed, WordsMissing,
    ChangedMeanwhile."""
    _check_desk(actor)
    if decision not in DECISIONS or not _judges(actor, file.organisation):
        raise NotAllowed
    check_version(file, version)
    if file.state in CLOSED:
        raise FileClosed
    if decision != "confirmed" and not text:
        raise WordsMissing(path="text")
    file.state = decision
    if decision in CLOSED:
        file.decided_at, file.decided_by_id = at, actor.organisation.id
    if decision == "confirmed":
        file.statement = _confirm(actor, file.organisation, at)
    _step(actor, file, decision, text, at)
    notify(
        file.organisation,
        f"application-{decision}",
        {"by": actor.organisation.name},
        at=at,
        address="/producer/application/",
    )


# -- inside ----------------------------------------------------------------------------------------


def _confirm(actor: Actor, organisation: Organisation, at: datetime) -> str:
    """Confirms and says so in the log; returns the statement's urn:uuid."""
    log.lock()  # captures take it before they write the organisation's row and mark its pages
    organisation.status, organisation.confirmed_at = "confirmed", at
    write_audit(actor, "organisation.confirm", f"organisation:{organisation.code}", at=at)
    db.session.flush()
    freshness.organisation_changed(organisation, at=at)
    base = current_settings().id_base
    said: dict[str, Any] = {
        "@context": context(base),
        "type": "ObjectEvent",
        "action": "OBSERVE",
        "eventID": f"urn:uuid:{uuid.uuid4()}",
        "eventTime": rfc3339(at),
        "eventTimeZoneOffset": "+07:00",
        # CBV 2.0: an inspection of documents that ended well.
        "bizStep": "inspecting",
        "disposition": "conformant",
        "epcList": [local_uri(Identity("o", organisation.code), base)],
        "trace:performedBy": local_uri(Identity("o", actor.organisation.code), base),
    }
    platform = Actor(platform_organisation(), None, "admin")
    return capture(platform, [said], at=at, private=()).events[0].statement_id


def _tell_desk(file: Application, at: datetime) -> None:
    """Those who may judge the file learn that it waits."""
    name = {"name": file.organisation.name}
    told = {platform_organisation(): (name, f"/admin/applications/{file.id}")}
    for one in authorities_for(file.organisation.ward_code):
        if one.id != file.organisation_id:
            told[one] = (name, f"/inspection/applications/{file.id}")
    notify_each(told, "application-waiting", at=at)


def _step(actor: Actor, file: Application, kind: str, text: str, at: datetime) -> None:
    file.steps.append(
        ApplicationStep(
            application_id=file.id,
            kind=kind,
            text=text,
            organisation_id=actor.organisation.id,
            person_id=actor.person.id if actor.person else None,
            at=at,
        )
    )
    file.changed_at = at
    write_audit(actor, f"application.{kind}", f"organisation:{file.organisation.code}", at=at)
    db.session.flush()


def _check_own(actor: Actor, file: Application) -> None:
    actor.check("manage")
    if file.organisation_id != actor.organisation.id:
        raise NotFound


def _check_desk(actor: Actor) -> None:
    act = {"platform": "administer", "authority": "decide"}.get(actor.organisation.kind)
    if act is None or not actor.may(act):
        raise NotAllowed


def _judges(actor: Actor, organisation: Organisation) -> bool:
    if actor.organisation.id == organisation.id:
        return False
    if actor.organisation.kind == "platform":
        return True
    judge = actor.organisation
    return judge.status == "confirmed" and covers(judge.jurisdiction, organisation.ward_code)

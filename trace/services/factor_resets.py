"""Taking somebody's second step away, for who lost the device and the recovery codes.

Rules.
1. It takes two administrators of the platform, by all we can tell two persons
   (recalls.two_people), and neither is the one it is about; or whoever holds the server, by the
   command line, since a platform may have one administrator alone.
2. The person is told when it is asked and when it is done, at every contact they have proven, even
   where they asked not to be written to; and in the application.
3. What was asked waits WAITS and is then worth nothing.
4. Done, it takes application, recovery codes and passkeys, and ends every sign-in. Who decides has
   no time without a second step afterwards: pages that decide are closed until a new one is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from flask_babel import force_locale, gettext
from sqlalchemy import select, update

from trace.errors import Conflict, NotFound, TraceError
from trace.extensions import db
from trace.models import FactorReset, Person
from trace.services import factors, senders
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.notification_words import say
from trace.services.notifications import notify, notify_people
from trace.services.people import find_person, parse_login
from trace.services.recalls.two_people import SameContact, SameSigner, check_another

WAITS: Final = timedelta(hours=72)
TOLD: Final = timedelta(days=2)
SHOWN: Final = 50


class NobodyThere(TraceError):
    code = "nobody-there"
    message = "Nobody signs in with that, or there is no second step to take away."


class SecondPerson(TraceError):
    code = "second-person"
    status = 403
    message = "Another administrator decides this: neither who asked nor whom it is about."
    next_step = "Ask a colleague with an account, a telephone and a mailbox of their own."


class ResetAsked(Conflict):
    code = "reset-asked"
    message = "This was asked already and waits for a second administrator."


class ResetOver(Conflict):
    code = "reset-over"
    message = "This request is decided, or it waited for more than three days."


def ask(actor: Actor, login: str, reason: str, *, at: datetime) -> FactorReset:
    """One administrator asks, having made sure who asks for it. Raises NotAllowed, NobodyThere,
    SecondPerson, ResetAsked, and what parse_login raises."""
    actor.check("administer")
    try:
        person = find_person(parse_login(login))
    except TraceError as error:
        raise error.at("login") from None
    if person is None or not person.active or not factors.has_any(person):
        raise NobodyThere(path="login")
    if actor.person is None or actor.person.id == person.id:
        raise SecondPerson(path="login")
    if any(one.person_id == person.id for one in waiting(actor, at=at)):
        raise ResetAsked(path="login")
    row = FactorReset(
        person_id=person.id, reason=reason, state="waiting", asked_by=actor.person.id, asked_at=at
    )
    db.session.add(row)
    db.session.flush()
    write_audit(actor, "factor.reset-ask", f"person:{person.id}", at=at, reset=row.id)
    told = {"by": actor.person.name, "name": person.name}
    tell(person, "factor-reset-asked", {"by": actor.person.name}, at=at)
    notify(
        actor.organisation,
        "factor-reset-waiting",
        told,
        at=at,
        address="/admin/second-steps/",
        but=actor.person,
        subject=f"factor-reset:{row.id}",
    )
    return row


def waiting(actor: Actor, *, at: datetime) -> Sequence[FactorReset]:
    """What waits for a second administrator, the oldest first. Raises NotAllowed."""
    actor.check("administer")
    query = select(FactorReset).where(
        FactorReset.state == "waiting", FactorReset.asked_at > at - WAITS
    )
    return db.session.scalars(query.order_by(FactorReset.id)).all()


def decided(actor: Actor) -> Sequence[FactorReset]:
    """What was decided, the newest first. Raises NotAllowed."""
    actor.check("administer")
    query = select(FactorReset).where(FactorReset.state != "waiting")
    return db.session.scalars(query.order_by(FactorReset.id.desc()).limit(SHOWN)).all()


def get_reset(actor: Actor, reset_id: int) -> FactorReset:
    """One of them. Raises NotAllowed, NotFound."""
    actor.check("administer")
    row = db.session.get(FactorReset, reset_id)
    if row is None:
        raise NotFound
    return row


def may_decide(actor: Actor, row: FactorReset) -> bool:
    """Whether this administrator is the second person."""
    try:
        _check_second(actor, row)
    except SecondPerson:
        return False
    return True


def decide(actor: Actor, row: FactorReset, do: bool, *, at: datetime) -> None:
    """The second administrator does it, or refuses; who asked may take it back by refusing. Raises
    NotAllowed, SecondPerson, ResetOver."""
    actor.check("administer")
    taking_back = not do and actor.person is not None and actor.person.id == row.asked_by
    if not taking_back:
        _check_second(actor, row)
    state = "done" if do else "refused"
    changed = db.session.execute(
        update(FactorReset)
        .where(
            FactorReset.id == row.id,
            FactorReset.state == "waiting",
            FactorReset.asked_at > at - WAITS,
        )
        .values(state=state, decided_by=actor.person.id if actor.person else None, decided_at=at)
        .returning(FactorReset.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if changed is None:
        raise ResetOver
    db.session.refresh(row)
    write_audit(actor, f"factor.reset-{state}", f"person:{row.person_id}", at=at, reset=row.id)
    if do:
        take_away(row.person, at=at)


def take_away(person: Person, *, at: datetime) -> None:
    """Takes every second step of a person away and tells them (rules 2 and 4); who may have it
    done is decided before."""
    factors.forget(person)
    person.factor_asked_at = factors.NO_TIME_LEFT
    write_audit(None, "person.factor-reset", f"person:{person.id}", at=at, person=person)
    tell(person, "factor-reset", {}, at=at)


def tell(person: Person, word: str, context: dict[str, object], *, at: datetime) -> None:
    """Tells somebody about their own account at every contact they have proven, whatever they
    prefer, and in the application."""
    title, text = say(word, context, person.locale)
    with force_locale(person.locale):
        body = f"{text}\n\n" + gettext("Trace gửi để bảo vệ tài khoản của bạn.")
    until = at + TOLD
    if person.email and person.email_proven_at and senders.is_on("email"):
        senders.post("email", person.email, title, body, at=at, until=until)
    if person.phone and person.phone_proven_at and senders.is_on("sms"):
        senders.post("sms", person.phone, "", f"Trace: {title}. {text}", at=at, until=until)
    address = "/account/second-step/"
    notify_people([person], word, context, at=at, address=address, inside_only=True)


def forget(person: Person) -> None:
    """Empties what was written about a person whose account is erased."""
    db.session.execute(
        update(FactorReset)
        .where(FactorReset.person_id == person.id)
        .values(reason="")
        .execution_options(synchronize_session=False)
    )


def _check_second(actor: Actor, row: FactorReset) -> None:
    if actor.person is None or actor.person.id == row.person_id:
        raise SecondPerson
    try:
        check_another(row.asked_by, actor.person)
    except (SameSigner, SameContact):
        raise SecondPerson from None

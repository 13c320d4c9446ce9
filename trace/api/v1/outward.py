"""What leaves the house: credentials handed out, passports handed in at the portal, subscriptions
and what their receivers did not take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson
from flask import Response
from sqlalchemy import Select, select
from sqlalchemy.orm import contains_eager

from trace import clock
from trace.api.v1.door import Answer, operation
from trace.api.v1.files import PUBLIC_ID
from trace.api.v1.nouns import Rows, listing
from trace.extensions import db
from trace.models import Credential, DeadLetter, PortalDelivery, Subscription
from trace.schemas.api import outward as out
from trace.schemas.api.answers import listed
from trace.services import portal, subscriptions, untp
from trace.services.actors import Actor
from trace.services.timelines import get_thing

AT: Final = "2026-11-20T00:30:00Z"

# -- credentials -----------------------------------------------------------------------------------

CREDENTIAL: Final = {
    "id": PUBLIC_ID,
    "thing": 12,
    "kind": "passport",
    "state": "valid",
    "address": f"https://id.example/credentials/{PUBLIC_ID}",
    "issued_at": AT,
    "revoked_at": None,
}
OF_THING: Final[dict[str, dict[str, Any]]] = {
    "thing": {
        "type": "integer",
        "minimum": 1,
        "maximum": 2**53,
        "description": "Only of this lot.",
    },
}


def _credential(row: Credential, state: str) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "thing": row.thing_id,
        "kind": row.kind,
        "state": state,
        "address": untp.credential_address(row.public_id),
        "issued_at": row.created_at,
        "revoked_at": row.revoked_at,
    }


def _one(row: Credential) -> dict[str, Any]:
    return _credential(row, untp.states([row])[row.id])


def _credentials(actor: Actor, thing: int | None) -> Select[Any]:
    actor.check("read")
    query = select(Credential).where(Credential.organisation_id == actor.organisation.id)
    return query if thing is None else query.where(Credential.thing_id == thing)


def _listed(rows: Sequence[Credential]) -> list[dict[str, Any]]:
    states = untp.states(rows)
    return [_credential(row, states[row.id]) for row in rows]


listing(
    "list_credentials",
    "/credentials",
    out.CredentialOut(),
    Rows(_credentials, Credential.id, many=_listed),
    tag="papers",
    summary="Credentials the organisation handed out, newest first",
    query=OF_THING,
    answer=CREDENTIAL,
)


@operation(
    "POST",
    "/batches/<int:thing_id>/credentials",
    tag="papers",
    summary="Sign and hand out a UNTP credential of a lot or unit; the one before it ends",
    scope="manage",
    body=out.CREDENTIAL,
    out=out.CredentialOut(),
    status=201,
    example={"kind": "passport"},
    answer=CREDENTIAL,
    description="What is signed is what the public page says at this moment.",
)
def issue_credential(actor: Actor, thing_id: int, clean: dict[str, Any]) -> Answer:
    row = untp.issue(actor, thing_id, clean["kind"], at=clock.now())
    return Answer(_one(row), location=f"/api/v1/credentials/{row.public_id}")


@operation(
    "GET",
    "/credentials/<public_id>",
    tag="papers",
    summary="One credential, and whether it still counts",
    scope="query",
    out=out.CredentialOut(),
    answer=CREDENTIAL,
)
def show_credential(actor: Actor, public_id: str) -> dict[str, Any]:
    actor.check("read")
    return _one(untp.get_own(actor, public_id))


@operation(
    "POST",
    "/credentials/<public_id>/revoke",
    tag="papers",
    summary="End a credential for good; whoever asks the status list sees it at once",
    scope="manage",
    out=out.CredentialOut(),
    answer={**CREDENTIAL, "state": "revoked", "revoked_at": AT},
)
def revoke_credential(actor: Actor, public_id: str) -> dict[str, Any]:
    row = untp.get_own(actor, public_id)
    untp.revoke(actor, row, at=clock.now())
    db.session.flush()
    return _one(row)


# -- the portal ------------------------------------------------------------------------------------

DELIVERY: Final = {
    "id": PUBLIC_ID,
    "thing": 12,
    "state": "queued",
    "reason": "",
    "receipt": "",
    "attempts": 0,
    "created_at": AT,
    "answered_at": None,
    "due_at": AT,
}


def _delivery(row: PortalDelivery) -> dict[str, Any]:
    return out.told(row, out.DeliveryOut(), id=row.public_id, thing=row.thing_id)


def _deliveries(actor: Actor, thing: int | None) -> Select[Any]:
    actor.check("read")
    mine = PortalDelivery.organisation_id == actor.organisation.id
    query = select(PortalDelivery).where(mine)
    return query if thing is None else query.where(PortalDelivery.thing_id == thing)


listing(
    "list_deliveries",
    "/deliveries",
    out.DeliveryOut(),
    Rows(_deliveries, PortalDelivery.id, _delivery),
    tag="papers",
    summary="Passports handed in at the national portal, newest first",
    query=OF_THING,
    answer=DELIVERY,
)


@operation(
    "POST",
    "/batches/<int:thing_id>/deliveries",
    tag="papers",
    summary="Hand a lot's passport in at the national portal",
    scope="manage",
    out=out.DeliveryOut(),
    status=202,
    answer=DELIVERY,
    description="The paper as it is now; the same paper is sent once, however often it is asked.",
)
def hand_in(actor: Actor, thing_id: int) -> Answer:
    get_thing(actor, thing_id, "lot")
    row = portal.hand_in(actor, thing_id, at=clock.now())
    return Answer(_delivery(row), location=f"/api/v1/deliveries/{row.public_id}")


@operation(
    "GET",
    "/deliveries/<public_id>",
    tag="papers",
    summary="How far a passport is on its way to the portal",
    scope="query",
    out=out.DeliveryOut(),
    answer=DELIVERY,
)
def show_delivery(actor: Actor, public_id: str) -> dict[str, Any]:
    actor.check("read")
    return _delivery(portal.get_delivery(actor, public_id))


@operation(
    "GET",
    "/deliveries/<public_id>/document",
    tag="papers",
    summary="The passport as it was, or will be, sent; gone with the receipt",
    scope="query",
    media="application/json",
)
def fetch_delivery(actor: Actor, public_id: str) -> Response:
    actor.check("read")
    body = portal.document_of(portal.get_delivery(actor, public_id))
    headers = {"Cache-Control": "no-store"}
    return Response(body, content_type="application/json", headers=headers)


@operation(
    "POST",
    "/deliveries/<public_id>/again",
    tag="papers",
    summary="Send once more what failed or was refused",
    scope="manage",
    out=out.DeliveryOut(),
    status=202,
    answer=DELIVERY,
)
def send_delivery_again(actor: Actor, public_id: str) -> dict[str, Any]:
    row = portal.get_delivery(actor, public_id)
    portal.send_again(actor, row, at=clock.now())
    return _delivery(row)


# -- subscriptions ---------------------------------------------------------------------------------

SUBSCRIPTION: Final = {
    "id": PUBLIC_ID,
    "query": "xuat-kho",
    "dest": "https://buyer.example/events",
    "schedule": None,
    "made_with": "phần mềm kho",
    "created_at": AT,
    "last_notified_at": AT,
    "paused_at": None,
    "attempts": 0,
    "failure": "",
}
LETTER: Final = {
    "id": 3,
    "subscription": PUBLIC_ID,
    "first": 118,
    "end": 131,
    "reason": "http-503",
    "attempts": 14,
    "created_at": AT,
    "replay_at": None,
}


def _subscription(row: Subscription) -> dict[str, Any]:
    schedule = orjson.loads(row.schedule) if row.schedule else None
    schema = out.SubscriptionOut()
    return out.told(row, schema, id=row.public_id, query=row.query.name, schedule=schedule)


def _letter(row: DeadLetter) -> dict[str, Any]:
    return out.told(row, out.LetterOut(), subscription=row.subscription.public_id)


@operation(
    "GET",
    "/subscriptions",
    tag="subscriptions",
    summary="Who is told what is new, newest first; all there are",
    scope="manage",
    out=listed(out.SubscriptionOut(), "SubscriptionPage"),
    answer={"items": [SUBSCRIPTION], "next": None},
    description="They are made at `/epcis/v2/queries/{name}/subscriptions`.",
)
def list_subscriptions(actor: Actor) -> dict[str, Any]:
    actor.check("manage")
    rows = subscriptions.list_subscriptions(actor, limit=subscriptions.MOST)
    return {"items": [_subscription(row) for row in rows], "next": None}


@operation(
    "POST",
    "/subscriptions/<public_id>/pause",
    tag="subscriptions",
    summary="Nothing is sent until it is resumed; what is recorded meanwhile is sent then",
    scope="manage",
    out=out.SubscriptionOut(),
    answer={**SUBSCRIPTION, "paused_at": AT},
)
def pause_subscription(actor: Actor, public_id: str) -> dict[str, Any]:
    row = subscriptions.find_subscription(actor, public_id)
    subscriptions.pause(actor, row, at=clock.now())
    return _subscription(row)


@operation(
    "POST",
    "/subscriptions/<public_id>/resume",
    tag="subscriptions",
    summary="It goes on where it stopped, at once",
    scope="manage",
    out=out.SubscriptionOut(),
    answer=SUBSCRIPTION,
)
def resume_subscription(actor: Actor, public_id: str) -> dict[str, Any]:
    row = subscriptions.find_subscription(actor, public_id)
    subscriptions.resume(actor, row, at=clock.now())
    return _subscription(row)


@operation(
    "DELETE",
    "/subscriptions/<public_id>",
    tag="subscriptions",
    summary="End a subscription",
    scope="manage",
    status=204,
)
def end_subscription(actor: Actor, public_id: str) -> Answer:
    actor.check("manage")
    row = subscriptions.find_subscription(actor, public_id)
    subscriptions.unsubscribe(actor, row, at=clock.now())
    return Answer(None, status=204)


def _letters(actor: Actor) -> Select[Any]:
    actor.check("manage")
    return (
        select(DeadLetter)
        .join(Subscription, Subscription.id == DeadLetter.subscription_id)
        .where(Subscription.organisation_id == actor.organisation.id, DeadLetter.done_at.is_(None))
        .options(contains_eager(DeadLetter.subscription))
    )


listing(
    "list_dead_letters",
    "/dead-letters",
    out.LetterOut(),
    Rows(_letters, DeadLetter.id, _letter),
    tag="subscriptions",
    summary="What subscribers did not take after a day of trying, newest first",
    scope="manage",
    answer=LETTER,
)


@operation(
    "POST",
    "/dead-letters/<int:letter_id>/replay",
    tag="subscriptions",
    summary="Send it again, as the events look now",
    scope="manage",
    out=out.LetterOut(),
    status=202,
    answer={**LETTER, "replay_at": AT},
)
def replay_dead_letter(actor: Actor, letter_id: int) -> dict[str, Any]:
    letter = subscriptions.get_dead_letter(actor, letter_id)
    subscriptions.replay(actor, letter, at=clock.now())
    return _letter(letter)


@operation(
    "DELETE",
    "/dead-letters/<int:letter_id>",
    tag="subscriptions",
    summary="Put it aside: it is not sent any more",
    scope="manage",
    status=204,
)
def put_letter_aside(actor: Actor, letter_id: int) -> Answer:
    letter = subscriptions.get_dead_letter(actor, letter_id)
    subscriptions.put_aside(actor, letter, at=clock.now())
    return Answer(None, status=204)

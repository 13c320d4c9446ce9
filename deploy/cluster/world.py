"""What the load is about, made by the product's own services: organisations, lots, tokens.

`python -m deploy.cluster.world SHOPS MOVING TOKENS` prints JSON: `scanned` paths of lots nothing
happens to any more, `moving` lots that are recorded upon, `tokens` of machines that record.
`python -m deploy.cluster.world --capture LOT ORGANISATION` records events straight into the
database it is given, one after the other, and prints each eventID once the commit was acknowledged:
an application that stands on the cut side with the old primary.
"""

from __future__ import annotations

import json
import os
import sys
import uuid
from datetime import UTC, datetime
from typing import Any

import click

from trace import clock
from trace.app import create_app
from trace.core.gs1 import new_code, parse_identity
from trace.extensions import db
from trace.models import Organisation
from trace.services import keys, platform, sequencer
from trace.services.actors import Actor
from trace.services.capture import capture
from trace.services.settings import current_settings
from trace.services.tokens import issue_token, offered_scopes
from trace.services.vocabulary import context

ORGANISATIONS = 4
PIECE = 100


def storing(lot: str, event_id: str, id_base: str) -> dict[str, Any]:
    """One event: the lot lies in a store."""
    return {
        "@context": context(id_base),
        "type": "ObjectEvent",
        "eventID": event_id,
        "action": "OBSERVE",
        "bizStep": "storing",
        "eventTime": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "eventTimeZoneOffset": "+07:00",
        "quantityList": [{"epcClass": lot, "quantity": 480, "uom": "KGM"}],
    }


def _organisation(number: int) -> Organisation:
    found = Organisation(
        code=new_code(os.urandom),
        name=f"HTX Thử tải {number}",
        kind="co-operative",
        demonstration=True,
        use_salt=os.urandom(32),
        created_at=clock.now(),
    )
    db.session.add(found)
    db.session.flush()
    keys.create_key(found, at=clock.now())
    db.session.commit()
    return found


def _lots(organisation: Organisation, count: int) -> list[str]:
    base = current_settings().id_base
    lots = [f"{base}/b/{new_code(os.urandom)}" for _ in range(count)]
    for first in range(0, count, PIECE):
        events = []
        for lot in lots[first : first + PIECE]:
            event = storing(lot, f"urn:uuid:{uuid.uuid4()}", base)
            event |= {"action": "ADD", "bizStep": "commissioning"}
            events.append({**event, "ilmd": {"cbvmda:lotNumber": "L2611"}})
        capture(Actor(organisation, None, "owner"), events, at=clock.now())
        db.session.commit()
    return lots


def make(shops: int, moving: int, tokens: int) -> dict[str, Any]:
    """The world, recorded and published."""
    platform.initialise(at=clock.now())
    told: dict[str, Any] = {"scanned": [], "moving": [], "tokens": []}
    for number in range(ORGANISATIONS):
        organisation = _organisation(number)
        lots = _lots(organisation, shops // ORGANISATIONS)
        told["scanned"] += [_path(lot) for lot in lots]
        lots = _lots(organisation, moving // ORGANISATIONS)
        made = []
        for _ in range(tokens // ORGANISATIONS):
            scopes = offered_scopes(organisation)
            made.append(issue_token(organisation, "tải", scopes, at=clock.now())[1])
        told["moving"].append({"lots": lots, "paths": [_path(lot) for lot in lots]})
        told["tokens"].append(made)
        db.session.commit()
    sequencer.publish(now=clock.now())
    db.session.commit()
    return told


def _path(lot: str) -> str:
    identity = parse_identity(lot, current_settings().id_base)
    if identity is None:
        raise ValueError(lot)
    return identity.path


def record_on(lot: str, organisation: int) -> None:
    """Records until it is killed."""
    found = db.session.query(Organisation).order_by(Organisation.id).filter_by(kind="co-operative")
    code = found.offset(organisation).first()
    if code is None:
        raise ValueError(organisation)
    actor = Actor(code, None, "owner")
    while True:
        event_id = f"urn:uuid:{uuid.uuid4()}"
        event = storing(lot, event_id, current_settings().id_base)
        capture(actor, [event], at=clock.now(), idempotency_key=event_id)
        db.session.commit()
        click.echo(event_id)
        sys.stdout.flush()


def main() -> None:
    with create_app().app_context():
        if sys.argv[1] == "--capture":
            record_on(sys.argv[2], int(sys.argv[3]))
        else:
            shops, moving, tokens = map(int, sys.argv[1:4])
            click.echo(json.dumps(make(shops, moving, tokens)))


if __name__ == "__main__":
    main()

"""The console on a phone without signal: what the outbox asks the server for, and its own page.

The outbox itself is in the phone (static/app). The server tells it who is signed in, a fresh token
for sending, the time, and which pages are worth keeping for a day in the field.
"""

from __future__ import annotations

from flask import Blueprint, jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import generate_csrf

from trace import clock
from trace.extensions import db
from trace.models.books import BOOKS
from trace.services import choices
from trace.services.actors import Actor
from trace.services.acts.growing import BEGINNINGS
from trace.services.approval_fates import fates
from trace.services.cycles import Cycle, latest_cycles
from trace.services.handovers import incoming
from trace.services.vocabulary import FIELD_STEPS, START_STEPS, bare_step
from trace.web.access import actor
from trace.web.outbox import reader
from trace.web.producer.recording import record_key

blueprint = Blueprint("outbox", __name__, url_prefix="/producer/outbox")

# What a phone keeps: enough for a day in the field, little enough for a slow network.
CYCLES_KEPT, CYCLES_READ = 12, 100
NOTES_KEPT = 10
HELP_KEPT = ("khong-co-song", "ghi-viec")


@blueprint.get("/")
def show() -> ResponseReturnValue:
    """The page of the entries kept on this phone; the phone fills it."""
    return render_template("app/outbox.html")


@blueprint.get("/token")
def token() -> ResponseReturnValue:
    """Who is signed in, a token for sending, and our time (milliseconds since 1970)."""
    acting = actor()
    person = acting.person
    return jsonify(
        reader=reader(),
        person=person.name if person else "",
        organisation=acting.organisation.name,
        may_record=acting.may("record"),
        csrf_token=generate_csrf(),
        now=int(clock.now().timestamp() * 1000),
    )


@blueprint.get("/pages")
def pages() -> ResponseReturnValue:
    """What a phone keeps, most wanted first: `pages` that change through the day, `forms` that
    change when what they offer does; and `offered`, a mark of that."""
    acting = actor()
    found, forms = [url_for("today.show"), url_for("outbox.show")], []
    if acting.may("record"):
        growing = latest_cycles(acting, CYCLES_READ)
        growing.sort(key=lambda one: (one.harvests == 0, one.last_time), reverse=True)
        for cycle in growing[:CYCLES_KEPT]:
            found.append(url_for("cycles.show", thing_id=cycle.batch.thing_id))
            forms += _forms_of(cycle)
        forms += _new_forms(acting)
        forms += [url_for("help.index"), *(url_for("help.show", name=name) for name in HELP_KEPT)]
        found += [
            url_for("cycles.index"),
            url_for("batches.index"),
            url_for("shipments.index"),
        ]
        waiting = db.session.scalars(incoming(acting).limit(NOTES_KEPT))
        found += [url_for("shipments.take", event_id=one.event_id) for one in waiting]
    return jsonify(pages=found, forms=list(dict.fromkeys(forms)), offered=choices.mark(acting))


@blueprint.get("/approvals")
def approved() -> ResponseReturnValue:
    """What became of entries that waited for a passkey: `?key=` their one-time keys (at most 100);
    answers {key: "waits", "recorded", or "gone" when it was dropped or waited too long}."""
    keys = {record_key(key): key for key in request.args.getlist("key")[:100]}
    found = fates(actor(), keys, at=clock.now())
    return jsonify({keys[name]: fate for name, fate in found.items()})


def _new_forms(acting: Actor) -> list[str]:
    """The forms that begin something, and so need no page of anything: they offer the places,
    products, households and saved entries there are, opened before or not."""
    found = [
        url_for("plans.jot"),
        url_for("batches.new"),
        url_for("shipments.send"),
        url_for("shipments.take_unrecorded"),
        url_for("cycles.new"),
        *(url_for("cycles.begin", beginning=beginning) for beginning in BEGINNINGS),
        url_for("plans.new"),
        url_for("stamps.bind"),
        *(url_for("books.new", book=book) for book in BOOKS),
        url_for("places.new"),
        url_for("products.new"),
    ]
    if acting.organisation.kind == "co-operative":
        found += [
            url_for("group.index"),
            *(url_for("group.entry", step=step) for step in FIELD_STEPS["crop"]),
            *(url_for("group.entry", step=step) for step in START_STEPS["crop"]),
            url_for("households.new"),
        ]
    return found


def _forms_of(cycle: Cycle) -> list[str]:
    """The forms people open from a cycle's page. A flock eats, a crop is weeded: what was
    done last tells which it is, and a cycle just begun keeps both."""
    thing_id = cycle.batch.thing_id
    last = bare_step(cycle.last_step)
    kinds = [kind for kind in ("crop", "flock") if last in FIELD_STEPS[kind]] or ["crop"]
    if last == "commissioning":
        kinds = ["flock"]
    steps = dict.fromkeys(step for kind in kinds for step in FIELD_STEPS[kind])
    return [
        *(url_for("cycles.entry", thing_id=thing_id, step=step) for step in steps),
        url_for("cycles.take", thing_id=thing_id),
        url_for("cycles.none_used", thing_id=thing_id),
    ]

"""One organisation that has one of everything, and what leads to each thing in an address.

What goods went through is told through the product's own services (a planting, a lot, a handover,
an audit). Of everything else one row stands in each table, written as the database asks for it: a
row is enough to be asked for by somebody whose it is not.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import Column, Table, insert, select, text

import trace.models  # noqa: F401  (all tables)
from tests.support.audited import NOW, Story, make_story
from tests.support.factories import make_actor
from tests.support.farms import thing_id
from tests.support.members import Member, make_member
from trace.extensions import db
from trace.models import Event, Handover, Job, Organisation, Person, Thing
from trace.services import chain_audit
from trace.services.tokens import issue_token, offered_scopes

LATER = NOW + timedelta(days=30)
CODE = "7K3QMP2XV4"
# Kinds of jobs that an address may name by its public id.
JOBS = ("my-data", "label-sheet", "fsma-sheet", "epcis-capture")
# Tables that hold nobody's objects, or whose rows the story has made.
LEFT_OUT = frozenset(
    {
        *("log_state", "log_entries", "log_tiles", "log_checkpoints", "log_witnesses"),
        *("figures_state", "counters", "scan_salts", "scan_visits", "area_sums", "unit_scans"),
        *(
            "idempotency_keys",
            "event_keys",
            "sessions",
            "push_keys",
            "same_as",
            "platform_settings",
        ),
        *("erasures", "takedowns", "closings", "alembic_version", "events", "event_things", "keys"),
        *("counted_organisations", "organisation_sums", "alerts", "contact_codes", "closings"),
    }
)
# What a column holds where any word would not do.
SAYS: dict[str, Any] = {
    "inspections.state": "begun",
    "inspections.check_list": '{"code": "", "name": "", "number": 1, "items": []}',
    "inspections.answers": "{}",
    "inspections.sector": "agriculture",
    "findings.state": "open",
    "findings.severity": "minor",
    "samples.state": "taken",
    "copies.state": "open",
    "imports.state": "checked",
    "imports.kind": "products",
    "imports.mapping": "{}",
    "imports.mode": "all",
    "import_rows.cells": "{}",
    "import_rows.clean": "{}",
    "import_rows.errors": "[]",
    "recalls.state": "draft",
    "recalls.kind": "recall",
    "recalls.sector": "agriculture",
    "recalls.hazard": "pesticide",
    "recalls.grade": 2,
    "recalls.basis": "{}",
    "reports.state": "received",
    "reports.problem": "spoiled",
    "reports.sector": "agriculture",
    "reports.ward_code": "09895",
    "reports.placed_by": "lot",
    "requests.kind": "access",
    "requests.state": "received",
    "requests.reason": "",
    "applications.state": "received",
    "application_papers.kind": "licence",
    "catalogue_items.kind": "input",
    "books.book": "purchase",
    "book_lines.book": "purchase",
    "book_lines.content": "{}",
    "plans.step": "irrigating",
    "plans.content": "{}",
    "presets.step": "irrigating",
    "presets.content": "{}",
    "jottings.photos": "[]",
    "check_lists.code": "own-list",
    "check_lists.items": "[]",
    "check_lists.kinds": "producer",
    "area_codes.kind": "planting",
    "area_codes.state": "granted",
    "certificates.decision": "asked",
    "memberships.role": "recorder",
    "invitations.role": "recorder",
    "invitations.kind": "join",
    "named_queries.name": "own-query",
    "named_queries.query": "{}",
    "subscriptions.schedule": "{}",
    "subscriptions.dest": "https://receiver.example/in",
    "subscriptions.epc_format": "Always_GS1_Digital_Link",
    "subscriptions.form": "jsonld",
    "subscriptions.acts": "stream",
    "directives.state": "sent",
    "directive_units.state": "sent",
    "directive_files.media_type": "application/pdf",
    "delegations.act": "inspect",
    "delegations.areas": "01",
    "successions.state": "offered",
    "tokens.scopes": "query",
    "links.link_type": "gs1:pip",
    "links.state": "shown",
    "links.languages": "vi",
    "links.href": "https://maker.example/",
    "authority_reports.period": "2026-10",
    "authority_reports.figures": "{}",
    "authority_rules.parameters": "{}",
    "label_ranges.key": "b" + CODE,
    "credentials.kind": "dpp",
    "notifications.context": "{}",
    "notifications.address": "/account/notifications/",
    "sensor_limits.measure": "temperature",
    "chain_audits.result": "{}",
    "portal_deliveries.state": "queued",
    "link_versions.content": "{}",
    "link_versions.action": "made",
    "pending_approvals.body": "{}",
    "accreditations.kind": "laboratory",
}
# Columns that may be empty and are not, so that there is somebody whose it is.
FILLED = frozenset(
    {
        *(("samples", "laboratory_id"), ("certificates", "issuer_id"), ("reports", "maker_id")),
        *(("reports", "authority_id"), ("reports", "lot_id"), ("requests", "organisation_id")),
        *(("recall_holders", "organisation_id"), ("recalls", "created_by"), ("jobs", "person_id")),
        *(("inspections", "place_id"), ("findings", "inspection_id"), ("jobs", "organisation_id")),
        *(("notifications", "organisation_id"), ("products", "picture"), ("things", "owner_id")),
        *(("jottings", "thing_id"), ("certificate_covers", "product_id")),
        *(("label_ranges", "product_id"), ("label_ranges", "lot_id"), ("units", "lot_id")),
        *(("inspection_events", "inspection_id"), ("catalogue_items", "organisation_id")),
        *(("audit", "organisation_id"), ("succession_items", "product_id")),
    }
)
# Further columns that name the authority.
BY_AUTHORITY = frozenset({("delegations", "giver_id"), ("takedowns", "organisation_id")})


@dataclass(slots=True)
class Everything:
    """`members` by name: who owns it all (`farm`), somebody else of the same house (`colleague`),
    to whom goods and offers went (`shop`), the authority of the place, and strangers to them all.
    `marks` holds the value that leads to each kind of object; tokens are texts."""

    app: Flask
    members: dict[str, Member]
    marks: dict[str, Any]
    tokens: dict[str, str]


def everything(app: Flask) -> Everything:
    """Makes it. Commits."""
    with app.app_context():
        story = make_story().reap().deliver()
        chain_audit.keep(story.inspector, thing_id(story.lot), story.audit(), at=NOW)
        box = story.farm.box(story.farm.register(20), kilos=5)
        marks = chain_marks(story, box)
        farm, authority = story.farm.organisation.id, story.inspector.organisation.id
        shop = story.shop.organisation.id
        story.inspector.organisation.jurisdiction = "01"
        other = make_actor(NOW, "HTX khác", status="confirmed").organisation
        far = make_actor(NOW, "Chi cục nơi khác", "authority", "confirmed", jurisdiction="79")
        db.session.commit()
        ids = (farm, farm, shop, authority, other.id, far.organisation.id)
    roles = ("owner", "recorder", "owner", "supervisor", "owner", "supervisor")
    members = {
        name: make_member(app, role=role, inside=one)
        for name, role, one in zip(NAMES, roles, ids, strict=True)
    }
    with app.app_context():
        filler = Filler(farm, authority, shop, members["farm"].person_id)
        filler.fill()
        marks = filler.marks() | marks
        tokens = {name: token_of(one.organisation_id) for name, one in members.items()}
        db.session.commit()
    return Everything(app, members, marks, tokens)


NAMES = ("farm", "colleague", "shop", "authority", "stranger", "elsewhere")


def token_of(organisation_id: int) -> str:
    """A token with every scope that the organisation may have."""
    organisation = db.session.get(Organisation, organisation_id)
    assert organisation is not None
    return issue_token(organisation, "thử", offered_scopes(organisation), at=NOW)[1]


def chain_marks(story: Story, box: str) -> dict[str, Any]:
    """What the story made."""

    def thing(address: str) -> Thing:
        row = db.session.scalar(select(Thing).where(Thing.identity == address))
        assert row is not None
        return row

    shipped = db.session.scalars(select(Handover).where(~Handover.received)).one()
    own = db.session.scalars(
        select(Event).where(Event.issuer_id == story.farm.organisation.id).order_by(Event.id)
    ).first()
    assert own is not None
    return {
        "lot": thing(story.lot).id,
        "cycle": thing(story.cycle).id,
        "crate": thing(box).id,
        "statement": f"urn:uuid:{uuid.UUID(bytes=own.statement_id)}",
        "identity": story.lot,
        "place": own.read_point,
        "recall-of-authority": 1,
        "event": own.id,
        "keys": own.key_id,
        "shipment": shipped.event_id,
    }


class Filler:
    """Writes one row in every table that has none of the farm's (or the authority's)."""

    def __init__(self, farm: int, authority: int, other: int, person: int) -> None:
        self.farm, self.authority, self.other, self.person = farm, authority, other, person
        self.rows = {"organisations": {"id": farm}, "people": {"id": person}}

    def fill(self) -> None:
        for table in db.metadata.sorted_tables:
            if table.name not in LEFT_OUT and table.foreign_keys:
                self.rows[table.name] = self.standing(table) or self.write(table)

    def standing(self, table: Table) -> dict[str, Any] | None:
        """The farm's own row where the story has made one."""
        if "organisation_id" not in table.c or "authority_id" in table.c:
            query = select(table).limit(1)
            known = table.name in ("things", "handovers", "holdings", "chain_audits")
            return dict(db.session.execute(query).mappings().one()) if known else None
        query = select(table).where(table.c.organisation_id == self.farm).limit(1)
        if table.name in ("jobs", "audit", "memberships"):
            return None
        row = db.session.execute(query).mappings().one_or_none()
        return dict(row) if row else None

    def write(self, table: Table) -> dict[str, Any]:
        for values in self.wanted(table):
            written = insert(table).values(values).returning(*table.primary_key.columns)
            values |= dict(db.session.execute(written).mappings().one())
        return values

    def wanted(self, table: Table) -> Iterator[dict[str, Any]]:
        if table.name == "jobs":
            for kind in JOBS:
                yield self.row(table) | {"kind": kind, "state": "done", "result": "{}"}
        elif table.name == "recalls":  # one of the authority, and last one of the farm
            yield self.row(table) | {"organisation_id": self.authority, "code": "AUTHORITY1"}
            yield self.row(table)
        elif table.name == "memberships":
            yield self.row(table) | {"person_id": self.colleague()}
        else:
            yield self.row(table)

    def colleague(self) -> int:
        """Somebody else of the farm."""
        row = Person(name="Người khác", phone="+84900000077", password_hash="x", created_at=NOW)
        db.session.add(row)
        db.session.flush()
        self.rows["colleague"] = {"id": row.id}
        return row.id

    def row(self, table: Table) -> dict[str, Any]:
        return {
            column.name: value
            for column in table.columns
            if (value := self.value(table, column)) is not None
        }

    def value(self, table: Table, column: Column[Any]) -> Any:
        said = SAYS.get(f"{table.name}.{column.name}")
        if said is not None:
            return said
        if column.nullable and (table.name, column.name) not in FILLED:
            return None
        for key in column.foreign_keys:
            return self.foreign(table.name, column, key.target_fullname)
        left = column.nullable or column.default is not None or column.server_default is not None
        if (left and column.name != "code") or (column.primary_key and column.name == "id"):
            return None  # the database's own
        return plain(column)

    def foreign(self, table: str, column: Column[Any], target: str) -> Any:
        if target == "organisations.id":
            by = ("authority_id", "by_id", "decided_by_id")
            if column.name in by or (table, column.name) in BY_AUTHORITY:
                return self.authority
            return self.other if column.name == "taker_id" else self.farm
        if target == "people.id":
            return self.person
        name, _, key = target.partition(".")
        if name == table:
            return None
        if name in ("events", "keys"):
            return db.session.scalar(
                text(  # the farm's own
                    "SELECT min(id) FROM events WHERE issuer_id = :o"
                    if name == "events"
                    else "SELECT min(id) FROM keys WHERE organisation_id = :o"
                ),
                {"o": self.farm},
            )
        return self.rows.get(name, {}).get(key)

    def marks(self) -> dict[str, Any]:
        """What leads to the rows."""
        kinds = db.session.execute(select(Job.kind, Job.public_id)).all()
        found: dict[str, Any] = {f"job:{kind}": public for kind, public in kinds}
        for name, row in self.rows.items():
            for column in ("id", "public_id", "code", "name", "run", "digest"):
                if column in row:
                    found[name if column == "id" else f"{name}.{column}"] = row[column]
        return found


def plain(column: Column[Any]) -> Any:
    """A value that a column of this type takes."""
    kind = column.type
    name = type(kind).__name__
    if name == "Moment":
        return LATER if column.name.startswith(("expires", "until", "ends")) else NOW
    if name == "Quantity":
        return 5
    if column.name == "public_id":
        return str(uuid.uuid4())
    python = kind.python_type
    if python is str:
        length = getattr(kind, "length", None) or 40
        return CODE if column.name == "code" else f"{column.name}-of-the-farm"[:length]
    if python is bytes:
        return uuid.uuid4().bytes * 2
    if python is date:
        return date(2026, 12, 20)
    if python is datetime:
        return datetime(2026, 11, 20, tzinfo=UTC)
    return python(1)

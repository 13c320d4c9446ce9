"""An audit of a chain in one press: the button, the result, and the results that were kept."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson
from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from trace import clock
from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import Event, KeptAudit, LogEntry, Organisation, Thing
from trace.schemas.audits import AuditSchema
from trace.services import chain_audit
from trace.services.batches import identity_of, short_name
from trace.services.chain_audit import RULES, SEVERITIES, ChainAudit, Finding, NotJudged
from trace.services.chain_audit.rules import GROUPS
from trace.services.chains_search import goods_of_text
from trace.services.jurisdictions import scope_of
from trace.services.sets import among
from trace.services.vocabulary import step_label
from trace.web.access import actor
from trace.web.forms import Form
from trace.web.inspection import audit_words as words
from trace.web.inspection.audit_rule_words import Words, group_words, rule_words

blueprint = Blueprint("audits", __name__, url_prefix="/inspection/audits")


class NothingToAudit(TraceError):
    code = "nothing-to-audit"
    message = "No goods within your reach have this code."
    next_step = "Type the code of a lot, planting, package or crate, as it is printed."


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule of a result. `status` is found, sound, missing (not enough data) or besides (does
    not apply)."""

    code: str
    words: Words
    status: str
    severity: str
    of: int
    found: int
    findings: tuple[Finding, ...]
    missing: tuple[NotJudged, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A statement that a finding rests on."""

    id: int
    label: str
    issuer: str
    at: Any
    statement: str
    index: int | None


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The button, and what was found so far."""
    form = Form(AuditSchema(), {"of": request.args.get("of", "")[:300]})
    return _index(form)


def _index(form: Form) -> ResponseReturnValue:
    return form.page(
        "inspection/audits/index.html",
        kept=chain_audit.list_kept(actor()),
        name=_name,
        tag_of=words.tag_of,
    )


@blueprint.route("/new", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    """The press: judged, kept, shown."""
    scope_of(actor())
    form = Form(AuditSchema(), {"of": request.args.get("of", "")[:300]})
    if form.sent:
        with form.attempt():
            clean = form.load()
            now = clock.now()
            try:
                thing = goods_of_text(clean["of"], path="of")
                found = chain_audit.audit_chain(
                    actor(),
                    thing.id,
                    at=now,
                    descendants=clean["descendants"],
                    why=clean["case"] or "audit",
                )
            except NotFound as error:
                raise NothingToAudit(path="of") from error
            row = chain_audit.keep(actor(), thing.id, found, at=now)
            return form.done(url_for("audits.show", audit_id=row.id))
    return _index(form)


@blueprint.get("/<int:audit_id>")
def show(audit_id: int) -> ResponseReturnValue:
    """One result as it was found; `?print=1` opens every line for paper."""
    row, found = chain_audit.get_kept(actor(), audit_id)
    lines = rule_lines(found)
    ids = {event for one in found.findings for event in one.events}
    return render_template(
        "inspection/audits/show.html",
        row=row,
        found=found,
        groups=[
            (group_words(group), [one for one in lines if RULES[one.code].group == group])
            for group in GROUPS
        ],
        chips=sorted(
            (one for one in lines if one.status == "found"),
            key=lambda one: SEVERITIES.index(one.findings[0].severity),
        ),
        broken={one.rule for one in found.findings if one.severity == "high"},
        sound=sum(one.status == "sound" for one in lines),
        missing=sum(one.status == "missing" for one in lines),
        evidence=_evidence(ids),
        things=_names({thing for one in found.findings for thing in one.things}),
        printed=request.args.get("print") == "1",
        words=words,
        name=_name,
        path=identity_of(row.thing).path,
        take_over=_take_over,
        chain_address=_chain_address,
    )


@blueprint.get("/<int:audit_id>.json")
def show_json(audit_id: int) -> ResponseReturnValue:
    """The same for machines."""
    row, found = chain_audit.get_kept(actor(), audit_id)
    told = {
        **found.to_json(),
        "authority": row.authority.code,
        "kept": row.id,
        "words": {
            one.code: {"title": one.words.title, "status": one.status} for one in rule_lines(found)
        },
        "sentences": [words.finding_words(one) for one in found.findings],
    }
    response = Response(orjson.dumps(told, option=orjson.OPT_INDENT_2), mimetype="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="audit-{row.id}.json"'
    return response


def rule_lines(found: ChainAudit) -> list[RuleLine]:
    """Every rule with what it found, judged, or lacked; what must be acted on first."""
    judged = {one.rule: one for one in found.judged}
    lines = []
    for code in RULES:
        findings = tuple(one for one in found.findings if one.rule == code)
        missing = tuple(one for one in found.not_judged if one.rule == code and one.applies)
        told = judged.get(code)
        if findings:
            status = "found"
        elif missing:
            status = "missing"
        elif told is not None and told.of:
            status = "sound"
        else:
            status = "besides"
        besides = tuple(one for one in found.not_judged if one.rule == code and not one.applies)
        lines.append(
            RuleLine(
                code,
                rule_words(code),
                status,
                findings[0].severity if findings else "",
                told.of if told else 0,
                told.found if told else 0,
                findings,
                missing or besides,
            )
        )
    return lines


def _evidence(ids: Collection[int]) -> dict[int, Evidence]:
    """The statements by row id, in one query."""
    rows = db.session.execute(
        select(
            Event.id,
            Event.biz_step,
            Organisation.name,
            Event.event_time,
            Event.statement_id,
            LogEntry.index.label("place"),
        )
        .join(Organisation, Organisation.id == Event.issuer_id)
        .outerjoin(LogEntry, LogEntry.event_id == Event.id)
        .where(among(Event.id, sorted(ids)))
    )
    return {
        row.id: Evidence(
            row.id,
            step_label(row.biz_step),
            row.name,
            row.event_time,
            _urn(bytes(row.statement_id)),
            row.place,
        )
        for row in rows
    }


def _urn(statement: bytes) -> str:
    text = statement.hex()
    return "urn:uuid:" + "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _names(identities: Iterable[str]) -> dict[str, tuple[str, str]]:
    """(what it is called, its path) by identity."""
    rows = db.session.scalars(select(Thing).where(among(Thing.identity, sorted(identities))))
    return {row.identity: (_name(row), identity_of(row).path) for row in rows}


def _name(thing: Thing) -> str:
    lot = short_name(thing.identity)
    return f"{thing.product.name} · {lot}" if thing.product else lot


def _chain_address(path: str) -> str:
    return f"/inspection/chain/?of={quote(path, safe='')}"


def _take_over(row: KeptAudit, one: Finding, evidence: dict[int, Evidence]) -> str:
    """Where an inspector's finding begins with this one's goods, rule and statements."""
    of = identity_of(row.thing).path
    statements = [evidence[event].statement for event in one.events[-5:] if event in evidence]
    told = [("of", of), ("rule", words.INSPECTORS.get(one.rule, "record")), ("audit", one.rule)]
    # How grave a fault is, is the inspector's to say; this is where the form begins.
    grave = "major" if one.severity == "high" else "minor"
    told += [("severity", grave), *(("evidence", urn) for urn in statements)]
    return "/inspection/findings/new?" + "&".join(
        f"{name}={quote(value, safe='')}" for name, value in told
    )

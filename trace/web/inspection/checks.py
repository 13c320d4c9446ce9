"""The numbers of the rules of audits: what stands, who set what, and setting them."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.errors import NotFound
from trace.schemas.base import FormSchema
from trace.services import desk_rules
from trace.services.chain_audit import RULES, parameters
from trace.services.chain_audit.ceilings import COLUMNS, MOST_BYTES
from trace.services.chain_audit.rules import CEILINGS
from trace.services.jurisdictions import scope_of
from trace.web.access import actor, needs
from trace.web.forms import Form
from trace.web.inspection import desk_rule_words as desk_words
from trace.web.inspection.audit_rule_words import group_words, rule_words
from trace.web.inspection.audit_words import parameter_words, unit_words

blueprint = Blueprint("rules", __name__, url_prefix="/inspection/rules")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Every rule with its numbers."""
    return _page(Form(FormSchema()), "")


@blueprint.post("/<code>")
@needs("decide")
def change(code: str) -> ResponseReturnValue:
    """Sets one rule's numbers, or goes back to those of the wider authority."""
    scope_of(actor())
    form = Form(FormSchema())
    if form.sent:
        with form.attempt():
            now = clock.now()
            if code in desk_rules.CODES:
                if "reset" in request.form:
                    desk_rules.reset_desk_rule(actor(), code, at=now)
                else:
                    desk_rules.set_desk_rule(actor(), code, request.form, at=now)
            elif "reset" in request.form:
                parameters.reset(actor(), code, at=now)
            elif code == CEILINGS:
                file = request.files.get("table")
                data = file.stream.read(MOST_BYTES + 1) if file is not None else b""
                parameters.set_table(actor(), data, at=now)
            else:
                parameters.set_parameters(actor(), code, request.form, at=now)
            return form.done(url_for("rules.index") + f"#r-{code}", gettext("Đã đặt tham số."))
    if code != CEILINGS and code not in RULES and code not in desk_rules.CODES:
        raise NotFound
    return _page(form, code)


def _page(form: Form, code: str) -> ResponseReturnValue:
    scope_of(actor())
    authority = actor().organisation
    return form.page(
        "inspection/rules/index.html",
        code=code,
        rules=[one for one in RULES.values() if one.parameters],
        values=parameters.parameters_of(authority),
        table=parameters.table_of(authority),
        ceilings=CEILINGS,
        history=parameters.history(authority, desk_rules.CODES),
        desk=[
            desk_words.section(code, authority, desk_rules.table_of(authority, code))
            for code in desk_rules.CODES
        ],
        may=actor().may("decide"),
        title_of=_title,
        rule_words=rule_words,
        group_words=group_words,
        parameter_words=parameter_words,
        unit_words=unit_words,
        shown=_shown,
    )


def _title(code: str) -> str:
    if code == CEILINGS:
        return str(gettext("Trần năng suất của cây trồng"))
    return desk_words.title(code) if code in desk_rules.CODES else rule_words(code).title


def _shown(code: str, told: Mapping[str, object]) -> str:
    """Numbers as they were set; "theo cấp trên" for none."""
    if not told:
        return str(gettext("theo cấp trên"))
    if code == CEILINGS:
        rows = told.get("crops")
        return str(gettext("%(count)s dòng", count=len(rows) if isinstance(rows, list) else 0))
    if code in desk_rules.CODES:
        return desk_words.told(code, told)
    return "; ".join(f"{parameter_words(code, name)}: {value}" for name, value in told.items())


@blueprint.get("/crops.csv")
def crops() -> ResponseReturnValue:
    """The table of crops as it stands, in the form in which it is brought in."""
    scope_of(actor())
    lines = [",".join(COLUMNS)]
    for one in parameters.table_of(actor().organisation):
        told = (one.crop, str(one.tonnes), str(one.days), one.source)
        lines.append(",".join(_quoted(text) for text in told))
    response = Response("\ufeff" + "\r\n".join(lines) + "\r\n", mimetype="text/csv")
    response.headers["Content-Disposition"] = 'attachment; filename="crops.csv"'
    return response


def _quoted(text: str) -> str:
    # No spreadsheet takes what people typed for a formula.
    safe = f"'{text}" if text[:1] in "=+-@\t" else text
    return '"' + safe.replace('"', '""') + '"' if any(c in safe for c in ',"\n') else safe

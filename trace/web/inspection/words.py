"""What the desk's pages of inspections show in words, and where their links lead."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flask_babel import gettext

from trace.models import Thing
from trace.models.authorities import SECTORS
from trace.models.inspections import CONCLUSIONS, SEVERITIES
from trace.services.batches import identity_of, short_name
from trace.services.findings import RULES
from trace.services.inspections_events import Told
from trace.services.laboratory import Finding, verdict_of
from trace.services.samples import STEPS
from trace.services.vocabulary import UNITS, Amount
from trace.web import inspection_words as words
from trace.web.hold_words import finding_words, show_amount

Options = list[tuple[Any, str]]


def chain_address(of: str) -> str:
    """The drawn chain of a printed path or code."""
    return f"/inspection/chain/?of={quote(of, safe='')}"


def goods(thing: Thing) -> str:
    """What a thing is called: product and name."""
    product = thing.product.name if thing.product else ""
    return f"{product} · {short_name(thing.identity)}" if product else short_name(thing.identity)


def goods_address(thing: Thing) -> str:
    """Its drawn chain."""
    return chain_address(identity_of(thing).path)


def severities() -> Options:
    return [(one, words.severity_name(one)) for one in SEVERITIES]


def rules() -> Options:
    return [(one, words.rule_name(one)) for one in RULES]


def conclusions() -> Options:
    return [(one, words.conclusion_name(one)) for one in CONCLUSIONS]


def sectors() -> Options:
    return [(one, words.sector_name(one)) for one in SECTORS]


def custody_steps() -> Options:
    return [(one, words.custody_step(one)) for one in STEPS]


def units() -> Options:
    return [(unit.key, gettext(unit.name)) for unit in UNITS]


def severity_tag(severity: str) -> str:
    """The kind of the tag beside it."""
    return {"critical": "stop", "major": "warn"}.get(severity, "info")


def conclusion_tag(conclusion: str) -> str:
    return {"met": "ok", "partly": "warn", "not-met": "stop"}.get(conclusion, "neutral")


def state_tag(state: str) -> str:
    kinds = {"planned": "wait", "begun": "warn", "concluded": "ok", "open": "warn", "closed": "ok"}
    return kinds.get(state, "neutral")


def told_details(one: Told) -> list[tuple[str, str]]:
    """What an event of a case says, in (term, text); photos and the position are shown apart."""
    document = one.document
    found: list[tuple[str, str]] = []
    listed = document.get("trace:checkList")
    for answer in listed.get("answers", ()) if isinstance(listed, dict) else ():
        text = words.answer_name(str(answer.get("answer", "")))
        note = str(answer.get("note", ""))
        found.append((gettext(str(answer.get("item", ""))), f"{text}. {note}" if note else text))
    finding = document.get("trace:finding")
    if isinstance(finding, dict) and "words" in finding:
        term = words.rule_name(str(finding.get("rule", "")))
        found.append((term, str(finding["words"])))
    sample = document.get("trace:sample")
    if isinstance(sample, dict):
        found.append((gettext("Niêm phong"), str(sample.get("seal", ""))))
        if sample.get("step"):
            found.append((gettext("Việc"), words.custody_step(str(sample["step"]))))
        if "intact" in sample:
            intact = gettext("còn nguyên") if sample["intact"] else gettext("không còn nguyên")
            found.append((gettext("Tình trạng niêm phong"), intact))
    results = [one for one in document.get("trace:results") or () if isinstance(one, dict)]
    found += [(gettext("Kết quả"), finding_words(one)) for one in results]
    case = document.get("trace:inspection")
    if isinstance(case, dict) and case.get("conclusion"):
        found.append((gettext("Kết luận"), words.conclusion_name(str(case["conclusion"]))))
    if document.get("trace:note"):
        found.append((gettext("Ghi chú"), str(document["trace:note"])))
    return found


def result_row(row: dict[str, Any]) -> Finding:
    """A row of a form of results as a finding."""
    value, limit = row.get("value"), row.get("limit")
    missing = bool(row.get("missing"))
    return Finding(
        str(row["substance"]),
        verdict_of(value, limit, detected=not missing),
        None if missing else value,
        str(row.get("unit") or ""),
        limit,
        str(row.get("method") or ""),
    )


def amount_words(quantity: Any, unit: str) -> str:
    """An amount as stored."""
    return show_amount(Amount(quantity, unit)) if quantity is not None else ""


def helpers() -> dict[str, Any]:
    """For the templates of these pages."""
    return {
        "words": words,
        "goods": goods,
        "goods_address": goods_address,
        "chain_address": chain_address,
        "severity_tag": severity_tag,
        "conclusion_tag": conclusion_tag,
        "state_tag": state_tag,
        "told_details": told_details,
        "finding_words": finding_words,
        "amount_words": amount_words,
    }

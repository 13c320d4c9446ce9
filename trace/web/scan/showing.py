"""A passport as the page shows it: sentences and links, nothing left to decide in the template.

Order and words are those of the shopper's screen; what may be said of the record is formats,
section 6: each line shown carries the named organisation's signature and is in the public log.
Nothing is called genuine, safe or true.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from flask_babel import ngettext

from trace.core.signing import JsonObject
from trace.services.alerts import AlertView
from trace.services.certificates import backs, claims_in
from trace.services.languages import local_name
from trace.services.notice_words import notice_reason, notice_words
from trace.web.curves import curve
from trace.web.measured_words import measure_word, unit_word
from trace.web.pages import page_language
from trace.web.scan import corrections, marks, words
from trace.web.scan.words import _

PAGE_LINES: Final = 40
MAX_NAMED: Final = 6
MAX_LISTED: Final = 12
MAX_WARDS: Final = 3
GATHERING: Final = frozenset({"harvesting", "egg_collecting"})
ENDS: Final = ("min", "max")
HARVEST_DAYS: Final = frozenset({"harvestStartDate", "harvestEndDate", "harvestDate"})


@dataclass(frozen=True, slots=True)
class Shown:
    """Whether the present page of lines, how many pages, and the language it is told in."""

    language: str
    page: int
    pages: int


def alert(one: AlertView, organisation: JsonObject | None = None) -> JsonObject:
    """What to do comes first, in the words for its kind. `organisation` is who made the goods: a
    word by who goes on for it says so."""
    title, advice = notice_words(one.kind, one.hazard, mixed=one.mixed)
    who = local_name(one.issuer, one.issuer_en, page_language())
    return {
        "title": title,
        "advice": advice,
        "reason": notice_reason(one.reason),
        "by": _("%(who)s (bên kế thừa) thông báo", who=who)
        if _succeeds(one.issuer_code, organisation)
        else _("%(who)s thông báo", who=who),
        "day": marks.dated(marks.PLACE, one.given_at.date().isoformat()),
        "level": "stop" if one.kind == "recall" else "warn",
    }


def head(document: JsonObject, language: str) -> JsonObject:
    """What and who: name, organisation, dates."""
    product, facts = document["product"], document["facts"]
    organisation = document["organisation"]
    return {
        "name": product_name(document, language),
        "name_lang": _name_lang(document, language),
        "who_lang": organisation and marks.tongue(organisation.get("name_en"), language),
        "lang": marks.foreign(language),
        "picture": product and product["picture"],
        "weight": product
        and product["net_weight"]
        and words.weight(product["net_weight"], language),
        "grown": _grown(document),
        "who": organisation and local(organisation, language),
        "who_path": organisation and f"/o/{organisation['code']}",
        "ward": organisation and organisation["ward"],
        "phone": organisation and organisation["phone"],
        "states": _states(document, language),
        "dates": _dates(facts),
        "quantity": facts["quantity"] and words.amount(facts["quantity"], facts["uom"], language),
    }


def _grown(document: JsonObject) -> str:
    """Where it was harvested or collected, as the lines say; of more than three wards only their
    number is told, with the dates."""
    wards = {
        line["where"]["ward"]: None
        for line in document["lines"]
        if line["step"] in GATHERING and "voided" not in line and line["where"]
    }
    named = [ward for ward in wards if ward]
    return "; ".join(named) if len(named) <= MAX_WARDS else ""


def product_name(document: JsonObject, language: str) -> str:
    """The product's name; its maker's word where it has no row; otherwise what kind of thing."""
    product, thing = document["product"], document["thing"]
    if product:
        return local_name(product["name_vi"], product["name_en"], language)
    if document["facts"]["name"]:
        return str(document["facts"]["name"])
    kinds: dict[str, str] = {
        "cycle": _("Vụ sản xuất"),
        "logistic": _("Kiện hàng"),
        "unit": _("Gói hàng"),
    }
    return f"{kinds.get(thing['kind'], _('Lô hàng'))} {thing['code']}".strip()


def _name_lang(document: JsonObject, language: str) -> str:
    """The language of the product's name where it is not the page's."""
    if document["product"]:
        return marks.tongue(document["product"]["name_en"], language)
    return marks.foreign(language) if document["facts"]["name"] else ""


def local(named: JsonObject, language: str) -> str:
    """A name in the reader's language where there is one."""
    return local_name(named.get("name"), named.get("name_en"), language)


def _states(document: JsonObject, language: str) -> list[str]:
    """What must be said of who stands behind the goods."""
    product, organisation = document["product"], document["organisation"]
    found = []
    if organisation and organisation["demonstration"]:
        found.append(_("Tổ chức minh hoạ, không có thật"))
    if organisation and not organisation["confirmed"]:
        found.append(words.unconfirmed(organisation))
    if organisation:
        found += words.ended(organisation, language)
    else:
        found.append(_("Chưa rõ ai tạo lô hàng này"))
    if product and not product["same_owner"]:
        owner = product["owner"]
        found.append(
            _(
                "Mã sản phẩm do %(who)s đăng ký, không phải người tạo lô này",
                who=local(owner, language),
            )
            if owner
            else _("Mã sản phẩm do tổ chức khác đăng ký")
        )
    elif product and product["confirmed"] is False:
        found.append(_("Mã GTIN chưa được xác nhận"))
    return found


def _dates(facts: JsonObject) -> list[tuple[str, str]]:
    """(sentence, level) of each date of the label."""
    found: list[tuple[str, str]] = []
    if facts["sources"] > 1:
        found.append((_mixed(facts), ""))
    elif facts["harvest"] and facts["harvest"][0] == facts["harvest"][1]:
        text = _("Thu hoạch %(when)s", when=marks.PLACE)
        found.append((marks.dated(text, facts["harvest"][0]), ""))
    elif facts["harvest"]:
        found.append((_("Thu hoạch %(when)s", when=words.days_between(*facts["harvest"])), ""))
    if facts["use_by"]:
        past = facts["past_use_by"]
        text = (
            _("Đã quá hạn dùng %(when)s", when=marks.PLACE)
            if past
            else _("Hạn dùng %(when)s", when=marks.PLACE)
        )
        found.append((marks.dated(text, facts["use_by"]), "stop" if past else ""))
    if facts["best_before"]:
        past = facts["past_best_before"]
        text = (
            _("Quá ngày dùng ngon nhất %(when)s", when=marks.PLACE)
            if past
            else _("Dùng ngon nhất trước %(when)s", when=marks.PLACE)
        )
        found.append((marks.dated(text, facts["best_before"]), "warn" if past else ""))
    return found


def _mixed(facts: JsonObject) -> str:
    if facts["harvest"]:
        return _(
            "Gộp từ %(n)s nơi trồng, thu %(when)s",
            n=facts["sources"],
            when=words.days_between(*facts["harvest"]),
        )
    return _("Gộp từ %(n)s nguồn", n=facts["sources"])


def strip(document: JsonObject, *, pending: bool) -> JsonObject:
    """The neutral line about the record. Custody and witnesses never colour it."""
    record = document["record"]
    broken = record["statements"] - record["signed"]
    if not record["statements"]:
        return {"text": _("Chưa có dòng nào được ghi"), "level": "", "icon": "info"}
    if broken:
        text = ngettext(
            "Có %(num)s dòng không khớp chữ ký; chưa rõ lỗi do ai",
            "Có %(num)s dòng không khớp chữ ký; chưa rõ lỗi do ai",
            broken,
        )
        return {"text": text, "level": "warn", "icon": "warn"}
    if pending:
        return {"text": _("Vào sổ công khai trong giây lát"), "level": "", "icon": "clock"}
    since = words.day(record["since"])
    if corrections.any_told(document):
        text = _("Hồ sơ có dòng đã sửa hoặc huỷ; ghi từ %(day)s theo sổ", day=since)
    else:
        text = _("Hồ sơ chưa bị sửa từ %(day)s theo sổ", day=since)
    return {"text": text, "level": "", "icon": "seal"}


def claims(document: JsonObject, language: str) -> list[JsonObject]:
    """Certificates as judged on the day of harvest, and the days since the last spraying."""
    found = [_certificate(one, document) for one in document["certificates"]]
    found += [
        {
            "text": _("Tên hàng có “%(what)s”: không có chứng nhận nào được khai", what=one),
            "level": "warn",
            "icon": "warn",
        }
        for one in _unbacked(document)
    ]
    interval = _interval(document["interval"], language)
    if interval:
        found.append(interval)
    return found


def _unbacked(document: JsonObject) -> list[str]:
    """What the goods' name promises without a certificate in force at harvest."""
    product = document["product"] or {}
    names = (product.get("name_vi"), product.get("name_en"), document["facts"].get("name"))
    promised = claims_in(" ".join(str(name) for name in names if name))
    return [
        claim
        for claim in promised
        if not any(backs(one["standard"], claim) for one in document["certificates"])
    ]


def _certificate(one: JsonObject, document: JsonObject) -> JsonObject:
    part = ""
    if one["of"] > 1:
        part = " " + _("%(n)s/%(all)s nơi trồng", n=one["covers"], all=one["of"])
    if one["confirmed"]:
        said = _("%(who)s xác nhận, còn hiệu lực ngày thu hoạch", who=one["confirmed_by"])
    else:
        said = _("tổ chức tự khai, chưa được xác nhận")
    return {"text": f"{one['standard']}{part}: {said}", "level": "", "icon": "paper"}


def _interval(interval: JsonObject, language: str) -> JsonObject | None:
    state, days, required = interval["state"], interval["days"], interval["required"]
    if state in ("kept", "short"):
        text = (
            _(
                "Phun lần cuối %(days)s ngày trước thu hoạch (nhãn yêu cầu %(required)s)",
                days=days,
                required=required,
            )
            if interval.get("last", True)
            else _(
                "Phun %(name)s %(days)s ngày trước thu hoạch (nhãn yêu cầu %(required)s)",
                name=interval["product"] or _("thuốc"),
                days=days,
                required=required,
            )
        )
        return {"text": text, "level": "warn" if state == "short" else "", "icon": "drop"}
    if state == "undeclared" and days is not None:
        text = _("Phun %(days)s ngày trước thu hoạch; nhãn yêu cầu: chưa khai báo", days=days)
        return {"text": text, "level": "", "icon": "drop"}
    if state == "none-used":
        text = _("Khai: không dùng thuốc bảo vệ thực vật")
        return {"text": text, "level": "", "icon": "drop"}
    if state == "private":
        return {"text": _("Thuốc đã phun: chủ hàng không công khai"), "level": "", "icon": "drop"}
    return None


def gaps(document: JsonObject) -> list[str]:
    """Silences, grouped: "Tưới nước, Nơi đóng gói: chưa khai báo"."""
    said = document["interval"]["state"]
    grouped: dict[str, list[str]] = {}
    for gap in document["gaps"]:
        if gap["rule"] == "pesticide" and said in ("none-used", "private"):
            continue  # said above, in a sentence of its own
        grouped.setdefault(gap["state"], []).append(words.topic(gap["rule"]))
    return [f"{', '.join(topics)}: {words.silence(state)}" for state, topics in grouped.items()]


def line(one: JsonObject, document: JsonObject, language: str) -> JsonObject:
    """One line: what, when, where, who said so, signed or not; what is marked; what was said."""
    shown: JsonObject = {
        "title": words.title(one),
        "when": marks.moment_tag(one["event_time"], one["tz"]),
        "where": _where(one, language),
        "who": _who(one, document, language),
        "told": [*_things(one, document, language), *_details(one, document, language)],
        "marks": [
            {"text": words.finding(code, one), "level": _level(code)} for code in one["findings"]
        ],
        "withheld": words.withheld(one["withheld"]),
        "sensors": _sensors(one.get("sensor"), language),
        "measured": any(detail["label"] == "measured" for detail in one["details"]),
        "pictures": [a["digest"] for a in one.get("attachments", ())],
        "off": "voided" in one,
        "proof": one.get("proof"),
        "index": one["index"],
        "declared": None,
        "was": [
            {
                **line(old, document, language),
                "declared": corrections.corrected(
                    old["corrected"], _by(old["corrected"], language)
                ),
            }
            for old in one.get("was", ())
        ],
    }
    shown["marks"] += [{"text": text, "level": ""} for text in words.removed(one)]
    if "voided" in one:
        shown["declared"] = corrections.voided(one["voided"], _by(one["voided"], language))
    if one.get("edited") or one.get("was"):
        shown["marks"].append({"text": _("đã sửa"), "level": ""})
    return shown


def _by(declaration: JsonObject, language: str) -> str:
    """Who declared an error; documents made by older releases do not say."""
    who = declaration.get("who")
    return local(who, language) if who else ""


def _level(code: str) -> str:
    """Amber for what a shopper can act on; the rest is information."""
    return "warn" if code in ("interval-short", "bad-signature") else ""


def _where(one: JsonObject, language: str) -> list[tuple[str, str]]:
    """(name, its language where that is not the page's) of the place and its ward."""
    place = one["where"]
    if place is None:
        return []
    named = [
        (local(place, language), marks.tongue(place.get("name_en"), language)),
        (place["ward"], marks.foreign(language)),
    ]
    return [(text, code) for text, code in named if text]


def _succeeds(code: str, organisation: JsonObject | None) -> bool:
    """Whether an organisation goes on for the one that made the goods."""
    listed = organisation.get("successors", ()) if organisation else ()
    return any(one["code"] == code for one in listed)


def _who(one: JsonObject, document: JsonObject, language: str) -> str:
    who, owner = one["who"], document["organisation"]
    signed = _("đã ký")
    text = local(who, language)
    if one["performed_by"]:
        text = _("%(who)s ghi thay hộ %(code)s", who=text, code=one["performed_by"])
    if _succeeds(who["code"], owner):
        text += f" ({_('bên kế thừa')})"
    standing = words.standing(who, maker=bool(owner) and owner["code"] == who["code"])
    text += f" ({standing})" if standing else ""
    return f"{text} · {signed}" if one["signed"] else text


def _things(one: JsonObject, document: JsonObject, language: str) -> list[JsonObject]:
    """Which goods: this page's own by amount only, others by name, code and amount."""
    by_role: dict[str, list[JsonObject]] = {}
    for thing in one["things"]:
        by_role.setdefault(thing["role"], []).append(thing)
    labels: dict[str, str] = {
        "input": _("Từ"),
        "output": _("Thành"),
        "parent": _("Kiện"),
        "child": _("Gồm"),
        "epc": "",
    }
    found = []
    cycles = sum(ancestor["kind"] == "cycle" for ancestor in document["ancestors"])
    for role in ("input", "output", "parent", "child", "epc"):
        things = by_role.get(role, [])
        if cycles == 1 and role == "epc":
            # Field work of the one cycle there is: its code on every line would only be noise.
            things = [thing for thing in things if thing["kind"] != "cycle"]
        named = [_thing(thing, document, language) for thing in things[:MAX_NAMED]]
        named = [thing for thing in named if thing["text"]]
        if not named:
            continue
        more = len(things) - MAX_NAMED
        found.append(
            {
                "label": labels[role],
                "things": named,
                "more": _("và %(n)s nữa", n=more) if more > 0 else "",
            }
        )
    return found


def _thing(thing: JsonObject, document: JsonObject, language: str) -> JsonObject:
    quantity = words.amount(thing["quantity"], thing["uom"], language) if thing["quantity"] else ""
    if thing["thing"] == document["thing"]["identity"]:
        return {"text": quantity, "path": "", "quantity": ""}
    # The label says already that a parent is a package.
    name = thing["code"] if thing["role"] == "parent" else _named(thing, language)
    return {"text": name or quantity, "path": thing["path"], "quantity": quantity if name else ""}


def _details(one: JsonObject, document: JsonObject, language: str) -> list[JsonObject]:
    """What else was said, without what the page or the line's own date says already."""
    named, today = document["product"] is not None, one["event_time"][:10]
    found = (
        words.detail(detail, language)
        for detail in one["details"]
        if not (named and detail["label"] == "productName")
        and not (detail["label"] in HARVEST_DAYS and str(detail["value"])[:10] == today)
    )
    return [{"label": "", "sentence": text} for text in found if text]


def _sensors(sensor: JsonObject | None, language: str) -> list[JsonObject]:
    """Each series of a line: its name, its span in words, its curve."""
    found = []
    for one in [sensor, *sensor.get("others", ())] if sensor else ():
        low, high = (words.number(f"{one[end]:.1f}".removesuffix(".0"), language) for end in ENDS)
        unit = unit_word(one["uom"])
        span = f"{low} {unit}" if low == high else f"{low}–{high} {unit}"
        name = measure_word(one["kind"])
        found.append({"name": name, "text": f"{name} {span}", "points": curve(one["points"])})
    return found


def others(document: JsonObject, member: str, language: str) -> list[JsonObject]:
    """Ancestors or contents as links."""
    return [
        {
            "text": _named(o, language),
            "path": o["path"],
        }
        for o in document[member][:MAX_LISTED]
    ]


def _named(thing: JsonObject, language: str) -> str:
    """A cycle or package by what it is, goods by their name; then the code people read aloud."""
    called = "" if thing["kind"] in ("cycle", "logistic") else local(thing, language)
    return " ".join(part for part in (called or _kind(thing["kind"]), thing["code"]) if part)


def _kind(kind: str) -> str:
    kinds: dict[str, Any] = {
        "cycle": _("Vụ sản xuất"),
        "logistic": _("Kiện hàng"),
        "lot": _("Lô"),
        "unit": _("Gói hàng"),
    }
    return str(kinds.get(kind, ""))

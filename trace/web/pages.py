"""What every template may call: language, addresses of files, words of roles, forms of values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import phonenumbers
from flask import Flask, current_app, g, request, url_for
from flask_babel import format_datetime, get_locale, gettext

from trace.core.gs1 import format_code
from trace.models import Organisation
from trace.services.wards import ward_name
from trace.web.access import here
from trace.web.problems import translated
from trace.web.request_words import desks
from trace.web.statics import stamp_of


@dataclass(frozen=True, slots=True)
class Section:
    """One of the main parts under the header."""

    href: str
    text: str
    icon: str
    current: bool
    exact: bool


# (endpoint, icon, prefixes of addresses that belong to the part). An endpoint that does not
# exist is left out, so parts can be switched off whole.
FARM = (
    ("today.show", "home", ("/producer/today",)),
    ("cycles.index", "sprout", ("/producer/cycles", "/producer/diary")),
    ("batches.index", "box", ("/producer/batches", "/producer/labels", "/producer/shipments")),
    (
        "today.catalogue",
        "list",
        (
            "/producer/catalogue",
            "/producer/places",
            "/producer/products",
            "/producer/households",
            "/producer/certificates",
            "/producer/books",
            "/producer/catalogues",
            "/producer/sensors",
            "/producer/papers",
        ),
    ),
)
DESK = (
    ("desk.show", "home", ("/inspection/",)),
    ("chain.index", "search", ("/inspection/chain",)),
    ("inspections.index", "camera", ("/inspection/inspections",)),
    ("recalls.index", "warn", ("/inspection/recalls",)),
)
PLATFORM = (
    ("admin_home.show", "home", ("/admin/",)),
    ("admin_applications.index", "paper", ("/admin/applications",)),
    ("admin_organisations.index", "people", ("/admin/organisations",)),
    ("admin_requests.index", "person", ("/admin/requests",)),
)


def section_text(endpoint: str) -> str:
    """The word of a main part."""
    words: dict[str, str] = {
        "today.show": gettext("Hôm nay"),
        "cycles.index": gettext("Vụ trồng"),
        "batches.index": gettext("Lô hàng"),
        "today.catalogue": gettext("Danh mục"),
        "desk.show": gettext("Bàn làm việc"),
        "chain.index": gettext("Chuỗi"),
        "inspections.index": gettext("Kiểm tra"),
        "recalls.index": gettext("Thu hồi"),
        "admin_home.show": gettext("Quản trị"),
        "admin_applications.index": gettext("Hồ sơ đăng ký"),
        "admin_organisations.index": gettext("Tổ chức"),
        "admin_requests.index": gettext("Yêu cầu"),
    }
    return words[endpoint]


def sections() -> Iterable[Section]:
    """The main parts of a member's console: an authority has a desk, the platform its own,
    everybody else a farm."""
    acting = g.get("actor")
    own = {"authority": DESK, "platform": PLATFORM}
    parts = FARM if acting is None else own.get(acting.organisation.kind, FARM)
    there = [part for part in parts if part[0] in current_app.view_functions]
    # The longest prefix is the part: the desk itself stands above its own.
    fits = {
        part[0]: max(map(len, filter(request.path.startswith, part[2])), default=0)
        for part in there
    }
    longest = max(fits.values(), default=0)
    for endpoint, icon, _ in there:
        current = 0 < fits[endpoint] == longest
        exact = request.endpoint == endpoint
        yield Section(url_for(endpoint), section_text(endpoint), icon, current, exact)


def front_door(organisation: Organisation | None = None) -> str:
    """Where a member's work begins: the desk of an authority, the platform's, else today."""
    acting = organisation or (g.actor.organisation if g.get("actor") else None)
    if acting is not None and acting.kind == "authority":
        return url_for("desk.show")
    if acting is not None and acting.kind == "platform":
        return url_for("admin_home.show")
    return url_for("today.show")


def role_name(role: str) -> str:
    """The word for a role in an organisation."""
    words: dict[str, str] = {
        "owner": gettext("chủ tổ chức"),
        "recorder": gettext("người ghi"),
        "viewer": gettext("người xem"),
        "inspector": gettext("cán bộ kiểm tra"),
        "supervisor": gettext("người phụ trách"),
        "admin": gettext("quản trị"),
    }
    return words.get(role, role)


def page_language() -> str:
    """The language of this page: vi or en."""
    locale = get_locale()
    return locale.language if locale else "vi"


def asset(path: str) -> str:
    """The address of a file under static/, which names its content: it may be kept for ever."""
    stamp = stamp_of(str(current_app.static_folder), path)
    return url_for("static", filename=path, v=stamp or None)


def day(value: date | datetime | None) -> str:
    """20/11/2026, in Viet Nam's time zone."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return str(format_datetime(value, "dd/MM/yyyy"))
    return value.strftime("%d/%m/%Y")


def moment(value: datetime | None) -> str:
    """20/11/2026 07:10, in Viet Nam's time zone."""
    return "" if value is None else str(format_datetime(value, "dd/MM/yyyy HH:mm"))


def number(value: Decimal | int | float | None) -> str:
    """1.234,5 in Vietnamese, 1,234.5 in English; no zeros at the end."""
    if value is None:
        return ""
    text = f"{Decimal(str(value)):,f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if page_language() == "vi":
        return text.translate(str.maketrans(",.", ".,"))
    return text


def phone(value: str | None) -> str:
    """0912 345 678 for Vietnamese numbers, +44 … for others."""
    if not value:
        return ""
    try:
        parsed = phonenumbers.parse(value, "VN")
    except phonenumbers.NumberParseException:
        return value
    form = (
        phonenumbers.PhoneNumberFormat.NATIONAL
        if parsed.country_code == 84
        else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    )
    return phonenumbers.format_number(parsed, form)


def register_helpers(app: Flask) -> None:
    """Gives templates their functions and filters."""
    app.jinja_env.globals.update(
        page_language=page_language,
        asset=asset,
        here=here,
        sections=sections,
        role_name=role_name,
        front_door=front_door,
        desks=desks,
        problem_sentence=translated,
    )
    app.jinja_env.filters.update(
        code=format_code,
        day=day,
        moment=moment,
        number=number,
        phone=phone,
        ward=lambda code: ward_name(code) if code else "",
    )

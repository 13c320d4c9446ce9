"""Rendering: a document in, the bytes of a page out. Style is inlined and allowed by its hash."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from flask import current_app, render_template
from flask_babel import force_locale, ngettext
from markupsafe import Markup
from PIL import Image

from trace.core.labels.matrix import qr_matrix
from trace.core.labels.payload import label_payload
from trace.core.signing import JsonObject
from trace.services.alerts import AlertView
from trace.services.labels import printed_address
from trace.services.languages import languages, local_name, own_name
from trace.services.proofs import Proof
from trace.services.settings import current_settings
from trace.web.scan import corrections, journey, proving, sharing, showing, words
from trace.web.scan.words import _

VIET_NAM: Final = timezone(timedelta(hours=7))

# Steps after which goods are, or may be, in other hands (CBV 2.0, section 7.1).
LEAVING = frozenset(
    (
        *("shipping", "consigning", "departing", "transporting", "arriving", "receiving"),
        *("accepting", "retail_selling", "dispensing", "stocking"),
    )
)


@cache
def style() -> str:
    """The whole style sheet: small enough to travel with every page."""
    folder = Path(current_app.static_folder or "static")
    return (folder / "scan" / "scan.css").read_text(encoding="utf-8").strip()


@cache
def content_security_policy(*, runs: bool = False) -> str:
    """Nothing loads but our own pictures, and this one style. Pages of goods run a module of ours:
    one tells that the page was seen, the proof's verifies what it fetches from here."""
    digest = base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()
    script = "script-src 'self'; connect-src 'self'; " if runs else ""
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src 'self' data:; {script}"
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def render(template: str, language: str, path: str, *, address: str = "", **values: Any) -> bytes:
    """A page of the shopper's, in one language. `path` is the printed address it is about,
    `address` the page's own where that is another."""
    here = address or f"/t{path}"
    joint = "&" if "?" in here else "?"
    with force_locale(language):
        text = render_template(
            template,
            language=language,
            style=style(),
            own_address=f"{current_settings().public_url}{here}",
            others=[
                (one, own_name(one), f"{here}{joint}lang={one}")
                for one in languages()
                if one != language
            ],
            named=lambda row: local_name(row.name, row.name_en, language),
            tongue=lambda code: Markup(' lang="{}"').format(code) if code else "",
            report_href=f"/report?of={quote(path)}&lang={language}",
            requests_href=f"/requests/?lang={language}",
            **values,
        )
    return "\n".join(line for line in text.splitlines() if line.strip()).encode()


@dataclass(frozen=True, slots=True)
class How:
    """How a history is to be shown. `path` is the printed address, `code` what people read aloud of
    it; `keep` is the query that keeps
    a chosen language; `pending` says that the newest line is not in the published log yet; `notes`
    are codes of what is to be said of the address itself (`unit`, `unit-elsewhere`,
    `unbound`, `elsewhere`, `not-sent`) and of the record (`as-of:` minutes since 1970); `proof` is
    what is proved, for the view of that name."""

    language: str
    path: str
    code: str
    page: int = 1
    view: str = ""
    keep: str = ""
    pending: bool = False
    notes: tuple[str, ...] = ()
    proof: Proof | None = None


def history_page(
    document: JsonObject,
    alerts: Sequence[AlertView],
    how: How,
) -> bytes:
    """The history of one thing, or (`view="proof"`) what stands behind it."""
    language, path, page, view, keep = how.language, how.path, how.page, how.view, how.keep
    pending, notes = how.pending, how.notes
    with words.speaking(language):
        values = _values(document, alerts, language, page, notes)
        values["strip"] = showing.strip(document, pending=pending)
        shared = sharing.told(document, alerts, language)
        values["meta"] = sharing.meta(document, shared, language)
        if view == "proof":
            values |= _proof(document, values, language, path, page, keep)
            values["proved"] = proving.proved(how.proof)
    values |= {
        "pending": pending,
        "keep": keep,
        "proof_href": f"/t{path}?view=proof{keep.replace('?', '&')}",
        "back_href": f"/t{path}{keep}",
        "share_href": f"/t{document['thing']['path']}{keep}",
        "follow_href": f"/follow/?of={quote(document['thing']['path'], safe='')}&lang={language}",
        # A package's own code is not put on paper either.
        "printed": (printed := printed_address(document["thing"]["identity"])),
        "printed_code": _code(printed) if printed else "",
        "json_href": f"/t{path}?format=json",
        "passport_href": f"/t{path}?view=passport{keep.replace('?', '&')}",
        "has_gtin": bool(document["product"] and document["product"]["gtin"]),
        "bundle_href": f"/t{path}?format=bundle",
        "page_href": lambda number: _page_href(path, number, view, keep),
        "code": how.code,
    }
    template = "scan/proof.html" if view == "proof" else "scan/history.html"
    return render(template, language, path, **values)


@lru_cache(maxsize=1024)
def _code(address: str) -> str:
    """The address as a code, a picture of one bit a point: some 250 bytes in the page itself, so
    that a printer waits for nothing."""
    matrix = qr_matrix(label_payload(address), level="L")
    side = matrix.size + 8  # the quiet zone of ISO/IEC 18004
    picture = Image.new("1", (side, side), 1)
    for x, y, length in matrix.runs():
        picture.paste(0, (x + 4, y + 4, x + 4 + length, y + 5))
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _page_href(path: str, number: int, view: str, keep: str) -> str:
    parts = [f"page={number}"] if number > 1 else []
    parts += [f"view={view}"] if view else []
    parts += [keep[1:]] if keep else []
    return f"/t{path}" + (f"?{'&'.join(parts)}" if parts else "")


def page_count(document: JsonObject) -> int:
    """How many pages of lines there are; at least one."""
    return max(1, -(-len(document["lines"]) // showing.PAGE_LINES))


def _values(
    document: JsonObject,
    alerts: Sequence[AlertView],
    language: str,
    page: int,
    notes: Sequence[str],
) -> dict[str, Any]:
    first = (page - 1) * showing.PAGE_LINES
    pages = page_count(document)
    told = document["lines"][first : first + showing.PAGE_LINES]
    groups = [
        (_("Trong kiện này"), showing.others(document, "contents", language)),
        (_("Từ những nguồn này"), showing.others(document, "ancestors", language)),
    ]
    if "unit" in notes and not _has_left(document):
        notes = (*notes, "not-sent")
    return {
        "alerts": [showing.alert(alert, document["organisation"]) for alert in alerts],
        "notes": [_note(code) for code in notes],
        "head": showing.head(document, language),
        "claims": showing.claims(document, language),
        "lines": [showing.line(one, document, language) for one in told],
        "gaps": showing.gaps(document),
        "cancelled": corrections.cancelled(document),
        "went_to": _went_to(document["went_to"]),
        "truncated": document["truncated"],
        "map": journey.journey(document) if page == pages else None,
        "groups": [group for group in groups if group[1]] if page == 1 else [],
        "page": page,
        "pages": pages,
    }


def _has_left(document: JsonObject) -> bool:
    """Whether anything says that the goods left who made them, or were put on sale there. Of a
    history too long to be told whole nobody claims that it does not."""
    if document["truncated"] or document["went_to"]:
        return True
    return any(one["step"] in LEAVING and "voided" not in one for one in document["lines"])


def _went_to(count: int | None) -> str:
    if not count:
        return ""
    return str(
        ngettext(
            "Sau đó lô được chia, đi tới %(num)s nơi; chặng sau xem ở tem của kiện hoặc gói",
            "Sau đó lô được chia, đi tới %(num)s nơi; chặng sau xem ở tem của kiện hoặc gói",
            count,
        )
    )


def _as_of(minute: int) -> JsonObject:
    """What is said over a page when only a copy of the records could be asked."""
    at = datetime.fromtimestamp(minute * 60, VIET_NAM)
    title = _(
        "Trang này theo sổ lúc %(time)s ngày %(day)s", time=f"{at:%H:%M}", day=f"{at:%d/%m/%Y}"
    )
    text = _(
        "Máy chủ ghi sổ lúc này chưa trả lời. Việc ghi sau lúc đó, kể cả thu hồi, có thể chưa có ở "
        "đây: hãy mở lại sau ít phút."
    )
    return {"level": "warn", "title": title, "text": text}


HEAD: Final = b'<header class="head">'


def with_note(html: bytes, code: str, language: str) -> bytes | None:
    """A history page that is made already, with one note more over it; None where it has no place
    for notes."""
    if html.count(HEAD) != 1:
        return None
    with words.speaking(language), force_locale(language):
        macros = current_app.jinja_env.get_template("scan/said.html").module
        note = str(macros.noted(_note(code)))  # type: ignore[attr-defined]  # a macro of it
    return html.replace(HEAD, note.encode() + b"\n" + HEAD)


def _note(code: str) -> JsonObject:
    if code.startswith("as-of:"):
        return _as_of(int(code.removeprefix("as-of:")))
    notes: dict[str, tuple[str, str, str]] = {
        "elsewhere": (
            "warn",
            _("Mã này đã được quét ở nơi khác trước bạn"),
            _(
                "Mã riêng của một gói mà được quét ở nhiều nơi: tem có thể đã bị sao chép. Hãy so "
                "món hàng với hồ sơ dưới đây, giữ tem và hoá đơn, hỏi nơi bán."
            ),
        ),
        "unit-elsewhere": (
            "stop",
            _("Số trên tem không thuộc lô này"),
            _("Tem có thể bị sao chép hoặc in sai. Hãy báo cho nơi bán."),
        ),
        "unit": (
            "",
            _("Tem riêng của một gói"),
            _("Mỗi gói trong lô có một số khác nhau. Dưới đây là hồ sơ của cả lô."),
        ),
        "not-sent": (
            "",
            _("Theo sổ, lô này chưa rời nơi làm ra"),
            _(
                "Nếu bạn mua ở nơi khác: người làm ra có thể chưa ghi việc giao hàng. Nếu không "
                "phải vậy, tem có thể bị sao chép."
            ),
        ),
        "unbound": (
            "",
            _("Tem đã in, chưa gắn với lô hàng"),
            _("Người làm ra chưa ghi gói này thuộc lô nào."),
        ),
    }
    level, title, text = notes[code]
    return {"level": level, "title": title, "text": text}


def _proof(
    document: JsonObject,
    values: dict[str, Any],
    language: str,
    path: str,
    page: int,
    keep: str,
) -> dict[str, Any]:
    first = (page - 1) * showing.PAGE_LINES
    told = document["lines"][first : first + showing.PAGE_LINES]
    lines = [_proved(one, shown) for one, shown in zip(told, values["lines"], strict=True)]
    hidden = sum(len(one["withheld"]) for one in document["lines"])
    return {"lines": lines, "record": {**document["record"], "withheld": hidden}}


def _proved(one: JsonObject, shown: JsonObject) -> JsonObject:
    """A line as its proof tells it: who held the key, where it stands in the log and since
    when; the same of what it replaced."""
    before = zip(one.get("was", ()), shown["was"], strict=True)
    return {
        **shown,
        "custody": words.custody(one["custody"]) if one["signed"] else "",
        "index": one["index"],
        "statement": one["statement"],
        "recorded": words.moment(one["record_time"], "+07:00") if one["record_time"] else "",
        "was": [_proved(old, was) for old, was in before],
    }

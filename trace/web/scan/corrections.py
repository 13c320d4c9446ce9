"""Corrections and voids in words: who declared the error, when, and where it is in the log."""

from __future__ import annotations

from flask_babel import ngettext

from trace.core.signing import JsonObject
from trace.web.scan import words
from trace.web.scan.words import _


def corrected(said: JsonObject, who: str) -> JsonObject:
    """The declaration behind which another line stands now; `who` is its signer's name."""
    return _declared(said, who, _("sửa ngày %(day)s", day=words.day(said["at"])))


def voided(said: JsonObject, who: str) -> JsonObject:
    """The declaration behind which nothing stands."""
    day = words.day(said["at"])
    if said.get("corrective_missing"):
        what = _("huỷ ngày %(day)s: ghi sai, chưa có dòng ghi lại", day=day)
    elif said.get("reason") == "did_not_occur":
        what = _("huỷ ngày %(day)s: việc này không xảy ra", day=day)
    else:
        what = _("huỷ ngày %(day)s: ghi sai", day=day)
    return _declared(said, who, what)


def _declared(said: JsonObject, who: str, what: str) -> JsonObject:
    text = f"{who} · {what}" if who else what
    if said.get("signed"):
        text += f" · {_('đã ký')}"
    recorded = said.get("record_time")
    return {
        "text": text,
        "proof": said.get("proof"),
        "index": said.get("index"),
        "statement": said.get("statement"),
        "custody": words.custody(said["custody"]) if said.get("signed") else "",
        "recorded": words.moment(recorded, "+07:00") if recorded else "",
    }


def cancelled(document: JsonObject) -> str:
    """Entries taken back before anybody outside could have read them: how many."""
    count = int(document.get("cancelled", 0))
    if not count:
        return ""
    return str(
        ngettext(
            "Đã huỷ %(num)s dòng ghi nhầm trước khi in tem, giao hàng",
            "Đã huỷ %(num)s dòng ghi nhầm trước khi in tem, giao hàng",
            count,
        )
    )


def any_told(document: JsonObject) -> bool:
    """Whether the page tells of a correction or a void: then it does not say "not changed"."""
    return bool(document.get("cancelled")) or any(
        one.get("edited") or "voided" in one for one in document["lines"]
    )

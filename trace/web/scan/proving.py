"""What the proof of a page comes to, in words."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from trace.core.signing import JsonObject
from trace.services.proofs import Proof
from trace.web.scan import words
from trace.web.scan.words import _


def proved(proof: Proof | None) -> list[JsonObject]:
    """What the proof comes to, in the sentences that formats, section 6 allows and no others."""
    found: list[JsonObject] = []
    for witness in proof.witnesses if proof is not None else ():
        if witness.moment is not None:
            text = _(
                "%(who)s đã thấy sổ này; sửa các dòng này sau ngày %(day)s sẽ bị phát hiện.",
                who=witness.operator,
                day=words.day(_here(witness.moment)),
            )
            found.append({"icon": "clock", "text": text})
    if not found:
        text = _("Ngày giờ là theo sổ của nền tảng; chưa có bên ngoài nào làm chứng.")
        found.append({"icon": "clock", "text": text})
    if proof is not None:
        text = _(
            "Lúc %(time)s, theo sổ, nền tảng đã ký rằng các chuỗi dòng này dừng ở đây.",
            time=words.moment(proof.signed_at.isoformat(), "+07:00"),
        )
        found.append({"icon": "seal", "text": text})
        if proof.hidden:
            text = _("%(n)s việc có trong sổ và không hiện ở đây.", n=proof.hidden)
            found.append({"icon": "info", "text": text})
    return found


def _here(moment: datetime) -> str:
    """The day by the clock of where people read it."""
    return moment.astimezone(timezone(timedelta(hours=7))).isoformat()

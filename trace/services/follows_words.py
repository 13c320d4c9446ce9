"""What followers of a lot are written: which goods, what happened, what to do, where to look, and
how to leave. No picture, nothing that tells whether it was read."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import force_locale, gettext

from trace.core.gs1 import Identity, parse_identity
from trace.errors import TraceError
from trace.extensions import db
from trace.models import Event, Organisation, Thing
from trace.services.holds import reason_of
from trace.services.languages import local_name
from trace.services.notice_words import notice_reason, notice_words
from trace.services.passports_lines import code_of
from trace.services.records import LOCAL_ZONE
from trace.services.settings import current_settings


@dataclass(frozen=True, slots=True)
class Goods:
    """What is followed: its printed path, the code people read aloud, its names."""

    path: str
    code: str
    name: str
    name_en: str

    def named(self, locale: str) -> str:
        """Name and code, in the reader's language where there is a name in it."""
        name = local_name(self.name, self.name_en, locale)
        return " · ".join(" ".join(part.split()) for part in (name, self.code) if part)


def goods_of(thing: Thing) -> Goods:
    """The goods of a thing."""
    try:
        identity = parse_identity(thing.identity, current_settings().id_base)
    except TraceError:
        identity = None
    product = thing.product
    return Goods(
        path=identity.path if isinstance(identity, Identity) else "",
        code=code_of(identity) if isinstance(identity, Identity) else "",
        name=product.name if product is not None else "",
        name_en=product.name_en if product is not None else "",
    )


def address(path: str, locale: str) -> str:
    """The public page of a printed path."""
    return f"{current_settings().public_url}/t{path}?lang={locale}"


def leave_address(code: str, locale: str) -> str:
    """Where a follower leaves, by one press or by their mail program's own button."""
    return f"{current_settings().public_url}/follow/leave/{code}?lang={locale}"


def asking(thing_id: int, code: str, locale: str, *, confirmed: bool) -> tuple[str, str]:
    """(subject, text) of the letter that asks, or that says that nothing is left to do."""
    goods = goods_of(db.session.get_one(Thing, thing_id))
    link = f"{current_settings().public_url}/follow/confirm/{code}?lang={locale}"
    with force_locale(locale):
        if confirmed:
            subject = gettext("Bạn đang theo dõi: %(what)s", what=goods.named(locale))
            body = [gettext("Địa chỉ thư này đã theo dõi lô hàng trên; không cần làm gì thêm.")]
        else:
            subject = gettext("Xác nhận theo dõi: %(what)s", what=goods.named(locale))
            body = [
                gettext(
                    "Ai đó, có lẽ là bạn, muốn được báo khi lô hàng này bị thu hồi, bị tạm dừng "
                    "bán hoặc có lưu ý."
                ),
                gettext("Đúng là bạn thì mở địa chỉ sau trong vòng một ngày và bấm “Theo dõi”:"),
                link,
                gettext("Không phải bạn thì không cần làm gì: sẽ không có thư nào nữa."),
            ]
        body += [address(goods.path, locale), _leaving(code, locale)]
        return f"Trace: {subject}", "\n\n".join(body) + "\n"


@dataclass(frozen=True, slots=True)
class Said:
    """What a notice says of one thing in one language."""

    title: str
    text: str
    path: str


def said(event: Event, issuer: Organisation, alert: Alerted, goods: Goods, locale: str) -> Said:
    """A notice or its release, as followers of these goods are told it."""
    with force_locale(locale):
        if event.notice == "release":
            title = gettext("Đã gỡ thông báo")
            advice = gettext("Mở trang của lô hàng để xem còn thông báo nào khác không.")
        else:
            title, advice = notice_words(alert.kind, alert.hazard, mixed=alert.mixed)
        by = gettext("%(who)s thông báo", who=issuer.name)
        day = f"{event.event_time.astimezone(LOCAL_ZONE):%d/%m/%Y}"
        body = [
            f"{title}. {advice}".strip(),
            goods.named(locale),
            notice_reason(reason_of(event.jwt)),
            f"{by}, {day}",
            address(goods.path, locale),
        ]
        text = "\n\n".join(part for part in body if part)
        return Said(f"{title}: {goods.named(locale)}", text, f"/t{goods.path}?lang={locale}")


@dataclass(frozen=True, slots=True)
class Alerted:
    """How a notice stands on one thing."""

    kind: str
    hazard: str
    mixed: bool


def letter(told: Said, code: str, locale: str) -> tuple[str, str]:
    """(subject, text) of the letter of a notice."""
    with force_locale(locale):
        return f"Trace: {told.title}", f"{told.text}\n\n{_leaving(code, locale)}\n"


def _leaving(code: str, locale: str) -> str:
    """In a forced locale: how no more is sent."""
    return str(gettext("Thôi theo dõi lô này: %(address)s", address=leave_address(code, locale)))

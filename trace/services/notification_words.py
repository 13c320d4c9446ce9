"""What notifications say. Vietnamese sentences are msgids; each is filled from the context that was
kept with the notification, so that one row is read in either language and on every channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flask_babel import force_locale, gettext

from trace.errors import TraceError


class NoSuchWord(TraceError):
    code = "no-such-word"
    status = 500
    message = "A notification has no sentence “%(word)s”."


def N_(text: str) -> str:  # noqa: N802 (gettext's own name: marks a sentence for extraction)
    """Marks a sentence for translation."""
    return text


# word: (kind, title, body). What fills them must be in the context; nothing else is put in.
WORDS: Final[dict[str, tuple[str, str, str]]] = {
    "application-asked": (
        "application",
        N_("Hồ sơ đăng ký cần bổ sung"),
        N_("%(by)s hỏi về hồ sơ của %(organisation)s. Mở hồ sơ để xem và trả lời."),
    ),
    "application-confirmed": (
        "application",
        N_("Tổ chức đã được xác nhận"),
        N_("%(by)s đã xác nhận %(organisation)s."),
    ),
    "application-declined": (
        "application",
        N_("Hồ sơ đăng ký chưa được chấp nhận"),
        N_("%(by)s chưa chấp nhận hồ sơ của %(organisation)s. Mở hồ sơ để xem vì sao."),
    ),
    "application-waiting": (
        "application",
        N_("Có hồ sơ đăng ký chờ xem xét"),
        N_("%(organisation)s chờ xem xét hồ sơ."),
    ),
    "member-joined": (
        "members",
        N_("Có người mới vào tổ chức"),
        N_("%(name)s đã vào %(organisation)s."),
    ),
    "access-renewed": (
        "members",
        N_("Mật khẩu đã được đặt lại"),
        N_("Mật khẩu của bạn đã được đặt lại. Không phải bạn thì báo ngay chủ tổ chức."),
    ),
    "handover-waiting": (
        "handover",
        N_("Có hàng chờ bạn nhận"),
        N_("%(by)s giao hàng cho %(organisation)s: %(what)s."),
    ),
    "handover-answered": (
        "handover",
        N_("Bên nhận đã trả lời"),
        N_("%(by)s đã trả lời về hàng %(organisation)s giao: %(what)s."),
    ),
    "alert-recall": (
        "alert",
        N_("Hàng bạn giữ bị thu hồi"),
        N_("%(by)s thu hồi %(what)s. Ngừng bán và mở trang để xem phải làm gì."),
    ),
    "alert-hold": (
        "alert",
        N_("Hàng bạn giữ bị tạm giữ"),
        N_("%(by)s tạm giữ %(what)s. Tạm dừng bán, chờ kết quả."),
    ),
    "alert-release": (
        "alert",
        N_("Hàng bạn giữ được bán lại"),
        N_("%(by)s đã bỏ lệnh giữ %(what)s."),
    ),
    "key-added": (
        "key",
        N_("Tổ chức có khoá ký mới"),
        N_("Khoá %(what)s của %(organisation)s vừa được thêm."),
    ),
    "key-rotated": (
        "key",
        N_("Khoá ký đã được thay"),
        N_("Khoá ký của %(organisation)s đã được thay bằng %(what)s."),
    ),
    "key-revoked": (
        "key",
        N_("Khoá ký đã bị thu hồi"),
        N_("Khoá %(what)s của %(organisation)s không ký được nữa."),
    ),
    "weekly": (
        "weekly",
        N_("Tuần qua của bạn"),
        N_("%(what)s"),
    ),
}


def check_word(word: str, context: Mapping[str, object]) -> str:
    """The kind of a word; raises NoSuchWord for an unknown one, or when its context falls short."""
    if word not in WORDS:
        raise NoSuchWord(word=word)
    kind, title, body = WORDS[word]
    try:
        _ = title % context, body % context
    except (KeyError, ValueError, TypeError):
        raise NoSuchWord(word=word) from None
    return kind


def say(word: str, context: Mapping[str, object], locale: str) -> tuple[str, str]:
    """(title, body) in a language. A word that a later version dropped says its name."""
    if word not in WORDS:
        return word, ""
    _, title, body = WORDS[word]
    with force_locale(locale):
        return gettext(title) % context, gettext(body) % context

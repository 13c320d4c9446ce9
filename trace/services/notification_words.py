"""What notifications say. Vietnamese sentences are msgids; each is filled from the context that was
kept with the notification, so that one row is read in either language and on every channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flask_babel import force_locale, gettext

from trace.errors import TraceError
from trace.services.notification_words_desk import DESK_WORDS
from trace.services.notification_words_machines import MACHINE_WORDS
from trace.services.notification_words_site import SITE_WORDS


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
        N_("%(name)s chờ xem xét hồ sơ."),
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
    "factor-reset-asked": (
        "members",
        N_("Có yêu cầu bỏ xác nhận hai bước của bạn"),
        N_("%(by)s xin bỏ bước thứ hai khi bạn đăng nhập. Không phải bạn nhờ thì báo ngay."),
    ),
    "factor-reset": (
        "members",
        N_("Xác nhận hai bước của bạn đã bị bỏ"),
        N_("Bước thứ hai khi bạn đăng nhập đã bị bỏ. Không phải bạn nhờ thì báo ngay nền tảng."),
    ),
    "factor-reset-waiting": (
        "members",
        N_("Có yêu cầu bỏ xác nhận hai bước chờ người thứ hai"),
        N_("%(by)s xin bỏ xác nhận hai bước của %(name)s. Gặp người ấy rồi hãy trả lời."),
    ),
    "factor-tried": (
        "members",
        N_("Có người gõ đúng mật khẩu của bạn nhưng sai mã"),
        N_("Mã ở bước thứ hai bị gõ sai nhiều lần. Không phải bạn thì đổi mật khẩu ngay."),
    ),
    "act-lent": (
        "members",
        N_("Cơ quan khác uỷ quyền cho cơ quan bạn"),
        N_("%(by)s uỷ quyền cho %(organisation)s. Mở trang uỷ quyền để xem việc gì, ở đâu."),
    ),
    "act-taken-back": (
        "members",
        N_("Uỷ quyền đã kết thúc"),
        N_("%(by)s đã rút uỷ quyền cho %(organisation)s."),
    ),
    "handover-waiting": (
        "handover",
        N_("Có hàng chờ bạn nhận"),
        N_("%(by)s giao hàng cho %(organisation)s: %(what)s."),
    ),
    "handover-several": (
        "handover",
        N_("Có hàng chờ bạn nhận"),
        N_("%(by)s giao hàng cho %(organisation)s theo %(count)s phiếu."),
    ),
    "handover-returned": (
        "handover",
        N_("Hàng bị trả lại đang về"),
        N_("%(by)s trả hàng lại cho %(organisation)s: %(what)s."),
    ),
    "handover-cancelled": (
        "handover",
        N_("Phiếu giao đã huỷ"),
        N_("%(by)s huỷ phiếu giao cho %(organisation)s: %(what)s."),
    ),
    "handover-accepted": (
        "handover",
        N_("Bên nhận đã nhận đủ"),
        N_("%(by)s đã nhận đủ hàng %(organisation)s giao: %(what)s."),
    ),
    "handover-part": (
        "handover",
        N_("Bên nhận mới nhận một phần"),
        N_("%(by)s mới nhận một phần hàng %(organisation)s giao: %(what)s."),
    ),
    "handover-differs": (
        "handover",
        N_("Bên nhận ghi có chênh lệch"),
        N_("%(by)s nhận hàng %(organisation)s giao nhưng ghi có chênh lệch: %(what)s."),
    ),
    "handover-refused": (
        "handover",
        N_("Bên nhận từ chối hàng"),
        N_("%(by)s từ chối hàng %(organisation)s giao: %(what)s."),
    ),
    "handover-link": (
        "handover",
        N_("Người cầm phiếu đã xác nhận"),
        N_("Người cầm phiếu giao của %(organisation)s báo đã nhận: %(what)s."),
    ),
    "handover-link-refused": (
        "handover",
        N_("Người cầm phiếu không nhận hàng"),
        N_("Người cầm phiếu giao của %(organisation)s báo không nhận: %(what)s."),
    ),
    "alert-recall": (
        "alert",
        N_("Hàng bạn giữ bị thu hồi"),
        N_(
            "%(by)s thu hồi %(what)s. Lô, kiện %(organisation)s đã hoặc đang giữ có liên quan: "
            "%(count)s. Ngừng bán và mở trang để xem phải làm gì."
        ),
    ),
    "alert-hold": (
        "alert",
        N_("Hàng bạn giữ bị tạm giữ"),
        N_(
            "%(by)s tạm giữ %(what)s. Lô, kiện %(organisation)s đã hoặc đang giữ có liên quan: "
            "%(count)s. Tạm dừng bán, chờ kết quả."
        ),
    ),
    "alert-advice": (
        "alert",
        N_("Có lưu ý về hàng bạn giữ"),
        N_(
            "%(by)s lưu ý về %(what)s. Lô, kiện %(organisation)s đã hoặc đang giữ có liên quan: "
            "%(count)s."
        ),
    ),
    "alert-release": (
        "alert",
        N_("Hàng bạn giữ được bán lại"),
        N_(
            "%(by)s đã bỏ lệnh về %(what)s. Lô, kiện %(organisation)s đã hoặc đang giữ có liên "
            "quan: %(count)s. Lệnh khác trên cùng lô, nếu có, vẫn còn."
        ),
    ),
    "recall-proposed": (
        "alert",
        N_("Có đề xuất chờ quyết định"),
        N_("%(by)s đề xuất thu hồi hoặc tạm giữ, hồ sơ %(what)s. Mở hồ sơ để quyết định."),
    ),
    "recall-refused": (
        "alert",
        N_("Đề xuất không được chấp nhận"),
        N_("%(by)s không chấp nhận hồ sơ %(what)s. Mở hồ sơ để xem vì sao."),
    ),
    "recall-second": (
        "alert",
        N_("Lệnh thu hồi chờ chữ ký thứ hai"),
        N_("%(by)s đã ký hồ sơ %(what)s. Cần một người phụ trách khác ký trong thời hạn."),
    ),
    "recall-second-end": (
        "alert",
        N_("Kết thúc lệnh thu hồi chờ chữ ký thứ hai"),
        N_("%(by)s đã ký kết thúc hồ sơ %(what)s. Cần người khác ký; đến đó trang còn cảnh báo."),
    ),
    "recall-rehearsal": (
        "alert",
        N_("DIỄN TẬP: hãy trả lời như khi bị thu hồi"),
        N_(
            "Diễn tập của %(by)s về %(what)s: không có hàng nào bị thu hồi. "
            "%(organisation)s có %(count)s lô, kiện liên quan."
        ),
    ),
    "hold-waiting": (
        "alert",
        N_("Lô bị giữ chờ kết quả kiểm nghiệm"),
        N_("%(what)s của %(name)s bị giữ theo quy tắc. Chờ phòng kiểm nghiệm và chờ cơ quan."),
    ),
    "held-moved": (
        "alert",
        N_("Hàng đang tạm giữ đã rời đi"),
        N_("%(by)s ghi rằng %(what)s của %(name)s đã được giao hoặc bán khi đang bị tạm giữ."),
    ),
    "result-signed": (
        "alert",
        N_("Có kết quả kiểm nghiệm"),
        N_("%(by)s đã ký kết quả về %(what)s của %(name)s."),
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
    "token-ending": (
        "key",
        N_("Mã truy cập của máy sắp hết hạn"),
        N_("Mã truy cập “%(what)s” của %(organisation)s hết hạn ngày %(day)s."),
    ),
    "approval-waiting": (
        "key",
        N_("Có việc chờ duyệt bằng khoá truy cập"),
        N_("Việc ghi ở %(organisation)s chờ duyệt. Quá 24 giờ thì phải ghi lại."),
    ),
    "approval-ending": (
        "key",
        N_("Việc chờ duyệt sắp hết hạn"),
        N_("Việc ghi ở %(organisation)s còn chưa đến 4 giờ để duyệt. Quá hạn thì phải ghi lại."),
    ),
    "certificate-asked": (
        "certificate",
        N_("Có chứng nhận chờ bạn trả lời"),
        N_("%(by)s khai có %(what)s do %(organisation)s cấp."),
    ),
    "certificate-confirmed": (
        "certificate",
        N_("Chứng nhận đã được xác nhận"),
        N_("%(by)s xác nhận %(what)s của %(organisation)s."),
    ),
    "certificate-rejected": (
        "certificate",
        N_("Chứng nhận không được xác nhận"),
        N_("%(by)s không xác nhận %(what)s của %(organisation)s. Mở trang để xem vì sao."),
    ),
    "certificate-suspended": (
        "certificate",
        N_("Chứng nhận bị đình chỉ"),
        N_("%(by)s đình chỉ %(what)s của %(organisation)s từ ngày %(day)s."),
    ),
    "certificate-resumed": (
        "certificate",
        N_("Chứng nhận có hiệu lực lại"),
        N_("%(by)s cho %(what)s của %(organisation)s có hiệu lực lại từ ngày %(day)s."),
    ),
    "certificate-withdrawn": (
        "certificate",
        N_("Chứng nhận bị thu hồi"),
        N_("%(by)s thu hồi %(what)s của %(organisation)s từ ngày %(day)s."),
    ),
    "certificate-ending": (
        "certificate",
        N_("Chứng nhận sắp hết hạn"),
        N_("%(what)s của %(organisation)s hết hiệu lực sau ngày %(day)s."),
    ),
    "alert-closed": (
        "alert",
        N_("Có lệnh về hàng của tổ chức đã ngừng"),
        N_("%(by)s: %(what)s. %(closed)s đã ngừng hoạt động; bạn là nơi trả lời thay."),
    ),
    "closing-asked": (
        "members",
        N_("Tổ chức sắp ngừng hoạt động"),
        N_("%(organisation)s xin ngừng hoạt động từ %(day)s. Trước ngày ấy còn rút lại được."),
    ),
    "closing-unused": (
        "members",
        N_("Tổ chức lâu không có người dùng"),
        N_(
            "Hơn một năm không ai đăng nhập %(organisation)s. Không ai đăng nhập trước %(day)s thì "
            "tổ chức ngừng hoạt động trên nền tảng; hồ sơ và mã đã in vẫn còn."
        ),
    ),
    "closing-taken-back": (
        "members",
        N_("Tổ chức tiếp tục hoạt động"),
        N_("Việc ngừng hoạt động của %(organisation)s đã được rút lại."),
    ),
    "closing-done": (
        "members",
        N_("Tổ chức đã ngừng hoạt động"),
        N_("%(organisation)s đã ngừng hoạt động. Bạn còn xem và tải hồ sơ đến %(until)s."),
    ),
    "succession-offered": (
        "members",
        N_("Có hồ sơ chờ bạn nhận"),
        N_("%(by)s muốn chuyển hồ sơ cho %(organisation)s. Mở ra để xem và trả lời."),
    ),
    "succession-sent": (
        "members",
        N_("Hồ sơ được đề nghị chuyển đi"),
        N_("%(organisation)s đề nghị chuyển hồ sơ cho %(to)s. Không đúng ý thì rút lại ngay."),
    ),
    "succession-accepted": (
        "members",
        N_("Hồ sơ đã có nơi nhận"),
        N_("%(by)s đã nhận kế thừa hồ sơ của %(organisation)s."),
    ),
    "succession-declined": (
        "members",
        N_("Nơi nhận từ chối hồ sơ"),
        N_("%(by)s không nhận hồ sơ của %(organisation)s."),
    ),
    **DESK_WORDS,
    **MACHINE_WORDS,
    **SITE_WORDS,
    "weekly": ("weekly", N_("Tuần qua của bạn"), ""),
}

# word: (what it counts, the sentence). Said one after the other; what is nought is not said.
PARTS: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "weekly": (
        ("scans", N_("Mã của %(organisation)s được quét %(scans)s lần.")),
        ("wards", N_("Người quét ở %(wards)s phường, xã.")),
        ("entries", N_("Việc đã ghi: %(entries)s.")),
        ("lots", N_("Lô mới: %(lots)s.")),
        ("asked", N_("Người mua hỏi, báo: %(asked)s.")),
        ("sent", N_("Phiếu đã giao, bên nhận chưa trả lời: %(sent)s.")),
        ("arriving", N_("Phiếu chờ bạn nhận: %(arriving)s.")),
        ("waiting", N_("Việc khác đang chờ bạn: %(waiting)s.")),
    ),
}


def check_word(word: str, context: Mapping[str, object]) -> str:
    """The kind of a word; raises NoSuchWord for an unknown one, or when its context falls short."""
    if word not in WORDS:
        raise NoSuchWord(word=word)
    kind, title, body = WORDS[word]
    try:
        _ = title % context, body % context, _parts(word, context)
    except (KeyError, ValueError, TypeError):
        raise NoSuchWord(word=word) from None
    return kind


def say(word: str, context: Mapping[str, object], locale: str) -> tuple[str, str]:
    """(title, body) in a language. A word that a later version dropped says its name."""
    if word not in WORDS:
        return word, ""
    _, title, body = WORDS[word]
    with force_locale(locale):
        said = [gettext(text) % context for text in (body, *_parts(word, context)) if text]
        return gettext(title) % context, " ".join(said)


def _parts(word: str, context: Mapping[str, object]) -> list[str]:
    """The sentences of what is not nought; raises KeyError for a figure that is missing."""
    return [text for name, text in PARTS.get(word, ()) if str(context[name]) != "0"]

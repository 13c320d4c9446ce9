"""The words for kinds, states and reasons of requests."""

from __future__ import annotations

from flask import g, url_for
from flask_babel import gettext

from trace.models.requests import KINDS, REASONS, REPORT, SUBJECT_KINDS

Options = list[tuple[str, str]]


def kind_name(kind: str) -> str:
    """The word for what is asked."""
    words: dict[str, str] = {
        "access": gettext("Xem dữ liệu về tôi"),
        "correction": gettext("Sửa dữ liệu sai"),
        "objection": gettext("Phản đối việc dùng dữ liệu"),
        "restriction": gettext("Hạn chế việc dùng dữ liệu"),
        "withdrawal": gettext("Rút lại sự đồng ý"),
        "erasure": gettext("Xoá dữ liệu về tôi"),
        REPORT: gettext("Báo ảnh hoặc lời không nên có"),
    }
    return words.get(kind, kind)


def kind_options(organisation: str) -> Options:
    """Kinds that the desk of an organisation of this kind handles, to filter by."""
    desk = {"platform": KINDS, "authority": (REPORT,)}.get(organisation, SUBJECT_KINDS)
    return [(kind, kind_name(kind)) for kind in desk]


def subject_options() -> list[tuple[str, str, str]]:
    """What a person may ask, with a sentence on each."""
    hints: dict[str, str] = {
        "access": gettext("Chúng tôi đang giữ gì, để làm gì, ai được xem."),
        "correction": gettext("Tên, số điện thoại hay điều khác ghi sai."),
        "objection": gettext("Không muốn dữ liệu được dùng vào một việc nào đó."),
        "restriction": gettext("Giữ lại nhưng tạm không dùng."),
        "withdrawal": gettext("Trước đây đồng ý, nay không đồng ý nữa."),
        "erasure": gettext("Bỏ hẳn; sổ công khai chỉ còn ghi rằng có phần đã xoá."),
    }
    return [(kind, kind_name(kind), hints[kind]) for kind in SUBJECT_KINDS]


def state_name(state: str) -> str:
    """The word for how a request stands."""
    words: dict[str, str] = {
        "received": gettext("đã nhận"),
        "answered": gettext("đã trả lời"),
        "working": gettext("đang làm"),
        "done": gettext("đã xong"),
        "refused": gettext("từ chối"),
    }
    return words.get(state, state)


def reason_name(reason: str) -> str:
    """The word for why something was taken down; also on public pages."""
    words: dict[str, str] = {
        "personal": gettext("lộ thông tin riêng của một người"),
        "indecent": gettext("khiêu dâm, phản cảm"),
        "violence": gettext("bạo lực, đe doạ"),
        "insult": gettext("xúc phạm, bôi nhọ"),
        "illegal": gettext("nội dung pháp luật cấm"),
        "advert": gettext("quảng cáo, không liên quan tới nông sản"),
        "other": gettext("lý do khác"),
    }
    return words.get(reason, reason)


def reason_options() -> Options:
    """Reasons to choose from."""
    return [(reason, reason_name(reason)) for reason in REASONS]


def letter_name(kind: str) -> str:
    """The word for a letter to the asker."""
    words: dict[str, str] = {
        "answer": gettext("Trả lời"),
        "extension": gettext("Gia hạn"),
        "done": gettext("Đã làm xong"),
        "refused": gettext("Từ chối"),
    }
    return words.get(kind, kind)


def desks() -> Options:
    """(address, words) of the desks that whoever is signed in may open."""
    acting = g.get("actor")
    if acting is None:
        return []
    if acting.organisation.kind == "authority":  # its pages are on its desk
        return [(url_for("desk.show"), gettext("Bàn làm việc"))]
    act, name, words = {
        "platform": ("administer", "admin_requests", gettext("Yêu cầu và báo cáo")),
    }.get(acting.organisation.kind, ("manage", "own_requests", gettext("Yêu cầu về dữ liệu")))
    found = [(url_for(f"{name}.index"), words)] if acting.may(act) else []
    if acting.may("administer"):
        found.insert(0, (url_for("admin_home.show"), gettext("Quản trị nền tảng")))
        found.append((url_for("admin_applications.index"), gettext("Hồ sơ đăng ký")))
        found.append((url_for("admin_closings.index"), gettext("Tổ chức ngừng hoạt động")))
    if acting.organisation.kind != "platform" and acting.may("record"):
        found.append((url_for("goods_reports.index"), gettext("Phản ánh về hàng")))
    if acting.organisation.kind == "laboratory":
        found.append((url_for("results.index"), gettext("Kết quả kiểm nghiệm")))
    return found

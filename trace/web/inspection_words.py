"""The words of inspections, for every console and the public page."""

from __future__ import annotations

from datetime import date

from flask_babel import gettext

from trace.services.records import JsonObject


def _(text: str, **values: object) -> str:
    return str(gettext(text, **values))


def conclusion_name(conclusion: str) -> str:
    """How an inspection ended."""
    words: dict[str, str] = {
        "met": _("đạt"),
        "partly": _("đạt một phần, còn điểm phải khắc phục"),
        "not-met": _("không đạt"),
    }
    return words.get(conclusion, conclusion)


def conclusion_line(told: JsonObject) -> str:
    """The one public sentence of an inspection."""
    try:
        day = f"{date.fromisoformat(str(told.get('on', ''))[:10]):%d/%m/%Y}"
    except ValueError:
        day = "?"
    conclusion = conclusion_name(str(told.get("conclusion", "")))
    return _("Đã kiểm tra ngày %(day)s, kết luận: %(conclusion)s", day=day, conclusion=conclusion)


def state_name(state: str) -> str:
    """The state of an inspection."""
    words: dict[str, str] = {
        "planned": _("đã lên kế hoạch"),
        "begun": _("đang kiểm tra"),
        "concluded": _("đã kết luận"),
        "cancelled": _("đã huỷ"),
    }
    return words.get(state, state)


def severity_name(severity: str) -> str:
    """How grave a finding is."""
    words: dict[str, str] = {
        "minor": _("nhẹ"),
        "major": _("nặng"),
        "critical": _("nghiêm trọng"),
    }
    return words.get(severity, severity)


def finding_state(state: str) -> str:
    """The state of a finding."""
    words: dict[str, str] = {
        "open": _("chưa khắc phục"),
        "closed": _("đã khắc phục"),
        "withdrawn": _("đã rút lại"),
    }
    return words.get(state, state)


def rule_name(rule: str) -> str:
    """What may be found wrong."""
    words: dict[str, str] = {
        "record": _("Nhật ký, sổ sách không đúng"),
        "origin": _("Không rõ nguồn gốc"),
        "label": _("Tem, nhãn không đúng"),
        "input": _("Vật tư không được phép hoặc quá hạn"),
        "interval": _("Không giữ thời gian cách ly"),
        "residue": _("Kiểm nghiệm vượt giới hạn"),
        "certificate": _("Giấy phép, chứng nhận hết hạn hoặc không đúng"),
        "planting-code": _("Dùng mã vùng trồng không đúng"),
        "over-claim": _("Sản lượng vượt mức diện tích cho phép"),
        "cold-chain": _("Nhiệt độ không đúng"),
        "hygiene": _("Vệ sinh không đạt"),
        "storage": _("Bảo quản, để lẫn hàng"),
        "recall-not-followed": _("Không làm theo lệnh thu hồi, tạm giữ"),
        "other": _("Điểm khác"),
    }
    return words.get(rule, rule)


def answer_name(answer: str) -> str:
    """An answer of a check-list."""
    words: dict[str, str] = {"yes": _("đạt"), "no": _("không đạt"), "na": _("không áp dụng")}
    return words.get(answer, answer)


def sample_state(state: str) -> str:
    """Where a sample is."""
    words: dict[str, str] = {
        "taken": _("đã lấy, còn ở cơ quan"),
        "sent": _("đang gửi đi"),
        "received": _("phòng kiểm nghiệm đã nhận"),
        "resulted": _("đã có kết quả"),
        "lost": _("bị mất, hỏng"),
    }
    return words.get(state, state)


def custody_step(step: str) -> str:
    """What happened to a sample."""
    words: dict[str, str] = {
        "sent": _("Giao cho người chở đi"),
        "received": _("Phòng kiểm nghiệm nhận"),
        "returned": _("Đem về lại cơ quan"),
        "lost": _("Bị mất, hỏng"),
    }
    return words.get(step, step)


def part_name(part: str) -> str:
    """What an event is of a case."""
    words: dict[str, str] = {
        "visit": _("Kiểm tra tại chỗ"),
        "finding": _("Ghi điểm phải khắc phục"),
        "answer": _("Giải trình"),
        "follow-up": _("Theo dõi"),
        "closed": _("Đã khắc phục xong"),
        "withdrawn": _("Rút lại"),
        "sample": _("Lấy mẫu"),
        "custody": _("Chuyển mẫu"),
        "result": _("Kết quả chép từ giấy"),
        "conclusion": _("Kết luận"),
    }
    return words.get(part, part)


def factor_name(factor: str) -> str:
    """Why somebody should be looked at."""
    words: dict[str, str] = {
        "findings": _("điểm chưa khắc phục"),
        "holds": _("lô đang bị giữ, thu hồi"),
        "reports": _("phản ánh của người dân"),
        "copies": _("mã quét ở nhiều nơi"),
        "over-claim": _("sản lượng so với diện tích"),
        "certificates": _("chứng nhận đã hết hạn"),
        "late": _("ghi muộn"),
        "idle": _("lâu chưa kiểm tra"),
        "unconfirmed": _("chưa được xác nhận"),
    }
    return words.get(factor, factor)


def figure_words(factor: str, figure: int, *, never: bool = False) -> str:
    """The figure behind a reason, in words."""
    if factor == "idle":
        if never:
            return _("chưa kiểm tra lần nào; đăng ký %(days)s ngày trước", days=figure)
        return _("lần trước cách đây %(days)s ngày", days=figure)
    if factor == "late":
        return _("%(percent)s %% bản ghi gần đây ghi sau hơn hai ngày", percent=figure)
    if factor == "over-claim":
        return _("thu %(percent)s %% mức cao nhất của diện tích đã khai", percent=figure)
    if factor == "unconfirmed":
        return _("hồ sơ đăng ký chưa được xác nhận")
    return _("%(count)s", count=figure)


def sector_name(sector: str) -> str:
    """A sector of authorities."""
    words: dict[str, str] = {
        "agriculture": _("nông nghiệp"),
        "trade": _("công thương"),
        "health": _("y tế"),
    }
    return words.get(sector, sector)

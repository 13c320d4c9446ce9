"""What the rules of an audit are called, why they are, how they are computed, and what a finding
says. Sentences are looked up by the keys that `services.chain_audit` keeps, so that what was found
then is told in today's words and in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

from flask_babel import gettext, ngettext

from trace.services.chain_audit import Finding, NotJudged
from trace.services.chain_audit.found import KEPT_FROM
from trace.services.vocabulary import uom_name
from trace.web.copy_words import place_name
from trace.web.inspection.audit_rule_words import rule_words
from trace.web.inspection.chain_words import outside_words
from trace.web.pages import day, number

# What an inspector's finding calls the same thing (services.findings.RULES).
INSPECTORS: Final[Mapping[str, str]] = {
    "interval": "interval",
    "banned": "input",
    "area-overclaim": "over-claim",
    "area-shared": "planting-code",
    "area-force": "planting-code",
    "certificate-force": "certificate",
    "certificate-holder": "certificate",
    "claim-unbacked": "certificate",
    "input-unmade": "origin",
    "origin-undeclared": "origin",
    "copies": "label",
    "use-by": "storage",
    "moved-held": "recall-not-followed",
}
AMOUNTS: Final = frozenset(
    {"made", "gone", "over", "missing", "going_in", "coming_out", "kg", "hectares", "yields"}
    | {"ceiling", "score"}
)
DAYS: Final = frozenset({"day", "sold", "first", "last"})


def severity_word(severity: str) -> str:
    """Nặng, vừa, nhẹ, để biết."""
    words: dict[str, str] = {
        "high": gettext("nặng"),
        "medium": gettext("vừa"),
        "low": gettext("nhẹ"),
        "info": gettext("để biết"),
    }
    return words[severity]


def tag_of(severity: str) -> str:
    """The kind of the tag that goes with it."""
    kinds = {"high": "stop", "medium": "warn", "low": "info"}
    return kinds.get(severity, "neutral")


def finding_words(one: Finding) -> str:
    """The sentence of a finding, its numbers as people write them."""
    told = _told(one.told)
    words = _SENTENCES.get(one.key)
    return str(words(told)) if words is not None else rule_words(one.rule).title


def missing_words(one: NotJudged) -> str:
    """What is missing, or why the question does not arise."""
    words = _MISSING.get(one.key)
    return str(words(_told(one.told)) if words is not None else gettext("chưa đủ dữ liệu"))


def _told(told: Mapping[str, str | int]) -> dict[str, str]:
    return {name: _shown(name, value) for name, value in told.items()} | {
        "unit": uom_name(str(told.get("unit", ""))) or gettext("đơn vị")
    }


def _shown(name: str, value: str | int) -> str:
    text = str(value)
    if text == KEPT_FROM:
        return outside_words()
    if name in AMOUNTS:
        try:
            return number(Decimal(text))
        except InvalidOperation:
            return text
    if name in DAYS:
        try:
            return day(date.fromisoformat(text))
        except ValueError:
            return text
    if name == "places":
        return ", ".join(map(place_name, text.split()))
    return number(value) if isinstance(value, int) else text


def why_words(code: str) -> str:
    """Why a check of the proof was refused, by the code of the error."""
    words: dict[str, str] = {
        "bad-signature": gettext("chữ ký không khớp"),
        "unreadable": gettext("không đọc được"),
        "unknown-key": gettext("sổ không có khoá này"),
        "key-not-valid-then": gettext("khoá chưa có hoặc đã hết hiệu lực ở vị trí ấy"),
        "issuer-mismatch": gettext("khoá của tổ chức khác"),
        "bad-key-entry": gettext("mục khoá trong sổ không đúng"),
        "not-this-entry": gettext("sổ giữ một bản khác"),
        "none": gettext("không có mục trong sổ"),
    }
    return words.get(code, code)


def _proof(told: Mapping[str, str]) -> dict[str, str]:
    return {**told, "why": why_words(told.get("why", ""))}


_SENTENCES: Final = {
    # Proof.
    "signature": lambda t: gettext("Chữ ký của dòng này không đứng được: %(why)s.", **_proof(t)),
    "key-valid": lambda t: gettext("Khoá ký không được tính: %(why)s.", **_proof(t)),
    "key-entry": lambda t: gettext("Mục khoá ở vị trí %(place)s của sổ không đúng: %(got)s.", **t),
    "key-since": lambda t: gettext(
        "%(count)s dòng ký bằng khoá “%(key)s” sau lúc cơ quan báo khoá không còn tin được.", **t
    ),
    "row-edited": lambda t: gettext(
        "Cơ sở dữ liệu khác với điều đã ký: %(columns)s. Đã ký: %(expected)s; đang lưu: %(got)s.",
        **t,
    ),
    "log-inclusion": lambda t: gettext(
        "Mục trong sổ không phải của dòng này: %(why)s.", **_proof(t)
    ),
    "not-in-tree": lambda t: gettext(
        "%(count)s dòng không nằm trong cây của sổ ở mốc %(size)s.", **t
    ),
    "checkpoint": lambda t: gettext("Mốc %(size)s của sổ không mang chữ ký của sổ.", **t),
    "tiles": lambda t: gettext("Cây của sổ ở mốc %(size)s thiếu mảnh.", **t),
    "chain-edited": lambda t: gettext("Dữ liệu chuỗi của mã này bị sửa."),
    "link-missing": lambda t: gettext(
        "Thiếu %(count)s trong %(of)s mắt xích của mã này; thiếu đầu tiên là số %(link)s.", **t
    ),
    "link-beyond": lambda t: gettext("Sổ có thêm mắt xích sau số %(head)s của mã này.", **t),
    "file-broken": lambda t: gettext("Tệp giữ mốc ngoài cơ sở dữ liệu không đọc được."),
    "log-shorter": lambda t: gettext(
        "Sổ ở đây có %(size)s mục, nơi khác đã thấy %(seen)s: có mục bị mất.", **t
    ),
    "log-forked": lambda t: gettext(
        "Sổ ở mốc %(size)s không nối tiếp mốc %(seen)s đã công bố.", **t
    ),
    "witness-ahead": lambda t: gettext(
        "Nhân chứng đã thấy %(seen)s mục, ở đây chỉ còn %(size)s.", **t
    ),
    # The chain.
    "input-unmade": lambda t: gettext("Dùng một lô mà không ai ghi là đã làm ra hay nhận về."),
    "origin-undeclared": lambda t: gettext(
        "Hàng bắt đầu ở đây: không ghi thu hoạch, ngày thu hay mua của ai."
    ),
    "shipment-unanswered": lambda t: gettext("Bên giao ghi đã giao; bên nhận chưa ghi gì."),
    "receipt-alone": lambda t: gettext("Bên nhận ghi đã nhận; bên giao không ghi gì."),
    "before-shipped": lambda t: gettext("Ghi nhận hàng trước lúc hàng được giao đi."),
    "before-cycle": lambda t: gettext("Ghi thu hoạch trước việc đầu tiên của vụ trồng."),
    "used-before-made": lambda t: gettext(
        "Hàng được dùng hoặc giao %(minutes)s phút trước khi được làm ra.", **t
    ),
    "third-party": lambda t: gettext(
        "Lời của bên không làm ra, không giữ hàng này; không lên trang công khai."
    ),
    # Amounts.
    "spent-more": lambda t: gettext(
        "%(who)s đã dùng và giao %(gone)s %(unit)s của lô chỉ có %(made)s %(unit)s: "
        "thừa %(over)s %(unit)s (cho phép lệch %(tolerance)s%%).",
        **t,
    ),
    "holder-below": lambda t: gettext(
        "%(who)s giao hoặc bán nhiều hơn đã ghi nhận %(missing)s %(unit)s.", **t
    ),
    "yield-high": lambda t: gettext(
        "Vào %(going_in)s kg, ra %(coming_out)s kg; bước này cho nhiều nhất %(most)s%%.", **t
    ),
    "yield-low": lambda t: gettext(
        "Vào %(going_in)s kg, ra %(coming_out)s kg; bước này thường cho ít nhất %(least)s%%.", **t
    ),
    "repeat": lambda t: gettext("Hai dòng giống hệt nhau, cách %(minutes)s phút.", **t),
    # Growing.
    "interval-short": lambda t: gettext(
        "Thu hoạch %(days)s ngày sau khi dùng %(product)s; nhãn yêu cầu %(required)s ngày.", **t
    ),
    "banned": lambda t: gettext("Khai dùng chất cấm: %(product)s.", **t),
    "area-overclaim": lambda t: gettext(
        "%(kg)s kg dưới mã %(code)s trong %(days)s ngày, trên %(hectares)s ha: %(yields)s tấn/ha > "
        "trần %(ceiling)s tấn/ha của %(crop)s (%(source)s; %(harvests)s lần thu, %(who)s tổ chức).",
        **t,
    ),
    "area-shared": lambda t: gettext(
        "Mã vùng trồng %(code)s được %(count)s tổ chức khác cùng khai: %(who)s.", **t
    ),
    "area-force": lambda t: gettext(
        "Mã vùng trồng %(code)s của %(place)s không còn hiệu lực ngày %(day)s.", **t
    ),
    # Papers.
    "certificate-past": lambda t: gettext(
        "%(certificate)s của %(who)s hết hạn ngày %(last)s, trước ngày %(day)s.", **t
    ),
    "certificate-future": lambda t: gettext(
        "%(certificate)s của %(who)s có từ ngày %(first)s, sau ngày %(day)s.", **t
    ),
    "certificate-suspended": lambda t: gettext(
        "%(certificate)s của %(who)s bị đình chỉ ngày %(day)s.", **t
    ),
    "certificate-withdrawn": lambda t: gettext(
        "%(certificate)s của %(who)s đã bị thu hồi trước ngày %(day)s.", **t
    ),
    "claim-unbacked": lambda t: gettext(
        "Tên hàng nói %(claim)s; %(who)s không có chứng nhận nào như vậy cho hàng này.", **t
    ),
    "certificate-borrowed": lambda t: gettext(
        "%(certificate)s mà %(who)s khai đã được tổ chức chứng nhận xác nhận cho %(holder)s.", **t
    ),
    "certificate-twice": lambda t: gettext(
        "%(certificate)s được cả %(who)s và %(holder)s khai; chưa ai xác nhận của bên nào.", **t
    ),
    "laboratory": lambda t: gettext(
        "Kết quả do %(who)s ký; phòng kiểm nghiệm chưa được công nhận ngày %(day)s.", **t
    ),
    "certificate-stranger": lambda t: gettext(
        "Dòng này nêu %(certificate)s của %(holder)s, không có trong chuỗi này.", **t
    ),
    # Time and place.
    "travel": lambda t: gettext(
        "%(start)s → %(end)s: %(km)s km trong %(minutes)s phút; nhanh hơn %(limit)s km/giờ.", **t
    ),
    "late": lambda t: gettext("Ghi %(days)s ngày sau khi việc xảy ra (mức %(limit)s).", **t),
    "late-after-leaving": lambda t: gettext(
        "Ghi %(days)s ngày sau khi việc xảy ra, sau khi hàng đã đi (mức %(limit)s).", **t
    ),
    "hours": lambda t: gettext("Việc được ghi là lúc %(hour)s giờ đêm.", **t),
    "phone": lambda t: gettext("Điện thoại ở cách %(place)s %(km)s km.", **t),
    # On the market.
    "moved-hold": lambda t: gettext(
        "%(who)s giao hoặc bán hàng đang tạm giữ, %(hours)s giờ sau thông báo.", **t
    ),
    "moved-recall": lambda t: gettext(
        "%(who)s giao hoặc bán hàng đã có lệnh thu hồi, %(hours)s giờ sau thông báo.", **t
    ),
    "use-by": lambda t: gettext("Bán ngày %(sold)s, %(days)s ngày sau hạn dùng %(day)s.", **t),
    "copy-suspected": lambda t: gettext(
        "Mã %(code)s được quét ở nhiều nơi hơn một gói có thể ở: %(places)s (điểm %(score)s).", **t
    ),
    "copy-confirmed": lambda t: gettext(
        "Mã %(code)s đã được kết luận là bị sao chép: %(places)s.", **t
    ),
}

_MISSING: Final = {
    "cut": lambda t: gettext("chuỗi quá lớn, mới đọc được một phần"),
    "waiting": lambda t: gettext("%(count)s dòng chưa vào mốc nào của sổ (trong giây lát)", **t),
    "many-units": lambda t: gettext("quá nhiều gói lẻ; dùng phép rà toàn bộ cơ sở dữ liệu"),
    "no-checkpoint": lambda t: gettext("sổ chưa công bố mốc nào"),
    "no-file": lambda t: gettext("không có mốc nào được giữ ngoài cơ sở dữ liệu"),
    "no-witness": lambda t: gettext("chưa có nhân chứng nào ký"),
    "no-origin": lambda t: gettext("không có dòng nào nói hàng bắt đầu từ đâu"),
    "step-untold": lambda t: gettext("một bước không ghi đủ khối lượng vào và ra bằng kg"),
    "amount-untold": lambda t: gettext("có dòng không ghi số lượng"),
    "other-unit": lambda t: gettext("có dòng ghi bằng đơn vị khác lúc làm ra"),
    "no-harvest": lambda t: gettext("không có dòng thu hoạch nào trong chuỗi"),
    "not-grown": lambda t: gettext("không thu từ cây trồng"),
    "unknown-product": lambda t: gettext("không rõ thời gian cách ly của %(product)s", **t),
    "interval-undeclared": lambda t: gettext("không khai đã phun hay không phun"),
    "interval-private": lambda t: gettext("lời khai về phun đã bị xoá"),
    "no-banned-list": lambda t: gettext("chưa nạp danh mục chất cấm"),
    "nothing-put": lambda t: gettext("không khai dùng vật tư nào"),
    "no-growing-place": lambda t: gettext("không dòng nào nói hàng trồng ở đâu"),
    "no-code": lambda t: gettext("%(place)s không có mã vùng trồng", **t),
    "no-ceiling": lambda t: gettext("bảng chưa có trần năng suất của %(crop)s", **t),
    "no-area": lambda t: gettext("không rõ diện tích của mã %(code)s", **t),
    "weights-untold": lambda t: gettext("%(count)s lần thu dưới mã %(code)s không ghi kg", **t),
    "no-claim": lambda t: gettext("tên hàng không nói tới chứng nhận nào"),
    "no-harvest-day": lambda t: gettext("tên hàng nói %(claim)s mà không rõ ngày thu", **t),
    "no-certificate": lambda t: gettext("người trồng không khai chứng nhận nào"),
    "unknown-number": lambda t: gettext("không tra được số chứng nhận %(certificate)s", **t),
    "no-places": lambda t: gettext("không đủ nơi chốn để so"),
    "no-phone": lambda t: gettext("không dòng nào mang vị trí điện thoại"),
    "no-result": lambda t: gettext("không có kết quả kiểm nghiệm nào"),
    "no-use-by": lambda t: gettext("không có hạn sử dụng"),
    "not-sold": lambda t: gettext("chưa ai ghi bán"),
}


def count_words(found: int, first: Finding | None = None) -> str:
    """ "3 chỗ"; of one finding its figures, where they say it best: "24 tấn/ha > trần 18"."""
    short = _SHORT.get(first.key) if first is not None and found == 1 else None
    if short is not None and first is not None:
        return str(short(_told(first.told)))
    return str(ngettext("%(num)s chỗ", "%(num)s chỗ", found))


_SHORT: Final = {
    "area-overclaim": lambda t: gettext("%(yields)s tấn/ha > trần %(ceiling)s", **t),
    "interval-short": lambda t: gettext("%(days)s ngày < %(required)s", **t),
    "spent-more": lambda t: gettext("thừa %(over)s %(unit)s", **t),
}


SENTENCE_KEYS: Final = frozenset(_SENTENCES)
MISSING_KEYS: Final = frozenset(_MISSING)


def parameter_words(rule: str, name: str) -> str:
    """What a number of a rule is called."""
    words: dict[str, str] = {
        "tolerance": gettext("Cho phép lệch"),
        "within": gettext("Gần nhau trong"),
        "speed": gettext("Nhanh nhất trên đường"),
        "sure": gettext("Chắc chắn không thể, từ"),
        "slack": gettext("Đồng hồ có thể lệch"),
        "distance": gettext("Bỏ qua nếu gần hơn"),
        "days": gettext("Muộn khi quá"),
        "from": gettext("Từ"),
        "to": gettext("Đến"),
        "grace": gettext("Cho đến khi biết tin"),
    }
    return words[name]


def unit_words(unit: str) -> str:
    """The unit of a number."""
    words: dict[str, str] = {
        "minutes": gettext("phút"),
        "percent": "%",
        "km": "km",
        "kmh": gettext("km/giờ"),
        "days": gettext("ngày"),
        "hours": gettext("giờ"),
        "hour": gettext("giờ"),
    }
    return words[unit]

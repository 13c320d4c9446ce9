"""The words of a drawn chain: things, hands, amounts, and what is amiss."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal

from flask_babel import gettext, ngettext

from trace.services.chains import Chain, Named
from trace.services.chains_graph import Flow, Station
from trace.services.chains_picture import Box, Line
from trace.services.chains_walk import KEPT_FROM
from trace.services.vocabulary import step_label, uom_name
from trace.web.pages import day, number, page_language

# Looked up one at a time: a picture asks for thousands of words.
Words = Callable[[], str]

# The worst first: what a box has room for.
ALERTS = ("recall", "hold", "advice", "mixed:recall", "mixed:hold", "mixed:advice")
PROBLEM_ORDER = (
    "key-not-valid",
    "below-zero",
    "no-origin",
    "no-receipt",
    "refused",
    "part-refused",
    "differs",
    "only-receiver",
    "open",
    "no-taker",
    "late",
    "own-word-origin",
    "in-part",
    "by-link",
    "corrected",
)


def _(text: str, **values: object) -> str:
    return str(gettext(text, **values))


def problem(code: str) -> str:
    """What is amiss, or to be minded."""
    words: dict[str, Words] = {
        "key-not-valid": lambda: _("khoá ký không có hiệu lực lúc ghi"),
        "below-zero": lambda: _("giao nhiều hơn có"),
        "no-origin": lambda: _("chưa khai báo nguồn"),
        "no-receipt": lambda: _("không ai khai đã giao đến"),
        "refused": lambda: _("bị từ chối nhận"),
        "part-refused": lambda: _("một phần bị từ chối"),
        "differs": lambda: _("lượng nhận khác lượng giao"),
        "only-receiver": lambda: _("chỉ bên nhận khai"),
        "open": lambda: _("bên nhận chưa trả lời"),
        "no-taker": lambda: _("không khai giao cho ai"),
        "late": lambda: _("ghi muộn"),
        "own-word-origin": lambda: _("nguồn do người nhận khai"),
        "in-part": lambda: _("mới nhận một phần"),
        "by-link": lambda: _("nhận qua đường dẫn, không tài khoản"),
        "corrected": lambda: _("có dòng đã khai sai, đã sửa"),
    }
    return words[code]() if code in words else code


def problems(codes: Collection[str]) -> list[str]:
    """All of them, the gravest first."""
    return [problem(code) for code in PROBLEM_ORDER if code in codes]


def alert(kind: str) -> str:
    """A notice that stands."""
    words: dict[str, Words] = {
        "recall": lambda: _("Thu hồi"),
        "hold": lambda: _("Tạm dừng bán"),
        "advice": lambda: _("Khuyến cáo"),
        "mixed:recall": lambda: _("Có thể chứa hàng bị thu hồi"),
        "mixed:hold": lambda: _("Có thể chứa hàng tạm dừng bán"),
        "mixed:advice": lambda: _("Có thể chứa hàng bị khuyến cáo"),
    }
    return words[kind]() if kind in words else kind


def alert_short(kinds: Collection[str]) -> str:
    """The worst of them, where there is little room."""
    short: dict[str, Words] = {
        "mixed:recall": lambda: _("Có thể bị thu hồi"),
        "mixed:hold": lambda: _("Có thể tạm dừng bán"),
        "mixed:advice": lambda: _("Có thể bị khuyến cáo"),
    }
    worst = next((kind for kind in ALERTS if kind in kinds), "")
    return short[worst]() if worst in short else alert(worst)


def alerts(kinds: Collection[str]) -> list[str]:
    """All of them, the worst first."""
    return [alert(kind) for kind in ALERTS if kind in kinds]


def thing_kind(kind: str) -> str:
    """What a thing is."""
    words: dict[str, Words] = {
        "lot": lambda: _("Lô"),
        "cycle": lambda: _("Vụ"),
        "logistic": lambda: _("Thùng, kiện"),
        "unit": lambda: _("Gói"),
        "asset": lambda: _("Thùng dùng lại"),
    }
    return words[kind]() if kind in words else _("Hàng")


def product_name(thing: Named) -> str:
    """The product in the page's language, "" where it is not told."""
    return (page_language() == "en" and thing.product_en) or thing.product


def thing_name(thing: Named | None) -> str:
    """ "Cải ngọt · L2611"; a thing of no known product by its kind."""
    if thing is None:
        return ""
    return f"{product_name(thing) or thing_kind(thing.kind)} · {thing.code}"


def holder_name(chain: Chain, station: Station) -> str:
    """Whose hands; said where nobody said."""
    party = chain.parties.get(station.holder or 0)
    if party is None:
        if "by-link" in station.problems:
            return _("người nhận không có tài khoản")
        return _("không khai ai nhận")
    return (page_language() == "en" and party.name_en) or party.name


def many_holders(kind: str, count: int) -> str:
    """ "18 cửa hàng"."""
    counted: dict[str, Words] = {
        "producer": lambda: ngettext("%(num)s cơ sở sản xuất", "%(num)s cơ sở sản xuất", count),
        "co-operative": lambda: ngettext("%(num)s hợp tác xã", "%(num)s hợp tác xã", count),
        "trader": lambda: ngettext("%(num)s thương lái", "%(num)s thương lái", count),
        "processor": lambda: ngettext("%(num)s cơ sở chế biến", "%(num)s cơ sở chế biến", count),
        "carrier": lambda: ngettext(
            "%(num)s đơn vị vận chuyển", "%(num)s đơn vị vận chuyển", count
        ),
        "retailer": lambda: ngettext("%(num)s cửa hàng", "%(num)s cửa hàng", count),
    }
    if kind in counted:
        return counted[kind]()
    return str(ngettext("%(num)s nơi nhận", "%(num)s nơi nhận", count))


def many_things(kind: str, count: int) -> str:
    """ "40 lô"."""
    counted: dict[str, Words] = {
        "lot": lambda: ngettext("%(num)s lô", "%(num)s lô", count),
        "cycle": lambda: ngettext("%(num)s vụ", "%(num)s vụ", count),
        "unit": lambda: ngettext("%(num)s gói", "%(num)s gói", count),
        "logistic": lambda: ngettext("%(num)s thùng, kiện", "%(num)s thùng, kiện", count),
    }
    if kind in counted:
        return counted[kind]()
    return str(ngettext("%(num)s mặt hàng", "%(num)s mặt hàng", count))


def amount(quantity: Decimal, unit: str) -> str:
    """ "480 kg"; pieces without a unit are packages; a third of a kilo to the gram."""
    if unit == KEPT_FROM:
        return outside_words()
    return f"{number(round(quantity, 3).normalize())} {_(uom_name(unit)) if unit else _('gói')}"


def unaccredited() -> str:
    """Of a laboratory's word that no accreditation covers."""
    return _("phòng kiểm nghiệm chưa được công nhận")


def outside_words() -> str:
    """Instead of an amount that this reader may not see."""
    return _("n/a: ngoài phạm vi")


def amounts(told: Mapping[str, Decimal]) -> str:
    """ "480 kg, 1.600 gói"; "" where none was told."""
    return ", ".join(amount(told[unit], unit) for unit in sorted(told))


def has_now(station_or_box: Station | Box) -> str:
    """Who holds how much now."""
    held = {unit: one for unit, one in station_or_box.held.items() if one}
    if held:
        return _("đang có %(amounts)s", amounts=amounts(held))
    if station_or_box.held:
        return _("đã hết")
    if station_or_box.made:
        return _("làm ra %(amounts)s", amounts=amounts(station_or_box.made))
    return ""


def box_lines(chain: Chain, box: Box) -> tuple[str, str, str, str]:
    """What a box says: what it is, its code or number, whose, how much."""
    lead = box.lead
    if lead.thing is None:
        issuer = chain.parties.get(lead.holder or 0)
        return _(step_label(lead.step)), day(lead.first), issuer.name if issuer else "", ""
    thing = chain.things[lead.thing]
    name = product_name(thing) or thing_kind(thing.kind)
    if not box.many:
        return name, thing.code, holder_name(chain, lead), has_now(box)
    holders = {one.holder or one.id for one in box.members}
    things = {one.thing for one in box.members}
    party = chain.parties.get(lead.holder or 0)
    goods = thing.code if len(things) == 1 else many_things(thing.kind, len(things))
    if len(holders) == 1:
        return name, goods, holder_name(chain, lead), has_now(box)
    if party is not None:
        hands = many_holders(party.kind, len(holders))
    else:
        hands = str(ngettext("%(num)s nơi không khai", "%(num)s nơi không khai", len(holders)))
    return hands, goods, name, has_now(box)


def flow_words(flow: Flow | Line) -> str:
    """What happened between two stations."""
    words: dict[str, Words] = {
        "handover": lambda: _("giao nhận"),
        "packed": lambda: _("xếp vào"),
        "unpacked": lambda: _("dỡ ra"),
        "unit": lambda: _("gói của lô"),
        "gap": lambda: _("không ai khai"),
        "hidden": lambda: _("không công khai"),
    }
    if flow.kind == "made":
        step = flow.step if isinstance(flow, Flow) else flow.flows[0].step
        return _(step_label(step))
    return words[flow.kind]() if flow.kind in words else flow.kind


def flow_amounts(flow: Flow | Line) -> str:
    """ "480 kg", "480 kg → nhận 470 kg"; "" where nobody told."""
    sent, got = amounts(flow.sent), amounts(flow.got)
    if sent and got and flow.sent != flow.got:
        return _("%(sent)s, nhận %(got)s", sent=sent, got=got)
    return sent or got


def custody(kind: str) -> str:
    """Who held the key that signed."""
    words: dict[str, Words] = {
        "server": lambda: _("khoá do nền tảng giữ hộ"),
        "passkey": lambda: _("duyệt bằng khoá trên điện thoại"),
        "own": lambda: _("khoá do tổ chức tự giữ"),
    }
    return words[kind]() if kind in words else kind


def custody_counts(counts: Mapping[str, int]) -> str:
    """ "3 khoá do nền tảng giữ hộ, 1 …": how many events are signed how."""
    return ", ".join(f"{counts[kind]} {custody(kind)}" for kind in sorted(counts))


def flow_short(line: Line) -> str:
    """The amounts where there is little room: "598→595 gói"."""
    if (
        line.got
        and line.sent != line.got
        and set(line.sent) == set(line.got)
        and len(line.got) == 1
    ):
        [(unit, got)] = line.got.items()
        return f"{number(line.sent[unit])}→{amount(got, unit)}"
    return flow_amounts(line)

"""Areas, sectors and lent acts in words."""

from __future__ import annotations

from flask_babel import gettext

from trace.models.authorities import LENT_ACTS, SECTORS
from trace.services.competence import EVERYWHERE, areas
from trace.services.wards import find_ward, provinces


def area_words(codes: str | None) -> str:
    """ "Hà Nội · Xã Đan Phượng, Hà Nội"; "cả nước" for everywhere."""
    listed = areas(codes)
    if EVERYWHERE in listed:
        return str(gettext("cả nước"))
    names = {province.code: province.name for province in provinces()}
    found = []
    for code in sorted(listed, key=lambda code: (len(code), code)):
        ward = find_ward(code)
        found.append(names.get(code) or (ward.full_name if ward else code))
    return " · ".join(found) or gettext("chưa có địa bàn")


def sector_options() -> list[tuple[str, str]]:
    """Sectors to choose from."""
    words = {
        "agriculture": gettext("nông nghiệp"),
        "trade": gettext("công thương"),
        "health": gettext("y tế"),
    }
    return [(sector, words[sector]) for sector in SECTORS]


def sector_words(sectors: str) -> str:
    """ "nông nghiệp, y tế"; all of them where none is stated."""
    named = dict(sector_options())
    return ", ".join(named[one] for one in sectors.split() or SECTORS if one in named)


def act_options() -> list[tuple[str, str]]:
    """Acts that may be lent."""
    words = {"inspect": gettext("xem và kiểm tra"), "decide": gettext("quyết định")}
    return [(act, words[act]) for act in LENT_ACTS]

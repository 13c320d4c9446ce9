"""Open data: what was recorded in each ward and province in a period, without telling of anybody.

Rules (after Samarati and Sweeney 1998; Vietnam's Law on Data 60/2024/QH15 asks that open data hold
no personal data).
1. A row is an area, a measure and a sum. No organisation, person, lot or code is in it.
2. A sum above nought is left out where it is below k, or fewer than k organisations are behind it:
   a ward with one grower would tell his season. k is a setting, never below five. Scans have nobody
   behind them but readers, who are not counted: they are left out below k only.
3. What could be had back by subtraction is left out too: where one ward alone of a province is left
   out of a measure, the ward with the next smallest sum goes with it, or the province's sum where
   there is none.
4. Nought is told as nought: it says that nobody recorded there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Integer, cast, func, select

from trace.extensions import db
from trace.models import AreaSum, CountedOrganisation, OrganisationSum
from trace.models.figures import MEASURES
from trace.services.competence import EVERYWHERE
from trace.services.dashboards import Period
from trace.services.jurisdictions import Scope
from trace.services.sets import among
from trace.services.wards import find_ward, provinces, wards_in

FIELDS: Final = ("first_day", "last_day", "level", "area", "area_name", "province", "measure")
COLUMNS: Final = (*FIELDS, "count", "suppressed")
SCANS: Final = MEASURES.index("scans")


@dataclass(frozen=True, slots=True)
class Cell:
    """A sum of an area; None where it is left out. `province` is "" for a province itself."""

    area: str
    province: str
    measure: str
    count: int | None

    @property
    def suppressed(self) -> bool:
        return self.count is None


def cells(scope: Scope, period: Period, k: int) -> list[Cell]:
    """Every ward of the area, and every province that lies in it whole; three queries."""
    whole, wards = _areas(scope)
    counts = _sums([*whole, *wards], period)
    behind = _behind(wards, period)
    for province in whole:
        for measure in range(len(MEASURES)):
            inside = (behind.get((w, measure), 0) for w in wards if wards[w] == province)
            behind[province, measure] = sum(inside)
    found = []
    for measure, name in enumerate(MEASURES):
        for area in (*whole, *wards):
            count = counts.get((area, measure), 0)
            few = measure != SCANS and behind.get((area, measure), 0) < k
            left_out = count > 0 and (count < k or few)
            found.append(Cell(area, wards.get(area, ""), name, None if left_out else count))
    return protect(found)


def protect(given: Sequence[Cell]) -> list[Cell]:
    """Rule 3, until nothing more must go. Pure."""
    kept = {(cell.area, cell.measure): cell for cell in given}
    groups: dict[tuple[str, str], list[Cell]] = {}
    for cell in given:
        if cell.province:
            groups.setdefault((cell.province, cell.measure), []).append(cell)
    for (province, measure), wards in groups.items():
        total = kept.get((province, measure))
        if total is None or total.count is None or sum(c.suppressed for c in wards) != 1:
            continue
        others = sorted((c for c in wards if c.count), key=lambda c: (c.count or 0, c.area))
        gone = others[0] if others else total
        kept[gone.area, measure] = replace(gone, count=None)
    return [kept[cell.area, cell.measure] for cell in given]


def _areas(scope: Scope) -> tuple[list[str], dict[str, str]]:
    """(provinces wholly in the scope, ward -> its province)."""
    known = [province.code for province in provinces()]
    whole = known if EVERYWHERE in scope.areas else [c for c in known if c in scope.areas]
    codes = wards_in(known) if EVERYWHERE in scope.areas else scope.wards()
    wards = (find_ward(code) for code in sorted(codes))
    return whole, {ward.code: ward.province.code for ward in wards if ward is not None}


def _sums(areas: Iterable[str], period: Period) -> dict[tuple[str, int], int]:
    rows = db.session.execute(
        select(AreaSum.area, AreaSum.measure, cast(func.sum(AreaSum.count), Integer))
        .where(
            among(AreaSum.area, list(areas)),
            AreaSum.measure.in_(range(len(MEASURES))),
            AreaSum.day >= period.first,
            AreaSum.day <= period.last,
        )
        .group_by(AreaSum.area, AreaSum.measure)
    )
    return {(area, measure): count for area, measure, count in rows}


def _behind(wards: Iterable[str], period: Period) -> dict[tuple[str, int], int]:
    """How many organisations are behind a ward's sum."""
    rows = db.session.execute(
        select(
            CountedOrganisation.ward_code,
            OrganisationSum.measure,
            func.count(OrganisationSum.organisation_id.distinct()),
        )
        .join(
            OrganisationSum, OrganisationSum.organisation_id == CountedOrganisation.organisation_id
        )
        .where(
            among(CountedOrganisation.ward_code, list(wards)),
            OrganisationSum.day >= period.first,
            OrganisationSum.day <= period.last,
            OrganisationSum.count > 0,
        )
        .group_by(CountedOrganisation.ward_code, OrganisationSum.measure)
    )
    return {(ward, measure): count for ward, measure, count in rows}


def table(figures: Mapping[str, Any]) -> list[list[object]]:
    """The rows of COLUMNS that a report's kept figures hold."""
    names = {province.code: province.name for province in provinces()}
    found: list[list[object]] = []
    for area, province, measure, count in figures["cells"]:
        ward = find_ward(area)
        name = ward.short_name if ward else names.get(area, area)
        level = "ward" if province else "province"
        days = [figures["first_day"], figures["last_day"]]
        told: list[object] = [*days, level, area, name, names.get(province, ""), measure]
        found.append([*told, count, count is None])
    return found


def document(figures: Mapping[str, Any]) -> dict[str, Any]:
    """The same as one JSON object, with its dictionary, licence and source."""
    return {
        **about(figures),
        "rows": [dict(zip(COLUMNS, row, strict=True)) for row in table(figures)],
    }


def about(figures: Mapping[str, Any]) -> dict[str, Any]:
    """What everybody who uses the data must know."""
    return {
        "title": "Truy xuất nông sản theo xã, phường",
        "source": figures["source"],
        "licence": figures["licence"],
        "k": figures["k"],
        "made": figures["made"],
        "dictionary": DICTIONARY,
    }


_MEASURES_VI: Final = (
    "events: dòng hồ sơ; late: ghi muộn quá ba ngày; lots: lô được lập; recalls: thông báo thu hồi;"
    " scans: lượt quét mã"
)
_MEASURES_EN: Final = (
    "events: statements; late: recorded more than three days after they happened; lots: lots made;"
    " recalls: notices of recall; scans: scans of codes"
)
# Field -> (Vietnamese, English).
DICTIONARY: Final = {
    "first_day": ("ngày đầu của kỳ", "first day of the period"),
    "last_day": ("ngày cuối của kỳ", "last day of the period"),
    "level": ("cấp: ward là xã, phường, đặc khu; province là tỉnh", "level: ward or province"),
    "area": (
        "mã địa bàn: năm chữ số của xã, phường hoặc hai của tỉnh",
        "code of the area: five digits of a ward or two of a province",
    ),
    "area_name": ("tên địa bàn", "name of the area"),
    "province": ("tỉnh của xã, phường", "the ward's province"),
    "measure": (_MEASURES_VI, _MEASURES_EN),
    "count": (
        "số đếm trong kỳ, theo ngày sự việc diễn ra; trống khi bị giữ lại",
        "the sum of the period, by the day on which things happened; empty where left out",
    ),
    "suppressed": (
        "giữ lại vì nhỏ hơn k hoặc có ít hơn k tổ chức phía sau",
        "left out: below k, or fewer than k organisations behind it",
    ),
}

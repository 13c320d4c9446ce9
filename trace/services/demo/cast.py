"""Who and what there is in the demo world: organisations, places, products, people, certificates.

Everything says "Demo". GS1 keys begin with 952, the prefix GS1 keeps for demonstrations and
examples (General Specifications, list of GS1 prefixes): nobody owns a product under it, and no
shop's till will ever know it. Codes come from the seeded generator. Wards are real ones, as they
have been since July 2025; positions are a ward's middle, moved at random.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Final

from trace.core.geo import inside_point
from trace.core.gs1 import check_digit, new_code
from trace.services.demo.catalogue import LEAFY
from trace.services.demo.plans import (
    Cast,
    CertificatePlan,
    HouseholdPlan,
    OrganisationPlan,
    PersonPlan,
    PlacePlan,
    ProductPlan,
)
from trace.services.demo.plots import OUTLINED, plot_codes, plot_outline
from trace.services.wards import find_ward

GS1_DEMONSTRATION: Final = "952"
# Room for ten thousand organisations with a hundred thousand keys each.
_ORGANISATION_DIGITS, _KEY_DIGITS = 4, 5

DAN_PHUONG, LIEN_MINH, O_DIEN = "09784", "09787", "09817"
MEMBER_WARDS: Final = (DAN_PHUONG, LIEN_MINH, O_DIEN)
HOUSEHOLDS: Final = 10


@dataclass(frozen=True, slots=True)
class _Org:
    key: str
    name: str
    name_en: str
    kind: str
    ward: str
    confirmed: bool = True
    gln: bool = True
    jurisdiction: str | None = None


_ORGANISATIONS: Final = (
    _Org("coop", "HTX Rau Demo Đan Phượng", "Demo Đan Phượng Vegetable Co-operative",
         "co-operative", DAN_PHUONG),
    _Org("packhouse", "Xưởng sơ chế Demo Ô Diên", "Demo Ô Diên Packhouse", "processor", O_DIEN),
    _Org("trader", "Vựa rau Demo Yên Sở", "Demo Yên Sở Wholesale", "trader", "00340"),
    _Org("shop", "Cửa hàng Demo Cầu Giấy", "Demo Shop Cầu Giấy", "retailer", "00166"),
    _Org("shop2", "Cửa hàng Demo Hà Đông", "Demo Shop Hà Đông", "retailer", "09556"),
    _Org("stall", "Sạp rau Demo Nghĩa Đô", "Demo Stall Nghĩa Đô", "retailer", "00160",
         confirmed=False, gln=False),
    _Org("smallholder", "Hộ trồng rau Demo Liên Minh", "Demo Smallholder Liên Minh", "producer",
         LIEN_MINH, confirmed=False, gln=False),
    _Org("pomelo", "Vườn bưởi Demo Phú Diễn", "Demo Orchard Phú Diễn", "producer", "00619"),
    _Org("dragon", "HTX Thanh long Demo Hàm Thuận", "Demo Hàm Thuận Dragon Fruit Co-operative",
         "co-operative", "23059"),
    _Org("exporter", "Nhà đóng gói xuất khẩu Demo Hàm Kiệm", "Demo Hàm Kiệm Export Packers",
         "processor", "23128"),
    _Org("carrier", "Vận tải lạnh Demo Long Biên", "Demo Reefer Transport", "carrier", "00145"),
    _Org("rice", "HTX Lúa Demo Ứng Hòa", "Demo Ứng Hòa Rice Co-operative", "co-operative", "10402"),
    _Org("mill", "Nhà máy xay xát Demo Thường Tín", "Demo Thường Tín Mill", "processor", "10183"),
    _Org("eggs", "Trại gà Demo Ba Vì", "Demo Ba Vì Hen Farm", "producer", "09700"),
    _Org("certifier", "Tổ chức chứng nhận Demo", "Demo Certification Body", "certifier", "00070"),
    _Org("authority", "Chi cục Chất lượng Demo Hà Nội", "Demo Hà Nội Quality Authority",
         "authority", "00070", jurisdiction="01"),
    _Org("commune", "Tổ an toàn thực phẩm Demo xã Đan Phượng", "Demo Đan Phượng Food Safety Team",
         "authority", DAN_PHUONG, jurisdiction=DAN_PHUONG, gln=False),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Spot:
    key: str
    organisation: str
    name: str
    name_en: str
    kind: str
    ward: str = ""  # "": the organisation's own
    area: int | None = None
    household: int | None = None
    gln: bool = True


def _spots() -> Iterator[_Spot]:
    for number in range(1, HOUSEHOLDS + 1):
        yield _Spot(f"plot{number}", "coop", f"Thửa Demo {number:02}", f"Demo plot {number:02}",
                    "plot", MEMBER_WARDS[number % 3], 720 + 120 * number, number,
                    gln=False)  # fmt: skip
    yield _Spot(
        "coop-yard", "coop", "Điểm gom Demo Đan Phượng", "Demo collection point", "warehouse"
    )
    yield _Spot("pack", "packhouse", "Xưởng sơ chế Demo", "Demo packhouse", "packhouse")
    yield _Spot("pack-cold", "packhouse", "Kho mát Demo", "Demo cold room", "cold-store")
    yield _Spot("market", "trader", "Ô chợ đầu mối Demo Yên Sở", "Demo wholesale market", "market")
    yield _Spot("shop", "shop", "Quầy rau Demo Cầu Giấy", "Demo shop counter Cầu Giấy", "shop")
    yield _Spot("shop2", "shop2", "Quầy rau Demo Hà Đông", "Demo shop counter Hà Đông", "shop")
    yield _Spot(
        "stall", "stall", "Sạp Demo số 12, chợ Nghĩa Đô", "Demo stall 12", "stall", gln=False
    )
    yield _Spot("small-plot", "smallholder", "Vườn nhà Demo", "Demo home garden", "plot", area=360,
                gln=False)  # fmt: skip
    yield _Spot("orchard", "pomelo", "Vườn bưởi Demo A", "Demo orchard A", "plot", area=5400)
    yield _Spot("orchard-yard", "pomelo", "Sân phân loại Demo", "Demo sorting yard", "packhouse")
    for number in (1, 2):
        yield _Spot(f"dragon{number}", "dragon", f"Vườn thanh long Demo {number}",
                    f"Demo dragon fruit field {number}", "plot", area=9000 + 2000 * number,
                    household=number, gln=False)  # fmt: skip
        yield _Spot(f"paddy{number}", "rice", f"Ruộng Demo {number}", f"Demo paddy {number}",
                    "plot", area=7200 + 1800 * number, household=number, gln=False)  # fmt: skip
    yield _Spot("export", "exporter", "Nhà đóng gói Demo", "Demo export packhouse", "packhouse")
    yield _Spot("export-cold", "exporter", "Kho lạnh Demo", "Demo cold store", "cold-store")
    yield _Spot(
        "port", "exporter", "Bãi container lạnh Demo, Hải An", "Demo reefer yard", "port", "11413"
    )
    yield _Spot("truck", "carrier", "Xe lạnh Demo 1", "Demo reefer truck 1", "vehicle")
    yield _Spot("rice-yard", "rice", "Kho thóc Demo", "Demo paddy store", "warehouse")
    yield _Spot("mill", "mill", "Nhà máy xay xát Demo", "Demo mill", "mill")
    yield _Spot("barn", "eggs", "Chuồng Demo 1", "Demo barn 1", "barn", area=900)
    yield _Spot("egg-room", "eggs", "Phòng đóng trứng Demo", "Demo egg room", "packhouse")


@dataclass(frozen=True, slots=True)
class _Item:
    key: str
    organisation: str
    name: str
    name_en: str
    category: str
    unit: str
    shelf_life: int
    picture: str
    gtin: bool = False
    use_by: bool = False
    grams: int | None = None


def _items() -> Iterator[_Item]:
    for crop in LEAFY:
        name, name_en = f"{crop.name} Demo", f"{crop.name_en} (demo)"
        yield _Item(crop.key, "coop", name, name_en, "leaf-vegetable", "KGM", 4, "leaf")
        yield _Item(f"{crop.key}-pack", "packhouse", f"{name}, gói 300 g", f"{name_en}, 300 g",
                    "leaf-vegetable", "", 5, "leaf", gtin=True, use_by=True,
                    grams=300)  # fmt: skip
    yield _Item("rauvuon", "smallholder", "Rau ngót vườn Demo", "Star gooseberry leaf (demo)",
                "leaf-vegetable", "KGM", 3, "leaf")  # fmt: skip
    yield _Item("rauchon", "stall", "Rau cải bán cân Demo", "Loose greens (demo)",
                "leaf-vegetable", "KGM", 2, "mixed")  # fmt: skip
    yield _Item("pomelo", "pomelo", "Bưởi Diễn Demo, quả", "Diễn pomelo (demo)", "fruit", "", 45,
                "pomelo", gtin=True, grams=1000)  # fmt: skip
    yield _Item("dragon", "dragon", "Thanh long ruột trắng Demo", "White dragon fruit (demo)",
                "fruit", "KGM", 20, "dragon")  # fmt: skip
    yield _Item("dragon-grade1", "exporter", "Thanh long Demo loại 1",
                "Dragon fruit, grade 1 (demo)", "fruit", "KGM", 20, "dragon")  # fmt: skip
    yield _Item("dragon-grade2", "exporter", "Thanh long Demo loại 2",
                "Dragon fruit, grade 2 (demo)", "fruit", "KGM", 14, "dragon")  # fmt: skip
    yield _Item("dragon-carton", "exporter", "Thanh long Demo, thùng 5 kg",
                "Dragon fruit, 5 kg carton (demo)", "fruit", "", 25, "dragon", gtin=True,
                grams=5000)  # fmt: skip
    yield _Item("paddy", "rice", "Thóc Bắc thơm Demo", "Paddy (demo)", "rice", "KGM", 180, "rice")
    yield _Item("rice", "mill", "Gạo Bắc thơm Demo", "Rice (demo)", "rice", "KGM", 240, "rice")
    yield _Item("bran", "mill", "Cám gạo Demo", "Rice bran (demo)", "other", "KGM", 60, "rice")
    yield _Item("rice-bag", "mill", "Gạo Bắc thơm Demo, túi 5 kg", "Rice, 5 kg (demo)", "rice", "",
                240, "rice", gtin=True, grams=5000)  # fmt: skip
    yield _Item("egg", "eggs", "Trứng gà Demo", "Eggs (demo)", "egg", "H87", 28, "eggs")
    yield _Item("egg-box", "eggs", "Trứng gà Demo, hộp 10 quả", "Ten eggs (demo)", "egg", "", 28,
                "eggs", gtin=True, grams=600)  # fmt: skip


def gs1_number(serial: int, number: int, *, length: int = 13) -> str:
    """A key of the demonstration prefix with its check digit, zero-filled to `length`."""
    body = f"{GS1_DEMONSTRATION}{serial:0{_ORGANISATION_DIGITS}}{number:0{_KEY_DIGITS}}"
    return f"{body}{check_digit(body)}".zfill(length)


def sscc(serial: int, number: int) -> str:
    """An SSCC: extension digit, demonstration prefix, organisation, serial, check digit."""
    body = f"1{GS1_DEMONSTRATION}{serial:0{_ORGANISATION_DIGITS}}{number:09}"
    return f"{body}{check_digit(body)}"


def make_cast(number: int, *, seed: int, start: date, id_base: str) -> Cast:
    """The `number`th set of organisations; the first is the one people meet.

    Further sets only make large worlds wider; their names carry a number.
    """
    rng = Random(f"{seed}/cast/{number}")  # noqa: S311 (a simulator, not a secret)
    suffix = f" {number + 1}" if number else ""
    tail = f".{number + 1}" if number else ""
    organisations = {}
    for place, org in enumerate(_ORGANISATIONS):
        serial = number * len(_ORGANISATIONS) + place + 1
        organisations[org.key] = OrganisationPlan(
            key=org.key + tail,
            serial=serial,
            code=new_code(rng.randbytes),
            gln=gs1_number(serial, 0) if org.gln else None,
            name=org.name + suffix,
            name_en=org.name_en + suffix,
            kind=org.kind,
            status="confirmed" if org.confirmed else "unconfirmed",
            ward=org.ward,
            jurisdiction=org.jurisdiction,
        )
    households = {
        key: tuple(_households(organisations[key], wards, count))
        for key, wards, count in (
            ("coop", MEMBER_WARDS, HOUSEHOLDS),
            ("dragon", ("23059", "23089"), 2),
            ("rice", ("10402", "10417"), 2),
        )
    }
    return Cast(
        number=number,
        id_base=id_base,
        organisations=organisations,
        households=households,
        places=_places(rng, organisations, tail, start),
        products=_products(rng, organisations, tail),
        certificates=tuple(_certificates(organisations, start, tail)),
    )


def _households(
    organisation: OrganisationPlan, wards: tuple[str, ...], count: int
) -> Iterator[HouseholdPlan]:
    for number in range(1, count + 1):
        code = f"H{number:02}"
        yield HouseholdPlan(
            organisation.key, code, f"Hộ Demo {number:02}", wards[number % len(wards)]
        )


def _places(
    rng: Random, organisations: dict[str, OrganisationPlan], tail: str, start: date
) -> dict[str, PlacePlan]:
    found: dict[str, PlacePlan] = {}
    shapes = Random(f"plots/{tail}")  # noqa: S311  # apart: a shape more changes no code
    rows: dict[tuple[str, str], int] = {}  # plots so far of an organisation in a ward
    for number, spot in enumerate(_spots(), start=1):
        organisation = organisations[spot.organisation]
        code = spot.ward or organisation.ward
        ward = find_ward(code)
        if ward is None:
            raise LookupError(f"no ward {code}")
        drawn = new_code(rng.randbytes)
        latitude = round(ward.lat + rng.uniform(-0.01, 0.01), 6)
        longitude = round(ward.lon + rng.uniform(-0.01, 0.01), 6)
        outline = None
        if spot.area and spot.kind in OUTLINED:
            row = rows[spot.organisation, code] = rows.get((spot.organisation, code), -1) + 1
            middle = ward.lat + 0.004 * (organisation.serial % 10), ward.lon
            outline = plot_outline(middle, spot.area, row, number, shapes)
            longitude, latitude = (round(one, 7) for one in inside_point(outline.ring))
        crop = "Thanh long" if spot.organisation in ("dragon", "exporter") else ""
        # A code is granted once: further sets of organisations have codes of their own.
        granted = number + 1000 * (int(tail[1:]) - 1 if tail else 0)
        codes = plot_codes(spot.organisation, spot.kind, ward.province.code, granted, crop, start)
        found[spot.key] = PlacePlan(
            key=spot.key + tail,
            organisation=organisation.key,
            household=f"H{spot.household:02}" if spot.household else None,
            code=drawn,
            gln=gs1_number(organisation.serial, number) if spot.gln else None,
            name=spot.name,
            name_en=spot.name_en,
            kind=spot.kind,
            ward=ward.code,
            latitude=latitude,
            longitude=longitude,
            area_m2=spot.area,
            outline=outline,
            codes=tuple(codes),
        )
    return found


def _products(
    rng: Random, organisations: dict[str, OrganisationPlan], tail: str
) -> dict[str, ProductPlan]:
    return {
        item.key: ProductPlan(
            key=item.key + tail,
            organisation=organisations[item.organisation].key,
            code=new_code(rng.randbytes),
            gtin=gs1_number(organisations[item.organisation].serial, 1000 + number, length=14)
            if item.gtin
            else None,
            name=item.name,
            name_en=item.name_en,
            category=item.category,
            unit=item.unit,
            grams=item.grams,
            shelf_life_days=item.shelf_life,
            use_by=item.use_by,
            picture=item.picture,
        )
        for number, item in enumerate(_items(), start=1)
    }


def _certificates(
    organisations: dict[str, OrganisationPlan], start: date, tail: str
) -> Iterator[CertificatePlan]:
    certifier = organisations["certifier"]

    def one(
        holder: str, product: str | None, standard: str, years: int, *, confirmed: bool
    ) -> CertificatePlan:
        return CertificatePlan(
            organisation=organisations[holder].key,
            product=product + tail if product else None,
            standard=standard,
            number=f"DEMO-{organisations[holder].serial:04}",
            issuer_name=certifier.name,
            valid_from=start - timedelta(days=200),
            valid_until=start - timedelta(days=200) + timedelta(days=365 * years),
            confirmed_by=certifier.key if confirmed else None,
        )

    yield one("coop", None, "VietGAP", 6, confirmed=True)
    yield one("packhouse", None, "HACCP", 6, confirmed=True)
    yield one("pomelo", "pomelo", "VietGAP", 6, confirmed=False)
    yield one("dragon", "dragon", "GlobalG.A.P.", 6, confirmed=True)
    # Ran out while the flock was laying: not in force when the eggs were collected.
    yield CertificatePlan(
        organisation=organisations["eggs"].key,
        product=None,
        standard="VietGAHP",
        number=f"DEMO-{organisations['eggs'].serial:04}",
        issuer_name=certifier.name,
        valid_from=start - timedelta(days=720),
        valid_until=start + timedelta(days=10),
        confirmed_by=certifier.key,
    )


def people(first: Cast) -> Iterable[PersonPlan]:
    """Who may sign in. Addresses end in .example: no such mailbox can exist. There are no phone
    numbers, since no range of Vietnamese numbers is kept for examples."""

    def one(key: str, organisation: str, role: str, name: str) -> PersonPlan:
        at = first.organisations[organisation].key if organisation else ""
        return PersonPlan(key, at, role, f"{key}@demo.example", name)

    yield one("nongdan", "pomelo", "owner", "Nông dân Demo")
    yield one("ghiso", "coop", "recorder", "Người ghi sổ Demo")
    yield one("soche", "packhouse", "owner", "Quản lý xưởng Demo")
    yield one("vua", "trader", "owner", "Chủ vựa Demo")
    yield one("cuahang", "shop", "owner", "Cửa hàng trưởng Demo")
    yield one("thanhtra", "authority", "inspector", "Thanh tra viên Demo")
    yield one("phutrach", "authority", "supervisor", "Người phụ trách Demo")
    yield one("phutrach2", "authority", "supervisor", "Người phụ trách thứ hai Demo")
    yield one("canboxa", "commune", "supervisor", "Cán bộ xã Demo")
    yield one("quantri", "", "admin", "Quản trị Demo")


__all__ = ["GS1_DEMONSTRATION", "gs1_number", "make_cast", "people", "sscc"]

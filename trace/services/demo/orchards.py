"""Stories of fruit: pomelo from an orchard, dragon fruit for export with a cold chain."""

from __future__ import annotations

import heapq
from collections.abc import Generator, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Final

from trace.services.demo.catalogue import WATER, biological, compost, fungicide, mineral
from trace.services.demo.notices import notice
from trace.services.demo.stage import EVENING, SOON, Stage, Timed, kg, pieces
from trace.services.diary import CycleFacts, Input, diary_entry, start_cycle
from trace.services.harvests import harvest
from trace.services.processing import Output, pack, process
from trace.services.records import Item, observed
from trace.services.shipments import Parties, ship
from trace.services.storage import keep

POMELO_DAYS: Final = 150
DRAGON_DAYS: Final = 76

Work = tuple[int, str, list[Input]]


def _season(
    stage: Stage,
    organisation: str,
    cycle: str,
    place: str,
    work: list[Work],
    facts: CycleFacts,
    *,
    by: str = "",
) -> Iterator[Timed]:
    """A season of a perennial crop begins with the pruning after the last one."""
    when = stage.at(0, 7)
    record = stage.record(organisation, when, place, by=by, note="Bắt đầu vụ mới")
    yield from stage.tell(
        organisation, when, start_cycle(record, cycle, "pruning", facts), after=EVENING
    )
    for day, step, inputs in work:
        when = stage.at(day, 7)
        record = stage.record(organisation, when, place, by=by)
        entry = diary_entry(record, cycle, step, inputs=inputs)
        yield from stage.tell(organisation, when, entry, after=EVENING)


def pomelo(stage: Stage, flags: frozenset[str]) -> Iterator[Timed]:
    """From the tree to a shop, some fruits with a code of their own.

    Flags: `void` (a handover that never took place), `one-sided` (the shop stays silent).
    """
    cycle, reaped = stage.own("c"), POMELO_DAYS - 5
    facts = CycleFacts(
        product=stage.cast.product("pomelo"),
        product_name=stage.cast.products["pomelo"].name,
        variety="Bưởi Diễn",
        area=(Decimal(15), "sao"),
    )
    work: list[Work] = [
        (6, "fertilising", [compost(900)]),
        (30, "irrigating", [WATER]),
        (41, "spraying", [fungicide("ghẻ nhám")]),
        (70, "fertilising", [mineral(40)]),
        (88, "field_observation", []),
        (reaped - 24, "spraying", [biological("ruồi vàng")]),
    ]
    yield from _season(stage, "pomelo", cycle, "orchard", work, facts)
    lot, text = stage.lot("pomelo", reaped)
    count = stage.rng.randint(320, 560)
    when = stage.at(reaped, 8)
    born = stage.facts("pomelo", text, reaped, variety="Bưởi Diễn", harvested=reaped)
    gathered = harvest(
        stage.record("pomelo", when, "orchard", "orchard-yard", photos=("field",)),
        [cycle],
        Item(lot, pieces(count)),
        born,
    )
    yield from stage.tell("pomelo", when, gathered)
    units = yield from _labelled(stage, text, reaped)
    if "void" in flags:
        yield from _never_happened(stage, lot, count, reaped + 1)
    yield from stage.hand_over(
        ("pomelo", "orchard-yard", "shop", "shop"),
        [Item(lot, pieces(count))],
        stage.at(reaped + 2, 6),
        stage.at(reaped + 2, 8),
        answered="one-sided" not in flags,
    )
    if "one-sided" not in flags:
        yield from stage.sale(
            "shop", "shop", lot, pieces(count), stage.at(reaped + 3, 7.5), part="0.3"
        )
    if "one-sided" in flags:
        what = "Chỉ bên giao khai; một lần giao ghi nhầm đã huỷ; VietGAP chưa được xác nhận"
        stage.landmark(lot, "pomelo", "one-sided", what)
    else:
        stage.landmark(lot, "pomelo", "unconfirmed-certificate", "VietGAP do chủ vườn tự khai")
        stage.landmark(units[0], "pomelo", "unit", "Một quả có mã riêng")


def _labelled(stage: Stage, text: str, day: int) -> Generator[Timed, None, list[str]]:
    """The finest fruits get a label each."""
    units = [stage.unit("pomelo") for _ in range(5)]
    when = stage.at(day + 1, 9)
    made = observed(
        stage.record("pomelo", when, "orchard-yard", "orchard-yard"),
        "commissioning",
        [Item(unit, single=True) for unit in units],
        action="ADD",
        disposition="active",
        parts={"ilmd": {"cbvmda:lotNumber": text}},
    )
    yield from stage.tell("pomelo", when, made)
    return units


def _never_happened(stage: Stage, lot: str, count: int, day: int) -> Iterator[Timed]:
    when = stage.at(day, 14)
    parties = Parties(
        giver=stage.cast.party("pomelo"), taker=stage.cast.party("shop2"), note=stage.own("n")
    )
    record = stage.record("pomelo", when, "orchard-yard")
    sent = ship(record, [Item(lot, pieces(count // 3))], parties)
    yield from stage.tell("pomelo", when, sent)
    yield from stage.take_back("pomelo", sent, stage.at(day, 16))


def dragon(stage: Stage, flags: frozenset[str]) -> Iterator[Timed]:
    """Two fields of a co-operative, graded, cooled, packed, and driven in the cold to a port.

    Flag `breach`: the reefer warms up on the way; the packer holds the goods and, after checking
    them, releases them.
    """
    reaped = DRAGON_DAYS - 8
    cycles = [stage.own("c"), stage.own("c")]
    sides = [stage.fork(), stage.fork()]
    diaries = [
        _field(side, cycle, number, reaped)
        for number, (side, cycle) in enumerate(zip(sides, cycles, strict=True), start=1)
    ]
    yield from heapq.merge(*diaries, key=lambda timed: timed.moment)
    stage.last = max(side.last for side in sides)
    lots = []
    for number, cycle in enumerate(cycles, start=1):
        lot, text = stage.lot("dragon", reaped)
        amount = stage.rng.randint(700, 1300)
        when = stage.at(reaped, 5 + number)
        facts = stage.facts("dragon", text, reaped, variety="Ruột trắng", harvested=reaped)
        place, by = f"dragon{number}", stage.household("dragon", number)
        record = stage.record("dragon", when, place, place, by=by, photos=("field",))
        gathered = harvest(record, [cycle], Item(lot, kg(amount)), facts)
        yield from stage.tell("dragon", when, gathered)
        lots.append((lot, amount))
    yield from stage.hand_over(
        ("dragon", "dragon1", "exporter", "export"),
        [Item(lot, kg(amount)) for lot, amount in lots],
        stage.at(reaped, 13),
        stage.at(reaped, 14),
    )
    best, amount = yield from _grade(stage, lots, reaped)
    carton, pallet = yield from _boxes(stage, best, amount, reaped + 2)
    yield from _on_the_road(stage, flags, carton, pallet, reaped + 3)


def _field(stage: Stage, cycle: str, number: int, reaped: int) -> Iterator[Timed]:
    facts = CycleFacts(
        product=stage.cast.product("dragon"),
        product_name=stage.cast.products["dragon"].name,
        variety="Ruột trắng",
        area=(Decimal("1.1") if number == 1 else Decimal("1.3"), "ha"),
    )
    work: list[Work] = [
        (5 + number, "fertilising", [compost(1500), mineral(120)]),
        (20, "irrigating", [WATER]),
        (28, "spraying", [fungicide("đốm nâu")]),
        (40, "irrigating", [WATER]),
        (reaped - 11 - number, "spraying", [biological("rệp sáp")]),
        (reaped - 6, "field_observation", []),
    ]
    by = stage.household("dragon", number)
    return _season(stage, "dragon", cycle, f"dragon{number}", work, facts, by=by)


def _grade(
    stage: Stage, lots: list[tuple[str, int]], day: int
) -> Generator[Timed, None, tuple[str, int]]:
    """Two grades come out; the first is cooled overnight."""
    total = sum(amount for _, amount in lots)
    best, second = total * 7 // 10, total * 2 // 10
    outputs = []
    for product, amount in (("dragon-grade1", best), ("dragon-grade2", second)):
        lot, text = stage.lot(product, day)
        facts = stage.facts(product, text, day, variety="Ruột trắng", harvested=day)
        outputs.append(Output(Item(lot, kg(amount)), facts))
    when = stage.at(day, 17)
    events = process(
        stage.record("exporter", when, "export", "export-cold"),
        "grading",
        [Item(lot, kg(amount)) for lot, amount in lots],
        outputs,
        new_event_id=stage.event_id,
    )
    yield from stage.tell("exporter", when, *events)
    lot = outputs[0].item.uri
    morning = stage.at(day + 1, 7)
    readings = stage.temperatures(morning - timedelta(hours=12), 24, 30, 6.0)
    record = stage.record("exporter", morning, "export-cold", "export-cold")
    cooled = keep(record, [Item(lot)], readings, biz_step="cooling")
    yield from stage.tell("exporter", morning, cooled)
    return lot, best


def _boxes(
    stage: Stage, lot: str, amount: int, day: int
) -> Generator[Timed, None, tuple[str, str]]:
    """Cartons of five kilograms on one pallet."""
    carton, text = stage.lot("dragon-carton", day)
    count = amount // 5
    facts = stage.facts("dragon-carton", text, day, variety="Ruột trắng", harvested=day - 2)
    when = stage.at(day, 8)
    events = process(
        stage.record("exporter", when, "export", "export-cold", photos=("packing",)),
        "packing",
        [Item(lot, kg(amount))],
        [Output(Item(carton, pieces(count)), facts)],
        new_event_id=stage.event_id,
    )
    yield from stage.tell("exporter", when, *events)
    pallet = stage.pallet("exporter")
    when = stage.at(day, 11)
    stacked = pack(
        stage.record("exporter", when, "export", "export-cold"),
        pallet,
        [Item(carton, pieces(count))],
    )
    yield from stage.tell("exporter", when, stacked)
    return carton, pallet


def _on_the_road(
    stage: Stage, flags: frozenset[str], carton: str, pallet: str, day: int
) -> Iterator[Timed]:
    """The carrier takes the pallet to the port; who buys it abroad has no account here."""
    goods = [Item(pallet, single=True)]
    yield from stage.hand_over(
        ("exporter", "export-cold", "carrier", "truck"),
        goods,
        stage.at(day, 5),
        stage.at(day, 5.5),
    )
    arrived = stage.at(day + 1, 16)
    warm = 6.5 if "breach" in flags else 0.0
    readings = stage.temperatures(arrived - timedelta(hours=30), 30, 60, 5.0, peak=warm)
    record = stage.record("carrier", arrived, "truck", note="Container lạnh Demo, đặt 5 °C")
    driven = keep(record, goods, readings, biz_step="transporting")
    came = observed(
        stage.record("carrier", arrived + SOON, "port", "port"),
        "arriving",
        goods,
        disposition="in_transit",
    )
    yield from stage.tell("carrier", arrived + SOON, driven, came)
    if "breach" in flags:
        yield from _checked(stage, carton, day + 2)
        what = "Nhiệt độ tăng trên đường, tạm giữ rồi cho đi tiếp sau kiểm tra"
        stage.landmark(carton, "dragon-carton", "released", what)
    else:
        stage.landmark(carton, "dragon-carton", "cold-chain", "Xuất khẩu, nhiệt độ suốt đường")


def _checked(stage: Stage, carton: str, day: int) -> Iterator[Timed]:
    when = stage.at(day, 8)
    held = notice(
        stage.record("exporter", when, "port"),
        "hold",
        [Item(carton)],
        hazard="quality",
        reason="Nhiệt độ vượt 8 °C trong nhiều giờ; kiểm tra lại hàng",
    )
    yield from stage.tell("exporter", when, held)
    when = stage.at(day + 1, 15)
    freed = notice(
        stage.record("exporter", when, "port"),
        "release",
        [Item(carton)],
        reason="Đã kiểm 20 thùng, quả đạt",
        ends=[str(held["eventID"])],
    )
    yield from stage.tell("exporter", when, freed)

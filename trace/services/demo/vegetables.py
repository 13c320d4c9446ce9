"""Stories of leaf vegetables: co-operative to shop, a small farmer, a stall that mixes lots."""

from __future__ import annotations

import heapq
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from trace.core.gs1 import Identity, local_uri
from trace.services.demo.catalogue import LEAFY, WATER, Crop, biological, chemical, compost, mineral
from trace.services.demo.notices import notice
from trace.services.demo.stage import EVENING, Stage, Timed, kg, pieces
from trace.services.diary import CycleFacts, declare_none, diary_entry, start_cycle
from trace.services.harvests import harvest, register_lot
from trace.services.processing import Output, process
from trace.services.records import Item, JsonObject, LotFacts
from trace.services.shipments import External, Parties, receive_unrecorded
from trace.services.storage import keep

LEAFY_DAYS: Final = 42
SMALL_DAYS: Final = 2
MARKET_DAYS: Final = 43


@dataclass(frozen=True, slots=True)
class Planting:
    """One household's planting and what its diary says of it."""

    crop: Crop
    household: int
    reaped: int  # day of the harvest
    fertilised: bool = True
    sprayed: int | None = 10  # days before the harvest; None: not at all
    early: bool = False  # sprayed with the week's interval, harvested before it was over
    declared: tuple[str, ...] = ()
    late: bool = False  # the fertilising is written down a week after it was done


def grow(stage: Stage, cycle: str, planting: Planting) -> Iterator[Timed]:
    """The diary of a planting, from sowing to the days before the harvest."""
    crop, plot = planting.crop, f"plot{planting.household}"
    by = stage.household("coop", planting.household)
    sown = planting.reaped - crop.days
    facts = CycleFacts(
        product=stage.cast.product(crop.key),
        product_name=stage.cast.products[crop.key].name,
        variety=crop.variety,
        area=(Decimal(stage.rng.randint(2, 5)), "sao"),
        seed_source="Hạt giống Demo",
    )
    when = stage.at(sown, 6.5)
    begun = start_cycle(stage.record("coop", when, plot, by=by), cycle, "sowing", facts)
    yield from stage.tell("coop", when, begun, after=EVENING)
    fertilised: JsonObject | None = None
    for day, step in _work(stage, planting, sown):
        when = stage.at(day, 6.5)
        record = stage.record("coop", when, plot, by=by)
        if step == "fertilising":
            inputs = [compost(120), mineral(8)]
        elif step == "spraying":
            inputs = [chemical(crop.pest) if planting.early else biological(crop.pest)]
        else:
            inputs = [WATER] if step == "irrigating" else []
        entry = diary_entry(record, cycle, step, inputs=inputs)
        if step == "fertilising" and planting.late:
            fertilised = entry
            continue
        yield from stage.tell("coop", when, entry, after=EVENING)
    when = stage.at(planting.reaped - 1, 16)
    if planting.declared:
        record = stage.record("coop", when, plot, by=by, note="Hộ khai khi chuẩn bị thu hoạch")
        yield from stage.tell("coop", when, declare_none(record, cycle, planting.declared))
    if fertilised is not None:
        yield from stage.tell("coop", when, fertilised)


def _work(stage: Stage, planting: Planting, sown: int) -> list[tuple[int, str]]:
    """(day, step) of the field work, in order."""
    length = planting.crop.days
    work = [(sown + day, "irrigating") for day in range(3, length - 2, 7)]
    work.append((sown + length // 3, "weeding"))
    work.append((sown + length * 2 // 3, "field_observation"))
    if planting.fertilised:
        work.append((sown + stage.rng.randint(7, 12), "fertilising"))
    if planting.sprayed is not None:
        work.append((planting.reaped - planting.sprayed, "spraying"))
    return sorted(work)


def reap(
    stage: Stage, cycle: str, planting: Planting, lot: str, text: str, amount: int
) -> tuple[Iterator[Timed], JsonObject]:
    """The harvest event, as typed, and the event itself."""
    crop, when = planting.crop, stage.at(planting.reaped, 5.5)
    record = stage.record(
        "coop",
        when,
        f"plot{planting.household}",
        "coop-yard",
        by=stage.household("coop", planting.household),
        photos=("field",),
    )
    facts = stage.facts(
        crop.key, text, planting.reaped, variety=crop.variety, harvested=planting.reaped
    )
    event = harvest(record, [cycle], Item(lot, kg(amount)), facts)
    return stage.tell("coop", when, event), event


def leafy(stage: Stage, flags: frozenset[str]) -> Iterator[Timed]:
    """From a member household through the packhouse and the wholesale market to two shops.

    Flags: `no-pesticide` (declared), `no-fertiliser-word` (a silence), `late`, `early` (against
    the interval), `correct` (the harvest's weight typed wrong), `hold`, `damaged`, `whole` (all
    of it goes to one shop), `one-sided` (that shop stays silent).
    """
    crop = LEAFY[stage.number % len(LEAFY)]
    reaped = LEAFY_DAYS - 3
    planting = Planting(
        crop=crop,
        household=stage.rng.randint(1, 10),
        reaped=reaped,
        fertilised="no-fertiliser-word" not in flags,
        sprayed=None if "no-pesticide" in flags else 3 if "early" in flags else 10,
        early="early" in flags,
        declared=("pesticide",) if "no-pesticide" in flags else (),
        late="late" in flags,
    )
    cycle = stage.own("c")
    yield from grow(stage, cycle, planting)
    lot, text = stage.lot(crop.key, reaped)
    amount = stage.rng.randint(*crop.harvest)
    typed = amount * 10 if "correct" in flags else amount
    told, event = reap(stage, cycle, planting, lot, text, typed)
    yield from told
    if "correct" in flags:
        put_right = {**event, "eventID": stage.event_id()}
        put_right["outputQuantityList"] = [{"epcClass": lot, "quantity": amount, "uom": "KGM"}]
        yield from stage.take_back("coop", event, stage.at(reaped, 7), put_right)
    route = ("coop", "coop-yard", "packhouse", "pack")
    yield from stage.hand_over(
        route, [Item(lot, kg(amount))], stage.at(reaped, 8), stage.at(reaped, 9.5)
    )
    pack_lot, packs = yield from _pack(stage, crop, lot, amount, reaped)
    yield from _to_shops(stage, flags, pack_lot, packs, reaped + 1)
    if "hold" in flags:
        yield from _hold(stage, lot, reaped + 2)
    _show_leafy(stage, flags, crop, pack_lot)


def _pack(
    stage: Stage, crop: Crop, lot: str, amount: int, day: int
) -> Generator[Timed, None, tuple[str, int]]:
    product = f"{crop.key}-pack"
    pack_lot, text = stage.lot(product, day)
    packs = amount * 94 // 30  # six in a hundred are trimmed away; 300 g go into a package
    facts = stage.facts(product, text, day, variety=crop.variety, harvested=day)
    when = stage.at(day, 13)
    events = process(
        stage.record("packhouse", when, "pack", "pack-cold", photos=("packing",)),
        "packing",
        [Item(lot, kg(amount))],
        [Output(Item(pack_lot, pieces(packs)), facts)],
        new_event_id=stage.event_id,
    )
    yield from stage.tell("packhouse", when, *events)
    evening = stage.at(day, 22.5)
    readings = stage.temperatures(evening - timedelta(hours=8), 16, 30, 5.0)
    cooled = keep(
        stage.record("packhouse", evening, "pack-cold", "pack-cold"), [Item(pack_lot)], readings
    )
    yield from stage.tell("packhouse", evening, cooled)
    return pack_lot, packs


def _to_shops(
    stage: Stage, flags: frozenset[str], lot: str, packs: int, day: int
) -> Iterator[Timed]:
    damaged = 3 if "damaged" in flags else 0
    yield from stage.hand_over(
        ("packhouse", "pack-cold", "trader", "market"),
        [Item(lot, pieces(packs))],
        stage.at(day, 1.5),
        stage.at(day, 2.5),
        damaged=damaged,
    )
    left = packs - damaged
    if "one-sided" in flags:
        yield from stage.hand_over(
            ("trader", "market", "shop2", "shop2"),
            [Item(lot, pieces(left))],
            stage.at(day, 3.5),
            stage.at(day, 5),
            answered=False,
        )
        return
    first = left if "whole" in flags else left // 2
    for shop, count, hour in (("shop", first, 3.5), ("shop2", left - first, 5.5)):
        if count:
            yield from stage.hand_over(
                ("trader", "market", shop, shop),
                [Item(lot, pieces(count))],
                stage.at(day, hour),
                stage.at(day, hour + 1.2),
            )
    yield from stage.sale("shop", "shop", lot, pieces(first), stage.at(day, 7.5))


def _hold(stage: Stage, lot: str, day: int) -> Iterator[Timed]:
    when = stage.at(day, 9)
    event = notice(
        stage.record("authority", when, note="Tình huống giả định cho trình diễn"),
        "hold",
        [Item(lot)],
        hazard="quality",
        reason="Thu hoạch khi chưa đủ ngày sau phun; chờ kết quả kiểm nghiệm",
    )
    yield from stage.tell("authority", when, event)


def _show_leafy(stage: Stage, flags: frozenset[str], crop: Crop, lot: str) -> None:
    product = f"{crop.key}-pack"
    if "hold" in flags:
        stage.landmark(lot, product, "on-hold", "Thu sớm hơn nhãn thuốc yêu cầu, đang tạm dừng bán")
    elif "correct" in flags:
        stage.landmark(lot, product, "corrected", "Cân ghi sai đã sửa, khai không dùng thuốc")
    elif "late" in flags:
        stage.landmark(lot, product, "late", "Có dòng ghi muộn, một bên chưa xác nhận giao nhận")
    else:
        stage.landmark(lot, product, "complete", "Hồ sơ đầy đủ từ gieo hạt đến quầy")


def smallholder(stage: Stage, flags: frozenset[str]) -> Iterator[Timed]:
    """Somebody without GTIN and without a diary registers a lot and gives it to a stall.

    Unless `answered`, the stall says nothing: the handover stays one-sided.
    """
    lot, text = stage.lot("rauvuon", 1)
    amount = stage.rng.randint(18, 32)
    when = stage.at(1, 6)
    facts = stage.facts("rauvuon", text, 1, variety="Rau ngót tẻ", harvested=1)
    made = register_lot(
        stage.record("smallholder", when, "small-plot", "small-plot"), Item(lot, kg(amount)), facts
    )
    yield from stage.tell("smallholder", when, made)
    yield from stage.hand_over(
        ("smallholder", "small-plot", "stall", "stall"),
        [Item(lot, kg(amount))],
        stage.at(1, 7),
        stage.at(1, 8),
        answered="answered" in flags,
    )
    if "answered" in flags:
        yield from stage.sale("stall", "stall", lot, kg(amount), stage.at(1, 8.5), part="0.5")
    stage.landmark(
        lot, "rauvuon", "gaps", "Hộ nhỏ không có GTIN, không ghi nhật ký: nhiều chỗ chưa khai báo"
    )


def market(stage: Stage, flags: frozenset[str]) -> Iterator[Timed]:
    """A stall mixes two lots of the co-operative, a small farmer's and goods without a code.

    Flag `recall`: two days later the authority recalls one of the lots; the mix may contain it.
    """
    crop = LEAFY[stage.number % len(LEAFY)]
    reaped = MARKET_DAYS - 3
    first = stage.rng.randint(1, 9)
    plantings = (
        Planting(crop, first, reaped, sprayed=12),
        Planting(crop, first + 1, reaped, fertilised=False, sprayed=None, declared=("pesticide",)),
    )
    sides = [stage.fork() for _ in plantings]
    cycles = [stage.own("c") for _ in plantings]
    diaries = [
        grow(side, cycle, planting)
        for side, cycle, planting in zip(sides, cycles, plantings, strict=True)
    ]
    yield from heapq.merge(*diaries, key=lambda timed: timed.moment)
    stage.last = max(side.last for side in sides)
    lots = [stage.lot(crop.key, reaped) for _ in plantings]
    amounts = [stage.rng.randint(60, 90), stage.rng.randint(30, 40)]
    for cycle, planting, (lot, text), amount in zip(cycles, plantings, lots, amounts, strict=True):
        told, _ = reap(stage, cycle, planting, lot, text, amount)
        yield from told
    recalled, other = lots[0][0], lots[1][0]
    taken = amounts[0] * 2 // 3
    yield from stage.hand_over(
        ("coop", "coop-yard", "stall", "stall"),
        [Item(recalled, kg(taken)), Item(other, kg(amounts[1]))],
        stage.at(reaped, 15),
        stage.at(reaped, 17),
    )
    yield from stage.hand_over(
        ("coop", "coop-yard", "shop2", "shop2"),
        [Item(recalled, kg(amounts[0] - taken))],
        stage.at(reaped, 17.5),
        stage.at(reaped, 19),
    )
    sources = [(recalled, taken), (other, amounts[1])]
    yield from _mix(stage, crop, sources, reaped + 1)
    if "recall" in flags:
        yield from _recall(stage, recalled, reaped + 2)
        stage.landmark(recalled, crop.key, "recalled", "Lô bị thu hồi (tình huống giả định)")


def _mix(stage: Stage, crop: Crop, sources: list[tuple[str, int]], day: int) -> Iterator[Timed]:
    """The small farmer's and the uncoded goods arrive; all of it becomes one heap on the stall."""
    small, text = stage.lot("rauvuon", day)
    when = stage.at(day, 4)
    facts = stage.facts("rauvuon", text, day, harvested=day)
    made = register_lot(
        stage.record("smallholder", when, "small-plot", "small-plot"), Item(small, kg(14)), facts
    )
    yield from stage.tell("smallholder", when, made)
    yield from stage.hand_over(
        ("smallholder", "small-plot", "stall", "stall"),
        [Item(small, kg(14))],
        stage.at(day, 4.5),
        stage.at(day, 5.3),
    )
    loose, loose_text = stage.lot("rauchon", day)
    when = stage.at(day, 5.6)
    unrecorded = receive_unrecorded(
        stage.record("stall", when, "stall", "stall"),
        Item(loose, kg(20)),
        LotFacts(
            lot_number=loose_text,
            product=stage.cast.product("rauchon"),
            product_name=f"{crop.name}, không có mã",
        ),
        External(supplier="Người quen chở xe máy (demo)", place="Hoài Đức", date=stage.date(day)),
        Parties(taker=stage.cast.party("stall"), to_place=stage.cast.place("stall")),
    )
    yield from stage.tell("stall", when, unrecorded)
    mixed, mixed_text = stage.lot("rauchon", day)
    inputs = [*sources, (small, 14), (loose, 20)]
    total = sum(amount for _, amount in inputs)
    when = stage.at(day, 6.2)
    events = process(
        stage.record("stall", when, "stall", "stall"),
        "mixing",
        [Item(uri, kg(amount)) for uri, amount in inputs],
        [Output(Item(mixed, kg(total)), stage.facts("rauchon", mixed_text, day))],
        new_event_id=stage.event_id,
    )
    yield from stage.tell("stall", when, *events)
    yield from stage.sale("stall", "stall", mixed, kg(total), stage.at(day, 6.8), part="0.7")
    stage.landmark(
        mixed,
        "rauchon",
        "mixed",
        "Sạp chợ gộp bốn nguồn, có nguồn không mã; có thể chứa lô bị thu hồi",
    )
    card = Identity("p", stage.cast.places["stall"].code)
    stage.landmark(
        local_uri(card, stage.cast.id_base), "rauchon", "stall-card", "Thẻ của sạp: hàng đang bán"
    )


def _recall(stage: Stage, lot: str, day: int) -> Iterator[Timed]:
    when = stage.at(day, 10)
    event = notice(
        stage.record("authority", when, note="Tình huống giả định cho trình diễn"),
        "recall",
        [Item(lot)],
        hazard="health",
        reason="Mẫu rau vượt mức dư lượng cho phép (giả định)",
    )
    yield from stage.tell("authority", when, event)


__all__ = ["LEAFY_DAYS", "MARKET_DAYS", "SMALL_DAYS", "leafy", "market", "smallholder"]

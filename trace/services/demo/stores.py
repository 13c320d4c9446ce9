"""Stories of what keeps: rice with milling, eggs from a flock."""

from __future__ import annotations

import heapq
from collections.abc import Generator, Iterator
from decimal import Decimal
from typing import Final

from trace.services.demo.catalogue import (
    FEED,
    VACCINE,
    WATER,
    biological,
    compost,
    fungicide,
    mineral,
)
from trace.services.demo.stage import EVENING, Stage, Timed, kg, pieces
from trace.services.diary import CycleFacts, Input, diary_entry, start_cycle
from trace.services.harvests import harvest
from trace.services.processing import Output, process
from trace.services.records import Item, JsonObject
from trace.services.vocabulary import Amount

RICE_DAYS: Final = 128
EGG_DAYS: Final = 64


def rice(stage: Stage, flags: frozenset[str]) -> Iterator[Timed]:
    """Paddy of one household (with `two`: of two, milled together), milled and bagged.

    Flag `late`: one household writes a spraying down nine days after it.
    """
    reaped = RICE_DAYS - 12
    numbers = (1, 2) if "two" in flags else (1,)
    cycles = [stage.own("c") for _ in numbers]
    sides = [stage.fork() for _ in numbers]
    diaries = [
        _paddy(side, cycle, number, reaped, late="late" in flags and number == 1)
        for side, cycle, number in zip(sides, cycles, numbers, strict=True)
    ]
    yield from heapq.merge(*diaries, key=lambda timed: timed.moment)
    stage.last = max(side.last for side in sides)
    lots = []
    for number, cycle in zip(numbers, cycles, strict=True):
        lot, text = stage.lot("paddy", reaped)
        amount = stage.rng.randint(28, 40) * 100
        when = stage.at(reaped, 8 + number)
        facts = stage.facts("paddy", text, reaped, variety="Bắc thơm số 7", harvested=reaped)
        by = stage.household("rice", number)
        record = stage.record("rice", when, f"paddy{number}", "rice-yard", by=by, photos=("field",))
        gathered = harvest(record, [cycle], Item(lot, kg(amount)), facts)
        yield from stage.tell("rice", when, gathered, after=EVENING)
        lots.append((lot, amount))
    yield from stage.hand_over(
        ("rice", "rice-yard", "mill", "mill"),
        [Item(lot, kg(amount)) for lot, amount in lots],
        stage.at(reaped + 3, 8),
        stage.at(reaped + 3, 10),
    )
    bags, count = yield from _mill(stage, lots, reaped + 5)
    for shop, part, hour in (("shop", 3, 6), ("shop2", 4, 7)):
        sent = count * part // 8
        yield from stage.hand_over(
            ("mill", "mill", shop, shop),
            [Item(bags, pieces(sent))],
            stage.at(reaped + 9, hour),
            stage.at(reaped + 9, hour + 1.5),
        )
    yield from stage.sale(
        "shop", "shop", bags, pieces(count * 3 // 8), stage.at(reaped + 10, 8), part="0.2"
    )
    if "late" in flags:
        what = "Thóc hai hộ xay chung, một lần phun ghi muộn chín ngày"
        stage.landmark(bags, "rice-bag", "late", what)
    else:
        stage.landmark(bags, "rice-bag", "complete", "Từ ruộng qua xay xát tới túi 5 kg")


def _paddy(stage: Stage, cycle: str, number: int, reaped: int, *, late: bool) -> Iterator[Timed]:
    place, by = f"paddy{number}", stage.household("rice", number)
    facts = CycleFacts(
        product=stage.cast.product("paddy"),
        product_name=stage.cast.products["paddy"].name,
        variety="Bắc thơm số 7",
        area=(Decimal(20 + 5 * number), "sao"),
        seed_source="Giống lúa Demo",
    )
    when = stage.at(2, 7)
    record = stage.record("rice", when, place, by=by)
    begun = start_cycle(record, cycle, "transplanting", facts)
    yield from stage.tell("rice", when, begun, after=EVENING)
    work: list[tuple[int, str, list[Input]]] = [
        (4, "fertilising", [compost(600)]),
        (14, "irrigating", [WATER]),
        (22, "fertilising", [mineral(90)]),
        (30, "weeding", []),
        (48, "spraying", [biological("sâu cuốn lá")]),
        (70, "irrigating", [WATER]),
        (82, "spraying", [fungicide("đạo ôn")]),
        (94, "field_observation", []),
    ]
    kept_back: list[JsonObject] = []
    for day, step, inputs in work:
        when = stage.at(day, 6.5)
        entry = diary_entry(stage.record("rice", when, place, by=by), cycle, step, inputs=inputs)
        if late and day == 82:
            kept_back.append(entry)
            continue
        yield from stage.tell("rice", when, entry, after=EVENING)
        if kept_back and day > 82:
            break
    if kept_back:
        yield from stage.tell("rice", stage.at(94, 18), *kept_back)


def _mill(
    stage: Stage, lots: list[tuple[str, int]], day: int
) -> Generator[Timed, None, tuple[str, int]]:
    """White rice and bran come out of one milling; the husk is fuel and no lot."""
    total = sum(amount for _, amount in lots)
    outputs = []
    for product, parts in (("rice", 64), ("bran", 8)):
        lot, text = stage.lot(product, day)
        facts = stage.facts(product, text, day, variety="Bắc thơm số 7")
        outputs.append(Output(Item(lot, kg(total * parts // 100)), facts))
    when = stage.at(day, 9)
    events = process(
        stage.record("mill", when, "mill", "mill"),
        "milling",
        [Item(lot, kg(amount)) for lot, amount in lots],
        outputs,
        new_event_id=stage.event_id,
    )
    yield from stage.tell("mill", when, *events)
    white = total * 64 // 100
    bags, text = stage.lot("rice-bag", day + 1)
    count = white // 5
    facts = stage.facts("rice-bag", text, day + 1, variety="Bắc thơm số 7")
    when = stage.at(day + 1, 8)
    events = process(
        stage.record("mill", when, "mill", "mill", photos=("packing",)),
        "packing",
        [Item(outputs[0].item.uri, kg(white))],
        [Output(Item(bags, pieces(count)), facts)],
        new_event_id=stage.event_id,
    )
    yield from stage.tell("mill", when, *events)
    return bags, count


def eggs(stage: Stage, flags: frozenset[str]) -> Iterator[Timed]:
    """A flock from its first day in the barn; two mornings' eggs go into boxes of ten.

    Flag `damaged`: some boxes do not arrive whole.
    """
    cycle = stage.own("c")
    facts = CycleFacts(
        product=stage.cast.product("egg"),
        product_name=stage.cast.products["egg"].name,
        variety="Gà lai đẻ Demo",
        seed_source="Trại giống Demo",
    )
    when = stage.at(0, 8)
    begun = start_cycle(
        stage.record("eggs", when, "barn", "barn"),
        cycle,
        "commissioning",
        facts,
        amount=Amount(Decimal(800), "HEA"),
    )
    yield from stage.tell("eggs", when, begun)
    work = [(2, "vaccinating", [VACCINE]), *((day, "feeding", [FEED]) for day in range(7, 59, 10))]
    for day, step, inputs in work:
        when = stage.at(day, 7)
        entry = diary_entry(stage.record("eggs", when, "barn"), cycle, step, inputs=inputs)
        yield from stage.tell("eggs", when, entry, after=EVENING)
    day, lots = EGG_DAYS - 4, []
    for morning in (day - 1, day):
        lot, text = stage.lot("egg", morning)
        count = stage.rng.randint(540, 640)
        when = stage.at(morning, 8)
        gathered = harvest(
            stage.record("eggs", when, "barn", "egg-room"),
            [cycle],
            Item(lot, Amount(Decimal(count), "H87")),
            stage.facts("egg", text, morning, harvested=morning),
            biz_step="egg_collecting",
        )
        yield from stage.tell("eggs", when, gathered)
        lots.append((lot, count))
    boxes, count = yield from _boxed(stage, lots, day)
    damaged = 2 if "damaged" in flags else 0
    yield from stage.hand_over(
        ("eggs", "egg-room", "shop", "shop"),
        [Item(boxes, pieces(count))],
        stage.at(day + 1, 5),
        stage.at(day + 1, 8),
        damaged=damaged,
    )
    stock = pieces(count - damaged)
    yield from stage.sale("shop", "shop", boxes, stock, stage.at(day + 2, 8), part="0.4")
    what = "Trứng hai buổi sáng của một đàn; giấy VietGAHP hết hạn trước ngày nhặt trứng"
    stage.landmark(boxes, "egg-box", "expired-certificate", what)


def _boxed(
    stage: Stage, lots: list[tuple[str, int]], day: int
) -> Generator[Timed, None, tuple[str, int]]:
    boxes, text = stage.lot("egg-box", day)
    count = sum(number for _, number in lots) // 10
    # Eggs are dated from the older morning.
    facts = stage.facts("egg-box", text, day - 1, harvested=day)
    when = stage.at(day, 14)
    events = process(
        stage.record("eggs", when, "egg-room", "egg-room", photos=("packing",)),
        "packing",
        [Item(lot, Amount(Decimal(number), "H87")) for lot, number in lots],
        [Output(Item(boxes, pieces(count)), facts)],
        new_event_id=stage.event_id,
    )
    yield from stage.tell("eggs", when, *events)
    return boxes, count

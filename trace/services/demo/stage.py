"""Where a story is played: its clock, its codes, and how a record is told. Pure.

A story is a generator of `Timed` events in the order they were typed. It draws everything from its
own generator, so how stories are interleaved changes none of them.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Final, NamedTuple

from trace.core.gs1 import Identity, local_uri, new_code, new_serial
from trace.core.gs1.codes import ALPHABET
from trace.services.demo.cast import sscc
from trace.services.demo.plans import Cast
from trace.services.records import Item, JsonObject, LotFacts, Record, declare_error
from trace.services.shipments import Line, Parties, receive, ship
from trace.services.storage import Reading, put_on_sale, sell
from trace.services.vocabulary import Amount


class Timed(NamedTuple):
    """One record: when it was typed (aware), the key of the organisation that says it, and it."""

    moment: datetime
    organisation: str
    event: JsonObject


@dataclass(frozen=True, slots=True)
class Landmark:
    """A printed address worth visiting, and what is to be seen there.

    `state` is a fixed word (docs/explanation/demo-world.md); `path` begins with "/".
    """

    chain: int
    path: str
    what: str
    product: str
    state: str


Story = Callable[["Stage", frozenset[str]], Iterator[Timed]]
# Most people write things down within the hour; a field diary is written in the evening.
SOON: Final = timedelta(minutes=20)
EVENING: Final = timedelta(hours=9)


@dataclass(slots=True)
class Stage:
    """A story's place in the world. `begin` is its first midnight; days count from there."""

    number: int
    rng: Random
    cast: Cast
    begin: datetime
    photos: Mapping[str, JsonObject]
    landmarks: list[Landmark] | None
    last: datetime = field(init=False)
    lots: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.last = self.begin

    def fork(self) -> Stage:
        """The same stage with a clock of its own, for things that happen side by side."""
        return Stage(self.number, self.rng, self.cast, self.begin, self.photos, self.landmarks)

    # -- time ----------------------------------------------------------------------------------

    def at(self, day: int, hour: float) -> datetime:
        """That day at about that hour: nobody works to the minute."""
        minutes = int(hour * 60) + self.rng.randint(0, 14)
        return self.begin + timedelta(days=day, minutes=minutes)

    def date(self, day: int) -> date:
        return (self.begin + timedelta(days=day)).date()

    # -- names ---------------------------------------------------------------------------------

    def event_id(self) -> str:
        return f"urn:uuid:{uuid.UUID(bytes=self.rng.randbytes(16), version=4)}"

    def own(self, letter: str) -> str:
        """The printed address of something new under one of our own letters."""
        return local_uri(Identity(letter, new_code(self.rng.randbytes)), self.cast.id_base)

    def lot_text(self, day: int) -> str:
        """`261120-0A7`: the day and the story's own number; at most 10 characters (formats §1)."""
        number = self.number * 4 + self.lots
        self.lots += 1
        tail = "".join(ALPHABET[number >> shift & 31] for shift in (10, 5, 0))
        return f"{self.date(day):%y%m%d}-{tail}"

    def lot(self, product: str, day: int) -> tuple[str, str]:
        """Address and lot name of a new lot: under its GTIN, or a code of its own."""
        text = self.lot_text(day)
        gtin = self.cast.products[product].gtin
        if gtin is None:
            return self.own("b"), text
        return local_uri(Identity("01", gtin, (("10", text),)), self.cast.id_base), text

    def unit(self, product: str) -> str:
        """The address of one object of a product with a GTIN."""
        gtin = self.cast.products[product].gtin or ""
        serial = new_serial(self.rng.randbytes)
        return local_uri(Identity("01", gtin, (("21", serial),)), self.cast.id_base)

    def pallet(self, organisation: str) -> str:
        """A new logistic unit."""
        number = sscc(self.cast.organisations[organisation].serial, self.number)
        return local_uri(Identity("00", number), self.cast.id_base)

    def facts(
        self, product: str, text: str, day: int, *, variety: str = "", harvested: int | None = None
    ) -> LotFacts:
        """What is known of a new lot of the product, its date of use counted from `day`."""
        plan = self.cast.products[product]
        last = self.date(day + plan.shelf_life_days)
        return LotFacts(
            lot_number=text,
            product=self.cast.product(product),
            product_name=plan.name,
            variety=variety,
            harvest=None if harvested is None else (self.date(harvested), self.date(harvested)),
            use_by=last if plan.use_by else None,
            best_before=None if plan.use_by else last,
        )

    def household(self, organisation: str, number: int) -> str:
        return self.cast.households[organisation][number - 1].code

    # -- telling -------------------------------------------------------------------------------

    def record(
        self,
        organisation: str,
        when: datetime,
        place: str = "",
        location: str = "",
        *,
        by: str = "",
        note: str = "",
        photos: Iterable[str] = (),
    ) -> Record:
        """The circumstances of a record; `place` and `location` are keys of places."""
        return Record(
            id_base=self.cast.id_base,
            event_id=self.event_id(),
            event_time=when,
            place=self.cast.place(place) if place else "",
            location=self.cast.place(location) if location else "",
            performed_by=by,
            recorded_by=self.cast.party(organisation),
            note=note,
            attachments=tuple(self.photos[name] for name in photos if name in self.photos),
        )

    def tell(
        self,
        organisation: str,
        when: datetime,
        *events: JsonObject,
        after: timedelta = SOON,
    ) -> Iterator[Timed]:
        """The events as typed in one sitting `after` it happened, never before what was typed
        earlier in this story."""
        self.last = max(self.last, when + after)
        key = self.cast.organisations[organisation].key
        for event in events:
            yield Timed(self.last, key, event)

    def landmark(self, address: str, product: str, state: str, what: str) -> None:
        """Notes a printed address, if this story is one that visitors are shown."""
        if self.landmarks is not None:
            path = address.removeprefix(self.cast.id_base)
            name = self.cast.products[product].name
            self.landmarks.append(Landmark(self.number, path, what, name, state))

    # -- scenes that many stories have ---------------------------------------------------------

    def hand_over(
        self,
        route: tuple[str, str, str, str],
        items: list[Item],
        left: datetime,
        came: datetime,
        *,
        damaged: int = 0,
        answered: bool = True,
    ) -> Iterator[Timed]:
        """Both sides of a handover; `route` is giver, its place, taker, its place.

        `damaged` packages of the first item do not arrive whole. Unless `answered`, the taker
        stays silent.
        """
        giver, start, taker, end = route
        parties = Parties(
            giver=self.cast.party(giver),
            taker=self.cast.party(taker),
            from_place=self.cast.place(start),
            to_place=self.cast.place(end),
            note=self.own("n"),
        )
        sent = ship(self.record(giver, left, start), items, parties)
        yield from self.tell(giver, left, sent)
        if not answered:
            return
        lines = [Line(item) for item in items]
        amount = items[0].amount
        if damaged and amount is not None:
            came_whole = Amount(amount.quantity - damaged, amount.uom)
            lines[0] = Line(Item(items[0].uri, came_whole), sent=amount, reason="dập, hỏng")
        received = receive(
            self.record(taker, came, end, end), lines, parties, new_event_id=self.event_id
        )
        yield from self.tell(taker, came, *received)

    def sale(
        self, shop: str, place: str, lot: str, stock: Amount, opened: datetime, *, part: str = "0.6"
    ) -> Iterator[Timed]:
        """On sale at a place, and in the evening a part of it sold."""
        offer = put_on_sale(self.record(shop, opened, place, place), [Item(lot, stock)])
        yield from self.tell(shop, opened, offer)
        closed = opened + timedelta(hours=11)
        sold = (stock.quantity * Decimal(part)).to_integral_value()
        # What has been sold is nowhere any more: the event says where it happened, and no location.
        gone = sell(self.record(shop, closed, place), [Item(lot, Amount(sold, stock.uom))])
        yield from self.tell(shop, closed, gone)

    def take_back(
        self,
        organisation: str,
        original: JsonObject,
        at: datetime,
        *instead: JsonObject,
    ) -> Iterator[Timed]:
        """A correction: the error declared, and what stands instead; a void without `instead`."""
        declared = declare_error(
            original,
            "",
            id_base=self.cast.id_base,
            at=at,
            reason="incorrect_data" if instead else "did_not_occur",
            corrective=[str(event["eventID"]) for event in instead],
        )
        # Which statement it is about is known once the original has one: capture fills it in.
        del declared["trace:corrects"]
        yield from self.tell(organisation, at, *instead, declared, after=timedelta(minutes=1))

    def temperatures(
        self, first: datetime, count: int, minutes: int, around: float, *, peak: float = 0.0
    ) -> list[Reading]:
        """Readings at regular times; `peak` °C are added in the third quarter of the time."""
        found = []
        for place in range(count):
            celsius = around + self.rng.uniform(-0.6, 0.6)
            if peak and count // 2 <= place < count * 3 // 4:
                celsius += peak
            moment = first + timedelta(minutes=minutes * place)
            found.append(Reading(moment, Decimal(str(round(celsius, 1)))))
        return found


def kg(amount: int | Decimal) -> Amount:
    """Kilograms."""
    return Amount(Decimal(amount), "KGM")


def pieces(count: int) -> Amount:
    """A count of trade items."""
    return Amount(Decimal(count), "")

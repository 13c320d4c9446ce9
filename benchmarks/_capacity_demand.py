"""What a city and a country ask of the product, day by day over ten years. Pure.

Every number that is an assumption stands in `Habits` or `Place` with where it comes from
(`SOURCES`, printed with the report): who runs the product puts his own there. A *day* has a season
(what is recorded follows the harvests, what is bought follows the new year); its *busiest second*
follows from the share of its busiest hour and of that hour's busiest minute: peaks break things,
averages do not.

Two things stay as they are however large the place: what one lot weighs (a recall's descendants),
and how often people look at the clock. Everything else is in proportion to farms or people.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Final

HOUR: Final = 3600.0
YEARS: Final = 10
# First days of the lunar new year.
NEW_YEARS: Final = (
    date(2027, 2, 6),
    date(2028, 1, 26),
    date(2029, 2, 13),
    date(2030, 2, 3),
    date(2031, 1, 23),
    date(2032, 2, 11),
    date(2033, 1, 31),
    date(2034, 2, 19),
    date(2035, 2, 8),
    date(2036, 1, 28),
    date(2037, 2, 15),
)
# What is recorded in a month, against the year's average: harvests in early summer and in autumn,
# and what is grown for the new year.
SEASON: Final = (1.1, 0.8, 0.8, 0.9, 1.3, 1.4, 0.9, 0.7, 0.9, 1.2, 1.1, 0.9)


@dataclass(frozen=True, slots=True)
class Place:
    """Where people live and farm: households that grow, fish or rear, and inhabitants."""

    name: str
    farms: float
    people: float


CITY: Final = Place("city", 330_000, 8_800_000)
COUNTRY: Final = Place("country", 9_000_000, 101_000_000)


@dataclass(frozen=True, slots=True)
class Habits:
    """How much a farm records and a person looks, and when. Shares are 0 to 1."""

    stories_a_farm_year: float = 6.0
    events_a_story: float = 20.0
    batches_a_story: float = 2.0
    told_by_machines: float = 0.2
    events_a_document: float = 50.0
    photos_an_event: float = 0.2
    labels_a_batch: float = 50.0
    days_on_sale: float = 5.0
    places_a_batch: float = 10.0
    recalls_a_million_batches: float = 20.0
    descendants_largest: float = 100_000.0
    labelled_bought_a_day: float = 0.85
    scanned: float = 0.15
    was_here_before: float = 0.3
    not_in_memory: float = 0.3
    rebuilt_an_event: float = 1.0
    queries_a_farm_day: float = 0.05
    mirrors: float = 10.0
    busiest_hour_of_scans: float = 0.18
    busiest_hour_of_records: float = 0.25
    busiest_minute: float = 2.0
    new_year_scans: float = 2.5
    news_share: float = 0.01
    news_minutes: float = 15.0
    growth_a_year: float = 0.03


SOURCES: Final[Mapping[str, str]] = {
    "stories_a_farm_year": (
        "plantings, flocks, ponds a farm takes from seed to shop in a year; assumption: leaf"
        " vegetables eight, rice two, fruit one"
    ),
    "events_a_story": "measured: the demo world's stories, farm to shop (`EVENTS_A_CHAIN`)",
    "batches_a_story": "assumption: two harvests of a planting",
    "told_by_machines": "assumption: packhouses and retailers whose own system sends documents",
    "events_a_document": "assumption",
    "photos_an_event": "assumption: one record in five has a photo",
    "labels_a_batch": "assumption: packages with a code of their own",
    "days_on_sale": "assumption: fresh produce",
    "places_a_batch": "assumption: wards in which one batch is scanned in a day",
    "recalls_a_million_batches": "assumption; no register of recalls of produce was found",
    "descendants_largest": "the largest recall that is promised (`make bench NAME=recall`)",
    "labelled_bought_a_day": "assumption: labelled goods a person buys in a day",
    "scanned": ("one to two buyers in ten scanned in Hà Nội's own system (press, August 2019)"),
    "was_here_before": "assumption, as in `make bench NAME=load`",
    "not_in_memory": "assumption: pages a process has not drawn lately",
    "rebuilt_an_event": "assumption: each record changes one page that somebody looks at",
    "queries_a_farm_day": "assumption: authorities, buyers' systems, subscriptions",
    "mirrors": "assumption: witnesses and mirrors that read the whole log",
    "busiest_hour_of_scans": "assumption: the market's morning, one hour of it",
    "busiest_hour_of_records": (
        "assumption: the evening, when phones come back to a network and send what they kept"
    ),
    "busiest_minute": "assumption: the busiest minute against its hour",
    "new_year_scans": "assumption: the two weeks before the lunar new year against other days",
    "news_share": "assumption: of all inhabitants, who looks after a recall in the evening news",
    "news_minutes": "assumption: within so many minutes",
    "growth_a_year": "assumption",
}


@dataclass(frozen=True, slots=True)
class Day:
    """What a day brings, in whole days' numbers."""

    captures: float  # transactions that record: a phone's entry, or a document
    events: float
    documents: float
    batches: float
    scans: float
    photos: float
    labels: float
    recalls: float
    queries: float


@dataclass(frozen=True, slots=True)
class Peak:
    """The busiest second of a day: how many of each a second. Labels and what follows captures wait
    as jobs, so theirs is the rate of the busiest hour."""

    captures: float  # of one event each
    documents: float
    told: float  # events in documents
    events: float  # all
    redirects: float
    full: float
    cold: float
    unchanged: float
    changed: float
    beacons: float
    photos: float
    queries: float
    tiles: float
    labels: float
    followed: float


@dataclass(frozen=True, slots=True)
class Year:
    """Sums of one year, what is there at its end, and the busiest second in it."""

    number: int
    events: float
    batches: float
    scans: float
    photos: float
    labels: float
    recalls: float
    events_ever: float
    photos_ever: float
    counted_rows: float
    peak: Peak
    busiest: date


def season_of(day: date) -> float:
    """What is recorded on a day, against the average day of a year."""
    return SEASON[day.month - 1] / (sum(SEASON) / 12)


def market_of(day: date, habits: Habits) -> float:
    """What is scanned on a day, against an ordinary one: more before the lunar new year."""
    return habits.new_year_scans if any(0 < (one - day).days <= 14 for one in NEW_YEARS) else 1.0


def day_of(place: Place, habits: Habits, scale: float, day: date, first: date) -> Day:
    """One day of a place `scale` times as large, some years after the first day."""
    grown = scale * (1 + habits.growth_a_year) ** ((day - first).days // 365)
    stories = place.farms * habits.stories_a_farm_year / 365 * grown * season_of(day)
    events = stories * habits.events_a_story
    batches = stories * habits.batches_a_story
    documents = events * habits.told_by_machines / habits.events_a_document
    bought = place.people * habits.labelled_bought_a_day * grown
    return Day(
        captures=events * (1 - habits.told_by_machines) + documents,
        events=events,
        documents=documents,
        batches=batches,
        scans=bought * habits.scanned * market_of(day, habits),
        photos=events * habits.photos_an_event,
        labels=batches * habits.labels_a_batch,
        recalls=batches * habits.recalls_a_million_batches / 1e6,
        queries=place.farms * grown * habits.queries_a_farm_day,
    )


def peak_of(place: Place, habits: Habits, scale: float, day: Day) -> Peak:
    """The busiest second of a day. Scans: the market's morning, or the evening of a recall in the
    news, whichever is more; records: the evening. They are taken to fall together."""
    minute = habits.busiest_minute
    records = habits.busiest_hour_of_records / HOUR * minute
    market = day.scans * habits.busiest_hour_of_scans / HOUR * minute
    news = place.people * scale * habits.news_share / (habits.news_minutes * 60)
    scans = max(market, news + day.scans / 86_400)
    events = day.events * records
    changed = min(events * habits.rebuilt_an_event, scans)
    unchanged = (scans - changed) * habits.was_here_before
    cold = (scans - changed - unchanged) * habits.not_in_memory
    return Peak(
        captures=(day.captures - day.documents) * records,
        documents=day.documents * records,
        told=(day.events - day.captures + day.documents) * records,
        events=events,
        redirects=scans,
        full=scans - changed - unchanged - cold,
        cold=cold,
        unchanged=unchanged,
        changed=changed,
        beacons=scans,
        photos=day.photos * records,
        queries=day.queries * habits.busiest_hour_of_records / HOUR * minute,
        # A mirror asks for the checkpoint and the two tiles that grew, every second at most.
        tiles=habits.mirrors * min(3.0, events * 3),
        labels=day.labels * habits.busiest_hour_of_records / HOUR,
        followed=day.events * habits.busiest_hour_of_records / HOUR,
    )


def simulate(
    place: Place, habits: Habits, scale: float, *, years: int = YEARS, first: date
) -> list[Year]:
    """So many years from the first day on, day by day. Raises ValueError where a share is none."""
    check_habits(habits)
    told: list[Year] = []
    events_ever = photos_ever = 0.0
    seen = habits.days_on_sale * habits.places_a_batch
    for number in range(years):
        days = [first + timedelta(days=365 * number + at) for at in range(365)]
        asked = [day_of(place, habits, scale, day, first) for day in days]
        peaks = [peak_of(place, habits, scale, one) for one in asked]
        # Records and scans peak on different days; both have to be borne.
        at = max(range(365), key=lambda one: peaks[one].redirects)
        most = _most(peaks)
        events_ever += sum(one.events for one in asked)
        photos_ever += sum(one.photos for one in asked)
        told.append(
            Year(
                number=number + 1,
                events=sum(one.events for one in asked),
                batches=sum(one.batches for one in asked),
                scans=sum(one.scans for one in asked),
                photos=sum(one.photos for one in asked),
                labels=sum(one.labels for one in asked),
                recalls=sum(one.recalls for one in asked),
                events_ever=events_ever,
                photos_ever=photos_ever,
                counted_rows=sum(min(one.scans, one.batches * seen) for one in asked),
                peak=most,
                busiest=days[at],
            )
        )
    return told


def _most(peaks: list[Peak]) -> Peak:
    names = [field.name for field in fields(Peak)]
    return Peak(**{name: max(getattr(peak, name) for peak in peaks) for name in names})


def check_habits(habits: Habits) -> None:
    """Raises ValueError naming what is below nothing, or a share above one."""
    shares = {
        "told_by_machines",
        "scanned",
        "was_here_before",
        "not_in_memory",
        "busiest_hour_of_scans",
        "busiest_hour_of_records",
        "news_share",
    }
    for field in fields(Habits):
        value = getattr(habits, field.name)
        if not math.isfinite(value) or value < 0 or (field.name in shares and value > 1):
            raise ValueError(f"{field.name} is {value}")

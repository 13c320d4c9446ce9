"""A world of the simulator in which everything private carries a mark of its own.

Every event is told with some privacy choice: the default policy, or a choice drawn for it of
members, elements of lists and members of `ilmd` to withhold. Whatever is withheld is made unique
first (a word, a number), and so is what is never public: names of households, phone numbers,
addresses, positions, who typed. A test then only has to look for the marks.
"""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from PIL import Image
from sqlalchemy import select

from trace.extensions import db
from trace.models import Household, Organisation, Place
from trace.services.actors import Actor
from trace.services.attachments import keep_photo, reference
from trace.services.capture import capture
from trace.services.demo import load, masters
from trace.services.demo.stage import Timed
from trace.services.demo.world import World
from trace.services.records import JsonObject

# Always in the clear (formats, section 2), or what the event is about.
ALWAYS = frozenset(
    {
        *("@context", "type", "action", "eventTime", "eventTimeZoneOffset", "bizStep", "eventID"),
        *("disposition", "persistentDisposition", "errorDeclaration"),
        *("trace:corrects", "trace:notice", "trace:members"),
    }
)
# What names goods: withheld now and then as well, and marked by its quantity.
LISTS = ("quantityList", "inputQuantityList", "outputQuantityList", "childQuantityList")
FREE = frozenset(
    {
        *("name", "activeIngredient", "reason", "method", "equipment", "supplier", "place"),
        *("trace:variety", "trace:seedSource", "trace:productName", "trace:note"),
    }
)
OWN = {"canary": "https://canary.example/voc/"}


@dataclass(slots=True)
class Canaries:
    """The marks: `hidden` may be found nowhere, `shown` must be somewhere."""

    rng: Random
    hidden: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    photos: list[str] = field(default_factory=list)  # digests of withheld pictures
    keep: Callable[[bool], JsonObject] | None = None  # a picture of whoever tells
    made: int = 0

    def word(self, hidden: bool = True) -> str:
        """A word nobody else writes."""
        self.made += 1
        text = f"{'Kín' if hidden else 'Bày'}Zq{self.made:05d}Xw"
        (self.hidden if hidden else self.shown).append(text)
        return text

    def number(self) -> float:
        """A weight nobody else has: its nine digits stand in no other number."""
        self.made += 1
        value = 700_000 + self.made + 0.973
        self.hidden.append(f"{value:.3f}".replace(".", ""))
        return value

    # -- one event -----------------------------------------------------------------------------

    def marked(self, event: JsonObject) -> tuple[JsonObject, list[str] | None]:
        """The event with its marks, and what to withhold (None: the default policy)."""
        told: JsonObject = json.loads(json.dumps(event))
        if "errorDeclaration" in told or "trace:notice" in told:
            return told, None  # an error declaration repeats its event to the letter
        context = told["@context"]
        told["@context"] = [*(context if isinstance(context, list) else [context]), OWN]
        told["trace:recordedBy"] = f"urn:trace:person:{self.word()}"
        told["canary:unitPrice"] = self.word()
        told["canary:contactPhone"] = self.word()
        told.setdefault("bizTransactionList", []).append(
            {"type": "po", "bizTransaction": f"https://canary.example/{self.word()}"}
        )
        if self.rng.random() < 0.5:
            told["trace:note"] = self.word(hidden=False)
            return told, None
        return told, self._chosen(told)

    def _chosen(self, told: JsonObject) -> list[str]:
        """Withheld: what the default policy withholds and a draw of everything else."""
        private = ["trace:recordedBy", "canary:unitPrice", "canary:contactPhone"]
        private.append("bizTransactionList")
        told["canary:secret"] = {"inside": [self.word()], "deep": {"er": self.word()}}
        private.append("canary:secret")
        told["trace:note"] = "Để trống"
        for name in sorted(set(told) - ALWAYS - set(private)):
            value = told[name]
            if name == "ilmd":
                for inner in sorted(value):
                    if self.rng.random() < 0.4:
                        value[inner] = self._told_anew(inner, value[inner])
                        private.append(f"ilmd/{inner}")
            elif name == "trace:attachments" or self.rng.random() < 0.45:
                told[name] = self._told_anew(name, value)
                private.append(name)
        if "trace:attachments" in private and self.keep:
            told["trace:attachments"] = [self.keep(False)]
            self.photos.append(told["trace:attachments"][0]["digest"])
            self.hidden.append(self.photos[-1])
        return private

    def _told_anew(self, name: str, value: Any) -> Any:
        """The value with marks wherever anything may be said."""
        if isinstance(value, str):
            return self.word() if name in FREE else value
        if isinstance(value, dict):
            return {inner: self._told_anew(inner, one) for inner, one in value.items()}
        if isinstance(value, list):
            return [self._told_anew(name, one) for one in value]
        if isinstance(value, int | float) and name in ("quantity", "amount", "value"):
            return self.number()
        return value


def tell_world(seed: int, start: datetime, base: str) -> Canaries:
    """Writes a small world full of marks and commits; the log is published by whoever calls."""
    canaries = Canaries(Random(seed))
    world = World(seed, start.date(), base, 5)
    organisations = load.write_masters(world)
    _mark_masters(canaries, organisations.values())
    photos = masters.write_pictures(organisations["coop"], at=start)
    world.photos = {
        name: _photo(canaries, organisations["coop"], start, public=True) for name in photos
    }
    db.session.commit()
    statements: dict[str, str] = {}
    for timed in world.events():
        _tell(canaries, organisations[timed.organisation], timed, statements)
    db.session.commit()
    return canaries


def _tell(
    canaries: Canaries, organisation: Organisation, timed: Timed, statements: dict[str, str]
) -> None:
    canaries.keep = lambda public: _photo(canaries, organisation, timed.moment, public=public)
    event, private = canaries.marked(timed.event)
    ends = event.get("trace:notice", {}).get("ends")
    if ends:
        event["trace:notice"]["ends"] = [statements[end] for end in ends]
    if "errorDeclaration" in event:
        return  # what it repeats was told otherwise here
    done = capture(Actor(organisation, None, "recorder"), [event], at=timed.moment, private=private)
    if "trace:notice" in event:
        statements[event["eventID"]] = done.events[0].statement_id


def _mark_masters(canaries: Canaries, organisations: Iterable[Organisation]) -> None:
    for number, organisation in enumerate(organisations):
        phone = f"+849{83000000 + number * 7919:08d}"
        organisation.phone, organisation.phone_public = phone, False
        canaries.hidden += [phone[1:], "0" + phone[3:]]
        organisation.address = canaries.word()
    for household in db.session.scalars(select(Household)):
        household.name = canaries.word()
    for number, place in enumerate(db.session.scalars(select(Place).order_by(Place.id))):
        place.position_public = False
        place.latitude, place.longitude = 20.9130007 + number / 1000, 105.7190003 + number / 1000
        canaries.hidden += [f"{float(place.latitude):.7f}", f"{float(place.longitude):.7f}"]


def _photo(
    canaries: Canaries, organisation: Organisation, at: datetime, *, public: bool
) -> JsonObject:
    """A photo as a phone takes it: where it was, and with what words."""
    exif = Image.Exif()
    exif[0x010E] = canaries.word()  # ImageDescription
    exif.get_ifd(0x8825)[2] = (21.0, 4.0, 33.5)  # GPSLatitude
    file = io.BytesIO()
    picture = Image.new("RGB", (64, 48), tuple(canaries.rng.randbytes(3)))
    picture.save(file, "JPEG", exif=exif, comment=canaries.word().encode())
    file.seek(0)
    return reference(keep_photo(Actor(organisation, None, "owner"), file, at=at, public=public))


# -- reading what was answered -------------------------------------------------------------------

_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,}")


def readable(data: bytes) -> str:
    """The text of an answer, with what is packed inside in base64 (statements, disclosures)
    unpacked beside it, and numbers without their separators."""
    text = data.decode("utf-8", "replace")
    unpacked = [text]
    for token in _TOKEN.findall(text):
        try:
            inner = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
        except (ValueError, UnicodeDecodeError):
            continue
        unpacked.append(inner)
    whole = "\n".join(unpacked)
    # "Kín": JSON writes it so or escaped.
    whole += whole.encode().decode("unicode_escape", "ignore") if "\\u00ed" in whole else ""
    return whole + "\n" + re.sub(r"(?<=\d)[., \u00a0](?=\d)", "", whole)


def found_in(canaries: Canaries, text: str) -> Iterator[str]:
    """The marks that stand in a text."""
    bare = set(re.findall(r"KínZq\d{5}Xw|\d{9,}|\d+\.\d{7}|(?<![\w-])[\w-]{43}(?![\w-])", text))
    return (mark for mark in canaries.hidden if mark in bare)

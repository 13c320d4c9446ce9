"""From what a person types off a label to the path of its page.

People write with spaces, dashes and small letters, O for 0, half an address, the numbers under a
bar code with or without their brackets. All of it leads somewhere; what cannot says which part
looks wrong. The number a blank stamp shows beside its roll is never taken for its code: it can be
guessed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection
from typing import Final
from urllib.parse import quote, urlsplit

from sqlalchemy import select

from trace.core.gs1 import (
    Identity,
    canonical_uri,
    check_code,
    check_serial,
    format_code,
    parse_digital_link,
    parse_element_string,
)
from trace.core.gs1.errors import CodeCheck
from trace.core.gs1.mistyped import doubtful, near_codes
from trace.errors import TraceError
from trace.extensions import db
from trace.models import Handover, LabelRange, Organisation, Place, Product, Thing, Unit
from trace.services.settings import current_settings
from trace.services.units import unit_identity

CODE, SERIAL = 10, 16
_SHOPS: Final = (8, 12, 13, 14)  # digits of a GTIN
_HOST: Final = re.compile(r"[\w-]+(\.[\w-]+)+(:\d+)?/", re.ASCII)
_QUALIFIERS: Final = {"01": ("10", "21"), "00": (), "414": ("254",), "417": ()}


class NotALabel(TraceError):
    code = "not-a-label-code"
    message = (
        "A batch's code has %(code)d characters, a single package's %(serial)d; this has %(got)d."
    )


class RollNumber(TraceError):
    code = "roll-number"
    message = "This is the number of a stamp on its roll. Type the 16 characters beside it."


class UnknownSerial(TraceError):
    code = "unknown-serial"
    status = 404
    message = "No stamp with these 16 characters was ever issued. Look at each character again."


class Mistyped(TraceError):
    code = "code-mistyped"
    message = "Character %(place)d may be %(meant)s, not %(typed)s: is it %(code)s?"


class Doubtful(TraceError):
    code = "code-doubtful"
    message = "One character is wrong. Look again at: %(places)s."


def _nothing() -> None:
    """Nobody counts."""


def path_of_typed(text: str, unknown: Callable[[], None] = _nothing) -> str:
    """The path of a page, without `/t`. Raises a TraceError that says what looks wrong. For a code
    that nobody registered `unknown` is called: the answer tells that much."""
    plain = "".join(c for c in unicodedata.normalize("NFKC", text) if c.isprintable()).strip()
    if "/" in plain:
        return _address(plain)
    if plain.startswith("("):
        return _element_string(plain)
    if "#" in plain:
        raise RollNumber
    letters = "".join(c for c in plain if c.isalnum()).upper()
    digits = letters if letters.isascii() and letters.isdecimal() else ""
    if len(digits) == 20 and digits.startswith("00"):
        digits = digits[2:]  # scanners leave the identifier without its brackets
    if len(digits) == 18:
        return _parsed(f"00/{digits}")
    if len(letters) == CODE + SERIAL:
        code, serial = check_code(letters[:CODE]), check_serial(letters[CODE:])
        return Identity("b", code, (("serial", serial),)).path
    if len(letters) == SERIAL:
        return _serial(check_serial(letters), digits, unknown)
    if len(digits) in _SHOPS:
        return _parsed(f"01/{digits.zfill(14)}")
    if len(letters) != CODE:
        raise NotALabel(code=CODE, serial=SERIAL, got=len(letters))
    return _code(letters, unknown)


def _address(text: str) -> str:
    settings = current_settings()
    if text.startswith("/") and not text.startswith("//"):
        text = settings.id_base + text
    elif "://" not in text and _HOST.match(text):
        text = f"https://{text}"  # as printed under the code
    # A demonstration prints its codes under the host it answers at.
    ours = urlsplit(settings.public_url).netloc.lower()
    host, _, path = text.partition("://")[2].partition("/")
    if host.lower() == ours:
        text = f"{settings.id_base}/{path}"
    return parse_digital_link(text, id_base=settings.id_base).identity.path


def _parsed(rest: str) -> str:
    return parse_digital_link(f"https://id.gs1.org/{rest}").identity.path


def _element_string(text: str) -> str:
    """What is printed under a bar code; the facts beside the key say nothing of where to go."""
    told = dict(parse_element_string(text.replace(") ", ")")))
    for key, qualifiers in _QUALIFIERS.items():
        if key in told:
            value = "".join(told[key].split())
            named = [(ai, told[ai].strip()) for ai in qualifiers if told.get(ai, "").strip()]
            rest = "".join(f"/{ai}/{quote(one, safe='')}" for ai, one in named)
            return _parsed(f"{key}/{value.zfill(14) if key == '01' else value}{rest}")
    raise NotALabel(code=CODE, serial=SERIAL, got=len(text))


def _serial(serial: str, digits: str, unknown: Callable[[], None]) -> str:
    """The stamp with this serial: its roll is not printed in the sixteen characters."""
    key = db.session.scalar(select(Unit.key).where(Unit.serial == serial).limit(1))
    if key is not None:
        return unit_identity(key, serial).path
    if digits.startswith("01"):
        return _parsed(f"01/{digits[2:]}")
    unknown()
    raise UnknownSerial


def _code(letters: str, unknown: Callable[[], None]) -> str:
    """The page of a code of ours, whatever it names; a valid one nobody knows reads as a lot's."""
    try:
        code = check_code(letters)
    except CodeCheck:
        unknown()
        raise _help(letters.translate(str.maketrans("OIL", "011"))) from None
    found = _known([code])
    if found:
        return found[0].path
    if db.session.scalar(select(LabelRange.id).where(LabelRange.code == code)) is not None:
        raise RollNumber
    unknown()
    return Identity("b", code).path


def _help(typed: str) -> TraceError:
    """Where the mistake may be: in a code that exists, one character away, or by its looks."""
    known = {one.value: one for one in _known(near_codes(typed))}
    if len(known) == 1:
        (code,) = known
        places = [n for n in range(CODE) if code[n] != typed[n]]
        return Mistyped(
            place=places[0] + 1,
            typed=typed[places[0] : places[-1] + 1],
            meant=code[places[0] : places[-1] + 1],
            code=format_code(code),
        )
    places_told = [f"{place}: {one} – {other}?" for place, one, other in doubtful(typed)]
    if places_told:
        return Doubtful(places="; ".join(places_told))
    return CodeCheck(value=format_code(typed))


def _known(codes: Collection[str]) -> list[Identity]:
    """What these codes of ours name."""
    id_base = current_settings().id_base
    named = {
        canonical_uri(Identity(key, code), id_base): Identity(key, code)
        for code in codes
        for key in ("b", "c", "h", "n")
    }
    rows = db.session.scalars(select(Thing.identity).where(Thing.identity.in_(named)))
    notes = db.session.scalars(select(Handover.note).where(Handover.note.in_(named)))
    found = [named[text] for text in [*rows, *notes] if text]
    for model, key in ((Product, "q"), (Place, "l"), (Organisation, "o")):
        column = model.code
        found += [
            Identity(key, one)
            for one in db.session.scalars(select(column).where(column.in_(list(codes))))
        ]
    return list(dict.fromkeys(found))

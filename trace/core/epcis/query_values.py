"""The values of query parameters: texts of an address and JSON's own types, into what compares."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from trace.core.epcis import vocabulary as words
from trace.core.epcis.query import Literally, Test, Value
from trace.core.epcis.query_matching import moment_of, number_of
from trace.core.epcis.query_names import full_name, parse_pattern, same_thing, word_address
from trace.core.epcis.schema import EVENT_TYPES
from trace.core.epcis.vocabulary import WordList

_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s]+")


class Wrong(Exception):
    """Why one value is refused."""


@dataclass(slots=True)
class Asked:
    """One parameter with its values, and what its names may refer to."""

    name: str
    values: list[Any]
    prefixes: tuple[tuple[str, str], ...]
    id_base: str

    def one(self) -> Any:
        if len(self.values) != 1:
            raise Wrong("one value is expected")
        return self.values[0]

    def texts(self) -> list[str]:
        found = []
        for value in self.values:
            if not isinstance(value, str) or value == "":
                raise Wrong("a text is expected")
            found.append(value)
        if not found:
            raise Wrong("a value is expected")
        return found


def is_address(text: str) -> bool:
    return _ADDRESS.fullmatch(text) is not None


def name_is_known(asked: Asked, text: str) -> str:
    """The full address of a name that may have a prefix; raises where nothing declares it."""
    full = full_name(text, asked.prefixes)
    if full == text:
        prefix, colon, rest = text.partition(":")
        if not colon or not rest:
            raise Wrong(f"“{text[:60]}” is neither a word of the standard nor an address")
        if not rest.startswith("//") and prefix.lower() not in ("urn", "tag", "did", "geo", "ni"):
            raise Wrong(f"nothing declares the prefix “{prefix[:60]}” (header GS1-Extensions)")
    return full


def word_reader(listed: WordList) -> Callable[[Asked], tuple[Value, ...]]:
    def read(asked: Asked) -> tuple[Value, ...]:
        found: list[Value] = []
        for text in asked.texts():
            address = word_address(text, listed, asked.prefixes)
            if not (address.startswith(listed.address) and text in listed.words):
                bare = address.removeprefix(listed.address)
                if bare != address and listed.address != words.GS1 and bare not in listed.words:
                    raise Wrong(f"“{text[:60]}” is no word of the standard's list")
                if bare == address:
                    name_is_known(asked, text)
            found.append(address)
        return tuple(found)

    return read


def read_uris(asked: Asked) -> tuple[Value, ...]:
    """Addresses of things, places and parties, as they compare."""
    found: list[Value] = []
    for text in asked.texts():
        full = full_name(text, asked.prefixes)
        if not is_address(full):
            raise Wrong(f"“{text[:60]}” is no address")
        found.append(same_thing(full, asked.id_base))
    return tuple(found)


def read_things(asked: Asked) -> tuple[Value, ...]:
    found: list[Value] = []
    for text in asked.texts():
        if not is_address(text):
            raise Wrong(f"“{text[:60]}” is no address")
        open_ended = text.startswith("urn:epc:idpat:") and "*" in text
        pattern = parse_pattern(text) if open_ended else None
        if pattern is not None:
            found.append(pattern)
        canonical = same_thing(text, asked.id_base)
        if canonical != text or not open_ended:
            found.append(canonical)  # urn:epc:idpat:sgtin:….* names a class of things as well
        elif pattern is None:
            raise Wrong(f"the pattern “{text[:60]}” is of no kind that is known here")
    return tuple(found)


def read_texts(asked: Asked) -> tuple[Value, ...]:
    return tuple(asked.texts())


def read_hex(asked: Asked) -> tuple[Value, ...]:
    for text in asked.texts():
        if not re.fullmatch(r"[0-9A-Fa-f]+", text):
            raise Wrong("hexadecimal digits are expected")
    return tuple(text.upper() for text in asked.texts())


def read_actions(asked: Asked) -> tuple[Value, ...]:
    if not set(asked.texts()) <= set(words.ACTIONS):
        raise Wrong("ADD, OBSERVE or DELETE is expected")
    return tuple(asked.texts())


def read_types(asked: Asked) -> tuple[Value, ...]:
    found: list[Value] = []
    for text in asked.texts():
        bare = text.removeprefix("epcis:").removeprefix("https://ref.gs1.org/epcis/")
        found.append(bare if bare in EVENT_TYPES else name_is_known(asked, text))
    return tuple(found)


def read_moment(asked: Asked) -> tuple[Value, ...]:
    value = asked.one()
    text = value.replace(" ", "+") if isinstance(value, str) else ""  # a plus sign left as it was
    moment = moment_of(text) if len(text) > 10 else None
    if moment is None:
        raise Wrong("a date and time with its time zone is expected")
    return (moment,)


def read_decimal(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Wrong("a number is expected")
    # A plus sign in an address is a space: 1e 5.
    number = number_of(value.replace(" ", "+") if isinstance(value, str) else value)
    if number is None:
        raise Wrong("a number is expected")
    return number


def read_numbers(asked: Asked) -> tuple[Value, ...]:
    if not asked.values:
        raise Wrong("a number is expected")
    return tuple(read_decimal(value) for value in asked.values)


def read_number(asked: Asked) -> tuple[Value, ...]:
    return (read_decimal(asked.one()),)


def read_truth(asked: Asked) -> tuple[Value, ...]:
    value = asked.one()
    if value in (True, "true", "1"):
        return (True,)
    if value in (False, "false", "0"):
        return (False,)
    raise Wrong("true or false is expected")


def is_wanted(asked: Asked) -> bool:
    """Of a parameter that needs no value: whether it asks for anything."""
    if not asked.values:
        return True
    value = asked.one()
    if value in ("null", "", True, 1, "true", "1"):
        return True
    if value in (False, 0, "false", "0"):
        return False
    raise Wrong("true or false is expected")


def read_literal(value: Any) -> Literally:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Wrong("a text, a number or a date is expected")
    if isinstance(value, int) and value.bit_length() > 200:
        raise Wrong("the number is too large")
    text = value if isinstance(value, str) else repr(value)
    number = number_of(text)
    return Literally(text, number, None if number is not None else moment_of(text))


def read_literals(asked: Asked, test: Test) -> tuple[Value, ...]:
    if test == "in":
        if not asked.values:
            raise Wrong("a value is expected")
        return tuple(read_literal(value) for value in asked.values)
    found = read_literal(asked.one())
    if found.number is None and found.moment is None:
        raise Wrong("a number, a date, or a date and time is expected")
    return (found,)

"""What RFID tags hold: examples of the Tag Data Standard and of those who read tags, and round
trips with a writer of our own that shares no code with the reader."""

from __future__ import annotations

import base64
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trace.core.gs1 import Gs1Error, Identity, check_digit
from trace.core.gs1.epc_binary import looks_like_epc, parse_epc_binary

# Hexadecimal as printed in the standard and in readers' manuals, and the key they stand for.
KNOWN = [
    ("3074257BF7194E4000001A85", "/01/80614141123458/21/6789"),
    ("3034257BF7194E4000001A85", "/01/80614141123458/21/6789"),  # another filter, the same thing
    ("302D28B329B0F6C000000001", "/01/03111123479875/21/1"),
    ("3674257BF6B7A659B2C2BF1000000000000000000000000000", "/01/70614141123451/21/32a%2Fb"),
    ("3674257BF6B7A659B2C2BF100000000000000000000000000000", "/01/70614141123451/21/32a%2Fb"),
    ("31AC16465751CCD0C2000000", "/00/302335678902000022"),
]


@pytest.mark.parametrize(("text", "path"), KNOWN)
def test_a_tag_stands_for_its_key(text: str, path: str) -> None:
    assert parse_epc_binary("eh", text).path == path
    assert parse_epc_binary("eh", text.lower()).path == path
    for padded in (True, False):
        encoded = base64.urlsafe_b64encode(bytes.fromhex(text)).decode()
        assert parse_epc_binary("ex", encoded if padded else encoded.rstrip("=")).path == path


WIDTHS = {12: 40, 11: 37, 10: 34, 9: 30, 8: 27, 7: 24, 6: 20}


def written(header: int, prefix: str, *parts: tuple[int, int], bits: int = 96) -> str:
    """A tag in hexadecimal: header, filter 1, partition, prefix, then (value, width)s."""
    text = f"{header:08b}001{12 - len(prefix):03b}{int(prefix):0{WIDTHS[len(prefix)]}b}"
    text += "".join(f"{value:0{width}b}" for value, width in parts if width)
    assert len(text) <= bits
    text = text.ljust(-(-bits // 16) * 16, "0")
    return f"{int(text, 2):0{len(text) // 4}X}"


PREFIX = st.integers(6, 12).flatmap(lambda n: st.text("0123456789", min_size=n, max_size=n))


@given(PREFIX, st.data())
def test_every_key_that_a_tag_can_hold_comes_back(prefix: str, data: st.DataObject) -> None:
    width, length = WIDTHS[len(prefix)], len(prefix)
    item = data.draw(st.text("0123456789", min_size=13 - length, max_size=13 - length))
    serial = data.draw(st.integers(0, 2**38 - 1))
    gtin = item[0] + prefix + item[1:]
    gtin += str(check_digit(gtin))
    hexed = written(0x30, prefix, (int(item), 44 - width), (serial, 38))
    assert parse_epc_binary("eh", hexed) == Identity("01", gtin, (("21", str(serial)),))

    characters = data.draw(st.text("ABCxyz019!%/&'()*+,-.:;<=>?_\"", min_size=1, max_size=20))
    if characters != "*":
        packed = 0
        for character in characters.ljust(20, "\0"):
            packed = packed << 7 | ord(character)
        hexed = written(0x36, prefix, (int(item), 44 - width), (packed, 140), bits=198)
        assert parse_epc_binary("eh", hexed) == Identity("01", gtin, (("21", characters),))

    reference = data.draw(st.text("0123456789", min_size=17 - length, max_size=17 - length))
    key = reference[0] + prefix + reference[1:]
    hexed = written(0x31, prefix, (int(reference), 58 - width), (0, 24))
    assert parse_epc_binary("eh", hexed) == Identity("00", key + str(check_digit(key)))

    place = data.draw(st.text("0123456789", min_size=12 - length, max_size=12 - length))
    gln = prefix + place + str(check_digit(prefix + place))
    extension = data.draw(st.integers(0, 2**41 - 1))
    hexed = written(0x32, prefix, (int(place or 0), 41 - width), (extension, 41))
    qualifiers = (("254", str(extension)),) if extension else ()
    assert parse_epc_binary("eh", hexed) == Identity("414", gln, qualifiers)


@given(st.binary(min_size=12, max_size=32))
def test_no_bits_are_ever_misread_for_anything_but_a_key_or_an_error(raw: bytes) -> None:
    for header in (raw[0], 0x30, 0x31, 0x34, 0x36, 0x3E):
        text = bytes([header, *raw[1:]]).hex()
        with suppress(Gs1Error):
            assert parse_epc_binary("eh", text).path.isascii()


@pytest.mark.parametrize(
    ("form", "text", "reason"),
    [
        ("eh", "3074257BF7194E4000001A8", "form"),
        ("eh", "3074257BF7194E4000001A8G", "form"),
        ("eh", "", "form"),
        ("eh", "3" * 65, "form"),
        ("ex", "MHQle_cZTkAAABqF!", "form"),
        ("ex", "MHQle_cZTkAAABqFA", "form"),
        ("eh", "FF74257BF7194E4000001A85", "scheme"),
        ("eh", "35" + "0" * 22, "scheme"),  # gid: no GS1 key
        ("eh", "F7" + "0" * 30, "scheme"),  # SGTIN+: told as not read
        ("eh", "3074257BF7194E4000001A8500000000", "length"),
        ("eh", "3674257BF6B7A659B2C2BF10", "length"),
        ("eh", "303C" + "0" * 20, "partition"),
        ("eh", "31AC16465751CCD0C2000001", "padding"),
        ("eh", "3018FFFFFC00004000000001", "digits"),
        ("eh", "3674257BF6B7A640" + "0" * 34, "serial"),
    ],
)
def test_what_is_no_tag_says_why(form: str, text: str, reason: str) -> None:
    with pytest.raises(Gs1Error) as refused:
        parse_epc_binary(form, text)
    assert (refused.value.code, refused.value.params["reason"]) == ("bad-epc-binary", reason)
    assert not looks_like_epc("eh", "hello")

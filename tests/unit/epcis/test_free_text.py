"""Phone and identity numbers in what people type are noticed; other numbers are left alone."""

from __future__ import annotations

import sys
import time
import unicodedata

import pytest

from trace.core.epcis import free_text
from trace.core.epcis.free_text import personal_numbers, texts_with_numbers


@pytest.mark.parametrize(
    "text",
    [
        "gọi 0912345678",
        "SĐT: 091 234 56 78.",
        "0912.345.678",
        "+84 912-345-678",
        "(84912345678)",
        "bàn: 024 3825 3536",
        "0912  345  678",
        "(091) 234 5678",
        "(024) 3825 3536",
        "0912/345/678",
        "0912_345_678",
        "0912,345,678",
        "0912•345•678",
        "0912–345–678",
        "0912\u00a0345\u00a0678",
        "0912\u200b345\u200b678",
        "+84 (0) 912 345 678",
        "+84(912)345678",
        "0084912345678",
        "0 9 1 2 3 4 5 6 7 8",
        "０９１２３４５６７８",
        "０９１２ ３４５ ６７８",
        "٠٩١٢٣٤٥٦٧٨",
        "đt0912345678, Zalo 0987654321",
        "0912345678/0987654321",
        "ngày 20/11/2026 gọi 0912 345 678",
    ],
)
def test_phone_numbers_are_found_however_they_are_grouped(text: str) -> None:
    assert personal_numbers(text) == ("phone",)


@pytest.mark.parametrize(
    "text",
    [
        "CCCD 001203004567 của bác",
        "001 203 004 567",
        "0012 0300 4567",
        "001.203.004.567",
        "001-203-004-567",
        "CCCD001203004567",
        "００１２０３００４５６７",
        "CMND 012345678",
        "CMND: 012 345 678",
        "cmt số 123.456.789",
    ],
)
def test_identity_numbers_are_found_however_they_are_grouped(text: str) -> None:
    assert personal_numbers(text) == ("identity",)


@pytest.mark.parametrize(
    "text",
    [
        "lô L2611-0007, 480 kg, 20/11/2026 03:15",
        "GTIN 08936012345674",
        "SSCC 195200100000000039",
        "EAN 8936012345674",
        "097203004567",  # no province has this number
        "nhiệt độ 4.5 5.0 5.5 6.0",
        "mã 7K3QM-P2XV4",
        "2026-11-22T03:00:00",
        "12345678901234567890",
        "012345678",  # nine digits alone may be anything
        "0,3 5,6 7,8 9,1 2,3",
        "0.5 5.0 5.5 6.0 1.2",
        "0.912345678",
        "21.0285123456, 105.8542123456",
        "MST 0101234567",
        "1900 1234",
        "ABC0912345678X",
    ],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    assert personal_numbers(text) == ()


@pytest.mark.parametrize("text", ["không chín một hai ba", "O912345678", "091234 và 5678"])
def test_what_is_disguised_is_not_found_and_the_rules_say_so(text: str) -> None:
    assert personal_numbers(text) == ()
    assert "disguised on" in str(free_text.__doc__)


def test_a_long_text_is_read_in_passing() -> None:
    began = time.process_time()
    for text in ("0 " * 30_000, "09" * 30_000, "cmnd " * 12_000, "0912-" * 12_000):
        personal_numbers(text)
    assert time.process_time() - began < 2


def test_only_our_own_members_are_read_and_each_find_says_where() -> None:
    event = {
        "trace:note": "hỏi 0912345678",
        "trace:inputs": [{"name": "Phân"}, {"name": "bán bởi +84912345678"}],
        "trace:recordedBy": "0912345678",
        "other:note": "0912345678",
        "ilmd": {"trace:seedSource": "001203004567", "cbvmda:lotNumber": "0912345678"},
    }
    assert list(texts_with_numbers(event)) == [
        ("/trace:note", "phone"),
        ("/trace:inputs/1/name", "phone"),
        ("/ilmd/trace:seedSource", "identity"),
    ]


def test_what_is_passed_over_unread_holds_fewer_than_nine_digits_of_any_form() -> None:
    unread = {
        chr(code)
        for code in range(sys.maxunicode + 1)
        if not 0xD800 <= code < 0xE000
        and any(
            unicodedata.category(plain) == "Nd"
            for plain in unicodedata.normalize("NFKC", chr(code))
        )
        and not chr(code).isdecimal()
        and not free_text._FOLDS_TO_DIGITS.fullmatch(chr(code))
    }
    assert unread == set()
    assert personal_numbers("①②③④⑤⑥⑦⑧⑨") == personal_numbers("123456789")
    assert personal_numbers("gọi ⓪⑨①②③④⑤⑥⑦⑧") == ("phone",)

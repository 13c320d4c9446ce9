"""Phone and identity numbers in what people type are noticed; other numbers are left alone."""

from __future__ import annotations

import pytest

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
    ],
)
def test_phone_numbers_are_found_however_they_are_grouped(text: str) -> None:
    assert personal_numbers(text) == ("phone",)


def test_a_citizens_identity_number_is_found() -> None:
    assert personal_numbers("CCCD 001203004567 của bác") == ("identity",)


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
    ],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    assert personal_numbers(text) == ()


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

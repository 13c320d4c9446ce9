"""Sheets as a printer sees them: rendered by Poppler, read back by zxing and by pdftotext.

Without Poppler the same pictures are read from the file itself in tests/unit/labels.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from io import BytesIO
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from trace.core.gs1 import format_code, parse_digital_link, sscc
from trace.core.labels import LAYOUTS, Label, label_payload, label_sheet_pdf
from trace.services.fonts import sheet_fonts

NAMES = [
    "Rau cải ngọt hữu cơ Đan Phượng – mớ 500 g",
    "Bưởi Diễn loại một, hộp quà Tết",
    "Gạo nếp cái hoa vàng xay xát tại Hợp tác xã",
    "Trứng gà ta thả vườn – vỉ mười quả",
    "Thanh long ruột đỏ xuất khẩu, lạnh 5 °C",
]

pytestmark = pytest.mark.skipif(
    shutil.which("pdftoppm") is None or shutil.which("pdftotext") is None,
    reason="Poppler (pdftoppm, pdftotext) is not installed",
)


def labels(count: int) -> list[Label]:
    return [
        Label(
            f"https://ns.example.vn/01/08936012345674/10/L2611-{number:03}",
            format_code(f"7K3QMP{number:04}"),
            NAMES[number % len(NAMES)],
            "ns.example.vn",
            f"Lô L2611-{number:03}",
            "0,5 kg",
            ("Thu hoạch 22/11/2026", "HSD 25/11/2026"),
        )
        for number in range(count)
    ]


def printed(layout: str, made: list[Label], folder: Path) -> Path:
    out = BytesIO()
    label_sheet_pdf(made, LAYOUTS[layout], out, sheet_fonts(), title="Tem nông sản")
    path = folder / "sheet.pdf"
    path.write_bytes(out.getvalue())
    return path


def pages(path: Path, dots: int) -> list[Image.Image]:
    subprocess.run(
        ["pdftoppm", "-r", str(dots), "-gray", "-png", str(path), str(path.with_suffix(""))],
        check=True,
        timeout=120,
    )
    return [Image.open(page) for page in sorted(path.parent.glob("sheet-*.png"))]


def text_of(path: Path) -> str:
    done = subprocess.run(
        ["pdftotext", "-raw", str(path), "-"], check=True, capture_output=True, timeout=60
    )
    return done.stdout.decode("utf-8")


# 203 dots an inch is the coarsest printer in use (thermal); office printers have 300 and more.
@pytest.mark.parametrize(("layout", "dots"), [("4x10", 300), *((name, 203) for name in LAYOUTS)])
def test_every_printed_code_is_read_back_from_its_own_label(
    layout: str, dots: int, tmp_path: Path
) -> None:
    made = labels(LAYOUTS[layout].per_page + 1)
    rendered = pages(printed(layout, made, tmp_path), dots)
    assert len(rendered) == 2
    stock = LAYOUTS[layout]
    for number, label in enumerate(made):
        page, place = divmod(number, stock.per_page)
        left, top = stock.corner(place)
        box = [
            round(length / 25.4 * dots)
            for length in (left, top, left + stock.label_width, top + stock.label_height)
        ]
        found = zxingcpp.read_barcodes(rendered[page].crop((box[0], box[1], box[2], box[3])))
        assert [one.text for one in found] == [label_payload(label.uri)]
        assert found[0].ec_level == "M"
        assert parse_digital_link(found[0].text).identity.kind == "lot"


# Sheets and rolls with room for the bars of an SSCC.
BARRED = {"1x2", "2x4", "roll-100x150"}


@pytest.mark.parametrize("layout", [*sorted(BARRED), "3x8", "receipt-80"])
def test_a_crates_code_and_bars_are_read_back_from_its_own_label(
    layout: str, tmp_path: Path
) -> None:
    made = [
        Label(
            f"https://ns.example.vn/00/{code}",
            f"(00) {code}",
            NAMES[number],
            "ns.example.vn",
            weight="12 kg",
            dates=("Lô L2611 · 12 kg",),
            bars=f"(00){code}",
        )
        for number, code in enumerate(sscc("8936012", 3, number) for number in range(2))
    ]
    stock = LAYOUTS[layout]
    rendered = pages(printed(layout, made, tmp_path), 203)
    for number, label in enumerate(made):
        page, place = divmod(number, stock.per_page)
        left, top = stock.corner(place)
        box = [
            round(length / 25.4 * 203)
            for length in (left, top, left + stock.label_width, top + stock.label_height)
        ]
        found = zxingcpp.read_barcodes(rendered[page].crop((box[0], box[1], box[2], box[3])))
        texts = {one.format.name: one.text for one in found}
        assert texts.pop("QRCode") == label_payload(label.uri)
        assert texts == ({"Code128": label.bars} if layout in BARRED else {})


def test_a_run_of_equal_labels_is_printed_on_every_place_of_every_page(tmp_path: Path) -> None:
    label = labels(1)[0]
    rendered = pages(printed("3x8", [label] * 30, tmp_path), 203)
    found = [zxingcpp.read_barcodes(page) for page in rendered]
    assert [len(codes) for codes in found] == [24, 6]
    assert {one.text for codes in found for one in codes} == {label_payload(label.uri)}


def test_vietnamese_text_is_in_the_file_letter_by_letter(tmp_path: Path) -> None:
    made = labels(10)
    text = re.sub(r"\s+", " ", text_of(printed("2x4", made, tmp_path)))
    for label in made:
        for expected in (label.name, label.code, label.lot, label.weight, *label.dates):
            assert expected in text
    assert text.count("ns.example.vn") == 10


def test_the_code_in_clear_is_never_cut_and_a_long_name_ends_in_an_ellipsis(tmp_path: Path) -> None:
    serial = format_code("0123456789ABCDEF")
    name = "Cà phê nhân xanh rửa ướt " * 8
    label = Label(labels(1)[0].uri, serial, name, "tem.nongsan-dan-phuong.example.vn")
    text = text_of(printed("4x10", [label], tmp_path))
    assert serial in text
    assert label.domain in text
    assert "…" in text


def test_letters_written_apart_are_printed_together(tmp_path: Path) -> None:
    import unicodedata

    apart = unicodedata.normalize("NFD", NAMES[0])
    label = Label(labels(1)[0].uri, "7", apart + "\u0000\n\tx")
    text = re.sub(r"\s+", " ", text_of(printed("2x7", [label], tmp_path)))
    assert NAMES[0] + " x" in text


def test_fonts_are_embedded_as_subsets(tmp_path: Path) -> None:
    path = printed("4x10", labels(40), tmp_path)
    assert path.stat().st_size < 120_000
    done = subprocess.run(["pdffonts", str(path)], check=True, capture_output=True, timeout=60)
    rows = done.stdout.decode().splitlines()[2:]
    assert rows
    for row in rows:
        # name, type, encoding, emb, sub, uni
        assert re.search(r"TrueType\s+\S+\s+yes\s+yes\s+yes", row), row

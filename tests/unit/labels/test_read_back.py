"""Every stock and every file: what a printer would print is what a scanner reads."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable

import pytest
import zxingcpp
from PIL import Image

from tests.support.printers import images_of_tspl, images_of_zpl
from trace.core.gs1 import format_code, sscc
from trace.core.labels import (
    LAYOUTS,
    Label,
    LabelError,
    custom_layout,
    label_images,
    label_payload,
    label_png,
    write_tspl,
    write_zpl,
)
from trace.core.labels.linear import HEIGHT, MODULE, QUIET, gs1_128, module_of
from trace.services.fonts import sheet_fonts

SINGLE = [name for name, layout in LAYOUTS.items() if layout.per_page == 1]
# Where the bars of an SSCC fit: 176 modules of 0.495 mm, 32 mm high, words and code beside.
BARRED = {"roll-100x150"}
BASE = "https://ns.example.vn"
SERIAL = "0123456789ABCDEF"
SSCC = sscc("8936012", 3, 14)


def lot(number: int) -> Label:
    return Label(
        f"{BASE}/01/08936012345674/10/L2611-{number}",
        f"(01) 08936012345674 (10) L2611-{number}",
        "Rau cải ngọt hữu cơ Đan Phượng – mớ 500 g",
        "ns.example.vn",
        f"Lô L2611-{number}",
        "0,5 kg",
        ("Thu hoạch 22/11/2026", "HSD 25/11/2026"),
    )


def unit(number: int) -> Label:
    serial = SERIAL[number:] + SERIAL[:number]
    return Label(
        f"{BASE}/b/7K3QMP2XV4/{serial}",
        format_code(serial),
        "Gạo nếp cái hoa vàng",
        "ns.example.vn",
        f"Tem 7K3QMP2XV4#{number}",
    )


def crate(number: int) -> Label:
    code = sscc("8936012", 3, number)
    return Label(
        f"{BASE}/00/{code}",
        f"(00) {code}",
        "Bưởi Diễn",
        "ns.example.vn",
        weight="12 kg",
        dates=("Lô L2611",),
        bars=f"(00){code}",
    )


def pictures(labels: Iterable[Label], stock: str, kind: str) -> list[Image.Image]:
    layout, fonts = LAYOUTS[stock], sheet_fonts()
    if kind == "zpl":
        return images_of_zpl(b"".join(write_zpl(labels, layout, fonts)))
    if kind == "tspl":
        return images_of_tspl(b"".join(write_tspl(labels, layout, fonts)))
    return [Image.open(io.BytesIO(label_png(label, layout, fonts))).copy() for label in labels]


@pytest.mark.parametrize("kind", ["zpl", "tspl", "png"])
@pytest.mark.parametrize("stock", SINGLE)
@pytest.mark.parametrize("make", [lot, unit, crate])
def test_what_a_printer_prints_is_what_a_scanner_reads(
    make: Callable[[int], Label], stock: str, kind: str
) -> None:
    made = [make(1), make(2), make(2)]
    images = pictures(made, stock, kind)
    assert len(images) == 3
    for label, image in zip(made, images, strict=True):
        width, height = image.size
        assert abs(width - LAYOUTS[stock].label_width * 8) < 8
        assert abs(height - LAYOUTS[stock].label_height * 8) < 8
        read = {one.format.name: one for one in zxingcpp.read_barcodes(image.convert("L"))}
        assert read["QRCode"].text == label_payload(label.uri, own_letters=True)
        assert ("Code128" in read) == (bool(label.bars) and stock in BARRED)
        if "Code128" in read:
            assert read["Code128"].text == label.bars
            assert read["Code128"].content_type == zxingcpp.ContentType.GS1


def test_bars_are_as_large_as_warehouse_scanners_ask() -> None:
    symbol = gs1_128(f"(00){SSCC}")
    assert symbol.modules == 156
    assert symbol.bars[0][0] == 0
    assert sum(symbol.bars[-1]) == symbol.modules
    for width, height in ((92, 142), (97, 66), (194, 132)):
        module = module_of(symbol.modules, width, height)
        assert module >= MODULE
        assert (symbol.modules + 2 * QUIET) * module <= width + 0.001
    # Too narrow, or too low for the code beside them: better none than one nobody reads.
    assert module_of(symbol.modules, 87, 142) == 0
    assert module_of(symbol.modules, 92, HEIGHT + 20) == 0


def test_bars_on_paper_are_whole_dots_and_as_high_as_asked() -> None:
    (image,) = label_images([crate(1)], LAYOUTS["roll-100x150"], sheet_fonts())
    (bars,) = (
        one
        for one in zxingcpp.read_barcodes(image.convert("L"))
        if one.format == zxingcpp.BarcodeFormat.Code128
    )
    wide = abs(bars.position.top_right.x - bars.position.top_left.x)
    assert abs(wide - 156 * 4) <= 4  # four dots of an eighth of a millimetre: 0.5 mm
    column = [image.getpixel((bars.position.top_left.x + 1, y)) for y in range(image.height)]
    longest = max(len(run) for run in "".join("1" if p == 0 else "0" for p in column).split("0"))
    assert longest >= HEIGHT * 8


@pytest.mark.parametrize("size", [(104, 70), (120, 100), (60, 40)])
def test_stock_measured_with_a_ruler_carries_a_crates_code_too(size: tuple[int, int]) -> None:
    layout = custom_layout(1, 1, *size)
    images = images_of_zpl(b"".join(write_zpl([crate(7)], layout, sheet_fonts())))
    found = {one.format.name for one in zxingcpp.read_barcodes(images[0].convert("L"))}
    assert found == ({"QRCode", "Code128"} if size[0] > 100 else {"QRCode"})


def test_a_crate_that_does_not_fit_its_stock_is_refused() -> None:
    with pytest.raises(LabelError):
        list(write_zpl([crate(1)], custom_layout(1, 1, 20, 15), sheet_fonts()))

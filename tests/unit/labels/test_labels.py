"""Labels without outside programs: matrices, payloads, layouts, sheets."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from io import BytesIO

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from trace.core.gs1 import Identity, local_uri, parse_digital_link, parse_identity
from trace.core.labels import (
    LAYOUTS,
    Engine,
    Label,
    LabelError,
    Level,
    Matrix,
    SheetFonts,
    SheetLayout,
    label_payload,
    label_sheet_pdf,
    qr_matrix,
    qr_png,
    qr_svg,
    short_domain,
)
from trace.core.labels.images import matrix_png
from trace.core.labels.matrix import QUIET_ZONE
from trace.services.fonts import find_font, sheet_fonts

URI = "https://ns.example.vn/01/08936012345674/10/L2611-7"
NAME = "Rau cải ngọt hữu cơ Đan Phượng – mớ 500 g"
LABEL = Label(
    URI, "7K3QM-P2XV4", NAME, "ns.example.vn", "Lô L2611-7", "0,5 kg", ("Thu hoạch 22/11/2026",)
)
ENGINES: tuple[Engine, ...] = ("zxing", "qrcode")
LEVELS: tuple[Level, ...] = ("L", "M", "Q", "H")
TEXTS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=80)


def picture(matrix: Matrix, scale: int = 4) -> Image.Image:
    return Image.open(BytesIO(matrix_png(matrix, scale=scale))).convert("L")


def read(image: Image.Image) -> str:
    found = zxingcpp.read_barcodes(image)
    assert len(found) == 1
    return found[0].text


def sheet(labels: list[Label], layout: SheetLayout, skip: int = 0) -> bytes:
    out = BytesIO()
    assert label_sheet_pdf(iter(labels), layout, out, sheet_fonts(), skip=skip) == len(labels)
    return out.getvalue()


def pictures(pdf: bytes) -> Iterator[Image.Image]:
    """The pictures of one bit a dot in a PDF, dark on white with a margin."""
    pattern = re.compile(
        rb"/Decode \[ 1 0 \][^>]*?/Height (\d+)[^>]*?/Width (\d+)\s*>>\s*stream\n(.*?)endstream",
        re.DOTALL,
    )
    for found in pattern.finditer(pdf):
        side = int(found[1])
        assert int(found[2]) == side
        bits = bytes(255 - byte for byte in zlib.decompressobj().decompress(found[3]))
        page = Image.new("L", (side + 64, side + 64), 255)
        page.paste(Image.frombytes("1", (side, side), bits), (32, 32))
        yield page


@settings(max_examples=40, deadline=None)
@given(TEXTS, st.sampled_from(LEVELS))
def test_both_encoders_decode_to_the_text(text: str, level: Level) -> None:
    for engine in ENGINES:
        matrix = qr_matrix(text, level=level, engine=engine)
        assert read(picture(matrix)) == text


@pytest.mark.parametrize("engine", ENGINES)
def test_a_matrix_has_the_three_finder_patterns_and_whole_bytes(engine: Engine) -> None:
    matrix = qr_matrix(label_payload(URI), engine=engine)
    assert matrix.size % 4 == 1
    assert len(matrix.rows) == matrix.size
    assert {len(row) for row in matrix.rows} == {(matrix.size + 7) // 8}
    last = matrix.size - 1
    for x, y in [(0, 0), (last, 0), (0, last)]:
        assert matrix.dark(x, y)
    assert not matrix.dark(7, 7)
    counted = sum(length for _, _, length in matrix.runs())
    assert counted == sum(matrix.dark(x, y) for x in range(last + 1) for y in range(last + 1))


def test_both_encoders_choose_the_same_size_for_an_address_in_capitals() -> None:
    payload = label_payload(URI)
    assert qr_matrix(payload, engine="zxing").size == qr_matrix(payload, engine="qrcode").size


def test_capitals_save_a_version() -> None:
    uri = "https://truyxuat.nongsan.example.vn/01/08936012345674/10/L26"
    for engine in ENGINES:
        capitals, plain = (qr_matrix(text, engine=engine) for text in (label_payload(uri), uri))
        assert capitals.size < plain.size


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("text", ["", "A" * 4297, "a" * 3000])
def test_a_text_that_fits_into_no_code_is_refused(engine: Engine, text: str) -> None:
    with pytest.raises(LabelError) as refused:
        qr_matrix(text, engine=engine)
    assert refused.value.code == "code-too-long"


@pytest.mark.parametrize(
    ("uri", "payload"),
    [
        (URI, "HTTPS://NS.EXAMPLE.VN/01/08936012345674/10/L2611-7"),
        ("http://localhost:8000/01/08936012345674", "HTTP://LOCALHOST:8000/01/08936012345674"),
        ("https://ns.example.vn/01/08936012345674/10/l7", None),
        ("https://ns.example.vn/vn/01/08936012345674", None),
        ("https://ns.example.vn/01/08936012345674/10/A%2FB", None),
        ("https://ns.example.vn/01/08936012345674?17=261231", None),
        ("https://ns.example.vn/b/7K3QMP2XV4", None),
    ],
)
def test_an_address_is_put_in_capitals_only_when_it_still_names_the_same(
    uri: str, payload: str | None
) -> None:
    assert label_payload(uri) == (payload or uri)
    if "/b/" not in uri:
        assert parse_digital_link(label_payload(uri)).identity == parse_digital_link(uri).identity


def test_our_short_addresses_are_put_in_capitals_on_request() -> None:
    base = "https://ns.example.vn"
    own = Identity("b", "0000000055", (("serial", "0" * 16),))
    payload = label_payload(local_uri(own, base), own_letters=True)
    assert payload == "HTTPS://NS.EXAMPLE.VN/B/0000000055/" + "0" * 16
    assert parse_identity(payload, base) == own
    assert label_payload(base + "/voc/x", own_letters=True) == base + "/voc/x"


def test_the_domain_in_clear_is_the_host_alone() -> None:
    assert short_domain("HTTPS://NS.Example.VN/vn/01/1") == "ns.example.vn"


def test_the_svg_draws_every_module_inside_its_quiet_zone_and_names_itself() -> None:
    svg = qr_svg(URI, title="Mã <QR> & tên")
    assert "<title>Mã &lt;QR&gt; &amp; tên</title>" in svg
    assert 'role="img"' in svg
    assert 'aria-hidden="true"' in qr_svg(URI)
    side = int(re.search(r'viewBox="0 0 (\d+) \1"', svg)[1])  # type: ignore[index]  # must match
    matrix = qr_matrix(URI, engine="qrcode")
    assert side == matrix.size + 2 * QUIET_ZONE
    image = Image.new("L", (side * 4, side * 4), 255)
    for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\3z", svg):
        assert int(x) >= QUIET_ZONE
        assert int(x) + int(length) <= side - QUIET_ZONE
        image.paste(0, (int(x) * 4, int(y) * 4, (int(x) + int(length)) * 4, int(y) * 4 + 4))
    assert read(image) == URI


def test_the_png_has_a_quiet_zone_of_four_modules_and_is_read_back() -> None:
    image = Image.open(BytesIO(qr_png(URI, scale=3)))
    assert image.mode == "1"
    assert read(image.convert("L")) == URI
    assert image.convert("L").crop((0, 0, image.width, 12)).getextrema() == (255, 255)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_every_layout_lies_on_its_page_and_its_labels_apart(layout: SheetLayout) -> None:
    layout.check()
    corners = [layout.corner(place) for place in range(layout.per_page)]
    for one in range(layout.per_page):
        for two in range(one):
            dx, dy = (abs(a - b) for a, b in zip(corners[one], corners[two], strict=True))
            assert dx >= layout.label_width - 1e-9 or dy >= layout.label_height - 1e-9


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_every_code_in_a_sheet_decodes_to_its_own_address(layout: SheetLayout) -> None:
    count = layout.per_page + 1
    labels = [
        Label(f"{URI}{number:02}/21/{number:016}", str(number), NAME, "ns.example.vn")
        for number in range(count)
    ]
    pdf = sheet(labels, layout)
    assert [read(one) for one in pictures(pdf)] == [label_payload(one.uri) for one in labels]
    assert pdf.count(b"/Type /Page\n") == 2


def test_a_run_of_equal_labels_shares_one_picture() -> None:
    other = Label(URI + "8", "8", NAME)
    assert len(list(pictures(sheet([LABEL] * 60, LAYOUTS["4x10"])))) == 1
    codes = [read(one) for one in pictures(sheet([LABEL, LABEL, other, LABEL], LAYOUTS["4x10"]))]
    assert codes == [label_payload(one.uri) for one in (LABEL, other, LABEL)]


def test_the_same_labels_give_the_same_bytes() -> None:
    assert sheet([LABEL] * 3, LAYOUTS["3x8"]) == sheet([LABEL] * 3, LAYOUTS["3x8"])


def test_a_sheet_that_is_used_already_is_begun_further_down() -> None:
    one = sheet([LABEL] * 40, LAYOUTS["4x10"])
    two = sheet([LABEL] * 40, LAYOUTS["4x10"], skip=3)
    assert one.count(b"/Type /Page\n") == 1
    assert two.count(b"/Type /Page\n") == 2


@pytest.mark.parametrize(
    ("label", "layout", "code"),
    [
        (None, LAYOUTS["4x10"], "no-labels"),
        (LABEL, SheetLayout("wide", 5, 10, 52.5, 29.7), "bad-layout"),
        (LABEL, SheetLayout("tiny", 10, 20, 21.0, 14.0), "code-too-small"),
        (Label("https://a/" + "x" * 400, "7", NAME), LAYOUTS["4x10"], "code-too-small"),
        (Label("https://a/" + "x" * 4000, "7", NAME), LAYOUTS["4x10"], "code-too-long"),
        (
            Label(URI, "7", NAME, dates=tuple(f"Ngày {n}/11/2026" for n in range(30))),
            LAYOUTS["4x10"],
            "text-does-not-fit",
        ),
        (Label(URI, "7", NAME, lot="L" * 60), LAYOUTS["4x10"], "text-does-not-fit"),
    ],
)
def test_what_cannot_be_printed_readably_is_refused(
    label: Label | None, layout: SheetLayout, code: str
) -> None:
    with pytest.raises(LabelError) as refused:
        label_sheet_pdf([label] if label else [], layout, BytesIO(), sheet_fonts())
    assert refused.value.code == code
    assert "%(" not in refused.value.detail


def test_a_font_that_is_none_is_refused() -> None:
    regular = sheet_fonts().regular
    for broken in (b"", b"not a font", regular[:5000]):
        with pytest.raises(LabelError) as refused:
            label_sheet_pdf([LABEL], LAYOUTS["4x10"], BytesIO(), SheetFonts(regular, broken))
        assert refused.value.code == "bad-font"


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=120), st.text(max_size=20))
def test_no_name_whatever_breaks_a_sheet(name: str, weight: str) -> None:
    label = Label(URI, "7K3QM-P2XV4", name, "ns.example.vn", weight=weight)
    try:
        pdf = sheet([label], LAYOUTS["4x10"])
    except LabelError as error:
        code = error.code
    else:
        code = ""
        assert [read(one) for one in pictures(pdf)] == [label_payload(URI)]
    assert code in {"", "text-does-not-fit"}


def test_the_font_found_holds_every_vietnamese_letter() -> None:
    from reportlab.pdfbase.ttfonts import TTFontFile

    letters = "aăâeêioôơuưyđ"
    marks = "\u0300\u0309\u0303\u0301\u0323"
    import unicodedata

    needed = {
        unicodedata.normalize("NFC", case(letter + mark))
        for letter in letters.replace("đ", "")
        for mark in marks
        for case in (str, str.upper)
    } | set(letters + letters.upper() + "–…₫·")
    for path in find_font():
        known = TTFontFile(str(path)).charToGlyph
        assert [letter for letter in needed if ord(letter) not in known] == []

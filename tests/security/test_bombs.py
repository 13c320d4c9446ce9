"""Files that are more than they seem, and addresses that are others than they seem."""

from __future__ import annotations

import io
import ipaddress
import time
import tracemalloc
import zipfile
from contextlib import suppress

import pytest
from openpyxl import Workbook
from PIL import Image

from trace.errors import TraceError
from trace.services import outward
from trace.services.attachments import NotAPhoto, read_photo
from trace.services.sheet_files import (
    SheetBroken,
    SheetTooComplex,
    SheetTooLarge,
    SheetTooWide,
    read_sheet,
)

INNER = (
    *(
        "127.0.0.1",
        "127.1.2.3",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
    ),
    *(
        "100.64.0.1",
        "192.0.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
    ),
    *(
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "2001:db8::1",
        "2002:7f00:1::",
    ),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1"),
    *("64:ff9b:1::1", "2001::1", "::127.0.0.1", "fec0::1", "100::1"),
)
WRITTEN = (
    *("https://127.0.0.1/", "https://[::1]/", "https://0x7f000001/", "https://2130706433/"),
    *("https://0177.0.0.1/", "https://127.1/", "https://localhost/", "https://a.localhost/"),
    *("https://metadata.internal/", "https://db.local/", "https://user@maker.example.com/"),
    *(
        "https://maker.example.com:8443/",
        "http://maker.example.com/",
        "https://maker.example.com#@x/",
    ),
    *(
        "file:///etc/passwd",
        "gopher://x.example.com/",
        "https:///x",
        "//x.example.com/",
        "https://ex ample.com/",
    ),
    *(
        "https://xn--/",
        "https://127.0.0.1.:443/",
        "https://[::ffff:127.0.0.1]/",
        "https://①②⑦.0.0.1/",
    ),
)


@pytest.mark.parametrize("address", INNER)
def test_no_inner_address_however_written_is_public(address: str) -> None:
    ipaddress.ip_address(address)
    for found in ([(address, 443)], [("93.184.216.34", 443), (address, 443)]):
        with pytest.raises(outward.Unreachable) as told:
            outward.check_public(found)
        assert told.value.lasting


def test_public_addresses_are() -> None:
    for address in ("93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"):
        assert outward.check_public([(address, 443)]) == (address, 443)


@pytest.mark.parametrize("text", WRITTEN)
def test_no_address_but_https_at_a_public_name_is_spoken_to(text: str) -> None:
    with pytest.raises(outward.BadAddress):
        outward.check_address(text)


def picture(form: str = "JPEG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 48), (10, 120, 40)).save(file, form)
    return file.getvalue()


@pytest.mark.parametrize(
    "behind",
    [
        b"<script>alert(1)</script>",
        b"PK\x03\x04",
        b"%PDF-1.7 /JS",
        b"<?php system('id');?>",
        b"GIF89a=1;",
    ],
)
def test_a_picture_that_is_also_something_else_comes_out_a_picture(behind: bytes) -> None:
    kept = read_photo(io.BytesIO(picture() + behind)).data
    assert kept.startswith(b"\xff\xd8")
    assert kept.endswith(b"\xff\xd9")
    assert behind not in kept


@pytest.mark.parametrize(
    "sent",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>",
        b"GIF89a/*" + bytes(50),
        b"%!PS-Adobe-3.0 EPSF-3.0",
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"",
    ],
)
def test_what_only_begins_like_a_picture_is_none(sent: bytes) -> None:
    with pytest.raises(NotAPhoto):
        read_photo(io.BytesIO(sent))


def workbook(**more: bytes) -> bytes:
    file = io.BytesIO()
    book = Workbook()
    sheet = book.create_sheet("Vườn", 0)
    sheet.append(["Tên", "Mã"])
    sheet.append(["Vườn A", "A1"])
    book.save(file)
    out = io.BytesIO()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            data = old.read(part)
            if part.filename == "xl/worksheets/sheet1.xml" and "inside" in more:
                data = data.replace(b"</sheetData>", b"</sheetData>" + more["inside"])
            new.writestr(part.filename, data)
        if "beside" in more:
            new.writestr("xl/media/large.bin", more["beside"])
    return out.getvalue()


def test_a_workbook_that_unpacks_without_end_is_refused() -> None:
    sent = workbook(beside=bytes(150_000_000))
    assert len(sent) < 200_000
    with pytest.raises(SheetTooLarge):
        read_sheet(sent)


def lying(sent: bytes, name: str, data: bytes, kind: int, told: int) -> bytes:
    """The package with one more part, of which the list at its end says that it is `told` bytes."""
    file = io.BytesIO(sent)
    with zipfile.ZipFile(file, "a", kind) as package:
        package.writestr(name, data)
    whole = bytearray(file.getvalue())
    at = whole.rindex(b"PK\x01\x02")
    assert whole[at + 46 :].startswith(name.encode())
    whole[at + 24 : at + 28] = told.to_bytes(4, "little")
    return bytes(whole)


@pytest.mark.parametrize("name", ["xl/other.xml", "xl/media/picture.bin"])
@pytest.mark.parametrize("kind", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_part_that_is_longer_than_its_package_says_is_not_unpacked(kind: int, name: str) -> None:
    sent = lying(workbook(), name, bytes(300_000_000), kind, 10)
    tracemalloc.start()
    with pytest.raises(SheetBroken):
        read_sheet(sent)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def test_a_part_that_is_shorter_than_its_package_says_is_a_damaged_file() -> None:
    with pytest.raises(SheetBroken):
        read_sheet(lying(workbook(), "xl/other.xml", b"<a/>", zipfile.ZIP_DEFLATED, 100))
    assert read_sheet(lying(workbook(), "xl/other.xml", b"<a/>", zipfile.ZIP_DEFLATED, 4)).rows


@pytest.mark.parametrize("again", [b"<mergeCell ", b'<row hidden="', b"<col hidden "])
def test_a_comment_that_begins_tags_without_end_is_read_in_one_go(again: bytes) -> None:
    sent = workbook(inside=b'<!-- mergeCell  hidden="' + again * 150_000 + b"-->")
    began = time.thread_time()
    with suppress(TraceError):
        read_sheet(sent)
    assert time.thread_time() - began < 3


def sheet_of(rows: bytes, after: bytes = b"") -> bytes:
    """A workbook whose sheet has these rows, and then these parts."""
    file = io.BytesIO(workbook())
    out = io.BytesIO()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            data = old.read(part)
            if part.filename == "xl/worksheets/sheet1.xml":
                head, _, rest = data.partition(b"<sheetData>")
                tail = rest.partition(b"</sheetData>")[2]
                data = head + b"<sheetData>" + rows + b"</sheetData>" + after + tail
            new.writestr(part.filename, data)
    return out.getvalue()


ONE = b'<row r="1"><c r="A1"><v>1</v></c></row>'


@pytest.mark.parametrize("number", [b"1048577", b"4000000000", b"1e300", b"0", b"-4"])
def test_a_row_of_no_sheet_is_refused_and_no_gap_before_it_is_filled_in(number: bytes) -> None:
    began = time.thread_time()
    with pytest.raises(SheetBroken):
        read_sheet(sheet_of(ONE + b'<row r="' + number + b'"><c><v>2</v></c></row>'))
    assert time.thread_time() - began < 0.5


def test_the_last_row_of_a_sheet_costs_no_more_than_the_first() -> None:
    began = time.thread_time()
    found = read_sheet(sheet_of(ONE + b'<row r="1048576"><c r="A1048576"><v>2</v></c></row>'))
    assert time.thread_time() - began < 0.2
    assert [(row.number, row.values) for row in found.rows] == [(1, [1]), (1_048_576, [2])]


def test_rows_that_do_not_follow_one_another_are_a_damaged_file_not_lost() -> None:
    with pytest.raises(SheetBroken):
        read_sheet(sheet_of(b'<row r="5"><c r="A5"><v>5</v></c></row>' + ONE))


def test_empty_cells_in_the_last_column_cost_no_more_than_others() -> None:
    rows = b"".join(b'<row r="%d"><c r="XFD%d"/></row>' % (n, n) for n in range(2, 20_000))
    began = time.thread_time()
    assert len(read_sheet(sheet_of(ONE + rows)).rows) == 1
    assert time.thread_time() - began < 3
    with pytest.raises(SheetTooWide):
        read_sheet(sheet_of(ONE + b'<row r="2"><c r="XFD2"><v>1</v></c></row>'))


def test_a_sheet_merged_from_end_to_end_is_told_once_a_row_that_says_something() -> None:
    areas = b'<mergeCell ref="A1:CV1048576"/>' * 5_000
    said = b"".join(b'<row r="%d"><c r="B%d"><v>1</v></c></row>' % (n, n) for n in range(2, 200))
    silent = b"".join(b'<row r="%d"/>' % n for n in range(200, 20_000))
    began = time.thread_time()
    found = read_sheet(sheet_of(ONE + said + silent, b"<mergeCells>" + areas + b"</mergeCells>"))
    assert time.thread_time() - began < 3
    assert len(found.rows) == 199
    told = {str(problem) for row in found.rows for problem in row.problems.values()}
    assert told == {"Cells A1:CV1048576 are merged. Unmerge them and fill in each row."}


def test_more_sheets_or_styles_than_anybody_has_are_refused_before_they_are_made() -> None:
    sheets = b'<sheet name="s" sheetId="2" r:id="rId1"/>' * 80
    styles = b"<xf/>" * 500_000
    for part, before, more in (
        ("xl/workbook.xml", b"<sheets>", sheets),
        ("xl/styles.xml", b"<cellXfs", b"<cellXfs>" + styles + b"</cellXfs><cellXfs"),
    ):
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(workbook())) as old, zipfile.ZipFile(out, "w") as new:
            for one in old.infolist():
                data = old.read(one)
                if one.filename == part:
                    assert before in data
                    at = data.index(before)
                    whole = before + more if part == "xl/workbook.xml" else more
                    data = data[:at] + whole + data[at + len(before) :]
                new.writestr(one.filename, data)
        began = time.thread_time()
        with pytest.raises(SheetTooComplex):
            read_sheet(out.getvalue())
        assert time.thread_time() - began < 0.5

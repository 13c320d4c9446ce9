"""Beyond core: what forms, files, headers, devices, other offices and settings give us to read."""

# What inputs are made of stands on lines of its own.
# ruff: noqa: E501

from __future__ import annotations

import io
import zipfile
from base64 import b64encode
from contextlib import suppress
from datetime import date
from typing import Any, Final
from unittest import mock

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from marshmallow import ValidationError

from tests.fuzz.target import broken, json_of, refused, same, target, text_of
from tests.golden.signed import KEY
from tests.unit.epcis.epcis_events import NOW
from trace import config
from trace.config import BadSetting, Settings
from trace.core.signing import PublicKey
from trace.core.totp import matching_step
from trace.errors import TraceError
from trace.schemas.base import Day, parse_number
from trace.schemas.records import parse_moment
from trace.schemas.weighing import parse_column, parse_weight
from trace.services import custody, passkeys, people, sheet_files, tracking_codes, untp_status
from trace.services.catalogue import read_catalogue
from trace.services.chain_audit.ceilings import read_ceilings
from trace.services.check_lists import read_items
from trace.services.paging import read_cursor, write_cursor
from trace.services.portal_adapters import read_answer
from trace.services.sensors_readings import read_csv
from trace.web.addresses import best_language
from trace.web.outbox import parse_phone_time
from trace.web.scan.beacon import is_scan
from trace.web.scan.bodies import encoding_of
from trace.web.scan.rows import ask


def form(read: Any, *given: Any) -> Any:
    """What a form's reader returns, None where it refuses by name."""
    try:
        return refused(read, *given)
    except ValidationError as error:
        messages = error.messages if isinstance(error.messages, list) else [error.messages]
        if not all(isinstance(one, TraceError) for one in messages):
            broken("a refusal without a name", messages)
        return None


DAY: Final = Day()


def read_day(typed: str) -> date:
    day: date = DAY.read(typed, "day", {})
    return day


@target(
    *(
        parse_number,
        parse_moment,
        parse_weight,
        parse_column,
        people.parse_phone,
        people.parse_login,
    ),
    *(tracking_codes.read_code, read_items, read_cursor, Day.read, matching_step),
    seeds=tuple(
        text.encode()
        for text in (
            "1.234,5",
            "1,234.50",
            "1.500",
            "12,5+3+0.25",
            "20/11/2026 7:05",
            "2026-11-20T07:05",
            "H01\t12,5\nH02;3",
            "5\n6\n7",
            "0912 345 678",
            "+84 912345678",
            "a@example.vn",
            "0123456789ABCDEF",
            "(00)395201234567890128",
            "395201234567890128",
            "Có sạch không?\nCó nhãn không?",
            write_cursor(7),
            "30/02/2026",
            "1/1/2026",
        )
    ),
    words=(
        b".",
        b",",
        b"+",
        b"/",
        b":",
        b"\t",
        b";",
        b"84",
        b"09",
        b"@",
        b"(00)",
        b"2026",
        b"99999999999999999999",
        b"1e5",
        "٣".encode(),
        "²".encode(),
        "−".encode(),
        b"\xc2\xa0",
        b"-",
    ),
    longest=20_000,
    patterns=(
        (b"", b"1+", b"1"),
        (b"", b"1.", b""),
        (b"", b"H01 1\n", b""),
        (b"", b"1,234", b"."),
        (b"", b"0 ", b""),
        (b"", b"a@", b""),
        (b"a@", b"a.", b""),
    ),
    usual=60,
)
def typed_values(data: bytes) -> None:
    text = text_of(data)
    number = form(parse_number, text)
    if number is not None and not (number.is_finite() and len(text) < 4000):
        broken("a number that is none", text)
    weight = form(parse_weight, text)
    if weight is not None and weight.as_tuple().exponent != -3:
        broken("a weight", weight)
    form(read_day, text)
    for read in (parse_moment, tracking_codes.read_code, read_items, people.parse_login):
        form(read, text)
    phone = form(people.parse_phone, text)
    if phone is not None:
        same("a phone number once more", people.parse_phone(phone), phone)
    column = form(parse_column, text, ("H01", "H02", "H03"))
    if column is not None and not set(column) <= {"H01", "H02", "H03"}:
        broken("somebody else's weight", column)
    matching_step(bytes(20), text, NOW, after=0)
    cursor = form(read_cursor, text)
    if cursor is not None:
        same("a cursor", write_cursor(cursor), text)


READINGS: Final = b"time;temperature;humidity\n2026-11-22 03:00;4,5;80\n22/11/2026 03:30;5.0;\n"


@target(
    *(sheet_files.read_sheet, sheet_files.decode, read_csv, read_catalogue, read_ceilings),
    seeds=(
        READINGS,
        "Thời gian,Nhiệt độ (°C)\n2026-11-22T03:00:00+07:00,4.5\n".encode(),
        b'"sep=;"\na;b\n1;"x;y"\n',
        "tên\tmã\nRau muống\t1".encode("utf-16"),
        b"crop,tonnes,days\nrau,5,30\n",
        "a,b\nế,x".encode("cp1258", "replace"),
        b"name,active_ingredient,days\nA,B,7\n",
        b"PK\x03\x04xl/workbook.xml",
        b"\xd0\xcf\x11\xe0",
    ),
    words=(
        b'"',
        b'""',
        b";",
        b",",
        b"\t",
        b"\r",
        b"\r\n",
        b"sep=",
        b"time",
        b"temperature",
        b"1e5",
        b"NaN",
        b"9999-12-31T23:59",
        b"0001-01-01 00:00",
        b"crop",
        b"tonnes",
        b"days",
        b"\xef\xbb\xbf",
        "nhiệt độ".encode(),
    ),
    longest=1_000_000,
    patterns=(
        (b"", b'"', b""),
        (b"a;b\n", b"1;2\n", b""),
        (READINGS[:25], b"2026-11-22 03:00;4\n", b""),
        (b"", b"a,", b""),
        (b"", b'"a""', b'"'),
        (b"crop,tonnes,days\n", b"a,1,1\n", b""),
        (b"", b"\n", b"a"),
    ),
    usual=300,
)
def tables_in_text(data: bytes) -> None:
    sheet = form(sheet_files.read_sheet, data)
    if sheet is not None and len(sheet.rows) > sheet_files.ROW_LIMIT + 20:
        broken("more rows than are read", len(sheet.rows))
    for given in form(read_csv, data) or ():
        if given.time.tzinfo is None or not given.value.is_finite():
            broken("a reading of no time or value", given)
    for kind in ("products", "pesticides"):
        form(read_catalogue, kind, data)
    form(read_ceilings, data)


def package(content: bytes) -> bytes:
    """A workbook whose sheet holds these bytes, or with LF+name before them another part."""
    name, line, rest = content.partition(b"\n")
    parts = {
        "[Content_Types].xml": b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
        "_rels/.rels": b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": b'<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="A" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": SHEET,
    }
    where = {b"0": "xl/worksheets/sheet1.xml", b"1": "xl/workbook.xml", b"2": "[Content_Types].xml"}
    if line and name in where:
        parts[where[name]] = rest
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for part, text in parts.items():
            file.writestr(part, text)
    return made.getvalue()


SHEET: Final = (
    b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cols><col min="1" max="2" hidden="1"/></cols><sheetData>'
    b'<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c><c r="B1"><v>1.5</v></c></row><row r="2"><c r="A2"><f>1+1</f><v>2</v></c>'
    b'<c r="B2" t="d"><v>2026-11-22</v></c><c r="C2" t="e"><v>#REF!</v></c></row></sheetData><mergeCells><mergeCell ref="A1:B2"/></mergeCells></worksheet>'
)


@target(
    sheet_files.read_sheet,
    seeds=(b"0\n" + SHEET, b"1\n<workbook/>", b"2\n<Types/>", b"0\n<worksheet/>"),
    words=(
        b"<c r=",
        b'"A1"',
        b'"XFD1048576"',
        b"<v>",
        b"</v>",
        b't="s"',
        b't="b"',
        b't="d"',
        b't="n"',
        b"<row r=",
        b'<row r="1048577"',
        b'"4000000000"',
        b"hidden=",
        b"mergeCell ",
        b'ref="A1:XFD1048576"',
        b"<f>",
        b"1E400",
        b"NaN",
        b'min="',
        b'max="16384"',
    ),
    longest=300_000,
    patterns=(
        (
            b"0\n" + SHEET[:120],
            b'<row r="1"><c r="A1"><v>1</v></c></row>',
            b"</sheetData></worksheet>",
        ),
        (b"0\n", b"<col ", b""),
        (b"0\n" + SHEET[:-12], b'<mergeCell ref="A1:Z9"/>', b"</worksheet>"),
        (b"0\n" + SHEET[:-12], b'<mergeCell ref="A#N#:Z1048576"/>', b"</worksheet>"),
        (b"0\n" + SHEET[:120], b'<row><c r="XFD1"/></row>', b"</sheetData></worksheet>"),
    ),
    usual=1200,
    heavy=True,
)
def workbooks(data: bytes) -> None:
    form(sheet_files.read_sheet, package(data))


PEM_KEY: Final = KEY.public._key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@target(
    *(
        custody.read_public_key,
        passkeys.read_assertion,
        passkeys.read_made,
        untp_status.decode,
        read_answer,
    ),
    *(config.read_key,),
    seeds=(
        PEM_KEY,
        PEM_KEY.replace(b"\x70", b"\x71"),
        b'{"kty":"OKP","crv":"Ed25519","x":"' + b"A" * 43 + b'"}',
        b'{"authenticatorData":"AA","clientDataJSON":"AA","signature":"AA"}',
        b'{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","attestationObject":"o2NmbXRkbm9uZWdhdHRTdG10oGhhdXRoRGF0YUA"}}',
        b'{"state":"accepted","receipt":"a"}',
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00",
        bytes.fromhex("30593013")
        + b"\x06\x07*\x86H\xce=\x02\x01\x06\x08*\x86H\xce=\x03\x01\x07\x03B\x00\x04"
        + bytes(64),
    ),
    words=(
        b"\x06\x03\x2b\x65\x70",
        b"\x06\x03\x2b\x65\x71",
        b"\x30",
        b"\x03\x21\x00",
        b'"state":',
        b'"response":{',
        b'"id":',
        b"\x1f\x8b\x08",
        b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01",
        b"\xa1\x01\x02",
        b"\x05\x00",
    ),
    longest=20_000,
    patterns=((b"", b"[", b""), (b"", b"\x30\x80", b""), (b'{"response":', b"{", b"}")),
    usual=300,
)
def keys_from_outside(data: bytes) -> None:
    text = text_of(data)
    pem = f"-----BEGIN PUBLIC KEY-----\n{b64encode(data).decode()}\n-----END PUBLIC KEY-----\n"
    for given in (text, pem):
        key = refused(custody.read_public_key, given)
        if key is not None and not isinstance(key, PublicKey):
            broken("another kind of key", key)
    refused(passkeys.read_assertion, text)
    with mock.patch.object(passkeys, "relying_party", return_value=("trace.example", "https://a")):
        if refused(passkeys.read_made, text, b"challenge") is not None:
            broken("a passkey that nobody made", text)
    packed = "u" + b64encode(data, b"-_").decode().rstrip("=")
    for given in (text, packed):
        places = refused(untp_status.decode, given)
        if places is not None and not all(0 <= one < 16 * 8 * untp_status.PLACES for one in places):
            broken("a place beyond the list", len(places))
    refused(read_answer, data)
    if isinstance(json_of(data), dict):
        refused(read_answer, data, empty=None)
    with suppress(BadSetting):
        config.read_key("X", text)


@target(
    *(best_language, encoding_of, parse_phone_time, is_scan, ask),
    seeds=(
        b"vi-VN,vi;q=0.9,en;q=0.8",
        b"gzip, deflate, br;q=0",
        b"written=1763780400000; sent=1763780401000; offset=-5; typed=1",
        b"https://trace.example",
        b"Mozilla/5.0 (Linux; Android 14) Chrome/120",
        b"/b/7K3QMP2XV4?x=1",
        b"http://[::1",
        b"http://a]b/",
    ),
    words=(
        b"written=",
        b"sent=",
        b"offset=",
        b"typed=",
        b";q=",
        b",",
        b"http://[",
        b"]",
        b"br",
        b"gzip",
        b"*",
        b"/01/",
        b"253402300799000",
        b"9" * 20,
        "²".encode(),
    ),
    longest=8_000,
    patterns=((b"", b",", b""), (b"", b";q=1", b""), (b"", b"written=1;", b""), (b"", b"a-", b"")),
    usual=120,
)
def headers(data: bytes) -> None:
    # What a server hands on of a header's bytes (PEP 3333): Latin-1.
    text = data.decode("latin-1")
    best_language.__wrapped__(text)
    if encoding_of.__wrapped__(text) not in ("br", "gzip", ""):
        broken("an encoding", text)
    told = parse_phone_time(text, NOW)
    if told is not None:
        told.suggested()
        refused(told.check, NOW)
    refused(ask.__wrapped__, text, "https://trace.example")
    environ = {"HTTP_USER_AGENT": "Mozilla/5.0", "HTTP_ORIGIN": text, "HTTP_HOST": "trace.example"}
    is_scan(environ, secure=False)
    is_scan({"HTTP_USER_AGENT": text, "HTTP_SEC_PURPOSE": text}, secure=True)


NAMES: Final = (
    *(
        "PORT",
        "TRACE_PUBLIC_URL",
        "TRACE_ID_BASE",
        "TRACE_DATABASE_URL",
        "TRACE_DATABASE_READ_URL",
        "TRACE_REDIS_URL",
    ),
    *(
        "TRACE_MAIL",
        "TRACE_MAIL_FROM",
        "TRACE_SMS",
        "TRACE_PROXIES",
        "TRACE_REPLICA_LAG",
        "TRACE_LOG_MIRRORS",
    ),
    *(
        "TRACE_FILES",
        "TRACE_PORTAL",
        "TRACE_PUSH_CONTACT",
        "TRACE_SECURITY_CONTACT",
        "TRACE_KEY_ENCRYPTION_KEY",
    ),
    *(
        "TRACE_METRICS_TOKEN",
        "TRACE_SCAN_PLACES",
        "TRACE_ENVIRONMENT",
        "TRACE_WITNESSES",
        "TRACE_WORKERS",
    ),
)
GIVEN: Final = {"TRACE_KEY_ENCRYPTION_KEY": "A" * 43, "TRACE_SECRET_KEY": "s" * 40}


@target(
    Settings.from_env,
    seeds=(
        b"PORT=8000\nTRACE_PUBLIC_URL=https://a.example/x",
        b"TRACE_MAIL=smtp://u:p@h:25",
        b"TRACE_FILES=s3://b/x?endpoint=http://h",
        b"TRACE_ENVIRONMENT=production\nTRACE_MAIL=",
        b"TRACE_PORTAL=https://a",
    ),
    words=(
        *(f"\n{name}=".encode() for name in NAMES),
        b"http://[",
        b"://",
        b":99999",
        b"smtp://",
        b"postgresql+psycopg://",
        b"redis://",
        "²".encode(),
        b"console",
    ),
    longest=8_000,
    usual=200,
)
def settings(data: bytes) -> None:
    lines = (line.partition("=") for line in text_of(data).split("\n"))
    env = {
        **GIVEN,
        **{name: value for name, _, value in lines if name in NAMES and "\0" not in value},
    }
    try:
        found = Settings.from_env(env)
    except BadSetting:
        return
    if not found.id_base.startswith("https://") or found.public_url.endswith("/"):
        broken("a base that nobody can print", found.id_base)

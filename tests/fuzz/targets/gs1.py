"""Identifiers: Digital Links, EPC URNs and tags, element strings, codes, link types, headers."""

from __future__ import annotations

import json
from datetime import date
from typing import Final

from tests.fuzz.target import VECTORS, broken, refused, same, target, text_of
from trace.core.gs1 import (
    codes,
    element_strings,
    epc,
    epc_binary,
    links,
    linkset,
    linkset_choosing,
    mistyped,
    report,
    table,
    values,
)
from trace.core.gs1.identity import Identity, canonical_uri, escape, local_uri
from trace.core.gs1.sscc import check_prefix, format_sscc, sscc

BASE: Final = "https://trace.example/vn"
CODE: Final = "7K3QMP2XV4"
LINKS: Final = (
    "https://id.gs1.org/01/09520123456788/10/ABC123/21/12345?17=201225&3103=000195",
    "https://id.gs1.org/01/09520123456788/22/2A",
    "https://example.com/some/stem/01/09520123456788/10/L%2F1?linkType=gs1:pip&4330=-",
    "HTTPS://TRACE.EXAMPLE/VN/B/7K3QMP2XV4",
    "https://id.gs1.org/00/395201234567890128",
    "https://id.gs1.org/8006/095201234567880102/21/1",
    "https://id.gs1.org/414/9521234567899/254/A",
    "https://id.gs1.org/253/9521234567899X?x;y=1;;&&",
    "http://trace.example/vn/b/7K3QM-P2XV4/0123456789ABCDEF",
    "https://id.gs1.org/8003/09521234567899a/8008/1",
    "https://id.gs1.org/255/9521234567899?3940=1",
    "https://id.gs1.org/01/09520123456788/235/TPX?7040=1ABC#x",
    "/01/09520123456788/10/ABC/?15=261122&a=b",
    "/b/7K3QMP2XV4",
    "https://id.gs1.org/8004/952A?7001=1",
    "https://example.com/gtin/9520123456788/lot/A?exp=1",
)
EPCS: Final = (
    "urn:epc:id:sgtin:9521141.012345.4711",
    "urn:epc:class:lgtin:4012345.012345.998877",
    "urn:epc:id:sscc:952005385.011",
    "urn:epc:id:sgln:9521141.12345.0",
    "urn:epc:id:pgln:9521141.00000",
    "urn:epc:id:grai:9521141.12345.400",
    "urn:epc:id:giai:9521141.12345400",
    "urn:epc:id:gdti:9521141.12345.400",
    "urn:epc:id:cpi:9521141.5PQ7%2FZ43.12345",
    "urn:epc:id:gsrn:9521141.0123456789",
    "urn:epc:id:gsrnp:9521141.0123456789",
    "urn:epc:id:itip:9521141.012345.04.04.32a%2Fb",
    "urn:epc:id:upui:9521141.089456.51qIgY",
    "urn:epc:id:sgcn:9521141.67890.04711",
    "urn:epc:id:ginc:952.x",
    "urn:epc:id:gsin:9521141.123456789",
    "urn:epc:idpat:sgtin:9521141.012345.*",
    "urn:epc:idpat:sgtin:*.*.*",
    "urn:epc:id:adi:35962.PQ7VZ4.M37GXB92",
    "urn:epc:idpat:lgtin:4012345.012345.*",
    "urn:epc:id:bic:CSQU3054383",
)
ELEMENTS: Final = ("(01)09520123456788(10)AB-1(17)261122", "(00)395201234567890128", "(10)a(b(21)x")
WORDS: Final = (
    *(
        f"/{ai}/".encode()
        for ai in ("01", "00", "10", "21", "22", "235", "414", "254", "417", "253")
    ),
    *(
        f"/{ai}/".encode()
        for ai in ("8003", "8004", "8006", "8010", "8011", "8017", "8018", "401", "402")
    ),
    *(
        f"&{ai}=".encode()
        for ai in ("17", "15", "3103", "4330", "7040", "8008", "3940", "8005", "423", "7003")
    ),
    *(
        b"09520123456788",
        b"https://",
        b"HTTP://",
        b"id.gs1.org",
        b"trace.example/vn",
        b"/b/",
        b"/c/",
        b"/q/",
    ),
    *(
        CODE.encode(),
        b"?linkType=",
        b"%2F",
        b"%00",
        b"%",
        b"gtin",
        b"lot",
        b"ser",
        b"#",
        b";",
        b"9999999999999999",
    ),
)


def given(*texts: str) -> tuple[bytes, ...]:
    return tuple(text.encode() for text in texts)


def published_links() -> list[bytes]:
    """Ours, and the published cases where they lie."""
    file = VECTORS / "gs1" / "digital-link.json"
    found = [text.encode() for text in LINKS]
    if file.is_file():
        found += [text.encode() for text in sorted(uris_in(json.loads(file.read_text())))[:120]]
    return found


def uris_in(value: object) -> set[str]:
    """Texts with a scheme, anywhere in a value."""
    if isinstance(value, str):
        return {value} if "://" in value and len(value) < 300 else set()
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {text for one in inner for text in uris_in(one)}


@target(
    *(links.parse_digital_link, links.parse_path, links.parse_identity, links.build_digital_link),
    *(canonical_uri, local_uri, escape, report.digital_link_report, table.check_value),
    seeds=published_links,
    words=WORDS,
    patterns=(
        (b"https://a/01/09520123456788?", b"17=261122&", b""),
        (b"https://a/01/09520123456788?", b"a;", b"%"),
        (b"https://a", b"/01/09520123456788", b""),
        (b"https://a/01/", b"%41", b""),
        (b"/", b"b/", b""),
    ),
)
def digital_links(data: bytes) -> None:
    text = text_of(data)
    identity = refused(links.parse_identity, text, BASE)
    if identity is not None:
        _same_again(identity)
    for legacy in (False, True):
        link = refused(links.parse_digital_link, text, id_base=BASE, legacy=legacy)
        if link is None:
            continue
        canonical = link.uri(BASE if link.identity.is_own else "https://id.gs1.org")
        again = links.parse_digital_link(canonical, id_base=BASE)
        same("the canonical form reads as what it was written from", link.identity, again.identity)
        same("its attributes too", sorted(link.attributes), sorted(again.attributes))
        if not link.identity.is_own:
            same("canonical twice", again.uri(), canonical)
            built = refused(links.build_digital_link, link.elements)
            if built is not None:
                same("built", links.parse_digital_link(built).identity, link.identity)
    path = refused(links.parse_path, text)
    if path is not None:
        same("a path", links.parse_path(path.identity.path).identity, path.identity)
    reported = bool(report.digital_link_report(text)["ok"])
    if text == text.strip() and reported != (refused(links.parse_digital_link, text) is not None):
        broken("the report and the parser disagree", text)


def _same_again(identity: Identity) -> None:
    for write in (canonical_uri, local_uri):
        written = write(identity, BASE)
        same("an identity written and read", links.parse_identity(written, BASE), identity)


@target(
    epc.parse_epc,
    links.parse_identity,
    seeds=given(*EPCS),
    words=(
        *given(
            "urn:epc:id:", "urn:epc:class:", "urn:epc:idpat:", ".", "*", "%2F", "%23", "9521141"
        ),
        *(text.split(":")[3].encode() + b":" for text in EPCS),
    ),
    patterns=(
        (b"urn:epc:id:sgtin:9521141.012345.", b"%2F", b""),
        (b"urn:epc:id:cpi:9521141.", b"%2F", b"%"),
        (b"urn:epc:id:cpi:9521141.", b"%3e", b"%"),
        (b"urn:epc:id:sgtin:", b"9", b""),
        (b"urn:epc:idpat:sgtin:", b"*.", b""),
    ),
)
def epc_urns(data: bytes) -> None:
    text = text_of(data)
    identity = refused(epc.parse_epc, text)
    if identity is not None:
        _same_again(identity)
        if text[:8].lower() == "urn:epc:":
            same("two ways in", links.parse_identity(text, BASE), identity)


@target(
    epc_binary.parse_epc_binary,
    epc_binary.looks_like_epc,
    seeds=(
        *given("3034257BF7194E4000001A85", "MDQle_cZTkAAABqF", "31144543C0000003E7000000"),
        *given("36300452A8068C1B33860C18B060C183060C0000000000000000", "2C14257BF40C0E4000000190"),
        *given("3914257BF4601E1DEB1B00000000000000000000000000000000", "3014257BF4460C9C00000000"),
        *given(
            "34" + "0" * 22, "37" + "14257BF40C0E40" + "0" * 28, "3E" + "0" * 42, "2D14257BF40754"
        ),
    ),
    words=given("30", "31", "32", "33", "34", "36", "37", "39", "2C", "2D", "2E", "3E", "00000000"),
    usual=80,
)
def epc_tags(data: bytes) -> None:
    text = text_of(data)
    for form in ("eh", "ex"):
        identity = refused(epc_binary.parse_epc_binary, form, text)
        if identity is not None:
            _same_again(identity)
            if not epc_binary.looks_like_epc(form, text):
                broken("read what does not look like it", text)


@target(
    element_strings.parse_element_string,
    table.check_value,
    values.date_of,
    values.measure_of,
    values.alpha_check,
    seeds=given(
        *ELEMENTS, "(253)9521234567899A(8020)x", "(3103)000500(8013)1987654Ad4X4bL5ttr2310c2K"
    ),
    words=given(
        "(01)", "(10)", "(17)", "(21)", "(8013)", "(7003)", "(4326)", "(8007)", "(8030)", "("
    ),
    longest=20_000,
    patterns=((b"(10)", b"(", b""), (b"(10)", b"(1", b""), (b"", b"(10)a", b"(")),
)
def element_strings_of_labels(data: bytes) -> None:
    text = text_of(data)
    found = refused(element_strings.parse_element_string, text)
    if found is None:
        return
    same("no more than was there", "".join(f"({ai}){value}" for ai, value in found), text.strip())
    for ai, value in found[:20]:
        spec = table.AIS.get(ai)
        if spec is not None and refused(_checked, spec, value):
            _value(ai, value)


def _checked(spec: table.Spec, value: str) -> bool:
    table.check_value(spec, value)
    return True


def _value(ai: str, value: str) -> None:
    """What a checked value says can be said."""
    measured = values.measure_of(ai, value)
    if measured is not None and not measured[0].is_finite():
        broken("a measure that is none", ai, value)
    if table.AIS[ai].form.startswith("N6,yymmd"):
        day = refused(values.date_of, value, today=date(2026, 11, 23))
        if day is not None and abs(day.year - 2026) > 51:
            broken("a day of another century", value, day)
    if ai == "8013":
        same("check characters", values.alpha_check(value[:-2]), value[-2:])


@target(
    table.check_value,
    seeds=(
        *(f"{ai} {'1' * spec.shortest}".encode() for ai, spec in list(table.AIS.items())[::9]),
        *given(
            "8007 GB82WEST12345698765432", "7003 2611221530", "8008 261122153059", "4309 0123456789"
        ),
        *given(
            "8013 1987654Ad4X4bL5ttr2310c2K",
            "17 260230",
            "4330 000500",
            "421 704ABC",
            "8110 1",
            "20 0",
        ),
    ),
    words=tuple(f"{ai} ".encode() for ai in list(table.AIS)[::7]),
    usual=120,
)
def ai_values(data: bytes) -> None:
    ai, _, value = text_of(data).partition(" ")
    spec = table.AIS.get(ai)
    if spec is None or not refused(_checked, spec, value):
        return
    if not spec.shortest <= len(value) <= spec.longest:
        broken("taken beyond its length", ai, value)
    if not set(value) <= set(values.CSET82) | set("#"):
        broken("taken beyond its characters", ai, value)
    _value(ai, value)


@target(
    *(codes.check_code, codes.check_serial, codes.check_lot, codes.suggest_lot, codes.check_digit),
    *(codes.format_code, check_prefix, sscc, format_sscc),
    seeds=given(
        CODE,
        "7K3QM-P2XV4",
        "o1l i",
        "0123456789ABCDEF",
        "L2611-7",
        "Lô số 7",
        "8936012345",
        "893 601",
    ),
    words=given(CODE, "-", "O", "I", "L", "đ", "0", "Z", "ß", "ŉ", "İ"),
    longest=20_000,
    patterns=((b"", b"- ", b""), (b"", "Đ".encode(), b""), (b"", b"-", b"x")),
    usual=64,
)
def own_codes(data: bytes) -> None:
    text = text_of(data)
    for check in (codes.check_code, codes.check_serial):
        code = refused(check, text)
        if code is not None:
            same("printed and typed again", check(codes.format_code(code)), code)
            same("one printed form", check(code), code)
    lot = codes.suggest_lot(text)
    if lot:
        same("a suggested lot can be taken", codes.check_lot(lot), lot)
        same("suggested twice", codes.suggest_lot(lot), lot)
    refused(codes.check_lot, text)
    digit = refused(codes.check_digit, text)
    if digit is not None and digit not in range(10):
        broken("no digit", digit)
    prefix = refused(check_prefix, text)
    if prefix is not None:
        number = sscc(prefix, 1, 0)
        same("a crate's number", codes.check_digit(number[:-1]), int(number[-1]))
        same("read aloud", format_sscc(number).replace(" ", ""), number)


@target(
    mistyped.near_codes,
    mistyped.doubtful,
    seeds=given(CODE, "7K3QMP2XV5", "7K3QMP2XVS", "BBBBBBBBBB"),
    words=given("8", "B", "5", "S", "0", "D", "-"),
    longest=10,
    usual=10,
)
def mistyped_codes(data: bytes) -> None:
    code = refused(codes.check_serial, text_of(data) + "000000")
    if code is None:
        return
    near = mistyped.near_codes(code[:10])
    for one in near:
        same("what is offered is a code", codes.check_code(one), one)
    for place, stands, meant in mistyped.doubtful(code[:10]):
        mended = code[: place - 1] + meant + code[place:10]
        if stands != code[place - 1] or mended not in near:
            broken("offered, and not one mistake away", code, place, meant)


TARGETS_OF_LINKS: Final = (
    linkset.Target("https://a.example/1", "a", ("vi",), "text/html"),
    linkset.Target("https://a.example/2", "b", ("en", "en-GB"), "application/pdf", ("VN",)),
    linkset.Target("https://a.example/3#x", "c", (), "", ("VN", "EU")),
    linkset.Target("https://a.example/4?x=1", "d", ("pt",), "text/html"),
)


@target(
    *(linkset_choosing.preferences, linkset_choosing.media_weight, linkset_choosing.names_type),
    *(linkset_choosing.choose, linkset.bare_type, linkset.forwarded, linkset.json_ld_of),
    seeds=given(
        "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\nvi-VN,vi;q=0.9,en;q=0.8\nVN",
        "application/linkset+json\nen-gb;q=0,*\n",
        "text/*;q=0.5;q=0.1\nzh-x-hant-cn\nEU+vn",
        "gs1:pip\n\n",
        "https://gs1.org/voc/recallStatus\nx\ny",
        "linkset\n-\n;",
        "a/b;q=1.0001,;;q=,\n\n",
    ),
    words=given(
        "q=",
        ";",
        ",",
        "*/*",
        "text/html",
        "vi",
        "en",
        "-x-",
        "0.001",
        "gs1:",
        "https://ref.gs1.org/voc/",
    ),
    longest=8_000,
    patterns=((b"", b",", b""), (b"", b";q=1", b""), (b"\n", b"a-", b""), (b"\n\n", b"VN,", b"")),
)
def headers_that_choose(data: bytes) -> None:
    accept, _, rest = text_of(data).partition("\n")
    language, _, context = rest.partition("\n")
    for header in (accept, language):
        weights = [weight for _, weight in linkset_choosing.preferences(header)]
        if weights != sorted(weights, reverse=True) or not all(0 <= one <= 1 for one in weights):
            broken("weights out of order", header, weights)
    if not 0 <= linkset_choosing.media_weight(accept, "text/html") <= 1:
        broken("a weight", accept)
    linkset_choosing.names_type(accept, "application/linkset+json")
    found = linkset_choosing.choose(
        TARGETS_OF_LINKS, accept=accept, accept_language=language, context=context
    )
    if not found or not set(found) <= set(TARGETS_OF_LINKS):
        broken("no link is left, or one of somebody else's", found)
    bare = linkset.bare_type(accept)
    if bare is not None and bare != linkset.LINKSET:
        same("a type's name", linkset.bare_type(linkset.VOC + bare), bare)
    linkset.forwarded("https://a.example/x?y#z", rest)
    json.dumps(linkset.json_ld_of(linkset.linkset_of([])))

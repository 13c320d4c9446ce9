"""What a hostile XML document can try, and what it is refused for; nothing is ever fetched.

The sockets of every test are closed but for this machine, so a fetch would be an error of its own.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from time import process_time

import pytest

from trace.core.epcis import Document, Limits
from trace.core.epcis.xml import XmlLimits, is_xml, parse_xml, take_in
from trace.errors import Refused, TraceError

HEAD = '<epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:2" schemaVersion="2.0"'
OPEN = f'{HEAD} creationDate="2026-11-22T03:00:00Z"><EPCISBody><EventList>'
CLOSE = "</EventList></EPCISBody></epcis:EPCISDocument>"
EVENT = (
    "<ObjectEvent><eventTime>2026-11-20T08:00:00Z</eventTime>"
    "<eventTimeZoneOffset>+07:00</eventTimeZoneOffset>"
    "<epcList><epc>urn:epc:id:sgtin:4012345.011111.987</epc></epcList>"
    "<action>OBSERVE</action></ObjectEvent>"
)
NOTE = '<x:note xmlns:x="https://x.example/">{}</x:note></ObjectEvent>'


def document(*events: str) -> str:
    return OPEN + "".join(events) + CLOSE


def noted(text: str) -> str:
    return document(EVENT.replace("</ObjectEvent>", NOTE.format(text)))


def refusal(data: bytes | str, limits: Limits | None = None) -> tuple[str, str]:
    given = data.encode() if isinstance(data, str) else data
    with pytest.raises(Refused) as refused:
        parse_xml(given, limits=limits or XmlLimits())
    error = refused.value.errors[0]
    return error.code, error.path


def note_of(found: Document) -> str:
    note: str = found.events[0]["x:note"]
    return note


# --- document types, entities, inclusions ---

DTDS = {
    "internal subset": '<!DOCTYPE d [<!ENTITY a "b">]>',
    "empty subset": "<!DOCTYPE d []>",
    "system": '<!DOCTYPE d SYSTEM "file:///etc/passwd">',
    "public": '<!DOCTYPE d PUBLIC "-//W3C//DTD XHTML 1.0//EN" "http://127.0.0.1:9/x.dtd">',
    "external entity": '<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
    "parameter entity": '<!DOCTYPE d [<!ENTITY % a SYSTEM "http://127.0.0.1:9/"> %a;]>',
    "default attribute": '<!DOCTYPE d [<!ATTLIST ObjectEvent action CDATA "ADD">]>',
    "laughs": '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
    "after a comment": "<!-- <!DOCTYPE a> --><?p <!DOCTYPE b> ?>\n<!DOCTYPE d [ ]>",
    "second after a bare one": '<!DOCTYPE a><!DOCTYPE d [<!ENTITY a "b">]>',
}


@pytest.mark.parametrize("dtd", DTDS.values(), ids=DTDS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_document_type_that_declares_or_names_anything_is_refused(
    dtd: str, encoding: str
) -> None:
    data = (dtd + noted("&a;&b;")).encode(encoding)
    assert refusal(data) == ("dtd-not-allowed", "")


def test_a_bare_document_type_as_in_published_examples_says_nothing_and_is_passed_over() -> None:
    text = f'<?xml version="1.0"?>\n<!-- x -->\n<!DOCTYPE project>\n{noted("a")}'
    assert note_of(parse_xml(text.encode())) == "a"


@pytest.mark.parametrize(
    "broken",
    [
        noted("&a;"),
        document(EVENT.replace("OBSERVE", "&a;")),
        document(EVENT.replace("<ObjectEvent>", '<ObjectEvent a="&a;">')),
        document(EVENT) + "<!DOCTYPE d>",
        document("<!DOCTYPE d>", EVENT),
        document('<!ENTITY a "b">', EVENT),
        "<!doctype d>" + document(EVENT),
        noted("&#0;"),
        noted("&#xD800;"),
        noted("\x01"),
        noted("\0"),
        document(EVENT)[:-1],
        document(EVENT) + "x",
        document(EVENT.replace("</ObjectEvent>", "")),
        document(EVENT.replace("<ObjectEvent>", '<ObjectEvent a="1" a="2">')),
        document(EVENT.replace("<ObjectEvent>", "<ObjectEvent a=1>")),
        document(EVENT.replace("<ObjectEvent>", "<ObjectEvent><y:z/>")),
        document(EVENT.replace("<ObjectEvent>", '<ObjectEvent xmlns:y="">')),
        '<?xml version="1.1"?>' + document(EVENT),
        '<?xml versio="1.0"?>' + document(EVENT),
        "<?xml",
        "<",
        "<!-- never closed",
        "<!DOCTYPE",
        "",
        "   ",
    ],
    ids=range(26),
)
def test_what_is_not_well_formed_is_refused_with_its_line(broken: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_xml(broken.encode())
    (error,) = refused.value.errors
    assert error.code in ("bad-xml", "dtd-not-allowed")
    assert (
        error.code == "dtd-not-allowed"
        or "version" in error.detail
        or "line" in error.detail
        or ("declaration" in error.detail)
    )


def test_inclusions_and_schema_places_are_no_instructions(tmp_path: Path) -> None:
    secret = tmp_path / "secret.xml"
    secret.write_text("<secret/>")
    include = f'<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="{secret.as_uri()}"/>'
    text = noted(include).replace(
        "schemaVersion",
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:schemaLocation="urn:epcglobal:epcis:xsd:2 http://127.0.0.1:9/x.xsd" schemaVersion',
    )
    event = parse_xml(f"<?xml-stylesheet href='{secret.as_uri()}'?>{text}".encode()).events[0]
    assert event["x:note"] == {"i:include": {"href": secret.as_uri()}}


# --- encodings ---

WORD = "Rau muống \U0001f33e"


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", ""),
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-8-sig", ""),
        ("utf-16", "UTF-16"),
        ("utf-16", ""),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "utf-16be"),
    ],
)
def test_every_encoding_that_xml_readers_must_know_is_read(encoding: str, declared: str) -> None:
    said = f' encoding="{declared}"' if declared else ""
    data = f'<?xml version="1.0"{said}?>{noted(WORD)}'.encode(encoding)
    assert is_xml(data)
    assert note_of(take_in(data)) == WORD


def test_latin_letters_are_read_when_declared() -> None:
    data = f"<?xml version='1.0' encoding='ISO-8859-1'?>{noted('café')}".encode("latin-1")
    assert note_of(parse_xml(data)) == "café"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (f"<?xml version='1.0'?>{noted('café')}".encode("latin-1"), "bad-encoding"),
        (f"<?xml version='1.0' encoding='utf-8'?>{noted('é')}".encode("latin-1"), "bad-encoding"),
        (f"<?xml version='1.0' encoding='us-ascii'?>{noted('é')}".encode(), "bad-encoding"),
        (f"<?xml version='1.0' encoding='utf-16'?>{noted('a')}".encode(), "bad-encoding"),
        (f"<?xml version='1.0' encoding='utf-8'?>{noted('a')}".encode("utf-16"), "bad-encoding"),
        (b"\xef\xbb\xbf<?xml version='1.0' encoding='utf-16'?><a/>", "bad-encoding"),
        (f"<?xml version='1.0' encoding='utf-7'?>{noted('a')}".encode(), "bad-encoding"),
        (f"<?xml version='1.0' encoding='rot13'?>{noted('a')}".encode(), "bad-encoding"),
        (f"<?xml version='1.0' encoding='zlib_codec'?>{noted('a')}".encode(), "bad-encoding"),
        (f"<?xml version='1.0' encoding='utf-32'?>{noted('a')}".encode("utf-32"), "bad-encoding"),
        (noted("a").encode("utf-16")[:-1], "bad-encoding"),
        (noted("a").encode() + b"\xff", "bad-encoding"),
        (noted("a\ud800").encode("utf-8", "surrogatepass"), "bad-encoding"),
        (b"\x00" * 40, "bad-xml"),
        (bytes(range(256)), "bad-encoding"),
    ],
    ids=range(15),
)
def test_a_wrong_or_unknown_encoding_is_refused(data: bytes, code: str) -> None:
    assert refusal(data) == (code, "")


# --- limits ---


def test_size_events_depth_and_nodes_have_limits_and_each_its_error() -> None:
    few = XmlLimits(max_bytes=2000, max_events=2, max_depth=8, max_nodes=40)
    assert len(parse_xml(document(EVENT, EVENT).encode(), limits=few).events) == 2
    assert refusal(document(EVENT) + " " * 2000, few) == ("too-large", "")
    assert refusal(document(EVENT, EVENT, EVENT), few) == (
        "too-many-events",
        "/epcisBody/eventList",
    )
    event = "/epcisBody/eventList/0"
    assert refusal(noted("<a>" * 20 + "</a>" * 20), few) == (
        "too-deep",
        f"{event}/x:note/a/a/a/a",
    )
    inner = EVENT.replace("<action>", "<extension>" * 20 + "</extension>" * 20 + "<action>")
    assert refusal(document(inner)) == ("too-deep", event)
    assert refusal(noted("<a>" * 5000 + "</a>" * 5000)) == ("too-deep", "")
    assert refusal(noted("<a/>" * 40), few) == ("too-many-nodes", "")
    attributes = "".join(f' a{n}="1"' for n in range(300))
    assert refusal(noted(f"<a{attributes}/>"))[0] == "too-many-nodes"
    assert refusal(document(EVENT.replace("<ObjectEvent", f"<ObjectEvent{attributes}")))[0] == (
        "too-many-nodes"
    )
    spaces = "".join(f' xmlns:a{n}="urn:a:{n}"' for n in range(300))
    assert refusal(document(EVENT).replace(" schemaVersion", f"{spaces} schemaVersion")) == (
        "too-many-namespaces",
        "",
    )


ATTACKS: dict[str, Callable[[], str]] = {
    "deep": lambda: noted("<a>" * 100_000),
    "wide": lambda: noted("<a/>" * 200_000),
    "attributes": lambda: noted("<a" + "".join(f' a{n}=""' for n in range(200_000)) + "/>"),
    "namespaces": lambda: noted(
        "<a" + "".join(f' xmlns:n{n}="urn:n:{n}"' for n in range(100_000)) + "/>"
    ),
    "namespace a level": lambda: noted(
        "".join(f'<n{n}:a xmlns:n{n}="urn:n:{n}"/>' for n in range(30_000))
    ),
    "declarations an event": lambda: document(
        *(EVENT.replace("<ObjectEvent>", f'<ObjectEvent xmlns:n{n}="u:{n}">') for n in range(4000))
    ),
    "many nodes in many events": lambda: document(
        *[EVENT.replace("</ObjectEvent>", NOTE.format("<a/>" * 4000))] * 400
    ),
    "long name": lambda: noted(f"<{'a' * 5_000_000}/>"),
    "long text": lambda: noted("a" * 9_000_000),
    "long number": lambda: document(
        EVENT.replace(
            "<action>",
            "<quantityList><quantityElement><epcClass>urn:a:b</epcClass>"
            f"<quantity>{'9' * 2_000_000}</quantity></quantityElement></quantityList><action>",
        )
    ),
    "references": lambda: noted("&#65;" * 1_000_000),
    "comments": lambda: "<!---->" * 400_000 + document(EVENT),
    "instructions": lambda: noted("<?a?>" * 1_000_000),
    "text between": lambda: document(*["x<ObjectEvent/>"] * 3000),
    "document type": lambda: "<!DOCTYPE " + "a" * 5_000_000,
    "declaration": lambda: "<?xml version='1.0' " + " " * 2_000_000 + "?>" + document(EVENT),
    "duplicates": lambda: document(
        EVENT.replace("<action>", "<action>ADD</action>" * 60_000 + "<action>")
    ),
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_no_attack_takes_long_or_much(attack: Callable[[], str]) -> None:
    data = attack().encode()
    listed: tuple[TraceError, ...] = ()
    began = process_time()
    try:
        parse_xml(data)
    except Refused as refused:
        listed = refused.errors
    assert process_time() - began < 3
    assert len(listed) <= 1001


def test_only_one_event_at_a_time_is_held_as_a_tree() -> None:
    small = document(*[EVENT] * 10).encode()
    parse_xml(small)
    data = document(*[EVENT.replace("987", "9" * 2000)] * 2000).encode()
    tracemalloc.start()
    try:
        found = parse_xml(data)
        held, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found.events) == 2000
    assert most - held < 3 * len(data)

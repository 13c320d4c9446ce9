"""The packet as one archive: workbook, paper, JSON, and the proof of every chosen thing.

A proof file (formats, section 6) is what the page of a thing gives to anybody; here it travels with
the case, so that who reads the case later, or elsewhere, can check that the histories it rests on
were signed and logged, without asking anybody. `manifest.json` names every file with its digest,
says what could not be included and why, and how all of it is checked. Bounded: MOST_PROOFS things,
MOST_BYTES of proofs; of the others the addresses stand in the workbook, whose pages give theirs.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any, Final

import orjson

from trace.clock import rfc3339
from trace.errors import TraceError
from trace.models import Thing
from trace.services.batches import address_of
from trace.services.bundles import bundle_of
from trace.services.recalls.packet import REHEARSAL, Packet, to_json, to_xlsx
from trace.services.recalls.papers import to_pdf
from trace.services.recalls.reaching import chosen_things
from trace.services.settings import current_settings

MOST_PROOFS: Final = 50
MOST_BYTES: Final = 40_000_000
HOW: Final = """HỒ SƠ {code}: CÁCH KIỂM / HOW TO CHECK
{mark}
1. Tệp còn nguyên / nothing was changed on its way:
     sha256sum -c SHA256SUMS

2. Từng gói bằng chứng trong proofs/ đã ký và có trong sổ công khai /
   each proof in proofs/ is signed and in the public log:
     curl -o policy {origin}/log/policy
     python3 trace-verify.pyz proofs/TEP.json --policy policy --state seen.json
   hoặc / or: flask --app wsgi trace verify proofs/TEP.json --policy policy

   policy là lời của bên vận hành về chính mình: so với bản của một bên làm chứng.
   The policy is the operator's word about itself: compare it with the copy of a witness.
   trace-verify.pyz: {origin}/log/ và docs/how-to/verify-a-bundle.md

3. VALID nói: lời khai có chữ ký và nằm trong sổ; không nói rằng lời khai là đúng.
   VALID says that what was told is signed and logged, not that it is true.
"""


def to_zip(packet: Packet) -> bytes:
    """The archive. Call with nothing unwritten in the session: bundles read what is committed."""
    files = {
        "ho-so.xlsx": (to_xlsx(packet), "workbook"),
        "ho-so.pdf": (to_pdf(packet), "report and draft decision"),
        "ho-so.json": (to_json(packet), "the case as data"),
    }
    missing: list[dict[str, str]] = []
    for name, data in _proofs(packet, missing):
        files[name] = (data, "proof")
    origin = current_settings().public_url.rstrip("/")
    mark = f"{REHEARSAL}\n" if packet.recall.rehearsal else ""
    readme = HOW.format(code=packet.recall.code, mark=mark, origin=origin)
    files["README.txt"] = (readme.encode(), "how to check")
    files["manifest.json"] = (_manifest(packet, files, missing), "manifest")
    sums = "".join(f"{_digest(data)}  {name}\n" for name, (data, _) in files.items())
    out = io.BytesIO()
    moment = packet.at.utctimetuple()[:6]
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
        for name, (data, _) in {**files, "SHA256SUMS": (sums.encode(), "")}.items():
            archive.writestr(zipfile.ZipInfo(name, moment), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _proofs(packet: Packet, missing: list[dict[str, str]]) -> Iterator[tuple[str, bytes]]:
    room = MOST_BYTES
    for number, thing in enumerate(chosen_things(packet.recall), 1):
        if number > MOST_PROOFS:
            _miss(missing, thing, "too-many-proofs")
            continue
        try:
            data = bundle_of(thing.id, at=packet.at, viewer=packet.recall.organisation_id)
        except TraceError as error:
            _miss(missing, thing, error.code)
            continue
        if len(data) > room:
            _miss(missing, thing, "too-many-bytes")
            continue
        room -= len(data)
        name = re.sub(r"[^A-Za-z0-9.-]+", "_", thing.identity.partition("://")[2])[-80:]
        yield f"proofs/{number:02d}-{name}.json", data


def _miss(missing: list[dict[str, str]], thing: Thing, code: str) -> None:
    address = address_of(thing)
    missing.append({"what": address, "code": code, "get": f"{address}?format=bundle"})


def _manifest(
    packet: Packet, files: dict[str, tuple[bytes, str]], missing: list[dict[str, str]]
) -> bytes:
    body: dict[str, Any] = {
        "v": 1,
        "case": packet.recall.code,
        "rehearsal": packet.recall.rehearsal,
        "made": rfc3339(packet.at),
        "platform": current_settings().public_url,
        "files": [
            {"name": name, "what": what, "bytes": len(data), "sha256": _digest(data)}
            for name, (data, what) in files.items()
        ],
        "not_included": missing,
        "check": {
            "digests": "sha256sum -c SHA256SUMS",
            "proofs": "trace verify proofs/*.json --policy policy (README.txt)",
        },
    }
    return orjson.dumps(body, option=orjson.OPT_INDENT_2)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

"""Reading a statement: strict form, disclosures put back, withheld told from undeclared.

Nothing here checks a signature except where it says so; `trace.core.verify` does the whole.

Rules, beyond those of `build` and RFC 9901.
1. The payload has exactly the members that build_statement writes, and the issuer's own context.
2. `_sd` of the subject has exactly one digest per name in `trace:members`: a hidden member that is
   not listed could be shown later or never be erased.
3. A shown list has as many elements as listed, `ilmd` as many members; lists of 2 to 32 elements
   are disclosed element by element, others whole, and nothing else is hidden anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trace.core.signing import (
    Compact,
    DisclosureMismatch,
    IssuerMismatch,
    JsonObject,
    PublicKey,
    Unreadable,
    loads_strict,
    parse_compact,
    parse_kid,
    verify_compact,
)
from trace.core.signing.sdjwt import Path, Unpacked, split_sd_jwt, unpack
from trace.core.statements.build import (
    CORE,
    CREDENTIAL_TYPES,
    MAX_MEMBERS,
    MEMBERS,
    SPLIT_FROM,
    SPLIT_TO,
    TYP,
    Disclosure,
    Statement,
    context_of,
    escape,
    is_statement_id,
)
from trace.core.statements.times import parse_moment

_PAYLOAD = frozenset(
    {"@context", "type", "id", "issuer", "validFrom", "_sd_alg", "credentialSubject"}
)
_SUBJECT = frozenset({*CORE, MEMBERS, "_sd"})
_MAX_COUNT = 1_000_000


@dataclass(frozen=True, slots=True)
class Opened:
    """A statement as far as it is shown.

    `event` is the EPCIS event without what is withheld; `withheld` are the paths of members that
    exist and are not shown (a list's hidden element keeps its index); `hidden_digests` are the
    digests without a disclosure: which name each has cannot be told. `shown` gives each
    disclosure's place by its text, in the order they came in.
    """

    jwt: str
    header: JsonObject
    payload: JsonObject
    event: JsonObject
    withheld: tuple[str, ...]
    shown: dict[str, Path]
    hidden_digests: tuple[str, ...] = ()

    @property
    def disclosures(self) -> tuple[Disclosure, ...]:
        """The disclosures with their paths, in the order they came in."""
        return tuple(Disclosure(_path(path), text) for text, path in self.shown.items())

    @property
    def issuer(self) -> str:
        issuer: str = self.payload["issuer"]
        return issuer

    @property
    def kid(self) -> str:
        kid: str = self.header["kid"]
        return kid

    @property
    def statement_id(self) -> str:
        identifier: str = self.payload["id"]
        return identifier

    @property
    def valid_from(self) -> datetime:
        return parse_moment(self.payload["validFrom"])


def open_statement(sdjwt: str) -> Opened:
    """Reads `<jwt>~<disclosure>~…~` strictly; the signature is not checked.

    Raises Unreadable, BadSignature (header), IssuerMismatch or DisclosureMismatch.
    """
    jwt, texts = split_sd_jwt(sdjwt)
    return _open(parse_compact(jwt, typ=TYP), texts)


def verify_signature(jwt: str, key: PublicKey, *, issuer: str | None = None) -> None:
    """Checks header and signature of a statement's JWT and, if given, whose it is.

    Raises Unreadable, BadSignature or IssuerMismatch.
    """
    compact = parse_compact(jwt, typ=TYP)
    if issuer is not None and parse_kid(compact.kid).issuer != issuer:
        raise IssuerMismatch(f"a key of {issuer}", compact.kid)
    verify_compact(compact, key)


def open_signed(sdjwt: str, key: PublicKey) -> Opened:
    """Reads a statement and checks its signature by `key`, before looking at any disclosure."""
    jwt, texts = split_sd_jwt(sdjwt)
    return open_parsed(parse_compact(jwt, typ=TYP), texts, key)


def open_parsed(compact: Compact, texts: Sequence[str], key: PublicKey) -> Opened:
    """The same for a JWT that was parsed already: to learn from its header which key it needs."""
    verify_compact(compact, key)
    return _open(compact, texts)


def accept_upload(sdjwt: str, key: PublicKey, *, issuer: str, kid: str) -> tuple[Statement, Opened]:
    """A statement signed outside with the organisation's own key, for storing.

    Everything must be disclosed; the stored order is by path as build_statement would have it.
    Raises Unreadable, BadSignature, IssuerMismatch or DisclosureMismatch.
    """
    opened = open_signed(sdjwt, key)
    if opened.issuer != issuer or opened.kid != kid:
        raise IssuerMismatch(f"{kid} of {issuer}", f"{opened.kid} of {opened.issuer}")
    if opened.withheld:
        raise DisclosureMismatch(
            "every member disclosed", "one withheld", path="/" + opened.withheld[0]
        )
    rank = {name: place for place, name in enumerate(_members(opened.payload))}
    ordered = sorted(opened.disclosures, key=lambda d: _rank(d.path, rank))
    return Statement(opened.jwt, tuple(ordered)), opened


def disclosures_of(jwt: str, texts: Sequence[str | None]) -> tuple[Disclosure, ...]:
    """The disclosures of a stored statement with their paths, in the stored order.

    None stands for an erased one and is passed over; what hangs below an erased parent has no path
    any more and is passed over too. Raises DisclosureMismatch for a text of another statement.
    """
    kept = [text for text in texts if text is not None]
    erased = len(kept) != len(texts)
    shown = unpack(_payload(parse_compact(jwt, typ=TYP)), kept, strays_allowed=erased).shown
    return tuple(Disclosure(_path(shown[text]), text) for text in kept if text in shown)


def _rank(path: str, rank: dict[str, int]) -> tuple[int, int]:
    if path in rank:
        return rank[path], -1
    parent, _, index = path.rpartition("/")
    return rank[parent], int(index)


def _open(compact: Compact, texts: Sequence[str]) -> Opened:
    payload = _payload(compact)
    _check_payload(payload)
    if parse_kid(compact.kid).issuer != payload["issuer"]:
        raise IssuerMismatch(f"a key of {payload['issuer']}", compact.kid)
    unpacked = unpack(payload, texts)
    counts = _members(payload)
    event, withheld = _reassemble(unpacked, counts)
    return Opened(
        jwt=compact.text,
        header=compact.header,
        payload=payload,
        event=event,
        withheld=withheld,
        shown={text: unpacked.shown[text] for text in texts},
        hidden_digests=tuple(unpacked.hidden_digests),
    )


def _payload(compact: Compact) -> JsonObject:
    payload = loads_strict(compact.payload)
    if not isinstance(payload, dict):
        raise Unreadable("a payload that is an object", payload)
    return payload


def _check_payload(payload: JsonObject) -> None:
    """Rule 1 and, for the lists, rule 2."""
    if set(payload) != _PAYLOAD:
        raise Unreadable(", ".join(sorted(_PAYLOAD)), ", ".join(sorted(payload)))
    if not isinstance(payload["issuer"], str):
        raise Unreadable("an issuer did:web:…:o:…", payload["issuer"], path="/issuer")
    if payload["@context"] != context_of(payload["issuer"]):
        raise Unreadable("the context of this issuer", payload["@context"], path="/@context")
    if payload["type"] != CREDENTIAL_TYPES:
        raise Unreadable(CREDENTIAL_TYPES, payload["type"], path="/type")
    if not is_statement_id(payload["id"]):
        raise Unreadable("urn:uuid: and a version 4 UUID", payload["id"], path="/id")
    parse_moment(payload["validFrom"], path="/validFrom")
    if payload["_sd_alg"] != "sha-256":
        raise DisclosureMismatch("_sd_alg sha-256", payload["_sd_alg"], path="/_sd_alg")
    subject = payload["credentialSubject"]
    if not isinstance(subject, dict) or not set(subject) <= _SUBJECT:
        raise DisclosureMismatch("core members only in the clear", subject, path=_SUBJECT_PATH)
    counts, digests = subject.get(MEMBERS), subject.get("_sd")
    if not isinstance(counts, dict) or not isinstance(digests, list):
        raise DisclosureMismatch(f"{MEMBERS} and _sd", "not both", path=_SUBJECT_PATH)
    _check_counts(counts)


def _check_counts(counts: dict[str, object]) -> None:
    if len(counts) > MAX_MEMBERS:
        raise DisclosureMismatch(f"at most {MAX_MEMBERS} members", len(counts), path=_SUBJECT_PATH)
    for name, count in counts.items():
        if name in _SUBJECT:
            raise DisclosureMismatch("core members in the clear only", name, path=_SUBJECT_PATH)
        if type(count) is not int or not 0 <= count <= _MAX_COUNT:
            raise DisclosureMismatch("a count", f"{name}: {count}", path=_SUBJECT_PATH)


_SUBJECT_PATH = "/credentialSubject"


def _members(payload: JsonObject) -> dict[str, int]:
    counts: dict[str, int] = payload["credentialSubject"][MEMBERS]
    return counts


def _reassemble(unpacked: Unpacked, counts: dict[str, int]) -> tuple[JsonObject, tuple[str, ...]]:
    """Rules 2 and 3: the event in the order of `trace:members`, and what is withheld."""
    subject: JsonObject = unpacked.claims["credentialSubject"]
    top = [path for path in counts if "/" not in path]
    inner = [path for path in counts if "/" in path]
    _check_count(len(top), unpacked.objects[(_ROOT,)], "")
    _check_count(counts.get("ilmd", 0), len(inner), "/ilmd")
    for path in inner:
        if not path.startswith("ilmd/") or path.count("/") != 1:
            raise DisclosureMismatch("inner members of ilmd only", path, path=_SUBJECT_PATH)
    _check_hiding(unpacked, counts)
    for shown in unpacked.shown.values():
        if len(shown) == 2 and shown[1] in _SUBJECT:
            raise DisclosureMismatch("core members in the clear only", shown[1], path=_SUBJECT_PATH)
    named = {escape(name): name for name in subject if name not in _SUBJECT}
    _check_listed(named, top)
    event: JsonObject = {name: value for name, value in subject.items() if name in CORE}
    withheld: list[str] = []
    for path in top:
        if path not in named:
            withheld.append(path)
            continue
        value = subject[named[path]]
        if path == "ilmd":
            value = _reassemble_ilmd(value, unpacked, counts, inner, withheld)
        else:
            _check_member(value, path, (_ROOT, named[path]), unpacked, counts, withheld)
        event[named[path]] = value
    return event, tuple(withheld)


_ROOT = "credentialSubject"


def _reassemble_ilmd(
    value: Any,
    unpacked: Unpacked,
    counts: dict[str, int],
    inner: list[str],
    withheld: list[str],
) -> JsonObject:
    if not isinstance(value, dict):
        raise DisclosureMismatch("ilmd as an object", value, path="/ilmd")
    _check_count(counts["ilmd"], unpacked.objects.get((_ROOT, "ilmd"), 0), "/ilmd")
    named = {f"ilmd/{escape(name)}": name for name in value}
    _check_listed(named, inner)
    disclosed = frozenset(unpacked.shown.values())
    for name in value:
        if (_ROOT, "ilmd", name) not in disclosed:
            raise DisclosureMismatch("no member of ilmd in the clear", name, path="/ilmd")
    made: JsonObject = {}
    for path in inner:
        if path in named:
            name = named[path]
            _check_member(value[name], path, (_ROOT, "ilmd", name), unpacked, counts, withheld)
            made[name] = value[name]
        else:
            withheld.append(path)
    return made


def _check_listed(named: dict[str, str], listed: list[str]) -> None:
    known = frozenset(listed)
    for path in named:
        if path not in known:
            raise DisclosureMismatch(f"a member listed in {MEMBERS}", path, path=f"/{path}")


def _check_member(
    value: Any,
    path: str,
    here: Path,
    unpacked: Unpacked,
    counts: dict[str, int],
    withheld: list[str],
) -> None:
    """A shown member has the listed count and is split exactly when its length asks for it."""
    if not isinstance(value, list):
        _check_count(counts[path], 1, f"/{path}")
        return
    placeholders, elements = unpacked.arrays.get(here, (0, len(value)))
    _check_count(counts[path], elements, f"/{path}")
    if placeholders != (elements if SPLIT_FROM <= elements <= SPLIT_TO else 0):
        raise DisclosureMismatch(
            f"{SPLIT_FROM} to {SPLIT_TO} elements each disclosed, others whole",
            f"{placeholders} of {elements} disclosed",
            path=f"/{path}",
        )
    if len(value) != elements:
        withheld.extend(_path(hidden) for hidden in unpacked.hidden_elements if hidden[:-1] == here)


def _check_count(listed: int, found: int, path: str) -> None:
    if listed != found:
        raise DisclosureMismatch(
            f"{listed} elements as listed in {MEMBERS}", f"{found}", path=_SUBJECT_PATH + path
        )


def _check_hiding(unpacked: Unpacked, counts: dict[str, int]) -> None:
    """Nothing is hidden but members of the subject, of ilmd, and elements of their lists."""
    for path in (*unpacked.objects, *unpacked.arrays):
        inside = path[1:]
        if path[:1] != (_ROOT,) or not (
            (path in unpacked.objects and inside in ((), ("ilmd",)))
            or (
                path in unpacked.arrays and inside and _path(path) in counts and inside != ("ilmd",)
            )
        ):
            raise DisclosureMismatch("nothing else hidden", f"something in /{_path(path)}")


def _path(path: Path) -> str:
    """A path inside the subject as build_statement writes it."""
    return "/".join(escape(part) if isinstance(part, str) else str(part) for part in path[1:])

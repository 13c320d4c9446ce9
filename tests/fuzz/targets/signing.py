"""Signing: base64url, strict JSON (both readers), JOSE, keys, disclosures and their unpacking."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any, Final

from tests.fuzz.target import broken, holds, json_of, refused, same, target, text_of
from tests.golden.signed import KEY, KID, build
from tests.golden.world import Passkey
from trace.core.epcis import strict_json
from trace.core.signing import (
    PasskeyPublicKey,
    PrivateKey,
    PublicKey,
    b64url,
    encoding,
    jose,
    sdjwt,
)
from trace.core.signing.errors import shown
from trace.core.signing.keys import seal_key, unseal_key
from trace.core.tlog.notes import unbase64

TYP: Final = "vc+sd-jwt"
JSON_WORDS: Final = (
    b'"a":',
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b'"',
    b"null",
    b"true",
    b"1e5",
    b"-0",
    b"0.1",
    b"1E400",
    b"9007199254740993",
    b"9007199254740991",
    b"0.30000000000000004",
    b"1e-400",
    b"5e-324",
    b"\\ud800",
    b"\\ud83d\\ude00",
    b"\\u0000",
    b"\\u005f",
    b"\xef\xbb\xbf",
    b"NaN",
    b"-Infinity",
    b'"a":1,"a":2',
    b"100000000000000000000000",
)


@target(
    *(encoding.unb64url, encoding.b64url, encoding.b64url_bytes, unbase64),
    seeds=(b"", b"QQ", b"QUI", b"QUJD", b"_-8", b"QUJDRA==", b"+/8=", b"QR"),
    words=(b"-", b"_", b"=", b"==", b"A", b"+", b"/"),
    longest=1_000_000,
    patterns=((b"", b"A", b"="), (b"", b"_-", b""), (b"", b"=", b"")),
    usual=100,
)
def base64_texts(data: bytes) -> None:
    text = text_of(data)
    found = refused(encoding.unb64url, text)
    if found is not None:
        same("one text for one value", encoding.b64url(found), text)
    padded = refused(unbase64, text)
    if padded is not None:
        same("one padded text", b64encode(padded).decode(), text)
        same("both alphabets", encoding.unb64url(encoding.b64url(padded)), padded)
    same("any bytes", encoding.unb64url(encoding.b64url(data)), data)


@target(
    *(encoding.loads_strict, encoding.loads_canonical, encoding.dumps, encoding.check_depth),
    *(strict_json.load, strict_json.pointer, shown),
    seeds=(
        b'{"a":[1,2.5,{"b":null}],"c":"\xc3\xa9\\n"}',
        b' [ 1 , -0.0 , "x" ] ',
        b'{"a":1,"a":2}',
        b"0.1",
        b'{"\\u0061":"\\ud83d\\ude00"}',
        b"9007199254740991",
        b"1e22",
        b'"' + b"\\" * 2 + b'"',
        b"[[[[]]]]",
        b"true",
    ),
    words=JSON_WORDS,
    longest=1_000_000,
    patterns=(
        (b"", b"[", b""),
        (b"[", b"1,", b"1]"),
        (b"[", b"0.1,", b"0.10000000000000000001]"),
        (b"{", b'"k#N#":1,', b'"k1":1}'),
        (b"[", b'{"a":1,"a":1},', b"1]"),
        (b"", b'{"a":', b"1"),
        (b"{", b'"a":1,', b'"a":1}'),
        (b'"', b"\\ud800", b'"'),
        (b"", b"9", b""),
        (b"[", b"1e5,", b"1e999]"),
        (b"[", b"[],", b"1,1.0]"),
        (b'"', b"\\u0041", b'"'),
        (b"0.", b"0", b"1"),
        (b"1e", b"9", b""),
        (b"[", b"1.0,", b'"\xc3"]'),
    ),
)
def strict_json_twice(data: bytes) -> None:
    ours = _value(encoding.loads_strict, data, max_depth=64)
    theirs = _value(strict_json.load, data, max_bytes=20_000_000, max_depth=64)
    if (ours is None) != (theirs is None):
        broken("one reader takes what the other refuses", ours, theirs)
    if ours is None:
        return
    same("two readers", ours, theirs)
    written = encoding.dumps(ours[0])
    same("written and read", encoding.loads_strict(written), ours[0])
    same("our own form is read fast", encoding.loads_canonical(written), ours[0])
    same("the library's value", ours[0], json.loads(data))


def _value(load: Any, data: bytes, **limits: Any) -> list[Any] | None:
    """The value in a list of one, for a value may be None; None where it is refused."""
    found: list[Any] | None = refused(lambda: [load(data, **limits)])
    return found


def compact_of(data: bytes) -> str:
    """A JWS of what is written plainly: header, LF, payload. Without LF the text as it is."""
    header, line, payload = data.partition(b"\n")
    if not line:
        return text_of(data)
    return f"{b64url(header)}.{b64url(payload)}.{b64url(KEY.sign(payload[:8]))}"


HEADER: Final = json.dumps(
    {"alg": "Ed25519", "typ": TYP, "kid": KID}, separators=(",", ":")
).encode()


@target(
    *(jose.parse_compact, jose.parse_kid, jose.read_kid, jose.sign_compact, jose.verify_compact),
    seeds=(
        HEADER + b'\n{"a":1}',
        build().jwt.encode()[:400],
        KID.encode(),
        b"a.b.c",
        HEADER.replace(b"Ed25519", b"EdDSA") + b"\n",
    ),
    words=(
        *JSON_WORDS[:10],
        b'"alg":',
        b'"crit":[]',
        b'"kid":',
        b"EdDSA",
        b"none",
        b"HS256",
        b"#k1",
        b"did:web:",
        b".",
        b"\n",
    ),
    longest=jose.MAX_JWT,
    patterns=((b"", b".", b""), (b"", b"A", b".A.A"), (b"", b"#", b""), (b"a#", b"a", b"")),
)
def jose_texts(data: bytes) -> None:
    text = compact_of(data)
    kid = refused(jose.parse_kid, text_of(data))
    if kid is not None:
        same("a kid", str(kid), text_of(data))
    found = refused(jose.parse_compact, text, typ=TYP)
    if found is None:
        return
    same("the text as it came", found.text, text)
    same("its kid alone", jose.read_kid(text, typ=TYP), found.kid)
    if holds(jose.verify_compact, found, KEY.public):
        broken("verified without a signature", text)
    signed = jose.sign_compact(found.payload, typ=TYP, kid=found.kid, key=KEY)
    again = jose.parse_compact(signed, typ=TYP)
    jose.verify_compact(again, KEY.public)
    same("signed and read", again.payload, found.payload)
    at = len(data) % (len(signed) - 90)
    flipped = signed[:at] + ("A" if signed[at] != "A" else "B") + signed[at + 1 :]
    other = refused(jose.parse_compact, flipped, typ=TYP)
    if other and holds(jose.verify_compact, other, KEY.public):
        broken("a changed text holds", at, flipped)


JWKS: Final = (KEY.public.jwk, Passkey("fuzz").public.jwk)
KEK: Final = bytes(range(32))
SEALED: Final = seal_key(KEY, KEK, org="o", kid=KID, randbytes=bytes)


@target(
    *(PublicKey.from_jwk, PublicKey.from_bytes, PasskeyPublicKey.from_jwk, PrivateKey.from_seed),
    *(PublicKey.verify, PasskeyPublicKey.verify, unseal_key),
    seeds=(
        *(json.dumps(jwk).encode() for jwk in JWKS),
        SEALED,
        b'{"kty":"OKP","crv":"Ed25519","x":null}',
        bytes(32),
    ),
    words=(
        b'"kty":',
        b'"OKP"',
        b'"crv":',
        b'"Ed25519"',
        b'"x":',
        b'"y":',
        b'"P-256"',
        b'"EC"',
        b'"d":',
        b"A" * 43,
    ),
    usual=220,
)
def keys(data: bytes) -> None:
    jwk = json_of(data)
    if isinstance(jwk, dict):
        for kind in (PublicKey, PasskeyPublicKey):
            key = refused(kind.from_jwk, jwk)
            if key is not None:
                same("a key written and read", kind.from_jwk(key.jwk).jwk, jwk)
                _holds_nothing(key, data)
    raw = data[:32]
    key = refused(PublicKey.from_bytes, raw)
    if key is not None:
        _holds_nothing(key, data)
    private = refused(PrivateKey.from_seed, raw)
    if private is not None:
        same("a seed", private.seed, raw)
    opened = refused(unseal_key, data, KEK, org="o", kid=KID)
    if opened is not None and (data != SEALED or opened.seed != KEY.seed):
        broken("a sealed key that was changed opens", data)


def _holds_nothing(key: PublicKey | PasskeyPublicKey, data: bytes) -> None:
    """A signature that nobody made does not hold. Keys of small order would let it."""
    if holds(key.verify, data[-64:], b"a message"):
        broken("an invented signature holds", data)


@target(
    *(sdjwt.parse_disclosure, sdjwt.split_sd_jwt, sdjwt.make_disclosure),
    seeds=(
        b'["AAAAAAAAAAAAAAAAAAAAAA","name",{"a":1}]',
        b'["AAAAAAAAAAAAAAAAAAAAAA",1]',
        b"a~b~c~",
        b"~",
        b'["AAAAAAAAAAAAAAAAAAAAAA","_sd",1]',
        b'[ "AAAAAAAAAAAAAAAAAAAAAA" , "\\u005fsd", 1]',
    ),
    words=(*JSON_WORDS[:12], b'"AAAAAAAAAAAAAAAAAAAAAA"', b'"..."', b'"_sd"', b'"_sd_alg"', b"~"),
    longest=200_000,
    patterns=((b"", b"~", b""), (b'["AAAAAAAAAAAAAAAAAAAAAA",', b"[", b"]"), (b"", b"a~", b"")),
)
def disclosures(data: bytes) -> None:
    text = text_of(data)
    parts = refused(sdjwt.split_sd_jwt, text)
    if parts is not None:
        same("its parts together", "~".join([parts[0], *parts[1], ""]), text)
    refused(sdjwt.parse_disclosure, text)
    loose = refused(sdjwt.parse_disclosure, b64url(data), salt_bytes=None)
    found = refused(sdjwt.parse_disclosure, b64url(data))
    if found is None:
        return
    if loose is None or (loose.name, loose.value) != (found.name, found.value):
        broken("the strict reader takes more", found)
    again = sdjwt.make_disclosure(bytes(16), found.value, found.name)
    read = sdjwt.parse_disclosure(again)
    same("written and read", (read.name, read.value), (found.name, found.value))


def placed(value: Any, texts: list[str]) -> Any:
    """The value with `@n` wherever it stands replaced by the digest of disclosure n: what no
    mutation finds by itself."""
    if isinstance(value, str) and value[:1] == "@" and value[1:].isdecimal() and len(value) < 5:
        at = int(value[1:])
        return sdjwt.digest_of(texts[at]) if at < len(texts) else value
    if isinstance(value, dict):
        return {name: placed(member, texts) for name, member in value.items()}
    return [placed(one, texts) for one in value] if isinstance(value, list) else value


def disclosed(value: list[Any]) -> list[str]:
    """Disclosures of arrays, each of which may name those before it as `@n`."""
    texts: list[str] = []
    for array in value:
        texts.append(b64url(json.dumps(placed(array, texts), separators=(",", ":")).encode()))
    return texts


SALT: Final = "AAAAAAAAAAAAAAAAAAAAAA"
PAYLOADS: Final[tuple[Any, ...]] = (
    [
        {"_sd": ["@0", "@1"], "_sd_alg": "sha-256", "a": [{"...": "@2"}, 1]},
        [[SALT, "x", 1], [SALT, "y", {}], [SALT, 3]],
    ],
    [
        {"_sd": ["@1"]},
        [[SALT, "inner", [1]], [SALT, "outer", {"_sd": ["@0"], "z": [{"...": "A" * 43}]}]],
    ],
    [
        {"a": {"_sd": ["A" * 43]}, "b": [{"...": "@0"}, {"...": "@1"}]},
        [[SALT, 1], [SALT, {"...": 1}]],
    ],
    [{"a": {"...": "x"}, "_sd": [1]}, []],
    [{"_sd": ["@0", "@0"]}, [[SALT, "x", 1], [SALT, "x", 1]]],
)


@target(
    sdjwt.unpack,
    sdjwt.digest_of,
    seeds=[json.dumps(one).encode() for one in PAYLOADS],
    words=(
        b'"_sd":',
        b'"...":',
        b'"_sd_alg":',
        b'"sha-256"',
        b'"@0"',
        b'"@1"',
        b'"@2"',
        f'"{SALT}"'.encode(),
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
    ),
    longest=100_000,
    patterns=(
        (b'[{"_sd":[', b'"@0",', b'"@0"]},[["AAAAAAAAAAAAAAAAAAAAAA","x",1]]]'),
        (b"[{},[", b'["AAAAAAAAAAAAAAAAAAAAAA",1],', b'["AAAAAAAAAAAAAAAAAAAAAA",2]]]'),
        (b'[{"a":', b"[", b"]}]"),
    ),
    usual=700,
)
def unpacking(data: bytes) -> None:
    value = json_of(data)
    if not isinstance(value, list) or len(value) != 2:
        return
    payload, arrays = value
    if not isinstance(payload, dict) or not isinstance(arrays, list):
        return
    try:
        texts = disclosed(arrays)
        payload = placed(payload, texts)
    except (UnicodeEncodeError, RecursionError):
        return
    before = json.dumps(payload)
    found = refused(sdjwt.unpack, payload, texts)
    same("what was given is left as it was", json.dumps(payload), before)
    loose = refused(sdjwt.unpack, payload, texts, strays_allowed=True)
    if found is None:
        return
    if loose is None or loose.claims != found.claims:
        broken("the looser way gives something else", found.claims)
    same("each disclosure has its place", sorted(found.shown), sorted(texts))
    if b"@" not in data and not texts:
        same("nothing is added", set(found.claims), set(payload) - {"_sd", "_sd_alg"})
    _nothing_reserved(found.claims)


def _nothing_reserved(value: Any) -> None:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if isinstance(value, dict) and sdjwt.RESERVED & set(value):
        broken("a digest left where a value should be", value)
    for one in inner:
        _nothing_reserved(one)

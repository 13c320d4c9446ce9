"""SD-JWT (RFC 9901): disclosures, and a strict way to put them back.

Rules (sections 4.2, 7.1 and 7.3; ours are stricter where marked *).
1. A disclosure is base64url of a JSON array: `[salt, name, value]` for an object's member,
   `[salt, value]` for an array's element. Its digest is base64url(SHA-256(its text)).
2. `_sd` of an object lists digests of members, `{"...": digest}` stands for an element.
3. Every disclosure is referenced exactly once; every digest occurs once; a disclosure that nothing
   references is refused *(libraries drop it silently: then what was sent is not what was signed).
4. A disclosed name is new in its object and is none of `_sd`, `_sd_alg`, `...`.
5. Salts are 16 bytes in base64url *.
6. No key-binding JWT: the text ends with `~`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final, NamedTuple

from trace.core.signing.encoding import JsonObject, b64url, dumps, loads_strict, unb64url
from trace.core.signing.errors import DisclosureMismatch, Unreadable

RESERVED: Final = frozenset({"_sd", "_sd_alg", "..."})
SALT_BYTES: Final = 16
MAX_DISCLOSURES: Final = 256 * 33  # 256 members of at most 32 elements each
_SALT = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]")  # 128 bits: the last character holds two of them
_DIGEST = re.compile(r"[A-Za-z0-9_-]{43}")

Path = tuple[str | int, ...]


def digest_of(text: str) -> str:
    """The digest of a disclosure (rule 1), 43 characters."""
    return b64url(sha256(text.encode()).digest())


def make_disclosure(salt: bytes, value: object, name: str | None = None) -> str:
    """The text of a disclosure: of a member when `name` is given, else of an element."""
    salt_text = b64url(salt)
    return b64url(dumps([salt_text, value] if name is None else [salt_text, name, value]))


class Parsed(NamedTuple):
    """A disclosure that was read: `name` is None for an array's element; `plain` tells that nothing
    inside `value` can be a digest."""

    text: str
    name: str | None
    value: Any
    plain: bool


def parse_disclosure(text: str, *, salt_bytes: int | None = SALT_BYTES) -> Parsed:
    """Reads a disclosure (rules 1, 4, 5). Raises DisclosureMismatch.

    `salt_bytes` None accepts any salt text: for SD-JWTs that are not our statements.
    """
    try:
        raw = unb64url(text)
        array = loads_strict(raw)
    except Unreadable as error:
        raise DisclosureMismatch(error.expected, error.got) from None
    if not isinstance(array, list) or len(array) not in (2, 3):
        raise DisclosureMismatch("a disclosure of two or three parts", array)
    salt = array[0]
    if not isinstance(salt, str) or (salt_bytes == SALT_BYTES and not _SALT.fullmatch(salt)):
        raise DisclosureMismatch("a salt of 16 bytes", salt)
    # A name may be written with escapes: then nothing can be said without looking.
    plain = b'"_sd' not in raw and b'"..."' not in raw and b"\\" not in raw
    if len(array) == 2:
        return Parsed(text, None, array[1], plain)
    name = array[1]
    if not isinstance(name, str) or name in RESERVED:
        raise DisclosureMismatch("a name that SD-JWT does not reserve", name)
    return Parsed(text, name, array[2], plain)


def split_sd_jwt(text: str) -> tuple[str, list[str]]:
    """`<jwt>~<disclosure>~…~` as its JWT and disclosures (rule 6). Raises Unreadable."""
    jwt, *rest = text.split("~")
    if not rest or rest[-1] != "":
        raise Unreadable("an SD-JWT that ends with ~", text[-20:])
    if len(rest) - 1 > MAX_DISCLOSURES:
        raise Unreadable(f"at most {MAX_DISCLOSURES} disclosures", len(rest) - 1)
    return jwt, rest[:-1]


@dataclass(slots=True)
class Unpacked:
    """Claims with disclosures put back.

    `shown` gives each disclosure's path by its text, `hidden_elements` the paths of elements that
    stayed hidden, `hidden_digests` every digest without its disclosure, `objects` the number of
    digests by path of each object that has `_sd`, and `arrays` the pair (placeholders, elements)
    by path of each array with placeholders.
    """

    claims: JsonObject = field(default_factory=dict)
    shown: dict[str, Path] = field(default_factory=dict)
    hidden_elements: list[Path] = field(default_factory=list)
    hidden_digests: list[str] = field(default_factory=list)
    objects: dict[Path, int] = field(default_factory=dict)
    arrays: dict[Path, tuple[int, int]] = field(default_factory=dict)


def unpack(
    payload: JsonObject,
    texts: Sequence[str],
    *,
    salt_bytes: int | None = SALT_BYTES,
    strays_allowed: bool = False,
) -> Unpacked:
    """Puts `texts` back into `payload` (rules 2 to 5). Raises DisclosureMismatch.

    `strays_allowed` is for our own storage only: below an erased parent, children have no place.
    """
    walk = _Walk({}, set(), Unpacked())
    for text in texts:
        digest = digest_of(text)
        if digest in walk.waiting:
            raise DisclosureMismatch("every disclosure once", f"{digest} twice")
        walk.waiting[digest] = parse_disclosure(text, salt_bytes=salt_bytes)
    if payload.get("_sd_alg", "sha-256") != "sha-256":
        raise DisclosureMismatch("_sd_alg sha-256", payload["_sd_alg"])
    top = {name: value for name, value in payload.items() if name != "_sd_alg"}
    walk.out.claims = walk.open_object(top, ())
    if walk.waiting and not strays_allowed:
        raise DisclosureMismatch(
            "every disclosure referenced by the statement", f"{next(iter(walk.waiting))} by none"
        )
    return walk.out


@dataclass(slots=True)
class _Walk:
    waiting: dict[str, Parsed]  # digest -> disclosure not referenced so far
    seen: set[str]
    out: Unpacked

    def value(self, value: Any, path: Path) -> Any:
        if isinstance(value, dict):
            return self.open_object(value, path)
        if isinstance(value, list):
            return self.open_array(value, path)
        return value

    def open_object(self, value: JsonObject, path: Path) -> JsonObject:
        made: JsonObject = {}
        for name, member in value.items():
            if name == "_sd":
                continue
            if name in RESERVED:
                raise DisclosureMismatch(f"no member named {name}", "one", path=_text(path))
            made[name] = self.value(member, (*path, name))
        if "_sd" in value:
            self._members(value["_sd"], made, path)
        return made

    def _members(self, digests: object, made: JsonObject, path: Path) -> None:
        if not isinstance(digests, list):
            raise DisclosureMismatch("a list of digests in _sd", digests, path=_text(path))
        self.out.objects[path] = len(digests)
        for digest in digests:
            found = self._take(digest, path)
            if found is None:
                continue
            if found.name is None or found.name in made:
                got = "an element" if found.name is None else found.name
                raise DisclosureMismatch("a disclosure of a new member", got, path=_text(path))
            here = (*path, found.name)
            self.out.shown[found.text] = here
            made[found.name] = found.value if found.plain else self.value(found.value, here)

    def open_array(self, value: list[Any], path: Path) -> list[Any]:
        made: list[Any] = []
        placeholders = 0
        for index, item in enumerate(value):
            here = (*path, index)
            if not (isinstance(item, dict) and "..." in item):
                made.append(self.value(item, here))
                continue
            if len(item) != 1:
                raise DisclosureMismatch("a placeholder of one member", item, path=_text(here))
            placeholders += 1
            found = self._take(item["..."], here)
            if found is None:
                self.out.hidden_elements.append(here)
                continue
            if found.name is not None:
                raise DisclosureMismatch(
                    "a disclosure of an element", f"of member {found.name}", path=_text(here)
                )
            self.out.shown[found.text] = here
            made.append(found.value if found.plain else self.value(found.value, here))
        if placeholders:
            self.out.arrays[path] = (placeholders, len(value))
        return made

    def _take(self, digest: object, path: Path) -> Parsed | None:
        if not isinstance(digest, str):
            raise DisclosureMismatch("a SHA-256 digest", digest, path=_text(path))
        if digest in self.seen:
            raise DisclosureMismatch("every digest once", f"{digest} twice", path=_text(path))
        self.seen.add(digest)
        found = self.waiting.pop(digest, None)
        if found is None:
            if not _DIGEST.fullmatch(digest):
                raise DisclosureMismatch("a SHA-256 digest", digest, path=_text(path))
            self.out.hidden_digests.append(digest)
        return found


def _text(path: Path) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)

"""Our statements before other people's libraries: whole, withheld, changed, with a stray.

PyPI `sd-jwt` and `joserfc`, npm `@sd-jwt/core` and `jose`. A disclosure that nothing references is
dropped silently by the libraries; ours refuses it, because what was sent is not what was signed.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import OKPKey
from jwcrypto.jwk import JWK  # type: ignore[import-untyped]  # it has no types
from sd_jwt.verifier import SDJWTVerifier  # type: ignore[import-untyped]  # nor has it

from tests.golden.story import Story, tell_story
from trace.core.signing import DisclosureMismatch, JsonObject, PublicKey, b64url, unb64url
from trace.core.statements import MEMBERS, Opened, present
from trace.core.verify import verify_statement

NODE = Path(__file__).parent / "node"
STORY: Story = tell_story()


@dataclass(frozen=True)
class Case:
    """A presentation, the key to check it with, and the event that must come out, if any."""

    name: str
    sdjwt: str
    key: PublicKey
    event: JsonObject | None


def changed(sdjwt: str, old: bytes, new: bytes) -> str:
    """The presentation whose signed payload says `new` where it said `old`."""
    jwt, _, rest = sdjwt.partition("~")
    header, payload, signature = jwt.split(".")
    raw = unb64url(payload)
    assert old in raw
    return f"{header}.{b64url(raw.replace(old, new))}.{signature}~{rest}"


def opened(sdjwt: str, key: PublicKey) -> Opened:
    return verify_statement(sdjwt, key)


def cases() -> list[Case]:
    """Good ones carry their event, bad ones None."""
    made: list[Case] = []
    for recorded in (STORY.sown, STORY.harvested, STORY.packing, STORY.shipped):
        org = STORY.coop if recorded in (STORY.sown, STORY.harvested) else STORY.packer
        key = org.keys["k1"].public
        paths = [disclosure.path for disclosure in recorded.statement.disclosures]
        for withhold in ([], paths[:1], paths[::2], paths):
            sdjwt = present(recorded.statement, withhold)
            name = f"{recorded.index} without {len(withhold)}"
            made.append(Case(name, sdjwt, key, opened(sdjwt, key).event))
        whole = present(recorded.statement)
        made.append(
            Case(f"{recorded.index} changed", changed(whole, b"Event", b"event"), key, None)
        )
        other = STORY.world.log_key.key.public
        made.append(Case(f"{recorded.index} by another key", whole, other, None))
    return made


CASES = cases()
GOOD = [case for case in CASES if case.event is not None]
BAD = [case for case in CASES if case.event is None]


def named(case: Case) -> str:
    return case.name


def subject_of(claims: Any) -> JsonObject:
    """The event in a library's claims: the subject without our count of members."""
    subject = dict(claims["credentialSubject"])
    del subject[MEMBERS]
    return subject


def by_pypi(sdjwt: str, key: PublicKey) -> Any:
    issuer_key = JWK(**key.jwk)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library's own deprecations are not ours to fix
        return SDJWTVerifier(sdjwt, lambda issuer, header: issuer_key).get_verified_payload()


@cache
def by_node() -> list[dict[str, dict[str, Any]]]:
    """What the libraries of npm say of every case, the stray ones last."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("Node.js and npm are not installed (Debian: apt-get install nodejs npm)")
    if not (NODE / "node_modules" / ".package-lock.json").exists():
        subprocess.run([npm, "ci", "--loglevel=error"], cwd=NODE, check=True, capture_output=True)
    items = [{"sdjwt": case.sdjwt, "jwk": case.key.jwk} for case in [*CASES, *STRAYS]]
    done = subprocess.run(
        [node, "oracles.mjs"],
        cwd=NODE,
        input=json.dumps(items),
        capture_output=True,
        text=True,
        check=True,
    )
    answers: list[dict[str, dict[str, Any]]] = json.loads(done.stdout)
    assert len(answers) == len(items)
    return answers


def node_answer(case: Case) -> dict[str, dict[str, Any]]:
    return by_node()[[*CASES, *STRAYS].index(case)]


def with_stray(case: Case) -> Case:
    own = case.sdjwt.startswith(STORY.sown.statement.jwt)
    stray = (STORY.shipped if own else STORY.sown).statement.disclosures[0].text
    return Case(f"{case.name} and a stray", f"{case.sdjwt}{stray}~", case.key, case.event)


STRAYS = [with_stray(case) for case in GOOD]


@pytest.mark.parametrize("case", GOOD, ids=named)
def test_the_python_library_reads_the_same_event(case: Case) -> None:
    assert subject_of(by_pypi(case.sdjwt, case.key)) == case.event


@pytest.mark.parametrize("case", BAD, ids=named)
def test_the_python_library_refuses_what_we_refuse(case: Case) -> None:
    with pytest.raises(Exception, match=r".+"):
        by_pypi(case.sdjwt, case.key)
    with pytest.raises(Exception, match=r"^Step 2: "):
        verify_statement(case.sdjwt, case.key)


@pytest.mark.parametrize("case", GOOD, ids=named)
def test_the_javascript_library_reads_the_same_event(case: Case) -> None:
    answer = node_answer(case)["sdjwt"]
    assert answer["ok"], answer
    assert subject_of(answer["value"]) == case.event


@pytest.mark.parametrize("case", GOOD, ids=named)
def test_jose_in_javascript_accepts_the_signature_and_our_header(case: Case) -> None:
    answer = node_answer(case)["jose"]
    assert answer["ok"], answer
    assert answer["value"]["header"]["alg"] == "Ed25519"
    assert answer["value"]["payload"] == opened(case.sdjwt, case.key).payload


@pytest.mark.parametrize("case", GOOD, ids=named)
def test_jose_in_python_accepts_the_signature(case: Case) -> None:
    key = OKPKey.import_key({**case.key.jwk})
    read = jws.deserialize_compact(case.sdjwt.split("~")[0], key, algorithms=["Ed25519"])
    assert json.loads(read.payload) == opened(case.sdjwt, case.key).payload


@pytest.mark.parametrize("case", BAD, ids=named)
def test_the_javascript_libraries_refuse_what_we_refuse(case: Case) -> None:
    answer = node_answer(case)
    assert not answer["sdjwt"]["ok"]
    assert not answer["jose"]["ok"]


@pytest.mark.parametrize("case", STRAYS, ids=named)
def test_libraries_drop_a_stray_disclosure_silently_and_we_refuse_it(case: Case) -> None:
    assert subject_of(by_pypi(case.sdjwt, case.key)) == case.event
    answer = node_answer(case)["sdjwt"]
    assert answer["ok"], answer
    assert subject_of(answer["value"]) == case.event
    with pytest.raises(DisclosureMismatch):
        verify_statement(case.sdjwt, case.key)

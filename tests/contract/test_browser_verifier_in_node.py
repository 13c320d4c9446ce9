"""The modules that check bundles in a phone decide as the Python verifier does, run by Node."""

from __future__ import annotations

import json
import random
import re
import shutil
from base64 import b64encode
from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.make_standalone import MADE_FROM, STANDALONE, TERSER, made, made_from
from tests.golden.checks import changed, story_event
from tests.golden.regenerate import FOLDER, IDENTIFIERS
from tests.golden.story import Story, tell_story
from tests.golden.world import ID_BASE
from tests.support.node_verifier import asked, row, verdict
from tests.support.signed_wrong import wrong_key_record, wrong_statement
from tests.support.verify_cases import MADE, decided, headed, make_case, policy_text
from trace.core.verify import verify_bundle
from trace.core.verify.policy_file import read_policy
from trace.core.verify.things import things_of
from trace.errors import TraceError

FORMATS = Path(__file__).parents[2] / "docs" / "reference" / "formats.md"

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")


@pytest.mark.parametrize("folder", ["", "sent"])
def test_every_reason_code_is_given_alike_by_python_and_by_the_phone(folder: str) -> None:
    cases = [make_case(name) for name in MADE]
    answers = asked([row(c.bundle, c.policy, c.now) for c in cases], folder=folder)
    for case, answer in zip(cases, answers, strict=True):
        expected = "ok" if case.name.startswith("good") else case.name.removesuffix("-5")
        assert case.answer[0] == expected, case.name
        assert verdict(answer) == case.answer, case.name


def test_the_table_has_a_bad_bundle_for_each_reason_code_that_refuses() -> None:
    rows = re.findall(r"^\| ([1-8]) [^|]*\|[^|]*\|([^|]*)\|$", FORMATS.read_text(), re.MULTILINE)
    assert len(rows) == 8
    told = {code for _, codes in rows for code in re.findall(r"`([a-z-]+)`", codes)}
    made = {make_case(name).answer[0] for name in MADE if not name.startswith("good")}
    assert made == told


def test_the_reports_of_good_bundles_are_the_same() -> None:
    cases = [make_case(name) for name in MADE if name.startswith("good")]
    answers = asked([row(c.bundle, c.policy, c.now) for c in cases])
    for case, answer in zip(cases, answers, strict=True):
        report = verify_bundle(case.bundle, read_policy(case.policy.encode()), case.now)
        assert answer["recall"] == report.recall, case.name
        assert answer["notices"] == list(report.notices)
        assert answer["witnesses"] == list(report.witnesses)
        for name in ("witnessed", "since"):
            moment = getattr(report, name)
            assert answer[name] == (moment and moment.timestamp() * 1000), case.name
        key = lambda f: (f[0], -1 if f[1] is None else f[1], f[2])  # noqa: E731
        theirs = [(f["code"], f["index"], f["detail"]) for f in answer["findings"]]
        ours = [(f.code, f.index, f.detail) for f in report.findings]
        assert sorted(theirs, key=key) == sorted(ours, key=key), case.name
        for shown, statement in zip(answer["statements"], report.statements, strict=True):
            assert shown["event"] == statement.event
            assert shown["withheld"] == list(statement.withheld)
            assert shown["custody"] == statement.custody
            assert shown["kid"] == statement.kid
            assert shown["erased"] == statement.erased
            assert shown["flagged"] == statement.flagged


def _damage(data: bytes, chance: random.Random) -> bytes:
    """One bit of the file, or one character or element of what it holds, is another one."""
    if chance.random() < 0.4:
        raw = bytearray(data)
        raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
        return bytes(raw)
    value = json.loads(data)
    places: list[tuple[Any, Any]] = []
    waiting: list[Any] = [value]
    while waiting:
        one = waiting.pop()
        for key in list(one) if isinstance(one, dict) else range(len(one)):
            places.append((one, key))
            if isinstance(one[key], dict | list):
                waiting.append(one[key])
    holder, key = chance.choice(places)
    old = holder[key]
    if isinstance(old, str) and old:
        at = chance.randrange(len(old))
        holder[key] = old[:at] + chance.choice(["", "A", "_", "~", "é", "\n", '"']) + old[at + 1 :]
    elif isinstance(old, list) and old:
        old.pop(chance.randrange(len(old)))
    else:
        holder[key] = chance.choice([None, 1.5, -1, 10**17, True, [], {}])
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def test_damaged_bundles_get_the_same_verdict_and_no_damage_to_a_proof_goes_unnoticed() -> None:
    story = tell_story()
    policy, now = policy_text(story), story.world.now
    chance = random.Random(20261122)
    names = ("bundle.json", "bundle-withheld.json", "bundle-erased.json")
    whole = [(FOLDER / name).read_bytes() for name in names]
    damaged = [_damage(chance.choice(whole), chance) for _ in range(600)]
    answers = asked([row(data, policy, now) for data in damaged])
    codes = set()
    for data, answer in zip(damaged, answers, strict=True):
        expected = decided(data, policy, now)
        assert verdict(answer) == expected, data
        codes.add(expected[0])
        if expected[0] == "ok":  # what was changed is no part of the proof
            same = json.loads(data)
            assert any(_proof(same) == _proof(json.loads(one)) for one in whole)
    assert len(codes) > 6


@pytest.mark.parametrize("make", [wrong_statement, wrong_key_record])
@pytest.mark.parametrize("folder", ["", "sent"])
def test_what_was_signed_and_logged_although_wrong_is_judged_alike(
    make: Callable[[Story, random.Random], bytes], folder: str
) -> None:
    chance = random.Random(f"{make.__name__} {folder}")
    told = tell_story()
    policy, now = policy_text(told), told.world.now + timedelta(hours=2)
    wrong = [make(deepcopy(told), chance) for _ in range(150)]
    answers = asked([row(data, policy, now) for data in wrong], folder=folder)
    expected = [decided(data, policy, now) for data in wrong]
    for data, answer, ours in zip(wrong, answers, expected, strict=True):
        assert verdict(answer) == ours, data
    assert {"ok"} < {code for code, _ in expected}


def test_a_file_that_no_shown_statement_names_is_refused_by_both() -> None:
    story = tell_story()
    digest = b64encode(bytes(range(32))).decode().rstrip("=")
    story.world.record(
        story.packer,
        {**story_event(story), "trace:attachments": [{"digest": digest, "bytes": 1}]},
    )
    policy, now = policy_text(story), story.world.now + timedelta(hours=2)

    def bringing(*digests: str) -> bytes:
        return changed(story.bundle(), lambda bundle: bundle.update(attachments=[*digests]))

    made = [bringing(digest), bringing(digest, "x"), bringing("x")]
    answers = [verdict(one) for one in asked([row(data, policy, now) for data in made])]
    assert answers == [decided(data, policy, now) for data in made]
    assert answers == [("ok", 0), ("disclosure-mismatch", 4), ("disclosure-mismatch", 4)]


def _proof(bundle: Any) -> Any:
    """What a bundle proves: with the disclosures that may be left out left out."""
    parts = {name: bundle[name] for name in ("subject", "checkpoint", "receipt")}
    jwts = [item["sdjwt"].split("~")[0] for item in bundle["statements"]]
    return parts, jwts


def test_every_bit_of_a_signature_counts() -> None:
    case = make_case("good")
    value = json.loads(case.bundle)
    jwt, *rest = value["statements"][0]["sdjwt"].split("~")
    head, payload, signature = jwt.split(".")
    changed = []
    for place in range(0, len(signature), 5):
        other = "A" if signature[place] != "A" else "B"
        damaged = signature[:place] + other + signature[place + 1 :]
        value["statements"][0]["sdjwt"] = "~".join([f"{head}.{payload}.{damaged}", *rest])
        changed.append(json.dumps(value).encode())
    answers = asked([row(data, case.policy, case.now) for data in changed])
    for data, answer in zip(changed, answers, strict=True):
        assert verdict(answer) == decided(data, case.policy, case.now)
        assert answer["ok"] is False


@pytest.mark.parametrize("kind", ["constructor", "__proto__", "toString", "hold", "advice", 7])
def test_a_notice_of_any_kind_comes_to_the_same(kind: object) -> None:
    """Names that every JavaScript object has by birth are names like others."""
    story = tell_story()
    event = story_event(story, **{"trace:notice": {"kind": kind}, "__proto__": {"a": 1}})
    story.world.record(story.packer, event)
    data, policy, now = story.bundle(), policy_text(story), story.world.now
    (answer,) = asked([row(data, policy, now)])
    report = verify_bundle(data, read_policy(policy.encode()), now)
    assert answer["recall"] == report.recall != "none-shown"
    assert answer["statements"][-1]["event"] == report.statements[-1].event
    assert "__proto__" in report.statements[-1].event


@pytest.mark.parametrize("alg", ["none", "HS256", ["Ed25519"], None, 1, {}])
def test_a_header_of_another_algorithm_or_of_another_type_is_a_bad_signature(alg: object) -> None:
    story = tell_story()
    data, policy, now = headed(story, alg), policy_text(story), story.world.now
    (answer,) = asked([row(data, policy, now)])
    assert verdict(answer) == decided(data, policy, now) == ("bad-signature", 2)


NUMBERS = ["1.0", "-0", "1e0", "9007199254740993", "0.1000000000000000055", "NaN", "01", "1E400"]


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers_that_are_not_kept_by_value_are_unreadable_to_both(number: str) -> None:
    case = make_case("good")
    data = case.bundle.replace(b'{"v":1,', b'{"v":%s,' % number.encode(), 1)
    (answer,) = asked([row(data, case.policy, case.now)])
    assert verdict(answer) == decided(data, case.policy, case.now) == ("unreadable", 1)


GARBAGE = [b"", b"null", b"[]", b"\xff", b"\xef\xbb\xbf{}", b"[" * 100_000, b'{"v":"\\ud800"}']


@pytest.mark.parametrize("data", GARBAGE)
def test_garbage_is_unreadable_and_no_crash(data: bytes) -> None:
    case = make_case("good")
    (answer,) = asked([row(data, case.policy, case.now)])
    assert verdict(answer) == ("unreadable", 1)


# -- policies --------------------------------------------------------------------------------------


def _policies() -> list[str]:
    story = tell_story()
    good = policy_text(story, quorum="w1", max_age=60)
    lines = good.splitlines()
    group = good.replace("quorum w1", "group g all w1\nquorum g")
    changed = [
        group,
        group.replace(" all ", " 2 "),
        good.replace("quorum w1", "group g any w1 w1\nquorum g"),
        good.replace("quorum w1", "group g any w1\ngroup h any g\nquorum h"),
        good + "#trace own w1\n",
        good + "#trace own w2\n",
        good + "#trace constructor x\n",
        good + "#trace inspector did:web:trace.example:o:A\n#trace authority did:web:a:o:B\n",
        good + "quorum w1\n",
        good + "trust me\n",
        good + "#trace max-age 1\n",
        good + "\x07",
        good.replace("+", "+0", 1),
        good.replace("witness w1", "witness none"),
        good.replace("quorum w1", "quorum w2"),
        "",
    ]
    without = ["\n".join(lines[:n] + lines[n + 1 :]) + "\n" for n in range(len(lines))]
    return [good, *changed, *without]


def test_policy_files_are_read_alike_and_bad_ones_are_refused_by_both() -> None:
    texts = _policies()
    rows = [{"policyFile": b64encode(text.encode()).decode()} for text in texts]
    refused = 0
    for text, answer in zip(texts, asked(rows), strict=True):
        try:
            policy = read_policy(text.encode())
        except TraceError:
            assert answer == {"thrown": "0 bad-policy"}, text
            refused += 1
            continue
        theirs = answer["policy"]
        names = {log["name"] for log in theirs["logs"]}
        assert names == {policy.log.name}
        assert theirs["root"] == b64encode(policy.root.raw).decode()
        assert [w["name"] for w in theirs["witnesses"]] == [w.name for w in policy.witnesses]
        assert theirs["quorum"] == policy.quorum
        age = policy.max_age
        assert theirs["maxAge"] == (None if age is None else age.total_seconds() * 1000)
        assert set(theirs["inspectors"]) == set(policy.inspectors)
        assert set(theirs["authorities"]) == set(policy.authorities)
    assert refused > 10


# -- identities ------------------------------------------------------------------------------------

URIS = [
    *IDENTIFIERS,
    "https://id.gs1.org/01/09521234543214/10/RM2211",
    "https://shop.example/a/01/09521234543213/22/2A/10/R%2FM/21/7?17=261124#x",
    "HTTPS://ID.GS1.ORG/01/09521234543213/10/R/",
    "Https://id.gs1.org/01/09521234543213/10/R",
    "https://id.gs1.org/01/09521234543213/10/R M",
    "https://id.gs1.org/01/09521234543213/21/7/10/R",
    "https://id.gs1.org/01/09521234543213/10/" + "R" * 21,
    "https://id.gs1.org/00/095212345678901236",
    "urn:epc:class:lgtin:952123.0454321.RM2211",
    "urn:epc:class:lgtin:952123.0454321.RM%2F1.2",
    "urn:epc:idpat:lgtin:952123.0454321.*",
    "urn:epc:idpat:sgtin:952123.0454321.*",
    "urn:epc:id:sgtin:952123.0454321.*",
    "urn:epc:id:sscc:952123.05678901234",
    "urn:epc:id:sscc:952123.0567890123",
    "URN:EPC:id:sscc:952123.05678901234",
    "urn:example:thing",
    f"{ID_BASE}/b/not-a-code",
    f"{ID_BASE.upper()}/B/0",
    f"{ID_BASE}/x/1",
]


def test_things_get_the_same_identity_and_the_same_chain() -> None:
    codes = json.loads((FOLDER / "identifiers.json").read_text())
    code, serial = codes["code"], codes["serial"]
    own = [f"{ID_BASE}/{letter}/{code}" for letter in "bchlponq"]
    own += [f"{ID_BASE}/b/{code}/{serial}", f"{ID_BASE}/c/{code}/{serial}"]
    own += [f"{ID_BASE}/B/{code.lower()}/?x=1", f"{ID_BASE}/b/{code[:5]}-{code[5:]}"]
    uris = [*URIS, *own]
    (answers,) = asked([{"uris": uris, "base": ID_BASE}])
    for uri, answer in zip(uris, answers, strict=True):
        (thing,) = things_of({"epcList": [uri]}, ID_BASE)
        assert answer[1] == thing.linked, uri
        if thing.linked or ("/414/" not in uri and "/21/" not in uri):
            assert answer[0] == thing.identity, uri


# -- words -----------------------------------------------------------------------------------------

# What formats.md forbids a page to say, in both languages.
FORBIDDEN = re.compile(
    r"hàng thật|chính hãng|sự thật|đầy đủ|không có thu hồi|không bị thu hồi"
    r"|độc lập|chỉ nông dân|genuine|\bsafe\b|\btrue\b|complete|no recall|independent"
    r"|only the farmer|authentic",
    re.IGNORECASE,
)
CODES = sorted({name.removesuffix("-5") for name in MADE if not name.startswith("good")})


def _said(result: Any, policy: Any = None, *, own: bool = True) -> list[str]:
    """All sentences of a result in both languages."""
    rows = [
        {"result": result, "language": language, "policy": policy, "own": own}
        for language in ("vi", "en")
    ]
    return [sentence for said in asked(rows) for _, sentence in said]


def test_no_result_says_what_a_page_may_not_say() -> None:
    sentences = []
    for code in ("cannot-check", "several-logs", "failed"):
        sentences += _said({"ok": None, "code": code})
    for code in [*CODES, "bad-policy"]:
        sentences += _said({"ok": False, "step": 1, "code": code})
    good = [name for name in MADE if name.startswith("good")]
    cases = [make_case(name) for name in good]
    for answer in asked([row(c.bundle, c.policy, c.now) for c in cases]):
        for recall in ("none-shown", "notice", "hold", "unknown", "recalled"):
            sentences += _said({**answer, "recall": recall}, {"witnesses": []})
    assert len(sentences) > 100
    assert not [one for one in sentences if FORBIDDEN.search(one) or "undefined" in one]


def test_no_recall_shown_is_not_told_as_no_recall() -> None:
    case = make_case("good")
    (answer,) = asked([row(case.bundle, case.policy, case.now)])
    assert answer["recall"] == "none-shown"
    assert not [one for one in _said(answer) if re.search("thu hồi|recall", one)]


@pytest.mark.parametrize("code", CODES)
def test_each_reason_has_its_words_in_both_languages(code: str) -> None:
    vi, en = _said({"ok": False, "step": 4, "code": code})
    assert "bước 4/9" in vi
    assert "step 4/9" in en
    assert code not in vi  # words, not the code (which two English sentences resemble)


def test_dates_are_those_of_witnesses_and_else_those_of_the_log() -> None:
    case = make_case("good-witnessed")
    (answer,) = asked([row(case.bundle, case.policy, case.now)])
    policy = {"witnesses": [{"name": "witness.example/w1", "operator": "Trường Đại học Ví dụ"}]}
    told = _said(answer, policy)
    assert any("Trường Đại học Ví dụ đã thấy sổ này ngày 22/11/2026" in one for one in told)
    plain = make_case("good")
    (answer,) = asked([row(plain.bundle, plain.policy, plain.now)])
    assert any("theo sổ; chưa có bên làm chứng" in one for one in _said(answer))


def test_only_a_page_that_sent_the_code_itself_says_so() -> None:
    case = make_case("good")
    (answer,) = asked([row(case.bundle, case.policy, case.now)])
    assert [one for one in _said(answer, own=True) if "chính trang đang xem" in one]
    assert not [one for one in _said(answer, own=False) if "chính trang đang xem" in one]


# -- what is sent ----------------------------------------------------------------------------------


def test_what_is_sent_is_of_the_source_as_it_is() -> None:
    """Also without Node.js: a source that changed is told by its hash."""
    assert MADE_FROM.read_text() == made_from(), "run deploy/make_standalone.py"


@pytest.mark.skipif(not TERSER.is_file(), reason="terser is not installed (make setup)")
def test_what_is_sent_and_what_is_saved_are_made_from_the_source() -> None:
    for path, text in made().items():
        assert path.read_text(encoding="utf-8") == text, f"run deploy/make_standalone.py: {path}"


def test_the_file_to_save_names_no_address_and_loads_nothing() -> None:
    text = STANDALONE.read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert "import(" not in text
    assert not re.search(r"""(?:src|href)=["'](?!#)""", text)

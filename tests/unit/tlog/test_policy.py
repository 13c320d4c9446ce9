"""Policy files say whom to trust; a file that could mislead is refused with the line's number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trace.core.signing import PrivateKey
from trace.core.tlog import (
    BadPolicy,
    Checkpoint,
    Cosigner,
    NotWitnessed,
    Signer,
    Stale,
    TrustPolicy,
    add_signatures,
    log_signer,
    parse_policy,
    sign_checkpoint,
)

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
ORIGIN = "trace.example/log"


def key(number: int) -> PrivateKey:
    return PrivateKey.from_seed(bytes([number]) * 32)


LOG = log_signer(ORIGIN, key(1))
WITNESSES = [Cosigner(f"w{n}.example", key(10 + n)) for n in range(5)]
CHECKPOINT = Checkpoint(ORIGIN, 7, bytes(range(32)))


def text(*lines: str, witnesses: int = 5) -> bytes:
    known = [f"witness X{n} {WITNESSES[n].verifier.vkey}" for n in range(witnesses)]
    return "\n".join([f"log {LOG.verifier.vkey}", *known, *lines, ""]).encode()


def note(*cosigners: int, at: datetime = NOW) -> str:
    lines = [WITNESSES[n].line(CHECKPOINT.text, at) for n in cosigners]
    return add_signatures(sign_checkpoint(CHECKPOINT, LOG), lines)


NESTED = ("group A 2 X0 X1 X2", "group B any X3 X4", "group both all A B", "quorum both")


@pytest.mark.parametrize(
    ("cosigners", "enough"),
    [
        ((), False),
        ((0, 1, 2), False),
        ((0, 3), False),
        ((3, 4), False),
        ((0, 1, 3), True),
        ((1, 2, 4), True),
        ((0, 1, 2, 3, 4), True),
    ],
)
def test_a_quorum_of_groups_is_reached_as_written(cosigners: tuple[int, ...], enough: bool) -> None:
    policy = parse_policy(text(*NESTED))
    if enough:
        found = policy.check(note(*cosigners), now=NOW)
        assert set(found.cosigned) == {f"X{n}" for n in cosigners}
        assert found.checkpoint == CHECKPOINT
    else:
        with pytest.raises(NotWitnessed):
            policy.check(note(*cosigners), now=NOW)


def test_comments_tabs_and_empty_lines_change_nothing() -> None:
    plain = parse_policy(text("group g 1 X0 X1", "quorum g"))
    spaced = parse_policy(
        b"# a comment\n\n \t\n"
        + text(" group\tg  1 X0\tX1 ", "\t# another: quorum none", "quorum g")
    )
    assert plain == spaced


def test_a_witness_run_by_the_operator_counts_for_nothing() -> None:
    policy = parse_policy(text("#trace own X0", "group g 1 X0 X1", "quorum g"))
    with pytest.raises(NotWitnessed):
        policy.check(note(0), now=NOW)
    assert set(policy.check(note(0, 1), now=NOW).cosigned) == {"X1"}


def test_a_witness_with_the_logs_own_key_counts_for_nothing() -> None:
    twin = Cosigner("looks.independent.example", LOG.key)
    policy = parse_policy(text(f"witness T {twin.verifier.vkey}", "quorum T"))
    cosigned = add_signatures(sign_checkpoint(CHECKPOINT, LOG), [twin.line(CHECKPOINT.text, NOW)])
    with pytest.raises(NotWitnessed):
        policy.check(cosigned, now=NOW)


def test_the_people_behind_a_witness_are_named_and_otherwise_its_key() -> None:
    policy = parse_policy(text("#trace operator X0 Trường Đại học Ví dụ", "quorum X0"))
    assert policy.witnesses[0].operator == "Trường Đại học Ví dụ"
    assert policy.witnesses[1].operator == "w1.example"


def test_while_the_logs_key_changes_either_signature_is_enough() -> None:
    new = log_signer(ORIGIN, key(2))
    policy = parse_policy(text(f"log {new.verifier.vkey}", "quorum none"))
    assert policy.check(sign_checkpoint(CHECKPOINT, new), now=NOW).log == new.verifier
    assert policy.check(sign_checkpoint(CHECKPOINT, LOG), now=NOW).log == LOG.verifier
    stranger = log_signer(ORIGIN, key(3))
    with pytest.raises(NotWitnessed):
        policy.check(sign_checkpoint(CHECKPOINT, stranger), now=NOW)


def test_a_checkpoint_of_a_log_that_is_not_named_is_refused() -> None:
    policy = parse_policy(text("quorum none"))
    other = Signer("other.example/log", LOG.key)
    foreign = sign_checkpoint(Checkpoint("other.example/log", 7, bytes(32)), other)
    with pytest.raises(NotWitnessed, match=r"trace\.example/log"):
        policy.check(foreign, now=NOW)


def test_a_cosignature_from_the_future_or_a_changed_one_is_refused() -> None:
    policy = parse_policy(text("quorum X0"))
    with pytest.raises(NotWitnessed, match="up to now"):
        policy.check(note(0, at=NOW + timedelta(hours=1)), now=NOW)
    changed = add_signatures(
        sign_checkpoint(CHECKPOINT, LOG),
        [WITNESSES[0].line(Checkpoint(ORIGIN, 8, bytes(32)).text, NOW)],
    )
    with pytest.raises(NotWitnessed):
        policy.check(changed, now=NOW)


def test_an_old_cosignature_is_stale_where_an_age_is_asked_for() -> None:
    policy = parse_policy(text("quorum X0"))
    old = note(0, at=NOW - timedelta(days=2))
    assert policy.check(old, now=NOW).newest == NOW - timedelta(days=2)
    with pytest.raises(Stale):
        policy.check(old, now=NOW, max_age=timedelta(days=1))


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ((), "without a quorum"),
        (("quorum none", "quorum none"), "one quorum"),
        (("quorum nobody",), "nobody is not defined"),
        (("group none 1 X0", "quorum X0"), "none is taken"),
        (("group X0 1 X1", "quorum X0"), "X0 is taken"),
        (("group g 1", "quorum none"), "members"),
        (("group g 0 X0", "quorum g"), "from 1 to 1"),
        (("group g 02 X0 X1", "quorum g"), "from 1 to 2"),
        (("group g 3 X0 X1", "quorum g"), "from 1 to 2"),
        (("group g most X0 X1", "quorum g"), "from 1 to 2"),
        (("group g 1 X0 X0", "quorum g"), "X0 is a member"),
        (("group g 1 X0", "group h 1 X0", "quorum g"), "X0 is a member"),
        (("group g 1 none", "quorum g"), "none is not defined"),
        (("group g 1 h", "group h 1 X0", "quorum g"), "h is not defined"),
        (("witness Y", "quorum none"), "a name and a key"),
        ((f"witness Y {WITNESSES[0].verifier.vkey}", "quorum none"), "listed twice"),
        ((f"witness Y {LOG.verifier.vkey}", "quorum none"), "type 4"),
        ((f"log {WITNESSES[0].verifier.vkey}", "quorum none"), "type 1"),
        ((f"log {Signer('other', LOG.key).verifier.vkey}", "quorum none"), "listed twice"),
        ((f"log {LOG.verifier.vkey}x https://a https://b", "quorum none"), "one address"),
        (("log trace.example/log+00000000+AAAA", "quorum none"), "expected"),
        (("cosigner X0", "quorum none"), "begins with cosigner"),
        (("quorum none\r",), "control character"),
        (("#trace own nobody", "quorum none"), "nobody"),
        (("#trace operator", "quorum none"), "a word and a value"),
    ],
)
def test_a_policy_that_could_mislead_is_refused_and_says_why(
    lines: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(BadPolicy, match=reason):
        parse_policy(text(*lines))


@given(st.binary(max_size=300))
def test_whatever_the_bytes_a_policy_is_read_or_refused(data: bytes) -> None:
    try:
        policy = parse_policy(data)
    except BadPolicy:
        return
    assert isinstance(policy, TrustPolicy)


@given(st.data())
def test_no_cut_or_changed_policy_raises_anything_else(data: st.DataObject) -> None:
    whole = text(*NESTED)
    at = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.integers(0, 255))
    for bad in (whole[:at], whole[:at] + bytes([byte]) + whole[at + 1 :]):
        try:
            parse_policy(bad)
        except BadPolicy:
            continue

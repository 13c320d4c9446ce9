"""One-time codes: published values of RFC 4226 and RFC 6238, and what is taken when."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from trace.core import totp

# RFC 4226, appendix D.
HOTP = ["755224", "287082", "359152", "969429", "338314"]
# RFC 6238, appendix B (and its erratum 2866: the secret is as long as the hash).
SECRETS = {"sha1": 20, "sha256": 32, "sha512": 64}
TOTP = [
    (59, "94287082", "46119246", "90693936"),
    (1111111109, "07081804", "68084774", "25091201"),
    (1111111111, "14050471", "67062674", "99943326"),
    (1234567890, "89005924", "91819424", "93441116"),
    (2000000000, "69279037", "90698825", "38618901"),
    (20000000000, "65353130", "77737706", "47863826"),
]
SECRET = b"12345678901234567890"
AT = datetime(2026, 11, 23, 3, 0, 0, tzinfo=UTC)  # the first second of a step


def test_the_published_codes_of_counters() -> None:
    assert [totp.hotp(SECRET, counter) for counter in range(5)] == HOTP


@pytest.mark.parametrize(("seconds", *SECRETS), TOTP)
def test_the_published_codes_of_times(seconds: int, sha1: str, sha256: str, sha512: str) -> None:
    step = totp.step_of(datetime.fromtimestamp(seconds, UTC))
    for expected, (digest, length) in zip((sha1, sha256, sha512), SECRETS.items(), strict=True):
        secret = (b"1234567890" * 7)[:length]
        assert totp.hotp(secret, step, digits=8, digest=digest) == expected


def test_the_codes_of_the_neighbouring_steps_count_and_no_others() -> None:
    step = totp.step_of(AT)
    taken = {
        away: totp.matching_step(SECRET, totp.hotp(SECRET, step + away), AT, after=0)
        for away in range(-3, 4)
    }
    assert taken == {-3: None, -2: None, -1: step - 1, 0: step, 1: step + 1, 2: None, 3: None}
    last = AT + timedelta(seconds=59)
    assert totp.matching_step(SECRET, totp.hotp(SECRET, step), last, after=0) == step
    over = AT + timedelta(seconds=60)
    assert totp.matching_step(SECRET, totp.hotp(SECRET, step), over, after=0) is None


def test_a_step_that_was_used_counts_no_more_nor_does_one_before_it() -> None:
    step = totp.step_of(AT)
    code = totp.hotp(SECRET, step)
    assert totp.matching_step(SECRET, code, AT, after=step - 1) == step
    assert totp.matching_step(SECRET, code, AT, after=step) is None
    assert totp.matching_step(SECRET, totp.hotp(SECRET, step - 1), AT, after=step) is None
    assert totp.matching_step(SECRET, totp.hotp(SECRET, step + 1), AT, after=step) == step + 1


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "\x00" * 6])
def test_what_is_no_code_is_never_taken(typed: str) -> None:
    assert totp.matching_step(SECRET, typed, AT, after=0) is None


def test_the_secret_is_of_160_bits_and_is_told_to_the_application_as_to_the_person() -> None:
    secret = totp.new_secret(lambda length: bytes(range(length)))
    assert len(secret) * 8 == 160
    address = totp.setup_address(secret, "+84 912:345", "Trace")
    parts = urlsplit(address)
    told = parse_qs(parts.query)
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert parts.path == "/Trace%3A%2B84%20912%3A345"
    assert told["issuer"] == ["Trace"]
    typed = totp.secret_text(secret)
    assert all(len(group) == 4 for group in typed.split())
    assert base64.b32decode(typed.replace(" ", "")) == secret
    assert told["secret"] == [typed.replace(" ", "")]

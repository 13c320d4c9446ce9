"""Guessing passwords is made slow: failures are counted by address and by account.

The account is the number or address as typed, normalised, whether it exists or not: an answer
"too often" tells nothing. Success forgets the account's failures, not the network address's. The
counters are in the database: several processes count together (trace.services.counters).
"""

from __future__ import annotations

from datetime import timedelta

from flask import request
from limits import RateLimitItem, parse

from trace import clock
from trace.errors import TraceError
from trace.extensions import limiter
from trace.networks import sender_of
from trace.services import counters
from trace.services.people import parse_login

BY_ACCOUNT = parse("10/15 minutes")
# Many phones share one address behind a mobile operator.
BY_ADDRESS = parse("60/15 minutes")
REGISTRATIONS = parse("20/1 hour")
# Codes of the second step, tried by somebody who knows the password: three of a million are good at
# any moment, so that forty a day find one in twenty years.
FACTOR = parse("10/15 minutes")
FACTOR_A_DAY = parse("40/1 day")


class TooManyTries(TraceError):
    code = "too-many-tries"
    status = 429
    message = "Too many tries. Wait %(minutes)d minutes and try again."


def account_key(typed: str) -> str:
    """One key for every way of writing the same number."""
    try:
        return parse_login(typed).value
    except TraceError:
        return typed.strip().lower()[:100]


def check(item: RateLimitItem, *names: str) -> None:
    """Raises TooManyTries when the limit is used up."""
    if not limiter.enabled:
        return
    now = clock.now()
    key = counters.counter_key(str(item), *names)
    count, ends = counters.tries(key, at=now, window=window_of(item))
    if count >= item.amount:
        raise TooManyTries(minutes=max(1, round((ends - now).total_seconds() / 60)))


def count(item: RateLimitItem, *names: str) -> None:
    """Counts one, at once and by itself: before anything is written, or after it is committed."""
    if limiter.enabled:
        counters.hit(counters.counter_key(str(item), *names), window_of(item), at=clock.now())


def window_of(item: RateLimitItem) -> timedelta:
    """How long the limit counts together."""
    return timedelta(seconds=item.get_expiry())


def check_sign_in(typed: str) -> None:
    """Raises TooManyTries for this account or this network address."""
    check(BY_ADDRESS, "sign-in", address())
    check(BY_ACCOUNT, "sign-in", account_key(typed))


def count_failure(typed: str) -> None:
    """A sign-in failed."""
    count(BY_ADDRESS, "sign-in", address())
    count(BY_ACCOUNT, "sign-in", account_key(typed))


def forget_failures(typed: str) -> None:
    """A sign-in succeeded."""
    if limiter.enabled:
        counters.forget(counters.counter_key(str(BY_ACCOUNT), "sign-in", account_key(typed)))


def check_factor(person_id: int) -> None:
    """Raises TooManyTries for the second step of this account, or for this network address."""
    check(BY_ADDRESS, "sign-in", address())
    check(FACTOR, "factor", str(person_id))
    check(FACTOR_A_DAY, "factor", str(person_id))


def count_factor(person_id: int) -> None:
    """A code of a second step was wrong."""
    count(BY_ADDRESS, "sign-in", address())
    count(FACTOR, "factor", str(person_id))
    count(FACTOR_A_DAY, "factor", str(person_id))


def address() -> str:
    """The sender's network address, of an IPv6 address the part that is the sender's own."""
    return sender_of(request.remote_addr or "")

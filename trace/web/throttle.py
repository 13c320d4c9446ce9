"""Guessing passwords is made slow: failures are counted by address and by account.

The account is the number or address as typed, normalised, whether it exists or not: an answer
"too often" tells nothing. Success forgets the account's failures, not the network address's.
"""

from __future__ import annotations

import time

from flask import request
from limits import RateLimitItem, parse

from trace.errors import TraceError
from trace.extensions import limiter
from trace.services.people import parse_login

BY_ACCOUNT = parse("10/15 minutes")
# Many phones share one address behind a mobile operator.
BY_ADDRESS = parse("60/15 minutes")
REGISTRATIONS = parse("20/1 hour")


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
    if limiter.enabled and not limiter.limiter.test(item, *names):
        reset = limiter.limiter.get_window_stats(item, *names).reset_time
        raise TooManyTries(minutes=max(1, round((reset - time.time()) / 60)))


def count(item: RateLimitItem, *names: str) -> None:
    """Counts one."""
    if limiter.enabled:
        limiter.limiter.hit(item, *names)


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
        limiter.limiter.clear(BY_ACCOUNT, "sign-in", account_key(typed))


def address() -> str:
    """The network address of the sender."""
    return request.remote_addr or ""

"""A verifier's policy from a policy file (C2SP tlog-policy with our `#trace` lines).

`#trace platform <did>` names the platform's organisation, `#trace root <base64url>` its root key;
`#trace inspector <did>` and `#trace authority <did>` may be repeated; `#trace max-age <seconds>`
bounds the age of the newest cosignature. The first `log` line (or the first of the origin asked
for) is the log that bundles are about; a second key of it and older logs it continues are further
lines. Verification of bundles takes a quorum that is `none`, one
witness, or one group of witnesses.
"""

from __future__ import annotations

import re
from datetime import timedelta

from trace.core.signing import PublicKey, TrustError, unb64url
from trace.core.tlog import BadPolicy, TrustPolicy, Verifier, parse_policy
from trace.core.tlog.policy import NONE
from trace.core.verify.report import Policy


def read_policy(data: bytes, *, origin: str | None = None) -> Policy:
    """The policy for one origin; the first log's when none is named. Raises BadPolicy."""
    return policy_of(parse_policy(data), origin=origin)


def policy_of(trust: TrustPolicy, *, origin: str | None = None) -> Policy:
    """The same, from a policy that was read."""
    logs = [log.verifier for log in trust.logs if origin in (None, log.verifier.name)]
    if not logs:
        raise BadPolicy(line=0, reason=f"it has no log {origin or ''}".rstrip())
    witnesses, quorum = _flat(trust)
    said: dict[str, list[str]] = {}
    for word, value in trust.directives:
        said.setdefault(word, []).append(value)
    return Policy(
        log=logs[0],
        root=_root(_one(said, "root")),
        platform=_one(said, "platform"),
        witnesses=witnesses,
        quorum=quorum,
        max_age=_age(said.get("max-age", [])),
        inspectors=frozenset(said.get("inspector", ())),
        authorities=frozenset(said.get("authority", ())),
        logs=tuple(log.verifier for log in trust.logs),
    )


def _flat(trust: TrustPolicy) -> tuple[tuple[Verifier, ...], int]:
    independent = {w.name: w.verifier for w in trust.witnesses if not w.own}
    if trust.quorum == NONE:
        return tuple(independent.values()), 0
    for group in trust.groups:
        if group.name == trust.quorum:
            if any(g.name in group.members for g in trust.groups):
                raise BadPolicy(line=0, reason="the quorum is a group of groups")
            members = [independent[name] for name in group.members if name in independent]
            return tuple(members), group.needed
    return tuple(v for name, v in independent.items() if name == trust.quorum), 1


def _one(said: dict[str, list[str]], word: str) -> str:
    values = said.get(word, [])
    if len(values) != 1:
        raise BadPolicy(line=0, reason=f"one line #trace {word} is expected")
    return values[0]


def _root(text: str) -> PublicKey:
    try:
        return PublicKey.from_bytes(unb64url(text))
    except TrustError as error:
        raise BadPolicy(line=0, reason=f"#trace root is no key: {error.detail}") from None


def _age(values: list[str]) -> timedelta | None:
    if not values:
        return None
    if len(values) != 1 or not re.fullmatch(r"[0-9]{1,9}", values[0]):
        raise BadPolicy(line=0, reason="#trace max-age is a number of seconds")
    return timedelta(seconds=int(values[0]))

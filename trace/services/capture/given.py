"""Statements signed already: outside with the organisation's own key, or waiting for approval.

They are opened strictly (every member disclosed, exact members, full salts) and then stand where
`prepare` and `sign` would have put them: from there on all is one path.

1. A statement names its eventID: nothing can be added to what is signed.
2. An error declaration names in `trace:corrects` the statement that the eventID belongs to, and
   nothing else names one.
3. `validFrom` is not in the future, give or take a clock that runs a little ahead.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from trace.core.signing import PublicKey
from trace.core.statements import Opened, Statement, accept_upload, keep_jwt, keep_texts
from trace.errors import Refused, TraceError
from trace.services.actors import Actor
from trace.services.capture.prepare import Prepared, prepare, urn_of
from trace.services.keys import NamedKey
from trace.services.naming import issuer_of

AHEAD: Final = timedelta(minutes=5)


class NoEventId(TraceError):
    code = "no-event-id"
    message = "A statement that is signed outside must hold an eventID."


class CorrectsAnother(TraceError):
    code = "corrects-another"
    status = 409
    message = "trace:corrects must be %(expected)s: the statement with this eventID."


class SignedInFuture(TraceError):
    code = "signed-in-future"
    message = "validFrom lies in the future: %(got)s"


def open_given(
    actor: Actor,
    statements: Sequence[str],
    key: NamedKey,
    public: PublicKey,
    *,
    at: datetime,
    paths: Sequence[str] | None = None,
) -> list[Prepared]:
    """Signed SD-JWTs as `store` takes them. Raises the one error, or Refused with all."""
    where = paths or [f"/{number}" for number in range(len(statements))]
    issuer = issuer_of(actor.organisation.code)
    opened: list[tuple[Statement, Opened]] = []
    errors: list[TraceError] = []
    for text, path in zip(statements, where, strict=True):
        try:
            one = accept_upload(text, public, issuer=issuer, kid=key.kid)
            _check(one[1], at)
            opened.append(one)
        except TraceError as error:
            errors.append(error.at(path))
    _refuse(errors)
    prepared = prepare(actor, [one.event for _, one in opened], at=at, paths=where)
    for event, (statement, said) in zip(prepared, opened, strict=True):
        event.jwt, event.kept = statement.jwt, keep_jwt(statement.jwt)
        event.disclosures = keep_texts([one.text for one in statement.disclosures])
        event.identify(UUID(said.statement_id[9:]).bytes)
    _check_corrections(prepared, opened, where)
    return prepared


def _refuse(errors: list[TraceError]) -> None:
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise Refused(errors)


def _check(opened: Opened, at: datetime) -> None:
    if not isinstance(opened.event.get("eventID"), str):
        raise NoEventId(path="/eventID")
    if opened.valid_from > at + AHEAD:
        raise SignedInFuture(path="/validFrom", got=opened.valid_from.isoformat())


def _check_corrections(
    prepared: Sequence[Prepared],
    opened: Sequence[tuple[Statement, Opened]],
    paths: Sequence[str],
) -> None:
    together = {e.event_key: e.statement_uuid for e in prepared if not e.error_declaration}
    errors: list[TraceError] = []
    for event, (_, one), path in zip(prepared, opened, paths, strict=True):
        if event.error_declaration:
            event.corrects = together.get(event.event_key, event.corrects)
        expected = urn_of(event.corrects) if event.corrects is not None else None
        if one.event.get("trace:corrects") != expected:
            errors.append(
                CorrectsAnother(path=f"{path}/trace:corrects", expected=expected or "absent")
            )
    _refuse(errors)

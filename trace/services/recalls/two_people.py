"""Two signatures are two people's, as far as an account can tell.

Compared is what we have of both: the account; the telephone number; the e-mail address as its
mailbox is addressed, since `an+2@…` comes to `an@…`, and where a provider passes over dots and has
two names, those too; the public keys of passkeys. What nobody proved counts as well: the same
mailbox is the same mailbox. What cannot be known: whether one person holds two numbers or two
mailboxes, or two people share one telephone. That is the office's own order to keep, and the audit
log names both accounts.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import select

from trace.errors import TraceError
from trace.extensions import db
from trace.models import Person, PersonPasskey

# Mailboxes that are the same with and without dots, under either name.
DOTLESS: Final = {"gmail.com": "gmail.com", "googlemail.com": "gmail.com"}


class SameSigner(TraceError):
    code = "recall-same-signer"
    message = "The second signature is another supervisor's."


class SameContact(TraceError):
    code = "recall-same-contact"
    message = (
        "This account has the same number, mailbox or passkey as the one that signed first; "
        "it counts as the same person."
    )
    next_step = "Another supervisor signs, with an account and a telephone of their own."


def check_another(first_id: int | None, second: Person | None) -> None:
    """Raises SameSigner, SameContact unless `second` is, by all we have, another person than the
    one who signed first."""
    if second is None or second.id == first_id:
        raise SameSigner
    first = db.session.get(Person, first_id) if first_id is not None else None
    if first is not None and _marks(first) & _marks(second):
        raise SameContact


def _marks(person: Person) -> set[str | bytes]:
    """All by which this account can be the same as another."""
    keys: set[str | bytes] = set(
        db.session.scalars(
            select(PersonPasskey.public_key).where(PersonPasskey.person_id == person.id)
        )
    )
    if person.phone:
        keys.add(person.phone)
    if person.email:
        keys.add(mailbox(person.email))
    return keys


def mailbox(address: str) -> str:
    """The mailbox an address comes to (RFC 5233 subaddressing; dots where they are passed over)."""
    name, _, host = address.lower().rpartition("@")
    name = name.partition("+")[0]
    if host in DOTLESS:
        name, host = name.replace(".", ""), DOTLESS[host]
    return f"{name}@{host}"

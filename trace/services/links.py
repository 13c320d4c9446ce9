"""Links that organisations add to their own products and lots: kept, changed, restored, given out.

Rules.
1. A link hangs at one of the organisation's own keys: a product it registered, or a lot of that
   product which it made. Its type is one of those offered (`core.gs1.linkset.OFFERED`): ratified,
   and none that speaks for the record itself.
2. It leads to https at a public name, and not back to this server (a resolver that sends to itself
   never ends). It is never the default link: nobody is sent to another site who did not ask for
   a link of its type.
3. It is given out while its organisation is confirmed and still works, the product's GTIN (where it
   has one) is confirmed, the product is still its own, and the checker did not find that it leads
   inside somebody's network, or nowhere for two weeks.
4. Each change keeps what stood before. What was removed or changed can be brought back; what is
   brought back is checked like what is new.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from sqlalchemy import ColumnElement, and_, func, or_, select, update

from trace.core.gs1.linkset import OFFERED, Target
from trace.errors import Conflict, NotFound, TraceError
from trace.extensions import db
from trace.models import Link, LinkVersion, Organisation, Product, Thing
from trace.models.types import to_millis
from trace.services.actors import Actor
from trace.services.audit import apply, write_audit
from trace.services.jobs import enqueue
from trace.services.links_reaching import BadLinkAddress, check_address
from trace.services.notifications import notify
from trace.services.sets import among
from trace.services.settings import current_settings
from trace.services.versions import check_version

KIND: Final = "check-links"
MOST: Final = 40  # links of one product, its lots' with them
# Of one organisation: each is asked about from here, and nobody's server is to be tired by that.
MOST_OF_ALL: Final = 1000
PATIENCE: Final = timedelta(days=14)  # how long a link that is not reached is still given out
LISTED_LOTS: Final = 50
# When a link is asked about again: that was reached, that was not, whose asking got lost.
STAYS: Final = timedelta(days=7)
TRIED_AGAIN: Final = timedelta(days=1)
ASKED_AGAIN: Final = timedelta(hours=6)
# Languages a page may be in (BCP 47), and what it may be (RFC 6838); the first are the usual ones.
LANGUAGES: Final = ("vi", "en", "zh", "ja", "ko", "fr", "de", "ru", "th", "lo", "km")
MEDIA_TYPES: Final = (
    *("text/html", "application/pdf", "image/jpeg", "image/png", "video/mp4"),
    *("application/json", "application/ld+json"),
)
# What a version keeps, and a change may set.
CONTENT: Final = ("link_type", "href", "title", "languages", "media_type", "context")


class LinkExists(Conflict):
    code = "link-exists"
    message = "This address is already linked there under this type."


class TooManyLinks(TraceError):
    code = "too-many-links"
    message = "At most %(most)d links are kept."


class NotOfferedType(TraceError):
    code = "link-type-not-offered"
    message = "Links of the type “%(value)s” cannot be added."


class NotThisLot(TraceError):
    code = "not-this-products-lot"
    message = "This is no lot of this product that your organisation made."


@dataclass(frozen=True, slots=True)
class Lot:
    """A lot that links can hang at: its row, its identity's text."""

    id: int
    identity: str


# -- reading ---------------------------------------------------------------------------------------


def list_links(actor: Actor, product: Product) -> Sequence[Link]:
    """The links of a product and its lots, those that stand first. Raises NotAllowed."""
    actor.check("read")
    query = select(Link).where(
        Link.product_id == product.id, Link.organisation_id == actor.organisation.id
    )
    return db.session.scalars(query.order_by(Link.state.desc(), Link.link_type, Link.id)).all()


def count_links(actor: Actor, product: Product) -> int:
    """How many links of a product and its lots stand. Raises NotAllowed."""
    actor.check("read")
    query = select(func.count(Link.id)).where(
        Link.product_id == product.id,
        Link.organisation_id == actor.organisation.id,
        Link.state == "shown",
    )
    return db.session.scalar(query) or 0


def get_link(actor: Actor, product: Product, link_id: int) -> Link:
    """One of a product's links. Raises NotFound."""
    actor.check("read")
    link = db.session.get(Link, link_id)
    if (
        link is None
        or link.product_id != product.id
        or link.organisation_id != actor.organisation.id
    ):
        raise NotFound
    return link


def versions_of(link: Link) -> list[tuple[LinkVersion, dict[str, str]]]:
    """Everything a link ever said, the newest first."""
    query = (
        select(LinkVersion)
        .where(LinkVersion.link_id == link.id)
        .order_by(LinkVersion.number.desc())
    )
    return [(one, orjson.loads(one.content)) for one in db.session.scalars(query)]


def get_version(link: Link, number: int) -> dict[str, str]:
    """What a link said in one of its versions. Raises NotFound."""
    kept = db.session.get(LinkVersion, (link.id, number)) if number < 2**31 else None
    if kept is None:
        raise NotFound
    content: dict[str, str] = orjson.loads(kept.content)
    return content


def lots_of(actor: Actor, product: Product) -> list[Lot]:
    """The newest lots of a product that the organisation made."""
    query = (
        select(Thing.id, Thing.identity)
        .where(
            Thing.product_id == product.id,
            Thing.kind == "lot",
            Thing.owner_id == actor.organisation.id,
        )
        .order_by(Thing.id.desc())
        .limit(LISTED_LOTS)
    )
    return [Lot(row[0], row[1]) for row in db.session.execute(query)]


def given_out(identities: Iterable[str], *, at: datetime) -> dict[str, list[tuple[str, Target]]]:
    """The links that the resolver gives out at these levels (rule 3), by the level's canonical
    text, in the order they were added; one query."""
    texts = list(identities)
    if not texts:
        return {}
    query = (
        select(Link.identity, *(getattr(Link, name) for name in CONTENT))
        .join(Product, Product.id == Link.product_id)
        .join(Organisation, Organisation.id == Link.organisation_id)
        .where(among(Link.identity, texts), _is_given(at))
        .order_by(Link.id)
    )
    found: dict[str, list[tuple[str, Target]]] = {}
    rows: Iterable[Any] = db.session.execute(query)
    for identity, link_type, *content in rows:
        found.setdefault(identity, []).append((link_type, _target(*content)))
    return found


def _target(href: str, title: str, languages: str, media_type: str, context: str) -> Target:
    return Target(href, title, tuple(languages.split()), media_type, tuple(context.split()))


def _is_given(at: datetime) -> ColumnElement[bool]:
    return and_(
        Link.state == "shown",
        Link.check != "refused",
        or_(Link.failing_since.is_(None), Link.failing_since > at - PATIENCE),
        Organisation.status == "confirmed",
        Organisation.closed_at.is_(None),
        Product.organisation_id == Link.organisation_id,
        or_(Product.gtin.is_(None), Product.gtin_confirmed),
    )


def why_not_given(link: Link, *, at: datetime) -> str:
    """Why a link is not given out: removed, organisation, gtin, refused, failing; "" if it is."""
    if link.state != "shown":
        return "removed"
    organisation, product = link.organisation, link.product
    if organisation.status != "confirmed" or organisation.closed_at is not None:
        return "organisation"
    if product.organisation_id != organisation.id or (product.gtin and not product.gtin_confirmed):
        return "gtin"
    if link.check == "refused":
        return "refused"
    if link.failing_since is not None and link.failing_since <= at - PATIENCE:
        return "failing"
    return ""


def host_of(href: str) -> str:
    """The host an address leads to, as people are told it: what TLS and DNS call it, so that
    letters that look alike do not pass for one another."""
    return (urlsplit(href).hostname or "").removeprefix("www.")


# -- writing ---------------------------------------------------------------------------------------


def add_link(actor: Actor, product: Product, values: Mapping[str, Any], *, at: datetime) -> Link:
    """Adds a link to a product, or with `lot` (a row's id) to one of its lots. Raises NotAllowed,
    BadLinkAddress, NotOfferedType, NotThisLot, LinkExists, TooManyLinks."""
    actor.check("record")
    _check_own(actor, product)
    lot = _lot(actor, product, values.get("lot"))
    content = _content(values)
    _check_room(actor, product)
    link = Link(
        organisation_id=actor.organisation.id,
        product_id=product.id,
        lot_id=lot.id if lot else None,
        identity=lot.identity if lot else product.identity,
        check_due=at,
        created_at=at,
        **content,
    )
    _check_new(link)
    db.session.add(link)
    db.session.flush()
    _keep_version(actor, link, "added", at)
    return link


def _check_room(actor: Actor, product: Product) -> None:
    if count_links(actor, product) >= MOST:
        raise TooManyLinks(most=MOST)
    query = select(func.count(Link.id)).where(
        Link.organisation_id == actor.organisation.id, Link.state == "shown"
    )
    if (db.session.scalar(query) or 0) >= MOST_OF_ALL:
        raise TooManyLinks(most=MOST_OF_ALL)


def change_link(
    actor: Actor, link: Link, values: Mapping[str, Any], *, version: int, at: datetime
) -> None:
    """Changes what a link says; where it hangs stays. Raises NotAllowed, ChangedMeanwhile,
    BadLinkAddress, NotOfferedType, LinkExists."""
    actor.check("record")
    check_version(link, version)
    if link.state != "shown":
        raise NotFound
    _set(actor, link, _content(values), "changed", at)


def remove_link(actor: Actor, link: Link, *, at: datetime) -> None:
    """Takes a link away; it can be brought back. Raises NotAllowed."""
    actor.check("record")
    if link.state == "removed":
        return
    link.state = "removed"
    db.session.flush()
    _keep_version(actor, link, "removed", at)


def restore_link(actor: Actor, link: Link, number: int, *, at: datetime) -> None:
    """Brings back what a link said in one of its versions. Raises NotAllowed, NotFound, and what
    `add_link` raises: what was allowed then may be no more."""
    actor.check("record")
    content = get_version(link, number)
    _check_own(actor, link.product)
    if link.state != "shown":
        _check_room(actor, link.product)
    _set(actor, link, _content(content), "restored", at)


def _set(actor: Actor, link: Link, content: dict[str, Any], action: str, at: datetime) -> None:
    with db.session.no_autoflush:
        changed = apply(link, {**content, "state": "shown"})
        if not changed:
            return
        _check_new(link)
    if "href" in changed or "state" in changed:
        link.check, link.check_reason, link.failing_since = "waiting", "", None
        link.checked_at, link.check_due = None, at
    db.session.flush()
    _keep_version(actor, link, action, at)


def _check_own(actor: Actor, product: Product) -> None:
    if product.organisation_id != actor.organisation.id:
        raise NotFound


def _lot(actor: Actor, product: Product, lot_id: Any) -> Thing | None:
    if not lot_id:
        return None
    lot = db.session.get(Thing, lot_id)
    mine = actor.organisation.id
    if lot is None or lot.kind != "lot" or (lot.owner_id, lot.product_id) != (mine, product.id):
        raise NotThisLot(path="lot")
    return lot


def _content(values: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of CONTENT, checked (rules 1 and 2)."""
    link_type, href = str(values["link_type"]), str(values["href"])
    if link_type not in OFFERED:
        raise NotOfferedType(path="link_type", value=link_type[:40])
    parts = check_address(href)
    settings = current_settings()
    ours = {urlsplit(one).hostname for one in (settings.public_url, settings.id_base)}
    if (parts.hostname or "").lower() in ours:
        raise BadLinkAddress(path="href", reason="this-server")
    return {name: values.get(name) or "" for name in CONTENT}


def _check_new(link: Link) -> None:
    same = select(Link.id).where(
        Link.identity == link.identity,
        Link.link_type == link.link_type,
        Link.href == link.href,
        Link.state == "shown",
    )
    if link.id is not None:
        same = same.where(Link.id != link.id)
    if db.session.scalar(same.limit(1)) is not None:
        raise LinkExists(path="href")


def _keep_version(actor: Actor, link: Link, action: str, at: datetime) -> None:
    """The version as it stands from now on, the audit row, and the checker's work."""
    last = select(func.max(LinkVersion.number)).where(LinkVersion.link_id == link.id)
    number = (db.session.scalar(last) or 0) + 1
    content = orjson.dumps({name: getattr(link, name) for name in CONTENT}).decode()
    person = actor.person.id if actor.person else None
    db.session.add(
        LinkVersion(
            link_id=link.id,
            number=number,
            at=at,
            person_id=person,
            action=action,
            content=content,
        )
    )
    db.session.flush()
    host = host_of(link.href)
    write_audit(actor, f"link.{action}", f"link:{link.id}", at=at, type=link.link_type, host=host)
    if link.state == "shown" and link.check == "waiting":
        enqueue(KIND, {"links": [link.id]}, at=at, actor=actor)


# -- what the checker does with it -----------------------------------------------------------------


def due_links(*, at: datetime, most: int) -> list[int]:
    """The links whose turn it is, those that waited longest first; they are marked as asked for."""
    due = (
        select(Link.id)
        .where(Link.state == "shown", Link.check_due <= at)
        .order_by(Link.check_due)
        .limit(most)
    )
    # Past the ORM: what the checker does is no change that an editor has to be told of.
    marked = (
        update(Link)
        .where(Link.id.in_(due))
        .values(check_due=at + ASKED_AGAIN)
        .returning(Link.id)
        .execution_options(synchronize_session=False)
    )
    if db.session.scalar(due.limit(1)) is None:
        return []  # looking takes no write lock
    return sorted(db.session.scalars(marked))


def ask_when_due(*, at: datetime, most: int = 200) -> int:
    """Asks for a check of the links whose turn it is; how many."""
    found = due_links(at=at, most=most)
    if found:
        enqueue(KIND, {"links": found}, at=at)
    return len(found)


def addresses_of(link_ids: Sequence[int]) -> dict[int, str]:
    """Where these links lead, of those that still stand."""
    query = select(Link.id, Link.href).where(among(Link.id, link_ids), Link.state == "shown")
    return {row[0]: row[1] for row in db.session.execute(query)}


def write_checks(found: Mapping[int, tuple[str, str, str]], *, at: datetime) -> dict[str, int]:
    """Keeps what was found: {link: (the address asked, state, reason)}; how many of each state. A
    link that was changed meanwhile waits for its own check."""
    told: dict[str, int] = {}
    broken: list[int] = []
    for link_id, (href, state, reason) in found.items():
        reached = state == "reached"
        done = db.session.scalar(
            update(Link)
            .where(Link.id == link_id, Link.href == href, Link.state == "shown")
            .values(
                check=state,
                check_reason=reason[:40],
                checked_at=at,
                failing_since=None if reached else func.coalesce(Link.failing_since, to_millis(at)),
                check_due=at + (STAYS if reached else TRIED_AGAIN),
            )
            .returning(Link.id)
            .execution_options(synchronize_session=False)
        )
        if done is not None:
            told[state] = told.get(state, 0) + 1
            broken += [] if reached else [link_id]
    db.session.expire_all()
    for link_id in broken:
        _tell(db.session.get_one(Link, link_id), at)
    return told


def _tell(link: Link, at: datetime) -> None:
    """Owners hear once of a link that stopped opening: at once where it may not be asked, otherwise
    when it failed again a day later. A server that was down for an hour alarms nobody."""
    since = link.failing_since
    if since is None or (link.check == "failing" and at - since < timedelta(hours=12)):
        return
    notify(
        link.organisation,
        "link-broken",
        {"what": host_of(link.href)},
        at=at,
        address=f"/producer/products/{link.product_id}/links/{link.id}",
        subject=f"link:{link.id}:{to_millis(since)}",
    )

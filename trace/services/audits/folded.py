"""Things, holdings and alerts folded anew from the events, in the log's order.

What one capture recorded is folded at once, as it was when it was recorded: the audit log tells
which events came together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from trace.core.statements.times import parse_moment
from trace.models.types import from_micro, to_micro
from trace.services.audits.rows import Fact, Mention
from trace.services.capture.holdings import NESTING
from trace.services.capture.prepare import CHILD, EPC, INPUT, OUTPUT, PARENT
from trace.services.capture.releases import ALERTING, RELEASE
from trace.services.successors import SILENT, Voices


@dataclass(frozen=True, slots=True)
class Party:
    """An organisation, as far as rules ask: `confirmed_at` None while nobody has confirmed it."""

    kind: str
    confirmed_at: datetime | None

    def competent(self, moment: datetime) -> bool:
        """An authority that had been confirmed."""
        return (
            self.kind == "authority"
            and self.confirmed_at is not None
            and self.confirmed_at <= moment
        )


@dataclass(frozen=True, slots=True)
class Item:
    """A registered product: row id, owner, when; `before` are (last place in the log, owner) of
    those who handed it on, the first of them first."""

    id: int
    owner_id: int
    since: datetime
    before: tuple[tuple[int, int], ...] = ()

    def owner_at(self, place: int) -> int:
        """Whose it was when an entry was written."""
        return next((owner for last, owner in self.before if place <= last), self.owner_id)


@dataclass(slots=True)
class FoldedThing:
    """A thing as the events make it. `place` is that of the first entry of the capture that named
    it first."""

    kind: str
    place: int
    moment: datetime
    lot: str | None = None
    product_id: int | None = None
    owner_id: int | None = None


@dataclass(slots=True)
class FoldedHolding:
    quantity: int = 0  # millionths
    where: str | None = None
    on_sale: bool = False
    hidden: bool = False  # the event that told where it lies was made to forget it


@dataclass(slots=True)
class FoldedNotice:
    """A notice that alerts. `sources` are the things it may stand on, `sure` those it must; an
    authority's power over the others depended on how organisations stood then. `releases` name it,
    in the log's order: (event, whether the notice's own issuer says so)."""

    kind: str
    hazard: str
    issuer_id: int
    sources: list[str]
    sure: list[str]
    releases: list[tuple[int, bool]] = field(default_factory=list)

    def may_be_lifted_by(self, withdrawn: set[int]) -> set[int | None]:
        """What `lifted_by` may be: its issuer's release lifts, an authority's may have."""
        found: set[int | None] = set()
        for release, sure in self.releases:
            if release in withdrawn:
                continue
            found.add(release)
            if sure:
                return found
        return found | {None}


@dataclass(slots=True)
class Fold:
    """Takes facts in the log's order; `groups` gives, by the first statement of a capture, how many
    events it had."""

    parties: Mapping[int, Party]
    products: Mapping[str, Item]
    groups: Mapping[bytes, int]
    voices: Voices = SILENT
    ids: Mapping[str, int] = field(default_factory=dict)  # rows of things handed on by name
    things: dict[str, FoldedThing] = field(default_factory=dict)
    holdings: dict[tuple[str, int], dict[str, FoldedHolding]] = field(default_factory=dict)
    notices: dict[int, FoldedNotice] = field(default_factory=dict)
    withdrawn: set[int] = field(default_factory=set)  # releases declared to be in error
    _by_statement: dict[bytes, tuple[int, int]] = field(default_factory=dict)  # event, issuer
    _packed: dict[str, dict[tuple[str, str, str | None], int | None]] = field(default_factory=dict)
    _waiting: list[Fact] = field(default_factory=list)
    _awaited: int = 0

    def take(self, fact: Fact) -> None:
        """The next event's fact."""
        if not self._waiting:
            self._awaited = self.groups.get(fact.statement_id, 1)
        self._waiting.append(fact)
        if len(self._waiting) >= self._awaited:
            self.finish()

    def finish(self) -> None:
        """Folds what came together."""
        if self._waiting:
            facts, self._waiting = self._waiting, []
            fresh = self._name(facts)
            # Who had made what before this capture's own claims.
            owners = {
                mention.identity: self.things[mention.identity].owner_id
                for fact in facts
                for mention in fact.mentions
            }
            self._hold(facts)
            for fact in facts:
                self._notify(fact, owners)
            for fact in facts:
                self._claim(fact, fresh)

    # Things.

    def _name(self, facts: Sequence[Fact]) -> set[str]:
        """Makes the things named for the first time; returns their identities."""
        wanted: dict[str, Mention] = {}
        lots: dict[str, Mention] = {}
        created: dict[str, int] = {}
        told: dict[str, str] = {}
        for fact in facts:
            for mention in fact.mentions:
                known = wanted.setdefault(mention.identity, mention)
                if mention.told:
                    told[mention.identity] = mention.told
                if mention.role in fact.creates:
                    created[mention.identity] = fact.issuer_id
                if mention.lot is None:
                    continue
                if known.lot is None:
                    wanted[mention.identity] = mention
                if mention.stamp is None:  # a stamp is bound to a lot that events have made
                    lots.setdefault(mention.lot, mention)
                    if mention.role in fact.creates:
                        created.setdefault(mention.lot, fact.issuer_id)
        first = facts[0]
        moment = parse_moment(first.moment)
        fresh = set()
        for identity in (wanted.keys() | lots.keys()) - self.things.keys():
            if identity in wanted:
                named = wanted[identity]
                kind, product, lot = named.kind, named.product, named.lot
            else:
                kind, product, lot = "lot", lots[identity].product, None
            item = self._item(told.get(identity) or product, moment)
            owner = created.get(identity)
            if item is not None and owner is not None and item.owner_at(first.place) != owner:
                owner = None
            made = FoldedThing(kind, first.place, moment, lot, item.id if item else None, owner)
            self.things[identity] = made
            fresh.add(identity)
        return fresh

    def _item(self, product: str | None, moment: datetime) -> Item | None:
        item = self.products.get(product or "")
        return item if item is not None and item.since <= moment else None

    def _claim(self, fact: Fact, fresh: set[str]) -> None:
        for mention in fact.mentions:
            if mention.identity in fresh:
                continue
            thing = self.things[mention.identity]
            if thing.owner_id is None and mention.role in fact.creates:
                item = self._item(mention.told or mention.product, parse_moment(fact.moment))
                if item is None or item.owner_at(fact.place) == fact.issuer_id:
                    thing.owner_id = fact.issuer_id
                if item is not None:
                    thing.product_id = item.id
            if thing.lot is None and mention.lot is not None:
                thing.lot = mention.lot

    # Holdings.

    def _hold(self, facts: Sequence[Fact]) -> None:
        holder = facts[0].issuer_id
        for fact in facts:
            self._pack(fact)
        amounts = self._amounts(facts)
        places, units = _whereabouts(facts)
        for identity in units.keys() - {identity for identity, _ in amounts}:
            if not self.holdings.get((identity, holder)):
                amounts[identity, units[identity]] += 0
        for (identity, unit), amount in amounts.items():
            micro = to_micro(amount)
            if micro is not None:
                rows = self.holdings.setdefault((identity, holder), {})
                rows.setdefault(unit[:3], FoldedHolding()).quantity += micro
        for identity, (where, on_sale, hidden) in places.items():
            for held in self.holdings.get((identity, holder), {}).values():
                held.where, held.on_sale, held.hidden = where, on_sale, hidden

    def _amounts(self, facts: Sequence[Fact]) -> defaultdict[tuple[str, str], Decimal]:
        """What is gained and given up, by identity and unit."""
        inside = self._contents({crate for fact in facts for crate, _ in fact.moves})
        amounts: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for fact in facts:
            for identity, unit, amount in fact.changes:
                amounts[identity, unit] += amount
            for crate, sign in fact.moves:
                for lot, unit, quantity in inside.get(crate, ()):
                    amounts[lot, unit] += quantity * sign
        return amounts

    def _pack(self, fact: Fact) -> None:
        if not fact.packing:
            return
        for outer in fact.mentions:
            if outer.role != PARENT:
                continue
            inner = self._packed.setdefault(outer.identity, {})
            for mention in fact.mentions:
                if mention.role == CHILD:
                    key = (mention.identity, mention.kind, mention.unit)
                    before = inner.get(key)
                    if mention.micro is None:
                        inner.setdefault(key, None)
                    else:
                        inner[key] = (before or 0) + mention.micro * fact.packing

    def _contents(self, crates: set[str]) -> dict[str, list[tuple[str, str, Decimal]]]:
        """What lies in containers that change hands, however deep (as capture reads it)."""
        found: defaultdict[str, list[tuple[str, str, Decimal]]] = defaultdict(list)
        frontier = {crate: {crate} for crate in crates}
        for _ in range(NESTING):
            deeper: defaultdict[str, set[str]] = defaultdict(set)
            for parent, around in frontier.items():
                for (child, kind, unit), micro in self._packed.get(parent, {}).items():
                    if kind == "lot" and micro:
                        for crate in around:
                            found[crate].append((child, unit or "", from_micro(micro)))
                    if kind == "logistic" and child not in crates:
                        deeper[child] |= around
            frontier = dict(deeper)
        return found

    # Notices.

    def _notify(self, fact: Fact, owners: Mapping[str, int | None]) -> None:
        self._by_statement[fact.statement_id] = (fact.id, fact.issuer_id)
        if fact.declared:
            about = self._by_statement.get(fact.corrects or b"")
            if about is not None and about[1] == fact.issuer_id:
                self.withdrawn.add(about[0])
            return
        party = self.parties[fact.issuer_id]
        if fact.notice == RELEASE:
            for raw in _statements(fact.ends):
                notice = self.notices.get(self._by_statement.get(raw, (-1, -1))[0])
                if notice is None:
                    continue
                own = notice.issuer_id == fact.issuer_id
                if own or party.kind == "authority":
                    notice.releases.append((fact.id, own))
        elif fact.notice in ALERTING:
            named = [
                mention.identity
                for mention in fact.mentions
                if mention.role in (EPC, PARENT, CHILD, OUTPUT)
            ]
            always = party.kind == "platform" or party.competent(parse_moment(fact.moment))
            sure = [name for name in named if always or self._speaks(fact, owners.get(name), name)]
            may = named if party.kind == "authority" else sure
            self.notices[fact.id] = FoldedNotice(
                fact.notice or "", fact.hazard, fact.issuer_id, may, sure
            )

    def _speaks(self, fact: Fact, owner: int | None, name: str) -> bool:
        """The creator, or who had succeeded it by then."""
        if owner == fact.issuer_id:
            return True
        since = self.voices.of(owner, self.ids.get(name, 0)).get(fact.issuer_id)
        return since is not None and since < fact.place


def _whereabouts(
    facts: Sequence[Fact],
) -> tuple[dict[str, tuple[str | None, bool, bool]], dict[str, str]]:
    """Where things lie after these events (place, on sale, erased), and the units of those that are
    on sale there."""
    places: dict[str, tuple[str | None, bool, bool]] = {}
    units: dict[str, str] = {}
    for fact in facts:
        if fact.at is None:
            continue
        for mention in fact.mentions:
            if mention.role != INPUT and mention.kind in ("lot", "logistic"):
                places[mention.identity] = (*fact.at, fact.hidden)
                if fact.at[1]:
                    units[mention.identity] = mention.unit or ""
    return places, units


def _statements(ends: Sequence[str]) -> Iterator[bytes]:

    for text in ends:
        try:
            yield UUID(text.removeprefix("urn:uuid:")).bytes
        except ValueError:
            continue

"""A small chain for audits: told by a farm and a shop, pressed by an authority."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.support.factories import make_actor
from tests.support.farms import Farm, make_farm, thing_id
from trace.extensions import db
from trace.jobs.worker import publish
from trace.models import AreaCode
from trace.services import area_codes, chain_audit
from trace.services.actors import Actor
from trace.services.chain_audit import ChainAudit
from trace.services.vocabulary import Amount

START = datetime(2026, 10, 20, 1, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@dataclass(slots=True)
class Story:
    """A farm, a shop it sends to, and what they told."""

    farm: Farm
    shop: Farm
    inspector: Actor
    cycle: str = ""
    lot: str = ""

    def reap(self, *, days: int = 10, kilos: float = 480, **more: Any) -> Story:
        """Sown, watered, sprayed and gathered so many days after it."""
        self.cycle = self.farm.sow()
        self.farm.wait(10).spray(self.cycle, 7)
        self.lot = self.farm.wait(days).reap(self.cycle, kilos=kilos, **more)
        return self

    def deliver(self, kilos: float = 480) -> Story:
        self.farm.wait(0.25).send(self.lot, self.shop, kilos)
        self.shop.at = self.farm.at + timedelta(hours=2)
        self.shop.take(self.lot, self.farm, kilos)
        return self

    def audit(self, of: str = "", **options: Any) -> ChainAudit:
        publish("test")
        db.session.expire_all()
        found = chain_audit.audit_chain(self.inspector, thing_id(of or self.lot), at=NOW, **options)
        db.session.commit()
        return found


def make_story() -> Story:
    """A farm with a hectare under a code, a shop, and an authority competent everywhere."""
    farm, shop = make_farm(START), make_farm(START, "Cửa hàng Demo", kind="retailer")
    coded(farm, "VN-HN-01-0001-26", area=Decimal(10_000))
    inspector = make_actor(START, "Chi cục Demo", "authority", "confirmed", "supervisor")
    return Story(farm, shop, inspector)


def coded(farm: Farm, code: str, *, area: Decimal | None = None) -> AreaCode:
    """The plot's planting-area code."""
    row = AreaCode(
        organisation_id=farm.organisation.id,
        place_id=farm.plot.id,
        kind="planting",
        code=code,
        folded=area_codes.folded(code),
        area_m2=area,
        created_at=farm.at,
    )
    db.session.add(row)
    db.session.commit()
    return row


def told(found: ChainAudit) -> set[tuple[str, str]]:
    return {(one.rule, one.severity) for one in found.findings}


def kilograms(kilos: float) -> Amount:
    return Amount(Decimal(str(kilos)), "KGM")

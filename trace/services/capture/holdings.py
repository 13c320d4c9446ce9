"""What an event does to who has how much. Below zero is a mark, never a refusal."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from trace.core.epcis import TransformationEvent
from trace.services.capture.prepare import CHILD, EPC, INPUT, OUTPUT, Prepared

TAKES = frozenset({"shipping", "retail_selling"})
GIVES = frozenset({"receiving", "accepting"})
ON_SALE = frozenset({"sellable_accessible", "sellable_not_accessible"})

Change = tuple[str, str, Decimal]  # thing's identity, unit, signed amount


def changes(event: Prepared) -> Iterable[Change]:
    """Amounts of lots the issuer gains (+) and gives up (-) by this event.

    An error declaration takes back what the event it repeats did. A sale is counted once the
    goods are sold (disposition retail_sold); goods put on sale stay held.
    """
    back = -1 if event.error_declaration else 1
    for mention in event.things:
        sign = _sign(event, mention.role)
        if sign and mention.name.kind == "lot" and mention.quantity is not None:
            yield mention.name.identity, mention.unit or "", mention.quantity * sign * back


def _sign(event: Prepared, role: int) -> int:
    if isinstance(event.event, TransformationEvent):
        return {INPUT: -1, OUTPUT: 1}.get(role, 0)
    if role not in (EPC, CHILD):
        return 0
    action = getattr(event.event, "action", "")
    step = event.event.biz_step or ""
    if role == CHILD:  # packing moves nothing out of the holder's hands
        return 0
    if action == "ADD":
        return 1
    if action == "DELETE":
        return -1
    if step in GIVES:
        return 1
    if step == "retail_selling" and not is_sold(event):
        return 0
    return -1 if step in TAKES else 0


def is_sold(event: Prepared) -> bool:
    """Whether the goods have gone to whoever eats them; offered goods are still held."""
    return event.event.biz_step == "retail_selling" and event.event.disposition not in ON_SALE


def on_sale_at(event: Prepared) -> str | None:
    """The place where this event puts its lots on sale, if it does."""
    step, disposition = event.event.biz_step, event.event.disposition
    if event.error_declaration or disposition not in ON_SALE:
        return None
    return (
        event.biz_location or event.read_point if step in ("retail_selling", "stocking") else None
    )

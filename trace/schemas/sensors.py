"""What the forms of sensors ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from trace.schemas.base import FormSchema, Number, Several, Text, Whole
from trace.schemas.records import Moment

ROWS: Final = 2**53


def _degrees() -> Number:
    return Number(least=-100, most=150, decimals=2, grouped=False)


def _share() -> Number:
    return Number(least=0, most=100, decimals=2, grouped=False)


def _amount() -> Number:
    return Number(least=0, most=10_000, decimals=2, grouped=False)


class SensorForm(FormSchema):
    """What a sensor is, where it stands, and between what its readings are to lie."""

    name = Text(100, required=True)
    place = Whole(least=1, most=ROWS)
    temperature_low = _degrees()
    temperature_high = _degrees()
    humidity_low = _share()
    humidity_high = _share()
    rainfall_low = _amount()
    rainfall_high = _amount()
    fine_dust_low = _amount()
    fine_dust_high = _amount()


class WatchForm(FormSchema):
    """With which goods it goes, and from when."""

    since = Moment()

    def __init__(self, goods: Sequence[str]) -> None:
        super().__init__()
        self.declared_fields["goods"] = Several(goods, required=True)
        self._init_fields()


class ArrivalForm(FormSchema):
    """When it ceased to go with them."""

    until = Moment()

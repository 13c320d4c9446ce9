"""What the forms of a place and of its codes ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, validates_schema

from trace.core.geo import TEXT_LIMIT, Outline, Position
from trace.core.geo.errors import GeoError, TooFewPoints
from trace.errors import Refused, TraceError
from trace.models.places import AREA_CODE_KINDS, AREA_CODE_STATES, KINDS, SHAPE_SOURCES
from trace.schemas.base import (
    Choice,
    Day,
    FormSchema,
    Number,
    Text,
    WardCode,
    Whole,
    YesNo,
    refuse,
)
from trace.schemas.identifiers import Gln
from trace.schemas.records import WrongOrder
from trace.services.geometry import read_shape

AREA_LIMIT = 1_000_000_000


class NotAMarket(TraceError):
    code = "not-a-market"
    message = "“%(value)s” is not a country's code of three letters, such as CHN."


class Degrees(Number):
    """Decimal degrees, WGS 84, as the float the table keeps."""

    def __init__(self, limit: int) -> None:
        super().__init__(least=-limit, most=limit, decimals=8, grouped=False)

    def read(self, *args: object) -> float:
        return float(super().read(*args))  # type: ignore[arg-type]  # the same arguments


class ShapeText(Text):
    """An outline or a position as GeoJSON, KML or lines; with what the person agreed to mend
    (`outline_fix`) and which of several shapes is meant (`outline_choice`)."""

    def __init__(self) -> None:
        super().__init__(TEXT_LIMIT, lines=True, load_default=None, data_key="outline")

    def read(self, typed: str, attr: str, data: Mapping[str, Any]) -> Any:
        fixes = data.get("outline_fix") or ()
        chosen = str(data.get("outline_choice") or "")
        try:
            shape: Outline | Position = read_shape(
                typed,
                fixes=(fixes,) if isinstance(fixes, str) else fixes,
                chosen=int(chosen) if chosen.isdecimal() and len(chosen) < 6 else None,
            )
        except Refused as refused:
            raise ValidationError(list(refused.errors)) from None
        except GeoError as error:
            refuse(error)
        return shape


class OutlineCell(Text):
    """An outline in a cell of a spreadsheet, as the text that is stored: GeoJSON, or corners as
    "latitude, longitude" parted by semicolons. Such a list is closed: nobody repeats its first."""

    def __init__(self) -> None:
        super().__init__(TEXT_LIMIT, lines=True, load_default=None)

    def read(self, typed: str, attr: str, data: Mapping[str, Any]) -> str:
        listed = not typed.startswith(("{", "<"))
        try:
            shape = read_shape(typed, fixes=("close",) if listed else ())
        except Refused as refused:
            raise ValidationError(list(refused.errors)) from None
        except GeoError as error:
            refuse(error)
        if isinstance(shape, Position):
            refuse(TooFewPoints(got=1))
        return shape.to_json()


class Market(Text):
    """A market by ISO 3166-1 alpha-3 (or EU), typed in any case; "" is not told."""

    def __init__(self) -> None:
        super().__init__(3)

    def read(self, typed: str, attr: str, data: Mapping[str, Any]) -> str:
        market = typed.upper()
        if not (market.isascii() and market.isalpha() and len(market) in (2, 3)):
            refuse(NotAMarket(value=typed[:20]))
        return market


class PlaceForm(FormSchema):
    """A place. Name and ward are public where `public` is on, the position only where
    `position_public` is on too."""

    name = Text(200, required=True)
    name_en = Text(200)
    kind = Choice(KINDS, required=True)
    ward_code = WardCode(required=True)
    public = YesNo()
    position_public = YesNo()
    household_id = Whole(least=1, data_key="household")
    area_m2 = Number(least=0, most=AREA_LIMIT, decimals=2)
    shape = ShapeText()
    outline_source = Choice(SHAPE_SOURCES, load_default="pasted")
    outline_accuracy = Whole(least=0, most=10_000)
    # Whether both are in their places is told together (SwappedAxes): either may hold a longitude.
    latitude = Degrees(180)
    longitude = Degrees(180)
    address = Text(300)


class NewPlaceForm(PlaceForm):
    """A place being added: only now may it be given a GLN, and a first code in the same breath."""

    gln = Gln()
    planting_area_code = Text(60)


class AreaCodeForm(FormSchema):
    """A planting-area or packing-house code, as the paper has it."""

    kind = Choice(AREA_CODE_KINDS, required=True)
    code = Text(60, required=True)
    market = Market()
    crop = Text(200)
    state = Choice(AREA_CODE_STATES, load_default="active")
    issued = Day()
    expires = Day()
    area_m2 = Number(least=0, most=AREA_LIMIT, decimals=2)

    @validates_schema
    def in_order(self, data: Mapping[str, Any], **_: Any) -> None:
        """A code does not end before it begins."""
        if data.get("issued") and data.get("expires") and data["expires"] < data["issued"]:
            raise ValidationError({"expires": [WrongOrder()]})

"""What the form of a place asks for."""

from __future__ import annotations

from trace.models.places import KINDS
from trace.schemas.base import Choice, FormSchema, Number, Text, WardCode, Whole, YesNo
from trace.schemas.identifiers import Gln


class Degrees(Number):
    """Decimal degrees, WGS 84, as the float the table keeps."""

    def __init__(self, limit: int) -> None:
        super().__init__(least=-limit, most=limit, decimals=8, grouped=False)

    def read(self, *args: object) -> float:
        return float(super().read(*args))  # type: ignore[arg-type]  # the same arguments


class PlaceForm(FormSchema):
    """A place. The position is private always; name and ward are public where `public` is on."""

    name = Text(200, required=True)
    name_en = Text(200)
    kind = Choice(KINDS, required=True)
    ward_code = WardCode(required=True)
    public = YesNo()
    household_id = Whole(least=1)
    area_m2 = Number(least=0, most=1_000_000_000, decimals=2)
    latitude = Degrees(90)
    longitude = Degrees(180)
    address = Text(300)
    planting_area_code = Text(60)


class NewPlaceForm(PlaceForm):
    """A place being added: only now may it be given a GLN."""

    gln = Gln()

"""What can be wrong with a shape. `offer` is a mending that the person may choose, "" for none."""

from __future__ import annotations

from typing import ClassVar

from trace.errors import TraceError


class GeoError(TraceError):
    """Base of everything wrong with a shape; its path is the field of the outline."""

    code = "bad-shape"
    offer: ClassVar[str] = ""

    def __init__(self, *, path: str = "outline", **params: object) -> None:
        super().__init__(path=path, **params)


class OutlineUnreadable(GeoError):
    code = "outline-unreadable"
    message = (
        "This is not GeoJSON, not KML, and not lines of “latitude, longitude”; the reading stopped"
        " at: %(at)s"
    )


class OutlineTooLong(GeoError):
    code = "outline-too-long"
    message = "The text has %(got)d characters; at most %(limit)d are read."


class ForeignCoordinates(GeoError):
    code = "foreign-coordinates"
    message = "The file is in another coordinate system (%(name)s). Export it in WGS 84."


class PackedOutline(GeoError):
    code = "packed-outline"
    message = (
        "This file is packed (KMZ, ZIP or a shapefile) or not text. Save it as KML or GeoJSON and"
        " choose that file."
    )


class NoShape(GeoError):
    code = "no-shape"
    message = "There is no polygon and no point in it."


class SeveralShapes(GeoError):
    code = "several-shapes"
    message = "There are %(count)d shapes in it. Choose the one of this place."

    def __init__(self, *, names: tuple[str, ...], count: int) -> None:
        self.names = names
        super().__init__(count=count)


class TooManyPoints(GeoError):
    code = "too-many-points"
    message = "The outline has %(got)d points; at most %(limit)d are kept."


class NotDegrees(GeoError):
    code = "not-degrees"
    message = (
        "Point %(point)d (%(value)s) is no position on Earth in degrees. Coordinates in metres,"
        " such as VN-2000, must be converted to WGS 84 first."
    )


class SwappedAxes(GeoError):
    code = "swapped-axes"
    offer = "swap"
    message = (
        "Point %(point)d (%(value)s) lies outside Viet Nam, and inside it when latitude and"
        " longitude change places."
    )


class OpenRing(GeoError):
    code = "open-ring"
    offer = "close"
    message = "The outline is open: it ends at point %(last)d, %(metres)s m from its first point."


class TooFewPoints(GeoError):
    code = "too-few-points"
    message = "An outline needs at least 3 different points; there are %(got)d."


class RepeatedPoint(GeoError):
    code = "repeated-point"
    offer = "thin"
    message = "Point %(point)d is the same as the point before it (%(count)d such points)."


class HasHoles(GeoError):
    code = "has-holes"
    message = (
        "The outline has %(count)d holes. Leave them out and enter the area that is planted, or"
        " enter the parts as places of their own."
    )


class CrossesItself(GeoError):
    code = "crosses-itself"
    message = (
        "The outline crosses itself: the side between points %(a)s and the side between points"
        " %(b)s meet near %(near)s. Move or remove one of these points."
    )


class NoArea(GeoError):
    code = "no-area"
    message = "The outline encloses less than one square metre."


class OutlineTooLarge(GeoError):
    code = "outline-too-large"
    message = "The outline encloses %(hectares)s ha; one place has at most %(limit)s ha."

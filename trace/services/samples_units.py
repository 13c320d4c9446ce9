"""Units of laboratory results: which go with which substance, and how people write them.

A microbe is counted, everything else weighed in what was tested: a residue in "CFU/g" is a slip of
the pen that no limit can be held against. Units are kept as written here; what people type for the
same unit is brought to it. Sources: the units of Vietnam's limits for residues, contaminants and
microbes in food (mg/kg and its parts; CFU and MPN per gram or millilitre; presence in 25 g).
"""

from __future__ import annotations

from typing import Final

from trace.core.folding import fold
from trace.errors import TraceError

WEIGHED: Final = ("mg/kg", "µg/kg", "g/kg", "mg/l", "µg/l", "%")
COUNTED: Final = ("CFU/g", "CFU/ml", "CFU/25 g", "MPN/g", "MPN/100 ml")
OTHER: Final = ("pH", "Bq/kg")
# Other spellings. "ppm" is not among them: it may be of mass or of volume.
_SPELLINGS: Final = {
    "ug/kg": "µg/kg",
    "mcg/kg": "µg/kg",
    "ug/l": "µg/l",
    "mcg/l": "µg/l",
    "kl/g": "CFU/g",
    "/25g": "CFU/25 g",
}


def _bare(text: str) -> str:
    """Without case and spaces, the two signs for micro as one (casefold does that)."""
    return "".join(text.split()).casefold()


_MICROBES: Final = (
    *("coli", "salmonella", "listeria", "vibrio", "staphylococc", "clostridium", "bacillus"),
    *("enterobacter", "campylobacter", "nam men", "nam moc", "vi sinh", "hieu khi", "yeast"),
    *("mould", "mold", "coliform", "shigella"),
)
_OTHERS: Final = {"ph": ("pH",), "cesium": ("Bq/kg",), "iod-131": ("Bq/kg",)}


_UNITS: Final = {
    **{_bare(one): one for one in (*WEIGHED, *COUNTED, *OTHER)},
    **{_bare(spelled): one for spelled, one in _SPELLINGS.items()},
}


class WrongUnit(TraceError):
    code = "wrong-unit"
    message = "“%(unit)s” is no unit for %(substance)s. Use one of: %(units)s."


def units_for(substance: str) -> tuple[str, ...]:
    """The units a substance is measured in."""
    name = fold(substance)
    if name.strip() in _OTHERS:
        return _OTHERS[name.strip()]
    words = f" {name}"
    if any(one in words for one in _MICROBES):
        return COUNTED
    return WEIGHED


def check_unit(substance: str, typed: str, path: str = "unit") -> str:
    """The unit as it is kept. Raises WrongUnit naming the right ones; no unit is a wrong one."""
    right = units_for(substance)
    found = _UNITS.get(_bare(typed), "")
    if found not in right:
        told = {"unit": typed[:20], "substance": substance[:60], "units": ", ".join(right)}
        raise WrongUnit(path=path, **told)
    return found

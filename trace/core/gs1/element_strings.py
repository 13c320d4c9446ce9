"""Element strings as people read them under a bar code: `(01)08936012345674(10)L2611-7`.

General Specifications, section 4.14 (human readable interpretation). An opening bracket inside a
value would be mistaken for the next identifier, so one is only taken as such when digits and a
closing bracket follow.
"""

from __future__ import annotations

import re
from typing import Final

from trace.core.gs1.errors import NotAnElementString

_ELEMENT: Final = re.compile(r"\(([0-9]{2,4})\)(.*?)(?=\([0-9]{2,4}\)|$)", re.DOTALL)


def parse_element_string(text: str) -> tuple[tuple[str, str], ...]:
    """Pairs of identifier and value in the order written. Raises NotAnElementString when the text
    does not begin with a bracketed identifier; values are checked by whoever uses them."""
    plain = text.strip()
    if _ELEMENT.match(plain) is None:
        raise NotAnElementString(value=plain[:40])
    return tuple((found[1], found[2]) for found in _ELEMENT.finditer(plain))

"""What goes into the code: the printed address, in capitals where that names the same thing.

QR codes hold capitals, digits and `$%*+-./:` in 5.5 bits a character and anything else in 8, so
an address in capitals needs one version less (a smaller or coarser code). Scheme and host may be
written either way (RFC 3986, section 3.1 and 3.2.2); a path may not, so the whole address is turned
only when its path already consists of capitals.
"""

from __future__ import annotations

import re
from typing import Final

_TURNABLE: Final = re.compile(r"(https?://[A-Za-z0-9.:-]+)((?:/[0-9A-Z.\-/]*)?)")
_OWN_LETTER: Final = re.compile(r"(https?://[A-Za-z0-9.:-]+)/([bchlponq])(/[0-9A-Z/]+)")


def label_payload(local_uri: str, *, own_letters: bool = False) -> str:
    """The text to encode for a printed address: scheme and host in capitals when the path has only
    `0-9 A-Z . - /`, otherwise the address unchanged.

    With `own_letters` our short addresses `/b/…` become `/B/…` as well; only for hosts that answer
    both (our parser does)."""
    if own_letters:
        found = _OWN_LETTER.fullmatch(local_uri)
        if found is not None:
            return local_uri.upper()
    found = _TURNABLE.fullmatch(local_uri)
    return local_uri if found is None else found[1].upper() + found[2]


def short_domain(local_uri: str) -> str:
    """Host (and stem is left out) as printed in clear under the code, against sticker fraud."""
    return local_uri.partition("://")[2].partition("/")[0].lower()

"""What guessing costs whoever steals the table of people."""

from __future__ import annotations

import subprocess
import sys


def test_passwords_are_hashed_at_the_recommended_cost() -> None:
    # A process of its own: the other tests hash cheaply. OWASP, Password Storage: 19 MiB, 2, 1.
    program = "from trace.services.people import HASHER; print(HASHER.hash('x'))"
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert told.stdout.startswith("$argon2id$v=19$m=19456,t=2,p=1$")

"""Prints the requirements as docs/reference/conformance.md has them."""

import sys

from tests.conformance.requirements import page

sys.stdout.write(page() + "\n")

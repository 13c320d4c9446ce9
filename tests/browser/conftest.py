"""What tests in a browser share."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, expect

# The notebook on the phone fetches the day's pages in the background, a hundred of them: for tests
# that are about something else it is left out. `pytestmark = pytest.mark.notebook` has it.
NO_NOTEBOOK = (
    """Object.defineProperty(Navigator.prototype, "serviceWorker", { get: () => undefined })"""
)


# What a page owes is that it comes; how fast is measured elsewhere, where nothing else runs.
EXPECT_MILLISECONDS = 20_000


def pytest_configure(config: pytest.Config) -> None:
    expect.set_options(timeout=EXPECT_MILLISECONDS)
    config.addinivalue_line("markers", "notebook: with the service worker of the console")


@pytest.fixture
def context(context: BrowserContext, request: pytest.FixtureRequest) -> BrowserContext:
    """A browser's context of the test's own, with the notebook where the test is about it."""
    if request.node.get_closest_marker("notebook") is None:
        context.add_init_script(NO_NOTEBOOK)
    return context

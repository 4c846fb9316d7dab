"""What several test files share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.training_processes import starter


def pytest_collection_modifyitems(config, items):
    """Files with a long test first, where several workers share them: or one ends with it, alone."""
    if hasattr(config, "workerinput"):
        long = {item.path for item in items if item.get_closest_marker("long")}
        items.sort(key=lambda item: item.path not in long)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with the shared data sets, models and photographs, beside the checkout."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip(f"needs the shared material at {folder}, which is not here")
    return folder

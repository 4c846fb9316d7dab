"""Hooks and fixtures of the whole suite."""

from __future__ import annotations

import contextlib
import signal
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.training_processes import starter


def pytest_configure(config):
    """Signals that end a program do so in the programs that tests start, however the suite itself was started.

    A background job of a shell ignores SIGINT, one under nohup SIGHUP, and children inherit that.
    """
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if hasattr(signal, "SIGHUP"):
            signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_modifyitems(config, items):
    """With several workers, starts files with a long test first, so that no worker ends alone with one."""
    if hasattr(config, "workerinput"):
        long = {item.path for item in items if item.get_closest_marker("long")}
        items.sort(key=lambda item: item.path not in long)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder `shared` beside the checkout, with data sets, models and photographs; skips where it is absent."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip(f"needs the shared data at {folder}, which is absent")
    return folder

"""Fixtures of the tests of devices."""

from __future__ import annotations

import os

import pytest


@pytest.fixture
def no_flushing(monkeypatch):
    """Leaves files to the system's own time, for tests that write many and look at none on the disk itself."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)

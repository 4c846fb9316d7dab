"""When progress bars are shown."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from train.files import progress_bars


@pytest.mark.parametrize(
    ("shell", "shown"), [(None, False), (SimpleNamespace(), False), (SimpleNamespace(kernel="ipykernel's"), True)]
)
def test_a_kernel_shows_bars_and_a_file_does_not(monkeypatch, shell, shown):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert progress_bars.in_notebook() == progress_bars.visible() == shown


def test_without_ipython_the_terminal_decides(monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert not progress_bars.visible()
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(isatty=lambda: True))
    assert progress_bars.visible()

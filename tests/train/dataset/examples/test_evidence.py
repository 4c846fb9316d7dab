from __future__ import annotations

import pytest

from train.dataset import formats


@pytest.mark.parametrize("name", formats.names())
def test_every_format_decides_by_evidence(name):
    """What `by_evidence` decides is tested with the assembly of examples, for all formats alike."""
    assert hasattr(formats.find(name).read, "__wrapped__"), f"decorate the read of {name} with by_evidence"

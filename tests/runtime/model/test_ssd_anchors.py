from __future__ import annotations

import pytest

from runtime import InputError
from runtime.model.metadata import Metadata
from runtime.model.ssd_anchors import SsdAnchors
from tests.support import tiny_detector
from tests.support.model_maker import detector_metadata

DATA = detector_metadata([(0.1, 0.2, 0.3, 0.4)], 3, (10, 20, 5, 4), sigmoid=True, exponential=False)


def test_the_entry_is_read():
    found = SsdAnchors.parse(DATA)
    assert found.anchors.tolist() == [pytest.approx([0.2, 0.1, 0.4, 0.3])]
    assert found.scales == (20, 10, 4, 5) and found.classes == 3 and found.sigmoid and not found.exponential


def test_metadata_without_the_entry_has_none():
    custom = Metadata.parse(tiny_detector.metadata(outputs=("a",), custom={"OTHER": b"x"}))
    assert custom.custom == {"OTHER": b"x"} and SsdAnchors.of(custom, "m") is None and SsdAnchors.of(None, "m") is None


@pytest.mark.parametrize("cut", range(8, 44, 4))
def test_an_entry_that_is_cut_is_an_error(cut):
    with pytest.raises(InputError, match="DETECTOR_METADATA"):
        SsdAnchors.parse(DATA[:cut])

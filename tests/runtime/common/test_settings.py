from __future__ import annotations

import pytest

from runtime import InputError
from runtime.common import settings
from runtime.common.options import positive

READERS = {"limit": positive, "name": str}


@pytest.mark.parametrize(
    ("spec", "name", "found"),
    [
        ("crops", "crops", {}),
        ("crops,limit=3", "crops", {"limit": 3}),
        ("a,b/c,name=x y, limit = 2", "a,b/c", {"name": "x y", "limit": 2}),
        ("a,", "a", {}),
        ("a,name=", "a", {"name": ""}),
        ("", "", {}),
    ],
)
def test_a_name_and_its_settings(spec, name, found):
    assert settings.parse(spec, READERS) == (name, found)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("a,limit=0", "--crops: limit=0: '0' is not a whole number of 1 or more"),
        ("a,size=3", "--crops: 'size=3' is no setting of it; there are limit, name"),
        ("a,limit=3,more", "'more' is no setting"),
    ],
)
def test_wrong_settings_are_named(spec, message):
    with pytest.raises(InputError, match=message):
        settings.parse(spec, READERS, "--crops")

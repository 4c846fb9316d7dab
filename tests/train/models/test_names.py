"""Every network has the name of its file, however it is reached."""

from __future__ import annotations

from importlib import import_module

import pytest

from runtime.common.errors import InputError
from train import models


@pytest.mark.parametrize("name", models.names())
def test_a_network_knows_its_name(name):
    network = import_module(f"train.models.{name}").NETWORK
    assert network.name == name and models.find(name) is network
    assert all(other in models.names() and name in models.find(other).also for other in network.also)
    assert not network.sizes.fault(network.sizes.default)


def test_another_name_is_refused_with_those_that_there_are():
    with pytest.raises(InputError, match=r"'yolo' is no network of this kit; there are .*ssd_mobilenet_v2_fpnlite"):
        models.find("yolo")

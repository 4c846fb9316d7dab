from __future__ import annotations

import re

import pytest

from runtime.mqtt.address import distinct_level, node
from runtime.mqtt.topics import Discovery

LABELS = ("Tür", "Tur", "凧", "犬", "+", "%", "Cat", "cat", "big dog", "big_dog", "traffic light", "é", "è", "-")


def test_different_names_never_meet():
    for ascii_only in (False, True):
        levels = {label: distinct_level(label, LABELS, ascii_only) for label in LABELS}
        assert len(set(levels.values())) == len(LABELS)
        assert levels["traffic light"] == "traffic_light"
        assert all(re.fullmatch(r"[\w-]+", level) for level in levels.values())
    assert distinct_level("Tür") == "tür" and distinct_level("Big dog/1", LABELS) == "big_dog_1"


def test_detectors_never_meet_in_home_assistant():
    bases = ["a/b", "a_b", "a b", "A/b", "A/B", "a-b", "Tür", "tür", "Tur", "a//b", "x/a_b", "x_a/b", "x/a/b"]
    nodes = {base: node(base) for base in bases}
    assert len(set(nodes.values())) == len(bases)
    assert nodes["a/b"] == "a_b" and nodes["a-b"] == "a-b"
    assert all(re.fullmatch("[a-z0-9_-]+", found) for found in nodes.values())


@pytest.mark.parametrize("base", ["edge/door", "küche/tür", "台所"])
def test_home_assistant_gets_only_what_it_takes(base):
    discovery = Discovery("homeassistant", base, "m")
    entities = [*discovery.always(), *(discovery.objects(label, LABELS) for label in LABELS)]
    assert len({topic for topic, _ in entities}) == len(entities)
    for topic, text in entities:
        assert re.fullmatch(r"homeassistant(/[a-zA-Z0-9_-]+){3}/config", topic)
        assert re.search(r'"unique_id": "[a-z0-9_-]+"', text)

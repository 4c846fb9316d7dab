"""Several threads may decode with one decoder."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from runtime.inference.decoders.raw_head import RawDecoder
from tests.runtime.inference.decoders import test_first_raw_head, test_raw_head
from tests.support.raw_outputs import drawn


def raw_decoder():
    raw, other = (drawn("int8", 4, seed=seed) for seed in (1, 2))
    for each, step in ((raw, 70), (other, 55)):
        each.logits[0, 5::step, 2] = 120
    return RawDecoder(test_raw_head.head_of(raw), raw.ports), [raw.codes, raw.logits], [other.codes, other.logits]


def first_version_decoder():
    (decoder, *_, raw), (*_, other) = (test_first_raw_head.case("int8", 4, 1, seed) for seed in (1, 2))
    return decoder, raw, other


@pytest.mark.parametrize("made", [raw_decoder, first_version_decoder])
def test_a_thread_that_decodes_in_between_changes_nothing(monkeypatch, made):
    decoder, raw, other = made()
    expected = [decoder(each, 0.6) for each in (raw, other)]
    assert all(len(scores) for *_, scores in expected) and expected[0][2].tolist() != expected[1][2].tolist()
    find, found = np.flatnonzero, []

    def interrupted(reached):
        monkeypatch.setattr(np, "flatnonzero", find)
        thread = threading.Thread(target=lambda: found.append(decoder(other, 0.6)))
        thread.start()
        thread.join()
        return find(reached)

    monkeypatch.setattr(np, "flatnonzero", interrupted)
    found.insert(0, decoder(raw, 0.6))
    assert len(found) == 2
    for got, wanted in zip(found, expected):
        for one, two in zip(got, wanted):
            np.testing.assert_array_equal(one, two)

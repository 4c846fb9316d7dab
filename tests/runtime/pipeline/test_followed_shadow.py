"""A second model behind a link that appears, changes, breaks and goes while the run goes on."""

from __future__ import annotations

import json
import os
import shutil
import time
from types import SimpleNamespace

import numpy as np
import pytest

from runtime.common.errors import InputError, KitError
from runtime.common.values import Frame, Labels
from runtime.config import arguments
from runtime.pipeline import followed_shadow, shadow
from runtime.pipeline.followed_shadow import FollowedShadow, open_shadow
from runtime.pipeline.session import detect
from runtime.pipeline.shadow import Shadow
from runtime.telemetry import kept_comparison
from runtime.telemetry.health import sha256_of
from runtime.telemetry.state import State
from tests.support import tiny_detector

pytestmark = pytest.mark.skipif(os.name != "posix", reason="engines have processes of their own on POSIX only")

PATIENCE = 60


@pytest.fixture
def releases(tmp_path):
    """The releases `one`, `two` and `three`, and `current`, a link to the first."""
    for name in ("one", "two", "three"):
        folder = tmp_path / "models" / name
        folder.mkdir(parents=True)
        (folder / "detector.tflite").write_bytes(tiny_detector.build())
        (folder / "labels.txt").write_text("cat\ndog\n" if name == "one" else "cat\nbird\n")
    (tmp_path / "models" / "current").symlink_to("one")
    return tmp_path


def parsed(releases, *words, source="x"):
    file = str(releases / "models" / "one" / "detector.tflite")
    link = f"{releases / 'shadow' / 'detector.tflite'},follow=on,share=1"
    return arguments.parse([file, "--source", source, "--shadow", link, *words])


def state_of(releases):
    return State(str(releases / "models" / "one" / "detector.tflite"), Labels(("cat", "dog")))


def point(releases, name):
    """Makes the link lead to the release `name`, or to nothing."""
    link = releases / "shadow"
    if link.is_symlink():
        link.unlink()
    if name:
        link.symlink_to(f"models/{name}")


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.005)


def compare(made, state, frames):
    """Hands over images until so many have been compared."""
    image = np.zeros((60, 80, 3), np.uint8)

    def compared():
        prepared = made.prepare(Frame(image), None)
        if prepared is not None:
            prepared.compare(Frame(image), ())
        return state.comparison is not None and (state.comparison.frames >= frames or state.comparison.error)

    until(compared)


def test_it_follows_the_link(releases, capfd):
    state = state_of(releases)
    with FollowedShadow(parsed(releases), state, lambda *_: None, every=0.01) as made:
        assert made.prepare(Frame(np.zeros((4, 4, 3), np.uint8)), None) is None and state.comparison is None
        point(releases, "two")
        compare(made, state, 2)
        first = state.comparison
        file = releases / "models" / "two" / "detector.tflite"
        assert (first.model, first.sha256, first.against) == (str(file), sha256_of(file), state.path)
        assert (first.only_first, first.only_second) == (("dog",), ("bird",)) and first.seconds > 0
        assert state.snapshot()["shadow"]["release"] == "two"
        point(releases, "three")
        until(lambda: state.comparison is not None and state.comparison.model != first.model)
        compare(made, state, 1)
        assert state.comparison.id != first.id and state.comparison.model.endswith("three/detector.tflite")
        point(releases, "")
        until(lambda: state.comparison is None)
        assert made.prepare(Frame(np.zeros((4, 4, 3), np.uint8)), None) is None and "shadow" not in state.snapshot()
        assert "given up" not in capfd.readouterr().err


def test_a_file_that_is_no_detector_is_told_and_what_comes_after_it_runs(releases, capfd):
    state = state_of(releases)
    (releases / "models" / "two" / "detector.tflite").write_bytes(b"nothing")
    with FollowedShadow(parsed(releases), state, lambda *_: None, every=0.01) as made:
        point(releases, "two")
        until(lambda: state.comparison is not None)
        found = state.comparison
        assert found.error and not found.may_pass and found.sha256 == sha256_of(found.model)
        assert "two/detector.tflite: cannot be loaded: " in capfd.readouterr().err
        # The same link, another file.
        shutil.copy(releases / "models" / "one" / "detector.tflite", releases / "models" / "new")
        os.replace(releases / "models" / "new", releases / "models" / "two" / "detector.tflite")
        until(lambda: state.comparison is not None and not state.comparison.error)
        compare(made, state, 1)


def test_a_machine_without_memory_is_no_fault_of_the_file(releases, monkeypatch):
    def fail(*_, **__):
        raise KitError("no process can be started for the engine: Cannot allocate memory")

    monkeypatch.setattr(shadow, "EngineProcess", fail)
    point(releases, "two")
    state = state_of(releases)
    with FollowedShadow(parsed(releases), state, lambda *_: None, every=0.01):
        until(lambda: state.comparison is not None)
        assert state.comparison.may_pass and "Cannot allocate memory" in state.comparison.error


def test_another_first_model_begins_the_count_anew(releases):
    point(releases, "two")
    state = state_of(releases)
    with FollowedShadow(parsed(releases), state, lambda *_: None, every=0.01) as made:
        compare(made, state, 3)
        first = state.comparison
        made._save()
        assert kept(releases)[0] == first.id
        state.reloaded(str(releases / "models" / "three" / "detector.tflite"), Labels(("cat", "bird")))
        until_other = lambda: state.comparison.id != first.id  # noqa: E731
        image = Frame(np.zeros((60, 80, 3), np.uint8))

        def next_is_counted():
            prepared = made.prepare(image, None)
            if prepared is not None:
                prepared.compare(image, ())
            return until_other()

        until(next_is_counted)
        until(lambda: kept(releases) is None)
        found = state.comparison
        assert found.frames < 3 and found.against.endswith("three/detector.tflite") and found.only_first == ()


def followed(releases, state):
    return FollowedShadow(parsed(releases), state, lambda *_: None, every=0.01)


def kept(releases, name="two"):
    """What was kept of the comparison of a release: the id and the frames; None where nothing was."""
    try:
        content = json.loads((releases / "models" / name / "comparison.json").read_text())["comparison"]
    except FileNotFoundError:
        return None
    return content["id"], content["frames"]


def test_a_comparison_goes_on_in_the_next_run(releases):
    point(releases, "two")
    state = state_of(releases)
    with followed(releases, state) as made:
        compare(made, state, 3)
        assert kept(releases) is None, "every few minutes is often enough for a card"
    first = state.comparison
    assert kept(releases)[0] == first.id and 3 <= kept(releases)[1] <= first.frames
    state = state_of(releases)
    with followed(releases, state) as made:
        until(lambda: state.comparison is not None)
        again = state.comparison
        assert (again.id, again.frames) == kept(releases) and again.seconds > 0 and again.classes
        compare(made, state, again.frames + 2)
        # What was offered to the first run is not missing in this one.
        assert state.comparison.id == first.id and state.comparison.missed <= again.missed + made._shadow._offered


def test_a_kill_costs_what_was_counted_since_it_was_last_kept(releases, monkeypatch):
    monkeypatch.setattr(kept_comparison, "SAVE_SECONDS", 0.0)
    point(releases, "two")
    state = state_of(releases)
    with followed(releases, state) as made:
        compare(made, state, 3)
        until(lambda: kept(releases) is not None and kept(releases)[1] >= 3)
        # From here on, as after a kill, nothing is written any more.
        monkeypatch.setattr(kept_comparison, "save", lambda comparison: None)
        before = kept(releases)
    state = state_of(releases)
    with followed(releases, state):
        until(lambda: state.comparison is not None)
        assert (state.comparison.id, state.comparison.frames) == before


def test_a_pause_counts_for_little(releases, monkeypatch):
    """A night in which nothing moved says nothing about the model; nor does a clock that is set."""
    now = [1000.0]
    with Shadow(parsed(releases), state_of(releases), lambda *_: None, str(releases / "models" / "two" / "detector.tflite")) as made:
        # Only its own: the engine's watchdog needs the real one. There is no other clock to set.
        monkeypatch.setattr(shadow, "time", SimpleNamespace(monotonic=lambda: now[0]))
        made._since = now[0]
        image = Frame(np.zeros((60, 80, 3), np.uint8))
        for pause, total in ((2.0, 2.0), (30.0, 32.0), (8 * 3600.0, 92.0)):
            now[0] += pause
            made._compare(image, (), made.prepare(image))
            assert made._state.comparison.seconds == total


def test_both_models_get_the_same_part_of_the_image_and_the_same_classes(releases):
    from runtime.frames.regions import Crop, region

    kept = []
    options = parsed(releases, "--only", "cat")
    file = str(releases / "models" / "two" / "detector.tflite")
    with Shadow(options, state_of(releases), lambda *found: kept.append(found), file) as made:
        image = Frame(np.zeros((60, 80, 3), np.uint8))
        made._compare(image, (), made.prepare(image))
        crop = Crop([region("0.5,0.5,1,1")], 80, 60)
        prepared = made.prepare(image, crop)
        assert (prepared.width, prepared.height) == (40, 30)
        made._compare(image, (), prepared)
    (_, _, whole), (_, _, part) = kept
    assert {item.label for item in (*whole, *part)} == {"cat"}
    assert all(item.box.xmin >= 40 and item.box.ymin >= 30 for item in part) and part


def test_a_model_for_the_edge_tpu_is_compared_by_the_one_that_it_was_made_of(releases):
    folder = releases / "models" / "two"
    (folder / "detector.tflite").rename(folder / "model_int8.tflite")
    (folder / "model_int8_edgetpu.tflite").write_bytes(b"for the chip")
    state = state_of(releases)
    with Shadow(parsed(releases), state, lambda *_: None, str(folder / "model_int8_edgetpu.tflite")) as made:
        assert made._process.path.endswith("model_int8.tflite")
        assert state.comparison.sha256 == sha256_of(folder / "model_int8_edgetpu.tflite")


def test_a_run_whose_link_is_missing_or_broken_is_a_run(releases, capfd):
    from runtime.media import images

    (releases / "images").mkdir()
    images.write(releases / "images" / "a.png", np.zeros((60, 80, 3), np.uint8))
    options = parsed(releases, "--threads", "1", source=str(releases / "images"))
    assert detect(options).frames == 1
    point(releases, "nothing")
    assert detect(options).frames == 1


def test_without_follow_a_missing_file_ends_the_start(releases):
    options = arguments.parse(["a.tflite", "--source", "x", "--shadow", str(releases / "missing.tflite")])
    with pytest.raises(InputError, match=r"missing\.tflite"):
        open_shadow(options, State(), lambda *_: None)
    assert followed_shadow._identity(str(releases / "missing.tflite")) is None

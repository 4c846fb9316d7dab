"""Several cameras in one process."""

from __future__ import annotations

import json
import shutil
import sys
import threading
import time
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

import runtime.sources
from runtime import Frame, InputError, KitError
from runtime.cameras.session import detect_all
from runtime.config.arguments import parse
from runtime.inference.interpreter import Interpreter
from runtime.pipeline import model_swap
from runtime.pipeline.active_model import ActiveModel
from runtime.pipeline.iteration import run as iterate
from runtime.pipeline.job import Job
from runtime.sources import Source
from runtime.telemetry.health import Health
from runtime.telemetry.sd_notify import Announcer
from tests.support import tiny_detector

# Seconds after which a test gives up, on whatever machine.
PATIENCE = 60


class Sky(Source):
    """A live camera of a test, by the name in `sky:NAME`; `plans` has functions that are called before each frame, by name."""

    live = True
    plans: ClassVar[dict] = {}
    opening: ClassVar[dict] = {}

    def __init__(self, name):
        self.name = name
        self._closed = threading.Event()

    def __iter__(self):
        index = 0
        while not self._closed.is_set():
            if self.plans.get(self.name, lambda index: time.sleep(0.002))(index) is False:
                return
            yield Frame(np.full((16, 24, 3), index % 256, np.uint8), index, time.time(), monotonic=time.monotonic())
            index += 1

    def close(self):
        self._closed.set()


def connect(spec):
    name = spec.partition(":")[2]
    Sky.opening.get(name, lambda: None)()
    return Sky(name)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The working directory, with a detector of three classes, and cameras `sky:NAME`."""
    module = SimpleNamespace(
        __name__="runtime.sources.sky", KIND="a camera of a test", LIVE=True,
        accepts=lambda spec: spec.startswith("sky:"), connect=connect,
    )  # fmt: skip
    modules = runtime.sources.plugins.modules

    def with_sky(package):
        return [module, *modules(package)] if package is sys.modules["runtime.sources"] else modules(package)

    monkeypatch.setattr(runtime.sources.plugins, "modules", with_sky)
    monkeypatch.setattr(Sky, "plans", {})
    monkeypatch.setattr(Sky, "opening", {})
    (tmp_path / "tiny.tflite").write_bytes(tiny_detector.build(signature={f"output_{3 - role}": role for role in range(4)}))
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Run:
    """A run in a thread; ends with the test."""

    def __init__(self, *words):
        self.options = parse(["tiny.tflite", "--watchdog", "0", *words])
        self.state, self.summaries, self.error = None, None, None
        self._begun = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            self.summaries = detect_all(self.options, self._use)
        except BaseException as error:
            self.error = error
            self._begun.set()

    def _use(self, state):
        self.state = state
        self._begun.set()

    def until(self, true):
        assert self._begun.wait(PATIENCE) and self.error is None, self.error
        end = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < end and self.error is None, self.error
            time.sleep(0.005)

    def frames(self, name):
        return self.state.cameras[name].snapshot()["frames"]

    def end(self):
        self.state.stop()
        return self.ended()

    def ended(self):
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive() and self.error is None, self.error
        return self.summaries


@pytest.fixture
def start(place):
    runs = []

    def start(*words):
        runs.append(Run(*words))
        return runs[-1]

    yield start
    for run in runs:
        if run.state is not None:
            run.state.stop()
        run.thread.join(PATIENCE)


def lines(path):
    return [json.loads(text) for text in path.read_text().splitlines()]


def test_each_camera_has_its_own_lines_in_the_order_of_its_frames(place, start):
    run = start("--source", "door=sky:a", "--source", "yard=sky:b", "--json", "{camera}.jsonl", "--frames", "20")
    summaries = run.ended()
    for name in ("door", "yard"):
        found = lines(place / f"{name}.jsonl")
        # Of a live source, a line may be missing where the disk is busy.
        assert 0 < len(found) <= 20 == summaries.cameras[name].frames
        assert {line["camera"] for line in found} == {name}
        assert [line["frame"] for line in found] == sorted(line["frame"] for line in found)
    assert summaries.total.frames == 40 and not summaries.errors
    said = str(summaries).splitlines()
    assert [line.partition(":")[0] for line in said] == ["door", "yard", "all"] and said[2].startswith("all: 40 frames, ")


def both(*words):
    return ("--source", "door=sky:a", "--source", "yard=sky:b", *words)


def hang(index, after):
    if index == after:
        threading.Event().wait()
    time.sleep(0.002)


def test_cameras_that_want_more_than_the_engine_gives_get_shares_of_it(place, start, monkeypatch):
    invoke = Interpreter.invoke

    def slow(self, tensor):
        time.sleep(0.005)
        return invoke(self, tensor)

    monkeypatch.setattr(Interpreter, "invoke", slow)
    served, waits, begun = [], [], threading.Event()

    def rare(index):
        # The next frame comes when the last one is done, and the others have had some turns since.
        while not run_stops() and run.frames("gate") < index:
            time.sleep(0.0005)
        if index:
            waits.append(len(served) - rare.given)
        goal = len(served) + 5
        while not run_stops() and len(served) < goal:
            time.sleep(0.001)
        rare.given = len(served)

    def run_stops():
        return begun.wait(PATIENCE) and run.state.stopping

    Sky.plans.update(a=lambda index: time.sleep(0.001), b=lambda index: time.sleep(0.001), c=rare)
    run = start(*both("--source", "gate=sky:c", "--json", "{camera}.jsonl"))
    run.until(lambda: True)
    for name in ("door", "yard"):
        done = run.state.cameras[name].frame_done
        run.state.cameras[name].frame_done = lambda *found, done=done: (served.append(1), done(*found))
    begun.set()
    run.until(lambda: len(served) > 300 and len(waits) > 10)
    door, yard, gate = (run.state.cameras[name].snapshot() for name in ("door", "yard", "gate"))
    run.end()
    # A camera whose thread is held up by the machine misses a turn; that turns are fair is tested by themselves.
    assert min(door["frames"], yard["frames"]) > 0.25 * (door["frames"] + yard["frames"])
    assert door["dropped"]["source"] and yard["dropped"]["source"]
    # One turn of each other, and those that go on while its frame is captured, prepared and read out.
    assert sorted(waits)[len(waits) // 2] <= 20 and not gate["dropped"]["source"]


@pytest.mark.parametrize("policy", ["latest", "block"])
def test_one_camera_that_hangs_is_no_other_ones_matter(place, start, policy):
    Sky.plans["b"] = lambda index: hang(index, 5)
    Sky.opening["c"] = threading.Event().wait
    run = start(*both("--source", "gate=sky:c", "--policy", policy, "--json", "{camera}.jsonl"))
    run.until(lambda: run.frames("yard") + run.state.cameras["yard"].snapshot()["dropped"]["source"] >= 5)
    before = run.frames("door")
    run.until(lambda: run.frames("door") > before + 100)
    assert run.state.cameras["gate"].source_state == "starting"
    assert Health.of(run.state).source_state == "starting" and Health.of(run.state).not_running == ("gate",)
    found = run.end()
    assert found.cameras["yard"].frames <= 5 and list(found.cameras) == ["door", "yard"]
    assert 0 < len(lines(place / "door.jsonl")) <= found.cameras["door"].frames > 100


@pytest.mark.parametrize("where", ["preparing", "passing on"])
def test_a_camera_whose_loop_hangs_is_not_alive_and_one_that_waits_for_its_source_is(place, start, monkeypatch, where):
    class Told:
        def notify(self, **fields):
            self.fields = fields

    def is_alive():
        before, told.fields = run.frames("door"), {}
        run.until(lambda: run.frames("door") > before)
        announcer.notify(run.state, told)
        return "WATCHDOG" in told.fields

    def hang_here(*arguments):
        hangs.set()
        goes_on.wait(PATIENCE)
        return original(*arguments)

    def plan(index):
        if index == 20:
            waits.set()
            comes.wait(PATIENCE)
        elif index == 21:
            # No newer frame takes the place of the one that hangs.
            goes_on.wait(PATIENCE)
        time.sleep(0.002)

    told, announcer = Told(), Announcer(None)
    waits, comes, hangs, goes_on = (threading.Event() for _ in range(4))
    Sky.plans["b"] = plan
    run = start(*both())
    run.until(lambda: run.frames("door") > 25)
    yard = run.state.cameras["yard"]
    assert waits.wait(PATIENCE)
    run.until(lambda: not yard.has_work())
    assert is_alive() and is_alive()
    if where == "preparing":
        original = Job.prepared

        def prepared(model, arrival, crop):
            # The door has come further.
            return (hang_here if arrival.frame.index == 20 else original)(model, arrival, crop)

        monkeypatch.setattr(Job, "prepared", prepared)
    else:
        original = yard.frame_done
        monkeypatch.setattr(yard, "frame_done", hang_here)
    comes.set()
    assert hangs.wait(PATIENCE)
    # What it had done before it hung may not have been told of.
    is_alive()
    assert yard.has_work() and not is_alive() and not is_alive()
    goes_on.set()
    before = run.frames("yard")
    run.until(lambda: run.frames("yard") > before)
    assert is_alive()
    run.end()
    assert not yard.has_work()


def test_losses_are_counted_where_they_are(place, start):
    def lose(index):
        time.sleep(0.002)
        if index == 3:
            raise KitError("the cable was pulled")

    Sky.plans["b"] = lose
    run = start(*both())
    run.until(lambda: run.state.cameras["yard"].snapshot()["gaps"] >= 2 and run.frames("door") > 20)
    assert run.state.cameras["door"].snapshot()["gaps"] == 0
    total = run.end().total
    assert total.gaps >= 2


def test_one_that_cannot_be_opened_is_tried_again(place, start, capsys):
    ready = threading.Event()

    def opening():
        if not ready.is_set():
            raise KitError("sky b: is not there")

    Sky.opening["b"] = opening
    run = start(*both())
    run.until(lambda: run.state.cameras["yard"].source_state == "reopening" and run.frames("door") > 5)
    ready.set()
    run.until(lambda: run.frames("yard") > 5)
    run.end()
    assert capsys.readouterr().err.count("camera yard: sky b: is not there; trying again") == 1


@pytest.mark.parametrize("error", [OSError(19, "No such device"), RuntimeError("the sensor sleeps")])
def test_whatever_a_camera_raises_when_it_is_first_opened_it_is_tried_again(place, start, capsys, error):
    ready = threading.Event()

    def opening():
        if not ready.is_set():
            raise error

    Sky.opening["b"] = opening
    run = start(*both())
    run.until(lambda: run.state.cameras["yard"].source_state in ("reopening", "ended"))
    ready.set()
    run.until(lambda: run.frames("yard") > 5)
    run.end()
    said = capsys.readouterr().err
    assert error.args[-1] in said and said.count("; trying again") == 1


def test_one_that_ends_for_good_is_told_and_the_others_go_on(place, start, capsys):
    Sky.plans["b"] = lambda index: index < 3
    run = start(*both("--retries", "0"))
    run.until(lambda: run.state.cameras["yard"].source_state == "ended")
    before = run.frames("door")
    run.until(lambda: run.frames("door") > before + 20)
    health = Health.of(run.state)
    assert health.source_state == "ended" and health.not_running == ("yard",) and health.cameras["door"].is_well
    found = run.end()
    assert list(found.cameras) == ["door"] and "given up after 0 tries" in found.errors["yard"]
    assert "camera yard: ended: b: the stream ended; given up" in capsys.readouterr().err


def model(score):
    scores = np.array([[score, 0.1, 0.1]], np.float32)
    return tiny_detector.build([(name, scores if name == "c" else array) for name, array in tiny_detector.OUTPUTS])


def test_all_cameras_take_another_model_and_lose_no_frame(place, start, capsys):
    (place / "tiny.tflite").write_bytes(model(0.9))
    run = start(*both("--policy", "block", "--json", "{camera}.jsonl"))
    run.until(lambda: min(map(run.frames, ("door", "yard"))) > 5)
    (place / "tiny.tflite").write_bytes(model(0.8))
    run.state.ask_reload()
    run.until(lambda: all(state.snapshot()["reload"]["count"] for state in run.state.cameras.values()))
    before = [run.frames(name) for name in ("door", "yard")]
    run.until(lambda: all(run.frames(name) > had + 10 for name, had in zip(("door", "yard"), before)))
    # What is no model is refused, for all.
    (place / "tiny.tflite").write_bytes(b"no model")
    run.state.ask_reload()
    run.until(lambda: run.state.snapshot()["reload"]["error"])
    before = run.frames("yard")
    run.until(lambda: run.frames("yard") > before + 5)
    summaries = run.end().cameras
    for name in ("door", "yard"):
        found = lines(place / f"{name}.jsonl")
        numbers = [line["frame"] for line in found]
        # The loop waits for no disk where its source is live, so that a line may be missing; a frame may not.
        assert numbers == sorted(set(numbers)) and summaries[name].frames > numbers[-1]
        scores = [round(line["detections"][0]["score"], 2) for line in found]
        assert scores == sorted(scores, reverse=True) and set(scores) == {0.9, 0.8}


def test_a_model_without_a_class_of_one_camera_is_refused_and_that_camera_named(place, start):
    pytest.importorskip("yaml")
    (place / "names.txt").write_text("a\nb\nc\n")
    (place / "runtime.yaml").write_text(
        "file: tiny.tflite\nlabels: names.txt\nwatchdog: 0\nsources:\n  door: sky:a\n  yard: {source: 'sky:b', only: [a]}\n"
    )
    run = start("--config", "runtime.yaml")
    run.until(lambda: run.frames("yard") > 2)
    (place / "names.txt").write_text("x\ny\nz\n")
    run.state.ask_reload()
    run.until(lambda: run.state.snapshot()["reload"]["error"])
    assert run.state.snapshot()["reload"]["error"].startswith("yard: --only: no class is called 'a'")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--json", "a.jsonl"), r"a\.jsonl: is written by door and yard; give each camera its own, or put \{camera\} in the name"),
        (("--health", "{camera}.json"), "--health {camera}.json: one file has the health of all cameras"),
        (("--events", "kept,days=2"), "kept: is written by door and yard"),
        (("--out", "{camera}.mp4", "--out", "tiny.tflite"), "door: tiny.tflite: cannot write such a file"),
        (("--json", "tiny.tflite"), "tiny.tflite: is"),
        (("--only", "cow"), "door: --only: "),
        (("--source", "gate=missing.mp4"), "gate: missing.mp4: no such file or folder"),
        (("--source", "gate=what:ever"), "gate: what:ever: not a source"),
    ],
)
def test_wrong_options_are_told_before_anything_begins(place, words, reason):
    before = sorted(place.iterdir())
    with pytest.raises(InputError, match=reason):
        detect_all(parse(["tiny.tflite", "--watchdog", "0", *both(*words)]))
    assert sorted(place.iterdir()) == before


def test_a_camera_has_its_own_threshold_zones_and_masks(place, start):
    pytest.importorskip("yaml")
    (place / "runtime.yaml").write_text(
        "file: tiny.tflite\nwatchdog: 0\njson: '{camera}.jsonl'\nframes: 5\nscore: 0.5\nsources:\n  door: sky:a\n"
        "  yard: {source: 'sky:b', score: 0.89}\n"
    )
    run = Run("--config", "runtime.yaml")
    run.ended()
    assert [len(lines(place / f"{name}.jsonl")[0]["detections"]) for name in ("door", "yard")] == [2, 1]


def test_lines_on_standard_output_are_whole_and_name_their_camera(place, start, capsys):
    start(*both("--json", "-", "--frames", "40")).ended()
    found = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert {line["camera"] for line in found} == {"door", "yard"} and len(found) <= 80
    start(*both("--frames", "3")).ended()
    assert {text.split(":")[0] for text in capsys.readouterr().out.splitlines()} == {"door", "yard"}


def test_the_iterator_of_one_camera_says_that_it_takes_one(place):
    pytest.importorskip("yaml")
    (place / "runtime.yaml").write_text("file: tiny.tflite\nsources: {door: 'sky:a'}\n")
    with pytest.raises(InputError, match="this runs one camera"):
        next(iterate("runtime.yaml"))


@pytest.mark.parametrize("own", [("score: 0.89", "score: 0.5"), ("only: [class 0]", "score: 0.05")])
def test_a_second_model_is_judged_as_its_camera_judges_the_first(place, own):
    """The same file agrees with itself, whatever a camera's threshold and classes are."""
    one, all_of_them = own
    sources = "".join(f"  {name}: {{source: 'sky:{name}', {one}}}\n" for name in ("a", "b"))
    (place / "runtime.yaml").write_text(f"file: tiny.tflite\n{all_of_them}\nshadow: tiny.tflite,share=1\nsources:\n{sources}")
    run = Run("--config", "runtime.yaml")
    run.until(lambda: run.state.comparison is not None and run.state.comparison.frames > 10)
    compared = run.state.comparison
    run.end()
    assert compared.classes and all(not first and not second for _, first, second in compared.classes.values())


def test_a_new_model_is_healthy_where_the_engine_before_it_was_lost(start):
    run = start(*both())
    run.until(lambda: run.frames("door") > 3)
    run.state.engine(state="restarting")
    run.state.ask_reload()
    run.until(lambda: run.state.reloads)
    assert Health.of(run.state).engine_state == "running"
    run.end()


def test_where_there_is_no_model_any_more_a_camera_that_comes_late_does_not_keep_the_run_up(start, monkeypatch):
    def no(self, file):
        raise KitError("the chip is gone")

    def opening():
        if not ready.is_set():
            raise KitError("sky c: is not there")

    monkeypatch.setattr(ActiveModel, "is_exclusive", property(lambda model: True))
    monkeypatch.setattr(model_swap.Reloader, "_load", no)
    ready = threading.Event()
    Sky.opening["c"] = opening
    run = start(*both("--source", "gate=sky:c"))
    run.until(lambda: min(map(run.frames, ("door", "yard"))) > 5)
    run.state.ask_reload()
    run.until(lambda: not run.thread.is_alive())


def test_a_camera_that_ends_while_a_model_is_loaded_holds_nobody_up(start, monkeypatch):
    loading, go, load = threading.Event(), threading.Event(), model_swap.Reloader._load

    def slow(self, file):
        loading.set()
        assert go.wait(60)
        return load(self, file)

    monkeypatch.setattr(ActiveModel, "is_exclusive", property(lambda model: True))
    monkeypatch.setattr(model_swap.Reloader, "_load", slow)
    run = start(*both())
    run.until(lambda: min(map(run.frames, ("door", "yard"))) > 5)
    run.state.ask_reload()
    assert loading.wait(60)
    run.state.cameras["yard"].stop()
    run.until(lambda: run.state.cameras["yard"].source_state == "ended")
    go.set()
    run.until(lambda: run.state.reloads == 1)
    # Its lane would be waited for, and end all, when the device is needed again.
    run.state.ask_reload()
    run.until(lambda: run.state.reloads == 2)
    run.end()

"""Options of a run: on the command line, and in config.yaml."""

from __future__ import annotations

import argparse
import dataclasses

import pytest

from runtime.common.errors import InputError
from train.run import arguments, options
from train.run.options import Options
from train.sample_data import generation
from train.training import schedule, training


def given(*words: str) -> dict:
    parser = argparse.ArgumentParser()
    arguments.add(parser)
    return arguments.given(parser.parse_args(words))


def test_only_given_options_are_returned():
    assert given() == {}
    assert given("--steps", "5", "--no-photometric") == {"steps": 5, "photometric": False}


def test_every_option_is_on_the_command_line():
    parser = argparse.ArgumentParser()
    arguments.add(parser)
    told = {action.dest for action in parser._actions} - {"help"}
    # Where quantization-aware training starts, or a run goes on, and which loggers there are, is the command's own affair.
    assert told == {field.name for field in dataclasses.fields(Options)} - {"qat", "from_run", "logger"}
    for action in parser._actions:
        assert options.option_name(action.dest) in action.option_strings or action.dest == "help"


def test_defaults_in_the_help_are_those_of_the_code():
    parser = argparse.ArgumentParser()
    arguments.add(parser)
    for action in parser._actions:
        default = getattr(Options(), action.dest, None)
        if default is not None and not isinstance(default, bool):
            shown = default if isinstance(default, str) else f"{default:g}"
            assert f"({shown}" in action.help, action.dest


@pytest.mark.parametrize(("text", "recorded"), [("2x1,overlap=0.2", "2x1"), ("none", None), (None, None)])
def test_the_same_tiles_are_recorded_as_one_text(text, recorded):
    assert options.as_dict(Options(tiles=text))["tiles"] == recorded
    assert given("--tiles", text or "none") == {"tiles": recorded or "none"}


def highest_rate(trained: bool, batch: int = 8, rate: float | None = None) -> float:
    config = schedule.optimizer_config(100, batch, rate, trained=trained)
    return config.learning_rate.cosine.initial_learning_rate


def test_default_rates_for_trained_and_random_weights():
    assert highest_rate(trained=True) == pytest.approx(0.06)
    assert highest_rate(trained=True, batch=16) == pytest.approx(0.12)
    assert highest_rate(trained=False) == pytest.approx(0.03)
    assert highest_rate(trained=True, rate=0.5) == highest_rate(trained=False, rate=0.5) == 0.5
    assert schedule.backbone_rate(None, trained=True) == 0.2
    assert schedule.backbone_rate(None, trained=False) == 1.0
    assert schedule.backbone_rate(0.0, trained=True) == 0.0


@pytest.mark.parametrize(("init", "share", "rate"), [("somewhere/ckpt-1", 0.2, 0.06), ("none", 1.0, 0.03)])
def test_the_rates_of_a_run_depend_on_its_initial_weights(tmp_path, init, share, rate):
    generation.draw_dataset(tmp_path / "data", images=6, size=(120, 90))
    dataset = Options().open(str(tmp_path / "data"))
    made = training.configuration(dataset, Options(init=init), ("a",), ("b",))
    assert made.task.backbone_rate == share
    assert made.trainer.optimizer_config.learning_rate.cosine.initial_learning_rate == pytest.approx(rate)


def test_steps_or_epochs():
    assert Options(steps=7).for_images(100).steps == 7
    assert Options(epochs=3, batch=8).for_images(100).steps == 38
    assert Options(epochs=0.001).for_images(100).steps == 1
    with pytest.raises(SystemExit):
        given("--steps", "5", "--epochs", "2")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"steps": 0}, "--steps must be at least 1, not 0"),
        ({"epochs": float("nan")}, "--epochs must be a number above 0"),
        ({"patience": 0}, "--patience must be at least 1"),
        ({"checkpoint_every": -3}, "--checkpoint-every must be at least 1"),
        ({"size": 300}, "--size: ssd_mobilenet_v2_fpnlite: sides are multiples of 32 from 96 to 1280, not 300; the nearest is 288"),
    ],
)
def test_an_invalid_value_is_an_error(values, message):
    with pytest.raises(InputError, match=message):
        Options(**values).for_images(10)


def test_options_as_dict_round_trip():
    told = Options(steps=5, rate=0.1, val="elsewhere", photometric=False)
    # What the network decides is written down, so that a later version with other defaults goes on as this one.
    told = dataclasses.replace(told, size=320, momentum=0.99)
    assert options.from_dict(options.as_dict(told), "config.yaml") == told
    assert options.as_dict(dataclasses.replace(told, size=None, momentum=None)) == options.as_dict(told)
    assert options.from_dict({}, "config.yaml") == Options()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"steps": "many"}, "config.yaml: steps cannot be 'many'"),
        ({"steps": 1.5}, "config.yaml: steps cannot be 1.5"),
        ({"steps": True}, "config.yaml: steps cannot be True"),
        ({"photometric": 1}, "config.yaml: photometric cannot be 1"),
        ({"speed": 3}, "config.yaml: speed is no option of this version of the kit"),
        ({"batch": 0}, "--batch must be at least 1"),
        ([1], "config.yaml: the options are not"),
    ],
)
def test_damaged_options_are_an_error(values, message):
    with pytest.raises(InputError, match=message):
        options.from_dict(values, "config.yaml")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"match_iou": 0.4}, "--match-iou: leave it out for nanodet_plus_m: its predictions decide"),
        ({"head_steps": 5}, "--head-steps: leave it out for nanodet_plus_m: AdamW"),
    ],
)
def test_what_means_nothing_for_a_network_is_refused(given, said):
    with pytest.raises(InputError, match=said):
        options.check(Options(model="nanodet_plus_m", **given))
    options.check(Options(model="ssd_mobilenet_v2_fpnlite", **given))

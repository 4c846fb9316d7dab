from __future__ import annotations

import pytest

from tests.support.examples import DETECTOR, run_example, video

gpiozero = pytest.importorskip("gpiozero")


@pytest.fixture
def pin(monkeypatch):
    """Pin 17 of gpiozero's pretended Pi, which notes its states."""
    from gpiozero.pins.mock import MockFactory

    factory = MockFactory()
    monkeypatch.setattr(gpiozero.Device, "pin_factory", factory)
    yield factory.pin(17)
    factory.reset()


def test_on_while_something_is_in_view(tmp_path, pin, capsys):
    # Ten frames a second: in view from 0.5 s on, once more after a gap of 0.3 s, and from 1.2 s on no more.
    seen, nothing = {"red": (96, 48)}, {}
    clip = video(tmp_path / "clip.avi", [nothing] * 5 + [seen] * 3 + [nothing] * 3 + [seen] + [nothing] * 20)
    run_example("gpio_pin", DETECTOR, clip, "--pin", 17, "--hold", 0.5)
    assert capsys.readouterr().out == "0.50 on\n1.60 off\n"
    assert [state.state for state in pin.states] == [False, True, False]


def test_the_pin_is_let_go_of_at_the_end(tmp_path, pin):
    clip = video(tmp_path / "clip.avi", [{"red": (96, 48)}] * 3)
    run_example("gpio_pin", DETECTOR, clip)
    assert pin.function == "input", "as gpiozero leaves a pin that it has closed"


def test_other_classes_do_not_switch_it(tmp_path, pin):
    clip = video(tmp_path / "clip.avi", [{"red": (96, 48)}] * 3)
    run_example("gpio_pin", DETECTOR, clip, "--only", "blue,green")
    assert not any(state.state for state in pin.states)

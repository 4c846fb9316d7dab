"""The learning-rate range test: its command, and what it leaves behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runtime.common.command import exit_code
from tests.support import detector_320, voc_samples
from train import find_rate
from train.run.rate_curve import RateCurve
from train.training import rate_sweep

LOSSES = tuple(2.0 - 0.03 * i if i <= 45 else 0.65 + 0.1 * (i - 45) for i in range(61))
CURVE = RateCurve(tuple(10 ** (i / 15 - 4) for i in range(61)), LOSSES, 1.0)


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return voc_samples.data_set(tmp_path / "my data")


@pytest.fixture
def asked(monkeypatch) -> list:
    """What the sweep is called with; it gives `CURVE`."""
    calls = []
    monkeypatch.setattr(rate_sweep, "sweep", lambda *arguments: calls.append(arguments) or CURVE)
    return calls


def test_it_prints_a_rate_and_how_to_use_it_and_draws_the_curve(data, asked, capsys):
    options = ["--batch", "4", "--no-photometric", "--low", "1e-3", "--steps", "61"]
    assert find_rate.main([str(data), *options]) == 0
    printed = capsys.readouterr()
    rate = f"{CURVE.suggestion:.2g}"
    assert printed.out == f"{rate}\n"
    use = f"python -m train '{data}' --out runs/NAME --rate {rate} --batch 4 --no-photometric"
    assert printed.err.endswith(f"The curve: find_rate.html\nTo train with this rate: {use}\n")
    (_, given, low, high), = asked
    assert (given.batch, given.photometric, given.steps, low, high) == (4, False, 61, 1e-3, 1.0)
    page = Path("find_rate.html").read_text()
    assert "<svg" in page and page.count("<polyline") == 2 and use.replace("'", "&#x27;") in page
    # Powers of ten along the axis, which starts where the curve or the suggestion does.
    assert all(f">{tick}<" in page for tick in ("0.0001", "0.001", "0.01", "0.1", "1"))


def test_json_has_the_curve(data, asked, capsys):
    assert find_rate.main([str(data), "--json", "--out", "rates/page.html"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["rate"] == CURVE.suggestion and found["losses"] == list(LOSSES) and len(found["rates"]) == 61
    assert found["smoothed"] == list(CURVE.smoothed) and found["diverged"] is False
    assert Path("rates/page.html").is_file()


def test_a_rate_that_may_be_higher_is_told(data, monkeypatch, capsys):
    falling = RateCurve(CURVE.rates, tuple(2.0 - 0.02 * i for i in range(61)), 1.0)
    monkeypatch.setattr(rate_sweep, "sweep", lambda *_: falling)
    assert find_rate.main([str(data)]) == 0
    assert "a test with a higher --high may find a higher rate" in capsys.readouterr().err


def test_without_a_suggestion_it_fails_and_leaves_no_page(data, monkeypatch, capsys):
    monkeypatch.setattr(rate_sweep, "sweep", lambda *_: RateCurve(CURVE.rates, (1.0,) * 61, 1.0))
    assert exit_code(find_rate.main, [str(data)]) == 1
    assert "error: the loss did not fall" in capsys.readouterr().err
    assert not Path("find_rate.html").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--low", "0"], "--low and --high must be rates above 0, --high the higher one, not 0 and 1"),
        (["--low", "2"], "not 2 and 1"),
        (["--high", "inf"], "not 0.0001 and inf"),
        (["--steps", "5"], "--steps must be at least 20, not 5"),
        (["--batch", "0"], "--batch must be at least 1"),
        (["--out", "."], ".: is a folder; name a file in it, such as find_rate.html"),
        (["--class-weights", "cow=2", "--init", "none"], "cow is no class of"),
    ],
)
def test_wrong_input_is_one_line_and_leaves_nothing(data, options, message, capsys):
    assert exit_code(find_rate.main, [str(data), *options]) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("error: ") and message in last
    assert [path.name for path in data.parent.iterdir()] == ["my data"]


def test_a_sweep_ends_where_the_loss_diverges(starter, data, tmp_path):
    """With the network's real steps, at rates that are far too high."""
    log = tmp_path / "log"
    arguments = [str(data), "--init", "none", "--batch", "1", "--steps", "20", "--low", "1e4", "--high", "1e7"]
    pid = starter.start(arguments, log, function="tests.support.small_network:find_rate", XDG_CACHE_HOME=str(tmp_path / "c"))
    assert starter.wait(pid) == 1, log.read_text()
    last = log.read_text().splitlines()[-1]
    assert last.startswith(("error: the loss did not fall", "error: the loss was no longer a number"))
    assert "step 20/20" not in log.read_text()
    assert not list(tmp_path.glob("*.html"))

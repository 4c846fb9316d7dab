"""What must work where one extra of the kit is installed and nothing else.

Every step is what follows `python` on a command line. It runs in an empty folder with the environment's Python, so that
it finds the installed kit and not the checkout. `golden` there is the folder of the self-test, which every wheel has, and `{port}` is a free port.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Tuple

Step = Tuple[str, ...]

PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13")
# What README promises of training and conversion.
TRAINING = PYTHONS[2:]

_DETECTOR, _IMAGE = "golden/detector_int8.tflite", "golden/00_square.png"
_DETECT: Step = ("-m", "runtime", _DETECTOR, "--source", _IMAGE)


def _code(text: str) -> Step:
    return ("-c", text)


def _imports(*names: str) -> Step:
    return _code(f"import {', '.join(names)}")


# That something was found, and what the file's own labels call it.
_FOUND = _code(
    "import json; line = json.loads(open('found.jsonl').readline()); "
    "assert 'square' in {one['label'] for one in line['detections']}, line"
)
# The page comes from the wheel's data files.
_PAGE = _code(
    f"""
import re, subprocess, sys, urllib.request
run = subprocess.Popen([sys.executable, *{_DETECT!r}, "--loop", "--serve", "127.0.0.1:{{port}}"], stderr=subprocess.PIPE, text=True)
try:
    address = next(found[0] for line in run.stderr if (found := re.search(r"http://\\S+", line)))
    for path, part in (("", "<html"), ("app.js", "import"), ("style.css", "{{")):
        assert part in urllib.request.urlopen(address + path, timeout=30).read().decode(), path
finally:
    run.terminate()
    run.wait(30)
"""
)
_ONNX = _code(
    "import numpy, onnx; from onnx import helper, numpy_helper; "
    "graph = helper.make_graph([], 'g', [], [], [numpy_helper.from_array(numpy.ones(3, 'float32'), 'w')]); "
    "onnx.save(helper.make_model(graph), 'w.onnx'); assert onnx.load('w.onnx').graph.initializer[0].name == 'w'"
)
_SAMPLES: Step = ("-m", "train.generate", "data", "--images", "12", "--size", "128x96")


@dataclass(frozen=True)
class Extra:
    """`steps` must work with the extra alone; where it is of use only beside another one, with both.

    `commands` are the packages whose commands must all show their help.
    """

    steps: Tuple[Step, ...]
    commands: Tuple[str, ...] = ()
    beside: str = ""
    pythons: Tuple[str, ...] = PYTHONS


# The kit without any extra: what `pip install edge-detection-kit` brings.
NONE = "none"

EXTRAS: Dict[str, Extra] = {
    NONE: Extra(
        (
            # Said as the first of all, and by nothing but the standard library.
            _code("from runtime.common.command_parser import kit_version; import sys; sys.exit(not kit_version())"),
            _imports("runtime", "devices"),
        )
    ),
    "runtime": Extra(((*_DETECT, "--json", "found.jsonl", "--out", "found.png"), _FOUND), commands=("runtime",)),
    "window": Extra(
        (
            (*_DETECT, "--json", "found.jsonl"),
            _FOUND,
            _code("import cv2, re; assert not re.search(r'GUI: +NONE', cv2.getBuildInformation())"),
        ),
        commands=("runtime",),
    ),
    "serve": Extra((_PAGE,), beside="runtime"),
    "mqtt": Extra(((*_DETECT, "--mqtt", "mqtt://127.0.0.1:9/kit"),), beside="runtime"),
    "metrics": Extra(((*_DETECT, "--metrics", "127.0.0.1:{port}"),), beside="runtime"),
    "track": Extra(((*_DETECT, "--track", "--json", "found.jsonl"), _FOUND), beside="runtime"),
    "config": Extra(
        (
            _code(f"open('runtime.yaml', 'w').write('file: {_DETECTOR}\\nsource: {_IMAGE}\\njson: found.jsonl\\n')"),
            ("-m", "runtime", "--config", "runtime.yaml"),
            _FOUND,
        ),
        beside="runtime",
    ),
    "video": Extra(
        ((*_DETECT, "--out", "found.mp4"), ("-m", "runtime", _DETECTOR, "--source", "found.mp4", "--json", "again.jsonl")),
        beside="runtime",
    ),
    "service": Extra(
        (
            (*_DETECT, "--mqtt", "mqtt://127.0.0.1:9/kit", "--metrics", "127.0.0.1:{port}", "--track", "--json", "found.jsonl"),
            _FOUND,
            _PAGE,
        ),
        beside="runtime",
    ),
    "devices": Extra(
        (
            ("-m", "devices"),
            ("-m", "devices.show", "raspberry-pi-5"),
            ("-m", "devices.doctor", "--model", _DETECTOR, "--golden", "golden", "--only", "interpreter,selftest,model"),
            _code("open('passphrase', 'w').write('twelve or more characters\\n')"),
            ("-m", "devices.keys", "keys", "--passphrase-file", "passphrase"),
            ("-m", "devices.keys", "keys", "--show"),
        ),
        commands=("runtime", "devices"),
    ),
    "train": Extra(
        (
            _SAMPLES,
            ("-m", "train.check", "data", "--out", "check.html"),
            ("-m", "train", "data", "--steps", "2", "--batch", "2", "--size", "96", "--init", "none", "--out", "runs/a"),
            ("-m", "train.report", "runs/a"),
            # The weights of the demo, which the wheel brings.
            _code("from pathlib import Path; import train; assert (Path(train.__file__).parent / 'warm_start/ckpt-0.index').is_file()"),
        ),
        commands=("runtime", "train"),
        pythons=TRAINING,
    ),
    "convert": Extra(
        (
            _SAMPLES,
            _code(
                "import runpy, sys, train; from pathlib import Path; "
                "Path('labels.txt').write_text('ring\\nsquare\\nstar\\ntriangle\\n'); "
                "sys.argv = ['convert', '--int8', '--no-gate', '--calibration', '4', '--out', 'export', "
                "'--checkpoint', str(Path(train.__file__).parent / 'warm_start'), '--size', '96', "
                "'--labels', 'labels.txt', '--calibration-images', 'data/JPEGImages']; "
                "runpy.run_module('convert', run_name='__main__')"
            ),
            ("-m", "convert.inspect", "export/detector_int8.tflite"),
            ("-m", "runtime", "export/detector_int8.tflite", "--source", _IMAGE),
        ),
        commands=("runtime", "convert"),
        pythons=TRAINING,
    ),
    "onnx": Extra((_ONNX,)),
    "mlflow": Extra((_imports("mlflow"),)),
    "wandb": Extra((_imports("wandb"),)),
    "scale": Extra((_SAMPLES, ("-m", "train.records", "data", "records", "--runner", "DirectRunner")), pythons=TRAINING),
    "docs": Extra((("-m", "zensical", "--version"), _imports("mkdocstrings", "runtime")), pythons=TRAINING),
    "dev": Extra(
        (
            *(("-m", tool, "--version") for tool in ("pytest", "ruff", "mypy", "vulture")),
            _imports("selenium", "supervision", "av", "tuf"),
        ),
        pythons=TRAINING,
    ),
}

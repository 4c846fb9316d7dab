"""The kit on the systems of a Raspberry Pi, by emulation: `make test-arm64` (see userland.py).

Not collected by `make test`: it fetches packages of Debian and of the index, and takes minutes.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.keys import __main__ as keys
from devices.publish import __main__ as publish
from devices.selftest import selftest
from runtime.common.values import Box, Detection
from tests.arm64 import userland, wheels
from tests.arm64.debian_packages import Unavailable
from tests.arm64.userland import Board, Userland
from train.sample_data import generation

HERE = Path(__file__).resolve().parent
GOLDEN = HERE.parent / "golden"
CONTENT = json.loads((GOLDEN / "golden.json").read_text())
IMAGES = [image["file"] for image in CONTENT["pictures"]]

PI_64_BIT = Board(
    name="arm64",
    architecture="arm64",
    machine="aarch64",
    qemu="qemu-aarch64-static",
    # Of the Pi 3 and Zero 2 W, of the Pi 4, and of the Pi 5, which multiplies bytes four at a time.
    cpus={
        "cortex-a53": "raspberry-pi-3b-plus",
        "cortex-a72": "raspberry-pi-4",
        "cortex-a76": "raspberry-pi-5",
    },
    interpreter="ai-edge-litert",
    extras="[runtime,devices]",
)
# No wheels of NumPy, OpenCV and PyYAML for 32 bits, nor of ai-edge-litert: Debian has the first three.
PI_32_BIT = Board(
    name="armhf",
    architecture="armhf",
    machine="armv7l",
    qemu="qemu-arm-static",
    # QEMU has no 64-bit core that starts in 32 bits; this one has the same instructions but for a few.
    cpus={"cortex-a15": "raspberry-pi-4-32"},
    interpreter="tflite-runtime",
    extras="[mqtt,config]",
    packages=("python3-numpy", "python3-opencv", "python3-yaml"),
    requirements=(
        *("tflite-runtime", "paho-mqtt", "pydantic", "pydantic-core"),
        *("annotated-types", "typing-extensions", "typing-inspection", "tuf", "securesystemslib", "urllib3"),
    ),
)
BOARDS = (PI_64_BIT, PI_32_BIT)
CORES = [cpu for board in BOARDS for cpu in board.cpus]

# golden.json is what TFLite's own kernels find on x86, rounding as they do there. In its images, of
# which the largest is 601 pixels wide, int8 on these cores came as near as 0.024 and 2.8 pixels.
INT8_SCORE, INT8_BOX = 0.04, 4.0
FLOAT_SCORE, FLOAT_BOX = CONTENT["score_tolerance"], CONTENT["box_tolerance"]


@pytest.fixture(scope="session")
def kit(tmp_path_factory) -> Path:
    try:
        return wheels.kit(tmp_path_factory.mktemp("wheel"))
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session", params=BOARDS, ids=[board.name for board in BOARDS])
def board(request, kit, tmp_path_factory) -> Iterator[Userland]:
    try:
        yield Userland.of(request.param, tmp_path_factory.mktemp(request.param.name), kit)
    except Unavailable as error:
        pytest.skip(str(error))


def found(board: Userland, cpu: str, engine: str, *models: str) -> dict[str, dict]:
    """What the board finds in the golden images, by model and image."""
    script = board.put(HERE / "inside" / "found.py")
    printed = board.call(board.python, script, board.put(GOLDEN), engine, *models, cpu=cpu)
    return json.loads(printed)


def detections(entries: list[dict]) -> list[Detection]:
    return [Detection(entry["label"], entry["class"], entry["score"], Box(*entry["box"])) for entry in entries]


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def differences(model: str, answer: dict, score: float, box: float) -> list[str]:
    """What differs from golden.json by more than `score`, and `box` in pixels."""
    tolerated = selftest.Golden(CONTENT["score"], score, 0.0, 0.0, (), box)
    results = next(entry["results"] for entry in CONTENT["models"] if entry["file"] == model)
    assert [result["picture"] for result in results] == IMAGES
    return [
        f"{model}, {result['picture']}: {line}"
        for result in results
        for line in selftest.compare(detections(result["detections"]), detections(answer[result["picture"]]), tolerated, 0)
    ]


def test_pip_installs_the_kit_on_the_boards_own_python(board):
    """The wheels that were fetched are those that pip there takes; where it can, those of constraints.txt."""
    code = (
        "import importlib.metadata as m, json, platform, sys;"
        "print(json.dumps([platform.machine(), list(sys.version_info[:2]), {d.name: d.version for d in m.distributions()}]))"
    )
    machine, version, packages = json.loads(board.call(board.python, "-c", code))
    assert (machine, version) == (board.board.machine, [3, 11])
    pinned = dict(
        line.split("==") for line in wheels.CONSTRAINTS.read_text().splitlines() if line and not line.startswith("#")
    )
    assert {"edge-detection-kit", "paho-mqtt", "pydantic", board.board.interpreter} <= set(packages)
    of_debian = {"numpy", "PyYAML"} if board.board.packages else set()
    differ = {name for name in packages if name in pinned and packages[name] != pinned[name]}
    assert differ == of_debian


@pytest.mark.parametrize("cpu", CORES)
def test_the_usual_engine_finds_the_golden_detections(board, cpu):
    """XNNPACK, with the kernels that it has for the core."""
    if cpu not in board.board.cpus:
        pytest.skip(f"{board.board.name} has no {cpu}")
    models = ["detector_int8.tflite"]
    if cpu == CORES[0]:
        models += ["detector_fp16.tflite", "detector_int8_raw.tflite"]
    answers = found(board, cpu, "cpu", *models)
    for model in models:
        # tflite-runtime leaves int8 on 32 bits to TFLite's own kernels.
        assert answers[model]["xnnpack"] == (board.board is not PI_32_BIT)
        tolerance = (FLOAT_SCORE, FLOAT_BOX) if "fp16" in model else (INT8_SCORE, INT8_BOX)
        assert not differences(model, answers[model], *tolerance)


def test_tflites_own_kernels_find_the_golden_detections(board):
    """They are others than on x86, and round otherwise."""
    answer = found(board, next(iter(board.board.cpus)), "plain", "detector_int8.tflite")["detector_int8.tflite"]
    assert not answer["xnnpack"]
    assert not differences("detector_int8.tflite", answer, INT8_SCORE, INT8_BOX)


def test_a_video_runs(board, tmp_path):
    """Ten frames, the engine in a process of its own as by default; each with what this machine finds."""
    generation.draw_video(tmp_path / "shapes.mp4", frames=10)
    model, options = "detector_int8.tflite", ("--watchdog", "300", "--score", "0.3")
    ours = [sys.executable, "-m", "runtime", GOLDEN / model, "--source", tmp_path / "shapes.mp4", *options]
    subprocess.run([*ours, "--json", tmp_path / "ours.jsonl"], check=True, cwd=wheels.ROOT, capture_output=True)
    theirs = ["-m", "runtime", board.put(GOLDEN / model), "--source", board.put(tmp_path / "shapes.mp4"), *options]
    board.call(board.python, *theirs, "--json", "/root/found.jsonl", "--health", "/root/health.json")
    pairs = list(zip(lines(tmp_path / "ours.jsonl"), lines(board.path("/root/found.jsonl")), strict=True))
    assert [(one["frame"], other["frame"]) for one, other in pairs] == [(frame, frame) for frame in range(10)]
    # A detection that only just has the score may lack it there.
    enough = 0.3 + selftest.SCORE_TOLERANCE
    tolerated = selftest.Golden(enough, selftest.SCORE_TOLERANCE, selftest.IMAGE_SHARE, selftest.BOX_SHARE, ())
    for one, other in pairs:
        sure = [entry for entry in one["detections"] if entry["score"] >= enough]
        assert sure and not selftest.compare(detections(sure), detections(other["detections"]), tolerated, 400)


def test_an_error_is_a_line_there_too(board):
    said = board.run(board.python, "-m", "runtime", "/root/none.tflite", "--source", "/root/none.mp4")
    assert said.returncode == 2 and said.stderr.startswith("error: /root/none.mp4: no such file")
    assert said.stderr.count("\n") == 1


def test_the_self_test_of_an_update_passes(board):
    """Of the detector that the kit ships, in a process of its own."""
    code = (
        "from devices.selftest import selftest; r = selftest.run(selftest.MODEL, selftest.GOLDEN, hang=300);"
        "print(r.passed, *r.differences, r.package)"
    )
    assert board.call(board.python, "-c", code).split() == ["True", board.board.interpreter]


def test_the_doctor_looks_at_it(board):
    """It has no board's devices, which the doctor says; packages and the answer of its detector are sound."""
    said = board.run(board.python, "-m", "devices.doctor", "--json")
    # NumPy on an emulated 32-bit core warns of its smallest numbers.
    assert "Traceback" not in said.stderr
    report = json.loads(said.stdout)
    assert said.returncode == (0 if report["ok"] else 1)
    by_check = {name: [f for f in report["findings"] if f["check"] == name] for name in ("interpreter", "selftest")}
    for findings in by_check.values():
        assert findings and {finding["level"] for finding in findings} == {"ok"}, findings
    assert any(finding["text"].startswith(board.board.interpreter) for finding in by_check["interpreter"])
    assert not [finding for finding in report["findings"] if "report it" in finding["mend"]]


@pytest.fixture(scope="session")
def bundle(tmp_path_factory) -> tuple[Path, Path]:
    """A signed release of the golden int8 detector for devices without a network, and the root to trust."""
    folder = tmp_path_factory.mktemp("publisher")
    export = folder / "export"
    export.mkdir()
    model = Path(shutil.copy(GOLDEN / "detector_int8.tflite", export))
    told = {"kind": "int8", "sha256": hashlib.sha256(model.read_bytes()).hexdigest()}
    (export / "manifest.json").write_text(json.dumps({"files": {model.name: told}}))
    (folder / "passphrase").write_text("a passphrase for tests")
    secret = ["--passphrase-file", str(folder / "passphrase")]
    made, repository = folder / "stick.bundle", ["--repository", str(folder / "fleet"), "--keys", str(folder / "keys")]
    assert keys.main([str(folder / "keys"), *secret]) == 0
    assert publish.main([str(export), *repository, "--images", str(GOLDEN / "square.ppm"), *secret]) == 0
    assert publish.main([*repository, "--bundle", str(made), *secret]) == 0
    return made, folder / "keys" / "root.json"


def test_an_update_from_a_stick_is_verified_tried_and_switched_to(board, bundle):
    """What was signed here is verified by the board's own libraries, and tried on its own engine."""
    file, root = bundle
    update = [board.python, "-m", "devices.update", "--state", "/root/state", "--root", board.put(root)]
    said = board.call(*update, "--file", board.put(file), "--probation", "0")
    assert said.startswith("updated: ")
    model = board.path("/root/state/models/current").readlink()
    current = board.path("/root/state/models") / model / "detector_int8.tflite"
    assert current.read_bytes() == (GOLDEN / "detector_int8.tflite").read_bytes()
    # One byte of the model inside the bundle is another one.
    data = bytearray(file.read_bytes())
    data[data.index((GOLDEN / "detector_int8.tflite").read_bytes()) + 5000] ^= 1
    changed = file.with_name("changed.bundle")
    changed.write_bytes(data)
    update[update.index("/root/state")] = "/root/other"
    refused = board.run(*update, "--file", board.put(changed), "--probation", "0")
    assert refused.returncode and "Traceback" not in refused.stderr
    assert not board.path("/root/other/models/current").is_symlink()

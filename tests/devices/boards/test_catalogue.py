"""Profiles: that the kit's are right, and that a wrong one is refused by line and field."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("yaml")
pytest.importorskip("pydantic")

from devices.boards import catalogue
from devices.boards.profile import Profile
from runtime.common.errors import InputError
from runtime.inference import engines
from runtime.sources import picamera, v4l2
from tests.support.paths import ROOT

PI = (catalogue.FOLDER / "raspberry-pi-5.yaml").read_text(encoding="utf-8")
PROFILES = catalogue.profiles()


@pytest.fixture(params=PROFILES, ids=[profile.name for profile in PROFILES])
def profile(request) -> Profile:
    return request.param


def test_what_it_asks_of_the_runtime_exists(profile):
    if profile.kind != "linux":
        return
    assert profile.engine in engines.names()
    specs = {camera.source for camera in profile.cameras}
    assert profile.source in specs and all(picamera.accepts(spec) or v4l2.accepts(spec) for spec in specs)


def test_the_file_is_one_of_an_export(profile):
    assert profile.file in ("detector_int8.tflite", "detector_fp16.tflite", "detector_int8_edgetpu.tflite")
    assert ("edgetpu" in profile.file) == bool(profile.accelerator) == (profile.engine == "edgetpu")


def test_every_system_says_what_runs_files_there(profile):
    for system in profile.systems:
        assert system.interpreter or system.note, f"{system.name}: neither an interpreter nor why there is none"
        if system.wheel:
            python = system.python.replace(".", "")
            assert re.match(rf"cp{python}-|py3-", system.wheel), f"{system.name}: {system.wheel} is for another Python"
            assert system.wheel.endswith("armv7l") == (system.bits == 32)


def test_sources_are_links_or_pages(profile):
    pages = [source for source in profile.expected.sources if not re.match(r"https://\S+$", source)]
    assert all(source.startswith("docs/") and (ROOT / source).is_file() for source in pages)
    assert "\n" not in profile.expected.how.strip()


def test_chips_on_usb_have_a_rule_for_their_group(profile):
    if profile.accelerator == "usb":
        groups = set(re.findall(r'GROUP="(\w+)"', " ".join(profile.udev.rules)))
        assert groups and groups <= set(profile.groups)


def changed(tmp_path, old: str, new: str, name: str = "raspberry-pi-5"):
    assert old in PI
    path = tmp_path / f"{name}.yaml"
    path.write_text(PI.replace(old, new, 1), encoding="utf-8")
    return path


def line_of(text: str) -> int:
    return PI[: PI.index(text)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "field", "message"),
    [
        ("cores: 4", "cores: four", "cores", "valid integer"),
        ("cores: 4", "kernels: 4", "cores", "is missing"),
        ("threads: 4", "thread: 4", "threads", "is missing"),
        ("basis: estimated", "basis: guessed", "expected.basis", "'measured', 'estimated' or 'unknown'"),
        ("high: 45", "high: 5", "expected", "low 20 and high 5 are no span"),
        ("id: debian", "bits: 16\n    id: debian", "systems.0.bits", "32 or 64"),
        ("groups: [video]", "groups: [video]\ncolour: green", "colour", "no such field"),
        ("groups: [video]", "groups: [video]\nudev: {file: a.conf, rules: [x]}", "udev", "no file name for udev"),
        ("  basis: estimated", "  basis: unknown", "expected", "unknown has no low"),
        ("groups: [video]", "groups: [video]\ndelegate_devices: [mali0]", "", "'mali0' is neither a node such as"),
        ("threads: 4", "threads: 8", "", "threads 8 are not between 1 and the 4 cores"),
    ],
)
def test_a_mistake_is_named_by_line_and_field(tmp_path, old, new, field, message):
    path = changed(tmp_path, old, new)
    with pytest.raises(InputError) as caught:
        catalogue.profiles(tmp_path)
    said = str(caught.value)
    place, rest = said[len(f"{path}: line ") :].split(": ", 1)
    assert said.startswith(f"{path}: line ") and message in rest
    assert rest.startswith(f"{field}: ") or not field
    changed_lines = path.read_text().splitlines()
    leaf = field.rpartition(".")[2]
    if leaf and "missing" not in message:
        assert re.match(rf"\s*(- )?{leaf}:", changed_lines[int(place) - 1])


def test_yaml_that_is_none(tmp_path):
    changed(tmp_path, "cores: 4", "cores: [4")
    with pytest.raises(InputError, match=r"raspberry-pi-5.yaml: line \d+: no YAML"):
        catalogue.profiles(tmp_path)


def test_a_field_given_twice(tmp_path):
    changed(tmp_path, "threads: 4", "threads: 4\nthreads: 2")
    first = line_of("threads: 4")
    with pytest.raises(InputError, match=rf"line {first + 1}: threads: is given twice, first in line {first}"):
        catalogue.profiles(tmp_path)


def test_a_profile_is_called_what_its_file_is(tmp_path):
    changed(tmp_path, "cores: 4", "cores: 4", name="other")
    with pytest.raises(InputError, match="it must be the name of the file"):
        catalogue.profiles(tmp_path)


def test_found_by_name():
    assert catalogue.find("raspberry-pi-5").title == "Raspberry Pi 5"
    assert catalogue.names() == tuple(profile.name for profile in PROFILES)


@pytest.mark.parametrize(
    ("name", "hint"), [("raspberry-pi-6", "raspberry-pi-5"), ("coral", "coral-usb-on-pi"), ("toaster", "lists them")]
)
def test_an_unknown_name_gets_near_ones(name, hint):
    with pytest.raises(InputError, match=f"{name}: there is no such device; .*{hint}"):
        catalogue.find(name)

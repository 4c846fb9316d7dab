from __future__ import annotations

import pytest

from runtime import InputError
from runtime.config.arguments import from_values, parse
from runtime.frames.regions import Region

pytest.importorskip("pydantic", reason="configuration files need the extra `config`")
pytest.importorskip("yaml", reason="configuration files need the extra `config`")

LINES = "file: a.tflite\nsource: street.mp4\n"


@pytest.fixture
def config(tmp_path):
    def write(text):
        path = tmp_path / "runtime.yaml"
        path.write_text(text)
        return str(path)

    return write


def test_everything_that_the_command_line_can_say(config):
    path = config(
        LINES + "policy: drop-oldest:8\nrealtime: true\nscore: [0.4, person=0.6]\nroi: [[0, 0, 1, 0.5], '0,200,640,480']\n"
        "only: [person, car]\nmotion: true\nout: found.mp4\nthreads: 3\nwatchdog: 2.5\ndevice: usb:0\nretries: 0\n"
        "all-labels: true\nagnostic: 0.45\n"
    )
    options = parse(["--config", path])
    assert (options.file, options.source, options.threads, options.watchdog) == ("a.tflite", "street.mp4", 3, 2.5)
    assert str(options.policy) == "drop-oldest:8" and options.realtime is True and options.loop is False
    assert options.score == [("", 0.4), ("person", 0.6)]
    assert options.roi == [Region(0, 0, 1, 0.5, False), Region(0, 200, 640, 480, True)]
    assert options.only == ("person", "car") and options.motion == 0.002 and options.retries == 0
    assert options.out == ["found.mp4"] and options.device == ["usb:0"]
    assert options.all_labels is True and options.agnostic == 0.45
    words = parse(
        ["a.tflite", "--source", "street.mp4", "--policy", "drop-oldest:8", "--realtime", "--score", "0.4", "--score", "person=0.6", "--roi", "0,0,1,.5", "--roi", "0,200,640,480", "--only", "person,car", "--motion", "--out", "found.mp4", "--threads", "3", "--watchdog", "2.5", "--device", "usb:0", "--retries", "0", "--all-labels", "--agnostic", "0.45"]
    )
    # Zones that are drawn on the page are kept in the file.
    assert {**vars(words), "config": path, "areas_file": path} == vars(options)


def test_the_command_line_takes_precedence(config):
    options = parse(["b.tflite", "--config", config(LINES + "threads: 3\nout: [a.mp4, b]\n"), "--out", "c.mp4"])
    assert (options.file, options.source, options.threads, options.out) == ("b.tflite", "street.mp4", 3, ["c.mp4"])


@pytest.mark.parametrize(("words", "expected"), [([], None), (["--agnostic"], 0.6), (["--agnostic", "0.3"], 0.3)])
def test_the_iou_of_agnostic_may_be_left_out(config, words, expected):
    assert parse(["a.tflite", "--source", "street.mp4", *words]).agnostic == expected
    line = {None: "agnostic: false\n", 0.6: "agnostic: true\n", 0.3: "agnostic: 0.3\n"}[expected]
    assert parse(["--config", config(LINES + line)]).agnostic == expected


def test_options_of_plugins_and_names_with_dashes(config):
    options = parse(["--config", config(LINES + "only: dog\n")])
    assert options.only == ("dog",)
    assert from_values({"config": config(LINES), "source": 0}).source == "0"


@pytest.mark.parametrize(
    ("text", "line", "field", "reason"),
    [
        ("treads: 2\n", 3, "treads", "there is no such option; did you mean threads?"),
        ("threads: 0\n", 3, "threads", "'0' is not a whole number of 1 or more"),
        ("\nscore: [0.5, person=7]\n", 4, "score", "'7' is not a number from 0 to 1"),
        ("realtime: 3\n", 3, "realtime", "3 is not true or false"),
        ("all-labels: 1\n", 3, "all-labels", "1 is not true or false"),
        ("agnostic: 1.5\n", 3, "agnostic", "'1.5' is not a number from 0 to 1"),
        ("engine: tpu\n", 3, "engine", "'tpu' is not one of auto"),
        ("out: {a: b}\n", 3, "out", "is not a number or a text"),
        ("threads: 2\nthreads: 3\n", 4, "threads", "is given twice, first in line 3"),
        ("roi: [0.5, 0, 0.2, 1]\n", 3, "roi", "is not LEFT,TOP,RIGHT,BOTTOM"),
        ("config: other.yaml\n", 3, "config", "there is no such option"),
    ],
)
def test_errors_name_the_line(config, text, line, field, reason):
    path = config(LINES + text)
    with pytest.raises(InputError) as error:
        parse(["--config", path])
    assert str(error.value).startswith(f"{path}: line {line}: {field}: ") and reason in str(error.value)


@pytest.mark.parametrize(("text", "message"), [("b: 1\na: [", "line 2: no YAML"), ("- a\n", "line 1: give options as NAME: VALUE")])
def test_invalid_configurations(config, text, message):
    with pytest.raises(InputError, match=message):
        parse(["--config", config(text)])


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(InputError, match=r"none.yaml: no such file"):
        parse(["--config", str(tmp_path / "none.yaml")])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"file": "a.tflite"}, "give a source"),
        ({"source": "a.mp4"}, "give the detector"),
        ({"file": "a.tflite", "source": "a.mp4", "thread": 3}, "thread: there is no such option; did you mean threads"),
    ],
)
def test_values_of_a_program(values, message):
    with pytest.raises(InputError, match=message):
        from_values(values)


def test_without_the_libraries_the_message_says_what_to_install(config, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pydantic", None)
    with pytest.raises(InputError, match=r"needs pydantic.*edge-detection-kit\[config\]"):
        parse(["--config", config(LINES)])


@pytest.mark.parametrize(
    "words",
    [["--policy", "newest"], ["--roi", "0,0,1"], ["--roi", "1,0,0,1"], ["--score", "=0.5"], ["--motion", "7"], ["--retries", "-1"]],
)
def test_wrong_options_end_with_2(words, capsys):
    with pytest.raises(SystemExit) as end:
        parse(["a.tflite", "--source", "a.mp4", *words])
    assert end.value.code == 2 and words[0] in capsys.readouterr().err

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


CAMERAS = "file: a.tflite\nretries: 3\nmotion: true\nout: all-{camera}.mp4\nsources:\n"


def test_each_camera_has_what_is_said_of_all_and_its_own(config):
    path = config(CAMERAS + "  door: rtsp://one\n  yard:\n    source: 1\n    retries: 0\n    zone: ['a=0,0,1,0,1,1']\n    out: []\n")
    options = parse(["--config", path, "--policy", "block"])
    assert options.source is None and list(options.sources) == ["door", "yard"]
    door, yard = options.sources.values()
    assert (door.source, door.retries, door.motion, door.zone, door.out) == ("rtsp://one", 3, 0.002, [], ["all-{camera}.mp4"])
    assert (yard.source, yard.retries, yard.motion, [area.name for area in yard.zone], yard.out) == ("1", 0, 0.002, ["a"], [])
    assert {own.policy.name for own in options.sources.values()} == {"block"} and yard.areas_file == path
    # What the command line says of the source, or of all cameras, comes first.
    assert parse(["--config", path, "--retries", "9"]).sources["yard"].retries == 9
    alone = parse(["--config", path, "--source", "0"])
    assert alone.source == "0" and alone.sources == {} and alone.retries == 3


def test_a_camera_takes_over_what_another_has_and_replaces_some_of_it(config):
    path = config(CAMERAS + "  door: &door\n    source: 0\n    retries: 7\n    motion: false\n  yard:\n    <<: *door\n    source: 1\n")
    door, yard = parse(["--config", path]).sources.values()
    assert (door.source, yard.source, door.retries, yard.retries) == ("0", "1", 7, 7)


def test_cameras_on_the_command_line():
    options = parse(["a.tflite", "--source", "door=rtsp://one?a=b", "--source", "yard=0", "--frames", "3"])
    assert {name: (own.source, own.frames) for name, own in options.sources.items()} == {"door": ("rtsp://one?a=b", 3), "yard": ("0", 3)}
    # The name of a file, for all that is known.
    assert parse(["a.tflite", "--source", "door=a.mp4"]).source == "door=a.mp4"
    # As of any option, the last counts.
    again = parse(["a.tflite", "--source", "a.mp4", "--source", "rtsp://one?a=b"])
    assert again.source == "rtsp://one?a=b" and again.sources == {}


def test_cameras_take_what_an_anchor_has_and_may_say_otherwise(config):
    options = parse(
        ["--config", config("file: a.tflite\nsources:\n  door: &all\n    source: 0\n    frames: 7\n  hall:\n    <<: *all\n    source: 1\n")]
    )
    assert [(own.source, own.frames) for own in options.sources.values()] == [("0", 7), ("1", 7)]


def test_a_camera_may_be_called_as_an_option_is(config):
    options = parse(["--config", config("file: a.tflite\nsources:\n  line: {source: 0}\n  window: rtsp://a\n")])
    assert [own.source for own in options.sources.values()] == ["0", "rtsp://a"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sources:\n  door: &a\n    source: *a\n", "line 3: sources: door: source: give one source"),
        ("sources:\n", "line 1: sources: give each camera as NAME: SRC"),
        ("source: [door=0, hall=1]\n", "line 1: source: give one source; several cameras stand below sources"),
        ("source: {door: 0, hall: 1}\n", "line 1: source: give one source; several cameras stand below sources"),
        ("json: {camera}\n", 'line 1: json: a value that begins with {camera} needs quotes, as in "{camera}.jsonl"'),
        ("json: {camera}.jsonl\nsource: 0\n", "needs quotes"),
        ("sources:\n\tdoor: 0\n", "line 2: no YAML: found character that cannot start any token; indent with spaces"),
        ("source: 2024-13-45\n", "no YAML: month must be in 1..12; put the value between quotes"),
    ],
)
def test_what_people_write_for_cameras(config, text, message):
    with pytest.raises(InputError) as caught:
        parse(["--config", config(text)])
    assert message in str(caught.value)


def test_anchors_within_each_other_are_read_once(config):
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9 if n else ['x'])}]\n" for n in range(12))
    with pytest.raises(InputError, match="l0: there is no such option"):
        parse(["--config", config(levels)])


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("rtsp://u:secret@one/a", "b=1"), "--source rtsp://one/a: is one of several; give each a name"),
        (("a=1", "a=2"), "--source a: is given twice"),
        (("door=rtsp://u:secret@one/a=b",), "door=rtsp://one/a=b: only several cameras have names; give --source rtsp://one/a=b, or"),
        (("door=0",), "door=0: only several cameras have names; give --source 0, or write door: 0 below sources"),
    ],
)
def test_wrong_cameras_on_the_command_line(words, reason, capsys):
    with pytest.raises(SystemExit):
        parse(["a.tflite", *(word for source in words for word in ("--source", source))])
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("  door: {source: 0, treads: 2}\n", 6, "sources: door: treads: there is no such option; did you mean threads?"),
        ("  door:\n    source: 0\n    retries: -1\n", 8, "sources: door: retries: '-1' is not a whole number"),
        ("  door:\n    source: 0\n    engine: cpu\n", 8, "sources: door: engine: is the same for all cameras"),
        ("  door:\n    source: 0\n    all_labels: true\n", 8, "sources: door: all_labels: is the same for all cameras"),
        ("  door:\n    source: 0\n    score: [a=0.4]\n", 8, "sources: door: score: the thresholds of single classes"),
        ("  door:\n    retries: 0\n", 6, "sources: door: give its source"),
        ("  door:\n", 6, "sources: door: give SRC, or options as NAME: VALUE"),
        ("  front door: 0\n", 6, "sources: front door: a camera's name has letters"),
        ("  door: 0\n  door: 1\n", 7, "door: is given twice, first in line 6"),
        ("  - 0\n", 6, "sources: give each camera as NAME: SRC"),
        ("  door: 0\nsource: 1\n", 6, "sources: there is a source, too"),
        ("  1: 0\n", 6, "sources: 1: a camera's name has letters from a to z, digits, - and _, at most 40, and begins with a letter or a digit; put what YAML takes for another thing, as 1 and yes, between quotes"),
        ("  door: ''\n", 6, "sources: door: give its source"),
        ("  door: 0\n  frames: 5\n", 7, "sources: frames: is an option, which stands at the top level or below"),
        ("  door:\n    source: [0, 1]\n", 7, "sources: door: source: give one source; several cameras stand below sources"),
        ("  door: &a\n    source: 0\n    engine: cpu\n  hall:\n    <<: *a\n", 8, "sources: door: engine: is the same for all"),
    ],
)
def test_what_is_wrong_with_a_camera_is_told_with_its_line(config, text, line, reason):
    path = config(CAMERAS + text)
    with pytest.raises(InputError) as caught:
        parse(["--config", path])
    assert str(caught.value).startswith(f"{path}: line {line}: {reason}")

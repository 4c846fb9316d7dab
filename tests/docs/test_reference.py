"""Reference pages that people write say what the code does."""

from __future__ import annotations

import json
import re
import struct
from dataclasses import fields

import numpy as np
import pytest

import convert
import runtime
import train
from docs.generator import command_pages, commands, networks, python_api, runtime_yaml
from runtime.commands.verbs import VERBS
from runtime.common.detection_json import line
from runtime.common.values import Box, Detection, Frame
from runtime.config import arguments, config_file
from runtime.events import webhook
from runtime.events.event import Event
from runtime.events.recorder import Choices
from runtime.events.store import DAYS, MEGABYTES
from runtime.model.raw_head import MAGIC, VERSION, RawHead
from runtime.mqtt import topics
from runtime.mqtt.address import PASSWORD, TOPIC, USER
from runtime.mqtt.report import Report, Software
from runtime.sinks import events as sink
from runtime.sinks import metrics, mqtt, web
from runtime.telemetry.health import STALE_SECONDS, Health
from runtime.telemetry.state import STAGES, State
from runtime.web import events
from tests.support.areas import crossed_watch
from tests.support.paths import ROOT
from train import models


def page(name):
    return (ROOT / "docs" / "reference" / f"{name}.md").read_text(encoding="utf-8")


def rows(text, *head):
    """The cells of the first table whose columns begin with `head`."""
    lines = text.split("\n")
    wanted = "| " + " | ".join(head) + " |"
    start = next(number for number, line in enumerate(lines) if line.startswith(wanted))
    found = []
    for row in lines[start + 2 :]:
        if not row.startswith("|"):
            break
        found.append([cell.strip() for cell in row.strip("|").split("|")])
    return found


def names(text, *head):
    """The names in code of the first column of a table."""
    return [name for row in rows(text, *head) for name in re.findall(r"`([^`]+)`", row[0])]


def section(text, heading):
    return text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def detection(track=None):
    return Detection("cat", 0, 0.75, Box(1, 2, 3, 4), track)


def report():
    state = State("detector.tflite")
    state.compared(model="next.tflite", frames=0, missed=0, error="", classes={})
    return Report.of(Health.of(state), state.snapshot(), Software(), 30.0)


def snapshot():
    state = State("detector.tflite")
    state.collected(kept=0, refused=0, removed=0, images=0, megabytes=0.0)
    state.areas = crossed_watch()
    state.recorded(kept=0, megabytes=0.0, recorded=0, removed=0, lost=0, lost_frames=0, sent=0, waiting=0, given_up=0)
    state.compared(model="next.tflite", frames=0, missed=0, error="", classes={})
    return state.snapshot()


def test_json_lines():
    frame, _ = crossed_watch()(Frame(np.zeros((4, 4, 3), np.uint8), 0, 1.0, "BGR", file="a.jpg"), ())
    written = json.loads(line(frame, [detection(track=7)], "door"))
    listed = names(page("json-lines"), "field", "what")
    assert set(listed) == {*written, *written["detections"][0]}
    assert "track" not in line(frame, [detection()])


def test_areas_of_a_json_line():
    text = section(page("json-lines"), "areas")
    watch = crossed_watch()
    frame, _ = watch(Frame(np.zeros((200, 400, 3), np.uint8), 9, 9.0), ())
    written = frame.areas.as_dict()
    assert set(names(text, "field of `areas`")) == set(written) and written["crossings"]
    said = {row[0].strip("`"): set(re.findall(r"`(\w+)`", row[1])) for row in rows(text, "field of `areas`")}
    assert {*written["zones"]["desk"], *written["zones"]["desk"]["dwell"]} <= said["zones"]
    assert set(written["lines"]["door"]) <= said["lines"]
    assert set(written["crossings"][0]) <= {"zone", "line", *said["crossings"]}
    example = json.loads(re.search(r"```json\n(.*?)```", text, re.S)[1])
    assert shape(example) == shape(written) and set(example["crossings"][1]) == set(written["crossings"][0])


def shape(areas):
    """The names of all counts of a zone and a line, the classes aside."""
    zone, line = areas["zones"]["desk"], areas["lines"]["door"]
    return [sorted(found) for found in (areas, zone, zone["dwell"], zone["classes"]["person"], line, line["classes"]["person"])]


def test_events():
    text = section(page("json-lines"), "Events")
    example = re.search(r"```json\n(.*?)\n```", text, re.S)[1]
    assert Event.parse(example).line() == example and names(text, "event", "what") == list(json.loads(example))
    guide = (ROOT / "docs" / "how-to" / "events.md").read_text(encoding="utf-8")
    told = [value.strip() for row in rows(guide, "setting", "default") for value in row[1].split(",")]
    choices = Choices()
    assert [float(value) for value in told] == [
        DAYS, MEGABYTES, choices.before, choices.after, choices.least, choices.longest, choices.fps, choices.width,
    ]  # fmt: skip
    for name in names(guide, "setting", "default"):
        with pytest.raises(mqtt.settings.InputError, match=f"{name}="):
            sink.connect(f"events:kept,{name}=x", None)
    assert {webhook.SECRET, webhook.SECRET_FILE} == set(re.findall(r"`(EDGE_\w+)`", guide)) and webhook.SIGNATURE in guide
    assert f"Up to {webhook.MOST_WAITING:,} events" in guide


def test_mqtt_topics():
    listed = names(page("mqtt"), "topic", "message")
    levels = (
        topics.STATUS, topics.SOURCE, f"{topics.OBJECTS}/CLASS", topics.DETECTIONS, topics.STATE, topics.EVENT, topics.COLLECT,
        *(f"{kind}/NAME" for kind in topics.AREAS.values()), topics.DEVICE,
    )  # fmt: skip
    assert listed == [f"TOPIC/{level}" for level in levels]
    assert {USER, PASSWORD} <= set(re.findall(r"`(EDGE_\w+)`", page("mqtt"))) and f"`{TOPIC}/NAME-" in page("mqtt")


def test_mqtt_settings():
    settings = dict(zip(names(page("mqtt"), "setting", "default"), rows(page("mqtt"), "setting", "default")))
    assert set(settings) == {"qos", "ca", "discovery", "every"}
    assert settings["every"][1] == f"{mqtt.REPORT_SECONDS:g}" and settings["qos"][1] == "1"
    for name in settings:
        with pytest.raises(mqtt.settings.InputError, match=name):
            mqtt.connect(f"mqtt://broker,{name}=", None)


def test_report_of_a_device():
    text = section(page("mqtt"), "TOPIC/device")
    written = report().as_dict()
    assert [name for name in names(text, "field") if name in written] == list(written)
    listed = rows(text, "field")
    for field in ("model", "versions", "health", "counts"):
        (cells,) = [row for row in listed if row[0] == f"`{field}`"]
        assert set(written[field]) <= set(re.findall(r"`(\w+)`", cells[1]))
    example = json.loads(re.search(r"```json\n(.*?)```", text, re.S)[1])
    assert Report.parse(json.dumps(example)).as_dict() == example and set(example) == set(written)


def test_state():
    text = section(page("http"), "/state.json")
    written = snapshot()
    assert set(names(text, "field")) == set(written)
    for field in ("reload", "dropped", "engine", "source", "collect", "events", "shadow", "areas", "counts"):
        (cells,) = [row for row in rows(text, "field") if row[0] == f"`{field}`"]
        assert set(written[field]) <= set(re.findall(r"`(\w+)`", cells[1])), field
    (cells,) = [row for row in rows(text, "field") if row[0] == "`latency`"]
    assert {*STAGES, "p50", "p95"} == set(re.findall(r"`(\w+)`", cells[1]))


def test_addresses_of_the_page():
    from runtime.web.server import PREFIX

    sources = "".join((ROOT / "runtime" / "web" / name).read_text(encoding="utf-8") for name in ("server.py", "view.py"))
    answered = set(re.findall(r'path == "([^"]+)"', sources))
    listed = {name.partition("?")[0] for name in names(page("http"), "address", "what")}
    assert listed == answered | {f"{events.PREFIX}NAME"} and f"`{PREFIX}NAME/`" in page("http")
    assert f": {events.LIMIT} of them, or `?limit=N` up to {events.MOST}" in page("http")
    assert f"at most {events.MOST_BYTES // 10**6} MB in an answer" in page("http") and f"{events.SMALL} pixels wide" in page("http")
    from runtime.web.server import MOST_VIEWERS

    assert f"at most {MOST_VIEWERS} viewers" in page("http") and web.TOKEN in page("http")
    assert f"({web.FPS})" in page("http") and f"({web.WIDEST})" in page("http")


def test_messages_of_the_page():
    from runtime.web import messages
    from runtime.web.server import MOST_MESSAGE

    frame = Frame(np.zeros((4, 6, 3), np.uint8), 0, 0.0, "BGR")
    data = messages.image(frame, [], 4)
    (length,) = struct.unpack(">I", data[:4])
    listed = rows(page("http"), "message", "sent by")
    assert set(json.loads(data[4 : 4 + length])) == set(re.findall(r"`(\w+)`", listed[0][2]))
    assert list(json.loads(messages.state(State()))) == ["state"] and '"state"' in listed[1][0]
    viewers = (ROOT / "runtime" / "web" / "viewers.py").read_text(encoding="utf-8")
    assert set(re.findall(r'request\.get\("(\w+)"', viewers)) == {
        name for row in listed[3:] for name in re.findall(r'\{"(\w+)":', row[0]) if name != "name"
    }
    (note,) = json.loads(messages.note("", True)).items()
    assert f'"{note[0]}"' in listed[2][0] and set(note[1]) <= set(re.findall(r"`(\w+)`", listed[2][2]))
    assert f"{MOST_MESSAGE:,} bytes" in page("http")


def test_metrics():
    library = pytest.importorskip("prometheus_client")
    pytest.importorskip("prometheus_client.core")
    registry = library.CollectorRegistry()
    state = State("detector.tflite")
    state.areas = crossed_watch()
    state.frame_done([detection()], {"total": 9.0})
    registry.register(metrics.Collector({"": state}, library))
    told = {name.split("{")[0] for name in re.findall(r"^(\w+)", library.generate_latest(registry).decode(), re.M)}
    assert set(names(page("http"), "metric", "what")) == told


def test_health_file():
    assert set(names(page("health-file"), "field", "what")) == {field.name for field in fields(Health)}
    assert f"older than {STALE_SECONDS:g} seconds" in page("health-file")


@pytest.mark.parametrize(("version", "candidates", "bins"), [(1, 0, 0), (2, 512, 0), (3, 512, 8)])
def test_raw_head(version, candidates, bins):
    """Each version's bytes are where the page has them, and its last anchor is the end."""
    anchors = np.arange(8, dtype=np.float32).reshape(2, 4)
    scales = (1.0, 1.0, 1.0, 1.0) if bins else (10.0, 10.0, 5.0, 5.0)
    data = RawHead(anchors, 3, 1, 25, 0.25, 0.5, scales, candidates, bins).encode()
    values = [MAGIC, version, 2, 3, 1, 25, 0.25, 0.5, scales, candidates, bins, 1, 0]
    kinds = {"bytes": "4s", "uint32": "I", "float32": "f", "float32 [4]": "4f"}
    *listed, last = rows(page("raw-head"), "offset", "bytes", "type")
    end = 0
    for (offset, size, kind, since, _), value in zip(listed, values):
        if int(since) > version:
            continue
        read = struct.unpack_from(f"<{kinds[kind]}", data, int(offset))
        assert (read if len(read) > 1 else read[0]) == value and struct.calcsize(f"<{kinds[kind]}") == int(size)
        end = int(offset) + int(size)
    assert len(listed) == len(values)
    assert last[0] == "48, 52 or 64" and f"{end} in {'version ' if version == 1 else ''}{version}" in last[4]
    assert data[end:] == anchors.astype("<f4").tobytes() and version <= VERSION
    assert RawHead.parse(data).version == version


def test_kinds_of_files():
    from convert.file import kinds

    (listed,) = [row for row in rows(section(page("manifest"), "Each of `files`"), "field") if row[0] == "`kind`"]
    assert set(re.findall(r"`(\w+)`", listed[1])) == {*kinds.KINDS, kinds.RAW_SUFFIX}


def test_each_command_has_a_verb_and_a_page():
    # The two that are `edk` itself.
    assert {verb.module for verb in VERBS} == set(commands.modules()) - {"runtime.commands", "runtime.launcher"}
    pages = command_pages.pages()
    assert set(pages) == {f"reference/commands/{name}.md" for name in ["index", *(verb.name for verb in VERBS)]}


def test_pages_of_commands_have_every_option():
    pages = command_pages.pages()
    for command in commands.commands():
        text = pages[f"reference/commands/{command.verb.name}.md"]
        for action in command.parser._actions:
            shown = action.help != "==SUPPRESS==" and "--help" not in action.option_strings
            for option in action.option_strings:
                assert (f"`{option}" in text or f", {option}" in text) == shown, f"{command.name} {option}"
        assert "python -m train" not in text.replace(f"`python -m {command.module} ...`", ""), command.name


def test_a_page_of_a_command_is_whole():
    text = command_pages.pages()["reference/commands/inspect.md"]
    assert text.startswith("# edk inspect\n\nDescribes a detection .tflite")
    assert "```text\nedk inspect [-h] [--json] FILE\n```" in text
    assert "| `--json` | " in text and "\n## More\n" in text and "`python -m convert.inspect ...`" in text


def test_page_of_runtime_yaml_has_every_option():
    known = config_file._actions(arguments.parser())
    text = runtime_yaml.pages()[runtime_yaml.PATH]
    listed = re.findall(r"^\| `([\w-]+)` \|", text, re.M)
    assert sorted(listed) == sorted(known) and len(listed) > 20
    yaml = pytest.importorskip("yaml")
    example = yaml.safe_load(re.search(r"```yaml\n(.*?)```", text, re.S)[1])
    assert config_file.check(example, arguments.parser())["score"] == [("", 0.5), ("person", 0.7)]


def test_page_of_networks_has_all():
    text = networks.pages()[networks.PATH]
    assert all(f"\n## {name}\n" in text for name in models.names())


def test_pages_of_the_python_api_have_the_public_names():
    pages = python_api.pages()
    for package in (convert, runtime, train):
        text = pages[f"reference/python/{package.__name__}.md"]
        listed = re.findall(r"^::: (.+)$", text, re.M)
        assert {".".join(name.split(".")[:2]) for name in listed} == {
            f"{package.__name__}.{name}" for name in package.__all__
        }
    # The function, not the module of the command.
    assert "::: convert.evaluate.evaluate\n" in pages["reference/python/convert.md"]

"""Installations in a small system's root folder: made twice, changed, cut off, taken away."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import sys
from pathlib import Path

import pytest

from devices.boards import catalogue
from devices.boards.requirements import INTERPRETER, PIP_32_BIT
from devices.host.host import Host
from devices.host.paths import Layout
from devices.install import resources
from devices.install.__main__ import main
from devices.install.steps import environment
from runtime.common.command import exit_code
from runtime.config import arguments, config_file
from tests.support import tiny_detector
from tests.support.debian_root import SERVICE, UPDATE, install, system
from tests.support.paths import ROOT

LINUX = [profile.name for profile in catalogue.profiles() if profile.kind == "linux"]

if not sys.platform.startswith("linux"):
    pytest.skip("installs Linux services", allow_module_level=True)


@pytest.fixture
def export(tmp_path):
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "detector_int8.tflite").write_bytes(tiny_detector.build())
    (folder / "detector_int8_edgetpu.tflite").write_bytes(tiny_detector.build(compiled=True))
    (folder / "labels.txt").write_text("cat\ndog\n")
    return folder


def tree(root):
    """Everything there is, with content, permissions and owners."""
    found = {}
    for path in sorted(root.rglob("*")):
        kept = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[path.relative_to(root).as_posix()] = (stat.S_IMODE(kept.st_mode), kept.st_uid, kept.st_gid, content)
    return found


def test_the_configuration_names_the_installed_command_that_explains_it(system, export):
    assert install(system, "--apply", "--export", str(export)) == 0
    named = "`/opt/edge-detector/venv/bin/edk run --help`"
    assert named in (system / "etc/edge-detector/runtime.yaml").read_text(encoding="utf-8")


def test_a_plan_changes_nothing_and_says_everything(system, export, capsys):
    before = tree(system)
    assert install(system, "--export", str(export)) == 0
    assert tree(system) == before
    said = capsys.readouterr().out
    for word in ("python3-picamera2", "user edge-detector", "/etc/edge-detector/runtime.yaml  0640", "current -> installed-"):
        assert word in said
    assert re.search(r"apt-get install .* python3-picamera2$", said, re.M)
    assert "python3-venv python3-picamera2" in said and "--apply makes them" in said


def test_twice_is_once_and_remove_leaves_nothing(system, export, capsys):
    before = tree(system)
    assert install(system, "--apply", "--export", str(export), "--repository", "https://models.example/") == 0
    once = tree(system)
    assert install(system, "--apply", "--export", str(export), "--repository", "https://models.example/") == 0
    assert tree(system) == once
    assert not [name for name in once if Path(name).name.startswith(".") and "/kit/" not in name]
    capsys.readouterr()
    install(system, "--export", str(export), "--repository", "https://models.example/")
    assert "nothing to change" in capsys.readouterr().out
    # What is not said again stays as it is.
    assert install(system, "--apply") == 0
    assert tree(system) == once
    assert install(system, "--remove") == 0
    assert tree(system) == before
    capsys.readouterr()
    assert install(system, "--remove") == 0
    assert "nothing is installed" in capsys.readouterr().out


def test_roots_own_habits_do_not_shut_the_service_out(system):
    mask = os.umask(0o077)
    try:
        assert install(system, "--apply") == 0
        assert os.umask(0o077) == 0o077
    finally:
        os.umask(mask)
    made = list((system / "opt/edge-detector").rglob("*"))
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o644, 0o755}


def test_accounts_are_the_systems_own(system):
    assert install(system, "--apply", device="coral-usb-on-pi") == 0
    users = [line.split(":") for line in (system / "etc/passwd").read_text().splitlines()]
    assert users[2] == ["edge-detector", "x", "999", "999", "Edge detector", "/var/lib/edge-detector", "/usr/sbin/nologin"]
    groups = dict(line.split(":", 1) for line in (system / "etc/group").read_text().splitlines())
    # 998 is taken.
    assert groups["edge-detector"] == "x:999:" and groups["plugdev"] == "x:997:" and groups["video"] == "x:44:"
    assert "edge-detector:!*:" in (system / "etc/shadow").read_text()
    assert stat.S_IMODE((system / "etc/shadow").stat().st_mode) == 0o640
    if os.geteuid() == 0:
        assert (system / "etc/edge-detector/runtime.yaml").stat().st_gid == 999


def test_a_model_lies_as_the_updater_leaves_one(system, export):
    assert install(system, "--apply", "--export", str(export), device="coral-usb-on-pi") == 0
    layout = Layout.under(system)
    assert layout.model.read_bytes() == (export / "detector_int8_edgetpu.tflite").read_bytes()
    folder = layout.current.resolve()
    assert folder.parent == layout.models and os.readlink(layout.current) == folder.name
    # Under its own name, so that the runtime finds the file that it was made of.
    assert layout.model.resolve().name == "detector_int8_edgetpu.tflite"
    assert (folder / "detector_int8.tflite").is_file() and (folder / "labels.txt").read_text() == "cat\ndog\n"


def test_another_model_is_switched_to_but_not_away_from_the_updaters(system, export, capsys):
    layout = Layout.under(system)
    install(system, "--apply", "--export", str(export))
    first = os.readlink(layout.current)
    (export / "detector_int8.tflite").write_bytes(tiny_detector.build(metadata=b"other"))
    assert install(system, "--apply", "--export", str(export)) == 0
    second = os.readlink(layout.current)
    assert second != first and (layout.models / first).is_dir()
    (layout.models / "release-7").mkdir()
    layout.current.unlink()
    layout.current.symlink_to("release-7")
    install(system, "--apply", "--export", str(export))
    assert os.readlink(layout.current) == "release-7"
    assert "set by others" in capsys.readouterr().out
    install(system, "--remove")
    assert sorted(path.name for path in layout.models.iterdir()) == ["current", "release-7"]
    assert "/var/lib/edge-detector/models/  holds what is not from this installation" in capsys.readouterr().out


def test_what_the_user_has_changed_survives(system, capsys):
    install(system, "--apply")
    config = system / "etc/edge-detector/runtime.yaml"
    changed = config.read_text().replace("threads: 4", "threads: 2")
    config.write_text(changed)
    capsys.readouterr()
    assert install(system) == 0
    said = capsys.readouterr().out
    assert re.search(r"^  kept +/etc/edge-detector/runtime.yaml  changed since it was installed", said, re.M)
    assert re.search(r"^ +-threads: 2$\n +\+threads: 4$", said, re.M)
    assert install(system, "--apply", "--source", "0") == 0
    assert config.read_text() == changed
    capsys.readouterr()
    assert install(system, "--remove") == 0
    assert config.read_text() == changed and "kept    /etc/edge-detector/runtime.yaml" in capsys.readouterr().out
    assert sorted(path.name for path in (system / "etc/edge-detector").iterdir()) == ["runtime.yaml"]


def test_what_others_have_removed_is_said_to_be_gone(system, capsys):
    assert install(system, "--apply") == 0
    (system / SERVICE).unlink()
    capsys.readouterr()
    assert install(system, "--remove") == 0
    said = re.findall(rf"^  (\S+) +/{SERVICE}$", capsys.readouterr().out, re.M)
    assert said == ["gone"]


def test_a_command_is_to_do_until_it_has_run():
    planned = resources.PlanLine(resources.TO_DO, "the service runs", ("systemctl restart one.service",))
    assert planned.open and planned.made == resources.PlanLine(resources.DONE, "the service runs") and not planned.made.open
    assert resources.PlanLine(resources.CHANGE, "one.conf", ("-a", "+b")).made.details == ("-a", "+b")


def test_what_the_kit_changes_is_shown_and_made(system, capsys):
    install(system, "--apply")
    capsys.readouterr()
    install(system, "--source", "rtsp://camera/it's")
    said = capsys.readouterr().out
    assert re.search(r"^  change +/etc/edge-detector/runtime.yaml\n", said, re.M)
    assert re.search(r"^ +-source: 'picamera'\n +\+source: 'rtsp://camera/it''s'$", said, re.M)
    install(system, "--apply", "--source", "rtsp://camera/it's")
    options = arguments.parse(["--config", str(system / "etc/edge-detector/runtime.yaml")])
    assert options.source == "rtsp://camera/it's"
    # It holds until something else is said.
    capsys.readouterr()
    install(system)
    assert "nothing to change" in capsys.readouterr().out
    # Permissions that others have taken away come back, too.
    (system / SERVICE).chmod(0o600)
    install(system, "--apply")
    assert stat.S_IMODE((system / SERVICE).stat().st_mode) == 0o644


def test_files_of_others_are_not_touched(system, capsys):
    (system / "etc/edge-detector").mkdir()
    (system / "etc/edge-detector/runtime.yaml").write_text("source: 0\n")
    before = tree(system)
    assert install(system, "--apply") == 0
    assert (system / "etc/edge-detector/runtime.yaml").read_text() == "source: 0\n"
    assert "not from this installation" in capsys.readouterr().out
    install(system, "--remove")
    assert tree(system) == before


@pytest.mark.parametrize("cut", range(2, 42, 5))
def test_a_cut_at_any_moment_leaves_whole_files_and_can_be_taken_back(system, export, monkeypatch, cut):
    before = tree(system)
    words = ("--apply", "--export", str(export))
    real, count = os.replace, 0

    class Cut(BaseException):
        """As a power cut: nothing tidies up behind it."""

    def replace(*names):
        nonlocal count
        count += 1
        if count == cut:
            raise Cut
        real(*names)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(Cut):
        install(system, *words)
    monkeypatch.undo()
    half = tree(system)
    whole = shutil.copytree(system, system.parent / "whole", symlinks=True)
    assert install(whole, *words) == 0
    finished = tree(whole)
    for name, found in half.items():
        between = name.startswith("opt/edge-detector") or name in ("etc/passwd", "etc/group", "etc/shadow", "etc/gshadow")
        assert between or found[3] is None or ".new" in name or (found[0], found[3]) == finished[name][::3], name
    assert install(system, "--remove") == 0
    assert tree(system) == before


def test_the_updater_takes_its_configuration(system, tmp_path):
    pytest.importorskip("tuf")
    from devices.update import __main__ as update

    keys = tmp_path / "root.json"
    keys.write_text('{"signed": {"roles": {}}}')
    words = ("--repository", "https://models.example/it's", "--trust", str(keys), "--group", "front-doors")
    assert install(system, "--apply", *words) == 0
    layout = Layout.under(system)
    assert layout.trusted_root.read_bytes() == keys.read_bytes()
    found = config_file.read(str(layout.update_config), update._parser())
    assert (found["repository"], found["group"], found["engine"]) == ("https://models.example/it's", "front-doors", "cpu")
    wants = system / "etc/systemd/system/timers.target.wants/edge-detector-update.timer"
    assert os.readlink(wants) == "/etc/systemd/system/edge-detector-update.timer"


def test_releases_are_held_where_it_is_asked_for(system, capsys):
    pytest.importorskip("tuf")
    from devices.update import __main__ as update
    from runtime.pipeline.shadow import parse

    layout = Layout.under(system)
    timer = system / "etc/systemd/system/edge-detector-update.timer"

    def made():
        held = config_file.read(str(layout.update_config), update._parser()).get("shadow_for")
        return held, arguments.parse(["--config", str(layout.runtime_config)]).shadow, "OnCalendar=hourly" in timer.read_text()

    words = ("--repository", "https://models.example")
    assert install(system, "--apply", *words) == 0
    assert made() == (None, None, False)
    assert install(system, "--apply", *words, "--shadow-for", "24h") == 0
    held, shadow, hourly = made()
    assert (held, hourly, parse(shadow).follow) == (86400.0, True, True)
    assert parse(shadow).file == (Layout().shadow / "detector.tflite").as_posix()
    # It stays with the next installation, until it is taken back.
    assert install(system, "--apply", *words) == 0
    assert made() == (held, shadow, True)
    assert install(system, "--apply", *words, "--shadow-for", "0") == 0
    assert made() == (None, None, False)
    capsys.readouterr()
    assert install(system, "--shadow-for", "24h") == 2
    assert "--shadow-for: is for what --repository URL brings" in capsys.readouterr().err


def test_releases_are_not_held_where_a_changed_configuration_compares_nothing(system, capsys):
    layout = Layout.under(system)
    timer = system / "etc/systemd/system/edge-detector-update.timer"

    def holds():
        return "\nshadow-for: 24h" in layout.update_config.read_text(), "OnCalendar=hourly" in timer.read_text()

    words = ("--repository", "https://models.example")
    assert install(system, "--apply", *words) == 0
    changed = layout.runtime_config.read_text() + "score: 0.6\n"
    layout.runtime_config.write_text(changed)
    line = f"shadow: {(Layout().shadow / 'detector.tflite').as_posix()},follow=on"
    for wrong in ("", line.replace(",follow=on", "\n"), "shadow: /srv/other.tflite,follow=on\n"):
        layout.runtime_config.write_text(changed + wrong)
        capsys.readouterr()
        assert install(system, *words, "--shadow-for", "24h") == 0
        said = capsys.readouterr().out
        assert "releases are not held" in said and f"no line  {line}; add it" in said
        assert "then install again with --shadow-for 24h" in said
    assert install(system, "--apply", *words, "--shadow-for", "24h") == 0
    assert holds() == (False, False) and layout.runtime_config.read_text() == changed + wrong
    layout.runtime_config.write_text(f"{changed}{line}\n")
    capsys.readouterr()
    assert install(system, "--apply", *words, "--shadow-for", "24h") == 0
    assert holds() == (True, True) and "not held" not in capsys.readouterr().out
    # Taken out later: the next installation ends the hold, unless update.yaml is not its to change.
    layout.runtime_config.write_text(changed)
    assert install(system) == 0
    assert "update.yaml holds releases that nothing compares" in capsys.readouterr().out
    before = layout.update_config.read_text()
    layout.update_config.write_text(before + "probation: 60\n")
    assert install(system, *words) == 0
    assert "update.yaml holds releases that nothing compares" in capsys.readouterr().out
    layout.update_config.write_text(before)
    assert install(system, "--apply", *words) == 0
    assert holds() == (False, False)


@pytest.mark.parametrize("device", LINUX)
def test_every_device_gets_a_configuration_that_the_runtime_takes(system, export, device):
    profile = catalogue.find(device)
    (export / profile.file).write_bytes(tiny_detector.build())
    assert install(system, "--apply", "--export", str(export), "--repository", "file:///media/stick", device=device) == 0
    layout = Layout.under(system)
    options = arguments.parse(["--config", str(layout.runtime_config)])
    assert options.file == Layout().model.as_posix() and layout.model.exists()
    assert (options.source, options.threads, options.engine) == (profile.source, profile.threads, profile.engine)
    assert options.device == ([profile.device] if profile.device else [])
    assert options.health == Layout().health.as_posix()
    # Every line that is offered as a comment works once it is let in.
    text = layout.runtime_config.read_text()
    offered = re.sub(r"^# (\w+: )", r"\1", text, flags=re.M)
    assert offered.count("\n") == text.count("\n") and offered != text
    layout.runtime_config.write_text(offered)
    options = arguments.parse(["--config", str(layout.runtime_config)])
    assert options.json == "-" and options.mqtt and options.metrics and options.motion is not None


def test_a_link_that_leads_out_of_the_root_is_not_followed(system, tmp_path, capsys):
    outside = tmp_path / "outside"
    outside.mkdir()
    (system / "etc/systemd").symlink_to(outside)
    assert install(system, "--apply") == 2
    assert f"leads to {outside}" in capsys.readouterr().err and not list(outside.iterdir())


def test_a_link_in_what_the_services_user_owns_is_not_followed(system, export, capsys):
    (system / "var/lib/edge-detector").mkdir(parents=True)
    (system / "var/lib/edge-detector/models").symlink_to("../../../etc")
    before = tree(system)
    assert install(system, "--apply", "--export", str(export)) == 2
    assert "remove that link" in capsys.readouterr().err
    assert tree(system) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--device", "raspberry-pi-55"], "did you mean raspberry-pi-5"),
        (["--device", "raspberry-pi-5", "--root", "/nowhere"], "/nowhere: no such folder"),
        (["--device", "raspberry-pi-5", "--export", "nothing"], "--export nothing: no such folder"),
        (["--device", "coral-usb-on-pi", "--export", "half"], "has no detector_int8_edgetpu.tflite"),
        (["--device", "raspberry-pi-5", "--kit", "half"], "neither the kit's folder"),
        (["--device", "raspberry-pi-5", "--trust", "half/labels.txt"], "is no root.json"),
    ],
)
def test_mistakes_are_named_before_anything_is_written(system, export, monkeypatch, capsys, words, said):
    monkeypatch.chdir(export.parent)
    (export.parent / "half").mkdir()
    (export.parent / "half/labels.txt").write_text("cat\n")
    before = tree(system)
    words = words if "--root" in words else [*words, "--root", str(system)]
    assert exit_code(main, [*words, "--apply"]) == 2
    assert said in capsys.readouterr().err and tree(system) == before


@pytest.fixture
def as_package(tmp_path, monkeypatch):
    """Makes the command one that pip has put into an environment, with this record of where it came from."""
    packages = tmp_path / "site-packages"
    monkeypatch.setattr(environment, "__file__", str(packages / "devices/install/steps/environment.py"))

    def installed(record):
        information = packages / "edge_detection_kit-1.0.dist-info"
        information.mkdir(parents=True)
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: edge-detection-kit\nVersion: 1.0\n")
        (information / "direct_url.json").write_text(record)
        monkeypatch.syspath_prepend(str(packages))

    return installed


def test_the_kit_is_found_where_pip_installed_it_from(system, tmp_path, as_package, capsys):
    folder = tmp_path / "my kit"
    folder.symlink_to(ROOT)
    as_package(json.dumps({"url": folder.as_uri(), "dir_info": {}}))
    assert install(system) == 0
    assert f"files of {folder}" in capsys.readouterr().out


@pytest.mark.parametrize("record", ['{"url": "https://example.com/kit.zip"}', '{"url": "file:///nowhere"}', "{}", "damaged", "[]"])
def test_without_such_a_folder_it_has_to_be_named(system, as_package, capsys, record):
    as_package(record)
    assert install(system) == 2
    assert "installed without its folder" in capsys.readouterr().err


def test_only_root_changes_this_system(monkeypatch, capsys):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    for word in ("--apply", "--remove"):
        assert exit_code(main, ["--device", "raspberry-pi-5", word, "--source", "a b"]) == 2
        error = capsys.readouterr().err
        assert f"sudo {sys.executable} -m devices.install --device raspberry-pi-5 {word} --source 'a b'" in error


def test_32_bits_take_from_the_system_what_has_no_wheel(system, capsys):
    install(system, device="raspberry-pi-4-32")
    said = capsys.readouterr().out
    assert "python3-numpy python3-opencv python3-yaml" in said and "tflite-runtime==2.14.0" in said
    assert "ai-edge-litert" not in said and "devices,service" not in said
    (system / "etc/os-release").write_text("VERSION_CODENAME=trixie\n")
    assert install(system, device="raspberry-pi-4-32") == 2
    assert "Raspberry Pi OS 13, 32-bit cannot run a detector" in capsys.readouterr().err


def test_32_bits_lack_only_what_has_no_wheel():
    tomllib = pytest.importorskip("tomllib")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    brought = {re.split(r"[<>=;]", line)[0] for line in extras["devices"] if not line.startswith("edge-detection-kit")}
    assert set(PIP_32_BIT) == brought - {"cryptography"}
    brought = {re.split(r"[<>=;]", line)[0] for line in extras["runtime"]}
    assert brought == {"numpy", "opencv-python-headless", INTERPRETER}


def test_phones_have_apps(system, capsys):
    phones = [profile.name for profile in catalogue.profiles() if profile.kind != "linux"]
    for name in phones:
        assert install(system, device=name) == 2
        assert "app" in capsys.readouterr().err


def test_a_manifest_of_another_version_is_not_guessed_at(system, capsys):
    install(system, "--apply")
    record = system / "opt/edge-detector/installed.json"
    record.write_text(json.dumps({"version": 9, "made": []}))
    assert install(system, "--remove") == 2
    assert "is version 9 of the manifest" in capsys.readouterr().err


def test_python_runs_no_file_of_the_folder_that_a_service_may_write(system, export):
    assert install(system, "--apply", "--export", str(export), "--repository", "https://models.example/") == 0
    commands = [
        line for path in (SERVICE, UPDATE) for line in (system / path).read_text().splitlines() if "ExecStart=" in line
    ]
    assert len(commands) == 2 and all("/python -Iu -m " in line for line in commands), commands


def test_files_that_may_hold_a_password_are_not_for_everybody(system, export, capsys):
    words = ("--apply", "--export", str(export), "--repository", "https://site:secret@models.example/")
    assert install(system, *words) == 0
    layout = Layout.under(system)
    files = [layout.update_config, layout.runtime_config, layout.config / "environment"]
    assert [stat.S_IMODE(path.stat().st_mode) for path in files] == [0o640, 0o640, 0o600]
    # As an installation by an earlier version, and then one that was changed, too.
    layout.update_config.chmod(0o644)
    assert install(system, *words) == 0 and stat.S_IMODE(layout.update_config.stat().st_mode) == 0o640
    layout.update_config.chmod(0o644)
    layout.update_config.write_text(layout.update_config.read_text() + "# changed\n")
    capsys.readouterr()
    assert install(system, *words) == 0
    said = capsys.readouterr().out
    assert "permissions 0644: everybody can read it; sudo chmod 640 /etc/edge-detector/update.yaml" in said


def test_a_plan_shows_no_secret(system, export, capsys):
    words = ("--export", str(export), "--repository", "https://site:S3c#r3t@models.example/")
    assert install(system, "--apply", *words) == 0
    environment = Layout.under(system).config / "environment"
    environment.write_text("EDGE_DETECTOR_TOKEN=S3c\nEDGE_DETECTOR_MQTT_PASSWORD=r3t\n")
    config = Layout.under(system).update_config
    config.write_text(config.read_text().replace("S3c#r3t", "S3c r3t"))
    assert install(system, *words) == 0
    said = capsys.readouterr().out
    assert "its content is not shown: it holds secrets" in said and "no release of https://models.example/ is taken" in said
    assert "S3c" not in said and "r3t" not in said


def test_a_file_that_is_no_model_and_the_folder_of_a_run_are_named(system, export, tmp_path, capsys):
    run = tmp_path / "run"
    shutil.copytree(export, run / "export")
    (tmp_path / "empty").mkdir()
    for given, said in (
        (export / "labels.txt", "labels.txt: is no .tflite file; give one, or the folder that"),
        (run, f"is the folder of a run; its files are in --export {run / 'export'}"),
        (tmp_path / "empty", "runs, nor any other .tflite file; make it with python -m convert"),
        (tmp_path / "missing", "no such folder; give one that"),
    ):
        assert install(system, "--export", str(given)) == 2
        assert said in capsys.readouterr().err


def test_a_repository_that_the_device_could_not_read_is_refused(system, capsys):
    for wrong in ("models.example.com", "public", "ftp://models.example.com", "https://"):
        assert install(system, "--repository", wrong) == 2
        assert f"--repository {wrong}: give an address (https://...), or the absolute path of a folder" in capsys.readouterr().err
    for right in ("https://models.example.com", "http://10.0.0.1/models", "/srv/models", "file:///srv/models"):
        assert install(system, "--repository", right) == 0


def test_a_system_that_the_user_may_not_read_needs_root(system, monkeypatch, capsys):
    def fail(self, name):
        raise PermissionError(13, "Permission denied", "/var/lib/edge-detector/models")

    monkeypatch.setattr(Host, "exists", fail)
    assert install(system) == 1
    assert "/var/lib/edge-detector/models: Permission denied; run it with sudo" in capsys.readouterr().err

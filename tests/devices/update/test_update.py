"""Which release a device gets, how it gets it, and what it does when that is no good."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from devices.host import fsync_files
from devices.keys.key_ring import Keyring
from devices.publish import bundle
from devices.releases.bundle import Bundle
from devices.releases.channel import Channel, Offer, percentile
from devices.update import __main__ as command
from devices.update import download as downloads
from devices.update.transport import BundleTransport, FolderTransport, HttpTransport
from devices.update.updater import ON_PROBATION, RETURNED, UP_TO_DATE, UPDATED
from runtime.common.command import exit_code
from runtime.common.errors import InputError, KitError
from tests.support.fleet_repository import Publisher, check_whole, device, keys, publisher, running, server, update


def test_a_release_reaches_a_device_once(publisher, tmp_path):
    made = device(tmp_path / "device")
    assert update(made, publisher).word == UPDATED and check_whole(made.layout) == "one"
    assert made.layout.model.read_bytes() == b"one" * 1000
    # The kind that it has no use for is not fetched.
    assert not (made.layout.current / "detector_int8_edgetpu.tflite").exists()
    assert update(made, publisher).word == UP_TO_DATE
    publisher.publish("two")
    assert update(made, publisher).release == "two" and check_whole(made.layout) == "two"
    for name in ("three", "four"):
        publisher.publish(name)
        update(made, publisher)
    # The one that runs, and the one to return to.
    assert sorted(path.name for path in made.layout.models.iterdir()) == ["current", "four", "three"]


def test_a_device_with_an_edge_tpu_gets_both_files(publisher, tmp_path):
    made = device(tmp_path / "device", has_edgetpu=True)
    update(made, publisher)
    assert made.layout.model.read_bytes() == b"compiled one"
    assert made.layout.model.resolve().name == "detector_int8_edgetpu.tflite"
    assert (made.layout.current / "detector_int8.tflite").is_file()
    made = device(tmp_path / "other", kind="fp16")
    with pytest.raises(KitError, match="has no fp16 model, it has int8, edgetpu"):
        update(made, publisher)


def test_a_share_of_the_devices(publisher, tmp_path):
    names = [f"camera-{number}" for number in range(1000)]
    first = {name for name in names if percentile(name, "two") < 10}
    assert 70 < len(first) < 130
    assert first <= {name for name in names if percentile(name, "two") < 50}, "who has it keeps it as the share grows"
    assert first != {name for name in names if percentile(name, "three") < 10}, "not always the same devices"
    inside, outside = sorted(first)[0], sorted(set(names) - first)[0]
    publisher.publish("two", percent=10)
    early, late = device(tmp_path / "early", device=inside), device(tmp_path / "late", device=outside)
    assert update(early, publisher).release == "two" and update(late, publisher).release == "one"
    before = {path.name for path in publisher.folder.rglob("*.tflite")}
    publisher.change("two", percent=100)
    assert {path.name for path in publisher.folder.rglob("*.tflite")} == before
    assert update(early, publisher).word == UP_TO_DATE and update(late, publisher).release == "two"


def test_groups(publisher, tmp_path):
    publisher.publish("dark", group="night")
    night, day = device(tmp_path / "night", group="night"), device(tmp_path / "day")
    other = device(tmp_path / "other", group="roof")
    assert [update(made, publisher).release for made in (night, day, other)] == ["dark", "one", "one"]
    # A group's key is worth nothing outside of it.
    repository = publisher.open()
    repository.add("night", {"groups/roof/channel.json": Channel((Offer("dark"),)).text().encode()})
    repository.publish()
    assert update(other, publisher).word == UP_TO_DATE
    # With a new key for the group, which the next release brings along, all goes on.
    publisher.ring.make("group-night")
    publisher.publish("darker", group="night")
    assert update(night, publisher).release == "darker"


def test_a_release_that_is_withdrawn(running, publisher):
    publisher.publish("two")
    assert update(running, publisher).release == "two"
    publisher.change("two", withdrawn="counts dogs as cats")
    running.said.clear()
    outcome = update(running, publisher)
    assert (outcome.word, outcome.release, check_whole(running.layout)) == (UPDATED, "one", "one")
    assert running.said == ["self-test of one", "switched to one"], "it was kept for that, and is tested anew"
    assert running.state.last_good == "one" and running.state.probation is None
    assert running.state.refused == {} and running.state.withdrawn == {"two": "counts dogs as cats"}
    # Neither the next update nor a person on the device leads back to it.
    assert update(running, publisher).word == UP_TO_DATE
    with pytest.raises(InputError, match="no other release than one to return to"):
        running.roll_back()
    assert check_whole(running.layout) == "one"
    fresh = device(running.layout.state.parent.parent / "fresh")
    assert update(fresh, publisher).release == "one"
    publisher.change("two", withdrawn=None)
    for made in (running, fresh):
        assert update(made, publisher).release == "two" and check_whole(made.layout) == "two"
        assert made.state.withdrawn == {}


def test_nothing_is_offered(publisher, tmp_path):
    publisher.change("one", percent=0)
    outcome = update(device(tmp_path / "device"), publisher)
    assert (outcome.word, outcome.release, outcome.reason) == (UP_TO_DATE, "", "nothing is offered to this device")


def test_a_download_goes_on_where_it_was_cut_off(running, publisher, server, monkeypatch):
    waits = []
    monkeypatch.setattr(downloads.time, "sleep", waits.append)
    monkeypatch.setattr(downloads.download, "__defaults__", (waits.append,))
    publisher.publish("two")

    def cut(handler, name, data, start):
        handler.wfile.write(data[start : start + 1000] if name.endswith("int8.tflite") else data[start:])

    server.answer = cut
    assert running.update(HttpTransport(server.url), publisher.root).release == "two"
    asked = [wanted for name, wanted in server.asked if name.endswith("int8.tflite")]
    assert asked == [None, "bytes=1000-", "bytes=2000-"] and len(waits) == 2
    assert check_whole(running.layout) == "two"


def test_a_download_goes_on_with_the_next_update(running, publisher, server, monkeypatch):
    monkeypatch.setattr(downloads, "TRIES", 1)
    publisher.publish("two")
    whole = server.answer
    server.answer = lambda handler, name, data, start: (
        handler.wfile.write(data[start : start + 700] if name.endswith("int8.tflite") else data[start:])
    )
    with pytest.raises(KitError, match="ends after 700 of 3000 bytes; the next update continues it"):
        running.update(HttpTransport(server.url), publisher.root)
    assert check_whole(running.layout) == "one"
    server.answer = whole
    assert running.update(HttpTransport(server.url), publisher.root).release == "two"
    assert [wanted for name, wanted in server.asked if name.endswith("int8.tflite")] == [None, "bytes=700-"]


@pytest.mark.parametrize("ranges", [True, False])
def test_what_a_power_cut_has_spoilt_is_fetched_anew(running, publisher, server, ranges):
    publisher.publish("two")
    server.ranges = ranges
    part = running.layout.update / "incoming" / "two" / "detector_int8.tflite.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(1500))
    assert running.update(HttpTransport(server.url), publisher.root).release == "two"
    assert check_whole(running.layout) == "two"


def test_a_server_that_is_not_there_or_has_nothing(running, publisher, server, tmp_path):
    server.folder = tmp_path
    with pytest.raises(KitError, match=r"timestamp.json: the server answers 404; try again later"):
        running.update(HttpTransport(server.url), publisher.root)
    server.close()
    with pytest.raises(KitError, match="cannot be reached"):
        running.update(HttpTransport(server.url), publisher.root)
    assert check_whole(running.layout) == "one"
    for address in ("ftp://x/y", "http://"):
        with pytest.raises(InputError, match="is no address"):
            HttpTransport(address)


def test_a_model_that_fails_its_self_test(publisher, tmp_path):
    bad = {"two"}
    made = device(tmp_path / "device", lambda folder: ("finds nothing",) if folder.name in bad else ())
    update(made, publisher)
    publisher.publish("two")
    with pytest.raises(KitError, match="two does not work on this device, one stays; self-test: finds nothing"):
        update(made, publisher)
    assert check_whole(made.layout) == "one" and not (made.layout.models / "two").exists()
    assert update(made, publisher).word == UP_TO_DATE, "not tried again"
    bad.clear()
    made.forget_refused()
    assert update(made, publisher).release == "two"


def test_only_one_update_at_a_time(running, publisher):
    with running.lock(), pytest.raises(KitError, match="another update runs"):
        update(running, publisher)


def test_nothing_to_return_to_where_nothing_runs(tmp_path):
    with pytest.raises(InputError, match=r"models: there is no release to return to$"):
        device(tmp_path / "device").roll_back()


def test_a_return_by_hand(running, publisher):
    with pytest.raises(InputError, match="there is no other release than one to return to"):
        running.roll_back()
    publisher.publish("two")
    update(running, publisher)
    assert (running.roll_back().word, check_whole(running.layout)) == (RETURNED, "one")
    assert update(running, publisher).word == UP_TO_DATE
    publisher.publish("three")
    assert update(running, publisher).release == "three"


def test_a_link_that_leads_nowhere_is_mended(running, publisher):
    running.layout.current.unlink()
    assert update(running, publisher).release == "one" and check_whole(running.layout) == "one"


def test_a_bundle_carries_the_release_before_to_those_who_are_not_among_the_first(publisher, tmp_path):
    publisher.publish("two", percent=10)
    path = tmp_path / "stick.tar"
    assert bundle.write(publisher.open(), "", path) == ("one", "two")
    names = [f"camera-{number}" for number in range(100)]
    late = next(name for name in names if percentile(name, "two") >= 10)
    early = next(name for name in names if percentile(name, "two") < 10)
    for name, release in ((late, "one"), (early, "two")):
        made = device(tmp_path / name, device=name)
        assert made.update(BundleTransport(Bundle(path)), publisher.root).release == release


def test_cron_renews_with_two_keys_only(running, publisher, tmp_path):
    few = tmp_path / "cron-keys"
    for name in ("snapshot", "timestamp", "roots"):
        shutil.copytree(publisher.ring.folder / name, few / name)
    shutil.copy(publisher.ring.root_file, few)
    cron = Publisher(publisher.folder, Keyring(few, lambda role: b"a passphrase for tests"))
    before = publisher.open().timestamp.signed.version
    cron.refresh()
    assert publisher.open().timestamp.signed.version == before + 1
    assert update(running, publisher).word == UP_TO_DATE
    with pytest.raises(InputError, match="none of the keys that sign for targets is here"):
        cron.publish("two")
    assert update(running, publisher).word == UP_TO_DATE


def test_old_releases_leave_the_repository_when_nobody_can_read_them_any_more(publisher, tmp_path):
    def releases():
        return sorted(path.name for path in (publisher.folder / "targets" / "releases").iterdir())

    for name in ("two", "three"):
        publisher.publish(name)
    repository = publisher.open()
    repository.set_channel("", repository.channel("").latest(2))
    repository.publish()
    assert releases() == ["one", "three", "two"], "somebody may have read the state before"
    publisher.refresh()
    assert releases() == ["three", "two"]
    assert update(device(tmp_path / "device"), publisher).release == "three"


def test_who_reads_while_something_is_published_sees_one_state(publisher, tmp_path, monkeypatch):
    """After each file that the publisher writes, a device reads all there is."""
    seen, write, number = [], fsync_files.write, iter(range(1000))

    def watched(path, data, mode=0o644):
        write(path, data, mode)
        if publisher.folder in path.parents:
            made = device(tmp_path / f"device-{next(number)}")
            with monkeypatch.context() as undone:
                undone.setattr(fsync_files, "write", write)
                seen.append(update(made, publisher).release)

    monkeypatch.setattr(fsync_files, "write", watched)
    publisher.publish("two")
    assert seen[0] == "one" and seen[-1] == "two" and seen == sorted(seen) and len(seen) > 6


def test_channels():
    offered = Channel((Offer("a"), Offer("b", 0), Offer("c", withdrawn="bad"), Offer("d", 100)))
    assert Channel.parse(offered.text().encode(), "x") == offered
    assert offered.choose("me").release == "d" and offered.choose("me", {"d"}).release == "a"
    assert [offer.release for offer in offered.latest(2).offers] == ["b", "c", "d"]
    for text in ("", "[]", "{}", '{"format": 1}', '{"format": 1, "releases": [{"release": "a", "percent": 101}]}'):
        with pytest.raises(KitError, match="x: is no channel"):
            Channel.parse(text.encode(), "x")
    with pytest.raises(KitError, match="format 2, this kit knows 1; update the kit first"):
        Channel.parse(b'{"format": 2}', "x")


def test_a_probation_without_a_runtime_goes_on_with_the_next_update(publisher, tmp_path):
    made = device(tmp_path / "device", probation=60.0)
    assert update(made, publisher).word == ON_PROBATION and made.state.probation.release == "one"
    assert update(made, publisher).word == ON_PROBATION and made.state.last_good == ""
    publisher.publish("two")
    assert update(made, publisher).release == "two"


def test_the_status_for_people_and_programs(running, publisher, capsys):
    options = ["--status", "--state", str(running.layout.state)]
    assert command.main(options) == 0
    lines = dict(line.split(None, 1) for line in capsys.readouterr().out.replace("last good", "last_good").splitlines()[:2])
    assert lines == {"current": "one", "last_good": "one"}
    assert command.main([*options, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["current"] == told["last_good"] == told["offered"] == "one" and told["checked"] > 0
    assert told["on_trial"] == "" and told["refused"] == {} and told["downloading"] == []


def test_a_state_that_cannot_be_read(running, publisher):
    (running.layout.update / "state.json").write_text("{")
    with pytest.raises(KitError, match=r"state.json: cannot be read: .*; remove it, the models stay"):
        update(running, publisher)
    os.unlink(running.layout.update / "state.json")
    assert update(running, publisher).release == "one"
    assert running.state.last_good == "one", "what runs is theirs to vouch for who put it there"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "give --repository URL, or --file BUNDLE"),
        (["--repository", "nowhere"], "--repository nowhere: is neither an address nor a folder with a repository"),
        (["--file", "none.tar"], "none.tar: cannot be read: No such file or directory"),
    ],
)
def test_wrong_usage(publisher, tmp_path, capsys, words, said):
    root = tmp_path / "root.json"
    root.write_bytes(publisher.root)
    state = ["--state", str(tmp_path / "state"), "--root", str(root)]
    assert exit_code(command.main, [*words, *state]) == 2
    assert capsys.readouterr().err == f"error: {said}\n"


def test_what_is_told_in_a_file(publisher, tmp_path, capsys):
    pytest.importorskip("yaml")
    pytest.importorskip("pydantic")
    (tmp_path / "root.json").write_bytes(b"no root")
    config = tmp_path / "update.yaml"
    config.write_text(f"repository: {publisher.folder}\nroot: {tmp_path / 'root.json'}\nstate: {tmp_path / 'state'}\n")
    assert exit_code(command.main, ["--config", str(config)]) == 2
    assert "root.json: is no TUF root; take the publisher's keys/root.json" in capsys.readouterr().err
    config.write_text("repositry: x\n")
    assert exit_code(command.main, ["--config", str(config)]) == 2
    assert "repositry: there is no such option; did you mean repository?" in capsys.readouterr().err


def test_a_state_that_the_user_may_not_read_is_not_called_damaged(tmp_path, monkeypatch, capsys):
    def fail(*_, **__):
        raise PermissionError(13, "Permission denied", "state.json")

    with monkeypatch.context() as other:
        other.setattr(Path, "read_text", fail)
        assert exit_code(command.main, ["--status", "--state", str(tmp_path)]) == 2
        assert "state.json: cannot be read: Permission denied; run it with sudo" in capsys.readouterr().err
    monkeypatch.setattr(Path, "is_symlink", fail)
    assert exit_code(command.main, ["--status", "--state", str(tmp_path)]) == 1
    assert "Permission denied; run it with sudo" in capsys.readouterr().err


def test_a_state_that_is_no_folder_is_not_called_damaged(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert exit_code(command.main, ["--status", "--state", str(tmp_path / "file")]) == 2
    assert capsys.readouterr().err.endswith("state.json: cannot be read: Not a directory\n")


def test_an_engine_that_there_is_not_puts_no_release_off(publisher, tmp_path, capsys):
    (tmp_path / "root.json").write_bytes(publisher.root)
    words = ["--repository", str(publisher.folder), "--root", str(tmp_path / "root.json"), "--state", str(tmp_path / "device")]
    assert exit_code(command.main, [*words, "--engine", "nothing"]) == 2
    assert "--engine: there is no 'nothing'; give one of auto, " in capsys.readouterr().err
    assert not (tmp_path / "device").exists()

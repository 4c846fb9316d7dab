"""Which root a device trusts, and who can make it trust another one."""

from __future__ import annotations

import shutil

import pytest

pytest.importorskip("tuf")
pytest.importorskip("cryptography")

from devices.host.paths import Layout
from devices.keys.key_ring import Keyring
from devices.update import __main__ as command
from devices.update.trusted_root import fingerprint, trusted_root
from runtime.common.command import exit_code
from runtime.common.errors import InputError
from tests.support.fleet_repository import Publisher, check_whole, device, keys, publisher, ring_in, update


@pytest.fixture(scope="module")
def other_keys(tmp_path_factory):
    return ring_in(tmp_path_factory.mktemp("other") / "keys")


@pytest.fixture
def other(tmp_path, other_keys):
    """A publisher who has begun anew, with keys that no device knows."""
    made = Publisher(tmp_path / "other-repository", other_keys)
    made.publish("new")
    return made


@pytest.fixture
def layout(tmp_path):
    return Layout(tmp_path / "etc", tmp_path / "state", tmp_path / "run")


def written(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def updated(tmp_path, publisher, *words):
    options = ["--repository", str(publisher.folder), "--state", str(tmp_path / "state"), "--probation", "0"]
    return exit_code(command.main, [*options, "--health", str(tmp_path / "health.json"), *words])


@pytest.fixture(autouse=True)
def without_models(monkeypatch):
    monkeypatch.setattr(command, "self_test", lambda options: lambda folder: ())


def test_a_root_is_needed_once(layout, publisher, tmp_path):
    with pytest.raises(InputError, match=r"a device needs the publisher's root.json once: --root FILE"):
        trusted_root(layout, None)
    given = written(tmp_path / "given.json", b"no root")
    with pytest.raises(InputError, match=r"given.json: is no TUF root"):
        trusted_root(layout, given)
    # The mistake is not kept.
    given.write_bytes(publisher.root)
    assert trusted_root(layout, given) == publisher.root == trusted_root(layout, None)


def test_a_root_of_another_publisher_is_neither_taken_nor_ignored(tmp_path, publisher, other, capsys):
    old, new = written(tmp_path / "old.json", publisher.root), written(tmp_path / "new.json", other.root)
    assert updated(tmp_path, publisher, "--root", str(old)) == 0
    for repository in (publisher, other):
        assert updated(tmp_path, repository, "--root", str(new)) == 2
        said = capsys.readouterr().err
        assert fingerprint(publisher.root) in said and f"--replace-root {fingerprint(other.root)} replaces it" in said
    assert updated(tmp_path, other) == 1
    assert "is not signed by the keys that this device trusts" in capsys.readouterr().err
    assert check_whole(Layout(state=tmp_path / "state")) == "one"


def test_a_person_with_the_fingerprint_replaces_the_root(tmp_path, publisher, other, capsys):
    old, new = written(tmp_path / "old.json", publisher.root), written(tmp_path / "new.json", other.root)
    publisher.change("one", percent=99.9)
    assert updated(tmp_path, publisher, "--root", str(old)) == 0
    wrong = ["--root", str(new), "--replace-root", fingerprint(publisher.root)]
    assert updated(tmp_path, other, *wrong) == 2
    assert f"new.json has the fingerprint {fingerprint(other.root)}" in capsys.readouterr().err
    replacing = ["--root", str(new), "--replace-root", fingerprint(other.root)]
    assert updated(tmp_path, other, *replacing) == 0
    said = capsys.readouterr()
    assert fingerprint(publisher.root) in said.err and fingerprint(other.root) in said.err and "updated: new" in said.out
    # It stays in a script without harm, and the device never goes back by itself.
    assert updated(tmp_path, other, *replacing) == 0 and updated(tmp_path, other) == 0
    assert updated(tmp_path, publisher) == 1
    # The same command takes no other root.
    new.write_bytes(publisher.root)
    assert updated(tmp_path, publisher, *replacing) == 2
    assert updated(tmp_path, other, "--replace-root", fingerprint(other.root)) == 2
    assert "give the new root as well" in capsys.readouterr().err


def test_the_installed_root_counts_since_only_root_can_change_it(layout, publisher, other, tmp_path):
    written(layout.trusted_root, publisher.root)
    said = []
    assert trusted_root(layout, None, tell=said.append) == publisher.root
    # The service's user may be attacked. What it writes into its own folder is no trust.
    written(layout.update / "root.json", other.root)
    written(layout.update / "metadata/root_history/1.root.json", publisher.root)
    assert trusted_root(layout, None, tell=said.append) == publisher.root
    given = written(tmp_path / "given.json", other.root)
    with pytest.raises(InputError, match=r"as root, python -m devices.install .*--trust FILE"):
        trusted_root(layout, given, fingerprint(other.root))
    said.clear()
    written(layout.trusted_root, other.root)
    assert trusted_root(layout, None, tell=said.append) == other.root
    assert fingerprint(publisher.root) in said[0] and fingerprint(other.root) in said[0]
    assert trusted_root(layout, given) == other.root


def test_a_device_with_a_state_of_its_own_asks_the_installed_root_once(layout, publisher, other):
    written(layout.trusted_root, publisher.root)
    assert trusted_root(layout, None, installed=False) == publisher.root
    written(layout.trusted_root, other.root)
    assert trusted_root(layout, None, installed=False) == publisher.root


def test_the_updater_goes_on_with_a_new_installed_root(tmp_path, publisher, other):
    made = device(tmp_path)
    publisher.change("one", percent=99.9)
    for who, release in ((publisher, "one"), (other, "new")):
        written(made.layout.trusted_root, who.root)
        root = trusted_root(made.layout, None, tell=made.said.append)
        assert root == who.root and update(made, who).release == release
    assert made.said and check_whole(made.layout) == "new"


def test_a_later_root_of_the_same_publisher_needs_nothing(tmp_path):
    ring = ring_in(tmp_path / "keys")
    made = Publisher(tmp_path / "repository", ring)
    made.publish("one")
    first = written(tmp_path / "first.json", made.root)
    assert updated(tmp_path, made, "--root", str(first)) == 0
    assert ring.finish(ring.rotate("targets", 365))
    made.refresh()
    newest = ring.root_file
    assert newest.read_bytes() != first.read_bytes()
    # Before and after the device has followed to it, and with the first one that a script still names.
    for given in (newest, newest, first):
        assert updated(tmp_path, made, "--root", str(given)) == 0


def test_who_has_a_root_key_that_was_replaced_gives_no_root(tmp_path):
    ring = ring_in(tmp_path / "keys")
    made = Publisher(tmp_path / "repository", ring)
    made.publish("one")
    thief = Keyring(shutil.copytree(tmp_path / "keys", tmp_path / "stolen"), lambda role: b"a passphrase for tests")
    assert ring.finish(ring.rotate("root", 365))
    made.refresh()
    owner = device(tmp_path)
    written(owner.layout.update / "root.json", made.root)
    update(owner, made)
    for _ in range(2):
        assert thief.finish(thief.rotate("targets", 365))
    with pytest.raises(InputError, match="is of another publisher"):
        trusted_root(owner.layout, thief.root_file)

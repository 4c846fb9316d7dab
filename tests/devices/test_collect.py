"""Fetching what devices have collected, over a stand-in for ssh that runs the device's command here."""

from __future__ import annotations

import io
import os
import stat
import sys
import tarfile
import threading
from xml.etree import ElementTree

import numpy as np
import pytest

from devices import collect
from devices.collect import main
from runtime import Box, Detection, Frame, InputError
from runtime.collect import annotation
from runtime.collect.annotation import Origin
from runtime.collect.moment import Moment
from runtime.collect.store import Store

pytestmark = pytest.mark.skipif(os.name != "posix", reason="devices run Linux")


def fill(folder, *seeds, name="2026{:04d}"):
    store = Store(folder)
    for seed in seeds:
        image = np.random.default_rng(seed).integers(0, 255, (48, 64, 3)).astype(np.uint8)
        moment = Moment(Frame(image, time=100.0 * seed), (Detection("cat", 0, 0.75, Box(1, 2, 30, 40)),))
        store.add(name.format(seed), moment, Origin("door", "ab", 1e9, ("novel",), 0.5), False)
    return folder


@pytest.fixture
def ssh(tmp_path, monkeypatch):
    """`ssh` that runs the command in the folder of the host under tmp_path; hosts without one cannot be reached."""
    place = tmp_path / "bin" / "ssh"
    place.parent.mkdir()
    place.write_text(
        f"#!{sys.executable}\nimport os, sys\nhost, command = sys.argv[-2:]\n"
        f"home = os.path.join({str(tmp_path)!r}, host.rpartition('@')[2])\n"
        "if not os.path.isdir(home):\n    print(f'ssh: connect to host {host} port 22: No route to host', file=sys.stderr)\n"
        "    sys.exit(255)\nos.chdir(home)\nos.execvp('sh', ['sh', '-c', command])\n"
    )
    place.chmod(place.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{place.parent}{os.pathsep}{os.environ['PATH']}")
    return place


def names(out):
    stems = [{path.stem for path in (out / part).iterdir()} for part in ("images", "annotations")]
    assert stems[0] == stems[1]
    return stems[0]


@pytest.mark.usefixtures("ssh")
def test_a_fleet_is_merged_without_duplicates(tmp_path, capsys):
    fill(tmp_path / "door" / "my images", 1, 2)
    fill(tmp_path / "yard" / "kept", 2, 3)
    out = tmp_path / "out"
    hosts = ["pi@door:my images", "pi@yard:kept"]
    assert main([*hosts, "--out", str(out)]) == 0
    assert names(out) == {"door_20260001", "door_20260002", "yard_20260003"}
    told = capsys.readouterr().out
    assert "pi@door:my images: 2 new, 0 known already\n" in told and "pi@yard:kept: 1 new, 1 known already\n" in told
    text = (out / "annotations" / "yard_20260003.xml").read_text()
    assert "<filename>yard_20260003.jpg</filename>" in text
    assert annotation.read(out / "annotations" / "yard_20260003.xml").chosen == ("novel",)
    # Again, with one more on a device: only that is new.
    fill(tmp_path / "yard" / "kept", 4)
    assert main([*hosts, "--out", str(out)]) == 0
    assert names(out) == {"door_20260001", "door_20260002", "yard_20260003", "yard_20260004"}
    # On the devices nothing has changed.
    assert len(list((tmp_path / "yard" / "kept" / "images").iterdir())) == 3


@pytest.mark.usefixtures("ssh")
def test_a_host_that_cannot_be_reached_does_not_keep_others_from_it(tmp_path, capsys):
    fill(tmp_path / "yard" / "kept", 3)
    assert main(["pi@gone:kept", "pi@yard:kept", "--out", str(tmp_path / "out")]) == 1
    assert names(tmp_path / "out") == {"yard_20260003"}
    assert "pi@gone:kept: cannot be fetched: ssh: connect to host pi@gone port 22: No route to host" in capsys.readouterr().err


@pytest.mark.usefixtures("ssh")
def test_a_folder_that_is_not_there(tmp_path, capsys):
    (tmp_path / "yard" / "other").mkdir(parents=True)
    assert main(["pi@yard:kept", "pi@yard:other", str(tmp_path / "yard"), "--out", str(tmp_path / "out")]) == 1
    told = capsys.readouterr()
    assert "pi@yard:kept: cannot be fetched: no such folder on the device: kept\n" in told.err and told.out == ""
    # Nor one that was collected into.
    assert told.err.count("cannot be fetched: other has no folder images: nothing was collected yet") == 1
    assert told.err.count("has no folder images") == 2


@pytest.mark.parametrize(
    ("script", "message"),
    [
        # An account that has no shell; a shell that says nothing; one that greets everybody.
        ("print('This account is not available.'); sys.exit(1)", "no whole archive came, and ssh ended with 1"),
        ("sys.exit(0)", "no whole archive came, and ssh ended with 0"),
        ("print('no tar here', file=sys.stderr); sys.exit(1)", "no tar here"),
        ("sys.stdout.write('images/a.jpg' + 1000 * chr(0)); sys.exit(0)", "no whole archive came"),
    ],
)
def test_what_is_no_archive_is_not_a_device_without_images(tmp_path, ssh, capsys, script, message):
    ssh.write_text(f"#!{sys.executable}\nimport sys\n{script}\n")
    assert main(["pi@yard:kept", "--out", str(tmp_path / "out")]) == 1
    assert f"pi@yard:kept: cannot be fetched: {message}" in capsys.readouterr().err


def test_a_device_that_says_much_is_fetched(tmp_path, ssh, capsys):
    """ssh's messages are more than a pipe holds."""
    fill(tmp_path / "yard" / "kept", 1)
    ssh.write_text(ssh.read_text().replace("import os, sys\n", "import os, sys\nsys.stderr.write('noise ' * 50_000)\nsys.stderr.flush()\n"))
    codes = []
    fetching = threading.Thread(target=lambda: codes.append(main(["pi@yard:kept", "--out", str(tmp_path / "out")])), daemon=True)
    fetching.start()
    fetching.join(30)
    assert codes == [0] and names(tmp_path / "out") == {"yard_20260001"}


def test_what_is_cut_or_has_no_annotation_is_left_out(tmp_path, capsys):
    device = fill(tmp_path / "stick" / "kept", 1, 2, 3)
    (device / "annotations" / "20260001.xml").unlink()
    cut = device / "images" / "20260002.jpg"
    cut.write_bytes(cut.read_bytes()[:-100])
    assert main([str(device), "--out", str(tmp_path / "out")]) == 0
    assert names(tmp_path / "out") == {"stick_20260003"}
    assert "1 new, 0 known already, 2 left out" in capsys.readouterr().out


def test_an_archive_writes_nowhere_else(tmp_path):
    """A device that was taken over sends what it likes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in ("../evil.jpg", "/etc/evil.jpg", "images/../evil.jpg", "images/a/b.jpg", "other/a.jpg", "images/.hidden.jpg", "images/a.sh"):
            info = tarfile.TarInfo(name)
            info.size = 3
            archive.addfile(info, io.BytesIO(b"bad"))
        link = tarfile.TarInfo("images/link.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        good = tarfile.TarInfo("images/a.jpg")
        good.size = 2
        archive.addfile(good, io.BytesIO(b"ok"))
    buffer.seek(0)
    assert list(collect._unpacked(buffer)) == [("images", "a.sh", None), ("images", "a.jpg", b"ok")]


@pytest.mark.usefixtures("ssh")
def test_names_are_those_of_any_video(tmp_path, capsys):
    kept = ["IMG (1) 000", "Straße früh", "街_000", "a&b<c>", "-rf", 'x"y:z*', "n" * 230]
    for number, name in enumerate(kept):
        fill(tmp_path / "yard" / "kept", number, name=name)
    assert main(["pi@yard:kept", str(tmp_path / "yard" / "kept"), "--out", str(tmp_path / "out")]) == 0
    assert "pi@yard:kept: 7 new, 0 known already\n" in capsys.readouterr().out
    safe = ["IMG (1) 000", "Straße früh", "街_000", "a&b_c_", "-rf", "x_y_z_", "n" * 195]
    assert names(tmp_path / "out") == {f"yard_{name}" for name in safe}
    for name in safe:
        xml = ElementTree.parse(tmp_path / "out" / "annotations" / f"yard_{name}.xml")
        assert xml.findtext("filename") == f"yard_{name}.jpg"


@pytest.mark.parametrize("bad", ["..\\..\\evil.jpg", "C:\\evil.jpg", "a\nb.jpg", "\udcff.jpg", "con:.jpg"])
def test_names_that_a_device_makes_up_stay_in_the_folder(tmp_path, bad):
    source = fill(tmp_path / "source", 1)
    image, xml = ((source / place).read_bytes() for place in ("images/20260001.jpg", "annotations/20260001.xml"))
    found = collect.Merger(tmp_path / "out").add("yard", [("annotations", f"{bad[:-4]}.xml", xml), ("images", bad, image)])
    (made,) = names(tmp_path / "out")
    assert found.added == 1 and made.startswith("yard_") and made.isprintable() and not set(made) & set('<>:"/\\|?*')


def test_what_cannot_be_fetched_is_told(tmp_path, capsys, monkeypatch):
    device = fill(tmp_path / "stick" / "kept", 1, 2)
    (device / "images" / "photo.png").write_bytes(b"a person's")
    (device / "images" / ".20260003.pending.jpg").write_bytes(b"half")
    large = device / "images" / "20260002.jpg"
    large.write_bytes(large.read_bytes() + bytes(10_000))
    monkeypatch.setattr(collect, "_MOST_BYTES", 10_000)
    assert main([str(device), "--out", str(tmp_path / "out")]) == 0
    assert "1 new, 0 known already, 2 left out" in capsys.readouterr().out


def test_an_image_whose_annotation_was_not_written_is_fetched_again(tmp_path, monkeypatch):
    """The command is killed between the two."""
    device, out = fill(tmp_path / "stick" / "kept", 1, 2), tmp_path / "out"
    write = collect.atomic_path

    def killed(path):
        if path.suffix == ".xml":
            raise KeyboardInterrupt
        return write(path)

    monkeypatch.setattr(collect, "atomic_path", killed)
    with pytest.raises(KeyboardInterrupt):
        main([str(device), "--out", str(out)])
    assert len(list((out / "images").iterdir())) == 1 and not (out / "annotations").exists()
    monkeypatch.setattr(collect, "atomic_path", write)
    assert main([str(device), "--out", str(out)]) == 0
    assert names(out) == {"stick_20260001", "stick_20260002"}


def test_the_merged_folder_may_hold_other_things(tmp_path):
    out = tmp_path / "out"
    (out / "images" / "thumbnails").mkdir(parents=True)
    assert main([str(fill(tmp_path / "stick" / "kept", 1)), "--out", str(out)]) == 0
    assert (out / "annotations" / "stick_20260001.xml").exists()


@pytest.mark.parametrize("host", ["nowhere", ":kept", "-oProxyCommand=x:kept"])
def test_what_is_no_host_is_refused(tmp_path, host):
    with pytest.raises(InputError, match="give one, or an ssh destination"):
        main(["--out", str(tmp_path / "out"), "--", host])
    assert not (tmp_path / "out").exists()

"""Published checkpoints: downloaded from a local server, verified and cached; and the values of --init."""

from __future__ import annotations

import hashlib
import http.server
import io
import tarfile
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from runtime.common.errors import InputError, KitError
from train import models, weights
from train.checkpoints import archives
from train.checkpoints import published as zoo
from train.files.download import download
from train.geometry.size import InputSize
from train.network.network import Published

DATA, INDEX = b"weights" * 30_000, b"names and shapes"
FILES = {
    "ssd/checkpoint/ckpt-0.data-00000-of-00001": DATA,
    "ssd/checkpoint/ckpt-0.index": INDEX,
    "ssd/checkpoint/checkpoint": b'model_checkpoint_path: "ckpt-0"\n',
    "ssd/saved_model/variables/variables.index": b"another",
    "ssd/pipeline.config": b"model {}",
}


def blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def tar(files: dict[str, bytes], links: dict[str, str] | None = None) -> bytes:
    stream = io.BytesIO()
    # Not compressed: a cut of the bytes is then a cut of the contents.
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member)
    return stream.getvalue()


class Site:
    """A web server on this machine that serves `content` for any path, and can break off."""

    def __init__(self, content: bytes):
        self.content = content
        self.break_after: list[int] = []
        self.ranges = True
        self.asked: list[str | None] = []
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked = self.headers.get("Range")
                site.asked.append(asked)
                start = int(asked.split("=")[1].rstrip("-")) if asked and site.ranges else 0
                body = site.content[start:]
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: site.break_after.pop(0)] if site.break_after else body)

            def log_message(self, *args):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def site(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    site = Site(tar(FILES))
    yield site
    site.close()


NETWORK = models.find(models.DEFAULT)
SIZE = InputSize(320, 320)


def published(site: Site, **blobs: str) -> Published:
    known = {"ckpt-0.data-00000-of-00001": blob(DATA), "ckpt-0.index": blob(INDEX)}
    name = "ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8"
    return Published(name, SIZE, f"{name}.tar.gz", (f"{site.url}/{name}.tar.gz",), blobs or known)


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_fetch_keeps_only_the_checkpoint_and_downloads_once(site, tmp_path):
    folder = zoo.fetch(NETWORK, published(site), tmp_path)
    assert (folder / "ckpt-0.index").read_bytes() == INDEX
    assert (folder / "ckpt-0.data-00000-of-00001").read_bytes() == DATA
    home = "zoo/ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8"
    assert names(tmp_path) == [f"{home}/{name}" for name in ("checkpoint", "ckpt-0.data-00000-of-00001", "ckpt-0.index")]
    assert zoo.fetch(NETWORK, published(site), tmp_path) == folder
    assert site.asked == [None]


def test_a_damaged_copy_in_the_cache_is_fetched_again(site, tmp_path):
    folder = zoo.fetch(NETWORK, published(site), tmp_path)
    (folder / "ckpt-0.index").write_bytes(b"damaged")
    assert (zoo.fetch(NETWORK, published(site), tmp_path) / "ckpt-0.index").read_bytes() == INDEX
    assert len(site.asked) == 2


def test_a_wrong_hash_is_refused_and_leaves_nothing(site, tmp_path):
    wrong = published(site, **{"ckpt-0.index": "0" * 40})
    with pytest.raises(KitError, match=f"git blob id {blob(INDEX)}, not {'0' * 40}") as caught:
        zoo.fetch(NETWORK, wrong, tmp_path)
    assert not isinstance(caught.value, InputError)
    assert names(tmp_path) == []


def test_something_else_than_an_archive_is_refused(site, tmp_path):
    site.content = b"<html>Please log in to this network</html>"
    with pytest.raises(KitError, match=r"not a whole \.tar\.gz archive"):
        zoo.fetch(NETWORK, published(site), tmp_path)
    assert names(tmp_path) == []


def test_a_broken_download_is_resumed(site, tmp_path):
    site.break_after = [1000, 70_000]
    download(f"{site.url}/file", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == site.content
    assert site.asked == [None, "bytes=1000-", "bytes=71000-"]


def test_a_server_without_ranges_starts_over(site, tmp_path):
    site.break_after, site.ranges = [1000], False
    download(f"{site.url}/file", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == site.content


def test_a_server_that_always_breaks_is_an_error(site, tmp_path):
    site.break_after = [100] * 50
    with pytest.raises(InputError, match=r"the connection broke after 500 of \d+ bytes"):
        zoo.fetch(NETWORK, published(site), tmp_path)
    assert len(site.asked) == 5
    assert names(tmp_path) == []


def test_the_offline_error_says_what_to_do(site, tmp_path):
    site.close()
    with pytest.raises(InputError) as caught:
        zoo.fetch(NETWORK, published(site), tmp_path)
    place = tmp_path / "zoo" / "ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8.tar.gz"
    for part in (f"{site.url}/{place.name}", f"put it at {place}", "--init none", "refused"):
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_archive_in_the_cache_folder_is_used_without_the_network(site, tmp_path):
    (tmp_path / "zoo").mkdir()
    placed = tmp_path / "zoo" / published(site).archive
    placed.write_bytes(tar(FILES))
    assert (zoo.fetch(NETWORK, published(site), tmp_path) / "ckpt-0.index").read_bytes() == INDEX
    assert site.asked == []
    assert placed.is_file()


def test_a_wrong_archive_in_the_cache_folder_is_an_input_error(site, tmp_path):
    (tmp_path / "zoo").mkdir()
    placed = tmp_path / "zoo" / published(site).archive
    placed.write_bytes(tar({**FILES, "ssd/checkpoint/ckpt-0.index": b"other"}))
    with pytest.raises(InputError, match="not the published checkpoint"):
        zoo.fetch(NETWORK, published(site), tmp_path)
    assert placed.is_file()


def test_the_published_index_is_the_pinned_one(shared):
    assert blob((shared / "checkpoints" / "zoo_ckpt-0.index").read_bytes()) == NETWORK.published[0].blobs["ckpt-0.index"]


def test_the_published_addresses():
    assert NETWORK.published[1].addresses[0] == (
        "https://download.tensorflow.org/models/object_detection/tf2/20200711/"
        "ssd_mobilenet_v2_fpnlite_640x640_coco17_tpu-8.tar.gz"
    )


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a/readme.txt": b""}, "no checkpoint"),
        ({"saved_model/variables/variables.index": b""}, "no checkpoint"),
        ({"best/ckpt-0.index": b"", "last/ckpt-9.index": b""}, r"several checkpoints in this archive \(best, last\)"),
    ],
)
def test_archives_without_one_checkpoint(files, message, tmp_path):
    (tmp_path / "a.tar").write_bytes(tar(files))
    with pytest.raises(InputError, match=message):
        archives.extracted(tmp_path / "a.tar", tmp_path / "cache")
    assert names(tmp_path) == ["a.tar"]


def test_members_cannot_leave_the_folder_and_links_are_not_followed(tmp_path):
    content = tar({"../../ckpt-0.index": INDEX}, {"../../ckpt-0.data-00000-of-00001": "/etc/passwd"})
    (tmp_path / "a.tar").write_bytes(content)
    folder = archives.extracted(tmp_path / "a.tar", tmp_path / "cache")
    assert names(folder) == ["ckpt-0.index"]
    assert len(names(tmp_path)) == 2


def test_a_decompression_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_BYTES", 1 << 20)
    (tmp_path / "a.tar").write_bytes(tar({"x/zeros": bytes(2 << 20), **FILES}))
    with pytest.raises(InputError, match="holds more than 1 MiB"):
        archives.extracted(tmp_path / "a.tar", tmp_path / "cache")


@pytest.mark.parametrize("keep", [0, 100, 100_000])
def test_a_cut_archive_is_refused(keep, tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(tar(FILES)[:keep])
    with pytest.raises(InputError, match=r"not a whole \.tar\.gz archive"):
        archives.extracted(tmp_path / "a.tar.gz", tmp_path / "cache")


def test_a_file_that_is_no_archive_is_not_called_a_damaged_one(tmp_path):
    for name, message in (("a.h5", r"a\.h5: no checkpoint, and no \.tar\.gz"), ("a.onnx", "takes no weights from .onnx files; .*--model nanodet_plus_m")):
        (tmp_path / name).write_bytes(b"\x89HDF" * 99)
        with pytest.raises(InputError, match=message):
            zoo.resolve_init(str(tmp_path / name), NETWORK, SIZE, tmp_path / "cache")


def test_what_init_means(site, tmp_path, monkeypatch):
    monkeypatch.setattr(NETWORK, "published", (published(site),))
    assert zoo.resolve_init("none", NETWORK, SIZE, tmp_path) is None
    folder = tmp_path / "zoo" / "ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8"
    assert zoo.resolve_init("zoo", NETWORK, SIZE, tmp_path) == str(folder / "ckpt-0")
    for path in (folder, folder / "ckpt-0", folder / "ckpt-0.index", folder / "ckpt-0.data-00000-of-00001"):
        assert zoo.resolve_init(str(path), NETWORK, SIZE, tmp_path) == str(folder / "ckpt-0")
    (tmp_path / "mine.tar").write_bytes(tar(FILES))
    prefix = Path(zoo.resolve_init(str(tmp_path / "mine.tar"), NETWORK, SIZE, tmp_path))
    assert prefix.with_suffix(".index").read_bytes() == INDEX
    with pytest.raises(InputError, match="no checkpoint here"):
        zoo.resolve_init(str(tmp_path / "nothing"), NETWORK, SIZE, tmp_path)


def test_mirrors_come_first_and_addresses_are_tried_in_turn(site, tmp_path, monkeypatch):
    gone = replace(published(site), addresses=("http://127.0.0.1:9/gone.tar.gz", *published(site).addresses))
    assert (zoo.fetch(NETWORK, gone, tmp_path / "a") / "ckpt-0.index").read_bytes() == INDEX
    unreachable = replace(gone, addresses=gone.addresses[:1])
    monkeypatch.setenv(zoo.MIRROR, f"http://127.0.0.1:9/ {site.url}/")
    assert (zoo.fetch(NETWORK, unreachable, tmp_path / "b") / "ckpt-0.index").read_bytes() == INDEX
    monkeypatch.delenv(zoo.MIRROR)
    assert (zoo.fetch(NETWORK, unreachable, tmp_path / "c", site.url) / "ckpt-0.index").read_bytes() == INDEX


def test_a_mirror_with_another_file_is_passed_over(site, tmp_path):
    other = Site(tar({**FILES, "ssd/checkpoint/ckpt-0.index": b"forged"}))
    try:
        assert (zoo.fetch(NETWORK, published(site), tmp_path, other.url) / "ckpt-0.index").read_bytes() == INDEX
        forged = replace(published(site), addresses=(f"{other.url}/x.tar.gz",))
        with pytest.raises(KitError, match="not the published checkpoint"):
            zoo.fetch(NETWORK, forged, tmp_path / "other")
    finally:
        other.close()


def test_a_folder_of_weights_is_a_mirror_and_an_initial_checkpoint(site, tmp_path, monkeypatch):
    monkeypatch.setattr(NETWORK, "published", (published(site),))
    stick = tmp_path / "stick"
    for _ in range(2):
        assert weights.main(["--fetch", NETWORK.name, str(stick)]) == 0
    assert site.asked == [None]
    site.close()
    assert names(stick) == [published(site).archive]
    for cache, init, mirror in (("a", str(stick), None), ("b", "zoo", str(stick))):
        prefix = zoo.resolve_init(init, NETWORK, SIZE, tmp_path / cache, mirror)
        assert Path(f"{prefix}.index").read_bytes() == INDEX
    (stick / published(site).archive).write_bytes(tar({**FILES, "ssd/checkpoint/ckpt-0.index": b"other"}))
    with pytest.raises(InputError, match="not the published checkpoint"):
        zoo.resolve_init(str(stick), NETWORK, SIZE, tmp_path / "c")


def test_weights_that_cannot_be_fetched_do_not_keep_others_from_it(site, tmp_path, monkeypatch):
    gone = replace(published(site), name="gone", archive="gone.tar.gz", addresses=("http://127.0.0.1:9/gone.tar.gz",))
    monkeypatch.setattr(NETWORK, "published", (gone, published(site)))
    with pytest.raises(InputError, match=r"gone\.tar\.gz"):
        weights.fetch([NETWORK.name], tmp_path / "stick")
    assert names(tmp_path / "stick") == [published(site).archive]


def test_what_cannot_be_fetched_has_its_place_in_the_folder_of_weights(site, tmp_path, monkeypatch):
    monkeypatch.setattr(NETWORK, "published", (published(site),))
    site.close()
    with pytest.raises(InputError) as caught:
        weights.fetch([NETWORK.name], tmp_path / "stick")
    said = str(caught.value)
    assert f"put it at {tmp_path / 'stick' / published(site).archive}, or name a mirror with --mirror" in said
    assert "--init none" not in said


@pytest.mark.parametrize("named", ["option", "environment"])
def test_a_folder_of_weights_is_filled_from_a_mirror_that_is_a_folder(named, site, tmp_path, monkeypatch):
    monkeypatch.setattr(NETWORK, "published", (published(site),))
    site.close()
    disk = tmp_path / "disk"
    disk.mkdir()
    (disk / published(site).archive).write_bytes(tar(FILES))
    if named == "environment":
        monkeypatch.setenv(zoo.MIRROR, str(disk))
    weights.fetch([NETWORK.name], tmp_path / "stick", str(disk) if named == "option" else None)
    assert (tmp_path / "stick" / published(site).archive).read_bytes() == tar(FILES)


@pytest.mark.parametrize(("kind", "raised"), [(InputError, InputError), (KitError, KitError)])
def test_a_checkpoint_that_is_wrong_does_not_keep_the_others_from_being_fetched(kind, raised, monkeypatch, tmp_path, capsys):
    def archive_of(network, item, folder, mirror):
        if network.name != "ssd_mobilenet_v2":
            raise kind(f"{item.archive}: is wrong")
        return folder / item.archive

    monkeypatch.setattr(zoo, "archive_of", archive_of)
    with pytest.raises(KitError, match=r"_fpnlite_320x320.*: is wrong; .*ssd_mobilenet_v2_320x320.*: is wrong") as caught:
        weights.fetch(["ssd_mobilenet_v2_fpnlite", "ssd_mobilenet_v2", "ssd_mobilenet_v2_keras"], tmp_path)
    assert type(caught.value) is raised and "ssd_mobilenet_v2_coco_2018_03_29.tar.gz" in capsys.readouterr().out


def test_what_is_not_pinned_by_a_hash_comes_over_https():
    every = [item for name in models.names() for item in models.find(name).published]
    assert len(every) >= 7
    for item in every:
        assert item.addresses and all(address.startswith("https://") for address in item.addresses), item.name


def test_archives_and_files_of_other_frameworks_are_unpacked_for_conversion(tmp_path, monkeypatch):
    (tmp_path / "a.tar.gz").write_bytes(tar(FILES))
    folder = zoo.unpacked(tmp_path / "a.tar.gz", tmp_path / "cache")
    assert folder.is_dir() and list(folder.rglob("*.index"))
    # A folder and a checkpoint's own file are what they are.
    assert zoo.unpacked(folder) == folder
    index = next(folder.rglob("*.index"))
    assert zoo.unpacked(index) == index
    taken = []
    monkeypatch.setattr(zoo.foreign, "converted", lambda network, path, cache: taken.append(network.name) or path)
    (tmp_path / "weights.param").touch()
    zoo.unpacked(tmp_path / "weights.param")
    assert taken == ["nanodet_plus_m"]

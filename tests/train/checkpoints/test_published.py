"""Published checkpoints: downloaded from a local server, verified and cached; and the values of --init."""

from __future__ import annotations

import hashlib
import http.server
import io
import tarfile
import threading
from pathlib import Path

import pytest

from runtime.common.errors import InputError, KitError
from train.checkpoints import archives
from train.checkpoints import published as zoo
from train.files.download import download

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


def published(site: Site, **blobs: str) -> zoo.Published:
    known = {"ckpt-0.data-00000-of-00001": blob(DATA), "ckpt-0.index": blob(INDEX)}
    return zoo.Published(320, blobs or known, site.url)


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_fetch_keeps_only_the_checkpoint_and_downloads_once(site, tmp_path):
    folder = zoo.fetch(published(site), tmp_path)
    assert (folder / "ckpt-0.index").read_bytes() == INDEX
    assert (folder / "ckpt-0.data-00000-of-00001").read_bytes() == DATA
    home = "zoo/ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8"
    assert names(tmp_path) == [f"{home}/{name}" for name in ("checkpoint", "ckpt-0.data-00000-of-00001", "ckpt-0.index")]
    assert zoo.fetch(published(site), tmp_path) == folder
    assert site.asked == [None]


def test_a_damaged_copy_in_the_cache_is_fetched_again(site, tmp_path):
    folder = zoo.fetch(published(site), tmp_path)
    (folder / "ckpt-0.index").write_bytes(b"damaged")
    assert (zoo.fetch(published(site), tmp_path) / "ckpt-0.index").read_bytes() == INDEX
    assert len(site.asked) == 2


def test_a_wrong_hash_is_refused_and_leaves_nothing(site, tmp_path):
    wrong = published(site, **{"ckpt-0.index": "0" * 40})
    with pytest.raises(KitError, match=f"git blob id {blob(INDEX)}, not {'0' * 40}") as caught:
        zoo.fetch(wrong, tmp_path)
    assert not isinstance(caught.value, InputError)
    assert names(tmp_path) == []


def test_something_else_than_an_archive_is_refused(site, tmp_path):
    site.content = b"<html>Please log in to this network</html>"
    with pytest.raises(KitError, match=r"not a whole \.tar\.gz archive"):
        zoo.fetch(published(site), tmp_path)
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
        zoo.fetch(published(site), tmp_path)
    assert len(site.asked) == 5
    assert names(tmp_path) == []


def test_the_offline_error_says_what_to_do(site, tmp_path):
    site.close()
    with pytest.raises(InputError) as caught:
        zoo.fetch(published(site), tmp_path)
    place = tmp_path / "zoo" / "ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8.tar.gz"
    for part in (f"{site.url}/{place.name}", f"put it at {place}", "--init none", "refused"):
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_archive_in_the_cache_folder_is_used_without_the_network(site, tmp_path):
    (tmp_path / "zoo").mkdir()
    placed = tmp_path / "zoo" / published(site).archive
    placed.write_bytes(tar(FILES))
    assert (zoo.fetch(published(site), tmp_path) / "ckpt-0.index").read_bytes() == INDEX
    assert site.asked == []
    assert placed.is_file()


def test_a_wrong_archive_in_the_cache_folder_is_an_input_error(site, tmp_path):
    (tmp_path / "zoo").mkdir()
    placed = tmp_path / "zoo" / published(site).archive
    placed.write_bytes(tar({**FILES, "ssd/checkpoint/ckpt-0.index": b"other"}))
    with pytest.raises(InputError, match="not the published checkpoint"):
        zoo.fetch(published(site), tmp_path)
    assert placed.is_file()


def test_the_published_index_is_the_pinned_one(shared):
    assert blob((shared / "checkpoints" / "zoo_ckpt-0.index").read_bytes()) == zoo.PUBLISHED[320].blobs["ckpt-0.index"]


def test_the_published_addresses():
    assert zoo.PUBLISHED[640].url == (
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


def test_what_init_means(site, tmp_path, monkeypatch):
    monkeypatch.setitem(zoo.PUBLISHED, 320, published(site))
    assert zoo.resolve_init("none", 320, tmp_path) is None
    folder = tmp_path / "zoo" / "ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8"
    assert zoo.resolve_init("zoo", 320, tmp_path) == str(folder / "ckpt-0")
    for path in (folder, folder / "ckpt-0", folder / "ckpt-0.index", folder / "ckpt-0.data-00000-of-00001"):
        assert zoo.resolve_init(str(path), 320, tmp_path) == str(folder / "ckpt-0")
    (tmp_path / "mine.tar").write_bytes(tar(FILES))
    prefix = Path(zoo.resolve_init(str(tmp_path / "mine.tar"), 320, tmp_path))
    assert prefix.with_suffix(".index").read_bytes() == INDEX
    with pytest.raises(InputError, match="no checkpoint here"):
        zoo.resolve_init(str(tmp_path / "nothing"), 320, tmp_path)

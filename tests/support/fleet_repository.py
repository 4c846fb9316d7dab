"""A publisher and its devices for tests: real keys, signatures and files, with models of a few bytes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import threading
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytest.importorskip("tuf")
pytest.importorskip("cryptography")

from devices.host.paths import MODEL, Layout
from devices.keys.key_ring import Keyring
from devices.publish.repository import Lifetimes, Repository
from devices.releases import channel
from devices.releases.channel import Offer
from devices.releases.release import NAME, Release, ReleaseFile
from devices.update.transport import FolderTransport
from devices.update.updater import Device, Settings


def ring_in(folder: Path, **options) -> Keyring:
    """A new key ring in `folder`; `options` are those of `Keyring.create`."""
    ring = Keyring(folder, lambda role: b"a passphrase for tests")
    ring.create(**options)
    return ring


@dataclass
class Publisher:
    """Publishes releases in the repository at `folder`."""

    folder: Path
    ring: Keyring
    lifetimes: Lifetimes = Lifetimes()

    @property
    def root(self) -> bytes:
        """The first root metadata, which devices trust from the start."""
        return self.ring.roots()[0][1]

    def open(self) -> Repository:
        """The repository, to change it."""
        return Repository(self.folder, self.ring, self.lifetimes)

    def publish(self, name, model=None, group="", percent=100.0, files=None, text=None) -> None:
        """Publishes a release with an int8 and a compiled model.

        `files` are added to it; `text` replaces the text of its manifest.
        """
        content = {
            "detector_int8.tflite": (model or name.encode()) * 1000,
            "detector_int8_edgetpu.tflite": b"compiled " + name.encode(),
            "golden_int8.json": b"{}",
            "labels.txt": b"cat\n",
            **(files or {}),
        }
        parts = tuple(ReleaseFile(file, len(data), hashlib.sha256(data).hexdigest()) for file, data in content.items())
        models = {"int8": "detector_int8.tflite", "edgetpu": "detector_int8_edgetpu.tflite"}
        content[NAME] = (text or Release(name, models, parts, {}).text()).encode()
        repository = self.open()
        repository.set_channel(group, repository.channel(group).with_offer(Offer(name, percent)))
        repository.add(group, {channel.release_target(group, name, file): data for file, data in content.items()})
        repository.publish()

    def change(self, name, group="", **changes) -> None:
        """Changes the offer of the release `name`."""
        repository = self.open()
        offered = repository.channel(group)
        repository.set_channel(group, offered.with_offer(replace(offered.offer(name), **changes)))
        repository.publish()

    def refresh(self) -> None:
        """Signs the metadata anew."""
        self.open().publish()

    def copy(self, to: Path) -> Path:
        """Copies the repository to `to`, which is returned."""
        return Path(shutil.copytree(self.folder, to))


def device(place: Path, test=lambda folder: (), **settings) -> Device:
    """A device in the folder `place`, without a runtime and without probation.

    `test` is its self-test; messages are collected in the attribute `said`.
    """
    layout = Layout(place / "etc", place / "state", place / "run")
    said = []
    made = Device(layout, test, Settings(**{"probation": 0.0, "device": "a", **settings}), tell=said.append)
    made.said = said
    return made


def update(made: Device, publisher: Publisher, folder=None):
    """Updates the device from the publisher's repository, or from the one in `folder`."""
    return made.update(FolderTransport(folder or publisher.folder), publisher.root)


def check_whole(layout: Layout) -> str:
    """The name of the release that runs; asserts that the files of all releases match their manifests."""
    name = layout.current.resolve(strict=True).name
    assert layout.model.is_file()
    for place in layout.models.iterdir():
        if place.is_symlink():
            continue
        release = json.loads((place / NAME).read_text())
        assert release["release"] == place.name
        assert (place / MODEL).exists() and (place / "golden.json").is_file()
        for file, entry in release["files"].items():
            path = place / file
            if path.exists():
                assert hashlib.sha256(path.read_bytes()).hexdigest() == entry["sha256"], path
    return name


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    """A key ring, which all tests of a file share."""
    return ring_in(tmp_path_factory.mktemp("keys") / "keys")


@pytest.fixture
def publisher(tmp_path, keys):
    """A publisher that has published the release `one`."""
    made = Publisher(tmp_path / "repository", keys)
    made.publish("one")
    return made


@pytest.fixture
def running(tmp_path, publisher):
    """A device that runs the release `one`."""
    made = device(tmp_path / "device")
    assert update(made, publisher).release == "one"
    return made


class Server:
    """A web server for a folder, which can be made to misbehave.

    `answer(handler, name, data, start)` writes the body of each response and can be replaced. Range requests
    are answered unless `ranges` is false. `asked` collects (name, Range header) of the requests.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked = []
        self.ranges = True
        self.answer = lambda handler, name, data, start: handler.wfile.write(data[start:])
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer._do_get(self)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _do_get(self, handler) -> None:
        name = handler.path.lstrip("/")
        path = self.folder / name
        wanted = handler.headers.get("Range") if self.ranges else None
        self.asked.append((name, wanted))
        if not path.is_file():
            handler.send_error(404)
            return
        data = path.read_bytes()
        start = int(wanted[len("bytes=") :].rstrip("-")) if wanted else 0
        handler.send_response(206 if wanted else 200)
        if wanted:
            handler.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        handler.end_headers()
        # A client may close the connection before it has everything.
        with contextlib.suppress(OSError):
            self.answer(handler, name, data, start)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server(publisher):
    """A server for the publisher's repository."""
    made = Server(publisher.folder)
    yield made
    made.close()

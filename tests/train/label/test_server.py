"""The server of the label page over real HTTP, and the folder that it works on."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import socket
from urllib.parse import quote
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

from runtime.common.errors import InputError
from runtime.web.access import Access
from tests.support.pages import EVIL
from train.dataset.formats import pascal_voc
from train.label import server as module
from train.label.folder import Folder, read_classes
from train.label.server import PAGE, Server

IMAGE = cv2.imencode(".jpg", np.zeros((48, 64, 3), np.uint8))[1].tobytes()
TOKEN = "t" * 24


def xml(label, score):
    return (
        f"<annotation><size><width>64</width><height>48</height></size><object><name>{label}</name><score>{score}</score>"
        "<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox></object></annotation>"
    )


@pytest.fixture
def path(tmp_path):
    folder = tmp_path / "data"
    for name in ("images", "annotations"):
        (folder / name).mkdir(parents=True)
    for name, score in (("sure", 0.95), ("unsure", 0.6), ("half", 0.8)):
        (folder / "images" / f"{name}.jpg").write_bytes(IMAGE)
        (folder / "annotations" / f"{name}.xml").write_text(xml("cat", score))
    (folder / "images" / "none.jpg").write_bytes(IMAGE)
    return folder


class Client:
    def __init__(self, folder, token=None):
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        self.server = Server(folder, Access(token, self.port), listener)
        self.server.start()

    def ask(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if isinstance(body, (dict, list)):
            body, sent = json.dumps(body), {"Content-Type": "application/json", **sent}
        connection.request(method, path, body, sent)
        response = connection.getresponse()
        data = response.read()
        connection.close()
        is_json = response.headers.get_content_type() == "application/json"
        return response.status, json.loads(data) if is_json else data, response.headers

    def get(self, path):
        status, found, _ = self.ask("GET", path)
        assert status == 200, found
        return found

    def open(self, name):
        return self.get(f"/annotation?image={quote(name)}")

    def put(self, name, version, boxes, *, verified=False, writer="one", sequence=1):
        body = {"version": version, "boxes": boxes, "verified": verified, "writer": writer, "sequence": sequence}
        return self.ask("PUT", f"/annotation?image={quote(name)}", body)[:2]


@pytest.fixture
def client(path):
    made = Client(Folder(path, ("dog",), 0.5))
    yield made
    made.server.stop()


def new(label, box):
    return {"key": "", "label": label, "box": box, "suggested": False}


def read(path):
    splits = pascal_voc.read(path)
    return {
        example.image.name: [(item.label, item.box.as_tuple()) for item in example.boxes]
        for example in (*splits.train, *(splits.validation or ()))
    }


def test_the_most_doubtful_come_first_and_the_given_classes(client):
    found = client.get("/images")
    assert [image["name"] for image in found["images"]] == [f"images/{name}.jpg" for name in ("unsure", "half", "sure", "none")]
    assert found["classes"] == ["dog", "cat"] and {image["state"] for image in found["images"]} == {"open"}


def test_a_correction_is_written_and_read_by_the_kit(client, path):
    found = client.open("images/sure.jpg")
    assert client.get("/image?image=images/sure.jpg") == IMAGE
    status, answer = client.put("images/sure.jpg", found["version"], [new("a & <b>", [3, 4, 20.5, 30])], verified=True)
    assert status == 200 and answer["state"] == "confirmed"
    assert read(path)["sure.jpg"] == [("a & <b>", (3, 4, 20.5, 30))]
    # The order stays, although the scores are gone.
    assert [image["state"] for image in client.get("/images")["images"]] == ["open", "open", "confirmed", "open"]
    assert not [name for name in (path / "annotations").iterdir() if name.name.startswith(".")]


def test_an_image_without_annotation_gets_one_beside_the_others(client, path):
    assert client.put("images/none.jpg", "none", [new("dog", [0, 0, 9, 9])])[0] == 200
    assert read(path)["none.jpg"] == [("dog", (0, 0, 9, 9))]


def test_of_two_tabs_the_second_overwrites_nothing(client, path):
    version = client.open("images/sure.jpg")["version"]
    assert client.put("images/sure.jpg", version, [new("one", [0, 0, 9, 9])])[0] == 200
    status, answer = client.put("images/sure.jpg", version, [new("two", [0, 0, 9, 9])], writer="two")
    assert status == 409 and "images/sure.jpg was changed in another tab or by another program" in answer["error"]
    assert read(path)["sure.jpg"] == [("one", (0, 0, 9, 9))]
    assert client.put("images/sure.jpg", client.open("images/sure.jpg")["version"], [], writer="two")[0] == 200
    # And the first is told in its turn.
    assert client.put("images/sure.jpg", version, [new("one", [0, 0, 8, 9])], sequence=2)[0] == 409


def test_another_program_is_not_overwritten(client, path):
    version = client.open("images/sure.jpg")["version"]
    client.put("images/sure.jpg", version, [new("one", [0, 0, 9, 9])])
    (path / "annotations" / "sure.xml").write_text(xml("bird", 0.5))
    assert client.put("images/sure.jpg", version, [], sequence=2)[0] == 409
    assert read(path)["sure.jpg"][0][0] == "bird"


def test_of_one_tab_the_latest_change_counts_in_whatever_order_they_come(client, path):
    version = client.open("images/sure.jpg")["version"]
    for sequence in (1, 3, 2):
        status, answer = client.put("images/sure.jpg", version, [new(f"number {sequence}", [0, 0, 9, 9])], sequence=sequence)
        assert status == 200 and answer.get("superseded", False) == (sequence == 2)
    assert read(path)["sure.jpg"] == [("number 3", (0, 0, 9, 9))]


def test_a_change_whose_answer_was_lost_may_be_sent_again_to_a_new_server(client, path):
    version = client.open("images/sure.jpg")["version"]
    boxes = [new("one", [0, 0, 9, 9])]
    client.put("images/sure.jpg", version, boxes)
    other = Client(Folder(path, (), 0.5))
    try:
        assert other.put("images/sure.jpg", version, boxes)[0] == 200
    finally:
        other.server.stop()


@pytest.mark.parametrize(
    "name",
    [
        "../secret.jpg", "images/../../secret.jpg", "/etc/passwd", "", "annotations/sure.xml", "images/link.jpg",
        "out/secret.jpg", "images/sure.jpg\0", "images\\sure.jpg",
    ],
)
def test_no_path_leads_out_of_the_folder(path, tmp_path, name, capsys):
    (tmp_path / "secret.jpg").write_bytes(IMAGE)
    (tmp_path / "else").mkdir()
    (tmp_path / "else" / "secret.jpg").write_bytes(IMAGE)
    (path / "images" / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (path / "out").symlink_to(tmp_path / "else")
    made = Client(Folder(path, (), 0.5))
    try:
        for what in ("image", "annotation"):
            assert made.ask("GET", f"/{what}?image={quote(name)}")[0] == 404
        assert made.put(name, "none", [])[0] == 404
        assert made.ask("GET", "/../server.py")[0] == made.ask("GET", "/%2e%2e/server.py")[0] == 404
    finally:
        made.server.stop()
    assert "leads out of the folder" in capsys.readouterr().err
    assert not list(tmp_path.glob("*.xml")) and not list((tmp_path / "else").glob("*.xml"))


def test_an_annotation_that_links_elsewhere_is_left_alone(path, tmp_path):
    (tmp_path / "mine.xml").write_text(xml("cat", 0.5))
    (path / "annotations" / "none.xml").symlink_to(tmp_path / "mine.xml")
    assert "images/none.jpg" not in [image["name"] for image in Folder(path, (), 0.5).listed()["images"]]


def test_names_of_other_sites_are_refused(client):
    for host in ("evil.example", "evil.example:80", ""):
        assert client.ask("GET", "/images", Host=host)[0] == 403
        assert client.ask("PUT", "/annotation?image=images/sure.jpg", {}, Host=host)[0] == 403
    assert client.ask("GET", "/images", Host=f"localhost:{client.port}")[0] == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403), ({"Content-Type": "text/plain"}, 415)],
)
def test_a_form_of_another_site_changes_nothing(client, path, headers, status):
    before = (path / "annotations" / "sure.xml").read_bytes()
    version = client.open("images/sure.jpg")["version"]
    body = json.dumps({"version": version, "boxes": [], "verified": True, "writer": "x", "sequence": 1})
    given = {"Content-Type": "application/json", **headers}
    assert client.ask("PUT", "/annotation?image=images/sure.jpg", body, **given)[0] == status
    assert client.ask("POST", "/annotation?image=images/sure.jpg", body)[0] == 501
    assert (path / "annotations" / "sure.xml").read_bytes() == before


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b"[" * 100_000, b'{"version":1}', b"\xff"])
def test_what_is_no_correction_is_refused(client, body):
    status, answer, _ = client.ask("PUT", "/annotation?image=images/sure.jpg", body, Content_Type="application/json")
    assert status == 422 and answer["error"]


def test_a_long_body_is_not_read(client):
    status, _, _ = client.ask(
        "PUT", "/annotation?image=images/sure.jpg", b"{}", Content_Type="application/json", Content_Length=str(2 << 20)
    )
    assert status == 413
    status, _, _ = client.ask(
        "PUT", "/annotation?image=images/sure.jpg", iter([b"{}"]), Content_Type="application/json", Transfer_Encoding="chunked"
    )
    assert status == 411


def test_with_a_token_only_who_has_it_is_answered(path, monkeypatch):
    monkeypatch.setattr(module, "WRONG_TOKEN_SECONDS", 0.0)
    made = Client(Folder(path, (), 0.5), TOKEN)
    try:
        for address in ("/", "/images", "/image?image=images/sure.jpg", "/app.js"):
            assert made.ask("GET", address)[0] == 401
        assert made.ask("PUT", "/annotation?image=images/sure.jpg", {})[0] == 401
        assert made.ask("GET", "/?token=wrong")[0] == 403
        status, _, headers = made.ask("GET", f"/?token={TOKEN}")
        assert status == 303 and headers["Location"] == "./" and "HttpOnly" in headers["Set-Cookie"]
        assert made.ask("GET", "/images", Cookie=headers["Set-Cookie"].partition(";")[0])[0] == 200
    finally:
        made.server.stop()


def test_the_page_loads_everything_from_its_server(client):
    for file in PAGE.iterdir():
        status, data, headers = client.ask("GET", f"/{file.name}")
        assert status == 200 and data == file.read_bytes()
        assert headers["Content-Security-Policy"].startswith("default-src 'none'") and headers["X-Content-Type-Options"]
        text = data.decode().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|innerHTML|outerHTML|insertAdjacentHTML|\beval\b", text)
        assert not re.search(r"<[^>]* (?:on\w+|style)=", text)
    assert client.get("/") == (PAGE / "index.html").read_bytes()


def test_the_page_is_shipped():
    tomllib = pytest.importorskip("tomllib")
    text = (PAGE.parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text)["tool"]["setuptools"]["package-data"]["train.label"] == ["page/*"]
    assert all(path.is_file() for path in PAGE.iterdir())


def test_a_damaged_annotation_is_named_and_the_others_go_on(client, path):
    (path / "annotations" / "half.xml").write_text("<annotation>")
    (damaged,) = [image for image in client.get("/images")["images"] if image["state"] == "error"]
    assert damaged["name"] == "images/half.jpg" and "annotations/half.xml: not XML" in damaged["error"]
    status, answer, _ = client.ask("GET", "/annotation?image=images/half.jpg")
    assert status == 422 and "not XML" in answer["error"]
    assert client.put("images/half.jpg", "none", [])[0] == 422
    assert (path / "annotations" / "half.xml").read_text() == "<annotation>"


def test_a_disk_that_takes_nothing_leaves_what_is_there(client, path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    before = (path / "annotations" / "sure.xml").read_bytes()
    monkeypatch.setattr("train.label.folder.os.fsync", full)
    status, answer = client.put("images/sure.jpg", client.open("images/sure.jpg")["version"], [])
    assert status == 500 and "No space left" in answer["error"]
    assert (path / "annotations" / "sure.xml").read_bytes() == before
    assert len(list((path / "annotations").iterdir())) == 3


def test_images_beside_their_annotations(tmp_path, capsys):
    (tmp_path / "a.jpg").write_bytes(IMAGE)
    (tmp_path / "a.png").write_bytes(cv2.imencode(".png", np.zeros((4, 4, 3), np.uint8))[1].tobytes())
    (tmp_path / "deep" / "JPEGImages").mkdir(parents=True)
    (tmp_path / "deep" / "Annotations").mkdir()
    (tmp_path / "deep" / "JPEGImages" / "b.jpg").write_bytes(IMAGE)
    (tmp_path / "deep" / "Annotations" / "b.xml").write_text(xml("bird", 0.9))
    folder = Folder(tmp_path, (), 0.5)
    assert "a.png: left out: another image has the same annotation, a.xml" in capsys.readouterr().err
    assert [image["boxes"] for image in folder.listed()["images"]] == [1, 0]
    assert folder.open("deep/JPEGImages/b.jpg")["boxes"][0]["label"] == "bird"


@pytest.mark.parametrize(("size", "shown"), [((48, 64), (48, 64)), ((64, 48), (64, 48)), (None, (48, 64))])
def test_an_image_with_an_exif_rotation_is_shown_as_its_boxes_were_drawn(tmp_path, size, shown):
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (64, 48)).save(tmp_path / "a.jpg", exif=exif)
    if size:
        text = f"<annotation><size><width>{size[0]}</width><height>{size[1]}</height></size></annotation>"
        (tmp_path / "a.xml").write_text(text)
    folder = Folder(tmp_path, (), 0.5)
    found = folder.open("a.jpg")
    assert (found["width"], found["height"]) == shown
    data, kind = folder.image("a.jpg")
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert decoded.shape[1::-1] == shown and kind == "jpeg"


def test_classes_of_a_file_or_of_the_folder(tmp_path):
    assert read_classes(tmp_path, None) == ()
    (tmp_path / "predefined_classes.txt").write_text("fox\ncat\n")
    assert read_classes(tmp_path, None) == ("fox", "cat")
    (tmp_path / "mine.txt").write_text("owl\n")
    assert read_classes(tmp_path, str(tmp_path / "mine.txt")) == ("owl",)


def test_a_folder_without_images_is_refused(tmp_path):
    with pytest.raises(InputError, match="no images in it"):
        Folder(tmp_path, (), 0.5)
    with pytest.raises(InputError, match="no such folder"):
        Folder(tmp_path / "gone", (), 0.5)


def test_names_that_are_scripts_stay_names(path):
    name = EVIL.replace("/", "")
    (path / "images" / f"{name}.jpg").write_bytes(IMAGE)
    shutil.copy(path / "annotations" / "sure.xml", path / "annotations" / f"{name}.xml")
    made = Client(Folder(path, (), 0.5))
    try:
        version = made.open(f"images/{name}.jpg")["version"]
        assert made.put(f"images/{name}.jpg", version, [new(EVIL, [0, 0, 9, 9])])[0] == 200
    finally:
        made.server.stop()
    root = ElementTree.parse(path / "annotations" / f"{name}.xml").getroot()
    assert root.findtext("object/name") == EVIL

from __future__ import annotations

import pytest

from runtime.collect import annotation, pairs
from runtime.collect.pairs import Pairs
from tests.runtime.collect.test_store import moment, origin

XML = annotation.text("a.jpg", moment(), origin(0.5))


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def fill(folder, *names):
    for name in names:
        Pairs(folder).write(name, b"image", XML)


def test_a_pair_is_written_and_removed(tmp_path):
    fill(tmp_path, "a", "b c.d")
    assert files(tmp_path) == {f"images/{name}.jpg": b"image" for name in ("a", "b c.d")} | {
        f"annotations/{name}.xml": XML for name in ("a", "b c.d")
    }
    found = Pairs(tmp_path)
    assert list(found.own()) == [(name, origin(0.5), len(XML) + 5) for name in ("a", "b c.d")]
    assert found.remove("a") and found.remove("b c.d") and files(tmp_path) == {}


@pytest.mark.parametrize(
    "names",
    [
        # COCO, YOLO, converted images, LabelMe beside its images, a Mac's and the kit's temporary files.
        ("images/1.jpg", "images/._1.jpg", "annotations/instances.json"),
        ("images/1.jpg", "labels/1.txt"),
        ("images/1.png", "annotations/1.xml"),
        ("images/1.png",),
        ("images/1.jpg", "images/1.json"),
        ("annotations/1.xml", "annotations/.1.0123456789ab.xml", "images/.2.0123456789ab.jpg"),
    ],
)
@pytest.mark.parametrize("data", [b"theirs", XML, b'<annotation verified="yes"/>'])
def test_files_that_it_did_not_write_as_a_pair_are_left_alone(tmp_path, names, data):
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    before = files(tmp_path)
    found = Pairs(tmp_path)
    assert list(found.own()) == [] and not found.remove("1") and files(tmp_path) == before
    assert found.free_name("1") == "1_2"


@pytest.mark.parametrize("label", ["images/a.txt", "images/a.json", "images/a.xml", "labels/a.txt", "annotations/a.json"])
def test_an_image_that_another_tool_has_labelled_belongs_to_a_person(tmp_path, label):
    fill(tmp_path, "a")
    found = Pairs(tmp_path)
    (tmp_path / label).parent.mkdir(exist_ok=True)
    (tmp_path / label).write_text("0 0.5 0.5 0.1 0.1")
    before = files(tmp_path)
    assert not found.remove("a") and list(found.own()) == [] and files(tmp_path) == before


@pytest.mark.parametrize("half", ["images/a.jpg", "annotations/a.xml"])
def test_what_a_person_has_taken_away_leaves_the_other_half_alone(tmp_path, half):
    fill(tmp_path, "a")
    found = Pairs(tmp_path)
    (tmp_path / half).unlink()
    before = files(tmp_path)
    assert not found.remove("a") and list(Pairs(tmp_path).own()) == [] and files(tmp_path) == before


def test_boxes_that_were_changed_with_any_tool_belong_to_a_person(tmp_path):
    fill(tmp_path, "a", "b")
    spaced = XML.replace(b"><", b">\n  <")
    (tmp_path / "annotations" / "a.xml").write_bytes(spaced.replace(b"30.00", b"31.00"))
    (tmp_path / "annotations" / "b.xml").write_bytes(spaced)
    assert [name for name, _, _ in Pairs(tmp_path).own()] == ["b"]


class PowerCut(BaseException):
    pass


@pytest.mark.parametrize("removes", [False, True])
def test_after_a_power_cut_at_any_moment_the_next_start_has_whole_pairs(tmp_path, monkeypatch, removes):
    """Every call that changes the folder may be the last one."""
    for last in range(20):
        folder = tmp_path / str(last)
        fill(folder, "there", *(["a"] if removes else []))
        before, calls = files(folder), []

        def step(real, calls=calls, last=last):
            def call(*arguments, **options):
                if len(calls) >= last:
                    raise PowerCut
                calls.append(1)
                return real(*arguments, **options)

            return call

        found = Pairs(folder)
        with monkeypatch.context() as patch:
            for owner, name in ((pairs.os, "replace"), (pairs.Path, "unlink"), (pairs.Path, "write_bytes"), (pairs, "sync")):
                patch.setattr(owner, name, step(getattr(owner, name)))
            try:
                found.remove("a") if removes else found.write("a", b"image", XML)
                done = True
            except PowerCut:
                done = False
        Pairs(folder)
        left = files(folder)
        with_a = {**before, "images/a.jpg": b"image", "annotations/a.xml": XML}
        without = {name: data for name, data in before.items() if "a." not in name.split("/")[1]}
        assert left in (with_a, without)
        if done:
            assert left == (without if removes else with_a)
            return
    raise AssertionError("it never ended")


@pytest.mark.parametrize("part", ["images", "annotations"])
@pytest.mark.parametrize("cause", ["a folder that cannot be made", "a name that is taken"])
def test_a_write_that_fails_leaves_nothing(tmp_path, part, cause):
    if cause == "a folder that cannot be made":
        (tmp_path / part).write_text("in the way")
    else:
        (tmp_path / part / ("a.jpg" if part == "images" else "a.xml")).mkdir(parents=True)
    before = files(tmp_path)
    with pytest.raises((FileExistsError, NotADirectoryError, IsADirectoryError)):
        Pairs(tmp_path).write("a", b"image", XML)
    assert files(tmp_path) == before

from __future__ import annotations

import pytest

from runtime import InputError
from runtime.model import label_formats, labels
from train.dataset.examples import label_map

LABEL_MAP = """# made by hand
item {
  id: 1
  name: 'apple'  # a fruit
}
item { name: "/m/02xw0", id: 4, display_name: "it's a #1 pear" keypoints { id: 7 name: 'stalk' } }
"""


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (LABEL_MAP, ("apple", "class 1", "class 2", "it's a #1 pear")),
        ("item{id:1 name:'a'}item{id:2 name:'b'}", ("a", "b")),
        ("item {\n id: 0\n name: 'background'\n}\nitem {\n id: 1\n name: 'a'\n}\n", ("a",)),
        ("train: images\nnc: 2\nnames: ['apple', pear]\n", ("apple", "pear")),
        ("names: [a, \"b, c\",\n  'd']  # three\nnc: 3\n", ("a", "b, c", "d")),
        ("names:\n  0: apple\n  2: 'red pear'  # ripe\n\nnc: 2\n", ("apple", "class 1", "red pear")),
        ("names:\n- apple\n# not yet\n- no\nval: x\n", ("apple", "no")),
        ("names: {0: a, 1: 'b'}", ("a", "b")),
        ('["apple", "pear"]', ("apple", "pear")),
        ('{"1": "b", "0": "a"}', ("a", "b")),
        ("{'task': 'detect', 'imgsz': [32, 32], 'names': {0: 'a', 1: \"it's\"}}", ("a", "it's")),
        ('{"a": 0, "b": 1}', ("a", "b")),
        ('{"names": {"0": "a"}, "nc": 1}', ("a",)),
        ('{"id2label": {"0": "a", "1": "b"}, "label2id": {"a": 0, "b": 1}}', ("a", "b")),
        ("['a', \"b's\"]", ("a", "b's")),
        ("('a', 'b')\n", ("a", "b")),
        ("# classes\n- apple\n- 'red pear'  # ripe\n", ("apple", "red pear")),
        ("---\n- a\n- b\n", ("a", "b")),
        (r"item { id: 1 name: 'T\303\274r' } item { id: 2 name: 'it\'s \x41' }", ("Tür", "it's A")),
    ],
)
def test_names_by_class_id(text, names):
    assert label_formats.parse(text, "x") == names
    assert label_formats.parse(text.replace("\n", "\r\n"), "x") == names
    assert labels.parse(text, "x").names == names


@pytest.mark.parametrize("text", ["apple\npear\n", "[apple]\npear\n", "item\n{\n", "{\n}", "0 person\n1 bike\n", "", "- a\nb\n"])
def test_lists_of_lines_stay_what_they_are(text):
    if text != "{\n}" and text != "item\n{\n":
        assert label_formats.parse(text, "x") is None
    else:
        with pytest.raises(InputError, match="without class names"):
            label_formats.parse(text, "x")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("item { id: 1 }", "a label map without class names"),
        ("names: 3\n", "YAML without"),
        ("[1, 2]", "JSON without"),
        ("[]", "JSON without"),
        ('{"99999999": "a"}', "JSON with class number 99999999"),
        ('{"a": -1}', "JSON with class number -1"),
    ],
)
def test_files_without_names_are_refused(text, what):
    with pytest.raises(InputError, match=f"x: {what}"):
        label_formats.parse(text, "x")


def test_the_label_map_of_a_run_is_read(tmp_path):
    names = labels.Labels(("apple", "it's", 'say "b"'))
    path = tmp_path / "label_map.pbtxt"
    path.write_text(label_map.text(names), encoding="utf-8-sig")
    assert labels.read(path) == names


@pytest.mark.parametrize("text", ['["apple", "pe', "{1: a, 2: b}", "[" * 5000, "<annotation><name>a</name></annotation>\n"])
def test_what_is_no_list_of_names_is_refused(text):
    with pytest.raises(InputError, match="write one class name a line"):
        labels.parse(text, "x")

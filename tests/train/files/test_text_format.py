"""Protocol buffer text format, held against protobuf's own reader and writer."""

from __future__ import annotations

import re

import pytest
from google.protobuf import struct_pb2, text_format

from train.files.text_format import Message, parse


def test_fields_messages_and_lists():
    found = parse(
        """
        # a comment with { and "
        model { ssd: < num_classes: 4, ratios: [1.0, 2, .5]; ratios: 3e-1 > }
        name: 'it''s' "\\x41\\102\\n"  # two strings are one
        empty { }
        [some.extension]: -4.6
        [type.googleapis.com/some.Any] { flag: true }
        items [ { id: 1 }, { id: 2 } ]
        """
    )
    ssd = found.message("model").message("ssd")
    assert ssd.word("num_classes") == "4"
    assert ssd.words("ratios") == ["1.0", "2", ".5", "3e-1"]
    assert found.word("name") == "itsAB\n"
    assert found.message("empty") == Message()
    assert found.word("[some.extension]") == "-4.6"
    assert found.message("[type.googleapis.com/some.Any]").word("flag") == "true"
    assert [item.word("id") for item in found.messages("items")] == ["1", "2"]
    assert found.word("absent") is None and found.message("absent") is None


def test_of_several_values_the_last_counts():
    found = parse("a: 1 a: 2 b { c: 1 } b { c: 2 }")
    assert found.word("a") == "2" and found.message("b").word("c") == "2"


@pytest.mark.parametrize(("line", "start", "end"), [(False, "{", "}"), (True, "{", "}"), (False, "<", ">")])
def test_what_protobuf_writes_is_read(line, start, end):
    made = struct_pb2.Struct()
    made.update({"däta \n'\"\\": "wörds\t\x01", "number": -1.5e-9, "list": [True, None, {"deep": "x"}]})
    text = text_format.MessageToString(made, as_one_line=line, pointy_brackets=start == "<")
    entries = {entry.word("key"): entry.message("value") for entry in parse(text).messages("fields")}
    assert set(entries) == set(made)
    assert entries["däta \n'\"\\"].word("string_value") == "wörds\t\x01"
    assert float(entries["number"].word("number_value")) == -1.5e-9
    first, second, third = entries["list"].message("list_value").messages("values")
    assert first.word("bool_value") == "true" and second.word("null_value") == "NULL_VALUE"
    assert third.message("struct_value").message("fields").word("key") == "deep"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("a {", "has no '}'"),
        ("a < b: 1 }", "'}' where a field is expected"),
        ("}", "where a field is expected"),
        ("a: ", "the text ends"),
        ("a: }", "where a value is expected"),
        ("a 1", "has no value"),
        ("a: [1 2]", "has no ']'"),
        ("a: [1", "has no ']'"),
        ("[a", "without ']'"),
        ("1: 2", "where a field is expected"),
        ("a: 'open", "cannot be understood"),
        ("a: \x00", "cannot be understood"),
        ("a: '\\xff'", "decode"),
        ("a {" * 1000, "inside each other"),
    ],
)
def test_what_is_not_text_format_is_a_value_error(source, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        parse(source)

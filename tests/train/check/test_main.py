"""The command `train.check`: exit codes, text, JSON and page."""

from __future__ import annotations

import json
import shutil
from types import SimpleNamespace

from runtime.common.command import exit_code
from tests.support.pages import ESCAPED, SHOWN, assert_harmless, classes_without_style
from tests.support.pets import CAT, DOG, data, jpg, pets, save_again, xml
from tests.support.voc_samples import annotation, data_set
from train.check import __main__ as check
from train.check import checks
from train.check.statistics.dataset_statistics import gather


def test_exit_codes(data, tmp_path, capsys):
    assert exit_code(check.main, [str(data)]) == 0
    assert capsys.readouterr().out.endswith("\npets can be trained\n")
    annotation(xml(data, 60), (CAT, *(("yak", 10 * i, 4, 10 * i + 9, 44) for i in range(5))))
    for i in range(3):
        save_again(data, i, 52 + i)
    for i in range(5):
        annotation(xml(data, i), (CAT, DOG, (f"word {'abcde'[i] * 9}", 1, 4, 60, 44)))
    assert exit_code(check.main, [str(data)]) == 1
    printed = capsys.readouterr().out
    assert "pets should not be trained as it is: 1 failure, 4 warnings" in printed
    assert "- word bbbbbbbbb: 1 box\n" in printed and "- and 2 more\n" in printed
    for arguments in ([str(tmp_path / "nothing")], [str(data), "--out", str(tmp_path)], [str(data), "--format", "xyz"]):
        assert exit_code(check.main, arguments) == 2
        assert capsys.readouterr().err.startswith("error: ")


def test_a_page_that_cannot_be_written_is_one_line(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert exit_code(check.main, [str(data_set(tmp_path / "few", 6)), "--out", str(tmp_path / "file" / "x.html")]) == 1
    assert capsys.readouterr().err.startswith(f"error: {tmp_path}/file/x.html: the page cannot be written: ")


def test_the_tables_lines_fit_the_terminal(data):
    shutil.copy(jpg(data, 3), jpg(data, 60))
    statistics = gather(data, progress=False)
    text = check.as_text(statistics, checks.run(statistics), 60)
    assert max(map(len, text.splitlines())) <= 60
    assert text.splitlines()[:4] == [
        "pets    train  validation",
        "images     51          20",
        "boxes     102          40",
        "  cat      51          20",
    ]


def test_json_for_programs(data, capsys):
    for i in range(3):
        save_again(data, i, 52 + i)
    assert check.main([str(data), "--json", "--size", "640"]) == 1
    result = json.loads(capsys.readouterr().out)
    assert (result["data"], result["size"], result["trainable"]) == ("pets", 640, False)
    assert result["pictures"] == {"train": 52, "validation": 20}
    assert result["boxes"]["cat"] == {"train": 52, "validation": 20}
    assert set(result["findings"][0]) == {"severity", "check", "what", "count", "places", "where", "do", "command"}
    assert result["findings"][0]["severity"] == "failure" and result["findings"][0]["count"] == 3


def test_the_page_holds_everything_and_escapes_what_it_shows(data):
    annotation(xml(data, 3), (CAT, (ESCAPED, 20, 4, 60, 44)))
    evil = jpg(data, 4).with_name("<b onclick=x>&\".jpg")
    jpg(data, 4).rename(evil)
    annotation(xml(data, 4), (CAT, DOG), filename="x").rename(xml(data, 4).with_name('<b onclick=x>&".xml'))
    lists = data / "ImageSets" / "Main" / "train.txt"
    lists.write_text(lists.read_text().replace("p4\n", '<b onclick=x>&"\n'))
    shutil.copy(evil, jpg(data, 60))
    out = data.parent / "report.html"
    assert check.main([str(data), "--out", str(out)]) == 0
    text = out.read_text()
    assert_harmless(text)
    assert not classes_without_style(text)
    assert SHOWN in text and "&lt;b onclick=x&gt;&amp;&quot;.jpg" in text
    assert text.count("data:image/webp;base64,") >= 36 and "is in validation too" in text


def test_a_page_of_data_without_boxes(tmp_path):
    folder = data_set(tmp_path / "empty", 3, boxes=())
    out = tmp_path / "report.html"
    assert exit_code(check.main, [str(folder), "--out", str(out)]) == 1
    assert_harmless(out.read_text())


def test_images_are_shown_of_every_class():
    from train.check.page import sample

    def entry(*labels):
        return SimpleNamespace(example=SimpleNamespace(boxes=[SimpleNamespace(label=label) for label in labels]))

    images = [entry("cat") for _ in range(90)] + [entry("dog"), entry("dog", "yak"), entry()]
    chosen = sample(SimpleNamespace(images=images, labels=("cat", "dog", "yak")), 12)
    assert len(chosen) == len(set(chosen)) == 12 and {90, 91, 92} <= set(chosen)

"""Public benchmarks and the tools that download them: each has a text format of its own."""

from __future__ import annotations

from pathlib import Path

from tests.support.tool_exports import LABELS, layout, split, truth, write


@layout("oidv4 toolkit: a folder for each class, labels in Label", split=True)
def _oidv4(folder: Path) -> None:
    for part, images in split().items():
        place = folder / "OID" / "Dataset" / {"train": "train", "val": "validation"}[part] / "red_blue"
        for one in images:
            one.save(place)
            lines = (f"{label} {x0:.6f} {y0:.6f} {x1:.6f} {y1:.6f}\n" for label, x0, y0, x1, y1 in one.boxes)
            write(place / "Label" / f"{one.stem}.txt", "".join(lines))


@layout("dota: labelTxt with the corners of turned boxes")
def _dota(folder: Path) -> None:
    for one in truth():
        one.save(folder / "images")
        lines = (f"{x0}.0 {y0}.0 {x1}.0 {y0}.0 {x1}.0 {y1}.0 {x0}.0 {y1}.0 {label} 0\n" for label, x0, y0, x1, y1 in one.boxes)
        write(folder / "labelTxt" / f"{one.stem}.txt", f"imagesource:GoogleEarth\ngsd:0.146\n{''.join(lines)}")


def visdrone(folder: Path) -> None:
    """VisDrone: commas, category numbers."""
    for one in truth():
        one.save(folder / "images")
        lines = (f"{x0},{y0},{x1 - x0},{y1 - y0},1,{LABELS.index(label) + 1},0,0\n" for label, x0, y0, x1, y1 in one.boxes)
        write(folder / "annotations" / f"{one.stem}.txt", "".join(lines))
    write(folder / "classes.txt", "red\nblue\n")


def wider(folder: Path) -> None:
    """WIDER FACE: one text file, a number of boxes after each name."""
    lines = []
    for one in truth():
        one.save(folder / "WIDER_train" / "images" / "0--Parade")
        boxes = (f"{x0} {y0} {x1 - x0} {y1 - y0} 0 0 0 0 0 0\n" for _, x0, y0, x1, y1 in one.boxes)
        lines.append(f"0--Parade/{one.stem}.jpg\n{len(one.boxes)}\n{''.join(boxes)}")
    write(folder / "wider_face_split" / "wider_face_train_bbx_gt.txt", "".join(lines))


def mot(folder: Path) -> None:
    """MOTChallenge's gt.txt, which DarkLabel writes too."""
    lines = []
    for number, one in enumerate(truth(), 1):
        one.save(folder / "img1", f"{number:06}.jpg")
        lines += [f"{number},{i},{x0},{y0},{x1 - x0},{y1 - y0},1,-1,-1,-1\n" for i, (_, x0, y0, x1, y1) in enumerate(one.boxes)]
    write(folder / "gt" / "gt.txt", "".join(lines))


# What is not read, and the tools that the message names.
UNREAD = {"VisDrone": visdrone, "WIDER FACE": wider, "MOTChallenge": mot}

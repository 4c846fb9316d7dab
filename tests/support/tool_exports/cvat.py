"""CVAT's exports of an image task (task's subset: Train, default)."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.tool_exports import HEIGHT, LABELS, WIDTH, coco, layout, split, truth, voc, write, yolo


@layout("cvat: CVAT for images 1.1")
def _xml(folder: Path) -> None:
    images = []
    for number, one in enumerate(truth()):
        one.save(folder / "images")
        boxes = "".join(
            f'    <box label="{label}" source="manual" occluded="0" xtl="{x0:.2f}" ytl="{y0:.2f}" xbr="{x1:.2f}"'
            f' ybr="{y1:.2f}" z_order="0">\n    </box>\n'
            for label, x0, y0, x1, y1 in one.boxes
        )
        images.append(f'  <image id="{number}" name="{one.stem}.jpg" width="{WIDTH}" height="{HEIGHT}">\n{boxes}  </image>\n')
    labels = "".join(f"<label><name>{name}</name><color>#fa3253</color><type>any</type></label>" for name in LABELS)
    write(
        folder / "annotations.xml",
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n'
        f"  <meta><task><id>1</id><size>6</size><labels>{labels}</labels></task></meta>\n{''.join(images)}</annotations>\n",
    )


@layout("cvat: CVAT for images 1.1, polygons, images left out of the export's folder")
def _polygons(folder: Path) -> None:
    images = []
    for number, one in enumerate(truth()):
        one.save(folder / "frames")
        shapes = "".join(
            f'<polygon label="{label}" points="{x0}.0,{y0}.0;{x1}.0,{y0}.0;{x1}.0,{y1}.0;{x0}.0,{y1}.0" occluded="0"/>'
            for label, x0, y0, x1, y1 in one.boxes
        )
        images.append(f'<image id="{number}" name="{one.stem}.jpg" width="{WIDTH}" height="{HEIGHT}">{shapes}</image>')
    write(folder / "annotations.xml", f"<annotations><version>1.1</version>{''.join(images)}</annotations>")


@layout("cvat: PASCAL VOC 1.1")
def _voc(folder: Path) -> None:
    for one in truth():
        one.save(folder / "JPEGImages")
        write(folder / "Annotations" / f"{one.stem}.xml", voc(one))
    write(folder / "ImageSets" / "Main" / "default.txt", "".join(f"{one.stem}\n" for one in truth()))
    write(folder / "labelmap.txt", "# label:color_rgb:parts:actions\nbackground:0,0,0::\nblue:1,2,3::\nred:4,5,6::\n")


@layout("cvat: YOLO 1.1")
def _yolo(folder: Path) -> None:
    for one in truth():
        one.save(folder / "obj_train_data")
        write(folder / "obj_train_data" / f"{one.stem}.txt", yolo(one))
    write(folder / "obj.data", "classes = 2\ntrain = data/train.txt\nnames = data/obj.names\nbackup = backup/\n")
    write(folder / "obj.names", "red\nblue\n")
    write(folder / "train.txt", "".join(f"data/obj_train_data/{one.stem}.jpg\n" for one in truth()))


@layout("cvat: Ultralytics YOLO Detection 1.0", split=True)
def _ultralytics(folder: Path) -> None:
    for part, images in split().items():
        for one in images:
            one.save(folder / "images" / part)
            write(folder / "labels" / part / f"{one.stem}.txt", yolo(one))
        write(folder / f"{part}.txt", "".join(f"data/images/{part}/{one.stem}.jpg\n" for one in images))
    write(folder / "data.yaml", "names:\n  0: red\n  1: blue\npath: .\ntrain: train.txt\nval: val.txt\n")


@layout("cvat: COCO 1.0")
def _coco(folder: Path) -> None:
    for one in truth():
        one.save(folder / "images" / "default")
    write(folder / "annotations" / "instances_default.json", json.dumps(coco(truth())))


@layout("cvat: COCO 1.0 of a project with subsets", split=True)
def _coco_subsets(folder: Path) -> None:
    for part, images in split().items():
        for one in images:
            one.save(folder / "images" / part)
        write(folder / "annotations" / f"instances_{part}.json", json.dumps(coco(images)))


@layout("cvat: Datumaro 1.0")
def _datumaro(folder: Path) -> None:
    items = []
    for one in truth():
        one.save(folder / "images" / "default")
        annotations = [
            {
                "id": 0,
                "type": "bbox",
                "attributes": {"occluded": False, "rotation": 0.0},
                "group": 0,
                "label_id": LABELS.index(label),
                "z_order": 0,
                "bbox": [float(x0), float(y0), float(x1 - x0), float(y1 - y0)],
            }
            for label, x0, y0, x1, y1 in one.boxes
        ]
        image = {"path": f"{one.stem}.jpg", "size": [HEIGHT, WIDTH]}
        items.append({"id": one.stem, "annotations": annotations, "attr": {"frame": 0}, "image": image})
    labels = [{"name": name, "parent": "", "attributes": []} for name in LABELS]
    data = {"info": {}, "categories": {"label": {"labels": labels, "attributes": []}, "points": {"items": []}}, "items": items}
    write(folder / "annotations" / "default.json", json.dumps(data))


@layout("cvat: LabelMe 3.0")
def _labelme(folder: Path) -> None:
    for one in truth():
        one.save(folder / "default")
        shapes = "".join(
            f"<object><name>{label}</name><deleted>0</deleted><verified>0</verified><occluded>no</occluded><type>bounding_box"
            f"</type><polygon><pt><x>{x0}.00</x><y>{y0}.00</y></pt><pt><x>{x1}.00</x><y>{y0}.00</y></pt>"
            f"<pt><x>{x1}.00</x><y>{y1}.00</y></pt><pt><x>{x0}.00</x><y>{y1}.00</y></pt></polygon></object>"
            for label, x0, y0, x1, y1 in one.boxes
        )
        write(
            folder / "default" / f"{one.stem}.xml",
            f"<annotation><filename>{one.stem}.jpg</filename><folder></folder>{shapes}"
            f"<imagesize><nrows>{HEIGHT}</nrows><ncols>{WIDTH}</ncols></imagesize></annotation>",
        )

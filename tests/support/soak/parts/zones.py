"""A zone and a line, at which every square passes."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, Dict, Iterable, List, Tuple

from tests.support.soak import street
from tests.support.soak.parts import Part, Place
from tests.support.soak.verdict import Check


def connect(place: Place) -> Part:
    return Zones(place.lines)


class Zones(Part):
    """What was counted is what the JSON lines tell of, and about what has passed."""

    words = ("--line", "way=0.5,1,0.5,0", "--zone", "middle=0.35,0.1,0.65,0.1,0.65,1,0.35,1")

    def __init__(self, lines: Path) -> None:
        self._lines = lines

    def judge(self, final: Dict[str, Any]) -> List[Check]:
        told = final["areas"]
        lines = (json.loads(line) for line in self._lines.read_text().splitlines())
        return judged(told, lines, sum(final["dropped"]["sinks"].values()))


def judged(told: Dict[str, Any], lines: Iterable[Dict[str, Any]], dropped: int) -> List[Check]:
    """Compares the last counts with the crossings in JSON lines, of which `dropped` are missing, and with the street."""
    crossed: Counter[Tuple[str, str]] = Counter()
    sums: List[int] = []
    last = 0
    for line in lines:
        last = line["frame"]
        areas = line["areas"]
        crossed.update((item.get("line") or item.get("zone"), item["event"]) for item in areas["crossings"])
        sums.append(areas["lines"]["way"]["in"] + areas["zones"]["middle"]["entered"])
    way, middle = told["lines"]["way"], told["zones"]["middle"]
    counts = {("way", "in"): way["in"], ("way", "out"): way["out"], ("middle", "entered"): middle["entered"],
              ("middle", "left"): middle["left"]}  # fmt: skip
    missing = {key: number - crossed[key] for key, number in counts.items()}
    laps = last // (street.PASSING + street.PAUSE)
    return [
        # Who leaves when the run ends is in no line.
        Check("counts of zones and lines are those of the lines of JSON", all(0 <= each <= dropped + 3 for each in missing.values()),
              f"{way['in']} in, {way['out']} out, {middle['entered']} entered, {middle['left']} left; not in the lines:"
              f" {sum(missing.values())}, and {dropped} lines"),
        Check("counts of zones and lines never fall", sums == sorted(sums), f"{len(sums)} lines"),
        # The model is loaded again, engines and the camera fail: a square that passes meanwhile may be missed.
        Check("squares are counted at the line", laps * 0.8 <= way["in"] <= laps * 1.2 + 2 and way["out"] <= laps * 0.05 + 1,
              f"{laps} passed, {way['in']} in, {way['out']} out"),
    ]  # fmt: skip

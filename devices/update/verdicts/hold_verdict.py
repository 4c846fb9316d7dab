"""Judges a hold by what the runtime has compared: enough of it, and how far both models agree."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import List, Optional, Tuple

from devices.host.paths import MODEL
from devices.update.verdicts.hold import Counted, Hold, Terms, Uptime, total
from devices.update.verdicts.hold_text import amount, found, span
from devices.update.verdicts.verdict import BAD, GOOD, TROUBLE, Verdict
from runtime.telemetry.health import Health

# After so many times the hold, with the device switched on, what was compared is too little.
LONGEST = 3
# A class is judged by itself if either model has found so many objects of it.
LEAST_OBJECTS = 20

ALL = "all classes"

NO_RUNTIME = "no runtime runs here"


def looked_at(hold: Hold, health: Optional[Health], models: Path, uptime: Uptime) -> Tuple[Hold, Optional[Verdict]]:
    """The hold after a look at the runtime's health, and the verdict where the runtime cannot run the release.

    `models` is the folder of the releases; `health` is None where no runtime runs.
    """
    on = uptime.seconds - hold.uptime if uptime.boot == hold.boot else uptime.seconds
    hold = replace(hold, waited=hold.waited + max(0.0, on), boot=uptime.boot, uptime=uptime.seconds)
    shadow = health.shadow if health is not None else None
    trouble = _trouble(hold, health, models)
    if trouble or shadow is None:
        return replace(hold, trouble=trouble), None
    if shadow.error:
        verdict = Verdict(TROUBLE if shadow.may_pass else BAD, f"the runtime cannot run it beside {hold.against}: {shadow.error}")
        return replace(hold, trouble=""), verdict
    latest = Counted(shadow.id, shadow.seconds, shadow.frames, shadow.classes)
    # Another comparison has begun: what the one before it had is kept.
    before = hold.before if latest.id == hold.latest.id else hold.before.plus(hold.latest)
    return replace(hold, before=before, latest=latest, trouble="", unknown=shadow.only_first, added=shadow.only_second), None


def judge(hold: Hold, terms: Terms) -> Optional[Verdict]:
    """The verdict; None to look again later."""
    counted = hold.counted
    if counted.seconds >= terms.seconds and counted.frames >= terms.frames:
        return _by_agreement(hold, terms)
    if hold.waited >= LONGEST * terms.seconds:
        why = f": {hold.trouble}" if hold.trouble else ""
        return Verdict(
            TROUBLE,
            f"too little was compared in {span(hold.waited)}{why} ({amount(counted)} of {span(terms.seconds)} and "
            f"{terms.frames} frames); ask for less with --shadow-for and --shadow-frames, or take it with --now",
        )
    return None


def _trouble(hold: Hold, health: Optional[Health], models: Path) -> str:
    """Why the health says nothing about the hold; empty where it does."""
    if health is None:
        return NO_RUNTIME
    shadow = health.shadow
    if shadow is None:
        needed = f"shadow: {models.parent / 'shadow' / MODEL},follow=on"
        return f"the runtime compares nothing so far; runtime.yaml needs the line {needed}, or its command --shadow, and a restart"
    if not _is_of(shadow.model, models / hold.release):
        return f"the runtime still compares {shadow.model}"
    # One that cannot be loaded may be just that: damaged since its self-test.
    if not shadow.error and shadow.sha256 and hold.sha256 and shadow.sha256 != hold.sha256:
        return f"the runtime compares another file than was tested: {shadow.model}"
    if not _is_of(shadow.against, models / hold.against):
        return f"the runtime runs {shadow.against} instead of {hold.against}"
    return ""


def _is_of(model: str, folder: Path) -> bool:
    return os.path.dirname(os.path.realpath(model)) == os.path.realpath(folder)


def _by_agreement(hold: Hold, terms: Terms) -> Verdict:
    counted = hold.counted
    # What only one of the models can find says nothing about how well the other finds it.
    alone = {*hold.unknown, *hold.added}
    shared = {name: counts for name, counts in counted.classes.items() if name not in alone}
    bad: List[str] = []
    for name, counts in [*shared.items(), (ALL, total(shared))]:
        both, first, second = counts
        if sum(counts) < LEAST_OBJECTS or both >= terms.agreement * sum(counts):
            continue
        if name == ALL and bad:
            # The classes say it.
            continue
        missed = not both and not second
        bad.append(f"{name} not once ({first} by {hold.against})" if missed else f"{name} {both / sum(counts):.0%} of {sum(counts)}")
    lost = f"; it does not know {', '.join(hold.unknown)}" if hold.unknown else ""
    text = f"compared with {hold.against} for {amount(counted)}"
    if bad:
        return Verdict(
            BAD,
            f"{text}, too little is found by both: {', '.join(bad)}, under {terms.agreement:.0%}{lost}; look at what they disagree "
            "on (--collect), then take it with --retry --now, or publish a better one",
        )
    return Verdict(GOOD, f"{text}{found(shared)}{lost}")

"""What people are told of a hold."""

from __future__ import annotations

from devices.host.durations import in_unit
from devices.update.verdicts.hold import Classes, Counted, Hold, Terms, total


def progress(hold: Hold, terms: Terms) -> str:
    """How far a hold is, for people."""
    counted = hold.counted
    done = f"{span(counted.seconds)} of {span(terms.seconds)}, {counted.frames} of {terms.frames} frames"
    agreement = found(counted.classes) if counted.frames else ""
    return f"{hold.release} is compared with it first: {done}{agreement}" + (f"; {hold.trouble}" if hold.trouble else "")


def summary(hold: Hold) -> str:
    """What was compared, and the verdict where there is one, for people."""
    counted = hold.counted
    if hold.is_open:
        agreement = found(counted.classes) if counted.frames else ""
        text = f"{hold.release}: compared with {hold.against} for {amount(counted)}{agreement}"
        return text + (f"; {hold.trouble}" if hold.trouble else "")
    return f"{hold.release}: {hold.word}: {hold.reason}"


def span(seconds: float) -> str:
    """`45.4 s`, `12 min`, `2.5 h`, `2 d`."""
    number, unit = in_unit(seconds)
    return f"{number:.3g} {unit}"


def amount(counted: Counted) -> str:
    """`12 min on 410 frames`."""
    return f"{span(counted.seconds)} on {counted.frames} frames"


def found(classes: Classes) -> str:
    """`, 91% of 452 objects found by both`, to follow what was compared."""
    both, first, second = total(classes)
    objects = both + first + second
    return f", {both / objects:.0%} of {objects} objects found by both" if objects else ", neither has found anything"

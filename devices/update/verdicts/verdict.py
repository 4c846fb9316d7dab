"""How a probation or a hold of a release ended."""

from __future__ import annotations

from dataclasses import dataclass

GOOD, BAD, TROUBLE, OPEN = "good", "bad", "trouble", "open"
# Of a hold only: switched to before the comparison had ended.
TAKEN = "taken"


@dataclass(frozen=True)
class Verdict:
    """How a release was judged, and the `reason`.

    `word` is GOOD; BAD for a fault of the release; TROUBLE for a failure that may pass; or OPEN where it is too early
    to say.
    """

    word: str
    reason: str

"""Shows a fleet on a terminal, redrawn in place, and finds what changed, for output to a pipe."""

from __future__ import annotations

import os
import shutil
from typing import IO, Callable, Dict, List, Sequence, Tuple

from devices.fleet import table
from devices.fleet.verdicts import Rank, Verdict

# Terminals' control sequences (ECMA-48; 1049 and 25 are xterm's).
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_HOME, _TO_END_OF_LINE, _TO_END_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"
_BOLD, _RED, _YELLOW, _RESET = "\x1b[1m", "\x1b[31m", "\x1b[33m", "\x1b[0m"

# The rest are told of by `--once`.
_MOST_NOTES = 3


class Screen:
    """A full-screen table, to be used with `with`; the former content of the terminal comes back afterwards."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._colours = not os.environ.get("NO_COLOR")

    def show(self, head: str, verdicts: Sequence[Verdict], notes: Sequence[str] = ()) -> None:
        """Draws the head, the first of the `notes`, and as many devices as fit, with a line about the rest."""
        width, height = shutil.get_terminal_size()
        found = table.lines(verdicts)
        notes = notes[:max(min(_MOST_NOTES, height - 6), 0)]
        room = max(height - 3 - len(notes), 1)
        rows = list(zip(found[1:], (verdict.rank for verdict in verdicts)))
        hidden = len(rows) - room
        shown = [head[:width], *(note[:width] for note in notes), self._painted(found[0][:width], _BOLD)]
        shown += [self._painted(row[:width], _COLOURS.get(rank, "")) for row, rank in rows[:room]]
        if hidden > 0:
            worst = table.word(verdicts[room].rank)
            shown.append(f"and {hidden} more, the first of them {worst}; a taller window shows more"[:width])
        # Lines are overwritten, not cleared first, so that the screen does not flicker.
        self._stream.write(
            _HOME + "\r\n".join(line + _TO_END_OF_LINE for line in shown) + _TO_END_OF_SCREEN
        )
        self._stream.flush()

    def __enter__(self) -> Screen:
        self._stream.write(_ENTER)
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.write(_LEAVE)
        self._stream.flush()

    def _painted(self, text: str, colour: str) -> str:
        return f"{colour}{text}{_RESET}" if colour and self._colours else text


_COLOURS = {Rank.FAILING: _RED, Rank.OFFLINE: _RED, Rank.STALE: _RED, Rank.REFUSING: _YELLOW, Rank.OLD: _YELLOW}


class Changes:
    """Finds devices that are new, or whose health or model changed, since the last call."""

    def __init__(self) -> None:
        self._known: Dict[str, Tuple[object, ...]] = {}

    def of(self, verdicts: Sequence[Verdict], wanted: Callable[[Verdict], bool]) -> List[Verdict]:
        """The verdicts that changed: of those that are `wanted`, and of those that no longer are."""
        found = []
        for verdict in verdicts:
            name, report = verdict.member.name, verdict.member.report
            # The counts of a comparison grow all the time.
            shadow = (report.shadow.model, report.shadow.release, report.shadow.error) if report.shadow else ()
            releases = tuple(status.news for status in report.releases)
            now = (verdict.rank, verdict.why, report.model, report.sha256, report.release, report.versions, shadow, releases)
            if wanted(verdict):
                changed = self._known.get(name) != now
                self._known[name] = now
            else:
                changed = self._known.pop(name, None) is not None
            if changed:
                found.append(verdict)
        return found

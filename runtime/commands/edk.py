"""The command `edk VERB ...`, which hands over to the command behind the verb."""

from __future__ import annotations

import sys
from typing import Optional, Sequence

from runtime.commands import verbs
from runtime.common.command import exit_code
from runtime.common.errors import InputError

DISTRIBUTION = "edge-detection-kit"
USAGE = "usage: edk VERB [ARGUMENT ...]"
COMPLETION = "completion"
# Followed by the words of a command line up to the cursor; the scripts for shells call it.
COMPLETE = "__complete"

_ABOVE = f"""{USAGE}

Makes object detectors for small devices: train, convert, run."""
_BELOW = f"""edk VERB --help shows the arguments of a verb. edk VERB is python -m MODULE:
edk train is python -m train, edk run is python -m runtime.

other commands:
  edk {COMPLETION} bash|zsh|fish   prints what makes this shell complete verbs and options
  edk --version                  prints the version of {DISTRIBUTION}"""


def command() -> int:
    """Runs `main` and returns the exit code."""
    return exit_code(main)


def main(argv: Optional[Sequence[str]] = None) -> int:
    """The command. Returns its exit code; the command behind a verb ends with SystemExit. Raises InputError."""
    words = list(sys.argv[1:] if argv is None else argv)
    first, rest = (words[0], words[1:]) if words else ("--help", [])
    if first == "help" and rest:
        first, rest = rest[0], ["--help"]
    if first in ("--help", "-h", "help"):
        print(listing())
    elif first in ("--version", "-V"):
        print(version())
    elif first == COMPLETION:
        from runtime.commands import shells

        print(shells.script(rest))
    elif first == COMPLETE:
        from runtime.commands import completion

        print(completion.answer(rest))
    else:
        from runtime.commands import handover

        return handover.hand_over(_verb(first), rest)
    return 0


def listing() -> str:
    """All verbs, by what people want to do."""
    width = max(len(verb.name) for verb in verbs.VERBS)
    lines = [_ABOVE]
    group = ""
    for verb in verbs.VERBS:
        if verb.group != group:
            group = verb.group
            lines.append(f"\n{group}:")
        lines.append(f"  {verb.name:<{width}}  {verb.sentence}")
    return "\n".join([*lines, "", _BELOW])


def version() -> str:
    """The name and version of the kit that runs."""
    from runtime.common.command_parser import kit_version

    return f"{DISTRIBUTION} {kit_version() or '(version unknown)'}"


def _verb(word: str) -> verbs.Verb:
    """The verb of that name. Raises InputError, with the verbs that may have been meant."""
    try:
        return verbs.named(word)
    except KeyError:
        pass
    if word.startswith("-"):
        raise InputError(f"{word}: options follow a verb, as in edk train {word}; edk --help lists the verbs")
    meant = verbs.similar(word)
    advice = f"did you mean {' or '.join(meant)}? " if meant else ""
    raise InputError(f"edk has no verb {word}; {advice}edk --help lists them")

"""Code blocks of Markdown pages: found, run in a folder, or parsed by the command's own argument parser.

A block of shell or Python is run, unless a comment directly above says why not:

    <!-- parsed: REASON -->   each line is a command of the kit, whose arguments are only parsed
    <!-- not run: REASON -->  nothing is run; commands of the kit in it are parsed all the same
    <!-- not run, not parsed: REASON -->
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple
from unittest import mock

from docs.generator import commands
from runtime.commands import edk
from runtime.commands.verbs import VERBS
from runtime.common.command import exit_code
from tests.support.paths import ROOT

SHELLS = ("sh", "bash", "shell", "console")
PYTHONS = ("python", "py")
RUN, PARSED, LEFT_ALONE = "run", "parsed", "not run, not parsed"
# Longer than what any block should take, on a busy machine.
_SECONDS = 300

_FENCE = re.compile(r"^( *)(`{3,}|~{3,})\s*([\w+-]*)")
_COMMENT = re.compile(r"^ *<!--\s*(?:(parsed|not run|not run, not parsed)\s*:\s*(.*?))\s*-->$", re.S)
# A comment that is meant as one of these, but is not.
_MISTAKEN = re.compile(r"<!--\s*(parse|not[ -]?run|skip)", re.I)
_OPERATORS = set("();<>|&")


class Fault(AssertionError):
    """A block that is wrong. The message begins with PAGE:LINE."""


class Block(NamedTuple):
    """`line` is that of the first line of `text`; `treatment` is RUN, PARSED, "not run" or LEFT_ALONE."""

    page: str
    line: int
    language: str
    text: str
    treatment: str
    reason: str


class Call(NamedTuple):
    """A command of the kit in a shell line; `plain` where nothing else is in it. `module` is "" for `edk` itself."""

    line: int
    module: str
    arguments: List[str]
    plain: bool


def blocks(page: str, text: str) -> List[Block]:
    """The shell and Python blocks of a page. Raises Fault for a comment without a reason and a fence without an end."""
    found = []
    lines = text.split("\n")
    number = 0
    while number < len(lines):
        opened = _FENCE.match(lines[number])
        if not opened:
            number += 1
            continue
        end = next((at for at in range(number + 1, len(lines)) if lines[at].strip() == opened[2]), None)
        if end is None:
            raise Fault(f"{page}:{number + 1}: this block has no end")
        language = opened[3].lower()
        if language in SHELLS + PYTHONS:
            inside = "\n".join(
                line[len(opened[1]) :] if line[: len(opened[1])].isspace() else line for line in lines[number + 1 : end]
            )
            treatment, reason = _comment(page, lines, number)
            found.append(Block(page, number + 2, language, _input(language, inside), treatment, reason))
        number = end + 1
    return found


def check(block: Block, folder: Path, names: Dict[str, Any]) -> None:
    """Runs a block in `folder`, or parses it, as its comment says. Raises Fault where it fails.

    `names` are the variables of the page's Python blocks, which are as one program.
    """
    if block.language in PYTHONS:
        code = _compiled(block)
        if block.treatment == RUN:
            _run_python(block, code, folder, names)
        elif block.treatment == PARSED:
            raise Fault(f"{block.page}:{block.line}: only commands can be parsed; say 'not run' of Python")
        return
    if block.treatment == LEFT_ALONE:
        return
    calls = list(_calls(block))
    for call in calls:
        _parse(block, call)
    spoken = [number for number, line in _lines(block) if line.strip() and not line.lstrip().startswith("#")]
    bare = set(spoken) - {call.line for call in calls}
    if block.treatment == PARSED and bare:
        raise Fault(f"{block.page}:{min(bare)}: this is no command of the kit, which could be parsed")
    if block.treatment == RUN and not bare and all(call.plain for call in calls):
        for call in calls:
            _run_call(block, call, folder)
    elif block.treatment == RUN:
        _run_shell(block, folder)


def _comment(page: str, lines: List[str], fence: int) -> Tuple[str, str]:
    above = fence - 1
    while above >= 0 and not lines[above].strip():
        above -= 1
    if above < 0 or not lines[above].rstrip().endswith("-->"):
        return RUN, ""
    start = above
    while start > 0 and "<!--" not in lines[start]:
        start -= 1
    comment = "\n".join(lines[start : above + 1]).rstrip()
    said = _COMMENT.match(comment)
    if said is None:
        if _MISTAKEN.search(comment):
            raise Fault(f"{page}:{start + 1}: write <!-- parsed: REASON --> or <!-- not run: REASON -->")
        return RUN, ""
    if not said[2].strip():
        raise Fault(f"{page}:{start + 1}: this comment gives no reason")
    return said[1], " ".join(said[2].split())


def _input(language: str, text: str) -> str:
    """What a person types: of a console, the lines after a prompt."""
    if language != "console":
        return text
    return "\n".join(line[2:] if line.startswith("$ ") else "" for line in text.split("\n"))


def _lines(block: Block) -> Iterator[Tuple[int, str]]:
    """(line of the page, text) with continued lines put together."""
    waiting, first = "", 0
    for number, line in enumerate(block.text.split("\n"), start=block.line):
        first = first or number
        if line.endswith("\\"):
            waiting += line[:-1] + " "
            continue
        yield first, waiting + line
        waiting, first = "", 0


def _calls(block: Block) -> Iterator[Call]:
    for number, line in _lines(block):
        try:
            reader = shlex.shlex(line, posix=True, punctuation_chars="();<>|&")
            reader.whitespace_split = True
            words = list(reader)
        except ValueError:
            # A quotation that goes on in the next line: the shell's affair.
            continue
        parts: List[List[str]] = [[]]
        for word in words:
            if word and set(word) <= _OPERATORS:
                # The number of what is redirected.
                if word[0] in "<>" and parts[-1][-1:] in (["1"], ["2"]):
                    parts[-1].pop()
                parts.append([])
            else:
                parts[-1].append(word)
        for part in parts:
            call = _call(block, number, part, len(parts) == 1)
            if call:
                yield call


def _call(block: Block, line: int, words: List[str], alone: bool) -> Optional[Call]:
    rest = list(words)
    while rest and (re.match(r"^[A-Za-z_]\w*=", rest[0]) or rest[0] in ("sudo", "time", "nohup")):
        rest.pop(0)
    plain = alone and len(rest) == len(words) and not any(re.search(r"[$*?~`]", word) for word in words)
    if not rest:
        return None
    program = rest[0].rpartition("/")[2]
    if program in ("edk", "edge-detection-kit"):
        modules = {verb.name: verb.module for verb in VERBS}
        if len(rest) > 1 and rest[1] in modules:
            return Call(line, modules[rest[1]], rest[2:], plain)
        return Call(line, "", rest[1:], plain)
    module = rest[2] if re.match(r"^python[\d.]*$", program) and rest[1:2] == ["-m"] and len(rest) > 2 else ""
    if module.partition(".")[0] not in commands.PACKAGES:
        return None
    if module not in commands.modules():
        raise Fault(f"{block.page}:{line}: there is no python -m {module}")
    return Call(line, module, rest[3:], plain)


class _Parsed(Exception):
    """Leaves a command once its arguments are parsed."""


def _parse(block: Block, call: Call) -> None:
    """Lets the command's own parser read the arguments. Raises Fault where it refuses them."""
    if not call.module:
        if call.arguments and call.arguments[0] not in ("--help", "-h", "help", "--version", "-V", edk.COMPLETION):
            raise Fault(f"{block.page}:{call.line}: edk has no verb {call.arguments[0]}")
        return
    parse_args = argparse.ArgumentParser.parse_args

    def parse(parser: argparse.ArgumentParser, *arguments: Any, **options: Any) -> None:
        parse_args(parser, *arguments, **options)
        raise _Parsed

    written = io.StringIO()
    try:
        patched = mock.patch.object(argparse.ArgumentParser, "parse_args", parse)
        with patched, contextlib.redirect_stderr(written), contextlib.redirect_stdout(io.StringIO()):
            commands.main(call.module)(call.arguments)
    except _Parsed:
        return
    except SystemExit as end:
        if end.code not in (0, None):
            raise Fault(f"{block.page}:{call.line}: {_last(written.getvalue())}") from None


def _run_call(block: Block, call: Call, folder: Path) -> None:
    """Runs a command of the kit in this process."""
    main = commands.main(call.module) if call.module else edk.main
    written = io.StringIO()
    with _inside(folder), contextlib.redirect_stdout(written), contextlib.redirect_stderr(written):
        try:
            code: Any = exit_code(main, call.arguments)
        except SystemExit as end:
            code = end.code or 0
        except Exception:
            raise Fault(f"{block.page}:{call.line}: {traceback.format_exc()}") from None
    if code:
        raise Fault(f"{block.page}:{call.line}: exit code {code}\n{written.getvalue()[-2000:]}")


def _run_shell(block: Block, folder: Path) -> None:
    """Runs the whole block in a shell that knows `edk` and `python`."""
    programs = folder.parent / "bin"
    programs.mkdir(exist_ok=True)
    for name, starts in (("edk", "-m runtime.commands"), ("python", ""), ("python3", "")):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {starts} "$@"\n')
        program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", block.text],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_SECONDS,
    )
    if done.returncode:
        raise Fault(f"{block.page}:{block.line}: exit code {done.returncode}\n{done.stdout[-2000:]}")


def _compiled(block: Block) -> Any:
    """The code, with the line numbers of the page. Raises Fault where it is no Python."""
    try:
        return compile("\n" * (block.line - 1) + block.text, block.page, "exec")
    except SyntaxError as error:
        raise Fault(f"{block.page}:{error.lineno}: {error.msg}") from None


def _run_python(block: Block, code: Any, folder: Path, names: Dict[str, Any]) -> None:
    with _inside(folder), contextlib.redirect_stdout(io.StringIO()):
        try:
            exec(code, names)
        except (Exception, SystemExit):
            raise Fault(f"{block.page}:{block.line}: {traceback.format_exc(limit=-4)}") from None


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _last(text: str) -> str:
    return text.strip().split("\n")[-1]

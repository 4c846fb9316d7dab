"""Runs a command with the sandbox of a systemd unit, without systemd: `python confined.py UNIT COMMAND...`.

The settings SystemCallFilter (with the groups that systemd-analyze lists), NoNewPrivileges,
MemoryDenyWriteExecute, CapabilityBoundingSet= and RestrictAddressFamilies are read from the unit and applied
through libseccomp and prctl(2), as systemd does.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

PR_SET_NO_NEW_PRIVS, PR_CAPBSET_DROP, PR_SET_MDWE, PR_GET_MDWE = 38, 24, 65, 66
SCMP_ACT_ALLOW, SCMP_ACT_ERRNO = 0x7FFF0000, 0x00050000
SCMP_CMP_NE, SCMP_CMP_MASKED_EQ = 1, 7
EPERM, EAFNOSUPPORT = 1, 97
PROT_EXEC = 4


class Comparison(ctypes.Structure):
    """libseccomp's scmp_arg_cmp: a condition on an argument of a system call."""

    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


def missing() -> str:
    """Why the sandbox cannot be set up on this machine; empty where it can."""
    if shutil.which("systemd-analyze") is None:
        return "systemd-analyze is not installed; Debian's package systemd has it"
    try:
        ctypes.CDLL("libseccomp.so.2")
    except OSError:
        return "libseccomp is not installed; Debian's package libseccomp2 has it"
    if ctypes.CDLL(None).prctl(PR_GET_MDWE, 0, 0, 0, 0) < 0:
        return "this kernel cannot forbid memory that is written and run: PR_SET_MDWE came with 6.3"
    return ""


def settings(unit: Path, name: str) -> list:
    """The values of the setting `name` in the file `unit`, in its order."""
    lines = (line.strip() for line in unit.read_text(encoding="utf-8").splitlines())
    return [line.partition("=")[2] for line in lines if line.startswith(f"{name}=")]


def calls(name: str) -> set:
    """The system calls in the systemd group `name`, or the one call `name`."""
    if not name.startswith("@"):
        return {name}
    command = ["systemd-analyze", "syscall-filter", name]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    words = (line.strip() for line in output.splitlines()[1:])
    return set().union(*(calls(word) for word in words if word and not word.startswith("#")))


def allowed(unit: Path) -> set:
    """The system calls that `unit` allows."""
    found: set = set()
    for words in settings(unit, "SystemCallFilter"):
        named = set().union(*(calls(word) for word in words.lstrip("~").split()))
        found = found - named if words.startswith("~") else found | named
    return found


def confine(unit: Path) -> None:
    """Applies the sandbox of `unit` to this process and to the program that it executes."""
    library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(SCMP_ACT_ERRNO | EPERM))
    # systemd allows these too, as it needs them to start the program.
    for name in sorted(allowed(unit) | {"execve", "exit", "exit_group", "rt_sigreturn", "prctl", "seccomp"}):
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:
            library.seccomp_rule_add_array(context, SCMP_ACT_ALLOW, number, 0, None)
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    for capability in range(64):
        prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    assert settings(unit, "NoNewPrivileges") == ["yes"] and prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    if settings(unit, "MemoryDenyWriteExecute") == ["yes"] and prctl(PR_SET_MDWE, 1, 0, 0, 0):
        sys.exit("this kernel has no PR_SET_MDWE (it came with 6.3)")
    code = library.seccomp_load(context)
    if code:
        sys.exit(f"the filter cannot be loaded: {os.strerror(-code)}")
    families = ctypes.c_void_p(library.seccomp_init(SCMP_ACT_ALLOW))
    number = library.seccomp_syscall_resolve_name(b"socket")
    known = {getattr(socket, name) for name in settings(unit, "RestrictAddressFamilies")[0].split()}
    for family in set(range(46)) - known:
        rule = (Comparison * 1)(Comparison(0, 4, family, 0))
        library.seccomp_rule_add_array(families, SCMP_ACT_ERRNO | EAFNOSUPPORT, number, 1, rule)
    if library.seccomp_load(families):
        sys.exit("the filter of address families cannot be loaded")


if __name__ == "__main__":
    confine(Path(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])

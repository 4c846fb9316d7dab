"""How a thread that collects outputs shares the processor with the model that goes on running.

An answer wakes the collecting thread on the core that the engine's process writes it from. Linux would suspend the engine
there for as long as the outputs are worked on, while another core has nothing to do. A thread of the kind SCHED_BATCH
suspends nobody when it wakes: it gets another core, or its share of this one at the next tick (sched(7)).
"""

from __future__ import annotations

import contextlib
import os


def give_way() -> None:
    """Lets the calling thread suspend no other one when it wakes; where the system forbids or lacks that, nothing."""
    _change("SCHED_OTHER", "SCHED_BATCH")


def take_turns() -> None:
    """Undoes `give_way`, which processes inherit from the thread that starts them."""
    _change("SCHED_BATCH", "SCHED_OTHER")


def stand_back(process: int) -> None:
    """Gives the process with this id only the time that nothing else wants; where the system cannot, less than others."""
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, process, 19)
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(process, os.SCHED_IDLE, os.sched_param(0))


def _change(before: str, after: str) -> None:
    # macOS has no such kinds. A unit of systemd may forbid the call.
    if hasattr(os, "sched_setscheduler"):
        with contextlib.suppress(OSError):
            if os.sched_getscheduler(0) == getattr(os, before):
                os.sched_setscheduler(0, getattr(os, after), os.sched_param(0))

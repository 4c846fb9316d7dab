from __future__ import annotations

import os
import sys
import threading

from runtime.common.native_output import messages_apart, silence_native_output


def said(capfd):
    return capfd.readouterr().err


def test_native_output_is_silenced_while_any_block_runs(capfd):
    begun, go = threading.Event(), threading.Event()

    def hang():
        with silence_native_output():
            begun.set()
            go.wait(60)

    thread = threading.Thread(target=hang, daemon=True)
    thread.start()
    assert begun.wait(60)
    # One that hangs holds no other.
    with silence_native_output():
        os.write(2, b"native 1")
    os.write(2, b"native 2")
    go.set()
    thread.join(60)
    os.write(2, b"after")
    assert said(capfd) == "after"


def test_messages_are_heard_beside_silent_native_code(capfd, monkeypatch):
    monkeypatch.setattr(sys, "stderr", open(2, "w", closefd=False))  # noqa: SIM115
    with messages_apart():
        with silence_native_output():
            os.write(2, b"native")
            print("message", file=sys.stderr)
        os.write(2, b"native again\n")
    print("later", file=sys.stderr, flush=True)
    assert said(capfd).splitlines() == ["message", "native again", "later"]


def test_where_standard_error_is_something_else_it_stays(capsys):
    before = sys.stderr
    with messages_apart():
        assert sys.stderr is before

from __future__ import annotations

from runtime.web.gate import Gate


def test_the_oldest_that_waits_gives_way():
    closed = []
    gate = Gate(most=5, most_waiting=3)
    for number in range(5):
        gate.enter(number, lambda number=number: closed.append(number))
    assert closed == [0, 1] and len(gate) == 3
    gate.admit(2)
    gate.admit(0)
    for number in (5, 6):
        gate.enter(number, lambda number=number: closed.append(number))
    assert closed == [0, 1, 3] and len(gate) == 4, "what is admitted stays; what was closed cannot be admitted"
    gate.leave(2)
    gate.leave(4)
    assert len(gate) == 2


def test_where_all_are_admitted_a_new_one_is_closed():
    closed = []
    gate = Gate(most=2, most_waiting=2)
    for number in (0, 1):
        gate.enter(number, lambda number=number: closed.append(number))
        gate.admit(number)
    gate.enter(2, lambda: closed.append(2))
    assert closed == [2] and len(gate) == 2
    gate.leave(0)
    gate.enter(3, lambda: closed.append(3))
    assert closed == [2]

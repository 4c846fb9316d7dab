from __future__ import annotations

import pytest

from runtime.mqtt import outbox
from runtime.mqtt.outbox import Message, Outbox


def data(number):
    return Message("data", str(number), counted=True)


def sent(box, first=1):
    """Takes all that may be sent, numbered from `first`."""
    assert box.begin()
    found = {}
    while True:
        message = box.take()
        if message is None:
            return found
        found[first + len(found)] = message
        box.sent(first + len(found) - 1, message)


def texts(found):
    return [(message.topic, message.text) for message in found.values()]


@pytest.fixture
def box():
    return Outbox()


def test_state_is_never_dropped_and_comes_first(box):
    assert [box.add(data(number)) for number in range(outbox.MOST_WAITING + 1)].count(False) == 1
    for state in ("starting", "running", "reopening"):
        box.keep("status", state)
    assert sent(box) == {}, "there is no connection"
    box.connected()
    found = sent(box)
    assert texts(found)[:2] == [("status", "reopening"), ("data", "0")] and len(found) == 1 + outbox.WINDOW
    box.keep("status", "running")
    box.acknowledged(2)
    assert texts(sent(box, 100)) == [("status", "running"), ("data", str(outbox.WINDOW))]


def test_a_connection_begins_with_all_values(box):
    box.connected()
    box.keep("a", "1")
    box.keep("b", "2")
    for number in sent(box):
        box.acknowledged(number)
    assert box.is_empty
    box.keep("a", "1")
    assert sent(box) == {}, "nothing has changed"
    box.disconnected()
    box.add(data(0))
    assert sent(box) == {} and not box.is_open
    box.connected()
    assert texts(sent(box)) == [("a", "1"), ("b", "2"), ("data", "0")]


def test_an_old_value_that_arrives_late_is_replaced(box):
    """The library repeats the value of the lost connection behind the new one."""
    box.connected()
    box.keep("source", "running")
    assert list(sent(box)) == [1]
    box.disconnected()
    box.keep("source", "reopening")
    box.connected()
    assert texts(sent(box, 2)) == [("source", "reopening")]
    box.acknowledged(2)
    assert sent(box, 3) == {}
    box.acknowledged(1)
    assert texts(sent(box, 3)) == [("source", "reopening")]
    box.acknowledged(3)
    assert box.is_empty


def test_a_broker_that_acknowledges_nothing_gets_few_messages(box):
    for number in range(100):
        box.connected()
        box.keep("source", str(number))
        box.add(data(number))
        assert len(sent(box, 1000 * number)) == (number < outbox.MOST_OF_TOPIC) + (number < outbox.WINDOW)
        box.disconnected()
    box.connected()
    for number in (0, 1000):
        box.acknowledged(number)
    assert ("source", "99") in texts(sent(box, 1))


def test_an_acknowledgment_before_the_number_is_known(box):
    box.connected()
    box.keep("source", "running")
    assert box.begin()
    message = box.take()
    box.keep("source", "reopening")
    box.acknowledged(7)
    box.sent(7, message)
    assert box.take() == Message("source", "reopening", retain=True)


def test_one_thread_at_a_time_sends(box):
    box.connected()
    assert box.begin() and not box.begin()
    box.add(data(1))
    assert box.take() == data(1), "the first one takes what the second one brought"
    box.end()
    assert box.begin() and box.take() is None and box.begin()


def test_what_is_lost(box):
    box.connected()
    box.keep("source", "running")
    for number in range(3):
        box.add(data(number))
    box.add(Message("data", "not counted"))
    sent(box)
    assert box.clear() == 3 and box.is_empty

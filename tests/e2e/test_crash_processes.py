# SPDX-License-Identifier: ISC
"""kill -9 of whole processes: of a session at each phase, and of the programs
behind it at random moments of a run. Same judge as test_crash.py."""

import os
import random
import signal
import threading

import pytest

import crash
import server
from crash import W1, W2, W3, judge
from test_crash import FAULT_PREFIX, fault_build  # noqa: F401
from test_faults import begin, c, data_of, find_process  # noqa: F401
from server import read_status

pytestmark = pytest.mark.skipif(
    not FAULT_PREFIX or not server.IS_ROOT,
    reason="needs root and MERPATI_FAULT_PREFIX")

MESSAGES = 200


def reply_of(wire):
    """The last reply, or nothing when the session is gone."""
    try:
        return wire.reply()
    except OSError:
        return ""


def is_gone(pid):
    try:
        return read_status(pid)["State"].startswith("Z")
    except OSError:
        return True


@pytest.mark.parametrize("phase", ["RCPT", "DATA", "dot"])
@pytest.mark.parametrize("victim", ["front", "smtpd-session", "enqueue"])
def test_a_session_is_killed(c, phase, victim):  # noqa: F811
    wire = begin(c)
    if victim == "front":
        session = find_process(c.host, "smtpd-session")
        pid = int(read_status(session)["PPid"])
        assert pid != c.host.process.pid
    else:
        pid = find_process(c.host, victim)
    enqueue = find_process(c.host, "enqueue")
    if phase != "RCPT":
        assert wire.say("DATA").startswith("354")
        wire.send(data_of("phase"))
    if phase == "dot":
        # The dot arrives, and nobody can answer before the kill.
        os.kill(enqueue, signal.SIGSTOP)
        wire.send(".\r\n")
    os.kill(pid, signal.SIGKILL)
    if phase == "dot" and pid != enqueue:
        os.kill(enqueue, signal.SIGCONT)
    if phase == "RCPT":
        wire.send("DATA\r\n")
    elif phase == "DATA":
        wire.send(".\r\n")
    reply = reply_of(wire)
    wire.close()
    c.history.note("phase", ("maildir",), reply.startswith("250"))
    server.wait_for(lambda: is_gone(pid), "its end")
    assert c.send("phase", "maildir")
    server.wait_for(lambda: c.found()["phase", "maildir"], "the second try")
    c.wait_queue_empty()
    assert not judge(c.history, c.found(),
                     (W1,) if phase == "dot" else ())


def send_all(c, sent, is_over):  # noqa: F811
    """At least MESSAGES, and on while processes are being killed."""
    for number in range(10 * MESSAGES):
        if number >= MESSAGES and is_over.is_set():
            return
        to = ["maildir"]
        if number % 4 == 1:
            to.append("mbox")
        if number % 4 == 2:
            to.append("ok@far.example")
        c.send("m%d" % number, *to)
        sent.append(number)


def test_programs_are_killed_at_random(c):  # noqa: F811
    random_of = random.Random(7)
    sent, kills = [], 0
    is_over = threading.Event()
    sender = threading.Thread(target=send_all, args=(c, sent, is_over))
    sender.start()
    for name in ("deliver", "qmgr", "deliver-spawn", "relay-spawn", "deliver",
                 "merpatid"):
        mark = len(sent) + random_of.randrange(5, 20)
        server.wait_for(lambda: len(sent) >= mark or not sender.is_alive(),
                        "some messages")
        os.kill(find_process(c.host, name), signal.SIGKILL)
        kills += 1
        if name == "merpatid":
            c.host.process.wait()
            c.host.stop()
            c.host.start()
    is_over.set()
    sender.join()
    # merpatid waits longer after each death of qmgr: a fresh one does not.
    c.host.stop()
    c.host.start()
    c.host.mailq("retry", "all", check=False)
    c.wait_queue_empty(60)
    assert not judge(c.history, c.found(), (W1, W2, W3), kills + 1)
    c.assert_clean_log()

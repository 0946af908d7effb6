# SPDX-License-Identifier: ISC
"""Thousands of held-open, slow connections do not keep others out.

The full figure is 5,000 sockets (MERPATI_HEAVY=1); otherwise a tenth of it,
with a tenth of the places, so that ./check stays short. Half of the
attackers crowd twenty networks, half come each from a network of its own.
The tries begin when the places have been held for longer than merpatid's
patience (common/server_admission.h): who comes from more networks than there
are places can fill them for that moment.
"""

import contextlib
import os
import resource
import selectors
import socket
import threading
import time

import pytest

import server
import starters
from server import Wire, wait_for

HEAVY = bool(os.environ.get("MERPATI_HEAVY"))
SOCKETS = 5000 if HEAVY else 500
PLACES = 512 if HEAVY else 52
TIMEOUT = 30 if HEAVY else 12
TRIES = 100
REOPEN_PER_SECOND = 20 if HEAVY else 4
# The second merpatid is a front: with its enqueue and the session that waits
# for the next connection.
AT_REST = ["deliver-spawn", "enqueue", "merpatid", "merpatid", "pickup",
           "qmgr", "relay-spawn", "smtpd-session"]


def attacker_addresses():
    half = SOCKETS // 2
    for number in range(half):
        yield "127.10.%d.%d" % (number % 20, 1 + number // 20 % 250)
    for number in range(SOCKETS - half):
        yield "127.%d.%d.1" % (20 + number % 200, number // 200)


class Attack:
    """Holds sockets open, a byte in ten seconds on each; what the host
    closes comes again, at a bounded rate."""

    def __init__(self, host):
        self.place = (host.address, host.ports["smtp"])
        self.selector = selectors.DefaultSelector()
        self.opened = {}
        self.ended = []
        self.todo = list(attacker_addresses())
        self.most = self.refused = 0
        self.unheard = set()
        self.is_stopping = False
        self.thread = threading.Thread(target=self.run)

    def open(self, address):
        sock = socket.socket()
        sock.settimeout(20)
        sock.bind((address, 0))
        sock.connect(self.place)
        sock.setblocking(False)
        self.opened[sock] = time.monotonic()
        self.unheard.add(sock)
        self.selector.register(sock, selectors.EVENT_READ, address)

    def close(self, sock, address):
        self.ended.append(time.monotonic() - self.opened.pop(sock))
        self.selector.unregister(sock)
        sock.close()
        self.todo.append(address)

    def look(self, seconds):
        for key, _ in self.selector.select(seconds):
            try:
                data = key.fileobj.recv(4096)
            except OSError:
                data = b""
            self.unheard.discard(key.fileobj)
            if data.startswith(b"421"):
                self.refused += 1
            if not data or data.startswith(b"421"):
                self.close(key.fileobj, key.data)

    def write(self):
        for sock in list(self.opened):
            with contextlib.suppress(OSError):
                sock.send(b"E")

    def run(self):
        for address in self.todo[:SOCKETS]:
            self.open(address)
            self.look(0)
            wait_for(lambda: self.look(0) or len(self.unheard) < 500,
                     "an answer", 120)
        del self.todo[:SOCKETS]
        self.most = len(self.opened)
        next_byte = time.monotonic()
        next_open = time.monotonic()
        while not self.is_stopping or self.opened:
            now = time.monotonic()
            if now >= next_byte:
                self.write()
                next_byte = now + 10
            if now >= next_open and self.todo and not self.is_stopping:
                self.open(self.todo.pop(0))
                next_open = now + 1 / REOPEN_PER_SECOND
            self.look(0.02)


def one_session(host):
    """Seconds from the connection to the reply to QUIT."""
    began = time.monotonic()
    sock = socket.create_connection((host.address, host.ports["smtp"]), 10,
                                    ("127.200.0.1", 0))
    wire = Wire(sock)
    try:
        assert wire.line().startswith("220 ")
        wire.say("EHLO client.example")
        wire.say("MAIL FROM:<a@b.example>")
        assert wire.say("RCPT TO:<mahen@%s>" % host.hostname)[:3] == "250"
        assert wire.say("QUIT").startswith("221")
        return time.monotonic() - began
    except (OSError, AssertionError):
        return 99.0
    finally:
        wire.close()


def descriptors(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


def is_at_rest(host):
    names = []
    for pid in starters.processes_of(host):
        with contextlib.suppress(OSError):
            names.append(server.read_status(pid)["Name"].strip())
    return sorted(names) == AT_REST


@pytest.mark.skipif(not server.IS_ROOT, reason="as root, as it runs")
def test_slow_crowds_do_not_keep_others_out(make_host):
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    host = make_host(settings={
        "mynetworks": "127.0.0.1", "max_connections": str(PLACES),
        "command_timeout": "%ds" % TIMEOUT, "log_level": "warning"})
    host.add_user("mahen@" + host.hostname)
    host.start()
    assert one_session(host) < 2
    pid = host.process.pid
    wait_for(lambda: is_at_rest(host), "the session to be gone")
    before = descriptors(pid), len(starters.processes_of(host))
    attack = Attack(host)
    attack.thread.start()
    try:
        # Until each has its greeting or its refusal.
        wait_for(lambda: attack.most and not attack.unheard, "the attack",
                 240)
        held = time.monotonic()
        wait_for(lambda: time.monotonic() - held > 2.5, "held places")
        times = [one_session(host) for _ in range(TRIES)]
    finally:
        attack.is_stopping = True
        attack.thread.join(TIMEOUT + 60)
    late = [seconds for seconds in times if seconds > 2]
    print("served in %.3f s (median), %.3f s (worst); %d late; %d refused" %
          (sorted(times)[len(times) // 2], max(times), len(late),
           attack.refused))
    assert len(late) <= TRIES // 100, times
    # The bad ones are gone in time: nothing was renewed by slow bytes.
    assert not attack.opened
    assert max(attack.ended) < TIMEOUT + 15
    # Fronts that wait for work go when mail.conf is touched.
    os.utime(host.conf)
    assert one_session(host) < 2
    wait_for(lambda: (descriptors(pid), len(starters.processes_of(host))) ==
             before, "all processes and descriptors to be gone", 60)
    assert one_session(host) < 2

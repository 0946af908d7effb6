# SPDX-License-Identifier: ISC
"""Who makes mistakes is answered ever later, and keeps nobody waiting."""

import socket
import time

import server
from server import Wire

SOFT = 5  # mistakes that cost nothing; the next ones 1, 2, 3 ... seconds


def connected(host, source):
    wire = Wire(socket.create_connection(
        (host.address, host.ports["smtp"]), server.DEADLINE, (source, 0)))
    assert wire.reply().startswith("220 ")
    assert wire.say("EHLO client.test").startswith("250")
    return wire


def mistakes(wire, count):
    """The seconds that these took."""
    began = time.monotonic()
    for _ in range(count):
        assert wire.say("RCPT TO:<a@b.test>").startswith("503 5.5.1 ")
    return time.monotonic() - began


def test_mistakes_of_strangers_are_slow_and_of_friends_are_not(make_host):
    host = make_host(settings={"mynetworks": "127.0.0.9"})
    host.add_user("mahen@" + host.hostname)
    host.start()
    stranger = connected(host, "127.0.0.2")
    mistakes(stranger, SOFT)
    # One second for the sixth; a good command is slow as well.
    assert mistakes(stranger, 1) >= 0.9
    began = time.monotonic()
    assert stranger.say("NOOP").startswith("250 ")
    assert time.monotonic() - began >= 0.9
    stranger.send("RCPT TO:<a@b.test>\r\n")
    # While it waits, another one is served.
    other = connected(host, "127.0.0.3")
    assert other.say("MAIL FROM:<a@b.test>").startswith("250 ")
    assert other.say("RCPT TO:<mahen@%s>" % host.hostname) \
        .startswith("250 ")
    other.close()
    assert stranger.reply().startswith("503 ")
    stranger.close()
    # 1 + 2 + 3 + 4 + 5 * 5 seconds, would it be a stranger's.
    friend = connected(host, "127.0.0.9")
    assert mistakes(friend, 14) < 15
    friend.close()

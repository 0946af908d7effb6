# SPDX-License-Identifier: ISC
"""No combination of settings makes an open relay.

Every pair of values of the settings below occurs; MERPATI_HEAVY=1 walks the
whole product. From an address outside mynetworks each trick is tried, on
each port, with three senders, and what is accepted is sent: it may end in a
mailbox here, and never elsewhere.
"""

import itertools
import os
import re
import socket
import ssl

import pytest

from server import Wire, wait_for
from sink import Sink

HEAVY = bool(os.environ.get("MERPATI_HEAVY"))
STRANGER = "127.0.0.99"
OUT = "relay-test.invalid"
CONTEXT = ssl.create_default_context()
CONTEXT.check_hostname = False
CONTEXT.verify_mode = ssl.CERT_NONE

# Those without is_kept lead out: to be refused, whatever the settings.
TRICKS = (
    ("user%%%s@{here}" % OUT, True), ("mahen%%%s@{here}" % OUT, True),
    ("\"user@%s\"@{here}" % OUT, True), ("\"user%%%s\"@{here}" % OUT, True),
    ("%s!user@{here}" % OUT, True), ("mahen!user@{here}", True),
    ("user%%%s" % OUT, True), ("%s!user" % OUT, True),
    ("user-%s@{here}" % OUT, True), ("mahen+x@%s@{here}" % OUT, True),
    ("user@%s" % OUT, False), ("@{here}:user@%s" % OUT, False),
    ("@{here},@%s:user@%s" % (OUT, OUT), False),
    ("@%s:user@%s" % (OUT, OUT), False),
    ("user@[127.0.0.1]", False), ("mahen@[127.0.0.1]", False),
    ("user%%%s@[127.0.0.1]" % OUT, False), ("\"user@%s\"" % OUT, True),
    ("user@{here}.%s" % OUT, False), ("\\@user@%s" % OUT, False),
)
# Who makes many mistakes is served slowly: a few on each connection.
PARTS = [TRICKS[first:first + 5] for first in range(0, len(TRICKS), 5)]
SENDERS = ("", "postmaster@{here}", "mahen@{here}", "a@" + OUT)
VALUES = {
    "mynetworks": ("127.0.0.1", "127.0.0.1 10.0.0.0/8 ::1"),
    "way": ("yes", "yes sink", "smarthost sink", "no"),
    "lab": ("no", "yes"),
    "recipient_delimiter": ("+", "-", "%", "!", "@", ""),
    "catch_all": ("", "mahen@{here}"),
    "valiases": ("", "@{here}: mahen@{here}\n", "x@{here}: y@%s\n" % OUT),
    "sender_check": ("own", "no"),
    "proxy": ("", "127.0.0.2"),
}


def combinations():
    names = list(VALUES)
    everything = [dict(zip(names, values))
                  for values in itertools.product(*VALUES.values())]
    if HEAVY:
        return everything
    missing = {(a, x, b, y) for a, b in itertools.combinations(names, 2)
               for x in VALUES[a] for y in VALUES[b]}
    chosen = []

    def pairs(one):
        return {(a, one[a], b, one[b])
                for a, b in itertools.combinations(names, 2)}

    while missing:
        best = max(everything, key=lambda one: len(pairs(one) & missing))
        chosen.append(best)
        missing -= pairs(best)
    return chosen


def connected(host, service):
    sock = socket.create_connection((host.address, host.ports[service]), 30,
                                    (STRANGER, 0))
    if service == "submissions":
        sock = CONTEXT.wrap_socket(sock)
    wire = Wire(sock)
    assert wire.line().startswith("220 ")
    assert wire.say("EHLO thief.example").startswith("250")
    return wire


def attempt(host, wire, sender, tricks):
    """Pipelined; what was accepted is sent."""
    if not wire.say("MAIL FROM:<%s>" % sender).startswith("250"):
        return []
    lines = ["RCPT TO:<%s>" % form.format(here=host.hostname)
             for form, _ in tricks]
    wire.send("".join(line + "\r\n" for line in lines))
    replies = [wire.reply() for _ in lines]
    taken = [(line, is_kept) for line, reply, (_, is_kept) in
             zip(lines, replies, tricks) if not reply.startswith("5")]
    if taken:
        assert wire.say("DATA").startswith("354")
        assert wire.say("Subject: x\r\n\r\nx\r\n.").startswith("250")
    return taken


def test_no_combination_of_settings_relays_for_strangers(make_host):
    with Sink() as sink:
        host = make_host()
        host.add_user("mahen@" + host.hostname)
        host.start()
        walked = kept = 0
        for number, one in enumerate(combinations()):
            internet, _, relayhost = one["way"].partition(" ")
            host.write("valiases",
                       one["valiases"].format(here=host.hostname))
            host.write_conf({
                "mynetworks": one["mynetworks"], "internet": internet,
                "relayhost": relayhost and "[127.0.0.1]:%d" % sink.port,
                "lab": one["lab"], "sender_check": one["sender_check"],
                "recipient_delimiter": one["recipient_delimiter"],
                "catch_all": one["catch_all"].format(here=host.hostname),
                "proxy_networks": one["proxy"],
                "xclient_hosts": one["proxy"]})
            for service in ("smtp", "submission", "submissions"):
                if service != "smtp" and number % 4 != 0:
                    continue
                for sender, tricks in itertools.product(SENDERS, PARTS):
                    wire = connected(host, service)
                    taken = attempt(host, wire,
                                    sender.format(here=host.hostname), tricks)
                    wire.close()
                    assert service == "smtp" or not taken, (one, taken)
                    for line, is_kept in taken:
                        assert is_kept, (one, sender, line)
                    walked += 1
                    kept += len(taken)
            if number % 8 == 0:
                told = host.mailctl("check", "--group", "relay",
                                    check=False).stdout
                assert "OPEN RELAY" not in told, (one, told)
                assert "may not relay" in told, (one, told)
        print("%d sessions; %d recipients kept here" % (walked, kept))
        host.wait_queue_empty(120)
        assert kept > 0
        assert not sink.messages
        assert not re.findall(r"to=<[^>]*@%s>, relay=" % re.escape(OUT),
                              host.read_log())

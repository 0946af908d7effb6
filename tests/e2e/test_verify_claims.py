# SPDX-License-Identifier: ISC
"""XCLIENT and PROXY joined with verify: DNS lists, names, greylisting, rates
and the pause before the greeting are about the client that was named."""

import contextlib
import select
import socket
import time

import pytest

import server
from server import Wire
from test_jail import tls_context
from test_verify import STRANGERS, TO, dns, envelope, send, stranger

assert dns  # a fixture

FRIEND = "127.0.0.7"  # may speak for others
PROXY = "127.0.0.8"   # begins with a header


@pytest.fixture
def start(make_host):
    def one(**settings):
        settings.setdefault("mynetworks", STRANGERS)
        host = make_host(settings=dict(settings, xclient_hosts=FRIEND,
                                       xforward_hosts=FRIEND,
                                       proxy_networks=PROXY))
        host.add_user(TO)
        return host.start()
    return one


def by_xclient(host, address):
    wire = stranger(host, FRIEND)
    assert wire.reply().startswith("220 ")
    wire.send("XCLIENT ADDR=%s NAME=[UNAVAILABLE]\r\n" % address)
    return wire


def by_proxy(host, address):
    wire = stranger(host, PROXY)
    kind = "TCP6" if ":" in address else "TCP4"
    local = "::1" if ":" in address else "127.0.0.1"
    wire.send("PROXY %s %s %s 4711 25\r\n" % (kind, address, local))
    return wire


WAYS = pytest.mark.parametrize("way", [by_xclient, by_proxy])


def ask(host, way, address, **options):
    wire = way(host, address)
    answer = envelope(wire, **options)
    wire.close()
    return answer


@WAYS
def test_lists_and_names_are_of_the_client_that_was_named(start, dns, way):
    host = start(
        reverse_dns="yes", dnsbl="bl.test",
        dns_servers=dns(
            "address=/7.113.0.203.bl.test/127.0.0.2",
            "address=/7.0.0.127.bl.test/127.0.0.2",
            "address=/8.0.0.127.bl.test/127.0.0.2",
            "address=/1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d."
            "0.1.0.0.2.bl.test/127.0.0.2",
            "ptr-record=9.113.0.203.in-addr.arpa,good.test",
            "address=/good.test/203.0.113.9"))
    listed = ask(host, way, "203.0.113.7")
    assert listed.startswith("554 5.7.1 ")
    assert "client [203.0.113.7] is listed by bl.test" in listed
    # The ones who speak for it are listed too, and are not asked about.
    wire = way(host, "203.0.113.9")
    assert envelope(wire).startswith("250 ")
    assert "queued as" in send(wire)
    wire.close()
    with open(host.wait_messages(TO, 1)[0]) as text:
        assert "(good.test [203.0.113.9])" in text.read()
    six = "2001:db8::1" if way is by_proxy else "IPV6:2001:db8::1"
    assert "client [2001:db8::1] is listed" in ask(host, way, six)
    assert "client=good.test[203.0.113.9]" in host.read_log()


@WAYS
def test_greylisting_and_rates_are_by_the_network_that_was_named(start, way):
    host = start(greylist="yes", greylist_delay="1h", rate_connections="2")
    assert "203.0.113.0/24 is new here" in ask(host, way, "203.0.113.7")
    assert "198.51.100.0/24 is new here" in ask(host, way, "198.51.100.1")
    assert ask(host, way, "203.0.113.8").startswith("451 4.7.1 ")
    third = ask(host, way, "203.0.113.9")
    assert third.startswith("421 4.7.0 ") and "203.0.113.0/24" in third
    assert ask(host, way, "198.51.100.2").startswith("451 4.7.1 ")


@WAYS
def test_the_pause_is_for_who_was_named(start, way):
    host = start(greet_pause="2s")
    began = time.monotonic()
    assert ask(host, way, "203.0.113.7").startswith("250 ")
    assert time.monotonic() - began >= 1.9
    # Its network is known now, another one is not.
    wire = way(host, "203.0.113.8")
    assert wire.reply().startswith("220 ")
    wire.close()
    wire = way(host, "198.51.100.1")
    # What stands right behind XCLIENT is thrown away with its session.
    if way is by_xclient:
        host.wait_log("for unknown[198.51.100.1]")
    wire.send("EHLO early.test\r\n")
    assert wire.reply().startswith("220 ")
    assert wire.reply().startswith("250")
    assert wire.say("MAIL FROM:<a@b.test>").startswith("250 ")
    answer = wire.say("RCPT TO:<%s>" % TO)
    assert "client [198.51.100.1] spoke before it was greeted" in answer
    wire.close()


def test_a_client_that_is_named_inside_tls_is_counted(start):
    host = start(greet_pause="1s", rate_connections="2")

    def inside(address):
        wire = stranger(host, FRIEND)
        assert wire.reply().startswith("220 ")
        assert wire.say("EHLO friend.test").startswith("250")
        assert wire.say("STARTTLS").startswith("220 ")
        wire = Wire(tls_context().wrap_socket(wire.sock))
        assert wire.say("EHLO friend.test").startswith("250")
        wire.send("XCLIENT ADDR=%s\r\n" % address)
        answer = envelope(wire)
        wire.close()
        return answer

    for _ in range(2):
        assert inside("203.0.113.7").startswith("250 ")
    assert inside("203.0.113.7").startswith("421 4.7.0 ")
    # STARTTLS alone is no new connection.
    for source in ("127.0.5.1", "127.0.5.2"):
        wire = stranger(host, source)
        assert wire.reply().startswith("220 ")
        assert wire.say("EHLO x").startswith("250")
        assert wire.say("STARTTLS").startswith("220 ")
        wire = Wire(tls_context().wrap_socket(wire.sock))
        assert wire.say("EHLO x").startswith("250")
        assert wire.say("MAIL FROM:<a@b.test>").startswith("250 ")
        assert wire.say("RCPT TO:<%s>" % TO).startswith("250 ")
        wire.close()


def test_who_was_forwarded_is_forgotten_by_rset(start):
    host = start()
    wire = stranger(host, FRIEND)
    assert wire.reply().startswith("220 ")
    assert wire.say("EHLO friend.test").startswith("250")
    assert wire.say("XFORWARD ADDR=203.0.113.7 NAME=far.test") \
        .startswith("250 ")
    assert wire.say("RSET").startswith("250 ")
    for name in ("first", "second"):
        assert wire.say("MAIL FROM:<%s@there.test>" % name) \
            .startswith("250 ")
        assert wire.say("RCPT TO:<%s>" % TO).startswith("250 ")
        assert "queued as" in send(wire)
        if name == "first":
            assert wire.say("XFORWARD ADDR=203.0.113.8").startswith("250 ")
    wire.close()
    log = host.read_log()
    first = next(line for line in log.splitlines()
                 if "client=" in line and "first@" in line)
    second = next(line for line in log.splitlines()
                  if "client=" in line and "second@" in line)
    assert "203.0.113" not in first
    assert "203.0.113.8" in second


def test_who_waits_for_its_greeting_has_begun_no_message(start):
    """A place that is held in the pause goes to a newcomer after seconds,
    not only after the minute that one with a message has."""
    host = start(greet_pause="5m", max_connections="4")
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.create_connection(
            (host.address, host.ports["smtp"]), server.DEADLINE,
            ("127.%d.0.1" % i, 0))) for i in range(100, 104)]
        # Each has asked for enqueue, so verify is there.
        server.wait_for(lambda: host.read_log().count(": connect from") == 4,
                        "four connections")

        def is_one_ended():
            with contextlib.suppress(OSError), socket.create_connection(
                    (host.address, host.ports["smtp"]), server.DEADLINE,
                    ("127.0.0.1", 0)):
                pass
            return select.select(held, [], [], 0.2)[0]

        server.wait_for(is_one_ended, "a place for a newcomer", 30)

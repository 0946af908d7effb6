# SPDX-License-Identifier: ISC
"""VRFY and EXPN: off the internet, and of use to own hosts."""

import smtplib
import socket

import pytest

import server
from server import Wire

NAME = "mail.kelompok1.local"


@pytest.fixture
def host(make_host):
    host = make_host(settings={"mynetworks": "127.0.0.9"})
    host.add_user("mahen@" + NAME)
    host.write("aliases", "staff: mahen, boss@far.test\n"
               "report: \"|/usr/bin/secret\"\n"
               "all: %s\n" % ", ".join("x%d@far.test" % i
                                       for i in range(300)))
    return host.start()


def connected(host, source, service="smtp"):
    wire = Wire(socket.create_connection(
        (host.address, host.ports[service]), server.DEADLINE, (source, 0)))
    assert wire.reply().startswith("220 ")
    return wire


def test_own_hosts_see_who_is_behind_an_alias(host):
    wire = connected(host, "127.0.0.9")
    assert "250-EXPN" in wire.say("EHLO x")
    assert wire.say("EXPN staff") == (
        "250-2.1.5 <mahen@%s>\n250 2.1.5 <boss@far.test>" % NAME)
    assert wire.say("EXPN <staff@%s>" % NAME).count("\n") == 1
    report = wire.say("EXPN report")
    assert report.startswith("250 2.1.5 a program of ")
    assert "secret" not in report
    assert wire.say("EXPN all").startswith("252 2.1.5 ")
    assert wire.say("EXPN nobody").startswith("550 5.1.1 ")
    assert wire.say("EXPN boss@far.test").startswith("252 2.0.0 ")
    # In the middle of a transaction, which it does not disturb.
    assert wire.say("MAIL FROM:<a@b.test>").startswith("250 ")
    assert wire.say("EXPN staff").startswith("250-")
    assert wire.say("RCPT TO:<mahen@%s>" % NAME).startswith("250 ")
    wire.close()
    assert "expn: <staff>: 2 addresses" in host.read_log()


def test_python_asks_for_a_list(host):
    with smtplib.SMTP(host.address, host.ports["smtp"], "client.test",
                      source_address=("127.0.0.9", 0)) as client:
        client.ehlo()
        assert client.has_extn("expn")
        code, text = client.expn("staff")
        assert code == 250 and b"<boss@far.test>" in text


def test_strangers_and_users_are_told_nothing(host):
    for service in ("smtp", "submission"):
        wire = connected(host, "127.0.0.2", service)
        assert "EXPN" not in wire.say("EHLO x")
        answers = {wire.say("EXPN " + name)
                   for name in ("staff", "nobody", "boss@far.test")}
        assert answers == {"252 2.0.0 Not told here: send the message and "
                           "see"}
        wire.close()
    assert "expn:" not in host.read_log()

# SPDX-License-Identifier: ISC
"""XCLIENT and XFORWARD with swaks and with Postfix's smtp client."""

import os
import shutil
import smtplib
import socket

import pytest

import server
from server import Wire

SETTINGS = {"mynetworks": "127.0.0.1", "xclient_hosts": "127.0.0.1",
            "xforward_hosts": "127.0.0.1 127.0.0.3"}


@pytest.fixture
def host(make_host):
    host = make_host(settings=SETTINGS)
    for name in ("mahen", "hendro"):
        host.add_user("%s@%s" % (name, host.hostname))
    return host.start()


def connected(host, service="smtp", source="127.0.0.1"):
    wire = Wire(socket.create_connection(
        (host.address, host.ports[service]), 30, (source, 0)))
    assert wire.line().startswith("220 ")
    return wire


def relay_code(wire):
    wire.say("EHLO relay-test.invalid")
    wire.say("MAIL FROM:<a@relay-test.invalid>")
    code = wire.say("RCPT TO:<victim@elsewhere.invalid>")[:3]
    wire.say("RSET")
    return code


def test_swaks_speaks_for_another_client(host):
    out = server.run(
        "swaks", "--server", host.address, "--port", str(host.ports["smtp"]),
        "--xclient-name", "client.example", "--xclient-addr", "203.0.113.7",
        "--xclient-port", "4711", "--xclient-proto", "ESMTP",
        "--xclient-helo", "helo.example", "--helo", "swaks.example",
        "--from", "a@b.example", "--to", "mahen@" + host.hostname)
    assert "250 2.0.0 Ok: queued" in out.stdout
    text = open(host.wait_messages("mahen@" + host.hostname, 1)[0]).read()
    assert "(client.example [203.0.113.7])" in text
    host.wait_log("client=client.example[203.0.113.7]")


def test_rights_follow_the_claim_and_claims_the_peer(host):
    wire = connected(host)
    assert "XCLIENT NAME" in wire.say("EHLO x")
    assert relay_code(wire) == "250"
    # The session begins anew, as a stranger's.
    assert wire.say("XCLIENT ADDR=203.0.113.7").startswith("220 ")
    assert wire.say("MAIL FROM:<a@b.example>").startswith("503 ")
    assert relay_code(wire) == "550"
    assert wire.say("XCLIENT ADDR=[UNAVAILABLE]").startswith("220 ")
    assert relay_code(wire) == "550"
    # The host itself is listed still, whatever it said.
    assert wire.say("XCLIENT ADDR=127.0.0.1 HELO=h.example PROTO=ESMTP") \
        .startswith("220 ")
    assert wire.say("MAIL FROM:<a@b.example>").startswith("250 ")
    assert wire.say("RCPT TO:<v@elsewhere.invalid>").startswith("250 ")
    wire.close()
    # Nobody else is told or obeyed.
    wire = connected(host, source="127.0.0.2")
    told = wire.say("EHLO x")
    assert "XCLIENT" not in told and "XFORWARD" not in told
    for verb in ("XCLIENT", "XFORWARD"):
        assert wire.say(verb + " ADDR=127.0.0.1").startswith("550 5.7.0")
    assert relay_code(wire) == "550"
    wire.close()


def test_a_login_can_be_claimed(host):
    wire = connected(host, "submission")
    assert wire.say("XCLIENT ADDR=203.0.113.7 LOGIN=mahen@" +
                    host.hostname).startswith("220 ")
    wire.say("EHLO x")
    # It has the rights of that user, and no more.
    assert wire.say("MAIL FROM:<hendro@%s>" % host.hostname) \
        .startswith("553 5.7.1")
    wire.say("MAIL FROM:<mahen@%s>" % host.hostname)
    assert wire.say("RCPT TO:<friend@elsewhere.invalid>").startswith("250 ")
    wire.say("RSET")
    assert wire.say("XCLIENT LOGIN=[UNAVAILABLE]").startswith("220 ")
    wire.say("EHLO x")
    assert wire.say("MAIL FROM:<mahen@%s>" % host.hostname) \
        .startswith("530 ")
    wire.close()


def test_inside_tls_the_next_session_greets_too(host):
    import ssl
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with smtplib.SMTP(host.address, host.ports["smtp"], timeout=30) as smtp:
        smtp.starttls(context=context)
        smtp.ehlo()
        assert smtp.has_extn("xclient")
        assert smtp.docmd("XCLIENT", "ADDR=203.0.113.7")[0] == 220
        smtp.ehlo()
        assert not smtp.has_extn("starttls")
        smtp.sendmail("a@b.example", ["mahen@" + host.hostname],
                      "Subject: x\r\n\r\nx\r\n")
    text = open(host.wait_messages("mahen@" + host.hostname, 1)[0]).read()
    assert "([203.0.113.7])" in text and "ESMTPS" in text


def test_forwards_are_recorded_for_one_message(host):
    wire = connected(host, source="127.0.0.3")
    wire.say("EHLO filter.example")
    assert wire.say("XFORWARD NAME=client.example ADDR=203.0.113.7 "
                    "PORT=4711").startswith("250 2.0.0")
    assert wire.say("XFORWARD HELO=helo.example PROTO=ESMTP IDENT=ABC") \
        .startswith("250 2.0.0")
    # No right comes from it.
    assert relay_code(wire) == "550"
    assert wire.say("XFORWARD ADDR=127.0.0.1 NAME=client.example PORT=4711 "
                    "HELO=helo.example PROTO=ESMTP IDENT=ABC") \
        .startswith("250 2.0.0")
    assert relay_code(wire) == "550"
    assert wire.say("XFORWARD ADDR=203.0.113.7 NAME=client.example PORT=4711 "
                    "HELO=helo.example PROTO=ESMTP IDENT=ABC") \
        .startswith("250 2.0.0")
    for number in range(2):
        wire.say("MAIL FROM:<n%d@b.example>" % number)
        wire.say("RCPT TO:<mahen@%s>" % host.hostname)
        wire.say("DATA")
        assert wire.say("Subject: x\r\n\r\nx\r\n.").startswith("250 ")
    wire.close()
    host.wait_log("from=<n1@b.example>")
    lines = [line for line in host.read_log().splitlines()
             if "client=localhost[127.0.0.3]" in line]
    assert len(lines) == 2
    assert lines[0].endswith(", orig_queue_id=ABC, orig_client="
                             "client.example[203.0.113.7]:4711, "
                             "orig_proto=ESMTP, orig_helo=<helo.example>")
    assert "orig_client" not in lines[1]


@pytest.mark.skipif(not server.IS_ROOT or not shutil.which("postfix"),
                    reason="needs root and Postfix")
def test_postfix_forwards_as_a_filter_does(host, folder):
    import test_peers
    postfix = test_peers.Postfix(folder,
                                 "[127.0.0.1]:%d" % host.ports["smtp"])
    try:
        with open(os.path.join(postfix.conf, "main.cf"), "a") as main:
            main.write("smtp_send_xforward_command = yes\n")
        server.run("postfix", "-c", postfix.conf, "reload")
        with smtplib.SMTP("127.0.0.1", postfix.port, timeout=30) as smtp:
            smtp.sendmail("a@b.example", ["mahen@" + host.hostname],
                          "Subject: x\r\n\r\nx\r\n")
        host.wait_messages("mahen@" + host.hostname, 1)
        line = host.wait_log("orig_client=localhost[127.0.0.1]:")
        assert line
        assert "orig_queue_id=" in host.read_log()
    finally:
        postfix.stop()

# SPDX-License-Identifier: ISC
"""Mail leaves through a smarthost that wants TLS and a login."""

import os
import shutil
import smtplib

from server import IS_ROOT, wait_for
from sink import Sink

SENDER = "mahen@mail.kelompok1.local"


def start(make_host, sink, **settings):
    nexthop = "[127.0.0.1]:%d" % sink.port
    host = make_host(settings=dict({"relayhost": nexthop}, **settings))
    if sink.knobs["auth"]:
        host.write("relay.map", nexthop + " " + sink.knobs["auth"] + "\n")
        path = os.path.join(host.directory, "relay.map")
        os.chmod(path, 0o600)
        if IS_ROOT:
            # The secrets are qmgr's to read, and nobody else's.
            shutil.chown(path, "_mpqueue")
    host.add_user(SENDER)
    return host.start()


def send(host, *recipients):
    with smtplib.SMTP(host.address, host.ports["smtp"]) as client:
        client.sendmail(SENDER, recipients, "Subject: x\r\n\r\n.hi\r\n")


def test_smarthost_with_tls_and_login(make_host):
    with Sink(starttls=True, auth="user:word", auth_needs_tls=True) as sink:
        host = start(make_host, sink, tls_security_level="encrypt")
        send(host, "a@far.example", "b@far.example")
        host.wait_log("status=sent")
        host.wait_queue_empty()
    message, = sink.messages
    assert message["is_tls"] and message["login"] == "user"
    assert message["mail_from"] == SENDER
    assert sorted(message["rcpt_to"]) == ["a@far.example", "b@far.example"]
    assert message["data"].endswith(b"\r\n\r\n.hi\r\n")
    assert "word" not in host.read_log()


def test_refused_bounces_put_off_stays(make_host):
    with Sink(refuse={"^no": "550 5.1.1 no such user",
                      "^later": "450 4.2.0 busy"}) as sink:
        host = start(make_host, sink)
        send(host, "a@far.example", "no@far.example", "later@far.example")
        bounce, = host.wait_messages(SENDER, 1)
        with open(bounce) as file:
            text = file.read()
        assert "Status: 5.1.1" in text
        assert "Diagnostic-Code: smtp; 550 5.1.1 no such user" in text
        wait_for(lambda: "450 4.2.0 busy" in host.mailq().stdout,
                 "the reason in mailq")
        assert "later@far.example" in host.mailq().stdout
        assert "a@far.example" not in host.mailq().stdout


def test_a_smarthost_that_is_down_keeps_the_mail(make_host):
    with Sink() as sink:
        pass
    host = start(make_host, sink)
    send(host, "a@far.example")
    host.wait_log("status=deferred")
    assert "Connection refused" in host.mailq().stdout

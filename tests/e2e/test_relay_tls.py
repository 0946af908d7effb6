# SPDX-License-Identifier: ISC
"""TLS when sending: the levels, for all and for one domain, and the log."""

import os
import shutil
import smtplib

import pytest

from server import IS_ROOT, wait_for
from sink import Sink, make_certificate

US = "mail.kelompok1.local"
SENDER = "mahen@" + US


@pytest.fixture
def certificate(folder):
    """Where the sink leaves its certificate, which is its own authority."""
    os.chmod(folder, 0o755)
    return folder


def start(make_host, sink, certificate=None, policies=None, **settings):
    host = make_host()
    if certificate:
        settings["tls_ca_file"] = os.path.join(host.directory, "ca.pem")
        shutil.copy(os.path.join(certificate, "cert.pem"),
                    settings["tls_ca_file"])
    if policies is not None:
        settings["tls_policy_map"] = os.path.join(host.directory, "policies")
        host.write("policies", policies)
    address, port = sink.server_address
    host.write_conf(dict(settings, relayhost="[%s]:%d" % (address, port)))
    host.add_user(SENDER)
    return host.start()


def send(host, recipient):
    with smtplib.SMTP(host.address, host.ports["smtp"]) as client:
        client.sendmail(SENDER, [recipient], "Subject: x\r\n\r\nhi\r\n")


def test_a_certificate_that_is_right(make_host, certificate):
    with Sink(starttls=True, certificate=certificate) as sink:
        host = start(make_host, sink, certificate, tls_security_level="verify")
        send(host, "a@far.example")
        host.wait_log("status=sent")
    assert sink.messages[0]["is_tls"]
    assert "tls=verify/Verified TLSv1.3, " in host.read_log()


def test_verify_gives_nothing_to_a_certificate_that_is_not(make_host):
    with Sink(starttls=True) as sink:
        host = start(make_host, sink, tls_security_level="verify")
        send(host, "a@far.example")
        host.wait_log("dsn=4.7.5, status=deferred")
        assert "certificate cannot be verified" in host.mailq().stdout
    assert not sink.messages


def test_verify_wants_the_name_of_the_host(make_host, certificate):
    with Sink(address="127.0.0.2", starttls=True,
              certificate=certificate) as sink:
        host = start(make_host, sink, certificate, tls_security_level="verify")
        send(host, "a@far.example")
        host.wait_log("dsn=4.7.5, status=deferred")
    assert not sink.messages


def test_verify_wants_starttls(make_host):
    with Sink() as sink:
        host = start(make_host, sink, tls_security_level="verify")
        send(host, "a@far.example")
        host.wait_log("tls=verify/clear, ")
        host.wait_log("dsn=4.7.5, status=deferred")
    assert not sink.messages


def test_one_domain_has_a_level_of_its_own(make_host):
    """A change of the map counts from the next try."""
    with Sink(starttls=True) as sink:
        host = start(make_host, sink, policies="far.example verify\n"
                     ".below.example none\nodd.example perhaps\n")
        send(host, "a@far.example")
        host.wait_log("to=<a@far.example>")
        send(host, "b@a.below.example")
        host.wait_log("to=<b@a.below.example>")
        send(host, "c@other.example")
        host.wait_log("to=<c@other.example>")
        send(host, "d@odd.example")
        wait_for(lambda: '"perhaps" for odd.example is not none' in
                 host.read_log() + host.mailq().stdout, "what is wrong")
        assert [m["is_tls"] for m in sink.messages] == [False, True]
        log = host.read_log()
        assert "tls=none/clear, " in log
        assert "tls=may/Untrusted TLSv1.3, " in log
        host.write("new", "* encrypt\n")
        os.rename(os.path.join(host.directory, "new"),
                  os.path.join(host.directory, "policies"))
        host.mailq("retry", "all")
        host.wait_queue_empty()
    assert len(sink.messages) == 4 and sink.messages[-1]["is_tls"]
    assert "tls=encrypt/Untrusted TLSv1.3, " in host.read_log()


def test_a_host_that_asks_sees_our_certificate(make_host, certificate):
    make_certificate(certificate, US)
    shown = os.path.join(certificate, "cert.pem")
    with Sink(starttls=True, client_ca=shown) as sink:
        host = start(make_host, sink, smtp_tls_cert_file=shown,
                     smtp_tls_key_file=os.path.join(certificate, "key.pem"))
        if IS_ROOT:
            shutil.chown(os.path.join(certificate, "key.pem"), "_mprelay")
        send(host, "a@far.example")
        host.wait_log("status=sent")
        assert sink.messages[0]["client"] == ((("commonName", US),),)
        # Without its key it is not shown, and mail goes on.
        os.unlink(os.path.join(certificate, "key.pem"))
        host.stop()
        host.start()
        send(host, "b@far.example")
        host.wait_log("smtp_tls_cert_file is not shown: key ")
        host.wait_queue_empty()
    assert sink.messages[1]["client"] is None


@pytest.mark.parametrize("level, expected", [
    ("may", "status=sent"), ("encrypt", "dsn=4.7.5, status=deferred"),
    ("verify", "dsn=4.7.5, status=deferred")])
def test_a_handshake_that_fails(make_host, level, expected):
    with Sink(broken_tls=True) as sink:
        host = start(make_host, sink, tls_security_level=level)
        send(host, "a@far.example")
        host.wait_log(expected)
        assert "TLS handshake with 127.0.0.1" in host.read_log()
    assert [m["is_tls"] for m in sink.messages] == (
        [False] if level == "may" else [])

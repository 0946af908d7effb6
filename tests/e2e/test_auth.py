# SPDX-License-Identifier: ISC
"""Logging in: every mechanism, by clients that nobody here wrote where they
exist (gsasl, msmtp, curl, imaplib, poplib, smtplib)."""

import base64
import imaplib
import json
import os
import poplib
import re
import shutil
import smtplib
import subprocess

import pytest

import server
from logins import (USER, Scram, command, context, encode, end_point, need,
                    rows, scram, smtp, wait_rows)


def test_what_is_offered(make_host):
    host = make_host()
    plus = ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256")
    host.start()
    with smtp(host) as client:
        # Nobody has keys for SCRAM, so it would fail for everybody.
        assert client.esmtp_features["auth"].split() == ["PLAIN", "LOGIN"]
    host.add_user(USER + "@" + host.hostname)
    with smtp(host) as client:
        assert client.esmtp_features["auth"].split() == [
            *plus, "PLAIN", "LOGIN"]
        assert client.docmd("AUTH", "EXTERNAL =")[0] == 504
    with smtplib.SMTP(host.address, host.ports["submission"]) as client:
        client.ehlo()
        assert client.esmtp_features["auth"].split() == [
            "SCRAM-SHA-256", "PLAIN", "LOGIN"]
        assert client.docmd("AUTH", "SCRAM-SHA-256-PLUS")[0] == 504
    with smtplib.SMTP(host.address, host.ports["smtp"]) as client:
        client.ehlo()
        assert "auth" not in client.esmtp_features
    box = imaplib.IMAP4_SSL(host.address, host.ports["imaps"],
                            ssl_context=context())
    assert "AUTH=SCRAM-SHA-256-PLUS" in box.capabilities
    assert "AUTH=XOAUTH2" not in box.capabilities
    box.logout()
    pop = poplib.POP3_SSL(host.address, host.ports["pop3s"],
                          context=context())
    assert pop.capa()["SASL"] == [*plus, "PLAIN", "LOGIN"]
    pop.quit()


def test_only_what_auth_mechanisms_names(make_host):
    host = make_host(settings={"auth_mechanisms": "scram-sha-256 login"})
    host.add_user(USER + "@" + host.hostname)
    host.start()
    with smtp(host) as client:
        assert client.esmtp_features["auth"].split() == [
            "SCRAM-SHA-256", "LOGIN"]
        assert command(client, "PLAIN " + encode("\0hendro\0secret"))[0] == 504


def test_scram_and_its_channel(host):
    with smtp(host) as client:
        assert scram(client, "SCRAM-SHA-256", Scram(USER, "secret")) == 235
    with smtp(host) as client:
        bound = end_point(client)
        right = Scram(USER, "secret", "p=tls-server-end-point,,", bound)
        assert scram(client, "SCRAM-SHA-256-PLUS", right) == 235
    with smtp(host) as client:
        wrong = Scram(USER, "secret", "p=tls-server-end-point,,", bound[::-1])
        assert scram(client, "SCRAM-SHA-256-PLUS", wrong) == 501
        # Somebody took the offer of -PLUS away.
        assert scram(client, "SCRAM-SHA-256",
                     Scram(USER, "secret", "y,,")) == 501
        unknown = Scram(USER, "secret", "p=tls-unique,,", b"x")
        assert scram(client, "SCRAM-SHA-256-PLUS", unknown) == 501
    failed = wait_rows(host, "failed", 3)
    assert [row["mechanism"] for row in failed] == [
        "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"]


def test_scram_with_a_wrong_password_and_cancelled(host):
    with smtp(host) as client:
        assert scram(client, "SCRAM-SHA-256", Scram(USER, "Secret")) == 535
        assert scram(client, "SCRAM-SHA-256", Scram("nobody", "x")) == 535
        first = Scram(USER, "secret")
        assert command(client, "SCRAM-SHA-256 " + first.first(), "*")[0] == 501
    reasons = [row["reason"] for row in wait_rows(host, "failed", 3)]
    assert reasons == ["wrong", "no", "the"]
    assert rows(host, "failed")[2]["counted"] == "no"


def test_a_replayed_exchange_is_refused(host):
    exchange = Scram(USER, "secret")
    with smtp(host) as client:
        code, text = client.docmd("AUTH", "SCRAM-SHA-256 " + exchange.first())
        final = exchange.final(text)
        code, text = client.docmd(final)
        assert code == 334
        assert client.docmd("")[0] == 235
    with smtp(host) as client:
        assert command(client, "SCRAM-SHA-256 " + exchange.first(),
                       final)[0] == 501


def test_scram_over_imap_and_pop3(host):
    exchange = Scram(USER, "secret")
    steps = [lambda _: exchange.first(), exchange.final,
             lambda text: "" if exchange.is_server(text) else "*"]
    box = imaplib.IMAP4_SSL(host.address, host.ports["imaps"],
                            ssl_context=context())
    replies = iter(steps)
    assert box.authenticate("SCRAM-SHA-256", lambda text: base64.b64decode(
        next(replies)(base64.b64encode(text))))[0] == "OK"
    assert box.select()[0] == "OK"
    box.logout()
    pop = poplib.POP3_SSL(host.address, host.ports["pop3s"],
                          context=context())
    exchange = Scram(USER, "secret")
    text = pop._shortcmd("AUTH SCRAM-SHA-256 " + exchange.first())
    text = pop._shortcmd(exchange.final(text.split()[1]))
    assert exchange.is_server(text.split()[1])
    assert pop._shortcmd("").startswith(b"+OK")
    assert pop.stat() == (0, 0)
    pop.quit()


# --- clients ---------------------------------------------------------------

@pytest.mark.parametrize("protocol,service", [
    ("--smtp", "submission"), ("--imap", "imap")])
@pytest.mark.parametrize("mechanism,password", [
    ("PLAIN", "secret"), ("SCRAM-SHA-256", "secret"),
    ("SCRAM-SHA-256-PLUS", "secret"), ("SCRAM-SHA-256-PLUS", "wrong")])
def test_gsasl(host, protocol, service, mechanism, password):
    need("gsasl")
    # It refuses SCRAM without -PLUS itself when it could bind.
    binding = [] if "PLUS" in mechanism else ["--no-cb"]
    result = server.run(
        "gsasl", protocol, "--mechanism", mechanism, "-a", USER, "-p",
        password, "--x509-ca-file", "", "--connect",
        "%s:%d" % (host.address, host.ports[service]), *binding,
        stdin=subprocess.DEVNULL, check=False, timeout=60)
    is_right = password == "secret"
    assert (result.returncode == 0) == is_right, result.stdout
    found = wait_rows(host, "login" if is_right else "failed", 1)
    assert found[0]["mechanism"] == mechanism


def msmtp(host, folder, mechanism, *settings):
    conf = os.path.join(folder, "msmtprc")
    with open(conf, "w") as out:
        out.write("account default\nhost %s\nport %d\ntls on\n"
                  "tls_starttls off\ntls_certcheck off\nauth %s\n"
                  "user %s\nfrom %s@%s\n" % (
                      host.address, host.ports["submissions"], mechanism,
                      USER, USER, host.hostname))
        out.write("".join(line + "\n" for line in settings))
    os.chmod(conf, 0o600)
    return server.run("msmtp", "-C", conf, "mahen@" + host.hostname,
                      input="Subject: x\n\nx\n", check=False)


@pytest.mark.parametrize("mechanism", ["plain", "login", "scram-sha-256"])
def test_msmtp(host, folder, mechanism):
    need("msmtp")
    result = msmtp(host, folder, mechanism, "password secret")
    assert result.returncode == 0, result.stdout
    host.wait_messages("mahen@" + host.hostname, 1)
    assert wait_rows(host, "login", 1)[0]["mechanism"] == mechanism.upper()
    assert msmtp(host, folder, mechanism, "password wrong").returncode != 0


# --- EXTERNAL --------------------------------------------------------------

def make_certificates(folder, address):
    """An authority, and a client's certificate for address; key and
    certificate in one file."""
    authority, client = (os.path.join(folder, name)
                         for name in ("ca.pem", "client.pem"))
    key = os.path.join(folder, "ca.key")
    server.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
               "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out",
               authority, "-subj", "/CN=Test CA", "-days", "2")
    server.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
               "ec_paramgen_curve:P-256", "-nodes", "-keyout", client,
               "-out", client + ".crt", "-CA", authority, "-CAkey", key,
               "-subj", "/CN=client", "-days", "2", "-addext",
               "subjectAltName=email:" + address, check=False)
    if not os.path.exists(client + ".crt"):
        request = os.path.join(folder, "client.csr")
        extra = os.path.join(folder, "extra")
        with open(extra, "w") as out:
            out.write("subjectAltName=email:%s\n" % address)
        server.run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt",
                   "ec_paramgen_curve:P-256", "-nodes", "-keyout", client,
                   "-out", request, "-subj", "/CN=client")
        server.run("openssl", "x509", "-req", "-in", request, "-CA",
                   authority, "-CAkey", key, "-CAcreateserial", "-out",
                   client + ".crt", "-days", "2", "-extfile", extra)
    with open(client, "a") as out, open(client + ".crt") as certificate:
        out.write(certificate.read())
    os.chmod(authority, 0o644)
    return authority, client


def fingerprint(path):
    text = server.run("openssl", "x509", "-in", path, "-noout",
                      "-fingerprint", "-sha256").stdout
    return text.strip().split("=")[1]


def test_external_by_the_address_in_a_certificate(make_host, folder):
    address = USER + "@mail.kelompok1.local"
    authority, client = make_certificates(folder, address)
    os.chmod(folder, 0o755)
    host = make_host(settings={"tls_client_ca_file": authority})
    host.add_user(address)
    host.add_user("mahen@" + host.hostname)
    host.start()
    with smtp(host, certfile=client) as session:
        assert "EXTERNAL" in session.esmtp_features["auth"]
        assert command(session, "EXTERNAL " + encode("mahen"))[0] == 535
        assert command(session, "EXTERNAL =")[0] == 235
    with smtp(host) as session:
        assert "EXTERNAL" not in session.esmtp_features["auth"]
    # Nobody knows who made this one.
    other = os.path.join(folder, "other")
    os.mkdir(other)
    stranger = make_certificates(other, address)[1]
    with smtp(host, certfile=stranger) as session:
        assert "EXTERNAL" not in session.esmtp_features["auth"]
        assert session.login(USER, "secret")[0] == 235
    box = imaplib.IMAP4_SSL(host.address, host.ports["imaps"],
                            ssl_context=context(certfile=client))
    assert box.authenticate("EXTERNAL", lambda _: b"")[0] == "OK"
    box.logout()
    if shutil.which("msmtp"):
        result = msmtp(host, folder, "external", "tls_cert_file " + client,
                       "tls_key_file " + client)
        assert result.returncode == 0, result.stdout
    if shutil.which("gsasl"):
        result = server.run(
            "gsasl", "--smtp", "-m", "EXTERNAL", "-z", USER,
            "--x509-ca-file", "", "--x509-cert-file", client,
            "--x509-key-file", client, "--connect",
            "%s:%d" % (host.address, host.ports["submission"]),
            stdin=subprocess.DEVNULL, check=False)
        assert result.returncode == 0, result.stdout


def test_external_by_fingerprint(make_host, folder):
    authority, client = make_certificates(folder, "nobody@example.com")
    os.chmod(folder, 0o755)
    table = os.path.join(folder, "certs")
    with open(table, "w") as out:
        out.write("# who has which\n%s mahen\n" % fingerprint(client))
    host = make_host(settings={"tls_client_ca_file": authority,
                               "client_certs": table})
    host.add_user("mahen@" + host.hostname)
    host.start()
    with smtp(host, certfile=client) as session:
        assert command(session, "EXTERNAL =")[0] == 235
    assert wait_rows(host, "login", 1)[0]["user"] == "<mahen@%s>" % \
        host.hostname


# --- OAuth -----------------------------------------------------------------

VERIFIER = """#!/bin/sh
read -r mechanism
read -r user
read -r token
{ id -un; echo "$mechanism $user $token"; env; } >>%s
case $token in
good) echo %s; exit 0 ;;
other) echo somebody-else; exit 0 ;;
slow) sleep 60 ;;
broken) exit 75 ;;
esac
exit 1
"""


@pytest.fixture
def make_oauth_host(make_host, folder):
    os.chmod(folder, 0o777)
    program = os.path.join(folder, "verify")
    with open(program, "w") as out:
        out.write(VERIFIER % (os.path.join(folder, "seen"), USER))
    os.chmod(program, 0o755)

    def make(**settings):
        host = make_host(settings=dict(settings, oauth_command=program))
        host.add_user(USER + "@" + host.hostname)
        host.folder = folder
        return host.start()

    return make


def bearer(user, token):
    return encode("n,%s,\1auth=Bearer %s\1\1" % (
        "a=" + user if user else "", token))


def test_tokens_are_asked_of_the_program(make_oauth_host):
    host = make_oauth_host()
    with smtp(host) as client:
        assert client.esmtp_features["auth"].split()[2:4] == [
            "OAUTHBEARER", "XOAUTH2"]
        code, text = client.docmd("AUTH", "OAUTHBEARER " + bearer(USER, "bad"))
        assert code == 334
        assert json.loads(base64.b64decode(text))["status"] == "invalid_token"
        assert client.docmd("AQ==")[0] == 535
        # They can be long: RFC 4954 section 4 has 12288 bytes for the line.
        assert command(client, "OAUTHBEARER " + bearer(USER, "t" * 9000),
                       "AQ==")[0] == 535
        assert command(client, "OAUTHBEARER " + bearer(USER, "good"))[0] == 235
    with smtp(host) as client:
        code, text = client.docmd("AUTH", "XOAUTH2 " + encode(
            "user=%s\1auth=Bearer bad\1\1" % USER))
        assert (code, json.loads(base64.b64decode(text))["status"]) == (
            334, "401")
        assert client.docmd("")[0] == 535
        assert command(client, "XOAUTH2 " + encode(
            "user=%s\1auth=Bearer good\1\1" % USER))[0] == 235
    with smtp(host) as client:
        # The token says who it is; it is not another's; nor is it nobody's.
        assert command(client, "OAUTHBEARER " + bearer(USER, "other"),
                       "AQ==")[0] == 535
        assert command(client, "OAUTHBEARER " + bearer(USER, "broken"))[0] \
            == 454
        assert command(client, "OAUTHBEARER " + bearer("", "good"))[0] == 235
    with open(os.path.join(host.folder, "seen")) as seen:
        text = seen.read()
    assert "OAUTHBEARER %s good" % USER in text
    assert "XOAUTH2 %s good" % USER in text
    # The client's words are on the pipe alone.
    assert "TCPREMOTEIP=127.0.0.1" in text and "MERPATI" not in text
    if server.IS_ROOT:
        assert set(re.findall("^_mp[a-z]+$", text, re.M)) == {"_mpauth"}


@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
def test_curl_with_a_token(make_oauth_host, mechanism):
    need("curl")
    host = make_oauth_host(auth_mechanisms=mechanism)
    me = USER + "@" + host.hostname
    host.write("message", "Subject: x\r\n\r\nx\r\n")
    mail = ["--mail-from", me, "--mail-rcpt", me, "-T",
            os.path.join(host.directory, "message")]
    for url, service, options in (
            ("smtp://%s:%d/x", "submission", mail),
            ("imap://%s:%d/INBOX", "imap", []),
            ("pop3://%s:%d/", "pop3", [])):
        common = ["curl", "-sS", "-k", "--ssl-reqd", "--user", USER + ":",
                  url % (host.address, host.ports[service])] + options
        result = server.run(*common, "--oauth2-bearer", "good", check=False)
        assert result.returncode == 0, result.stdout
        assert server.run(*common, "--oauth2-bearer", "bad",
                          check=False).returncode != 0
    assert [row["mechanism"] for row in wait_rows(host, "login", 3)] == [
        mechanism] * 3

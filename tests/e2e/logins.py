# SPDX-License-Identifier: ISC
"""What the tests of logging in share: an SMTP session inside TLS, a client of
SCRAM with any channel binding, and auth's lines in the log."""

import base64
import contextlib
import hashlib
import hmac
import os
import re
import shutil
import smtplib
import ssl

import pytest

import server

USER = "hendro"
ROW = re.compile(r"merpati/auth\[\d+\]: (\w+): (.*)")


def need(program):
    if shutil.which(program) is None:
        pytest.skip(program + " is not installed")


def context(**files):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    if files:
        made.load_cert_chain(**files)
    return made


def rows(host, kind):
    """Of auth's log lines those of a kind, as dictionaries."""
    found = []
    for line in host.read_log().splitlines():
        match = ROW.search(line)
        if match and match.group(1) == kind:
            found.append(dict(re.findall(r"(\w+)=(\S+)", match.group(2))))
    return found


def wait_rows(host, kind, count):
    return server.wait_for(
        lambda: len(rows(host, kind)) >= count and rows(host, kind),
        "%d lines of %s" % (count, kind))


@contextlib.contextmanager
def smtp(host, service="submissions", **files):
    client = smtplib.SMTP_SSL(host.address, host.ports[service], timeout=60,
                              context=context(**files))
    with contextlib.closing(client):
        client.ehlo()
        yield client


def try_login(host, user, password):
    """The code that AUTH PLAIN, tried once, ends with."""
    with smtp(host) as client:
        return command(client, "PLAIN " + encode(
            "\0%s\0%s" % (user, password)))[0]


def command(client, *lines):
    """AUTH with responses given beforehand; the last reply."""
    code, text = client.docmd("AUTH", lines[0])
    for line in lines[1:]:
        assert code == 334, (code, text)
        code, text = client.docmd(line)
    return code, text.decode()


def encode(text):
    raw = text if isinstance(text, bytes) else text.encode()
    return base64.b64encode(raw).decode() or "="


class Scram:
    """RFC 5802's client, with whatever channel binding it is told to use."""

    def __init__(self, user, password, header="n,,", bound=b""):
        self.password = password.encode()
        self.header = header
        self.bound = bound
        self.bare = "n=%s,r=%s" % (user, encode(os.urandom(12)))

    def first(self):
        return encode(self.header + self.bare)

    def final(self, challenge):
        text = base64.b64decode(challenge).decode()
        parts = dict(part.split("=", 1) for part in text.split(","))
        without = "c=%s,r=%s" % (encode(self.header.encode() + self.bound),
                                 parts["r"])
        salted = hashlib.pbkdf2_hmac("sha256", self.password,
                                     base64.b64decode(parts["s"]),
                                     int(parts["i"]))
        key = hmac.digest(salted, b"Client Key", "sha256")
        message = ",".join((self.bare, text, without)).encode()
        signature = hmac.digest(hashlib.sha256(key).digest(), message,
                                "sha256")
        proof = bytes(a ^ b for a, b in zip(key, signature))
        self.server = hmac.digest(hmac.digest(salted, b"Server Key",
                                              "sha256"), message, "sha256")
        return encode("%s,p=%s" % (without, encode(proof)))

    def is_server(self, challenge):
        text = base64.b64decode(challenge).decode()
        return text == "v=" + encode(self.server)


def scram(client, mechanism, exchange):
    """The code that an exchange ends with, over SMTP."""
    code, text = client.docmd("AUTH", "%s %s" % (mechanism, exchange.first()))
    if code != 334:
        return code
    code, text = client.docmd(exchange.final(text))
    if code != 334:
        return code
    assert exchange.is_server(text)
    return client.docmd("")[0]


def end_point(client):
    """tls-server-end-point of a certificate signed with SHA-256."""
    return hashlib.sha256(client.sock.getpeercert(binary_form=True)).digest()

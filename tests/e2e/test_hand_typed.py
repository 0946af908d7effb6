# SPDX-License-Identifier: ISC
"""The classroom: two hosts, a real DNS server, everything typed by hand."""

import email
import email.policy
import imaplib
import os
import subprocess

import pytest

import server

ZONE = """\
no-resolv
no-hosts
local-service
bind-interfaces
listen-address=10.99.0.53
port=53
user=root
pid-file=
log-facility=-
host-record=mail.kelompok1.local,10.99.0.1
host-record=mail.kelompok3.local,10.99.0.3
mx-host=mail.kelompok1.local,mail.kelompok1.local,10
mx-host=kelompok1.local,mail.kelompok1.local,10
mx-host=mail.kelompok3.local,mail.kelompok3.local,10
mx-host=null.local,.,0
local=/local/
"""


class NamespaceWire:
    """A line-wise connection from inside a namespace: nc as the telnet."""

    def __init__(self, namespace, address, port):
        self.process = subprocess.Popen(
            namespace.command("nc", "-C", address, str(port)),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            bufsize=1, errors="replace")

    def line(self):
        return self.process.stdout.readline().rstrip("\r\n")

    def type(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def say(self, text):
        self.type(text)
        return self.line()

    def until_dot(self):
        lines = []
        while True:
            line = self.line()
            if line == ".":
                return lines
            lines.append(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


@pytest.fixture
def classroom(network, make_host, folder):
    dns = network.add("dns", "10.99.0.53")
    first = network.add("k3", "10.99.0.3", "10.99.0.53")
    second = network.add("k1", "10.99.0.1", "10.99.0.53")
    conf = os.path.join(folder, "dnsmasq.conf")
    with open(conf, "w") as out:
        out.write(ZONE)
    dnsmasq = subprocess.Popen(
        dns.command("dnsmasq", "-k", "-C", conf),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    hosts = [
        make_host(hostname="mail.kelompok3.local", namespace=first),
        make_host(hostname="mail.kelompok1.local", namespace=second,
                  domains=["mail.kelompok1.local", "kelompok1.local"],
                  settings={"cleartext_auth": "loopback 10.99.0.0/24"}),
    ]
    hosts[0].add_user("user1@mail.kelompok3.local", "rahasia")
    hosts[1].add_user("mahen@mail.kelompok1.local", "rahasia")
    for host in hosts:
        host.start()
    yield hosts
    dnsmasq.terminate()
    dnsmasq.wait()


def test_the_session_of_the_lesson(classroom):
    sender, receiver = classroom
    smtp = NamespaceWire(sender.namespace, "127.0.0.1", 25)
    assert smtp.line().startswith("220 mail.kelompok3.local ")
    assert smtp.say("HELO mail.kelompok3.local").startswith("250 ")
    assert smtp.say(
        "MAIL FROM: user1@mail.kelompok3.local").startswith("250 ")
    assert smtp.say(
        "RCPT TO: mahen@mail.kelompok1.local").startswith("250 ")
    assert smtp.say("DATA").startswith("354 ")
    for line in ("From: User1", "To: Hendro", "Date: 29/04",
                 "Subject: Tumbas Rokok", "Dear Sarol"):
        smtp.type(line)
    assert "queued as" in smtp.say(".")
    assert smtp.say("QUIT").startswith("221 ")
    smtp.close()

    receiver.wait_messages("mahen@mail.kelompok1.local", 1)
    pop = NamespaceWire(receiver.namespace, "127.0.0.1", 110)
    assert pop.line().startswith("+OK")
    assert pop.say("user mahen").startswith("+OK")
    assert pop.say("pass rahasia").startswith("+OK")
    assert pop.say("stat").startswith("+OK 1 ")
    assert pop.say("list").startswith("+OK")
    assert pop.until_dot()[0].startswith("1 ")
    assert pop.say("RETR 1").startswith("+OK")
    text = pop.until_dot()
    assert pop.say("quit").startswith("+OK")
    pop.close()
    for line in ("From: User1", "To: Hendro", "Date: 29/04",
                 "Subject: Tumbas Rokok", "Dear Sarol"):
        assert line in text
    # Well-formed: an empty line parts the header from the body.
    message = email.message_from_string("\r\n".join(text) + "\r\n",
                                        policy=email.policy.default)
    assert message["Subject"] == "Tumbas Rokok"
    assert message.get_content().strip() == "Dear Sarol"
    assert not message.defects
    assert message["Return-Path"] == "<user1@mail.kelompok3.local>"

    script = (
        "import imaplib\n"
        "i = imaplib.IMAP4('127.0.0.1')\n"
        "i.login('mahen', 'rahasia')\n"
        "i.select()\n"
        "print(i.fetch('1', '(ENVELOPE BODYSTRUCTURE BODY[TEXT])'))\n")
    out = receiver.run("/usr/bin/python3", "-c", script).stdout
    assert "Tumbas Rokok" in out
    assert "Dear Sarol" in out


def test_unknown_names_bounce_and_null_mx_is_final(classroom):
    sender, _ = classroom
    smtp = NamespaceWire(sender.namespace, "127.0.0.1", 25)
    smtp.line()
    smtp.say("HELO x")
    for rcpt in ("nobody@mail.kelompok1.local", "x@null.local",
                 "x@missing.local"):
        assert smtp.say("MAIL FROM:<user1@mail.kelompok3.local>")[:3] == "250"
        assert smtp.say("RCPT TO:<%s>" % rcpt)[:3] == "250"
        smtp.say("DATA")
        smtp.type("Subject: x")
        smtp.type("")
        assert smtp.say(".")[:3] == "250"
    smtp.say("QUIT")
    smtp.close()
    files = sender.wait_messages("user1@mail.kelompok3.local", 3)
    reports = []
    for path in files:
        with open(path, "rb") as file:
            reports.append(email.message_from_binary_file(
                file, policy=email.policy.default))
    statuses = set()
    for report in reports:
        assert report.get_content_type() == "multipart/report"
        parts = list(report.iter_parts())
        assert parts[1].get_content_type() == "message/delivery-status"
        statuses.add(parts[1].get_payload()[1]["Status"])
    assert statuses == {"5.1.1", "5.1.10", "5.1.2"}
    sender.wait_queue_empty()


def test_the_other_host_is_down_for_a_while(classroom):
    sender, receiver = classroom
    receiver.stop()
    smtp = NamespaceWire(sender.namespace, "127.0.0.1", 25)
    smtp.line()
    for line in ("HELO x", "MAIL FROM:<user1@mail.kelompok3.local>",
                 "RCPT TO:<mahen@kelompok1.local>"):
        assert smtp.say(line)[:3] == "250"
    smtp.say("DATA")
    smtp.type("Subject: later")
    smtp.type("")
    assert smtp.say(".")[:3] == "250"
    smtp.say("QUIT")
    smtp.close()
    sender.wait_log("status=deferred")
    listing = sender.mailq().stdout
    assert "mahen@kelompok1.local" in listing
    assert "refused" in listing
    assert "in 1 Request." in listing
    receiver.start()
    # mail to mahen@kelompok1.local is for a user of the other domain
    receiver.write("valiases",
                   "mahen@kelompok1.local: mahen@mail.kelompok1.local\n")
    sender.mailq("retry", "all")
    receiver.wait_messages("mahen@mail.kelompok1.local", 1)
    sender.wait_queue_empty()
    assert "Mail queue is empty" in sender.mailq().stdout

# SPDX-License-Identifier: ISC
"""Mail to and from Postfix, installed from the Debian package."""

import email
import os
import re
import shutil
import smtplib
import socket

import pytest

import server
from test_esmtp import envelopes

pytestmark = [
    pytest.mark.skipif(not server.IS_ROOT, reason="Postfix needs root"),
    pytest.mark.skipif(shutil.which("postfix") is None,
                       reason="Postfix is not installed"),
]


class Postfix:
    """A private Postfix with one virtual mailbox domain, post.test."""

    def __init__(self, folder, relayhost, more=""):
        self.folder = folder
        self.port = server.free_ports(1)[0]
        self.conf = os.path.join(folder, "conf")
        os.chmod(folder, 0o755)
        for name in ("conf", "spool", "data", "mail"):
            os.mkdir(os.path.join(folder, name))
        server.run("chown", "postfix", folder + "/data")
        server.run("chown", "5000:5000", folder + "/mail")
        with open(self.conf + "/main.cf", "w") as main:
            main.write("""\
compatibility_level = 3.6
queue_directory = %(folder)s/spool
data_directory = %(folder)s/data
myhostname = mail.post.test
mydestination =
inet_interfaces = loopback-only
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
alias_maps =
relayhost = %(relayhost)s
virtual_mailbox_domains = post.test
virtual_mailbox_base = %(folder)s/mail
virtual_mailbox_maps = inline:{budi@post.test=budi/}
virtual_uid_maps = static:5000
virtual_gid_maps = static:5000
smtp_tls_security_level = may
maillog_file = %(folder)s/log
maillog_file_prefixes = %(folder)s
minimal_backoff_time = 5s
queue_run_delay = 5s
%(more)s
""" % {"folder": folder, "relayhost": relayhost, "more": more})
        source = next(path for path in (
            "/usr/share/postfix/master.cf.dist", "/etc/postfix/master.cf")
            if os.path.exists(path))
        with open(source) as file:
            text = re.sub(r"^smtp +inet .*$",
                          "127.0.0.1:%d inet n - n - - smtpd" % self.port,
                          file.read(), count=1, flags=re.M)
        # Nothing of it in a chroot: the private spool has no copies of the
        # libraries' files.
        text = re.sub(r"^(\w+ +(?:unix|inet) +\S+ +\S+ +)y", r"\1n", text,
                      flags=re.M)
        text += "\npostlog unix-dgram n - n - 1 postlogd\n"
        with open(self.conf + "/master.cf", "w") as master:
            master.write(text)
        server.run("postfix", "-c", self.conf, "start")
        server.wait_for(self.answers, "Postfix")

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def messages(self):
        path = os.path.join(self.folder, "mail", "budi", "new")
        return [os.path.join(path, name) for name in os.listdir(path)] \
            if os.path.isdir(path) else []

    def stop(self):
        server.run("postfix", "-c", self.conf, "stop", check=False)


@pytest.fixture
def postfix_and_host(make_host, folder):
    host = make_host()
    host.add_user("mahen@" + host.hostname)
    postfix = Postfix(os.path.join(folder),
                      "[127.0.0.1]:%d" % host.ports["smtp"])
    host.write("route.map", "post.test [127.0.0.1]:%d\n" % postfix.port)
    host.start()
    yield postfix, host
    postfix.stop()


def test_mail_to_and_from_postfix(postfix_and_host, picture):
    postfix, host = postfix_and_host
    body = "".join("line %d\r\n.\r\n..dot\r\n" % n for n in range(2000))
    # From Merpati to Postfix.
    with smtplib.SMTP("127.0.0.1", host.ports["smtp"], timeout=30) as smtp:
        smtp.sendmail("mahen@" + host.hostname, ["budi@post.test"],
                      "Subject: to postfix\r\n\r\n" + body)
    server.wait_for(postfix.messages, "mail in Postfix's mailbox")
    with open(postfix.messages()[0], newline="") as file:
        text = file.read()
    assert body.replace("\r\n", "\n") in text
    host.wait_queue_empty()
    host.wait_log("status=sent")
    # And back.
    with smtplib.SMTP("127.0.0.1", postfix.port, timeout=30) as smtp:
        smtp.sendmail("budi@post.test", ["mahen@" + host.hostname],
                      "Subject: from postfix\r\n\r\n" + body)
    files = host.wait_messages("mahen@" + host.hostname, 1)
    with open(files[0], newline="") as file:
        text = file.read()
    assert body in text
    assert "Subject: from postfix" in text
    # Postfix used STARTTLS, since it is offered.
    assert re.search(r"with ESMTPS\b", text)


def reports(host, user):
    """(action, delivery-status groups) of each report in a mailbox."""
    found = []
    for path in host.messages(user):
        with open(path, "rb") as file:
            mail = email.message_from_binary_file(file)
        if mail.get_content_type() == "multipart/report":
            groups = mail.get_payload()[1].get_payload()
            found.append((groups[1]["action"], groups))
    return found


def test_postfix_reports_for_us(postfix_and_host):
    postfix, host = postfix_and_host
    user = "mahen@" + host.hostname
    with smtplib.SMTP("127.0.0.1", host.ports["smtp"], timeout=30) as smtp:
        smtp.ehlo()
        smtp.mail(user, ["RET=HDRS", "ENVID=QQ+2B314"])
        smtp.rcpt("budi@post.test", ["NOTIFY=SUCCESS,FAILURE",
                                     "ORCPT=rfc822;first+2Bname@x.test"])
        smtp.data("Subject: to postfix\r\n\r\nhello\r\n")
    server.wait_for(postfix.messages, "mail in Postfix's mailbox")
    host.wait_messages(user, 1)
    (action, groups), = reports(host, user)
    # Postfix got it all, and it is Postfix that says so.
    assert action == "delivered"
    assert groups[0]["reporting-mta"] == "dns; mail.post.test"
    assert groups[0]["original-envelope-id"] == "QQ+314"
    assert groups[1]["original-recipient"] == "rfc822;first+name@x.test"
    assert groups[1]["final-recipient"] == "rfc822; budi@post.test"


def test_a_postfix_that_knows_nothing(postfix_and_host):
    postfix, host = postfix_and_host
    user = "mahen@" + host.hostname
    server.run("postconf", "-c", postfix.conf, "-e",
               "smtpd_discard_ehlo_keywords = 8bitmime,smtputf8,chunking,dsn")
    server.run("postfix", "-c", postfix.conf, "reload")

    def is_silent():
        with smtplib.SMTP("127.0.0.1", postfix.port, timeout=30) as smtp:
            smtp.ehlo()
            return not smtp.has_extn("8bitmime")

    server.wait_for(is_silent, "Postfix without 8BITMIME")
    text = "caf\u00e9 \u2615 = all is well here\r\n.\r\n" * 3
    with smtplib.SMTP("127.0.0.1", host.ports["smtp"], timeout=30) as smtp:
        smtp.ehlo()
        smtp.mail(user, ["BODY=8BITMIME"])
        smtp.rcpt("budi@post.test", ["NOTIFY=SUCCESS"])
        smtp.data(("Subject: x\r\nMIME-Version: 1.0\r\n"
                   "Content-Type: text/plain; charset=utf-8\r\n"
                   "Content-Transfer-Encoding: 8bit\r\n\r\n" +
                   text).encode())
    server.wait_for(postfix.messages, "mail in Postfix's mailbox")
    with open(postfix.messages()[0], "rb") as file:
        raw = file.read()
    mail = email.message_from_bytes(raw)
    assert raw.isascii()
    assert mail["content-transfer-encoding"] == "quoted-printable"
    assert mail.get_payload(decode=True).decode() == \
        text.replace("\r\n", "\n")
    host.wait_messages(user, 1)
    assert [action for action, _ in reports(host, user)] == ["relayed"]


def test_utf8_and_chunks_to_postfix(postfix_and_host):
    postfix, host = postfix_and_host
    user = "mahen@" + host.hostname
    body = "".join("line %06d\r\n" % n for n in range(40000))
    with smtplib.SMTP("127.0.0.1", host.ports["smtp"], timeout=30) as smtp:
        smtp.ehlo()
        smtp.mail(user, ["SMTPUTF8", "BODY=8BITMIME"])
        smtp.rcpt("budi@post.test")
        smtp.data(("Subject: caf\u00e9\r\n\r\n" + body).encode())
    server.wait_for(postfix.messages, "mail in Postfix's mailbox")
    with open(postfix.messages()[0], "rb") as file:
        raw = file.read()
    assert "\nSubject: caf\u00e9\n".encode() in raw
    assert raw.endswith(body.replace("\r\n", "\n").encode())
    # So Postfix answers BDAT, but not DATA.
    host.wait_log(" bytes queued as ")


def test_a_burst_from_smtp_source(postfix_and_host):
    _, host = postfix_and_host
    if shutil.which("smtp-source") is None:
        pytest.skip("smtp-source is not installed")
    user = "mahen@" + host.hostname
    for options in ([], ["-d"], ["-r", "1", "-l", "20000"]):
        before = len(host.messages(user))
        server.run("smtp-source", "-s", "10", "-m", "100", *options, "-f",
                   "a@b.example", "-t", user,
                   "127.0.0.1:%d" % host.ports["smtp"])
        host.wait_messages(user, before + 100)
    host.wait_queue_empty()
    assert len(host.messages(user)) == 300


def test_extensions_and_lmtp_from_postfix(make_host, folder):
    """Its smtp(8) hands on SMTPUTF8 and DSN, its lmtp(8) speaks LMTP."""
    host = make_host(domains=["mail.kelompok1.local", "lmtp.test"],
                     services=server.SERVICES + ("lmtp",))
    for name in ("mahen", "hendro"):
        host.add_user(name + "@lmtp.test")
    host.write("route.map", "away.example 127.0.0.1:%d\n" %
               server.free_ports(1)[0])
    postfix = Postfix(
        folder, "[127.0.0.1]:%d" % host.ports["smtp"],
        "transport_maps = inline:{lmtp.test=lmtp:inet:[127.0.0.1]:%d}" %
        host.ports["lmtp"])
    try:
        host.start()
        with smtplib.SMTP("127.0.0.1", postfix.port, timeout=30) as smtp:
            smtp.ehlo()
            assert smtp.mail("j\u00f6rg@b.example", [
                "SMTPUTF8", "BODY=8BITMIME", "RET=HDRS",
                "ENVID=QQ+2B1"])[0] == 250
            assert smtp.rcpt("\u7528@away.example", [
                "NOTIFY=SUCCESS,FAILURE",
                "ORCPT=utf-8;\\x{7528}@c.example"])[0] == 250
            assert smtp.data("Subject: \u00fc\r\n\r\n\u00fc\r\n"
                             .encode())[0] == 250
            assert smtp.sendmail("mahen@lmtp.test", [
                "mahen@lmtp.test", "nobody@lmtp.test", "hendro@lmtp.test"],
                "Subject: by lmtp\r\n\r\nx\r\n") == {}
        for name in ("mahen", "hendro"):
            path = host.wait_messages(name + "@lmtp.test", 1)[0]
            with open(path) as file:
                assert re.search(r"with LMTPS? id", file.read())
        envelope = server.wait_for(lambda: [
            found for found in envelopes(host)
            if found["S"].startswith("j")], "the message in the queue")[0]
        assert int(envelope["O"].split()[0]) & 0x25 == 0x25
        assert envelope["I"] == "QQ+1"
        recipient = envelope["R"][0]
        assert recipient["n"] == "SF"
        assert recipient["r"] == "utf-8;\u7528@c.example"
        assert recipient["a"] == "\u7528@away.example"
    finally:
        postfix.stop()

# SPDX-License-Identifier: ISC
"""Mail to and from Postfix, installed from the Debian package."""

import os
import re
import shutil
import smtplib
import socket

import pytest

import server

pytestmark = [
    pytest.mark.skipif(not server.IS_ROOT, reason="Postfix needs root"),
    pytest.mark.skipif(shutil.which("postfix") is None,
                       reason="Postfix is not installed"),
]


class Postfix:
    """A private Postfix with one virtual mailbox domain, post.test."""

    def __init__(self, folder, relayhost):
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
""" % {"folder": folder, "relayhost": relayhost})
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
    assert "status=sent" in host.read_log()
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

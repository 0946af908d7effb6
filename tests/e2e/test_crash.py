# SPDX-License-Identifier: ISC
"""kill -9 at every numbered commit point: what was acknowledged arrives, and
arrives once outside the documented windows (queue/README.md).

Needs a build with --enable-fault-points (MERPATI_FAULT_PREFIX). The point is
armed for every process of the host; the first that passes it dies there.
Then the host is started again without it and must come to rest with the
right mail in the right places.
"""

import imaplib
import os
import poplib
import re
import smtplib

import pytest

import server

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
FAULT_PREFIX = os.environ.get("MERPATI_FAULT_PREFIX")

pytestmark = pytest.mark.skipif(
    not FAULT_PREFIX, reason="MERPATI_FAULT_PREFIX is not set")


def all_points():
    """Every fault_point("X1") in the sources, with its file."""
    points = {}
    for folder in ("common", "common/mailbox", "queue", "deliver", "pop3d",
                   "imapd", "smtpd"):
        path = os.path.join(TOP, folder)
        for name in sorted(os.listdir(path)):
            if not name.endswith(".c") or name == "fault.c":
                continue
            with open(os.path.join(path, name)) as source:
                for point in re.findall(r'fault_point\("(\w+)"\)',
                                        source.read()):
                    points.setdefault(point, folder + "/" + name)
    return points


POINTS = all_points()


@pytest.fixture
def crash_host(monkeypatch, make_host):
    monkeypatch.setattr(server, "SBIN", os.path.join(FAULT_PREFIX, "sbin"))
    monkeypatch.setattr(server, "LIBEXEC",
                        os.path.join(FAULT_PREFIX, "libexec", "merpati"))
    host = make_host(settings={
        "minimal_backoff_time": "1s", "maximal_backoff_time": "2s",
        "internet": "no"})
    host.add_user("maildir@" + host.hostname)
    host.add_user("reader@" + host.hostname)
    host.add_user("sender@" + host.hostname)
    mbox = os.path.join(host.homes, host.hostname, "mbox", "inbox")
    host.add_user("mbox@" + host.hostname)
    path = os.path.join(host.directory, "users")
    with open(path) as users:
        lines = [line.rstrip("\n") + (" mail=%s" % mbox
                                      if line.startswith("mbox@") else "")
                 for line in users]
    host.write("users", "\n".join(lines) + "\n")
    host.mbox = mbox
    return host


def send(host, subject, recipients):
    """True when the host took the responsibility."""
    try:
        with smtplib.SMTP(host.address, host.ports["smtp"],
                          timeout=20) as smtp:
            smtp.sendmail("sender@" + host.hostname, recipients,
                          "From: x\r\nSubject: %s\r\n\r\nbody of %s\r\n" %
                          (subject, subject))
        return True
    except (smtplib.SMTPException, OSError):
        return False


def count(host, user, subject):
    found = 0
    for path in host.messages("%s@%s" % (user, host.hostname)):
        with open(path, errors="replace") as file:
            found += "Subject: %s\n" % subject in file.read()
    return found


def count_mbox(host, subject):
    try:
        with open(host.mbox, errors="replace") as file:
            return file.read().count("Subject: %s\n" % subject)
    except FileNotFoundError:
        return 0


def pop3_delete(host):
    """Delete one message by POP3; True when QUIT was acknowledged."""
    try:
        pop = poplib.POP3(host.address, host.ports["pop3"], timeout=20)
        pop.user("reader")
        pop.pass_("secret")
        pop.dele(1)
        return pop.quit().startswith(b"+OK")
    except (poplib.error_proto, OSError):
        return False


def imap_work(host):
    """APPEND, STORE, EXPUNGE; the set of steps acknowledged."""
    done = set()
    try:
        imap = imaplib.IMAP4(host.address, host.ports["imap"], timeout=20)
        imap.login("reader", "secret")
        if imap.append("INBOX", "", None,
                       b"Subject: appended\r\n\r\nx\r\n")[0] == "OK":
            done.add("append")
        imap.create("Arsip")
        imap.select("INBOX")
        if imap.store("1", "+FLAGS", "(\\Flagged kata)")[0] == "OK":
            done.add("store")
        if imap.copy("1", "Arsip")[0] == "OK":
            done.add("copy")
        imap.logout()
    except (imaplib.IMAP4.error, OSError):
        pass
    return done


def sendmail(host, subject, environment):
    result = host.sendmail(
        "-f", "sender@" + host.hostname, "maildir@" + host.hostname,
        input="Subject: %s\n\nx\n" % subject, check=False,
        env=dict(host.environment, **environment))
    return result.returncode == 0


def traffic(host, environment):
    """Everything at once; what was acknowledged, by name."""
    name = host.hostname
    acked = {}
    for label in ("one", "two"):
        acked[label] = send(host, label, ["maildir@" + name])
    acked["both"] = send(host, "both", ["maildir@" + name, "mbox@" + name])
    acked["dropped"] = sendmail(host, "dropped", environment)
    acked["bounced"] = send(host, "bounced", ["maildir@" + name,
                                              "broken@" + name])
    acked["pop3"] = pop3_delete(host)
    acked["imap"] = imap_work(host)
    return acked


@pytest.mark.parametrize("point", sorted(POINTS))
def test_kill_at(crash_host, point):
    host = crash_host
    name = host.hostname
    # An alias to a file below a missing folder fails for good.
    host.write("valiases", "broken@%s: missing@elsewhere.example\n" % name)
    # Mail that was there before the crash.
    host.start()
    for number in range(3):
        assert send(host, "old%d" % number, ["reader@" + name])
    host.wait_messages("reader@" + name, 3)
    host.wait_queue_empty()
    host.stop()

    environment = {"MERPATI_FAULT_POINT": point}
    host.start(environment)
    acked = traffic(host, environment)
    host.stop()
    reached = "fault point " + point in host.read_log()

    host.start()
    host.mailq("retry", "all", check=False)
    host.wait_queue_empty(60)
    after = send(host, "after", ["maildir@" + name])
    assert after
    server.wait_for(lambda: count(host, "maildir", "after") == 1, "after")
    host.wait_queue_empty(60)

    for label in ("one", "two", "both", "dropped", "bounced"):
        number = count(host, "maildir", label)
        if acked[label]:
            assert number == 1, (label, number)
        else:
            assert number <= 1, (label, number)
    in_mbox = count_mbox(host, "both")
    assert in_mbox == 1 if acked["both"] else in_mbox <= 1
    # POP3: acknowledged deletions happened; nothing else went away.
    left = sum(count(host, "reader", "old%d" % number)
               for number in range(3))
    assert left == 2 if acked["pop3"] else left in (2, 3)
    if "append" in acked["imap"]:
        assert count(host, "reader", "appended") == 1
    assert count(host, "reader", "appended") <= 1
    # The mailbox opens, and its UIDs are unique and ascending.
    imap = imaplib.IMAP4(host.address, host.ports["imap"], timeout=20)
    imap.login("reader", "secret")
    imap.select()
    uids = [int(uid) for uid in
            imap.uid("SEARCH", None, "ALL")[1][0].split()]
    assert uids == sorted(set(uids))
    assert len(uids) == len(host.messages("reader@" + name))
    imap.logout()
    log = host.read_log()
    for word in ("AddressSanitizer", "runtime error", "bug:"):
        assert word not in log
    if not reached:
        pytest.skip("%s (%s) is not passed in this scenario" %
                    (point, POINTS[point]))


def test_every_commit_point_is_documented():
    text = ""
    for folder in ("common/mailbox", "queue", "deliver", "pop3d", "imapd"):
        path = os.path.join(TOP, folder, "README.md")
        if os.path.exists(path):
            with open(path) as readme:
                text += readme.read()
    missing = [point for point in POINTS if "[%s]" % point not in text]
    assert not missing, missing

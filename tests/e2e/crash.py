# SPDX-License-Identifier: ISC
"""What the crash tests share: a history of what clients were told, a judge
over it, and a host with something of everything to do.

A place is where copies of a message can be: "maildir", "mbox", a recipient
at the sink, "dsn" (a report in the sender's mailbox). An attempt is one
try of a client to hand a message over; it was acknowledged or not.
"""

import collections
import imaplib
import os
import poplib
import pwd
import re
import smtplib
import time

import server
import sink

W1 = "W1"  # the reply was lost: each unacknowledged attempt may be a copy
W2 = "W2"  # per stop: one more copy at a remote host
W3 = "W3"  # per stop: one more report
P = "P"    # per stop: one more copy of a message from drop/

REMOTE = ("ok@far.example", "later@far.example")
OLD = 8          # messages in reader's mailbox before anything happens
UIDVALIDITY = 1700000000


class History:
    """Who was told what."""

    def __init__(self):
        self.acknowledged = collections.Counter()
        self.unacknowledged = collections.Counter()
        self.from_drop = set()

    def note(self, label, places, is_acknowledged):
        for place in places:
            (self.acknowledged if is_acknowledged
             else self.unacknowledged)[label, place] += 1


def kind_of(place):
    if place == "dsn":
        return W3
    return W2 if "@" in place else None


def judge(history, found, windows=(), stops=0, always=()):
    """The breaches of the promise, as lines; none is what a test wants.

    Acknowledged: exactly once. Not acknowledged: not at all, unless the stop
    was in window W1. windows are those in which copies are allowed; always
    says in which (W1) they must be there, as after a commit.
    """
    faults = []
    keys = set(history.acknowledged) | set(history.unacknowledged)
    for key in sorted(keys | set(found)):
        label, place = key
        low = high = history.acknowledged[key]
        if W1 in windows:
            high += history.unacknowledged[key]
        if W1 in always:
            low += history.unacknowledged[key]
        if kind_of(place) in windows:
            high += stops
        if P in windows and label in history.from_drop:
            high += stops
        if found[key] < low:
            faults.append("lost: %s at %s: %d of %d" %
                          (label, place, found[key], low))
        if found[key] > high:
            faults.append("%s: %s at %s: %d, allowed %d" %
                          ("duplicate" if key in keys else "from nowhere",
                           label, place, found[key], high))
    return faults


def body_of(label, lines):
    return "".join("%s line %d\n" % (label, i) for i in range(lines))


def text_of(label, lines=3):
    return "From: x\nSubject: %s\n\n%s" % (label, body_of(label, lines))


LINES = collections.defaultdict(lambda: 3, large=6000)
NOTIFY = {"told": ("NOTIFY=SUCCESS",)}  # its "dsn" is one of success


def label_of(text):
    """The label of a message that is whole; torn ones are no message."""
    match = re.search(r"^Subject: (\S+)$", text, re.M)
    label = match.group(1) if match else "?"
    body = text.partition("\n\n")[2].rstrip("\n") + "\n"
    return label if body == body_of(label, LINES[label]) else "torn " + label


class Client(smtplib.SMTP):
    """Knows whether a message was begun: before the 354 there is none."""

    has_begun = False

    def getreply(self):
        reply = super().getreply()
        self.has_begun = self.has_begun or reply[0] == 354
        return reply


class CrashHost:
    """A host, its sink and its history."""

    def __init__(self, host, far):
        self.host, self.far, self.history = host, far, History()
        self.name = host.hostname
        # A jailed process cannot be traced, which looking for leaks needs.
        host.environment["ASAN_OPTIONS"] = "detect_leaks=0"
        self.inbox = os.path.join(host.homes, self.name, "mbox", "inbox")
        self.popbox = os.path.join(host.homes, self.name, "popbox", "inbox")
        host.write("route.map", "far.example [127.0.0.1]:%d\n" % far.port)
        for user in ("maildir", "reader", "sender", "mbox", "popbox"):
            host.add_user("%s@%s" % (user, self.name))
        with open(os.path.join(host.directory, "users")) as users:
            lines = users.read().splitlines()
        for i, line in enumerate(lines):
            for user, path in (("mbox", self.inbox), ("popbox", self.popbox)):
                if line.startswith(user + "@"):
                    lines[i] += " mail=" + path
        host.write("users", "\n".join(lines) + "\n")
        host.write("valiases", "also@%s: maildir@%s\n" % (self.name,
                                                          self.name))

    def make_tables_large(self):
        """So that they get an index."""
        with open(self.host.directory + "/valiases", "a") as table:
            table.writelines("a%d@%s: maildir@%s\n" % (i, self.name,
                                                       self.name)
                             for i in range(8000))

    def address(self, user):
        return user if "@" in user else "%s@%s" % (user, self.name)

    def give(self, path, user="_mpmail"):
        if server.IS_ROOT:
            entry = pwd.getpwnam(user)
            os.chown(path, entry.pw_uid, entry.pw_gid)

    def make(self, path, text, user="_mpmail"):
        with open(path, "w", newline="") as file:
            file.write(text)
        os.chmod(path, 0o600)
        self.give(path, user)

    def fill_mailboxes(self):
        """reader: OLD messages with UIDs 1..OLD; popbox: three."""
        maildir = self.host.maildir("reader@" + self.name)
        home = os.path.dirname(maildir)
        for path in (os.path.dirname(home), home, maildir,
                     *(os.path.join(maildir, p)
                       for p in ("cur", "new", "tmp")),
                     os.path.dirname(self.popbox)):
            os.makedirs(path, exist_ok=True)
            os.chmod(path, 0o755 if path == os.path.dirname(home) else 0o700)
            self.give(path)
        lines = ["3 V%d N%d G%032x" % (UIDVALIDITY, OLD + 1, 7)]
        for number in range(1, OLD + 1):
            text = text_of("old%d" % number)
            base = "%d.M%dP1.host,S=%d,W=%d" % (
                UIDVALIDITY + number, number, len(text),
                len(text) + text.count("\n"))
            lines.append("%d :%s" % (number, base))
            self.make(os.path.join(maildir, "cur", base + ":2,"), text)
        self.make(os.path.join(maildir, "dovecot-uidlist"),
                  "\n".join(lines) + "\n")
        self.make(self.popbox, "".join(
            "From x Sat Nov 21 06:50:0%d 2026\n%s\n" %
            (i, text_of("pop%d" % i)) for i in range(3)))

    def crc32c(self, data):
        crc = 0xffffffff
        for byte in data:
            crc ^= byte
            for _ in range(8):
                crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
        return crc ^ 0xffffffff

    def queue_path(self, identity):
        return "queue/%02x/%s" % (self.crc32c(identity.encode()) % 256,
                                  identity)

    def damage_spool(self):
        """A leftover, a damaged file; rubbish and a leftover in drop/."""
        user = "_mpqueue"
        long_ago = time.time() - 200000
        spool = self.host.spool
        for name, text, age in (
                ("queue/00/.AAAAAAAAAAAAA", "half", long_ago),
                (self.queue_path("BBBBBBBBBBBBB"), "rubbish", None),
                ("drop/dAAAAAAAAAAAAA", "rubbish", None),
                ("drop/.AAAAAAAAAAAAA", "half", long_ago)):
            path = os.path.join(spool, name)
            self.make(path, text, user)
            if age:
                os.utime(path, (age, age))


    def send(self, label, *recipients, note=True, places=None):
        """True when the host took the responsibility. A client that never
        came to its message, because the session that it was given was being
        killed, has handed nothing over."""
        smtp = None
        try:
            smtp = Client(self.host.address, self.host.ports["smtp"],
                          timeout=20)
            with smtp:
                smtp.sendmail(self.address("sender"),
                              [self.address(r) for r in recipients],
                              text_of(label, LINES[label]),
                              rcpt_options=NOTIFY.get(label, ()))
            done = True
        except (smtplib.SMTPException, OSError):
            done = False
        if note and (done or (smtp and smtp.has_begun)):
            self.history.note(label, places or recipients, done)
        return done

    def drop(self, label, environment, *recipients, places=None):
        result = self.host.sendmail(
            "-f", self.address("sender"),
            *(self.address(r) for r in recipients),
            input=text_of(label), check=False,
            env=dict(self.host.environment, **environment))
        self.keep(result)
        self.history.from_drop.add(label)
        self.history.note(label, places or recipients,
                          result.returncode == 0)
        return result.returncode == 0

    def keep(self, result):
        """What a program for people wrote, with the daemons' own."""
        with open(os.path.join(self.host.directory, "stderr"), "a") as log:
            log.write(result.stdout)

    def queue(self):
        """Messages; what a killed writer left is none."""
        return [path for path in self.host.queue_files()
                if not os.path.basename(path).startswith(".")]

    def wait_queue_empty(self, seconds=30):
        try:
            server.wait_for(lambda: not self.queue(), "an empty queue",
                            seconds)
        except AssertionError as error:
            raise AssertionError("%s\n%s" % (error, self.host.mailq().stdout))

    # What is there.

    def found(self):
        """Copies by (label, place)."""
        found = collections.Counter()
        for path in self.host.messages(self.address("maildir")):
            with open(path, errors="replace", newline="") as file:
                text = file.read()
            found[label_of(text.replace("\r\n", "\n")), "maildir"] += 1
        for path in self.host.messages(self.address("sender")):
            with open(path, errors="replace") as file:
                text = file.read()
            for label in re.findall(r"^(?:> )?Subject: (\S+)$", text,
                                    re.M)[-1:]:
                found[label, "dsn"] += 1
        for text in self.mbox_messages(self.inbox):
            found[label_of(text), "mbox"] += 1
        for message in self.far.messages:
            text = message["data"].decode("latin-1").replace("\r\n", "\n")
            for recipient in message["rcpt_to"]:
                found[label_of(text), recipient] += 1
        return found

    def mbox_messages(self, path):
        if not os.path.exists(path):
            return []
        with open(path, errors="replace") as file:
            return re.split(r"^From \S.*\n", file.read(), flags=re.M)[1:]

    def assert_clean_log(self):
        log = self.host.read_log()
        for word in ("AddressSanitizer", "LeakSanitizer", "runtime error",
                     "bug:", "panic"):
            assert word not in log, word

    # The mailbox programs.

    def imap(self):
        imap = imaplib.IMAP4(self.host.address, self.host.ports["imap"],
                             timeout=20)
        imap.login("reader", "secret")
        return imap

    def imap_step(self, *steps):
        """Commands on a connection of their own; the last one's answer."""
        try:
            imap = self.imap()
            for step in steps:
                kind, data = step(imap)
                if kind != "OK":
                    return None
            answer = imap.untagged_responses
            imap.shutdown()
            return [kind, data, answer]
        except (imaplib.IMAP4.error, OSError):
            return None

    def pop3_delete(self, user, numbers):
        """True when QUIT was acknowledged."""
        try:
            pop = poplib.POP3(self.host.address, self.host.ports["pop3"],
                              timeout=20)
            pop.user(user)
            pop.pass_("secret")
            for number in numbers:
                pop.dele(number)
            return pop.quit().startswith(b"+OK")
        except (poplib.error_proto, OSError):
            return False

    def folder(self, name):
        """[(uid, label, flags)] of a folder."""
        imap = self.imap()
        if imap.select(name)[0] != "OK":
            return []
        assert int(imap.response("UIDVALIDITY")[1][0]) > 0
        rows = []
        for item in imap.uid("FETCH", "1:*", "(UID FLAGS BODY.PEEK[])")[1]:
            if isinstance(item, tuple):
                head = item[0].decode()
                text = item[1].decode().replace("\r\n", "\n")
                rows.append((int(re.search(r"UID (\d+)", head).group(1)),
                             label_of(text),
                             set(re.search(r"FLAGS \((.*?)\)",
                                           head).group(1).split())))
        imap.logout()
        uids = [row[0] for row in rows]
        assert uids == sorted(set(uids)), uids
        return rows


def make_crash_host(make_host, far, **settings):
    host = make_host(settings=dict({
        "minimal_backoff_time": "1s", "maximal_backoff_time": "2s",
        "internet": "no", "mynetworks": "127.0.0.0/8"}, **settings))
    return CrashHost(host, far)


def make_sink():
    return sink.Sink(refuse={"^no@": "550 5.1.1 no such user",
                             "^(later|doomed)": "450 4.2.0 busy"})

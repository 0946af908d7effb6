# SPDX-License-Identifier: ISC
"""A disk that is full at each write: what was not stored is refused with
452 4.3.1, nothing acknowledged is lost, and what is queued goes on.

The disk has 8 MB (tmpfs, ext4) and is filled up but for k blocks, for each k
from none to more than the message needs: every write of the way meets the
end once. Needs root. MERPATI_HEAVY=1 tries every k, otherwise some.
"""

import contextlib
import errno
import imaplib
import os
import poplib
import subprocess

import pytest

import server
import sink
from server import Wire, wait_for

pytestmark = pytest.mark.skipif(not server.IS_ROOT, reason="mounts disks")

HEAVY = bool(os.environ.get("MERPATI_HEAVY"))
BLOCK = 4096
LINES = 500           # about 27 KB: some blocks
MOST = 24             # blocks; more than the message needs anywhere
STEPS = range(MOST) if HEAVY else (0, 1, 2, 5, 8, 10, MOST - 1)
KINDS = ("tmpfs", "ext4")
LATE = "later@far.example"


def body_of(label):
    return "".join("%s line %d, and some words to fill it\r\n" % (label, i)
                   for i in range(LINES))


def text_of(label):
    return "From: x\r\nSubject: %s\r\n\r\n%s" % (label, body_of(label))


class Disk:
    """8 MB of which all but what a test wants is taken."""

    def __init__(self, kind, where):
        self.where, self.filler = where, os.path.join(where, "filler")
        os.makedirs(where)
        if kind == "tmpfs":
            server.run("mount", "-t", "tmpfs", "-o", "size=8m,mode=755",
                       "tmpfs", where)
        else:
            image = where + ".image"
            with open(image, "wb") as file:
                file.truncate(8 << 20)
            server.run("mkfs.ext4", "-q", "-F", "-m", "0", "-N", "4096",
                       "-b", str(BLOCK), "-O", "^has_journal", image)
            server.run("mount", "-o", "loop", image, where)
        os.chmod(where, 0o755)

    def free(self):
        space = os.statvfs(self.where)
        return space.f_bavail * space.f_frsize // BLOCK

    def fill(self, blocks):
        """Leave that many."""
        fd = os.open(self.filler, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.fsync(fd)
            size = os.fstat(fd).st_size
            for _ in range(20):
                size += (self.free() - blocks) * BLOCK
                os.ftruncate(fd, max(0, size))
                with contextlib.suppress(OSError):
                    os.posix_fallocate(fd, 0, max(1, size))
                os.fsync(fd)
                if self.free() == blocks:
                    return
            assert abs(self.free() - blocks) <= 1, self.free()
        finally:
            os.close(fd)

    def empty(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.filler)
        os.sync()

    def remove(self):
        subprocess.run(("umount", "-l", self.where), check=False)


class Place:
    """A host, with its spool or its mailboxes on a small disk."""

    def __init__(self, host, disk, far):
        self.host, self.disk, self.far = host, disk, far
        self.name = host.hostname

    def address(self, user):
        return user if "@" in user else "%s@%s" % (user, self.name)

    def send(self, label, *users):
        """The reply to the end of data, or to what was refused before; no
        SIZE is announced, so that the end comes as late as can be."""
        wire = Wire(self.host.connect("smtp"))
        try:
            wire.reply()
            wire.say("EHLO x")
            lines = ["MAIL FROM:<%s>" % self.address("sender")]
            lines += ["RCPT TO:<%s>" % self.address(u) for u in users]
            for line in lines + ["DATA"]:
                reply = wire.say(line)
                if reply[0] not in "23":
                    return reply
            wire.send(text_of(label) + ".\r\n")
            return wire.reply()
        finally:
            wire.close()

    def send_for_trial(self, label):
        """Accepted, and tried: delivered or put off with 4.3.1."""
        before = self.host.read_log().count("dsn=4.3.1, status=deferred")
        assert self.send(label, "one").startswith("250")
        wait_for(lambda: not self.host.queue_files() or before <
                 self.host.read_log().count("dsn=4.3.1, status=deferred"),
                 "delivery or 4.3.1")

    def sendmail(self, label):
        return self.host.sendmail(
            "-f", self.address("sender"), self.address("one"), check=False,
            input=text_of(label).replace("\r\n", "\n"))

    def copies(self, user, label):
        """Whole copies in a Maildir; a torn one fails."""
        count = 0
        for path in self.host.messages(self.address(user)):
            with open(path, newline="") as file:
                text = file.read()
            if "Subject: %s\r\n" % label in text:
                assert text.endswith(body_of(label)), path
                count += 1
        return count

    def leftovers(self):
        return [path for path in self.host.queue_files()
                if os.path.basename(path).startswith(".")]

    def come_to_rest(self):
        """There is room again: everything that waits is delivered."""
        self.disk.empty()
        self.host.mailq("retry", "all", check=False)
        wait_for(self.is_at_rest, "rest: " + self.host.mailq().stdout)

    def is_at_rest(self):
        drop = os.listdir(self.host.spool + "/drop")
        return not self.host.queue_files() and not drop


@contextlib.contextmanager
def small(make_host, kind, part):
    """part, "spool" or "homes", on the small disk."""
    with contextlib.ExitStack() as stack:
        far = stack.enter_context(sink.Sink(
            refuse={"^later": "450 4.2.0 busy", "^no@": "550 5.1.1 no"}))
        host = make_host(settings={
            "minimal_backoff_time": "1s", "maximal_backoff_time": "1s",
            "internet": "no", "mynetworks": "127.0.0.0/8",
            "queue_minimum_free": "1"})
        host.environment["ASAN_OPTIONS"] = "detect_leaks=0"
        where = os.path.join(host.directory, "small")
        disk = Disk(kind, where)
        stack.callback(disk.remove)
        path = os.path.join(where, part)
        if part == "spool":
            host.write_conf(dict(settings_of(host), queue_directory=path))
            host.spool = path
        else:
            host.write_conf(dict(settings_of(host), virtual_home=path))
            host.homes = path
        host.mailctl("permissions")
        host.write("route.map", "far.example [127.0.0.1]:%d\n" % far.port)
        for user in ("one", "two", "sender"):
            host.add_user("%s@%s" % (user, host.hostname))
        host.start()
        stack.callback(host.stop)
        yield Place(host, disk, far)


def settings_of(host):
    with open(host.conf) as conf:
        return dict(line.rstrip("\n").split(" = ", 1) for line in conf)


@pytest.mark.parametrize("kind", KINDS)
def test_queue_is_full(make_host, kind):
    """At each block: 250 and delivered, or 452 4.3.1 and nothing is left."""
    with small(make_host, kind, "spool") as p:
        replies = []
        assert p.send("first", "one").startswith("250")
        p.come_to_rest()
        for blocks in STEPS:
            label = "m%d" % blocks
            p.disk.fill(blocks)
            replies.append(p.send(label, "one", "two"))
            taken = replies[-1].startswith("250 ")
            assert taken or replies[-1].startswith("452 4.3.1 "), replies[-1]
            assert not p.leftovers()
            if taken:   # goes on without any room
                p.host.wait_queue_empty()
            assert not p.host.queue_files()
            for user in ("one", "two"):
                assert p.copies(user, label) == taken
            p.disk.empty()
        assert replies[0].startswith("452") and replies[-1].startswith("250")
        assert p.send("last", "one").startswith("250")
        p.come_to_rest()
        assert p.copies("one", "last") == 1


@pytest.mark.parametrize("kind", KINDS)
def test_queue_goes_on_when_it_is_full(make_host, kind):
    """Marks, schedule and removal need no room; a report waits for it."""
    with small(make_host, kind, "spool") as p:
        assert p.send("mixed", "one", "ok@far.example",
                      LATE).startswith("250")
        assert p.send("bad", "no@far.example").startswith("250")
        p.disk.fill(0)
        wait_for(lambda: p.copies("one", "mixed") == 1, "the local copy")
        wait_for(lambda: p.host.read_log().count("450 4.2.0 busy") > 1,
                 "a second try")
        assert p.send("refused", "one").startswith("452 4.3.1")
        # A restart over a full disk loses nothing and repeats nothing.
        p.host.stop()
        p.host.start()
        p.far.knobs["refuse"].pop("^later")
        p.host.mailq("retry", "all", check=False)
        wait_for(lambda: len(p.host.queue_files()) == 1, "only the report")
        p.come_to_rest()
        wait_for(lambda: p.host.messages(p.address("sender")), "the report")
        assert p.copies("one", "mixed") == 1
        assert p.copies("one", "refused") == 0
        taken = [r for m in p.far.messages for r in m["rcpt_to"]]
        assert sorted(taken) == [LATE, "ok@far.example"]
        assert len(p.host.messages(p.address("sender"))) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_sendmail_into_a_full_queue(make_host, kind):
    """Exit 75 and nothing is left, or it arrives once there is room."""
    with small(make_host, kind, "spool") as p:
        results = []
        for blocks in STEPS:
            label = "s%d" % blocks
            p.disk.fill(blocks)
            result = p.sendmail(label)
            results.append(result.returncode)
            assert result.returncode in (0, 75), result.stdout
            drop = os.listdir(p.host.spool + "/drop")
            assert not [name for name in drop if name[0] == "."]
            # Pickup looks again after a minute, or when there is more.
            p.disk.empty()
            p.sendmail("more%d" % blocks)
            p.come_to_rest()
            assert p.copies("one", label) == (result.returncode == 0)
            assert p.copies("one", "more%d" % blocks) == 1
        assert results[0] == 75 and results[-1] == 0


@pytest.mark.parametrize("kind", KINDS)
def test_mailbox_is_full(make_host, kind):
    """The queue keeps it, says 4.3.1, and delivers it whole, once."""
    with small(make_host, kind, "homes") as p:
        assert p.send("first", "one").startswith("250")
        p.come_to_rest()
        for blocks in STEPS:
            label = "d%d" % blocks
            p.disk.fill(blocks)
            p.send_for_trial(label)
            stored = not p.host.queue_files()
            assert p.copies("one", label) == stored
            p.come_to_rest()
            assert p.copies("one", label) == 1
            maildir = p.host.maildir(p.address("one"))
            assert os.listdir(maildir + "/tmp") == []
            for path in p.host.messages(p.address("one")):
                os.unlink(path)


@pytest.mark.parametrize("kind", KINDS)
def test_mbox_is_full(make_host, kind):
    """No part of a message stays in the mbox."""
    with small(make_host, kind, "homes") as p:
        path = os.path.join(p.host.homes, p.name, "one", "inbox")
        with open(p.host.directory + "/users") as users:
            lines = users.read().splitlines()
        p.host.write("users", "\n".join(
            line + " mail=" + path if line.startswith("one@") else line
            for line in lines) + "\n")
        assert p.send("first", "one").startswith("250")
        p.come_to_rest()
        with open(path, newline="") as mbox:
            before = mbox.read()
        for blocks in STEPS:
            label = "b%d" % blocks
            p.disk.fill(blocks)
            p.send_for_trial(label)
            if p.host.queue_files():
                wait_for(lambda: os.path.getsize(path) == len(before),
                         "the old length")
            p.come_to_rest()
            with open(path, newline="") as mbox:
                after = mbox.read()
            assert after.startswith(before)
            assert after.count("Subject: %s\n" % label) == 1
            assert after.endswith(body_of(label).replace("\r\n", "\n") +
                                  "\n")
            os.truncate(path, len(before))


def append(p, label):
    """The tagged answer of IMAP APPEND."""
    imap = imaplib.IMAP4(p.host.address, p.host.ports["imap"], timeout=30)
    try:
        imap.login(p.address("one"), "secret")
        return imap.append("INBOX", None, None, text_of(label).encode())
    finally:
        imap.shutdown()


@pytest.mark.parametrize("kind", KINDS)
def test_append_to_a_full_mailbox(make_host, kind):
    """OK and there, or NO and nothing is left; reading goes on."""
    with small(make_host, kind, "homes") as p:
        assert p.send("first", "one").startswith("250")
        p.come_to_rest()
        assert append(p, "second")[0] == "OK"
        answers = []
        for blocks in STEPS:
            label = "a%d" % blocks
            p.disk.fill(blocks)
            answers.append(append(p, label))
            assert answers[-1][0] in ("OK", "NO"), answers[-1]
            if answers[-1][0] == "NO":
                assert b"OVERQUOTA" in answers[-1][1][0], answers[-1]
            assert p.copies("one", label) == (answers[-1][0] == "OK")
            maildir = p.host.maildir(p.address("one"))
            assert os.listdir(maildir + "/tmp") == []
            p.disk.empty()
            for path in p.host.messages(p.address("one")):
                with open(path) as file:
                    if "Subject: a" in file.read():
                        os.unlink(path)
        assert answers[0][0] == "NO" and answers[-1][0] == "OK"
        p.disk.fill(0)
        check_reading_when_full(p)


def check_reading_when_full(p):
    """A full mailbox can be read, and emptied."""
    imap = imaplib.IMAP4(p.host.address, p.host.ports["imap"], timeout=30)
    imap.login(p.address("one"), "secret")
    assert int(imap.select("INBOX")[1][0]) == 2
    for number in "12":
        assert b"words to fill" in imap.fetch(number, "(BODY[])")[1][0][1]
    assert imap.store("1", "+FLAGS", "(\\Deleted)")[0] == "OK"
    assert imap.expunge()[0] == "OK"
    imap.logout()
    pop = poplib.POP3(p.host.address, p.host.ports["pop3"], timeout=30)
    pop.user(p.address("one"))
    pop.pass_("secret")
    assert pop.stat()[0] == 1
    assert pop.retr(1)[0].startswith(b"+OK")
    pop.dele(1)
    assert pop.quit().startswith(b"+OK")
    assert p.host.messages(p.address("one")) == []


def test_inodes_run_out(make_host):
    """Fewer than 1,000 left: 452 4.3.1 at MAIL; more again: 250."""
    with small(make_host, "tmpfs", "spool") as p:
        taken = []
        server.run("mount", "-o", "remount,nr_inodes=2500", p.disk.where)
        while os.statvfs(p.disk.where).f_favail >= 1000:
            taken.append(os.path.join(p.disk.where, str(len(taken))))
            os.mknod(taken[-1])
        assert p.send("refused", "one").startswith("452 4.3.1 ")
        assert not p.host.queue_files()
        os.unlink(taken.pop())
        assert p.send("taken", "one").startswith("250 ")
        p.host.wait_queue_empty()
        assert (p.copies("one", "taken"), p.copies("one", "refused")) == (
            1, 0)


def test_the_disk_of_these_tests_is_full(tmp_path):
    """A harness that fills nothing shows nothing."""
    for kind in KINDS:
        disk = Disk(kind, str(tmp_path / kind))
        try:
            disk.fill(0)
            fd = os.open(disk.where + "/file", os.O_WRONLY | os.O_CREAT)
            with pytest.raises(OSError) as error:
                os.write(fd, b"x" * BLOCK)
                os.fsync(fd)
            os.close(fd)
            assert error.value.errno == errno.ENOSPC
        finally:
            disk.remove()

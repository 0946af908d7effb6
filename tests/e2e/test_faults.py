# SPDX-License-Identifier: ISC
"""Errors of the disk while a message is accepted, and kills and planted bugs
in the programs that accept and deliver.

Needs root and strace, and a build with --enable-sanitizers and
--enable-fault-points (MERPATI_FAULT_PREFIX): the others filter system calls.
"""

import signal
import os
import re
import shutil
import subprocess

import pytest

import crash
import server
from crash import History, judge
from server import Wire
from test_crash import FAULT_PREFIX, fault_build  # noqa: F401
from server import read_status, tree

pytestmark = [
    pytest.mark.skipif(not FAULT_PREFIX,
                       reason="MERPATI_FAULT_PREFIX is not set"),
    pytest.mark.skipif(not server.IS_ROOT or not shutil.which("strace"),
                       reason="needs root and strace"),
]


class Tracer:
    """strace on one process, with an error or a pretended success."""

    def __init__(self, folder, pid, *injections):
        self.path = os.path.join(folder, "trace.%d" % pid)
        calls = "openat,flock,write,rename,renameat,renameat2,fsync,unlinkat"
        argv = ["strace", "-f", "-p", str(pid), "-o", self.path, "-e",
                "trace=" + calls]
        for injection in injections:
            argv += ["-e", "inject=" + injection]
        self.process = subprocess.Popen(argv, stderr=subprocess.PIPE)
        line = self.process.stderr.readline()
        assert b"attached" in line, line

    def calls(self, name):
        with open(self.path) as trace:
            return [line for line in trace
                    if re.match(r"\d+ +%s\(" % name, line)]

    def stop(self):
        self.process.terminate()
        self.process.wait(server.DEADLINE)
        self.process.stderr.close()


@pytest.fixture
def trace(folder):
    tracers = []

    def attach(pid, *injections):
        tracers.append(Tracer(folder, pid, *injections))
        return tracers[-1]

    yield attach
    for tracer in tracers:
        tracer.stop()


def find_processes(host, name):
    found = []
    for pid in tree(host.process.pid):
        try:
            if read_status(pid)["Name"] == name:
                found.append(pid)
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def find_process(host, name):
    return server.wait_for(lambda: find_processes(host, name), name)[0]


@pytest.fixture
def c(fault_build, make_host):  # noqa: F811
    with crash.make_sink() as far:
        one = crash.make_crash_host(make_host, far)
        one.host.start()
        yield one


def begin(c):
    """A session with an accepted recipient."""
    wire = Wire(c.host.connect("smtp"))
    wire.reply()
    for line in ("EHLO x", "MAIL FROM:<%s>" % c.address("sender"),
                 "RCPT TO:<%s>" % c.address("maildir")):
        assert wire.say(line).startswith("250"), line
    return wire


def data_of(label):
    return crash.text_of(label, crash.LINES[label]).replace("\n", "\r\n")


# What fails (from DATA on), the reply, and how many fsyncs may be seen.
ERRORS = [
    ("openat:error=EMFILE:when=1", "451 4.3.0", 0),
    ("openat:error=ENOSPC:when=2", "452 4.3.1", 0),
    ("openat:error=EDQUOT:when=2", "452 4.3.1", 0),
    ("flock:error=EIO", "451 4.3.0", 0),
    ("flock:error=ENOLCK", "451 4.3.0", 0),
    ("write:error=ENOSPC:when=2", "452 4.3.1", 0),
    ("write:error=EIO:when=2", "451 4.3.0", 0),
    ("write:error=EFBIG:when=2", "452 4.3.1", 0),
    ("renameat2:error=ENOSPC", "452 4.3.1", 0),
    ("renameat2:error=EIO", "451 4.3.0", 0),
    ("renameat2:error=EROFS", "451 4.3.0", 0),
    ("fsync:error=EIO:when=1", "451 4.3.0", 1),
    ("fsync:error=ENOSPC:when=1", "452 4.3.1", 1),
    ("fsync:error=EIO:when=1+", "451 4.3.0", 1),
    ("fsync:error=EIO:when=2", "451 4.3.0", 2),
    ("fsync:error=ENOSPC:when=2+", "452 4.3.1", 2),
]


def test_each_error_is_temporary_and_leaves_nothing(c, trace):
    """write 1 answers DATA; write 2 is the file's; fsync 2 the directory's.
    """
    for injection, reply, syncs in ERRORS:
        wire = begin(c)
        tracer = trace(find_process(c.host, "enqueue"), injection)
        assert wire.say("DATA").startswith("354")
        wire.send(data_of("refused") + ".\r\n")
        got = wire.reply()
        assert got.startswith(reply), (injection, got)
        assert c.host.queue_files() == [], injection
        # The session goes on, and takes mail when the disk does.
        assert wire.say("RSET").startswith("250")
        wire.close()
        # It would wait for the next session.
        os.kill(find_process(c.host, "enqueue"), signal.SIGKILL)
        tracer.process.wait(server.DEADLINE)
        assert "INJECTED" in open(tracer.path).read(), injection
        assert len(tracer.calls("fsync")) == syncs, injection
        assert c.host.queue_files() == [], injection
    assert c.send("after", "maildir")
    c.wait_queue_empty()
    server.wait_for(lambda: c.found()["after", "maildir"] == 1, "after")
    assert not judge(c.history, c.found())
    c.assert_clean_log()


@pytest.mark.parametrize("when", [2, 3])
def test_an_error_amid_a_large_message(c, trace, when):
    wire = begin(c)
    tracer = trace(find_process(c.host, "enqueue"),
                   "write:error=ENOSPC:when=%d" % when)
    assert wire.say("DATA").startswith("354")
    wire.send(data_of("large") + ".\r\n")
    assert wire.reply().startswith("452 4.3.1")
    assert c.host.queue_files() == []
    assert tracer.calls("fsync") == []
    wire.close()


def drop_with(c, folder, injection):
    return subprocess.run(
        ["strace", "-f", "-o", folder + "/drop", "-e", "inject=" + injection,
         os.path.join(server.SBIN, "sendmail"), "-f", c.address("sender"),
         c.address("maildir")], input=crash.text_of("dropped"),
        env=c.host.environment, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=60)


@pytest.mark.parametrize("injection", [
    "fsync:error=EIO:when=1", "fsync:error=ENOSPC:when=1",
    "fsync:error=EIO:when=2", "renameat:error=EIO", "fchmod:error=EIO"])
def test_a_failed_submission_leaves_nothing(c, folder, injection):
    result = drop_with(c, folder, injection)
    assert result.returncode == 75, result.stdout
    with open(folder + "/drop") as file:
        assert "INJECTED" in file.read()
    c.history.note("dropped", ("maildir",), False)
    assert [n for n in os.listdir(c.host.spool + "/drop")] == []
    c.send("after", "maildir")
    c.wait_queue_empty()
    server.wait_for(lambda: c.found()["after", "maildir"] == 1, "after")
    # Its name was there for a moment: pickup may have been faster than the
    # second fsync.
    windows = (crash.W1,) if injection.endswith("when=2") else ()
    assert not judge(c.history, c.found(), windows)


# Planted bugs: the same scenario and the same judge as test_crash.py, with a
# system call left out that claims success. The judge has to see each.

def test_planted_reply_without_commit_is_found(c, trace):
    wire = begin(c)
    trace(find_process(c.host, "enqueue"), "renameat2:retval=0")
    wire.say("DATA")
    wire.send(data_of("planted") + ".\r\n")
    is_acknowledged = wire.reply().startswith("250")
    wire.close()
    c.history.note("planted", ("maildir",), is_acknowledged)
    c.host.stop()
    c.host.start()
    c.wait_queue_empty()
    assert judge(c.history, c.found(), (crash.W1, crash.W2)) == [
        "lost: planted at maildir: 0 of 1"]


def test_planted_mark_before_delivery_is_found(c, trace):
    """deliver says "delivered" for a file that it never moved into new/, so
    qmgr removes the queue file before the mailbox has the message."""
    c.send("first", "maildir")
    c.host.wait_messages(c.address("maildir"), 1)
    agent = find_process(c.host, "deliver")
    tracer = trace(agent, "renameat:retval=0")
    c.send("planted", "maildir")
    c.wait_queue_empty()
    assert "INJECTED" in open(tracer.path).read()
    assert judge(c.history, c.found()) == [
        "lost: planted at maildir: 0 of 1"]


def test_planted_early_unlink_is_found(c):
    """A queue file goes away between acknowledgement and delivery."""
    c.send("planted", "later@far.example")
    c.host.wait_log("450 4.2.0 busy")
    path, = c.host.queue_files()
    c.host.stop()
    os.unlink(path)
    del c.far.knobs["refuse"]["^(later|doomed)"]
    c.host.start()
    c.send("after", "maildir")
    server.wait_for(lambda: c.found()["after", "maildir"] == 1, "after")
    c.wait_queue_empty()
    assert judge(c.history, c.found(), (crash.W1, crash.W2)) == [
        "lost: planted at later@far.example: 0 of 1"]


def test_the_honest_run_has_no_fault(c):
    c.history = History()
    c.send("honest", "maildir", "ok@far.example")
    c.wait_queue_empty()
    assert judge(c.history, c.found()) == []

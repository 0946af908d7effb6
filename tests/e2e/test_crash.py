# SPDX-License-Identifier: ISC
"""kill -9 at every numbered commit point: what was acknowledged arrives, and
arrives once outside the documented windows (queue/README.md).

Needs a build with --enable-fault-points (MERPATI_FAULT_PREFIX). The point is
armed for every process of the host, so each that passes it dies there, each
time, while one scenario does a little of everything. Then the host is
started again without it, clients try again what was not acknowledged, and
all must come to rest with the right mail in the right places.
"""

import collections
import os
import re

import pytest

import crash
import server
from crash import OLD, P, W1, W2, W3, History, judge

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
FAULT_PREFIX = os.environ.get("MERPATI_FAULT_PREFIX")
FOLDERS = ("common", "common/mailbox", "queue", "deliver", "pop3d", "imapd",
           "smtpd")


def all_points():
    """Every fault_point("X1") in the sources: [(point, file)]."""
    points = []
    for folder in FOLDERS:
        path = os.path.join(TOP, folder)
        for name in sorted(os.listdir(path)):
            if not name.endswith(".c") or name == "fault.c":
                continue
            with open(os.path.join(path, name)) as source:
                points += [(point, folder + "/" + name) for point in
                           re.findall(r'fault_point\("(\w+)"\)',
                                      source.read())]
    return points


POINTS = dict(all_points())

# Where more copies than one are the documented price of a stop; everywhere
# else there is exactly one. A5 to A7: the message is in the queue, and its
# client does not know. The same for a user of sendmail at S4 and S5.
AFTER_COMMIT = ("A5", "A6", "A7")
AFTER_DROP = ("S4", "S5")
WINDOWS = {
    "A5": (W1, W3, P), "A6": (W1, W3, P), "A7": (W1, W3, P),
    "A8": (P,), "A9": (P,),
    "P1": (P,), "P2": (P,), "P3": (),
    "S4": (W1,), "S5": (W1,),
    "Q5": (W3,),
}


def windows_of(point):
    """A kill of qmgr (Q, and A when it writes a report) is W2 for what is
    with a remote host at that moment, whatever message it was killed over."""
    is_qmgr = point[0] == "Q" or point in AFTER_COMMIT + ("A1", "A2", "A3",
                                                          "A4")
    return WINDOWS.get(point, ()) + ((W2,) if is_qmgr else ())


def needs_fault_build(function):
    return pytest.mark.skipif(
        not FAULT_PREFIX, reason="MERPATI_FAULT_PREFIX is not set")(function)


@pytest.fixture
def fault_build(monkeypatch):
    monkeypatch.setattr(server, "SBIN", os.path.join(FAULT_PREFIX, "sbin"))
    monkeypatch.setattr(server, "LIBEXEC",
                        os.path.join(FAULT_PREFIX, "libexec", "merpati"))


@pytest.fixture
def crash_host(fault_build, make_host):
    with crash.make_sink() as far:
        yield crash.make_crash_host(make_host, far)


def stops(host, point):
    return host.read_log().count("fault point %s\n" % point)


def mail_traffic(c, environment):
    """Mail of every kind; rests when a process died or all was tried."""
    c.send("one", "maildir")
    c.send("two", "maildir")
    c.send("large", "maildir")
    c.send("both", "maildir", "mbox")
    c.send("told", "maildir", places=("maildir", "dsn"))
    c.send("far", "maildir", "mbox", "ok@far.example", "no@far.example",
           "later@far.example",
           places=("maildir", "mbox") + crash.REMOTE + ("dsn",))
    c.send("doomed", "doomed@far.example", note=False)
    c.drop("dropped", environment, "maildir")
    c.drop("half", environment, "maildir", "nobody@nowhere.example",
           places=("maildir", "dsn"))


def is_at_rest(c):
    """Only what the sink puts off is left."""
    return (len(c.queue()) <= 2 and
            not [name for name in os.listdir(c.host.spool + "/drop")])


def reader_steps(c):
    """What IMAP acknowledged: {step: answer}."""
    message = text = crash.text_of("appended").replace("\n", "\r\n").encode()
    plain = text.replace(b"appended", b"plain")

    def select(imap):
        return imap.select("INBOX")

    steps = {
        "append": (lambda i: i.append("INBOX", "(\\Seen)", None, message),),
        "plain": (lambda i: i.append("INBOX", None, None, plain),),
        "create": (lambda i: i.create("Arsip"),
                   lambda i: i.subscribe("Arsip")),
        "store": (select, lambda i: i.uid("STORE", "3", "+FLAGS",
                                          "(\\Flagged kata)")),
        "copy": (select, lambda i: i.uid("COPY", "4", "Arsip")),
        "move": (select, lambda i: i.uid("MOVE", "5", "Arsip")),
        "expunge": (select,
                    lambda i: i.uid("STORE", "6", "+FLAGS", "(\\Deleted)"),
                    lambda i: i.expunge()),
    }
    return {name: c.imap_step(*step) for name, step in steps.items()}


def check_reader(c, point, acked, pop3_acked):
    rows = c.folder("INBOX")
    arsip = [label for _, label, _ in c.folder("Arsip")]
    uids = {label: uid for uid, label, _ in rows}
    flags = {label: have for _, label, have in rows}
    labels = [label for _, label, _ in rows]
    assert len(labels) == len(c.host.messages(c.address("reader")))
    # POP3 deletes in order: what is gone is the first of them.
    gone = [n for n in (1, 2) if "old%d" % n not in uids]
    assert gone == ([1, 2] if pop3_acked else
                    [1] if point in ("V1", "M5") else []), gone
    for number in (3, 4, 7, OLD):
        assert uids["old%d" % number] == number
    # A new message is there when it was acknowledged, or at its place.
    for step, label in (("append", "appended"), ("plain", "plain")):
        there = acked[step] or point in ("M2", "M3")
        assert labels.count(label) == (1 if there else 0), label
        if there:
            assert uids[label] > OLD
    assert arsip.count("old4") == (
        1 if acked["copy"] or point in ("M2", "M3") and acked["create"]
        else 0)
    if acked["move"]:
        assert "old5" not in uids and arsip.count("old5") == 1
    else:
        assert ("old5" in uids) + arsip.count("old5") in (1, 2)
    assert set(arsip) <= {"old4", "old5"}
    if acked["store"]:
        assert {"\\Flagged", "kata"} <= flags["old3"]
    assert ("old6" in uids) == (not acked["expunge"] and point != "M5")
    assert set(labels) <= {"old%d" % n for n in range(3, OLD + 1)} | {
        "old1", "old2", "appended", "plain"}
    # The locks of the dead are nobody's.
    c.imap_step(lambda i: i.create("Arsip"))
    for name in ("INBOX", "Arsip"):
        assert c.imap_step(lambda i, name=name: i.append(
            name, None, None, crash.text_of("last").encode()))


def check_popbox(c, point, is_acked):
    labels = [crash.label_of(text) for text in c.mbox_messages(c.popbox)]
    if is_acked or point == "V2":
        assert labels == ["pop1", "pop2"]
    else:
        assert labels == ["pop0", "pop1", "pop2"]


def check_spool(c):
    """Nothing unfinished stays, nothing damaged is thrown away."""
    assert sorted(os.listdir(c.host.spool + "/bad")) == [
        "BBBBBBBBBBBBB", "dAAAAAAAAAAAAA"]
    assert not os.path.exists(c.host.spool + "/queue/00/.AAAAAAAAAAAAA")
    assert not os.path.exists(c.host.spool + "/drop/.AAAAAAAAAAAAA")
    tmp = c.host.maildir(c.address("maildir")) + "/tmp"
    assert os.listdir(tmp) == []


def come_to_rest(c):
    """Clients try again; the sink takes all but "no@"."""
    del c.far.knobs["refuse"]["^(later|doomed)"]
    again = c.history.unacknowledged.copy()
    for label in sorted({label for label, _ in again}):
        places = [place for name, place in sorted(again) if name == label]
        to = [place for place in places if place != "dsn"]
        if "dsn" in places and label not in crash.NOTIFY:
            to.append("no@far.example")
        assert c.send(label, *to, places=places)
    c.host.mailq("resume", "far.example", check=False)
    c.host.mailq("release", "all", check=False)
    c.host.mailq("retry", "all", check=False)
    c.send("after", "also", places=("maildir",))
    c.wait_queue_empty()
    server.wait_for(lambda: c.found()["after", "maildir"] == 1, "after")
    server.wait_for(lambda: not [
        n for n in os.listdir(c.host.spool + "/drop") if n[0] == "d"],
        "drop/", 12)
    c.wait_queue_empty()


def run_point(c, point):
    """The scenario with the point armed; what IMAP and POP3 acknowledged."""
    environment = {"MERPATI_FAULT_POINT": point}
    armed = dict(c.host.environment, **environment)
    if point[0] == "T":
        c.make_tables_large()
    c.fill_mailboxes()
    c.damage_spool()
    c.host.start(environment)
    mail_traffic(c, environment)
    server.wait_for(lambda: stops(c.host, point) or is_at_rest(c),
                    "a kill at %s, or rest" % point)
    acked = reader_steps(c)
    pop3 = [c.pop3_delete("reader", (1, 2)), c.pop3_delete("popbox", (1,))]
    c.keep(c.host.mailctl("user", "add", "fresh@" + c.name,
                          "--password-stdin", input="secret\n", check=False,
                          env=armed))
    c.keep(c.host.run(os.path.join(server.SBIN, "newaliases"), check=False,
                      env=armed))
    c.host.stop()
    # Without a qmgr mailq edits the files itself.
    c.keep(c.host.mailq("hold", "all", check=False, env=armed))
    c.keep(c.host.mailq("delete", "to=doomed@far.example", "--yes",
                        check=False, env=armed))
    c.keep(c.host.mailq("pause", "far.example", check=False, env=armed))
    return acked, pop3


@needs_fault_build
@pytest.mark.parametrize("point", sorted(POINTS))
def test_kill_at(crash_host, point):
    c = crash_host
    acked, pop3 = run_point(c, point)
    assert stops(c.host, point) > 0, "%s (%s) is not passed" % (
        point, POINTS[point])
    c.host.start()
    come_to_rest(c)

    found = c.found()
    # Nobody waits for it: it was deleted, or the kill came before.
    del found["doomed", "doomed@far.example"]
    assert not judge(c.history, found, windows_of(point),
                     stops(c.host, point),
                     (W1,) if point in AFTER_COMMIT + AFTER_DROP else ())
    check_reader(c, point, acked, pop3[0])
    check_popbox(c, point, pop3[1])
    check_spool(c)
    c.assert_clean_log()
    c.host.mailctl("user", "add", "last@" + c.name, "--password-stdin",
                   input="secret\n")


def test_every_commit_point_is_documented_once():
    text = ""
    for folder in FOLDERS:
        for name in os.listdir(os.path.join(TOP, folder)):
            if name.endswith(".md"):
                with open(os.path.join(TOP, folder, name)) as readme:
                    text += readme.read()
    named = [point for point, _ in all_points()]
    assert sorted(set(named)) == sorted(named)
    for point in named:
        assert re.search(r"(\[|\| |, | |\()%s\b" % point, text), point


# The judge itself: planted histories, and planted bugs in a running host.

def history_of(acknowledged=(), unacknowledged=(), from_drop=()):
    history = History()
    for label, place in acknowledged:
        history.note(label, (place,), True)
    for label, place in unacknowledged:
        history.note(label, (place,), False)
    history.from_drop.update(from_drop)
    return history


ONE = ("a", "maildir")
FAR = ("a", "ok@far.example")
DSN = ("a", "dsn")
# name, history, found, windows, stops, what is wrong
PLANTED = [
    ("all is well", history_of([ONE, FAR]), {ONE: 1, FAR: 1}, (), 0, None),
    ("a reply before the commit", history_of([ONE]), {}, (), 1, "lost"),
    ("a mark before the delivery", history_of([ONE, FAR]), {ONE: 1}, (W2,), 1,
     "lost"),
    ("an unlink before the mailbox", history_of([ONE]), {}, (W1, W2, W3, P),
     9, "lost"),
    ("a torn copy", history_of([ONE]), {("torn a", "maildir"): 1}, (), 0,
     "lost"),
    ("a delivery twice", history_of([ONE]), {ONE: 2}, (W1, W2, W3, P), 1,
     "duplicate"),
    ("a copy for nobody", history_of(), {ONE: 1}, (), 0, "from nowhere"),
    ("refused, and there", history_of([], [ONE]), {ONE: 1}, (), 1,
     "duplicate"),
    ("W1: no reply, one copy", history_of([ONE], [ONE]), {ONE: 2}, (W1,), 1,
     None),
    ("W1 gives one, not two", history_of([ONE], [ONE]), {ONE: 3}, (W1,), 1,
     "duplicate"),
    ("W2: one more per stop", history_of([FAR]), {FAR: 3}, (W2,), 2, None),
    ("W2 is not for ever", history_of([FAR]), {FAR: 4}, (W2,), 2,
     "duplicate"),
    ("W2 is not for mailboxes", history_of([ONE]), {ONE: 2}, (W2,), 2,
     "duplicate"),
    ("W3: a second report", history_of([DSN]), {DSN: 2}, (W3,), 1, None),
    ("W3 needs a stop", history_of([DSN]), {DSN: 2}, (W3,), 0, "duplicate"),
    ("no report", history_of([DSN]), {}, (W3,), 1, "lost"),
    ("P: twice from drop/", history_of([ONE], (), ["a"]), {ONE: 2}, (P,), 1,
     None),
    ("P is for drop/ alone", history_of([ONE]), {ONE: 2}, (P,), 1,
     "duplicate"),
]


@pytest.mark.parametrize("case", PLANTED, ids=[case[0] for case in PLANTED])
def test_the_judge_finds(case):
    _, history, found, windows, number, wrong = case
    faults = judge(history, collections.Counter(found), windows, number)
    assert [fault.split(":")[0] for fault in faults
            if not fault.startswith("from nowhere: torn")] == (
        [wrong] if wrong else [])


def test_after_a_commit_the_copy_must_be_there():
    history = history_of([ONE], [ONE])
    found = collections.Counter({ONE: 1})
    assert judge(history, found, (W1,), 1) == []
    assert judge(history, found, (W1,), 1, (W1,)) == [
        "lost: a at maildir: 1 of 2"]

# SPDX-License-Identifier: ISC
"""What an operator does to the queue, with and without a running qmgr."""

import contextlib
import os
import re
import signal
import smtplib

import server
from server import wait_for
from sink import Sink, hanging_host

SENDER = "mahen@mail.kelompok1.local"


def start(make_host, sink, **options):
    host = make_host(settings={"internet": "yes"}, **options)
    host.write("route.map", "far.test [127.0.0.1]:%d\n"
               "near.test [127.0.0.1]:%d\n" % (sink.port, sink.port))
    host.add_user(SENDER)
    return host.start()


def send(host, *recipients):
    with smtplib.SMTP(host.address, host.ports["smtp"]) as client:
        client.sendmail(SENDER, recipients, "Subject: x\r\n\r\nhi\r\n")


def test_a_paused_destination_waits_and_goes_on(make_host):
    with Sink() as sink:
        host = start(make_host, sink)
        host.mailq("pause", "far.test", "--until", "2h", "--reason",
                   "they move house")
        send(host, "a@far.test")
        send(host, "b@near.test")
        wait_for(lambda: len(sink.messages) == 1, "the other message")
        wait_for(lambda: "they move house" in host.mailq("list").stdout,
                 "the reason")
        assert host.mailq("pauses").stdout.startswith("far.test ")
        assert "status=deferred (paused by the administrator until " in \
            host.read_log()
        # A restart changes nothing, and mailq works without qmgr.
        host.stop()
        host.mailq("pause", "near.test")
        host.start()
        send(host, "c@near.test")
        wait_for(lambda: host.mailq("list").stdout.count("paused by") == 2,
                 "two that wait")
        host.mailq("resume", "far.test")
        host.mailq("resume", "near.test")
        host.wait_queue_empty()
    assert len(sink.messages) == 3
    assert host.mailq("pauses").stdout == "No destination is paused\n"


def test_a_pause_ends_at_its_time(make_host):
    with Sink() as sink:
        host = start(make_host, sink)
        host.mailq("pause", "local", "--until=1h")
        send(host, SENDER)
        wait_for(lambda: "paused by" in host.mailq("list").stdout,
                 "the reason")
        assert not host.messages(SENDER)
        host.mailq("pause", "local", "--until=1s")
        host.wait_messages(SENDER, 1)
        host.wait_log("destination local: resumed")


def test_a_hold_until_is_shown_and_ends(make_host):
    with Sink(refuse={"^a": "450 4.2.0 busy"}) as sink:
        host = start(make_host, sink)
        send(host, "a@far.test")
        host.wait_log("status=deferred")
        name = os.path.basename(host.queue_files()[0])
        host.mailq("hold", name, "--until", "2031-12-24 18:00")
        assert "(held until Wed Dec 24 18:00:00 2031)" in host.mailq().stdout
        assert " held " in host.mailq("list").stdout
        sink.knobs["refuse"].clear()
        host.mailq("hold", "all", "--until=1s")
        host.wait_queue_empty()
        host.wait_log("released from hold: its time has come")


def test_wrong_words_are_told(make_host):
    with Sink() as sink:
        host = start(make_host, sink)
    for words, told in (
            (("pause",), "pause needs one destination"),
            (("pause", "a", "b"), "pause needs one destination"),
            (("pause", "a.test", "--until", "yesterday"),
             "yesterday is no time to come"),
            (("pause", "a.test", "--until", "2001-01-01"), "no time to come"),
            (("pause", "a.test", "--reason", "x" * 101),
             "at most 100 printable"),
            (("hold", "all", "--reason", "x"), "--reason is not for hold"),
            (("retry", "all", "--until", "1h"), "--until is not for retry"),
            (("resume", "a.test", "--until", "1h"),
             "--until is not for resume"),
            (("pauses", "x"), "pauses takes no word")):
        result = host.mailq(*words, check=False)
        assert result.returncode == 64 and told in result.stdout, words
    result = host.mailq("resume", "a.test", check=False)
    assert result.returncode == 1 and "a.test is not paused" in result.stdout


def test_the_fate_of_a_message_is_told(make_host):
    with Sink(refuse={"^no": "550 5.1.1 no such user"}) as sink:
        host = start(make_host, sink)
        send(host, "a@far.test", "no@far.test")
        host.wait_messages(SENDER, 1)
        host.wait_queue_empty()
        name, = set(re.findall(r" (\w{13}): client=", host.read_log()))
        wait_for(lambda: "status=sent (delivered to mailbox)" in
                 host.mailq("trace", name).stdout, "the end of the story")
        told = host.mailq("trace", name).stdout
        for text in ("from=<%s>, size=" % SENDER, "client=[127.0.0.1], ",
                     "to=<a@far.test>, relay=127.0.0.1[127.0.0.1]:",
                     "status=bounced (550 5.1.1 no such user",
                     "sender non-delivery notification: ", "removed"):
            assert text in told, text
        # The same by mailctl, by "show", and by an address.
        assert host.mailctl("trace", name.lower()).stdout == told
        assert told in host.mailq("show", name).stdout
        assert "to=<no@far.test>" in host.mailq("trace", "NO@far.test").stdout
        # What is still there says so, without a qmgr too.
        sink.knobs["refuse"] = {"^late": "450 4.2.0 busy"}
        send(host, "late@far.test")
        host.wait_log("status=deferred")
        host.stop()
        name = os.path.basename(host.queue_files()[0])
        told = host.mailq("trace", name).stdout
        assert "status=deferred (450 4.2.0 busy" in told
        assert "It is in the queue:" in told
    result = host.mailq("trace", "6C32BN8A7CKZB", check=False)
    assert result.returncode == 1 and "nothing is known" in result.stdout
    if server.IS_ROOT:
        status = os.stat(os.path.join(host.spool, "journal"))
        assert status.st_mode & 0o777 == 0o700 and status.st_uid != 0


def agents_of(host):
    found = []
    for pid in server.tree(host.process.pid):
        with contextlib.suppress(OSError):
            if server.read_status(pid)["Name"] == "relay":
                found.append(pid)
    return found


def test_a_message_that_ends_two_agents_is_held(make_host):
    """The far end never answers; whoever waits for it is killed."""
    with hanging_host() as port:
        host = make_host()
        host.write("route.map", "far.test [127.0.0.1]:%d\n" % port)
        host.start()
        send(host, "a@far.test")
        for count in (1, 2):
            wait_for(lambda: agents_of(host), "a relay at work")
            for pid in agents_of(host):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSEGV)
            wait_for(lambda: host.read_log().count(
                "ended without an answer") >= count, "the end of it")
            if count == 1:
                host.mailq("retry", "all")
        host.wait_log("placed on hold: two delivery agents ended over it")
        assert " held " in host.mailq("list").stdout

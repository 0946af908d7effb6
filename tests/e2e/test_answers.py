# SPDX-License-Identifier: ISC
"""What another host answers is explained, and slows down what it must."""

import email
import os
import smtplib
import time

from server import wait_for
from sink import Sink

SENDER = "mahen@mail.kelompok1.local"
RULES = """\
# first the host of this test
* 450 "*4.7.28*" slow 30m : that host limits our rate
* 554 "*not today*" defer slow 10m : that host means later
* 550 "*5.7.26*" : that host wants SPF or DKIM
"""


def start(make_host, sink, rules=RULES):
    host = make_host(settings={"relayhost": "[127.0.0.1]:%d" % sink.port})
    host.write("answers", rules)
    host.write_conf({"relayhost": "[127.0.0.1]:%d" % sink.port,
                     "remote_answers": os.path.join(host.directory,
                                                    "answers")})
    host.add_user(SENDER)
    return host.start()


def send(host, *recipients):
    with smtplib.SMTP(host.address, host.ports["smtp"]) as client:
        client.sendmail(SENDER, recipients, "Subject: x\r\n\r\nhi\r\n")


def next_attempt(host):
    """Seconds from now, of the one message that waits."""
    line, = host.mailq("list", "--json").stdout.splitlines()
    return int(line.split('"next": ')[1].split(",")[0]) - time.time()


def test_a_limited_rate_is_explained_and_respected(make_host):
    with Sink(refuse={"^a": "450 4.7.28 too much mail"}) as sink:
        host = start(make_host, sink)
        send(host, "a@far.example")
        host.wait_log("means: that host limits our rate")
        wait_for(lambda: next_attempt(host) > 1000, "a long pause")
        name = os.path.basename(host.queue_files()[0])
        shown = host.mailq("show", name).stdout
        assert "450 4.7.28 too much mail" in shown
        assert "means      that host limits our rate" in shown
        assert "(450 4.7.28 too much mail" in host.read_log()


def test_a_refusal_that_means_later_is_tried_again(make_host):
    with Sink(refuse={"^a": "554 5.7.1 not today"}) as sink:
        host = start(make_host, sink)
        send(host, "a@far.example")
        host.wait_log("means: that host means later")
        wait_for(lambda: next_attempt(host) > 500, "another try")
        assert not host.messages(SENDER)
        sink.knobs["refuse"].clear()
        host.mailq("retry", "all")
        host.wait_queue_empty()
    assert len(sink.messages) == 1


def test_a_bounce_says_what_it_means(make_host):
    with Sink(refuse={"^a": "550 5.7.26 unauthenticated"}) as sink:
        host = start(make_host, sink)
        send(host, "a@far.example")
        bounce, = host.wait_messages(SENDER, 1)
    with open(bounce) as file:
        mail = email.message_from_file(file)
    text, status, _ = mail.get_payload()
    assert "<a@far.example>: 550 5.7.26 unauthenticated" in \
        text.get_payload()
    assert "    This means: that host wants SPF or DKIM\n" in \
        text.get_payload().replace("\r", "")
    assert "smtp; 550 5.7.26 unauthenticated" in str(status)
    assert "This means" not in str(status)


def test_broken_rules_are_told_and_ours_hold(make_host):
    with Sink(refuse={"^a": "450 4.2.0 Greylisted"}) as sink:
        host = start(make_host, sink, "* 4* no quotes : x\n")
        host.wait_log("line 1: not HOST REPLY")
        result = host.mailctl("config", "check", check=False)
        assert result.returncode != 0 and "line 1: not HOST" in result.stdout
        send(host, "a@far.example")
        host.wait_log("means: the host tests whether we try again")
        assert next_attempt(host) < 400


def test_a_destination_has_settings_of_its_own(make_host):
    """A rate for one, no second attempt for another one."""
    with Sink(refuse={"^a@once": "450 4.2.1 not now"}) as sink:
        host = start(make_host, sink)
        path = os.path.join(host.directory, "destinations")
        host.write("destinations", "once.example maximal_queue_lifetime=0\n"
                   ".slow.example destination_rate=60/m\n"
                   "bad.example destination_rate=often\n")
        host.write_conf({"relayhost": "[127.0.0.1]:%d" % sink.port,
                         "destination_map": path})
        checked = host.mailctl("config", "check", check=False)
        assert checked.returncode != 0
        assert "%s:3: bad.example: destination_rate: often: write a rate as " \
            "300/h or 1000/d" % path in checked.stdout
        host.stop()
        host.start()
        send(host, "a@once.example")
        host.wait_messages(SENDER, 1)
        host.wait_queue_empty()
        before = time.monotonic()
        for _ in range(3):
            send(host, "a@x.slow.example")
        host.wait_queue_empty()
        assert time.monotonic() - before >= 2
        assert len(sink.messages) == 3
        # A broken line is said, and the mail goes.
        send(host, "a@bad.example")
        host.wait_queue_empty()
        host.wait_log("destination_map: bad.example: destination_rate: often")
        assert len(sink.messages) == 4

# SPDX-License-Identifier: ISC
"""Milters that are old, that take their time, that rewrite a sender."""

import smtplib
import ssl
import time

import pytest

from milter_peer import CLOSE, CONTINUE, Milter, header, offer, packet, text
from test_filters import (
    OTHER, TO, after_trace, delivered, send, start, wanted)

assert start  # a fixture

OLD_ACTIONS = 0x3F
PULSE = 0.25


def test_a_filter_that_agrees_on_version_2_is_spoken_to_in_it(start):
    answer = offer(version=2, actions=OLD_ACTIONS)
    edits = [header(b"h", "X-Old-Filter", "yes"),
             header(b"m", "Subject", "new", 1), CONTINUE]
    with Milter(O=answer, E=edits) as milter:
        host = start(milters=milter.address + " default=reject")
        assert send(host)[0] == 250
        got = after_trace(delivered(host))
        assert "\nSubject: new\n" in got and "\nX-Old-Filter: yes\n" in got
        # Version 2 has no DATA, and values come without their blank.
        assert milter.commands().startswith(b"OCHMRLLLLNBE")
        fields = [d for c, d in milter.heard[0] if c == b"L"]
        assert fields[1] == b"Subject\0two  blanks\n\tfolded\0"


def test_a_filter_that_hangs_up_on_version_6_is_offered_2(start):
    def negotiate(data):
        if data[:4] != b"\0\0\0\2":
            return CLOSE
        return offer(version=2, actions=OLD_ACTIONS)

    with Milter(O=negotiate) as milter:
        host = start(milters=milter.address + " default=reject")
        assert send(host)[0] == 250
        assert after_trace(delivered(host)) == wanted()
        assert milter.commands(0) == b"O"
        assert milter.commands(1).startswith(b"OCHMRLLLLNBE")
        # What was offered to it is what version 2 has.
        assert milter.first(b"O", 1) == bytes.fromhex("000000020000003f"
                                                      "0000007f")


NO_OFFERS = [
    offer(version=7), offer(version=1), offer(version=0),
    offer(version=2, steps=1 << 28), offer(actions=1 << 20)]


def test_what_was_not_offered_is_no_agreement(start):
    with Milter() as milter:
        host = start(milters=milter.address + " default=reject")
        for answer in NO_OFFERS:
            milter.answers[b"O"] = answer
            assert send(host)[0] == 554, answer
        assert host.read_log().count(": negotiation: ") == len(NO_OFFERS)


def pulses(milter, seconds):
    """Says that it is at work, more often than it must, for that long."""
    def answer(_):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            milter.connection.sendall(packet(b"p"))
            time.sleep(PULSE)
        return CONTINUE
    return answer


class SlowMilter(Milter):
    def talk(self, connection, heard):
        self.connection = connection
        super().talk(connection, heard)


def test_progress_gives_a_slow_filter_its_time_anew(start):
    with SlowMilter() as milter:
        milter.answers[b"E"] = pulses(milter, 3)
        host = start(milters=milter.address +
                     " message=2s command=2s default=reject")
        assert send(host)[0] == 250
        delivered(host)


def submit(host, sender, message):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with smtplib.SMTP(host.address, host.ports["submission"]) as client:
        client.starttls(context=context)
        client.login(TO, "secret")
        client.sendmail(sender, OTHER, message)


def test_a_filter_may_write_another_sender_and_a_user_may_not(start):
    edits = [header(b"m", "From", OTHER, 1), packet(b"e", text("<%s>" % OTHER)),
             CONTINUE]
    with Milter(E=edits) as milter:
        host = start(milters=milter.address)
        submit(host, TO, "From: %s\r\n\r\nx\r\n" % TO)
        message = delivered(host, OTHER)
        assert "Return-Path: <%s>\n" % OTHER in message
        assert "\nFrom: %s\n" % OTHER in message
        # Who has logged in is logged, whatever a filter makes of it.
        assert "sasl_username=" + TO in host.read_log()
        # It does not help a user who writes as another one.
        milter.answers[b"E"] = [header(b"m", "From", TO, 1), CONTINUE]
        with pytest.raises(smtplib.SMTPDataError) as refused:
            submit(host, TO, "From: %s\r\n\r\nx\r\n" % OTHER)
        assert refused.value.smtp_code == 550
        assert b"5.7.1" in refused.value.smtp_error
        with pytest.raises(smtplib.SMTPSenderRefused):
            submit(host, OTHER, "From: %s\r\n\r\nx\r\n" % TO)

# SPDX-License-Identifier: ISC
"""What notices to senders say, and in which language."""

import email
import email.policy
import os
import smtplib

from sink import Sink

SENDER = "mahen@mail.kelompok1.local"
OWN = """\
# one text of our own
[failed jv]
Subject: Layangé bali
Means: Tegesé

Layangmu saka $arrived ora bisa tekan, pitakona karo $$100 menyang
$hostname ($queue_id):

$recipients
-- \ntukang layang
"""


def start(make_host, sink, **settings):
    settings["relayhost"] = "[127.0.0.1]:%d" % sink.port
    host = make_host(settings=settings)
    host.add_user(SENDER)
    return host


def bounce_of(host, header, number):
    with smtplib.SMTP(host.address, host.ports["smtp"]) as client:
        client.sendmail(SENDER, "a@far.example",
                        header + "Subject: x\r\n\r\nhi\r\n")
    host.wait_messages(SENDER, number)
    newest = max(host.messages(SENDER), key=os.path.getmtime)
    with open(newest, "rb") as file:
        return email.message_from_binary_file(
            file, policy=email.policy.default)


def test_the_sender_is_told_in_the_language_of_the_message(make_host):
    with Sink(refuse={"^a": "550 5.7.26 unauthenticated"}) as sink:
        host = start(make_host, sink).start()
        for number, (header, language, subject) in enumerate((
                ("", "en", "Undelivered Mail Returned to Sender"),
                ("Accept-Language: de-AT, en;q=0.5\r\n", "de",
                 "Unzustellbare Nachricht zurück an den Absender"),
                ("Content-Language: id\r\n", "id",
                 "Surel tidak terkirim, dikembalikan kepada pengirim")), 1):
            bounce = bounce_of(host, header, number)
            text, status, _ = bounce.iter_parts()
            assert bounce["subject"] == subject
            assert text["content-language"] == language
            assert "<a@far.example>: 550 5.7.26 unauthenticated" in \
                text.get_content()
            assert not bounce.defects and not text.defects
            # What programs read is the same in every language.
            assert status.get_payload()[1]["status"] == "5.7.26"


def test_postmaster_is_told_in_the_first_language(make_host):
    """Of what can be returned to nobody."""
    with Sink(refuse={"^a": "550 5.1.1 nobody"}) as sink:
        host = start(make_host, sink, bounce_languages="id en",
                     notify=SENDER).start()
        with smtplib.SMTP(host.address, host.ports["smtp"]) as client:
            client.sendmail("", "a@far.example", "Content-Language: en\r\n"
                            "Subject: x\r\n\r\nhi\r\n")
        path, = host.wait_messages(SENDER, 1)
        with open(path) as file:
            assert "\nContent-Language: id\n" in file.read()


def test_texts_of_ones_own(make_host):
    with Sink(refuse={"^a": "550 5.1.1 nobody"}) as sink:
        host = start(make_host, sink, bounce_languages="jv en")
        host.write("bounces", OWN)
        host.write_conf(
            {"relayhost": "[127.0.0.1]:%d" % sink.port,
             "bounce_languages": "jv en",
             "bounce_texts": os.path.join(host.directory, "bounces")})
        host.start()
        bounce = bounce_of(host, "", 1)
        text, _, _ = bounce.iter_parts()
        content = text.get_content()
        assert bounce["subject"] == "Layangé bali"
        assert "karo $100 menyang\n%s (" % host.hostname in content
        assert "<a@far.example>: 550 5.1.1 nobody (in reply to RCPT TO)\n" \
            "    Tegesé: there is no such mailbox\n" in content
        assert content.rstrip().endswith("\n-- \ntukang layang")
        assert "one text of our own" not in content
        # English is still there for who asks for it.
        bounce = bounce_of(host, "Accept-Language: en\r\n", 2)
        assert bounce["subject"] == "Undelivered Mail Returned to Sender"


def test_a_broken_file_is_found_and_does_no_harm(make_host):
    with Sink(refuse={"^a": "550 5.7.26 unauthenticated"}) as sink:
        host = start(make_host, sink)
        path = os.path.join(host.directory, "bounces")
        host.write("bounces", OWN.replace("$arrived", "$arived"))
        host.write_conf({"relayhost": "[127.0.0.1]:%d" % sink.port,
                         "bounce_languages": "jv",
                         "bounce_texts": path})
        checked = host.mailctl("config", "check", check=False)
        assert checked.returncode != 0
        assert "%s: line 6: there is no $arived ($$ is a dollar sign)" % path \
            in checked.stdout
        assert 'bounce_languages: no text in "jv"; write one in ' in \
            checked.stdout
        host.start()
        bounce = bounce_of(host, "", 1)
        assert bounce["subject"] == "Undelivered Mail Returned to Sender"
        host.wait_log("line 6: there is no $arived")


def test_the_texts_that_mailctl_prints_are_taken_back(make_host):
    host = make_host()
    printed = host.mailctl("config", "bounces").stdout
    assert printed.count("\n$recipients\n") == 24
    path = os.path.join(host.directory, "bounces")
    host.write("bounces", printed)
    host.write_conf({"bounce_texts": path})
    host.mailctl("config", "check")

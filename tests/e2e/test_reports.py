# SPDX-License-Identifier: ISC
"""What MAIL and RCPT ask for is kept to the end of the path."""

import email
import smtplib
import ssl
import time

from server import wait_for
from sink import Sink

SENDER = "mahen@mail.kelompok1.local"
READER = "budi@mail.kelompok1.local"
TEXT = "Subject: x\r\n\r\nhello\r\n"


def start(make_host, sink=None, **settings):
    if sink is not None:
        settings["relayhost"] = "[127.0.0.1]:%d" % sink.port
    host = make_host(settings=settings)
    host.add_user(SENDER)
    host.add_user(READER)
    return host.start()


def send(host, recipients, mail=(), rcpt=(), text=TEXT):
    with smtplib.SMTP(host.address, host.ports["smtp"], timeout=30) as smtp:
        smtp.ehlo()
        assert smtp.mail(SENDER, mail)[0] == 250
        for address in recipients:
            assert smtp.rcpt(address, rcpt)[0] == 250
        assert smtp.data(text)[0] == 250


def wait_report(host, count=1):
    """The reports in the sender's mailbox: (action, message)."""
    found = []
    for path in host.wait_messages(SENDER, count):
        with open(path, "rb") as file:
            mail = email.message_from_binary_file(file)
        assert mail.get_content_type() == "multipart/report"
        groups = mail.get_payload()[1].get_payload()
        found.append((groups[1]["action"], mail))
    return sorted(found, key=lambda pair: pair[0])


def test_success_here_is_reported_when_asked(make_host):
    host = start(make_host)
    send(host, [READER], ["ENVID=QQ1"], ["NOTIFY=SUCCESS"])
    (action, mail), = wait_report(host)
    assert action == "delivered"
    status = mail.get_payload()[1].get_payload()
    assert status[0]["original-envelope-id"] == "QQ1"
    assert status[1]["status"] == "2.0.0"
    host.wait_messages(READER, 1)
    # Not asked for: nothing.
    send(host, [READER])
    host.wait_messages(READER, 2)
    host.wait_queue_empty()
    assert len(host.messages(SENDER)) == 1


def test_an_alias_is_expanded(make_host):
    host = start(make_host)
    host.write("aliases", "all: mahen, budi\n")
    send(host, ["all@mail.kelompok1.local"], (), ["NOTIFY=SUCCESS"])
    wait_for(lambda: len(host.messages(SENDER)) == 2, "mail and report")
    host.wait_messages(READER, 1)
    host.wait_queue_empty()
    texts = []
    for path in host.messages(SENDER):
        with open(path) as file:
            texts.append(file.read())
    report, = [text for text in texts if "multipart/report" in text]
    assert "\nAction: expanded\n" in report.replace("\r", "")


def test_reports_of_what_left(make_host):
    with Sink(refuse={"^no": "550 5.1.1 no such user"}) as sink:
        host = start(make_host, sink)
        send(host, ["a@far.example", "no@far.example"], ["RET=HDRS"],
             ["NOTIFY=SUCCESS,FAILURE"])
        (first, failed), (second, relayed) = wait_report(host, 2)
        assert (first, second) == ("failed", "relayed")
        for mail in (failed, relayed):
            parts = mail.get_payload()
            assert parts[2].get_content_type() == "text/rfc822-headers"
            assert "Subject: x" in parts[2].get_payload()
        send(host, ["no@far.example"], (), ["NOTIFY=NEVER"])
        host.wait_queue_empty()
        assert len(host.messages(SENDER)) == 2


def test_the_next_host_reports_when_it_can(make_host):
    with Sink(extensions=["PIPELINING", "8BITMIME", "DSN"]) as sink:
        host = start(make_host, sink)
        send(host, ["a@far.example"], ["RET=FULL", "ENVID=a+20b"],
             ["NOTIFY=SUCCESS", "ORCPT=rfc822;x+2By@z.example"])
        host.wait_queue_empty()
        assert host.messages(SENDER) == []
    mail, rcpt = sink.messages[0]["commands"][1:3]
    assert mail.endswith(" RET=FULL ENVID=a+20b")
    assert rcpt == ("RCPT TO:<a@far.example> NOTIFY=SUCCESS "
                    "ORCPT=rfc822;x+2By@z.example")


def test_a_whole_message_comes_back(make_host):
    body = "".join("line %06d\r\n" % n for n in range(20000))
    with Sink(refuse={"": "550 5.1.1 nobody"}) as sink:
        host = start(make_host, sink)
        send(host, ["no@far.example"], ["RET=FULL"], (), TEXT + body)
        (_, mail), = wait_report(host)
        returned = mail.get_payload()[2].get_payload()[0]
        assert returned.get_payload().replace("\r", "").endswith(
            body.replace("\r", ""))
        # Without a wish a long one comes as its header.
        send(host, ["no@far.example"], (), (), TEXT + body)
        reports = wait_report(host, 2)
        assert sorted(mail.get_payload()[2].get_content_type()
                      for _, mail in reports) == [
                          "message/rfc822", "text/rfc822-headers"]


def test_mail_for_another_time(make_host):
    host = start(make_host)
    with smtplib.SMTP(host.address, host.ports["submission"],
                      timeout=30) as smtp:
        smtp.starttls(context=ssl._create_unverified_context())
        smtp.ehlo()
        smtp.login(SENDER, "secret")
        assert smtp.mail(SENDER, ["HOLDFOR=8"])[0] == 250
        assert smtp.rcpt(READER)[0] == 250
        assert smtp.data(TEXT)[0] == 250
    sent = time.monotonic()
    assert "(held until " in host.mailq().stdout
    host.mailq("retry", "all", check=False)
    host.stop()
    host.start()
    assert host.messages(READER) == []
    host.wait_messages(READER, 1)
    assert time.monotonic() - sent > 6


def test_priorities_and_time_go_on(make_host):
    with Sink(extensions=["MT-PRIORITY", "DELIVERBY"]) as sink:
        host = start(make_host, sink)
        send(host, ["a@far.example"], ["MT-PRIORITY=4", "BY=1000;R"])
        host.wait_queue_empty()
    assert " MT-PRIORITY=4" in sink.messages[0]["commands"][1]
    assert " BY=9" in sink.messages[0]["commands"][1] or \
        " BY=1000;R" in sink.messages[0]["commands"][1]


def test_a_report_with_large_tables(make_host):
    """Tables with an index are opened in the queue manager's jail."""
    with Sink(refuse={"^no": "550 5.1.1 no such user"}) as sink:
        host = make_host(settings={
            "relayhost": "[127.0.0.1]:%d" % sink.port})
        host.add_user("mahen@" + host.hostname)
        host.write("valiases", "".join(
            "a%d@%s: mahen@%s\n" % (number, host.hostname, host.hostname)
            for number in range(8000)))
        host.start()
        with smtplib.SMTP(host.address, host.ports["smtp"]) as smtp:
            smtp.sendmail("a7999@" + host.hostname, ["no@far.example"],
                          "Subject: x\r\n\r\nhi\r\n")
        bounce, = host.wait_messages("mahen@" + host.hostname, 1)
        host.wait_queue_empty()
        with open(bounce) as file:
            assert "550 5.1.1 no such user" in file.read()
        assert "qmgr ended" not in host.read_log()

# SPDX-License-Identifier: ISC
"""What a user may submit, with real clients: own addresses alone."""

import smtplib
import ssl

import pytest

import server

CONTEXT = ssl.create_default_context()
CONTEXT.check_hostname = False
CONTEXT.verify_mode = ssl.CERT_NONE


@pytest.fixture
def host(make_host):
    host = make_host()
    for name in ("mahen", "hendro"):
        host.add_user("%s@%s" % (name, host.hostname))
    host.write("senders", "info@%s mahen@%s\n" % ((host.hostname,) * 2))
    host.write_conf({"senders": host.directory + "/senders"})
    return host.start()


def swaks(host, sender, author, **options):
    return server.run(
        "swaks", "--server", host.address, "--port",
        str(host.ports["submission"]), "-tls", "-a", "PLAIN", "-au",
        "mahen@" + host.hostname, "-ap", "secret", "--helo",
        "secret-laptop.example", "--from", sender, "--h-From", author, "--to",
        "hendro@" + host.hostname, check=False, **options)


def test_swaks_submits_as_itself_and_as_granted(host):
    for name in ("mahen", "info", "mahen+tag"):
        address = "%s@%s" % (name, host.hostname)
        out = swaks(host, address, "Me <%s>" % address)
        assert "250 2.0.0 Ok: queued" in out.stdout, out.stdout
    for path in host.wait_messages("hendro@" + host.hostname, 3):
        text = open(path).read()
        assert "(submission)" in text and "ESMTPSA" in text
        assert "secret-laptop" not in text and "127.0.0.1" not in text
    host.wait_log("helo=<secret-laptop.example>")


def test_swaks_is_told_what_it_may_not(host):
    mine, other = ("%s@%s" % (name, host.hostname)
                   for name in ("mahen", "hendro"))
    out = swaks(host, other, other)
    assert "553 5.7.1 <%s>: Sender address rejected: not owned by user %s" \
        % (other, mine) in out.stdout
    out = swaks(host, mine, other)
    assert "550 5.7.1 From: %s: Sender address rejected: not owned by user" \
        % other in out.stdout
    out = swaks(host, mine, "%s, %s" % (mine, other))
    assert "550 5.7.1" in out.stdout
    assert not host.messages(other)
    # A setting is live at the next connection.
    host.write_conf({"sender_check": "no"})
    assert "250 2.0.0 Ok: queued" in swaks(host, other, other).stdout


def test_two_authors_fields_are_refused_and_bcc_is_removed(host):
    mine, other = ("%s@%s" % (name, host.hostname)
                   for name in ("mahen", "hendro"))
    with smtplib.SMTP_SSL(host.address, host.ports["submissions"],
                          context=CONTEXT, timeout=30) as smtp:
        smtp.login(mine, "secret")
        with pytest.raises(smtplib.SMTPDataError) as refused:
            smtp.sendmail(mine, [other], "From: %s\r\nFrom: %s\r\n\r\nx\r\n" %
                          (mine, mine))
        assert refused.value.smtp_code == 554
        smtp.sendmail(mine, [other], "From: %s\r\nBcc: quiet@x.example\r\n"
                      "Subject: x\r\n\r\nx\r\n" % mine)
        # The null sender is what RFC 8098 wants of a notification.
        smtp.sendmail("", [other], "From: %s\r\n\r\nx\r\n" % mine)
    text = open(host.wait_messages(other, 1)[0]).read()
    assert "quiet@x.example" not in text
    assert "Message-ID:" in text and "\nDate:" in text


def test_sendmail_may_give_any_sender(host):
    host.sendmail("-f", "list-bounces@list.example", "hendro@" +
                  host.hostname, input="Subject: x\n\nx\n")
    path = host.wait_messages("hendro@" + host.hostname, 1)[0]
    text = open(path).read()
    assert "Return-Path: <list-bounces@list.example>" in text
    assert "from userid %d" % __import__("os").getuid() in text

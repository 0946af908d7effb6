# SPDX-License-Identifier: ISC
"""Mail goes in by SMTP and comes out by POP3 and IMAP, byte for byte."""

import email
import email.policy
import hashlib
import imaplib
import poplib
import smtplib
import ssl
from email.message import EmailMessage

import pytest


def letter(host, subject="Picture"):
    message = EmailMessage()
    message["From"] = "Hendro <hendro@%s>" % host.hostname
    message["To"] = "Mahen <mahen@%s>" % host.hostname
    message["Subject"] = subject
    message["Date"] = "Sat, 21 Nov 2026 06:50:00 +0000"
    message["Message-ID"] = "<1@%s>" % host.hostname
    message.set_content("See the picture.\r\n.\r\n..dots\r\n")
    return message


def send(host, message):
    with smtplib.SMTP(host.address, host.ports["smtp"], timeout=60) as smtp:
        smtp.send_message(message)


def attachment(data):
    message = email.message_from_bytes(data, policy=email.policy.default)
    return next(message.iter_attachments()).get_payload(decode=True)


@pytest.mark.parametrize("size", [1 << 10, 100 << 10, 1 << 20, 20 << 20])
def test_picture_keeps_its_bytes(make_host, picture, size):
    host = make_host(settings={"message_size_limit": "50M"})
    host.add_user("mahen@" + host.hostname)
    host.start()
    data = picture(size)
    digest = hashlib.sha256(data).hexdigest()
    message = letter(host)
    message.add_attachment(data, maintype="image", subtype="png",
                           filename="foto.png")
    send(host, message)
    host.wait_messages("mahen@" + host.hostname, 1, 60)

    imap = imaplib.IMAP4(host.address, host.ports["imap"])
    imap.login("mahen", "secret")
    assert imap.select("INBOX")[1] == [b"1"]
    fetched = imap.fetch("1", "(RFC822)")[1][0][1]
    assert hashlib.sha256(attachment(fetched)).hexdigest() == digest
    size_line = imap.fetch("1", "(RFC822.SIZE)")[1][0]
    assert int(size_line.split()[-1].rstrip(b")")) == len(fetched)
    part = imap.fetch("1", "(BODY.PEEK[2])")[1][0][1]
    import base64
    assert hashlib.sha256(base64.b64decode(part)).hexdigest() == digest
    structure = imap.fetch("1", "(BODYSTRUCTURE)")[1][0].decode()
    assert '"image" "png"' in structure.lower()
    assert "foto.png" in structure
    imap.logout()

    pop = poplib.POP3(host.address, host.ports["pop3"])
    pop.user("mahen@" + host.hostname)
    pop.pass_("secret")
    assert pop.stat() == (1, len(fetched))
    lines = pop.retr(1)[1]
    assert b"\r\n".join(lines) + b"\r\n" == fetched
    pop.quit()


def test_all_ports_with_python(host):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    expected = 0
    for service in ("submission", "submissions"):
        if service == "submissions":
            smtp = smtplib.SMTP_SSL(host.address, host.ports[service],
                                    context=context, timeout=30)
        else:
            smtp = smtplib.SMTP(host.address, host.ports[service], timeout=30)
            smtp.starttls(context=context)
        smtp.login("hendro", "secret")
        smtp.send_message(letter(host, service))
        smtp.quit()
        expected += 1
    host.wait_messages("mahen@" + host.hostname, expected)

    with imaplib.IMAP4_SSL(host.address, host.ports["imaps"],
                           ssl_context=context) as imap:
        imap.login("mahen", "secret")
        imap.select()
        assert imap.search(None, "ALL")[1] == [b"1 2"]
    with imaplib.IMAP4(host.address, host.ports["imap"]) as imap:
        imap.starttls(context)
        imap.authenticate("PLAIN", lambda _: b"\0mahen\0secret")
        imap.select()
        assert imap.search(None, "SUBJECT", "submissions")[1] == [b"2"]
    for service in ("pop3", "pop3s"):
        if service == "pop3s":
            pop = poplib.POP3_SSL(host.address, host.ports[service],
                                  context=context)
        else:
            pop = poplib.POP3(host.address, host.ports[service])
            pop.stls(context)
        pop.user("mahen")
        pop.pass_("secret")
        assert pop.stat()[0] == 2
        assert len(pop.uidl()[1]) == 2
        pop.quit()


def test_relaying_needs_login_or_mynetworks(make_host):
    host = make_host(settings={"mynetworks": "127.9.9.9/32"})
    host.add_user("hendro@" + host.hostname)
    host.start()
    with smtplib.SMTP(host.address, host.ports["smtp"], timeout=30) as smtp:
        smtp.ehlo()
        assert smtp.has_extn("pipelining") and not smtp.has_extn("auth")
        smtp.mail("a@example.com")
        assert smtp.rcpt("b@example.net")[0] == 550
        assert smtp.rcpt("nobody@" + host.hostname)[0] == 550
        assert smtp.rcpt("hendro@" + host.hostname)[0] == 250
        for trick in ("b%example.net@" + host.hostname,
                      "@%s:b@example.net" % host.hostname,
                      "example.net!b", '"b@example.net"@' + host.hostname):
            code = smtp.docmd("RCPT", "TO:<%s>" % trick)[0]
            assert code in (501, 550, 553), trick

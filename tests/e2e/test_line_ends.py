# SPDX-License-Identifier: ISC
"""Line ends outbound: what another host gets from us has no CR or LF alone,
whatever came in and by which way."""

import base64
import re
import shutil

import pytest

import server
import sink
from server import Wire
from test_esmtp import LINE_ENDS, is_text


@pytest.fixture(scope="module")
def relaying():
    directory = server.temporary_directory()
    with sink.Sink() as one:
        host = server.Host(directory)
        host.write("route.map", "away.example 127.0.0.1:%d\n" % one.port)
        host.start()
        yield host, one
        host.stop()
    shutil.rmtree(directory, ignore_errors=True)


def inner_of(number, end):
    return (b"Subject: matrix %d\r\n\r\nbody" % number + end +
            b"\r\nMAIL FROM:<evil@b.example>\r\nRCPT TO:<u@away.example>\r\n"
            b"DATA\r\nSubject: smuggled\r\n\r\nx\r\n")


def arrived(one, number):
    mark = b"matrix %d\r\n" % number

    def look():
        return [m for m in list(one.messages) if mark in m["data"]]
    return server.wait_for(look, "message %d" % number)


def check(message, sender):
    """One transaction of ours, and lines that everybody counts the same."""
    assert is_text(message["raw"]), message["raw"]
    lines = message["raw"].split(b"\r\n")
    assert lines[-2:] == [b".", b""] and b"." not in lines[:-2]
    assert message["mail_from"] == sender
    verbs = [re.split("[ :]", line)[0] for line in message["commands"]]
    assert "evil" not in " ".join(message["commands"])
    assert set(verbs) <= {"EHLO", "MAIL", "RCPT", "DATA", "RSET", "NOOP"}


def test_sendmail_with_every_line_end(relaying):
    host, one = relaying
    for number, end in enumerate(LINE_ENDS):
        host.sendmail("-i", "-f", "me@here.example", "u@away.example",
                      input=inner_of(number, end), text=False)
    for number, end in enumerate(LINE_ENDS):
        for message in arrived(one, number):
            check(message, "me@here.example")
    assert not [m for m in one.messages if "evil" in m["mail_from"]]


def begin(host, parameters):
    wire = Wire(host.connect("smtp"))
    assert wire.reply()[:3] == "220"
    for line in ("EHLO x", "MAIL FROM:<a@b.example>" + parameters,
                 "RCPT TO:<u@away.example>"):
        assert wire.say(line)[:3] == "250"
    return wire


def test_chunks_of_text(relaying):
    host, one = relaying
    for number, end in enumerate(LINE_ENDS, 100):
        inner = inner_of(number, end)
        wire = begin(host, "")
        wire.send(b"BDAT %d LAST\r\n" % len(inner) + inner)
        code = wire.reply()[:3]
        assert code == ("250" if is_text(inner) else "554")
        wire.close()
        if code == "250":
            for message in arrived(one, number):
                check(message, "a@b.example")


def test_binary_for_a_host_without_it(relaying):
    """Converted or returned: never bare bytes."""
    host, one = relaying
    data = b"\r\n.\r\n\n.\n\r.\r\0" + bytes(range(256)) * 20
    inner = (b"Subject: matrix 300\r\nMIME-Version: 1.0\r\nContent-Type: "
             b"application/octet-stream\r\nContent-Transfer-Encoding: binary"
             b"\r\n\r\n" + data)
    wire = begin(host, " BODY=BINARYMIME")
    wire.send(b"BDAT %d LAST\r\n" % len(inner) + inner)
    assert wire.reply()[:3] == "250"
    wire.close()
    server.wait_for(
        lambda: not host.queue_files(), "the message to go or to come back")
    for message in list(one.messages):
        if b"matrix 300" not in message["data"]:
            continue
        check(message, "a@b.example")
        assert base64.b64decode(
            message["data"].split(b"\r\n\r\n", 1)[1]) == data

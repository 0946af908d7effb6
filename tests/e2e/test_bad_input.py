# SPDX-License-Identifier: ISC
"""Bad input: a clear reply, no crash, no growth, nothing smuggled."""

import contextlib
import os
import socket
import ssl

import pytest

import server
from line_ends import LINE_ENDS
from server import Wire


def processes_of(host):
    """Pids below the super-server."""
    children = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % pid) as stat:
                parent = int(stat.read().rsplit(")", 1)[1].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        children.setdefault(parent, []).append(int(pid))
    found, todo = [], [host.process.pid]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


def greet(host, service="smtp"):
    wire = Wire(host.connect(service))
    assert wire.line()[:3] in ("220", "+OK", "* O")
    return wire


def begin(host):
    wire = greet(host)
    user = "mahen@" + host.hostname
    assert wire.say("HELO x")[:3] == "250"
    assert wire.say("MAIL FROM:<a@b.example>")[:3] == "250"
    assert wire.say("RCPT TO:<%s>" % user)[:3] == "250"
    assert wire.say("DATA")[:3] == "354"
    return wire


TRUE_END = b"\r\n.\r\n"
ENDS = list(LINE_ENDS)
ENDS.remove(TRUE_END)
# What follows begins with CRLF, so this one is a true end as well.
ENDS.remove(b"\r\n.")


def smuggle(host, end):
    """Codes that follow a message with end and a hidden transaction."""
    wire = begin(host)
    wire.send(b"Subject: outer\r\n\r\nbody" + end +
              b"\r\nMAIL FROM:<evil@b.example>\r\nRCPT TO:<mahen@" +
              host.hostname.encode() +
              b">\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\nQUIT\r\n")
    rest = wire.rest().decode("latin-1")
    return [line[:3] for line in rest.splitlines() if line]


@pytest.mark.parametrize("end", ENDS, ids=lambda e: e.hex())
def test_only_crlf_dot_crlf_ends_data(shared_host, end):
    host = shared_host
    user = "mahen@" + host.hostname
    before = len(host.messages(user))
    codes = smuggle(host, end)
    # Everything up to the true end was one message: taken or refused whole,
    # and then QUIT, or the connection was closed.
    assert codes in (["250", "221"], ["554", "221"], ["554"],
                     ["554", "421"]), codes
    if codes[0] == "250":
        host.wait_messages(user, before + 1)
    host.wait_queue_empty()
    for path in host.messages(user):
        with open(path, "rb") as file:
            assert not file.read().startswith(b"Return-Path: <evil@")


def test_the_harness_sees_a_second_message(make_host):
    """With a true end the hidden transaction is an honest one: seen."""
    host = make_host()
    host.add_user("mahen@" + host.hostname)
    host.start()
    codes = smuggle(host, TRUE_END)
    # The empty line between them is no command.
    assert codes == ["250", "500", "250", "250", "354", "250", "221"]
    files = host.wait_messages("mahen@" + host.hostname, 2)
    starts = [open(path, "rb").read(20) for path in files]
    assert b"Return-Path: <evil@" in b" ".join(starts)


@pytest.fixture(scope="module")
def shared_host():
    import shutil
    directory = server.temporary_directory()
    one = server.Host(directory)
    one.add_user("mahen@" + one.hostname)
    one.add_user("hendro@" + one.hostname)
    one.start()
    yield one
    one.stop()
    shutil.rmtree(directory, ignore_errors=True)


def test_bare_line_feeds_say_what_to_do(shared_host):
    wire = begin(shared_host)
    wire.send(b"Subject: x\n\nbody\n.\n\r\n.\r\n")
    reply = wire.reply()
    assert reply.startswith("554 5.6.0") and "CRLF" in reply
    wire.close()


def test_commands_may_end_in_lf(shared_host):
    wire = greet(shared_host)
    wire.send("helo x\nnoop\nmail from: a@b.example\n")
    for _ in range(3):
        assert wire.reply()[:3] == "250"
    wire.close()


@pytest.mark.parametrize("line,code", [
    ("NOSUCH", "500"), ("MAIL FROM:<a@b>", "503"), ("RCPT TO:<a@b>", "503"),
    ("DATA", "503"), ("HELO", "501"), ("EHLO", "501"),
    ("STARTTLS now", "501"), ("AUTH PLAIN", "50"), ("", "500"),
    ("VRFY", "501"), ("X" * 5000, "500"), ("NOOP \0", "50"),
    ("MAIL FROM:<>", "503"),
])
def test_wrong_commands_get_clear_replies(shared_host, line, code):
    wire = greet(shared_host)
    reply = wire.say(line)
    assert reply.startswith(code), reply
    assert wire.say("QUIT").startswith("221")
    wire.close()


@pytest.mark.parametrize("line,code", [
    ("MAIL FROM:<a@b", "501"), ("MAIL FROM:a b@c", "5"),
    ("MAIL FROM:<a@b> SIZE=999999999999", "552"),
    ("MAIL FROM:<a@b> SIZE=x", "501"), ("MAIL FROM:<a@b> FOO=1", "555"),
    ("MAIL FROM:<%s@b>" % ("a" * 300), "501"),
    ("MAIL FROM:<a@%s>" % ("b." * 200), "501"),
    ("MAIL TO:<a@b>", "501"), ("MAIL FROM:<a@@b>", "501"),
    ("MAIL FROM:<a@b>\0", "50"), ("MAIL FROM:<\xe9@b>", "5"),
])
def test_wrong_arguments_get_clear_replies(shared_host, line, code):
    wire = greet(shared_host)
    assert wire.say("EHLO x")[:3] == "250"
    reply = wire.say(line.encode("latin-1").decode("latin-1"))
    assert reply.startswith(code), reply
    assert wire.say("QUIT").startswith("221")
    wire.close()


def test_too_many_errors_end_the_session(shared_host):
    wire = greet(shared_host)
    codes = []
    for _ in range(100):
        wire.send("NOSUCH\r\n")
        codes.append(wire.line()[:3])
        if codes[-1] == "421":
            break
    assert codes[-1] == "421"
    assert codes[:3] == ["500"] * 3
    assert wire.rest() == b""


def test_ten_thousand_pipelined_commands(shared_host):
    wire = greet(shared_host)
    wire.sock.settimeout(60)
    import threading
    data = b"NOOP\r\n" * 10000 + b"QUIT\r\n"
    sender = threading.Thread(target=lambda: wire.sock.sendall(data))
    sender.start()
    replies = wire.rest().splitlines()
    sender.join()
    assert len(replies) == 10001
    assert replies[-1].startswith(b"221")
    assert set(line[:3] for line in replies[:-1]) == {b"250"}


@pytest.mark.parametrize("service,talk", [
    ("smtp", b"EHLO x\r\n"), ("pop3", b"CAPA\r\n"),
    ("imap", b"a CAPABILITY\r\n")])
def test_half_closed_connections_end(shared_host, service, talk):
    wire = greet(shared_host, service)
    wire.send(talk)
    wire.sock.shutdown(socket.SHUT_WR)
    assert wire.rest()


@pytest.mark.parametrize("service,command,ok", [
    ("smtp", b"STARTTLS\r\n", "220"), ("pop3", b"STLS\r\n", "+OK"),
    ("imap", b"a STARTTLS\r\n", "a OK")])
def test_plaintext_behind_starttls_is_never_executed(shared_host, service,
                                                     command, ok):
    host = shared_host
    wire = greet(host, service)
    if service == "smtp":
        assert wire.say("EHLO x")[:3] == "250"
    injected = {"smtp": b"NOOP injected\r\nRSET\r\n", "pop3": b"NOOP\r\n",
                "imap": b"b NOOP\r\n"}[service]
    wire.send(command + injected)
    assert wire.line().startswith(ok)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # The injected text was in the same segment as the command: it is gone,
    # and the handshake works; or the connection is closed.
    try:
        tls = context.wrap_socket(wire.sock)
    except (ssl.SSLError, ConnectionError, OSError):
        return
    inner = Wire(tls)
    question = {"smtp": b"EHLO y\r\n", "pop3": b"CAPA\r\n",
                "imap": b"c NOOP\r\n"}[service]
    inner.send(question)
    first = inner.line()
    assert first.startswith({"smtp": "250", "pop3": "+OK",
                             "imap": "c OK"}[service]), first
    inner.close()


@pytest.mark.parametrize("service,lines", [
    ("pop3", [b"STAT\r\n", b"RETR 1\r\n", b"USER\r\n", b"PASS x\r\n",
              b"\0\0\r\n", b"X" * 3000 + b"\r\n", b"AUTH NOSUCH\r\n"]),
    ("imap", [b"\r\n", b"a\r\n", b"a NOSUCH\r\n", b"a FETCH 1 ALL\r\n",
              b"a LOGIN\r\n", b"a LOGIN {99999}\r\n", b"\0 \0\r\n",
              b"a LOGIN \"" + b"x" * 9000 + b"\"\r\n"]),
])
def test_mailbox_logins_answer_nonsense(shared_host, service, lines):
    for line in lines:
        wire = greet(shared_host, service)
        wire.send(line)
        answer = wire.line()
        assert answer.startswith(("-ERR", "a BAD", "a NO", "* BAD", "* BYE",
                                  "a BYE", "BAD")), (line, answer)
        wire.close()


def is_waiting_session(pid, name):
    """One that has no connection yet; only root can see which has."""
    return (name in ("smtpd-session", "pop3d-login", "imapd-login") and
            not (server.IS_ROOT and os.path.exists("/proc/%d/fd/0" % pid)))


def test_nothing_is_left_behind(shared_host):
    """After all of the above only the resident processes are there."""
    host = shared_host

    def strangers():
        names = []
        for pid in processes_of(host):
            with contextlib.suppress(OSError):
                with open("/proc/%d/comm" % pid) as comm:
                    name = comm.read().strip()
                if not is_waiting_session(pid, name):
                    names.append(name)
        # Fronts that wait for the next connection keep their enqueue.
        return set(names) - {"merpatid", "enqueue", "qmgr", "deliver-spawn",
                             "relay-spawn", "pickup", "dropwatch"}

    server.wait_for(lambda: not strangers(),
                    "the sessions to end: %r" % strangers())
    log = host.read_log()
    for word in ("bug:", "AddressSanitizer", "runtime error", "Segmentation",
                 "signal 31", "signal 11", "signal 6"):
        assert word not in log, log[-3000:]

# SPDX-License-Identifier: ISC
"""ESMTP from the client's side: what is announced, and that it holds."""

import contextlib
import email
import imaplib
import os
import re
import shutil
import smtplib
import socket
import ssl
import struct
import subprocess
import threading

import pytest

import server
from line_ends import LINE_ENDS
from server import Wire

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
# common/mail_options.h
FLAG = {"8BIT": 1, "BINARY": 2, "UTF8": 4, "REQUIRETLS": 8, "FULL": 16,
        "HDRS": 32, "RETURN": 64, "NOTIFY": 128, "TRACE": 256,
        "TLS_OPTIONAL": 512}


def context():
    one = ssl.create_default_context()
    one.check_hostname = False
    one.verify_mode = ssl.CERT_NONE
    return one


@pytest.fixture(scope="module")
def shared_host():
    """No relay agents reach anybody: what goes elsewhere stays queued."""
    directory = server.temporary_directory()
    one = server.Host(directory, services=server.SERVICES + ("lmtp",))
    port = server.free_ports(1)[0]
    one.write("route.map", "away.example 127.0.0.1:%d\n" % port)
    for name in ("mahen", "hendro"):
        one.add_user("%s@%s" % (name, one.hostname))
    one.start()
    yield one
    one.stop()
    shutil.rmtree(directory, ignore_errors=True)


def greet(host, service="smtp", hello="EHLO", tls=False):
    wire = Wire(host.connect(service))
    if service == "submissions":
        wire = Wire(context().wrap_socket(wire.sock))
    assert wire.reply()[:3] == "220"
    if tls:
        assert wire.say(hello + " x")[:3] == "250"
        assert wire.say("STARTTLS")[:3] == "220"
        wire = Wire(context().wrap_socket(wire.sock))
    reply = wire.say(hello + " x.example")
    assert reply[:3] == "250", reply
    wire.keywords = {line[4:].split(" ")[0]: line[4:].split(" ")[1:]
                     for line in reply.split("\n")[1:]}
    return wire


def log_in(wire):
    # hendro, secret
    assert wire.say("AUTH PLAIN AGhlbmRybwBzZWNyZXQ=")[:3] == "235"
    return wire


def spool_envelope(path):
    """The records of a queue file, recipients as dicts in a list."""
    with open(path, "rb") as file:
        data = file.read()
    count, length = struct.unpack("<II", data[24:32])
    at = 128 + 16 * count

    def records(piece):
        while piece:
            size = struct.unpack("<I", piece[1:5])[0]
            yield chr(piece[0]), piece[5:5 + size]
            piece = piece[5 + size:]

    envelope = {"R": []}
    for kind, value in records(data[at:at + length]):
        if kind == "R":
            envelope["R"].append({k: v.decode() for k, v in records(value)})
        else:
            envelope[kind] = value.decode()
    body = struct.unpack("<Q", data[32:40])[0]
    envelope["body"] = data[body:-64]
    return envelope


def envelopes(host):
    """Those of the queue files that are whole and still there."""
    for path in host.queue_files():
        if not os.path.basename(path).startswith("."):
            with contextlib.suppress(FileNotFoundError):
                yield spool_envelope(path)


def queued(host, reply):
    name = re.search("queued as ([0-9A-Z]{13})", reply).group(1)
    paths = [path for path in host.queue_files()
             if os.path.basename(path) == name]
    assert paths, reply
    return spool_envelope(paths[0])


# ---------------------------------------------------------------- announced

PHRASES = {
    "everywhere": lambda port, tls, friend: True,
    "listed hosts": lambda port, tls, friend: False,
    "before TLS": lambda port, tls, friend: not tls,
    "inside TLS": lambda port, tls, friend: tls,
    "trusted": lambda port, tls, friend: port in (587, 465) and (
        tls or friend),
    "mynetworks on 25 and 24": lambda port, tls, friend: (
        port in (25, 24) and friend),
    "trusted, and mynetworks on 25": lambda port, tls, friend: (
        (port in (587, 465) and (tls or friend)) or (port == 25 and friend)),
    "trusted, and mynetworks on 25 and 24": lambda port, tls, friend: (
        (port in (587, 465) and (tls or friend)) or
        (port in (25, 24) and friend)),
}


def table_of_the_page():
    with open(os.path.join(ROOT, "man/smtpd.8")) as page:
        text = page.read().split(".Ss Extensions")[1].split(".Ss Times")[0]
    rows = re.findall(r"^\.It (\S+) Ta (RFC \d+|none) Ta (.*)$", text, re.M)
    assert len(rows) > 10
    return {keyword: where for keyword, _, where in rows}


@pytest.mark.parametrize("service,port,tls", [
    ("smtp", 25, False), ("smtp", 25, True), ("submission", 587, False),
    ("submission", 587, True), ("submissions", 465, True),
    ("lmtp", 24, False), ("lmtp", 24, True)])
@pytest.mark.parametrize("friend", [True, False], ids=["friend", "stranger"])
def test_ehlo_is_what_the_page_says(shared_host, strange_host, service, port,
                                    tls, friend):
    if service == "lmtp" and not friend:
        wire = Wire(strange_host.connect(service))
        assert wire.reply().startswith("554 5.7.1")
        assert wire.rest() == b""
        return
    host = shared_host if friend else strange_host
    wire = greet(host, service, "LHLO" if service == "lmtp" else "EHLO",
                 tls and service != "submissions")
    expected = {keyword for keyword, where in table_of_the_page().items()
                if PHRASES[where](port, tls, friend)}
    assert set(wire.keywords) == expected
    wire.close()


@pytest.fixture(scope="module")
def strange_host():
    """127.0.0.1 is a stranger here."""
    directory = server.temporary_directory()
    one = server.Host(directory, services=server.SERVICES + ("lmtp",),
                      settings={"mynetworks": "10.99.0.0/24",
                                "cleartext_auth": "10.99.0.0/24"})
    one.add_user("mahen@" + one.hostname)
    one.start()
    yield one
    one.stop()
    shutil.rmtree(directory, ignore_errors=True)


# ------------------------------------------------------------ into the spool

def begin(wire, mail, rcpt="RCPT TO:<u@away.example>"):
    for line in (mail, rcpt):
        reply = wire.say(line)
        assert reply[:3] == "250", reply


def finish(wire, text="Subject: x\r\n\r\nx\r\n.\r\n"):
    assert wire.say("DATA")[:3] == "354"
    wire.send(text)
    reply = wire.reply()
    assert reply[:3] == "250", reply
    return reply


def test_parameters_come_into_the_spool(shared_host):
    wire = log_in(greet(shared_host, "submission", tls=True))
    sender = "MAIL FROM:<hendro@%s> " % shared_host.hostname
    begin(wire, sender + "RET=HDRS ENVID=QQ+2B31 MT-PRIORITY=-3 REQUIRETLS "
          "BODY=8BITMIME SMTPUTF8 HOLDFOR=3600 BY=7200;RT",
          "RCPT TO:<b\xfcr@away.example> NOTIFY=SUCCESS,DELAY "
          "ORCPT=rfc822;Bur+2Bx@away.example")
    envelope = queued(shared_host, finish(wire))
    flags, priority, hold, by = map(int, envelope["O"].split())
    assert flags == (FLAG["8BIT"] | FLAG["UTF8"] | FLAG["REQUIRETLS"] |
                     FLAG["HDRS"] | FLAG["RETURN"] | FLAG["TRACE"])
    assert (priority, by - hold) == (-3, 3600)
    assert envelope["I"] == "QQ+31"
    recipient = envelope["R"][0]
    assert recipient["n"] == "SD"
    assert recipient["r"] == "rfc822;Bur+x@away.example"
    assert recipient["a"] == "b\xfcr@away.example"
    assert b"with UTF8SMTPSA" in envelope["body"]
    # The next transaction has nothing of it.
    begin(wire, sender.rstrip())
    envelope = queued(shared_host, finish(wire))
    assert "O" not in envelope and "I" not in envelope
    assert "n" not in envelope["R"][0] and "r" not in envelope["R"][0]
    wire.close()


def test_tls_required_no_is_seen_in_the_header(shared_host):
    wire = greet(shared_host)
    begin(wire, "MAIL FROM:<a@b.example>")
    reply = finish(wire, "tls-required: No\r\n\r\nx\r\n.\r\n")
    assert queued(shared_host, reply)["O"] == "512 0 0 0"
    wire.close()


@pytest.mark.parametrize("service,tls,line,code", [
    ("smtp", False, "MAIL FROM:<\xfc@b.example>", "553 5.6.7"),
    ("smtp", False, "MAIL FROM:<a@b.example> REQUIRETLS", "555 5.5.4"),
    ("smtp", False, "MAIL FROM:<a@b.example> HOLDFOR=5", "555 5.5.4"),
    ("smtp", False, "MAIL FROM:<a@b.example> ENVID=+zz", "501 5.5.4"),
    ("smtp", True, "MAIL FROM:<a@b.example> REQUIRETLS", "250 2.1.0"),
    ("smtp", False, "ETRN nonsense..example", "501 5.5.4"),
    ("smtp", False, "ETRN mail.kelompok1.local", "459 "),
    ("smtp", False, "ETRN away.example", "250 2.0.0"),
])
def test_replies(shared_host, service, tls, line, code):
    wire = greet(shared_host, service, tls=tls)
    assert wire.say(line).startswith(code)
    wire.close()


def test_a_stranger_asks_for_nothing(strange_host):
    for line, code in (("MAIL FROM:<a@b.example> MT-PRIORITY=3", "555"),
                       ("ETRN away.example", "502")):
        wire = greet(strange_host)
        assert wire.say(line).startswith(code)
        wire.close()


def test_etrn_tries_the_mail_that_waits(shared_host):
    import sink
    wire = greet(shared_host)
    begin(wire, "MAIL FROM:<a@b.example>", "RCPT TO:<etrn@away.example>")
    finish(wire)
    with open(os.path.join(shared_host.directory, "route.map")) as file:
        port = int(file.read().rsplit(":", 1)[1])
    shared_host.wait_log("to=<etrn@away.example>")
    with sink.Sink(port=port) as one:
        assert wire.say("ETRN away.example").startswith("250 2.0.0")
        server.wait_for(lambda: any(
            "etrn@away.example" in m["rcpt_to"] for m in list(one.messages)),
            "the message to go")
    wire.close()


# --------------------------------------------------------------------- BDAT



def is_text(data):
    rest = data.replace(b"\r\n", b"")
    return not any(byte in rest for byte in (b"\r", b"\n", b"\0"))


@pytest.mark.parametrize("end", LINE_ENDS, ids=lambda e: e.hex())
def test_no_end_of_data_in_a_chunk(shared_host, end):
    """The matrix of test_bad_input, hidden transaction and all, as chunks:
    one message or none, and its bytes as they were."""
    host = shared_host
    user = "mahen@" + host.hostname
    before = len(host.messages(user))
    inner = (b"Subject: outer\r\n\r\nbody" + end +
             b"\r\nMAIL FROM:<evil@b.example>\r\nRCPT TO:<" + user.encode() +
             b">\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\nQUIT\r\n")
    wire = greet(host)
    begin(wire, "MAIL FROM:<a@b.example>", "RCPT TO:<%s>" % user)
    cut = len(b"Subject: outer\r\n\r\nbody") + len(end) // 2
    wire.send(b"BDAT %d\r\n" % cut + inner[:cut] + b"BDAT %d LAST\r\n" %
              (len(inner) - cut) + inner[cut:] + b"QUIT\r\n")
    codes = [line[:3] for line in wire.rest().decode("latin-1").splitlines()]
    if is_text(inner):
        assert codes == ["250", "250", "221"]
        new = host.wait_messages(user, before + 1)
        assert any(open(path, "rb").read().endswith(inner) for path in new)
    else:
        # Refused with the chunk that shows it, the next one swallowed.
        assert codes in (["250", "554", "221"], ["554", "503", "221"]), codes
    host.wait_queue_without("smuggled")
    for path in host.messages(user):
        with open(path, "rb") as file:
            assert not file.read().startswith(b"Return-Path: <evil@")


def test_binary_bytes_are_kept(shared_host):
    body = (b"Subject: b\r\nMIME-Version: 1.0\r\nContent-Type: application/"
            b"octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n" +
            bytes(range(256)) * 300 + b"\r\n.\r\n\n.\n")
    wire = greet(shared_host)
    begin(wire, "MAIL FROM:<a@b.example> BODY=BINARYMIME")
    assert wire.say("DATA").startswith("503 5.5.1")
    wire.send(b"BDAT %d\r\n" % 1000 + body[:1000])
    assert wire.reply()[:3] == "250"
    wire.send(b"BDAT %d LAST\r\n" % (len(body) - 1000) + body[1000:])
    envelope = queued(shared_host, wire.reply())
    assert envelope["body"].endswith(body)
    assert envelope["O"].startswith("2 ")
    wire.close()


def test_binary_bytes_come_out_of_the_mailbox(shared_host):
    """As base64, and by IMAP and POP3 the same."""
    host = shared_host
    user = "hendro@" + host.hostname
    before = len(host.messages(user))
    data = b"\r\n.\r\n\n.\n\r.\r\0" + bytes(range(256)) * 400
    body = (b"Subject: b\r\nMIME-Version: 1.0\r\nContent-Type: application/"
            b"octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n" +
            data)
    wire = greet(host)
    begin(wire, "MAIL FROM:<a@b.example> BODY=BINARYMIME",
          "RCPT TO:<%s>" % user)
    wire.send(b"BDAT %d LAST\r\n" % len(body) + body)
    assert wire.reply()[:3] == "250"
    wire.close()
    host.wait_messages(user, before + 1)
    with imaplib.IMAP4(host.address, host.ports["imap"]) as client:
        client.login("hendro", "secret")
        client.select()
        _, found = client.search(None, "SUBJECT", '"b"')
        _, parts = client.fetch(found[0].split()[-1], "(BODY.PEEK[])")
    message = email.message_from_bytes(parts[0][1])
    assert message.get_payload(decode=True) == data


def test_a_failed_chunk_drops_what_follows(shared_host):
    wire = greet(shared_host)
    wire.send(b"BDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n")
    assert [wire.reply()[:3] for _ in range(3)] == ["503", "503", "250"]
    wire.close()


def test_plaintext_behind_a_closed_tls_is_no_command(shared_host):
    """Exim CVE-2026-45185: TLS ends in the middle of a chunk, and plaintext
    follows. The message is gone, and nobody reads what comes."""
    host = shared_host
    user = "mahen@" + host.hostname
    before = len(host.messages(user))
    raw = host.connect("smtp")
    wire = Wire(raw)
    assert wire.reply()[:3] == "220"
    assert wire.say("EHLO x")[:3] == "250"
    assert wire.say("STARTTLS")[:3] == "220"
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context().wrap_bio(incoming, outgoing)

    def flush():
        raw.sendall(outgoing.read())

    def until_done(action):
        while True:
            try:
                return action()
            except ssl.SSLWantReadError:
                flush()
                incoming.write(raw.recv(65536))

    def say(data):
        tls.write(data)
        flush()
        return until_done(lambda: tls.read(65536))

    until_done(tls.do_handshake)
    flush()
    assert say(b"EHLO x\r\n")[:3] == b"250"
    assert say(b"MAIL FROM:<evil@b.example>\r\n")[:3] == b"250"
    assert say(b"RCPT TO:<%s>\r\n" % user.encode())[:3] == b"250"
    tls.write(b"BDAT 1000 LAST\r\nSubject: torn\r\n\r\n")
    try:
        tls.unwrap()
    except ssl.SSLWantReadError:
        pass
    flush()
    try:
        raw.sendall(b"x" * 1000 + b"\r\nNOOP\r\nMAIL FROM:<evil@b.example>\r\n"
                    b"RCPT TO:<%s>\r\nDATA\r\nSubject: torn\r\n\r\n.\r\n" %
                    user.encode())
    except OSError:
        pass
    # Only TLS records come back, and then the end.
    data = wire.rest()
    while data:
        kind, size = data[0], struct.unpack(">H", data[3:5])[0]
        assert kind in (20, 21, 22, 23), data
        data = data[5 + size:]
    host.wait_queue_without("torn")
    assert len(host.messages(user)) == before
    raw.close()


@pytest.mark.parametrize("piece", [
    b"BDAT 1000 LAST\r\nSubject: torn\r\n\r\n",
    b"BDAT 16\r\nSubject: torn\r\n\r",
    b"BDAT 1000\r\nSubject: torn\r\n\r\nBDAT 0 LAST\r\nQUIT\r\n"])
def test_a_lost_connection_drops_the_chunks(shared_host, piece):
    host = shared_host
    user = "mahen@" + host.hostname
    before = len(host.messages(user))
    wire = greet(host)
    begin(wire, "MAIL FROM:<evil@b.example>", "RCPT TO:<%s>" % user)
    wire.send(piece)
    wire.sock.shutdown(socket.SHUT_WR)
    wire.rest()
    wire.close()
    host.wait_queue_without("torn")
    assert len(host.messages(user)) == before


# --------------------------------------------------------------------- LMTP

def test_lmtp_answers_for_each_recipient(shared_host):
    host = shared_host
    users = ["%s@%s" % (name, host.hostname) for name in ("mahen", "hendro")]
    before = [len(host.messages(user)) for user in users]
    wire = greet(host, "lmtp", "LHLO")
    assert wire.say("EHLO x").startswith("500 5.5.1")
    assert wire.say("MAIL FROM:<a@b.example>")[:3] == "250"
    codes = [wire.say("RCPT TO:<%s>" % user)[:3]
             for user in (users[0], "nobody@" + host.hostname, users[1])]
    assert codes == ["250", "550", "250"]
    assert wire.say("DATA")[:3] == "354"
    wire.send("Subject: l\r\n\r\nx\r\n.\r\nNOOP\r\n")
    assert "queued as" in wire.reply() and "queued as" in wire.reply()
    assert wire.reply() == "250 2.0.0 Ok"
    for user, count in zip(users, before):
        path = host.wait_messages(user, count + 1)
        assert any(b"with LMTP id" in open(p, "rb").read() for p in path)
    wire.close()


def test_smtplib_speaks_lmtp(shared_host):
    user = "mahen@" + shared_host.hostname
    before = len(shared_host.messages(user))
    with smtplib.LMTP(shared_host.address, shared_host.ports["lmtp"],
                      local_hostname="x") as client:
        assert client.sendmail("a@b.example", [user],
                               "Subject: lib\r\n\r\nx\r\n") == {}
    shared_host.wait_messages(user, before + 1)


# ------------------------------------------- clients that nobody here wrote

def need(program):
    path = shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin")
    if path is None:
        pytest.skip(program + " is not installed")
    return path


def test_swaks_speaks_lmtp(shared_host):
    need("swaks")
    user = "mahen@" + shared_host.hostname
    before = len(shared_host.messages(user))
    result = server.run(
        "swaks", "--protocol", "LMTP", "--server", shared_host.address,
        "--port", str(shared_host.ports["lmtp"]), "--to", user, "--from",
        "a@b.example", "--timeout", "30")
    assert "queued as" in result.stdout
    shared_host.wait_messages(user, before + 1)


def test_smtplib_sends_utf8_and_asks_for_reports(shared_host):
    with smtplib.SMTP(shared_host.address, shared_host.ports["smtp"],
                      local_hostname="x") as client:
        client.ehlo()
        code, _ = client.mail("j\u00f6rg@b\u00fccher.example",
                              ["SMTPUTF8", "BODY=8BITMIME", "RET=FULL"])
        assert code == 250
        code, _ = client.rcpt("\u7528\u6237@away.example",
                              ["NOTIFY=NEVER", "ORCPT=utf-8;\\x{7528}@b.c"])
        assert code == 250
        code, text = client.data("Subject: \u00fc\r\n\r\n\u00fc\r\n".encode())
        assert code == 250
    envelope = queued(shared_host, text.decode())
    assert envelope["S"] == "j\u00f6rg@b\u00fccher.example"
    assert envelope["R"][0]["a"] == "\u7528\u6237@away.example"
    assert envelope["R"][0]["r"] == "utf-8;\u7528@b.c"
    assert envelope["R"][0]["n"] == "N"


def test_msmtp_asks_for_reports(shared_host, folder):
    need("msmtp")
    text = "From: a@b.example\nTo: msmtp@away.example\nSubject: m\n\nx\n"
    conf = os.path.join(folder, "msmtprc")
    with open(conf, "w") as out:
        out.write("account default\nhost %s\nport %d\nfrom a@b.example\n"
                  "dsn_notify failure,delay\ndsn_return headers\n" % (
                      shared_host.address, shared_host.ports["smtp"]))
    os.chmod(conf, 0o600)
    result = server.run("msmtp", "-v", "-C", conf, "msmtp@away.example",
                        input=text)
    envelope = queued(shared_host, result.stdout)
    assert envelope["R"][0]["n"] == "FD"
    assert envelope["O"].split()[0] == str(FLAG["HDRS"])


def test_curl_sends_smtputf8(shared_host, folder):
    need("curl")
    if "SMTPUTF8" not in subprocess.run(
            ["curl", "--version"], stdout=subprocess.PIPE,
            text=True).stdout + "SMTPUTF8":
        pytest.skip("curl without it")
    path = os.path.join(folder, "letter")
    with open(path, "w", newline="") as out:
        out.write("Subject: curl\r\n\r\nx\r\n")
    result = server.run(
        "curl", "-sSv", "--max-time", "30",
        "smtp://%s:%d/x" % (shared_host.address, shared_host.ports["smtp"]),
        "--mail-from", "a@b.example", "--mail-rcpt",
        "j\u00f6rg@away.example", "-T", path,
        env=dict(os.environ, LC_ALL="C.UTF-8"))
    envelope = queued(shared_host, result.stdout)
    assert envelope["R"][0]["a"] == "j\u00f6rg@away.example"
    assert int(envelope["O"].split()[0]) & FLAG["UTF8"]


def test_smtp_source_of_postfix(shared_host):
    """Pipelined sessions of a client that is known to be exact."""
    program = need("smtp-source")
    user = "mahen@" + shared_host.hostname
    before = len(shared_host.messages(user))
    result = server.run(program, "-4", "-m", "6", "-s", "2", "-l", "3000",
                        "-f", "a@b.example", "-t", user, "%s:%d" % (
                            shared_host.address, shared_host.ports["smtp"]))
    assert result.stdout == ""
    result = server.run(program, "-4", "-L", "-m", "4", "-s", "2", "-r", "1",
                        "-f", "a@b.example", "-t", user, "%s:%d" % (
                            shared_host.address, shared_host.ports["lmtp"]))
    assert result.stdout == ""
    shared_host.wait_messages(user, before + 10)

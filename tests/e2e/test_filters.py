# SPDX-License-Identifier: ISC
"""Content filters: milters, commands, OpenSMTPD's filters, and edits."""

import contextlib
import os
import shutil
import smtplib

import pytest

import milter_peer
import server
from milter_peer import CLOSE, CONTINUE, Milter, header, packet, text
from server import Wire

TO = "hendro@mail.kelompok1.local"
OTHER = "mahen@mail.kelompok1.local"
BODY = "one\r\n..two\r\n\r\nthree  \r\n"
MESSAGE = ("From: s@there.test\r\nSubject:  two  blanks\r\n\tfolded\r\n"
           "X-Old: first\r\nx-old: second\r\n\r\n" + BODY)


@pytest.fixture
def start(make_host):
    def one(**settings):
        host = make_host(settings=settings)
        host.add_user(TO)
        host.add_user(OTHER)
        return host.start()
    return one


def client(host, port="smtp"):
    one = smtplib.SMTP(host.address, host.ports[port], "client.test",
                       timeout=60)
    one.ehlo()
    return one


def send(host, message=MESSAGE, to=TO, sender="s@there.test"):
    """The code and text of the reply that decided."""
    with client(host) as one:
        try:
            one.sendmail(sender, to, message)
        except smtplib.SMTPSenderRefused as error:
            return error.smtp_code, error.smtp_error.decode()
        except smtplib.SMTPRecipientsRefused as error:
            code, said = error.recipients[to]
            return code, said.decode()
        except smtplib.SMTPDataError as error:
            return error.smtp_code, error.smtp_error.decode()
    return 250, ""


def delivered(host, user=TO, count=1):
    """The message as it is in the mailbox, without our trace fields."""
    path = host.wait_messages(user, count)[-1]
    with open(path, "rb") as file:
        lines = file.read().decode("utf-8", "replace")
    return lines.replace("\r\n", "\n")


def queued(host):
    """Ids; a file that is being written has none yet."""
    return [os.path.basename(path) for path in host.queue_files()
            if not os.path.basename(path).startswith(".")]


def after_trace(message):
    """Behind Return-Path, Delivered-To and our Received."""
    lines = message.split("\n")
    place = next(i for i, line in enumerate(lines)
                 if line.startswith("Received: from"))
    place += 1
    while lines[place].startswith("\t"):
        place += 1
    return "\n".join(lines[place:])


def wanted(message=MESSAGE):
    return message.replace("\r\n", "\n")


def test_a_milter_sees_all_of_a_message_and_passes_it(start):
    with Milter(steps=milter_peer.LEADING_SPACE) as milter:
        host = start(milters=milter.address)
        assert send(host)[0] == 250
        assert after_trace(delivered(host)) == wanted()
        assert milter.commands().startswith(b"OCHMRTLLLLNBE")
        name, rest = milter.first(b"C").split(b"\0", 1)
        assert rest[:1] == b"4" and rest[3:] == b"127.0.0.1\0"
        assert milter.first(b"H") == b"client.test\0"
        assert milter.first(b"M").startswith(b"<s@there.test>\0SIZE=")
        assert milter.first(b"R") == b"<" + TO.encode() + b">\0"
        fields = [d for c, d in milter.heard[0] if c == b"L"]
        assert fields[1] == b"Subject\0  two  blanks\n\tfolded\0"
        assert milter.first(b"B") == b"one\r\n..two\r\n\r\nthree  \r\n"
        assert b"queued as " + milter.macros(b"M")[b"i"] in \
            b"queued as " + milter.macros(b"E")[b"i"]
        assert milter.macros(b"C")[b"{daemon_name}"] == b"smtp"
        assert milter.macros(b"M")[b"i"].decode() in host.read_log()


def test_silent_steps_do_not_stop_a_session(start):
    with Milter(steps=milter_peer.SILENT) as milter:
        host = start(milters=milter.address)
        with client(host) as one:
            for count in (1, 2):
                one.sendmail("s@there.test", TO, MESSAGE)
                delivered(host, count=count)
        assert len(milter.heard) == 1
        assert milter.commands().count(b"E") == 2


REFUSALS = [
    ("C", packet(b"r"), 554, "5.7.1"),
    ("H", packet(b"t"), 451, "4.7.1"),
    ("M", packet(b"y", b"550 5.7.9 not you\0"), 550, "5.7.9 not you"),
    ("R", packet(b"r"), 550, "5.7.1"),
    ("T", packet(b"t"), 451, "4.7.1"),
    ("L", packet(b"r"), 554, "5.7.1"),
    ("N", packet(b"y", b"451 4.7.9 later\0"), 451, "4.7.9 later"),
    ("B", packet(b"r"), 554, "5.7.1"),
    ("E", packet(b"y", b"550 5.7.8 100%% bad\0"), 550, "5.7.8 100% bad"),
    ("E", packet(b"4"), 421, "4.7.1"),
]


def test_a_refusal_at_each_stage_is_told_and_logged(start):
    answers = {}
    with Milter() as milter:
        host = start(milters=milter.address)
        for stage, answer, code, said in REFUSALS:
            milter.answers = {b"O": milter_peer.offer(),
                              stage.encode(): answer}
            answers[stage] = send(host)
            assert answers[stage][0] == code, stage
            status, _, words = said.partition(" ")
            assert answers[stage][1].startswith(status), stage
            assert answers[stage][1].endswith(words), stage
        log = host.read_log()
        assert "filter %s: refuse at END: 550 5.7.8 100%% bad" % \
            milter.address in log
        assert queued(host) == []
        milter.answers = {b"O": milter_peer.offer()}
        assert send(host)[0] == 250
        delivered(host)


def test_a_refused_recipient_leaves_the_others(start):
    def judge(data):
        return packet(b"r") if OTHER.encode() in data else CONTINUE

    with Milter(R=judge) as milter:
        host = start(milters=milter.address)
        with client(host) as one:
            refused = one.sendmail("s@there.test", [OTHER, TO], MESSAGE)
        assert list(refused) == [OTHER] and refused[OTHER][0] == 550
        delivered(host)


def test_edits_are_made_in_order_and_counted(start):
    edits = [header(b"h", "X-Last", "end"),
             header(b"i", "X-First", "top", 0),
             header(b"m", "X-Old", "changed", 2),
             header(b"m", "X-Old", "", 1),
             header(b"m", "Subject", "new\n\tfold", 1),
             packet(b"p"), CONTINUE]
    with Milter(E=edits) as milter:
        host = start(milters=milter.address)
        assert send(host)[0] == 250
        assert after_trace(delivered(host)) == (
            "X-First: top\nFrom: s@there.test\nSubject: new\n\tfold\n"
            "X-Old: changed\nX-Last: end\n\n" + wanted(BODY))


def test_a_new_body_replaces_the_old_one(start):
    pieces = [packet(b"b", b"a\r\n.b\nc"), packet(b"b", b"d\r\n"), CONTINUE]
    with Milter(E=pieces) as milter:
        host = start(milters=milter.address)
        assert send(host)[0] == 250
        assert delivered(host).endswith("x-old: second\n\na\n.b\ncd\n")


def test_sender_and_recipients_are_edited_within_the_policy(start):
    edits = [packet(b"e", text("<new@there.test>")),
             packet(b"+", text("<%s>" % OTHER)),
             packet(b"-", text("<%s>" % TO)),
             packet(b"+", text("<nobody@mail.kelompok1.local>")),
             packet(b"2", text("<x@elsewhere.test>", "NOTIFY=NEVER")),
             CONTINUE]
    with Milter(E=edits) as milter:
        host = start(milters=milter.address, mynetworks="10.99.0.0/16")
        assert send(host)[0] == 250
        assert "Return-Path: <new@there.test>" in delivered(host, OTHER)
        log = host.read_log()
        assert "added recipient <x@elsewhere.test>, which is refused" in log
        assert "added recipient <nobody@mail.kelompok1.local>, which is " \
            "refused" in log
        assert host.messages(TO) == []


def test_discard_and_quarantine(start):
    with Milter(E=packet(b"d")) as milter:
        host = start(milters=milter.address)
        assert send(host)[0] == 250
        assert "discard: from=<s@there.test>" in host.read_log()
        assert queued(host) == []
        milter.answers[b"E"] = [packet(b"q", text("looks odd")), CONTINUE]
        assert send(host)[0] == 250
        assert len(queued(host)) == 1
        assert "looks odd" in host.mailq().stdout


def test_the_second_sees_what_the_first_has_changed(start):
    first = [header(b"i", "X-One", "1", 0), packet(b"b", b"new\r\n"),
             CONTINUE]
    second = [header(b"i", "X-Two", "2", 1), CONTINUE]
    with Milter(E=first, steps=0) as one, Milter(E=second) as two:
        host = start(milters=one.address + " " + two.address)
        assert send(host)[0] == 250
        message = after_trace(delivered(host))
        assert message.startswith("X-One: 1\nX-Two: 2\nFrom:")
        assert message.endswith("\n\nnew\n")
        assert two.first(b"L") == b"X-One\x001\0"
        assert two.first(b"B") == b"new\r\n"


FAILURES = [
    {"O": CLOSE}, {"O": b"garbage that is long enough"}, {"C": CLOSE},
    {"M": packet(b"z")}, {"R": b"\xff\xff\xff\xff"}, {"E": CLOSE},
    {"E": packet(b"h", b"no end")}, {"E": packet(b"s")},
    {"B": header(b"h", "X", "too early")},
    {"E": [header(b"h", "X Y", "v"), CONTINUE]},
]


@pytest.mark.parametrize("default, code", [
    ("accept", 250), ("tempfail", 451), ("reject", 554),
    ("quarantine", 250)])
def test_a_filter_that_fails_has_its_default(start, default, code):
    with Milter() as milter:
        host = start(milters="%s default=%s command=1s message=1s" %
                     (milter.address, default))
        samples = FAILURES if default == "tempfail" else FAILURES[-4:]
        if default == "tempfail":
            samples = samples + [{"M": b""}, {"E": b""}]
        for sample in samples:
            milter.answers = {name.encode(): value
                              for name, value in sample.items()}
            milter.answers.setdefault(b"O", milter_peer.offer())
            assert send(host)[0] == code, sample
        held = queued(host)
        if default == "quarantine":
            assert len(held) == len(samples)
        elif default == "accept":
            delivered(host, count=len(samples))
        assert "filter %s failed: " % milter.address in host.read_log()


def test_a_filter_that_is_not_there_has_its_default(start):
    host = start(milters="unix:/nonexistent/socket default=tempfail")
    assert send(host)[0] == 451
    assert "filter unix:/nonexistent/socket failed: connect" in \
        host.read_log()


def test_progress_is_heard(start):
    with Milter() as milter:
        def slow(_):
            return packet(b"p") + packet(b"p") + CONTINUE
        milter.answers[b"E"] = slow
        host = start(milters=milter.address + " message=2s")
        assert send(host)[0] == 250
        delivered(host)


def test_a_large_message_goes_through_files(start):
    body = "".join("%06d %s\r\n" % (i, "x" * 60) for i in range(6000))
    message = MESSAGE + body
    with Milter(E=[header(b"i", "X-Big", "1", 0), CONTINUE]) as milter:
        host = start(milters=milter.address)
        assert send(host, message)[0] == 250
        assert delivered(host).endswith(body.replace("\r\n", "\n"))
        pieces = [d for c, d in milter.heard[0] if c == b"B"]
        assert b"".join(pieces).endswith(body.encode())
        assert max(len(d) for d in pieces) <= 65535


@contextlib.contextmanager
def program(text_of_it):
    folder = server.temporary_directory()
    os.chmod(folder, 0o755)
    path = os.path.join(folder, "program")
    with open(path, "w") as file:
        file.write(text_of_it)
    os.chmod(path, 0o755)
    try:
        yield path
    finally:
        shutil.rmtree(folder, ignore_errors=True)


VERDICTS = [
    ("exit 0", "", 250, ""),
    ("echo no >&2; echo 'spam here' >&2; exit 69", "", 550, "spam here"),
    ("cat >/dev/null; exit 77", "", 550, "refused by the mail filter"),
    ("cat >/dev/null; echo later >&2; exit 75", "", 451, "4.7.1 later"),
    ("exit 9", "spam=9", 550, "5.7.1"),
    ("exit 3", "pass=3", 250, ""),
    ("exit 3", "", 451, "does not work"),
    ("exit 3", "default=accept", 250, ""),
    ("kill -9 $$", "default=reject", 554, "does not work"),
    ("exec sleep 60", "message=1s", 451, "does not work"),
    ("sleep 60 & exit 0", "message=1s", 451, "does not work"),
    ("exit 0", "mode=print", 451, "does not work"),
    ("yes", "mode=print message=20s", 451, "does not work"),
]


@pytest.mark.parametrize("script, options, code, said", VERDICTS)
def test_a_command_says_it_by_its_exit_status(start, script, options, code,
                                              said):
    with program("#!/bin/sh\n%s\n" % script) as path:
        host = start(filter_commands="%s %s" % (options, path),
                     message_size_limit="1M")
        answer = send(host)
        assert answer[0] == code and said in answer[1]
        if code == 250:
            assert after_trace(delivered(host)) == wanted()


def test_a_command_prints_a_message(start):
    script = ("#!/bin/sh\necho 'X-Seen: yes'\n"
              "sed -e 's/^Subject:.*/Subject: new/' -e '/^\\tfolded/d'"
              " -e 's/^one$/eins/'\n")
    with program(script) as path:
        host = start(filter_commands="mode=print %s; %s" % (path, "/bin/cat"))
        assert send(host)[0] == 250
        assert after_trace(delivered(host)) == (
            "X-Seen: yes\nFrom: s@there.test\nSubject: new\n"
            "X-Old: first\nx-old: second\n\n" +
            wanted(BODY).replace("one", "eins"))


def test_local_submissions_are_filtered_and_bounced(start):
    with Milter(E=packet(b"y", b"550 5.7.7 not this\0")) as milter:
        host = start(milters=milter.address)
        host.sendmail("-f", TO, OTHER, input="Subject: local\n\nhello\n")
        server.wait_for(lambda: host.messages(TO), "the report")
        assert "5.7.7 not this" in delivered(host)
        assert milter.first(b"C").startswith(b"localhost\x004")
        assert milter.macros(b"C")[b"{daemon_name}"] == b"local"
        milter.answers[b"E"] = [header(b"h", "X-Local", "1"), CONTINUE]
        host.sendmail("-f", TO, OTHER, input="Subject: local\n\nhello\n")
        assert "X-Local: 1\n" in delivered(host, OTHER)


def test_wrong_settings_put_mail_off(start):
    host = start(milters="tcp:what")
    assert send(host)[0] == 451
    assert "content filters: milters" in host.read_log()


def test_nothing_is_left_of_filters(start):
    with Milter() as milter, program("#!/bin/sh\ncat >/dev/null\n") as path:
        host = start(milters=milter.address, filter_commands=path)
        wire = Wire(host.connect("smtp"))
        assert wire.reply().startswith("220")
        wire.say("EHLO x")
        assert wire.say("MAIL FROM:<s@there.test>").startswith("250")
        wire.close()
        server.wait_for(
            lambda: not [pid for pid in server.tree(host.process.pid)
                         if "verify" in name_of(pid)],
            "the end of verify")


def name_of(pid):
    try:
        return server.read_status(pid)["Name"]
    except OSError:
        return ""

# SPDX-License-Identifier: ISC
"""IMAP sessions as RFC 3501 and its extensions have them: imaplib where a
client's view matters, raw sockets where bytes do."""

import imaplib
import re
import shutil
import smtplib
import ssl
import time

import pytest

import server
from imapwire import Closed, Imap, parse

TEXT = ("From: Mahen <mahen@a.example>\r\nTo: hendro@b.example\r\n"
        "Subject: %s\r\nX-Number: %d\r\n\r\nbody of %s\r\n")


@pytest.fixture(scope="module")
def shared():
    directory = server.temporary_directory()
    one = server.Host(directory, settings={"log_level": "debug"})
    one.start()
    one.users = 0
    yield one
    one.stop()
    shutil.rmtree(directory, ignore_errors=True)


class User:
    def __init__(self, host):
        host.users += 1
        self.host = host
        self.name = "u%d" % host.users
        self.address = "%s@%s" % (self.name, host.hostname)
        host.add_user(self.address)

    def connect(self, folder=None, command="SELECT"):
        one = Imap.connect(self.host.address, self.host.ports["imap"],
                           self.name)
        if folder:
            one.ok("%s %s" % (command, folder))
        return one

    def fill(self, count=3, folder="INBOX"):
        session = self.connect()
        for number in range(1, count + 1):
            append(session, folder, TEXT % ("word%d" % number, number,
                                            "word%d" % number))
        session.close()
        return self

    def send(self, subject="from SMTP"):
        with smtplib.SMTP(self.host.address, self.host.ports["smtp"],
                          timeout=30) as smtp:
            smtp.sendmail("a@c.example", [self.address],
                          "Subject: %s\r\n\r\nx\r\n" % subject)


@pytest.fixture
def user(shared):
    return User(shared)


def anonymous(host):
    return Imap.connect(host.address, host.ports["imap"])


def append(session, folder, text, flags=""):
    data = text.encode()
    return session.say(b"APPEND %s %s{%d}\r\n%s" % (
        folder.encode(), flags.encode(), len(data), data))


def numbers(untagged, word):
    """The numbers of "* N WORD" responses, in order."""
    return [int(line.split()[1]) for line in untagged
            if line.split()[2:3] == [word.encode()]]


def names(untagged):
    return [parse(line)[4] if isinstance(parse(line)[4], str)
            else parse(line)[4].decode() for line in untagged
            if line.startswith((b"* LIST", b"* LSUB"))]


SELECTED_ONLY = ["CHECK", "CLOSE", "UNSELECT", "EXPUNGE", "SEARCH ALL",
                 "FETCH 1 FLAGS", "STORE 1 FLAGS ()", "COPY 1 INBOX",
                 "MOVE 1 INBOX", "UID FETCH 1 FLAGS", "UID SEARCH ALL",
                 "UID EXPUNGE 1"]
LOGGED_IN_ONLY = ["SELECT INBOX", "EXAMINE INBOX", "CREATE a", "DELETE a",
                  "RENAME a b", "SUBSCRIBE a", "UNSUBSCRIBE a",
                  'LIST "" *', 'LSUB "" *', "STATUS INBOX (MESSAGES)",
                  "NAMESPACE", "IDLE"]
ANYWHERE = ["CAPABILITY", "NOOP", "ID NIL"]


def test_commands_fit_their_state(shared, user):
    session = anonymous(shared)
    for command in LOGGED_IN_ONLY[:8] + SELECTED_ONLY[:8]:
        session.bad(command)
    for command in ANYWHERE:
        session.ok(command)
    session.close()
    session = user.connect()
    for command in SELECTED_ONLY:
        session.bad(command)
    for command in ANYWHERE + LOGGED_IN_ONLY[:3]:
        session.ok(command)
    session.ok("SELECT INBOX")
    for command in ANYWHERE + ["CHECK", "EXPUNGE", "SEARCH ALL"]:
        session.ok(command)
    # After login these are over.
    for command in ("LOGIN a b", "AUTHENTICATE PLAIN", "STARTTLS"):
        session.bad(command)
    # A failed SELECT leaves nothing selected.
    session.no("SELECT nosuch")
    session.bad("CHECK")
    session.ok("LOGOUT")
    with pytest.raises(Closed):
        session.line()


@pytest.mark.parametrize("command", [
    "SELECT INBOX extra", "SELECT", "LIST", "LIST a", "STATUS INBOX",
    "STATUS INBOX ()", "STATUS INBOX (NOSUCH)", "STATUS INBOX MESSAGES",
    "FETCH", "FETCH 1", "FETCH 0 FLAGS", "FETCH x FLAGS", "FETCH 1 (FLAGS",
    "FETCH 1 NOSUCH", "FETCH 1 BODY[", "FETCH 1 BODY[0]", "FETCH 1 BODY[1.]",
    "FETCH 1 BODY[MIME]", "FETCH 1 BODY[]<1>", "FETCH 1 BODY[]<1.0>",
    "FETCH 1 BODY[HEADER.FIELDS]", "FETCH 1 BODY[HEADER.FIELDS ()]",
    "FETCH 99 FLAGS", "STORE 1", "STORE 1 FLAGS", "STORE 1 FLAGS (\\Seen",
    "STORE 1 NOSUCH (\\Seen)", "STORE 1 +FLAGS (\\)", "SEARCH",
    "SEARCH NOSUCH", "SEARCH NOT", "SEARCH OR ALL", "SEARCH SUBJECT",
    "SEARCH SINCE yesterday", "SEARCH LARGER x", "SEARCH (ALL",
    "SEARCH CHARSET", "COPY 1", "COPY INBOX", "RENAME a", "APPEND INBOX",
    "APPEND INBOX (\\Seen)", "UID", "UID NOOP", "UID FETCH", "IDLE x",
    "NAMESPACE x", "ID", "NOSUCH", "\"FETCH\" 1 ALL", "FETCH 1 (FLAGS))",
    "CREATE \"open", "SELECT \x01", "SELECT \xff",
])
def test_wrong_commands_get_bad_and_the_session_lives(user, command):
    session = user.fill(1).connect("INBOX")
    untagged, status = session.say(command)
    assert status.startswith((b"BAD", b"NO [CANNOT]")), status
    assert len(status) > len("BAD ")
    session.ok("NOOP")
    assert session.search("ALL") == [1]


@pytest.mark.parametrize("is_logged_in", [False, True])
def test_errors_end_the_session_at_the_limit_only(shared, user, is_logged_in):
    session = user.connect() if is_logged_in else anonymous(shared)
    for _ in range(19):
        session.bad("NOSUCH")
    session.send("last NOSUCH\r\n")
    assert session.response().startswith(b"last BAD")
    assert session.response().startswith(b"* BYE")
    with pytest.raises(Closed):
        session.line()


@pytest.mark.parametrize("line", [b"\r\n", b" \r\n", b"a\r\n", b"a \r\n",
                                  b"+ NOOP\r\n", b"\0\r\n", b"(\r\n",
                                  b"a\tNOOP\r\n", b"{3}x\r\n"])
@pytest.mark.parametrize("is_logged_in", [False, True])
def test_lines_without_a_command_get_bad(shared, user, line, is_logged_in):
    session = user.connect() if is_logged_in else anonymous(shared)
    session.send(line)
    assert re.match(rb"(\*|a) BAD ", session.response())
    session.ok("NOOP")


def test_select_says_what_is_needed(user):
    session = user.fill(3).connect()
    answer = b"".join(session.ok("SELECT INBOX"))
    for text in (rb"\* 3 EXISTS", rb"\* \d RECENT", rb"\* FLAGS \(\\Answered",
                 rb"\[UNSEEN 1\]", rb"\[UIDVALIDITY [1-9]\d*\]",
                 rb"\[UIDNEXT 4\]", rb"\[PERMANENTFLAGS \(.*\\\*\)\]"):
        assert re.search(text, answer), (text, answer)
    assert session.say("SELECT inbox")[1].startswith(b"OK [READ-WRITE]")
    assert session.say("EXAMINE INBOX")[1].startswith(b"OK [READ-ONLY]")


def test_examine_changes_nothing(user):
    session = user.fill(2).connect("INBOX", "EXAMINE")
    for command in ("STORE 1 +FLAGS (\\Seen)", "EXPUNGE", "UID EXPUNGE 1",
                    "MOVE 1 INBOX", "UID STORE 1 FLAGS (\\Deleted)"):
        session.no(command, b"NO [READ-ONLY]")
    session.fetch("BODY[]")
    assert session.fetch("FLAGS")[1]["FLAGS"] in ([], ["\\Recent"])
    writer = user.connect("INBOX")
    writer.ok("STORE 1 +FLAGS (\\Deleted)")
    session.ok("CLOSE")
    session.ok("SELECT INBOX")
    assert len(session.fetch("FLAGS")) == 2
    session.ok("CHECK")
    session.ok("UNSELECT")
    session.ok("SELECT INBOX")
    assert len(session.fetch("FLAGS")) == 2
    # CLOSE expunges without saying so.
    assert numbers(session.ok("CLOSE"), "EXPUNGE") == []
    session.ok("SELECT INBOX")
    assert len(session.fetch("FLAGS")) == 1


def test_folders_live_and_die(user):
    session = user.connect()
    session.ok("CREATE Work/")
    session.ok("CREATE Work/a/b")
    session.no("CREATE Work", b"NO [ALREADYEXISTS]")
    session.no("CREATE INBOX")
    session.no("DELETE INBOX")
    session.no("DELETE nosuch", b"NO [NONEXISTENT]")
    session.no("SELECT nosuch", b"NO [NONEXISTENT]")
    session.no("RENAME nosuch x")
    session.no("RENAME Work/a INBOX")
    found = names(session.ok('LIST "" "*"'))
    assert {"INBOX", "Work", "Work/a/b"} <= set(found)
    assert len(found) == len(set(found))
    session.ok("RENAME Work/a Work/c")
    found = names(session.ok('LIST "" "Work*"'))
    assert "Work/c/b" in found and "Work/a/b" not in found
    assert "Work/c/b" not in names(session.ok('LIST "" "Work/%"'))
    assert "Work/c" in names(session.ok('LIST "" "Work/%"'))
    assert names(session.ok('LIST "Work/" "%"')) == \
        names(session.ok('LIST "" "Work/%"'))
    assert parse(session.ok('LIST "" ""')[0])[2:5] == ["\\Noselect"] or \
        b'"/"' in session.ok('LIST "" ""')[0]
    session.ok("DELETE Work/c/b")
    assert "Work/c/b" not in names(session.ok('LIST "" "*"'))
    for name in ("../x", "a/../b", "/etc/passwd", "a//b", "..", "~root"):
        status = session.say('CREATE "%s"' % name)[1]
        assert status.startswith((b"NO", b"OK")), status
    assert not [name for name in names(session.ok('LIST "" "*"'))
                if ".." in name]


def test_a_new_folder_of_an_old_name_has_a_new_uidvalidity(user):
    session, seen = user.connect(), set()
    for _ in range(3):
        session.ok("CREATE again")
        line = session.ok("STATUS again (UIDVALIDITY)")[0]
        seen.add(parse(line)[3][1])
        session.ok("DELETE again")
    assert len(seen) == 3


def test_rename_of_the_inbox_moves_its_messages(user):
    session = user.fill(3).connect()
    session.ok("RENAME INBOX Old")
    assert parse(session.ok("STATUS Old (MESSAGES)")[0])[3] == \
        ["MESSAGES", "3"]
    assert parse(session.ok("STATUS INBOX (MESSAGES)")[0])[3] == \
        ["MESSAGES", "0"]
    assert "INBOX" in names(session.ok('LIST "" "*"'))


def test_names_outside_ascii_are_modified_utf7(user):
    session = user.connect()
    session.ok('CREATE "Caf&AOk-"')
    session.ok('CREATE "Caf&AOk-/&ZeVnLIqe-"')
    session.ok('SUBSCRIBE "Caf&AOk-/&ZeVnLIqe-"')
    session.ok('CREATE "R&-D"')
    found = names(session.ok('LIST "" "*"'))
    assert {"Caf&AOk-", "Caf&AOk-/&ZeVnLIqe-", "R&-D"} <= set(found)
    assert names(session.ok('LSUB "" "Caf&AOk-/*"')) == \
        ["Caf&AOk-/&ZeVnLIqe-"]
    assert append(session, '"Caf&AOk-"', TEXT % ("a", 1, "a"))[1][:2] == b"OK"
    session.ok('SELECT "Caf&AOk-"')
    session.ok('COPY 1 "Caf&AOk-/&ZeVnLIqe-"')
    for name in ("a&b", "&AOk", "&AGE-", "&&&-"):
        session.no('CREATE "%s"' % name, b"NO [CANNOT]")


def test_subscriptions_and_wildcards(user):
    session = user.connect()
    for name in ("a", "a/b", "a/b/c", "z/y"):
        session.ok("CREATE " + name)
    for name in ("a/b", "a/b/c", "z/y", "gone"):
        session.say("SUBSCRIBE " + name)
    assert set(names(session.ok('LSUB "" "*"'))) >= {"a/b", "a/b/c", "z/y"}
    assert names(session.ok('LSUB "" "a/*"')) == ["a/b", "a/b/c"]
    assert names(session.ok('LSUB "" "a/%"')) == ["a/b"]
    lines = [line for line in session.ok('LSUB "" "%"')
             if line.split()[-1].strip(b'"') in (b"a", b"z")]
    assert len(lines) == 2 and all(b"\\Noselect" in line for line in lines)
    session.ok("UNSUBSCRIBE a/b")
    assert names(session.ok('LSUB "" "a/*"')) == ["a/b/c"]
    # A subscription outlives its folder (RFC 3501 section 6.3.9).
    session.ok("DELETE a/b/c")
    assert names(session.ok('LSUB "" "a/*"')) == ["a/b/c"]
    assert names(session.ok('LIST "" "inbox"')) == ["INBOX"]
    assert "a/b" not in names(session.ok('LIST "" "%"'))


def test_special_folders_are_told(user):
    session = user.connect()
    lines = b"".join(session.ok('LIST "" "*"'))
    for use in (b"\\Drafts", b"\\Sent", b"\\Trash"):
        assert use in lines
    assert b"\\Inbox" in b"".join(session.ok('XLIST "" "*"'))
    assert session.ok("NAMESPACE")[0].strip() == \
        b'* NAMESPACE (("" "/")) NIL NIL'
    assert session.ok('ID ("name" "test" "version" NIL)')[0].startswith(
        b'* ID ("name"')


def test_status_gives_the_items_asked_for(user):
    session = user.fill(3).connect()
    words = parse(session.ok("STATUS INBOX (UNSEEN MESSAGES)")[0])
    assert dict(zip(words[3][::2], words[3][1::2])) == {"UNSEEN": "3",
                                                        "MESSAGES": "3"}
    words = parse(session.ok("STATUS INBOX (MESSAGES RECENT UIDNEXT "
                             "UIDVALIDITY UNSEEN)")[0])
    items = dict(zip(words[3][::2], words[3][1::2]))
    assert items["UIDNEXT"] == "4" and len(items) == 5
    session.no("STATUS nosuch (MESSAGES)", b"NO [NONEXISTENT]")


def test_append_keeps_flags_and_date(user):
    session = user.connect()
    _, status = append(session, "INBOX", TEXT % ("one", 1, "one"),
                       '(\\Seen \\Flagged key) "01-Feb-2020 12:34:56 +0700" ')
    assert re.match(rb"OK \[APPENDUID \d+ 1\]", status)
    session.ok("SELECT INBOX")
    found = session.fetch("(FLAGS INTERNALDATE)")[1]
    assert {"\\Seen", "\\Flagged", "key"} <= set(found["FLAGS"])
    when = imaplib.Internaldate2tuple(
        b'1 (INTERNALDATE "' + found["INTERNALDATE"] + b'")')
    assert time.mktime(when) == 1580535296
    assert append(session, "nosuch", "x")[1].startswith(b"NO [TRYCREATE]")
    session.bad("APPEND INBOX (\\Seen) \"yesterday\" {3}\r\nabc")
    # LITERAL-: up to 4096 bytes without waiting.
    session.send(b"l1 APPEND INBOX {40+}\r\nSubject: now\r\n\r\n" +
                 b"x" * 24 + b"\r\n")
    untagged, status = session.until("l1")
    assert status.startswith(b"OK [APPENDUID")
    assert numbers(untagged, "EXISTS") == [2]
    session.send(b"l2 APPEND INBOX {5000+}\r\n" + b"x" * 5000 + b"\r\n")
    assert session.until("l2")[1].startswith(b"BAD [TOOBIG]")
    session.no("APPEND INBOX {99999999999}", b"BAD")
    session.no("APPEND INBOX {4294967295}", b"NO [TOOBIG]")
    session.ok("NOOP")
    assert session.fetch("RFC822.SIZE")[2]["RFC822.SIZE"] == "40"


def test_copy_move_and_expunge(user):
    session = user.fill(5).connect("INBOX")
    session.no("COPY 1 nosuch", b"NO [TRYCREATE]")
    session.no("MOVE 1 nosuch", b"NO [TRYCREATE]")
    session.ok("CREATE Box")
    status = session.say("COPY 2:3 Box")[1]
    assert re.match(rb"OK \[COPYUID \d+ 2:3 1:2\]", status), status
    untagged, status = session.say("MOVE 1 Box")
    assert numbers(untagged, "EXPUNGE") == [1]
    assert b"COPYUID" in b"".join(untagged) + status
    session.ok("STORE 1:4 +FLAGS (\\Deleted)")
    assert numbers(session.ok("UID EXPUNGE 3,5"), "EXPUNGE") == [2, 3]
    assert numbers(session.ok("EXPUNGE"), "EXPUNGE") == [1, 1]
    assert session.search("ALL") == []
    session.ok("SELECT Box")
    subjects = [found["BODY[HEADER.FIELDS (SUBJECT)]"] for found in
                session.fetch("BODY.PEEK[HEADER.FIELDS (SUBJECT)]").values()]
    assert subjects == [b"Subject: word%d\r\n\r\n" % n for n in (2, 3, 1)]


def test_store_changes_flags_and_says_so(user):
    session = user.fill(3).connect("INBOX")
    session.fetch("FLAGS")
    assert numbers(session.ok("STORE 1:2 FLAGS (\\Seen)"), "FETCH") == [1, 2]
    assert numbers(session.ok("STORE 1:2 +FLAGS.SILENT (\\Flagged)"),
                   "FETCH") == []
    assert set(session.fetch("FLAGS")[1]["FLAGS"]) - {"\\Recent"} == \
        {"\\Seen", "\\Flagged"}
    session.ok("STORE 1 -FLAGS \\Seen")
    session.ok("STORE 3 +FLAGS ($Forwarded NonJunk)")
    assert session.search("KEYWORD $forwarded") == [3]
    assert session.search("UNKEYWORD NonJunk SEEN") == [2]
    session.ok("STORE 1:* FLAGS ()")
    assert session.search("OR SEEN OR FLAGGED KEYWORD NonJunk") == []
    answer = session.ok("UID STORE 2 +FLAGS (\\Answered)")
    assert b"UID 2" in answer[0]


def test_fetch_gives_pieces(user):
    session = user.connect()
    append(session, "INBOX", TEXT % ("p", 1, "p"))
    session.ok("SELECT INBOX")
    whole = TEXT % ("p", 1, "p")
    for offset, length in ((0, 5), (5, 1000), (10, 20), (1000, 5)):
        found = session.fetch("BODY.PEEK[]<%d.%d>" % (offset, length))[1]
        assert found == {"BODY[]<%d>" % offset:
                         whole[offset:offset + length].encode()}
    found = session.fetch("BODY.PEEK[HEADER.FIELDS.NOT (From To)]")[1]
    assert list(found.values()) == [b"Subject: p\r\nX-Number: 1\r\n\r\n"]
    assert session.fetch("RFC822.HEADER")[1]["RFC822.HEADER"] == \
        whole.split("body")[0].encode()
    assert "\\Seen" not in session.fetch("FLAGS")[1]["FLAGS"]
    found = session.fetch("(BODY[TEXT] UID)")[1]
    assert found["BODY[TEXT]"] == b"body of p\r\n"
    assert "\\Seen" in found["FLAGS"]
    for macro, items in (("FAST", 3), ("ALL", 4), ("FULL", 5)):
        assert len(session.fetch(macro)[1]) == items
    assert session.fetch("BODY.PEEK[9]")[1] == {"BODY[9]": None}


def test_search_takes_charsets_and_literals(user):
    session = user.connect()
    append(session, "INBOX", "Subject: =?utf-8?q?=C3=84pfel?=\r\n"
           "Content-Type: text/plain; charset=utf-8\r\n\r\nÖl und Brot\r\n")
    append(session, "INBOX", "Subject: =?iso-8859-1?q?=C4pfel?=\r\n"
           "Content-Type: text/plain; charset=iso-8859-1\r\n"
           "Content-Transfer-Encoding: quoted-printable\r\n\r\n=D6l\r\n")
    append(session, "INBOX", TEXT % ("other", 3, "other"))
    session.ok("SELECT INBOX")
    for charset, encoding in (("UTF-8", "utf-8"),
                              ("ISO-8859-1", "latin-1")):
        for key, text in (("SUBJECT", "äPFEL"), ("TEXT", "Äpfel"),
                          ("BODY", "öl")):
            data = text.encode(encoding)
            command = b"SEARCH CHARSET %s %s {%d}\r\n%s" % (
                charset.encode(), key.encode(), len(data), data)
            assert session.ok(command)[0].split()[2:] == [b"1", b"2"]
    session.no("SEARCH CHARSET KLINGON ALL", b"NO [BADCHARSET")
    session.send(b"s SEARCH SUBJECT {5+}\r\nother\r\n")
    assert session.until("s")[0][0].split() == [b"*", b"SEARCH", b"3"]


@pytest.mark.parametrize("charset,text", [
    ("koi8-r", "привет"), ("windows-1251", "привет"), ("iso-8859-5", "привет"),
    ("iso-8859-2", "zażółć"), ("windows-1250", "zażółć"), ("koi8-u", "їжак"),
    ("iso-8859-7", "αλφα"), ("windows-1253", "αλφα"), ("iso-8859-9", "ığış"),
    ("windows-1254", "ığış"), ("iso-8859-15", "cœur")])
def test_search_decodes_charsets_in_the_jail(user, charset, text):
    session = user.connect()
    body = text.encode(charset)
    message = b"Content-Type: text/plain; charset=%s\r\n\r\n%s\r\n" % (
        charset.encode(), body)
    session.ok(b"APPEND INBOX {%d}\r\n%s" %
               (len(message), message))
    session.ok("SELECT INBOX")
    data = text.encode()
    found = session.ok(b"SEARCH CHARSET UTF-8 BODY {%d}\r\n%s" %
                       (len(data), data))
    assert found[0].split()[2:] == [b"1"]


def test_idle_is_told_of_new_mail_within_a_second(user):
    session = user.connect("INBOX")
    for number in range(1, 4):
        session.send("i%d IDLE\r\n" % number)
        assert session.response().startswith(b"+")
        user.send("idle %d" % number)
        user.host.wait_messages(user.address, number)
        session.sock.settimeout(1)
        assert session.response() == b"* %d EXISTS\r\n" % number
        session.sock.settimeout(30)
        # iOS sends what comes next behind DONE at once.
        session.send(b"DONE\r\nj%d SEARCH ALL\r\nk%d NOOP\r\n" %
                     (number, number))
        assert session.until("i%d" % number)[1].startswith(b"OK")
        assert numbers(session.until("j%d" % number)[0], "EXISTS") == []
        assert session.until("k%d" % number)[1].startswith(b"OK")
    session.send("x IDLE\r\n")
    session.response()
    session.send("garbage\r\n")
    assert session.until("x")[1].startswith(b"BAD")


def test_idle_is_told_of_flags_and_expunges(user):
    watcher = user.fill(3).connect("INBOX")
    other = user.connect("INBOX")
    watcher.send("i IDLE\r\n")
    watcher.response()
    other.ok("STORE 2 +FLAGS (\\Flagged)")
    line = watcher.response()
    assert line.startswith(b"* 2 FETCH") and b"\\Flagged" in line
    other.ok("STORE 1 +FLAGS (\\Deleted)")
    watcher.response()
    other.ok("EXPUNGE")
    while not watcher.response().startswith(b"* 1 EXPUNGE"):
        continue
    watcher.send("DONE\r\n")
    watcher.until("i")
    assert watcher.search("FLAGGED") == [1]


def test_two_sessions_see_each_other_when_it_is_legal(user):
    one = user.fill(4).connect("INBOX")
    two = user.connect("INBOX")
    one.ok("STORE 3 +FLAGS (\\Deleted $Key)")
    untagged = two.ok("NOOP")
    assert numbers(untagged, "FETCH") == [3]
    assert b"$Key" in b"".join(untagged)
    one.ok("EXPUNGE")
    # Numbers may not change during FETCH, STORE and SEARCH (7.4.1).
    for command in ("FETCH 1:2 FLAGS", "STORE 1 +FLAGS (\\Seen)",
                    "SEARCH ALL"):
        assert numbers(two.ok(command), "EXPUNGE") == []
    untagged, status = two.say("FETCH 1:4 BODY.PEEK[TEXT]")
    assert numbers(untagged, "EXPUNGE") == []
    assert numbers(untagged, "FETCH") == [1, 2, 4]
    assert numbers(two.ok("NOOP"), "EXPUNGE") == [3]
    append(one, "INBOX", TEXT % ("new", 5, "new"))
    assert numbers(two.ok("NOOP"), "EXISTS") == [4]
    one.ok("STORE 1 +FLAGS (\\Deleted)")
    one.ok("EXPUNGE")
    # UID commands may say it.
    assert numbers(two.ok("UID FETCH 1:* FLAGS"), "EXPUNGE") in ([1], [])
    two.ok("NOOP")
    assert two.search("ALL") == one.search("ALL") == [1, 2, 3]


def tls():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def test_imaplib_over_tls(shared, user):
    user.fill(2)
    with imaplib.IMAP4_SSL(shared.address, shared.ports["imaps"],
                           ssl_context=tls(), timeout=30) as client:
        assert "STARTTLS" not in client.capabilities
        client.login(user.name, "secret")
        assert client.select()[1] == [b"2"]
    with imaplib.IMAP4(shared.address, shared.ports["imap"],
                       timeout=30) as client:
        assert "STARTTLS" in client.capabilities
        client.starttls(tls())
        assert "STARTTLS" not in client.capabilities
        client.authenticate("PLAIN", lambda _: b"\0%s\0secret" %
                            user.name.encode())
        assert client.select()[1] == [b"2"]
        assert client.search(None, "ALL")[1] == [b"1 2"]
        code, data = client.fetch("1", "(RFC822)")
        assert b"Subject: word1" in data[0][1]
        for capability in ("LITERAL-", "IDLE", "UIDPLUS", "MOVE",
                           "SPECIAL-USE", "NAMESPACE", "UNSELECT", "ID"):
            assert capability in client.capability()[1][0].decode().split()


def test_an_mbox_gets_an_answer_that_helps(shared, user):
    users = shared.directory + "/users"
    with open(users) as file:
        lines = file.read().splitlines(keepends=True)
    with open(users, "w") as file:
        for line in lines:
            if line.startswith(user.address):
                line = line.rstrip("\n") + " mail=%s/%s.mbox\n" % (
                    shared.homes, user.name)
            file.write(line)
    session = anonymous(shared)
    untagged, status = session.say("LOGIN %s secret" % user.name)
    assert status.startswith(b"NO [CANNOT]") and b"POP3" in status
    assert session.response().startswith(b"* BYE")


def test_nothing_went_wrong_unseen(shared):
    log = shared.read_log()
    for word in ("bug:", "AddressSanitizer", "runtime error", "signal 31",
                 "signal 11", "signal 6"):
        assert word not in log, log[-3000:]

# SPDX-License-Identifier: ISC
"""The same mail through Merpati and through Dovecot.

tests/data/mime is served by both, and every answer about it is compared.
What may differ stands in EXPLAINED (one message, one item) and in same()
(everywhere), with the reason. Then both take turns on one Maildir.
"""

import os
import poplib
import pwd
import re
import shutil

import pytest

import dovecot
import server
from imapwire import Imap, parse

DATA = os.path.join(os.path.dirname(__file__), "..", "data", "mime")
FIRST = 1700000000
PARSED = ("ENVELOPE", "BODY", "BODYSTRUCTURE")

ENCODED = "message/rfc822 in base64 is application/octet-stream here"
LINE_END = "CRLF before a boundary is the boundary's (RFC 2046 5.1.1), also" \
    " where an inner multipart ends just before it"
FIRST_FIELD = "of two Subject fields Dovecot takes the last"
ADDRESS = "broken address lists are opinions"
LONG = "Dovecot compares only the first 80 bytes of a boundary"
VALUE = "an unquoted parameter value with = or @ is taken whole here"
NO_TYPE = "Content-Type without a subtype is text/plain (RFC 2045 5.2)"
NO_BOUNDARY = "multipart without boundary is shown as text, not as empty"
NO_DATE = "a Date that cannot be read: INTERNALDATE counts in SENTSINCE"
# RFC 3501 6.4.5: no empty line where the message has none.
NO_SEPARATOR = "HEADER.FIELDS ends in an empty line if the header does"

EXPLAINED = {
    "mail-parser-rfc/001.eml": VALUE,
    "mail-parser-rfc/008.eml": ENCODED,
    "mail-parser-rfc/009.eml": ADDRESS,
    "mikel-mail/attachment_message_rfc822_inline_image.eml": LINE_END,
    "mikel-mail/raw_email_with_binary_encoded.eml": FIRST_FIELD,
    "mikel-mail/raw_email_with_illegal_boundary.eml": VALUE,
    "mikel-mail/raw_email_with_multipart_mixed_quoted_boundary.eml":
        FIRST_FIELD,
    "mime4j-testmsgs/bad-newlines-multiple-parts-base64.msg": ENCODED,
    "mime4j-testmsgs/base64encoded-rfc822message-nested.msg": ENCODED,
    "mime4j-testmsgs/base64encoded-rfc822message.msg": ENCODED,
    "mime4j-testmsgs/boundary-name-clash.msg": LINE_END,
    "mime4j-testmsgs/malformedHeader-noheader.msg": NO_SEPARATOR,
    "mime4j-testmsgs/malformedHeaderStartsBody-noheader.msg": NO_SEPARATOR,
    "mime4j-testmsgs/missing-inner-start-boundary.msg": LINE_END,
    "mime4j-testmsgs/obsolete.msg": NO_DATE,
    "mime4j-testmsgs/very-long-boundary.msg": LONG,
    "mime4j-testmsgs/very-very-long-boundary.msg": LONG,
    "mimekit-messages/feedback-report.txt": ADDRESS,
    "mimekit-messages/issue358.txt": ADDRESS,
    "mimekit-messages/missing-subtype.txt": NO_TYPE,
    "mimekit-messages/rfc2060.txt": LINE_END,
    "mimekit-messages/stack-overflow.txt": ADDRESS,
    "python-test-email/msg_14.txt": NO_TYPE,
    "python-test-email/msg_25.txt": NO_BOUNDARY,
    "python-test-email/msg_33.txt": NO_BOUNDARY,
    "python-test-email/msg_35.txt": NO_SEPARATOR,
    "python-test-email/msg_41.txt": NO_BOUNDARY,
    "python-test-email/msg_43.txt": ADDRESS,
}

# Only where whole multiparts are compared.
EXPLAINED_SECTIONS = {
    "mimekit-messages/body.5.txt": LINE_END,
    "mimekit-messages/body.6.txt": LINE_END,
    "mimekit-messages/body.7.txt": LINE_END,
    "python-test-email/msg_38.txt": LINE_END,
}

# Only in SEARCH: their charsets have no converter within the jail
# (imapd(8)); they are searched as they stand.
UNDECODED = ("mikel-mail/japanese_iso_2022.eml",
             "mikel-mail/japanese_shift_jis.eml",
             "mikel-mail/ks_c_5601-1987.eml", "mimekit-messages/japanese.txt")


def corpus():
    """Paths below DATA, in the order of their message numbers."""
    found = []
    for root, _, names in os.walk(DATA):
        place = os.path.relpath(root, DATA)
        if place != ".":
            found += [os.path.join(place, name) for name in names]
    return sorted(found)


def make_maildir(path, uid, gid, names=()):
    for part in ("", "new", "cur", "tmp"):
        os.makedirs(os.path.join(path, part), exist_ok=True)
        os.chown(os.path.join(path, part), uid, gid)
    for number, name in enumerate(names):
        when = FIRST + number * 3600
        to = os.path.join(path, "cur", "%d.M%dP1.host:2," % (when, number))
        shutil.copyfile(os.path.join(DATA, name), to)
        os.utime(to, (when, when))
        os.chown(to, uid, gid)


class Pair:
    """Merpati and Dovecot with a Maildir each, or with the same."""

    def __init__(self, names=(), is_shared=False):
        self.folders = [server.temporary_directory() for _ in range(2)]
        owner = pwd.getpwnam("_mpmail")
        self.host = server.Host(self.folders[0])
        user = "mahen@" + self.host.hostname
        self.host.add_user(user)
        self.maildir = self.host.maildir(user)
        os.makedirs(self.maildir, exist_ok=True)
        path = self.maildir
        while path != self.host.homes:
            os.chown(path, owner.pw_uid, owner.pw_gid)
            path = os.path.dirname(path)
        make_maildir(self.maildir, owner.pw_uid, owner.pw_gid, names)
        os.chmod(self.folders[1], 0o755)
        other = self.maildir
        if not is_shared:
            other = os.path.join(self.folders[1], "Maildir")
            make_maildir(other, owner.pw_uid, owner.pw_gid, names)
        self.dovecot = dovecot.Dovecot(self.folders[1], other, owner.pw_uid,
                                       owner.pw_gid)

    def start(self):
        self.host.start()
        self.dovecot.start()
        return self

    def stop(self):
        self.host.stop()
        self.dovecot.stop()
        for folder in self.folders:
            shutil.rmtree(folder, ignore_errors=True)

    def merpati_imap(self):
        return Imap.connect(self.host.address, self.host.ports["imap"],
                            "mahen")

    def dovecot_imap(self):
        return Imap.connect("127.0.0.1", self.dovecot.imap, "u")


@pytest.fixture(scope="module")
def sessions():
    """(Dovecot's, Merpati's) session on the corpus."""
    dovecot.need()
    pair = Pair(corpus())
    try:
        pair.start()
        # What lies in cur/ unseen by Dovecot is \\Recent to it, not here.
        for _ in range(2):
            both = pair.dovecot_imap(), pair.merpati_imap()
            for session in both:
                session.ok("SELECT INBOX")
        yield both
    finally:
        pair.stop()


def same(value, item):
    """A value in a form that both agree on."""
    if isinstance(value, dict):
        # Labels of sections: as sent here, in upper case there.
        return {name.upper(): same(one, item) for name, one in value.items()}
    if isinstance(value, list):
        return [same(one, item) for one in value]
    if value is None:
        return b""
    if item.endswith(".MIME]"):
        # Of a part without body the empty line is the header's here.
        return value.rstrip(b"\r\n")
    if item in PARSED and isinstance(value, bytes):
        # Dovecot says so of an address without; here it is empty.
        if value in (b"MISSING_DOMAIN", b"MISSING_MAILBOX"):
            return b""
        # Dovecot writes this type in lower case.
        if value.upper() in (b"MESSAGE", b"RFC822"):
            return value.lower()
        # Dovecot makes one space of the blanks at a folding.
        return re.sub(rb"\s+", b" ", value).strip()
    return value


def differing(sessions, item, numbers="1:*"):
    """Names of messages whose answers differ without an explanation."""
    names = corpus()
    wanted, got = [session.fetch("(%s)" % item, numbers)
                   for session in sessions]
    assert sorted(wanted) == sorted(got)
    return {names[number - 1]: (item, wanted[number], got[number])
            for number in wanted
            if same(wanted[number], item) != same(got[number], item)
            and names[number - 1] not in EXPLAINED}


@pytest.mark.parametrize("item", [
    "FLAGS", "UID", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY",
    "BODYSTRUCTURE", "BODY.PEEK[]", "BODY.PEEK[HEADER]", "BODY.PEEK[TEXT]",
    "RFC822.HEADER", "BODY.PEEK[]<0.100>", "BODY.PEEK[]<10.99999999>",
    "BODY.PEEK[TEXT]<100000000.5>", "BODY.PEEK[TEXT]<7.33>",
    "BODY.PEEK[HEADER.FIELDS (From Subject)]",
    "BODY.PEEK[HEADER.FIELDS (NOSUCH)]",
    "BODY.PEEK[HEADER.FIELDS.NOT (From Subject Received)]",
])
def test_items_are_equal(sessions, item):
    different = differing(sessions, item)
    assert not different, different


def test_no_explanation_is_left_over(sessions):
    """Every name in EXPLAINED exists."""
    named = set(EXPLAINED) | set(EXPLAINED_SECTIONS) | set(UNDECODED)
    assert named <= set(corpus())


def sections(body, prefix="", is_message=True):
    """Sections that exist, from a parsed BODY."""
    if isinstance(body[0], list):
        parts = [part for part in body if isinstance(part, list)]
        for number, part in enumerate(parts, 1):
            name = "%s%d" % (prefix, number)
            yield from (name, name + ".MIME")
            yield from sections(part, name + ".", False)
        return
    if is_message:
        yield prefix + "1"
    kind = b"/".join(word or b"" for word in body[:2]).upper()
    if not is_message and kind == b"MESSAGE/RFC822":
        yield from (prefix + "HEADER", prefix + "TEXT",
                    prefix + "HEADER.FIELDS (SUBJECT TO)")
        yield from sections(body[8], prefix)


def test_sections_of_every_part_are_equal(sessions):
    names, different, count = corpus(), {}, 0
    for number, found in sessions[0].fetch("BODY").items():
        if names[number - 1] in {**EXPLAINED, **EXPLAINED_SECTIONS}:
            continue
        for section in list(sections(found["BODY"]))[:60]:
            item = "BODY.PEEK[%s]" % section
            different.update(differing(sessions, item, str(number)))
            count += 1
    assert not different, different
    assert count > 300


def test_sections_that_do_not_exist_are_nil(sessions):
    for section in ("7", "1.1.1.1.1.1.1.1.1", "2.HEADER.FIELDS (A)"):
        found = sessions[1].fetch("BODY.PEEK[%s]" % section, "10:12")
        assert all(value in (None, b"", b"\r\n")
                   for one in found.values() for value in one.values())


def literal(text):
    data = text.encode()
    return b"{%d}\r\n" % len(data) + data


@pytest.mark.parametrize("keys", [
    "ALL", "1:5,7", "*", "NOT 1:100", "UID 3:9", "SEEN", "UNSEEN", "DELETED",
    "NEW", "OLD", "RECENT", "ANSWERED", "KEYWORD x", "UNKEYWORD x",
    "FROM example", "FROM \"example.com\"", "TO bar", "CC recipient",
    "BCC x", "SUBJECT test", "SUBJECT \"simple\"", "SUBJECT \"\"",
    "HEADER Message-ID \"\"", "HEADER MIME-Version 1.0",
    "HEADER Received example", "BODY text", "BODY \"this is\"", "TEXT from",
    "TEXT multipart", "LARGER 2000", "SMALLER 300",
    "BEFORE 16-Nov-2023", "ON 17-Nov-2023", "SINCE 18-Nov-2023",
    "HEADER Date \"\" SENTBEFORE 1-Jan-1999", "SENTON 11-Feb-1998",
    "HEADER Date \"\" SENTSINCE 1-Jan-2010",
    "OR FROM example SUBJECT test", "NOT (FROM example SUBJECT test)",
    "OR (LARGER 5000) (NOT OR BODY the BODY text)",
    "(1:20 (UNSEEN (BODY the)))",
    b"CHARSET UTF-8 SUBJECT " + literal("Испытание"),
    b"CHARSET UTF-8 TEXT " + literal("テスト"),
    b"CHARSET UTF-8 BODY " + literal("日本"),
    b"CHARSET UTF-8 FROM " + literal("é"),
], ids=str)
def test_searches_are_equal(sessions, keys):
    explained = {number for number, name in enumerate(corpus(), 1)
                 if name in EXPLAINED or name in UNDECODED}
    if isinstance(keys, bytes):
        keys = keys.decode("latin-1")
    wanted, got = [set(session.search(keys)) - explained
                   for session in sessions]
    if "BODY" in keys:
        # Headers of messages within are searched here, as part of the body.
        within = set(number for number, found
                     in sessions[0].fetch("BODY").items()
                     if "rfc822" in repr(found).lower())
        wanted, got = wanted - within, got - within
    names = corpus()
    assert wanted == got, [names[number - 1] for number in wanted ^ got]


def facts(session, folder="INBOX"):
    """What must survive: UIDVALIDITY, and by UID flags and size."""
    answer = b"".join(session.ok("SELECT " + folder))
    valid = re.search(rb"UIDVALIDITY (\d+)", answer).group(1)
    following = re.search(rb"UIDNEXT (\d+)", answer).group(1)
    found = session.fetch("(FLAGS RFC822.SIZE)", is_uid=True)
    return valid, following, {
        one["UID"]: (sorted(flag for flag in one["FLAGS"]
                            if flag != "\\Recent"), one["RFC822.SIZE"])
        for one in found.values()}


def subscriptions(session):
    return sorted(parse(line)[4] if isinstance(parse(line)[4], str)
                  else parse(line)[4].decode()
                  for line in session.ok('LSUB "" "*"'))


def uidls(port, user):
    pop = poplib.POP3("127.0.0.1", port, 30)
    pop.user(user)
    pop.pass_("secret")
    found = [line.split()[1] for line in pop.uidl()[1]]
    pop.quit()
    return found


def change(session, word):
    """What a person does to a mailbox, differently at every turn."""
    session.ok("SELECT INBOX")
    session.ok("STORE 1 +FLAGS (\\Seen \\Flagged key%s)" % word)
    session.ok("STORE 2 FLAGS (\\Answered)")
    session.ok("STORE 3 +FLAGS (\\Deleted)")
    session.ok("EXPUNGE")
    session.ok("CREATE Work/%s" % word)
    session.ok("SUBSCRIBE Work/%s" % word)
    session.ok("CREATE Caf&AOk-%s" % word)
    session.ok("SUBSCRIBE Caf&AOk-%s" % word)
    session.ok("COPY 1:4 Work/%s" % word)
    session.ok("APPEND INBOX (\\Seen \\Draft key%s) {21}\r\n"
               "Subject: %s\r\n\r\nbody\r\n" % (word, word.ljust(2)[:2]))


@pytest.mark.parametrize("first", ["dovecot", "merpati"])
def test_both_take_turns_on_one_maildir(first):
    dovecot.need()
    pair = Pair(corpus()[:20], is_shared=True)
    order = [pair.dovecot_imap, pair.merpati_imap]
    if first == "merpati":
        order.reverse()
    ports = {pair.dovecot_imap: (lambda: pair.dovecot.pop3, "u"),
             pair.merpati_imap: (lambda: pair.host.ports["pop3"], "mahen")}
    try:
        pair.start()
        before, folders = None, None
        for turn, connect in enumerate(order * 2):
            session = connect()
            now = facts(session), subscriptions(session), \
                uidls(ports[connect][0](), ports[connect][1])
            if before:
                assert now == before
                for folder, kept in folders.items():
                    assert facts(session, folder) == kept
            change(session, "abcd"[turn])
            before = facts(session), subscriptions(session), \
                uidls(ports[connect][0](), ports[connect][1])
            folders = {folder: facts(session, folder)
                       for folder in subscriptions(session)}
            session.close()
    finally:
        pair.stop()
    assert len(folders) == 8

# SPDX-License-Identifier: ISC
"""What a user does to a mailbox while it is disturbed, and what has to be
true then: what was acknowledged is done, what was not is done or not, whole
messages all, and no other message is touched."""

import os

import crash
import scenarios

FOLDER = "Arsip"


class Mailbox(scenarios.Scenario):
    """reader's Maildir has OLD messages, old1 (UID 1) to old8."""

    def act(self, s):
        self.is_done = self.change(s)

    def change(self, s):
        return s.c.imap_step(*self.steps(s)) is not None

    def again(self, s):
        """Of what was not done nobody knows how far it came; a second
        message shows that the mailbox still takes some."""
        message = crash.text_of("last").encode()
        if s.c.imap_step(lambda imap: imap.append("INBOX", None, None,
                                                  message)) is None:
            return ["the mailbox takes no message"]
        return []

    def rows(self, s, name):
        """{label: (uid, flags)}; a label that is there twice is a fault."""
        rows, faults = {}, []
        for uid, label, flags in s.c.folder(name):
            if label in rows and label != "last":
                faults.append("duplicate: %s in %s" % (label, name))
            rows[label] = (uid, flags)
        return rows, faults

    def check(self, s, _):
        rows, faults = self.rows(s, "INBOX")
        changed = self.changed()
        for number in range(1, crash.OLD + 1):
            label = "old%d" % number
            if label in changed:
                continue
            if label not in rows:
                faults.append("lost: " + label)
            elif rows[label] != (number, set()):
                faults.append("touched: %s %s" % (label, rows[label]))
        allowed = {"old%d" % n for n in range(1, crash.OLD + 1)}
        for label in set(rows) - allowed - {"last", "appended"}:
            faults.append("from nowhere: " + label)
        return faults + self.check_change(s, rows)

    def changed(self):
        return ()


def select(imap):
    return imap.select("INBOX")


class Append(Mailbox):
    def steps(self, _):
        message = crash.text_of("appended").replace("\n", "\r\n").encode()
        return (lambda imap: imap.append("INBOX", "(\\Seen)", None,
                                         message),)

    def check_change(self, _, rows):
        if "appended" not in rows:
            return ["lost: appended"] * self.is_done
        if rows["appended"][0] <= crash.OLD:
            return ["an old UID for a new message"]
        # Before the yes it may be there without its flag.
        if self.is_done and "\\Seen" not in rows["appended"][1]:
            return ["appended without its flag"]
        return []


class Store(Mailbox):
    def steps(self, _):
        return (select, lambda imap: imap.uid("STORE", "3", "+FLAGS",
                                              "(\\Flagged kata)"))

    def changed(self):
        return ("old3",)

    def check_change(self, _, rows):
        if "old3" not in rows:
            return ["lost: old3"]
        uid, flags = rows["old3"]
        faults = ["another UID"] if uid != 3 else []
        if not flags <= {"\\Flagged", "kata"}:
            faults.append("flags from nowhere: %s" % flags)
        if self.is_done and flags != {"\\Flagged", "kata"}:
            faults.append("lost: a flag: %s" % flags)
        return faults


class Expunge(Mailbox):
    def steps(self, _):
        return (select, lambda imap: imap.uid("STORE", "5:6", "+FLAGS",
                                              "(\\Deleted)"),
                lambda imap: imap.expunge())

    def changed(self):
        return ("old5", "old6")

    def check_change(self, _, rows):
        left = [label for label in self.changed() if label in rows]
        return ["still there: %s" % left] if self.is_done and left else []


class Transfer(Mailbox):
    """COPY or MOVE of old5 into another folder."""

    verb = "MOVE"

    def prepare(self, s):
        path = os.path.join(s.host.maildir("reader@" + s.c.name),
                            "." + FOLDER)
        for part in ("", "cur", "new", "tmp"):
            os.makedirs(os.path.join(path, part), exist_ok=True)
            os.chmod(os.path.join(path, part), 0o700)
            s.c.give(os.path.join(path, part))

    def steps(self, _):
        return (select, lambda imap: imap.uid(self.verb, "5", FOLDER))

    def changed(self):
        return ("old5",) if self.verb == "MOVE" else ()

    def check_change(self, s, rows):
        there, faults = self.rows(s, FOLDER)
        faults += ["from nowhere: " + label for label in there
                   if label != "old5"]
        if "old5" not in there and (self.is_done or "old5" not in rows):
            faults.append("lost: old5")
        if self.is_done and self.verb == "MOVE" and "old5" in rows:
            faults.append("moved, and still there")
        return faults


class Pop3(Mailbox):
    """DELE 1, DELE 2, QUIT."""
    def change(self, s):
        return s.c.pop3_delete("reader", (1, 2))

    def changed(self):
        return ("old1", "old2")

    def check_change(self, s, rows):
        left = [label for label in self.changed() if label in rows]
        if self.is_done and left:
            return ["still there: %s" % left]
        # One that could not be removed is told, and the others go.
        return ["out of order: %s" % left] * (
            left == ["old1"] and not s.has_said("gave"))


class Pop3Mbox(Pop3):
    """The same in an mbox, whose rest is moved in place: a kill before the
    cut (V2 in pop3d/README.md) leaves a part twice."""

    def change(self, s):
        return s.c.pop3_delete("popbox", (1,))

    def changed(self):
        return ()

    def check_change(self, s, _):
        labels = [crash.label_of(text)
                  for text in s.c.mbox_messages(s.c.popbox)]
        good = labels == ["pop1", "pop2"]
        if not self.is_done:
            good = good or labels == ["pop0", "pop1", "pop2"] or \
                labels[:2] == ["pop1", "pop2"] and len(labels) == 3
        return [] if good else ["popbox has %s" % labels]


def mailbox_scenarios():
    return (
        Pop3("pop3-quit"),
        Pop3Mbox("pop3-quit-mbox"),
        Append("append"),
        Store("store"),
        Expunge("expunge"),
        Transfer("move"),
        Transfer("copy", verb="COPY"),
    )

# SPDX-License-Identifier: ISC
"""What the host does while it is disturbed, and what has to be true then:
mail on its way. Mailboxes are in mailboxes.py.

act() is the traced run, up to where the host rests or is gone; again() is
what clients do when it is back; check() names what is wrong.
"""

import collections
import os
import smtplib

import stage  # noqa: F401  (it finds crash)
import crash
from crash import P, W1, W2, W3
import server

TABLE_LINES = 100  # long ones: so that the table gets an index


class Scenario:
    """A message, its recipients, and where copies must arrive."""

    label = "one"
    recipients = ("maildir",)
    places = None
    # What an operator or the other side does once it was accepted.
    is_put_off = False
    has_host = True  # the traced run has a merpatid

    def __init__(self, name, recipients=(), **options):
        self.name = name
        self.recipients = recipients or self.recipients
        for key, value in options.items():
            setattr(self, key, value)

    def prepare(self, s):
        pass

    def commands(self, _):
        return (None,)

    def act(self, s):
        if self.send(s):
            self.go_on(s)
            s.wait(lambda: self.is_at_rest(s))

    def go_on(self, s):
        """What was put off once is taken then."""
        if self.is_put_off:
            s.wait(lambda: "450 4.2.0 busy" in s.host.read_log())
            s.far.knobs["refuse"].pop("^later", None)

    def send(self, s):
        return s.c.send(self.label, *self.recipients, places=self.places)

    def is_at_rest(self, s):
        return s.is_quiet()

    def again(self, s):
        """Whoever got no yes tries until there is one."""
        s.far.knobs["refuse"].pop("^later", None)
        if not s.c.history.acknowledged and not self.send(s):
            return ["refused"]
        return []

    def found(self, s):
        return s.c.found()

    def check(self, s, stops):
        windows = (W1, W2, W3, P) if stops else ()
        return crash.judge(s.c.history, self.found(s), windows, stops)


class DoubleBounce(Scenario):
    """The sender does not exist either: postmaster hears of it."""

    def send(self, s):
        try:
            with smtplib.SMTP(s.host.address, s.host.ports["smtp"],
                              timeout=20) as smtp:
                smtp.sendmail("no@far.example", ["no2@far.example"],
                              crash.text_of(self.label))
            done = True
        except (smtplib.SMTPException, OSError):
            done = False
        s.c.history.note(self.label, ("dsn",), done)
        return done

    def found(self, s):
        found = collections.Counter()
        for path in s.host.messages("postmaster@" + s.c.name):
            with open(path, errors="replace") as file:
                if "no2@far.example" in file.read():
                    found[self.label, "dsn"] += 1
        return found


class Drop(Scenario):
    """A program of this host submits."""

    def prepare(self, s):
        s.host.write("message", crash.text_of(self.label))

    def commands(self, s):
        return (None, self.program(s))

    def program(self, s):
        return ("/bin/sh", "-c", 'exec "$@" <%s/message' % s.directory, "sh",
                os.path.join(server.SBIN, "sendmail"), "-f",
                s.c.address("sender"), *(s.c.address(to)
                                         for to in self.recipients))

    def send(self, s):
        if s.is_gone():
            code = s.host.run(*self.program(s), check=False).returncode
        elif s.has_said("exit 1"):
            # The second try of a live host: nobody traces it.
            code = s.host.run(*self.program(s), check=False).returncode
        else:
            code = s.run_command(1)
        s.c.history.from_drop.add(self.label)
        s.c.history.note(self.label, self.places or self.recipients,
                         code == 0)
        return code == 0


class Queued(Scenario):
    """Begins with a message that was put off."""

    label = "queued"
    recipients = ("later@far.example",)
    queued = None

    def prepare(self, s):
        if not hasattr(s, "queued"):
            s.queued = self.make(s)
        name, content = s.queued
        path = os.path.join(s.host.spool, "queue", name)
        with open(path, "wb") as file:
            file.write(content)
        os.chmod(path, 0o600)
        s.c.give(path, "_mpqueue")
        s.c.history.note(self.label, self.recipients, True)

    def make(self, s):
        s.host.start()
        s.c.send(self.label, *self.recipients, note=False)
        s.host.wait_log("450 4.2.0 busy")
        s.host.stop()
        path, = s.spool_files("queue")
        with open(path, "rb") as file:
            content = file.read()
        s.reset()
        return os.path.relpath(path, s.host.spool + "/queue"), content

    def again(self, s):
        s.far.knobs["refuse"].pop("^later", None)
        return []


class Delete(Queued):
    """mailq delete, with a qmgr that it asks, or without one."""

    def commands(self, s):
        delete = (os.path.join(server.SBIN, "mailq"), "-c", s.host.conf,
                  "delete", os.path.basename(s.queued[0]), "--yes")
        return (None, delete) if self.has_host else (delete,)

    def act(self, s):
        self.is_deleted = s.run_command(1 if self.has_host else 0) == 0
        if self.is_deleted:
            s.wait(lambda: self.is_at_rest(s))

    def check(self, s, stops):
        """Told "deleted": gone, when a qmgr did not ignore its FIFO."""
        copies = self.found(s)[self.label, self.recipients[0]]
        if self.is_deleted and not self.has_host and copies:
            return ["deleted, and delivered"]
        return ["%d copies" % copies] if copies > 1 + stops else []


class Table(Scenario):
    """newaliases, killed: the old index or the new one, and both right."""

    def prepare(self, s):
        lines = ["also@%s: maildir@%s\n" % (s.c.name, s.c.name)]
        lines += ["a%d@%s: maildir@%s\n" %
                  (i, s.c.name, (s.c.name + ", maildir@") * 12 + s.c.name)
                  for i in range(TABLE_LINES)]
        s.host.write("valiases", "".join(lines))
        s.host.run(os.path.join(server.SBIN, "newaliases"))
        with open(s.directory + "/valiases", "a") as table:
            table.write("fresh@%s: maildir@%s\n" % (s.c.name, s.c.name))

    def commands(self, _):
        return ((os.path.join(server.SBIN, "newaliases"),),)

    def act(self, s):
        s.run_command(0)

    def again(self, s):
        faults = []
        for local in ("also", "a7", "a%d" % (TABLE_LINES - 1), "fresh"):
            if (local, "maildir") not in s.c.history.acknowledged and \
                    not s.c.send(local, local, places=("maildir",)):
                faults.append("unknown: " + local)
        return faults


def mail_scenarios():
    mixed = ("ok@far.example", "no@far.example", "later@far.example")
    return (
        Scenario("maildir"),
        Scenario("three", ("maildir", "mbox", "ok@far.example")),
        Scenario("mbox", ("mbox",)),
        Scenario("large", label="large"),
        Scenario("retry", ("later@far.example",), is_put_off=True),
        Scenario("mixed", mixed, is_put_off=True,
                 places=(mixed[0], mixed[2], "dsn")),
        Scenario("bounce", ("no@far.example",), places=("dsn",)),
        DoubleBounce("double-bounce"),
        Drop("drop"),
        Drop("drop-refused", ("maildir", "nobody@nowhere.example"),
             places=("maildir", "dsn")),
        Delete("delete"),
        Delete("delete-alone", has_host=False),
        Table("table", has_host=False),
    )

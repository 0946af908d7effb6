# SPDX-License-Identifier: ISC
"""A Merpati whose spool and mailboxes are on a recorded disk, the mail that
goes through it, and what the real programs make of a disk after a cut."""

import collections
import contextlib
import imaplib
import os
import smtplib
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))

import disk  # noqa: E402
import judge  # noqa: E402
import server  # noqa: E402
import sink  # noqa: E402

NAME = "mail.kelompok1.local"
USERS = ("one", "two", "three", "four", "late", "mbox", "sender")
DEFECT = "merpati-bad-sector"


class Traffic:
    def __init__(self, directory, kind, settings=None, environment=None):
        self.directory, self.kind = directory, kind
        self.disk = os.path.join(directory, "disk")
        self.environment = environment or {}
        self.settings = dict({
            "queue_directory": self.disk + "/spool",
            "virtual_home": self.disk + "/homes",
            "minimal_backoff_time": "1s", "maximal_backoff_time": "2s",
            "internet": "no", "mynetworks": "127.0.0.0/8",
            "queue_minimum_free": "1M"}, **settings or {})
        self.reader = judge.Reader(self.disk, NAME)
        self.host = self.recording = None
        # Another host, on a disk of its own: what it took, it has.
        self.far = sink.Sink(on_message=self.far_took,
                             refuse={"^later": "450 4.2.0 busy"})
        self.is_recorded = True
        self.revived = collections.Counter()
        self.refused = 0
        self.lock = threading.Lock()

    # Recording.

    def record(self, scenario, name="record"):
        """Run scenario(self) on a fresh disk; its log."""
        self.recording = disk.Recording(self.kind, self.directory, self.disk,
                                        name)
        self.far.__enter__()
        try:
            os.chmod(self.disk, 0o755)
            self.make_host()
            self.recording.sync()
            self.recording.note("BEGIN")
            self.host.start(self.environment)
            scenario(self)
            self.recording.note("END")
        finally:
            self.is_recorded = False
            if self.host:
                self.host.stop()
            self.recording.stop()
        return disk.Log(self.recording.log, self.kind)

    def make_host(self):
        host = server.Host(self.directory, hostname=NAME,
                           settings=self.settings)
        host.spool, host.homes = self.disk + "/spool", self.disk + "/homes"
        host.environment["ASAN_OPTIONS"] = "detect_leaks=0"
        for user in USERS:
            host.add_user("%s@%s" % (user, NAME))
        with open(host.directory + "/users") as users:
            lines = users.read().splitlines()
        lines = [line + " mail=%s/%s/mbox/inbox" % (host.homes, NAME)
                 if line.startswith("mbox@") else line for line in lines]
        host.write("users", "\n".join(lines) + "\n")
        host.write("route.map", "far.example [127.0.0.1]:%d\n" %
                   self.far.port)
        self.host = host

    def note(self, word, label, places):
        self.recording.note(" ".join([word, label] + list(places)))

    def far_took(self, message):
        """Before it says so."""
        label = judge.label_of(message["data"])
        if self.is_recorded:
            self.note("FAR", label, message["rcpt_to"])
        else:
            self.revived.update((label, r) for r in message["rcpt_to"])

    def close(self):
        self.far.__exit__()

    def send(self, label, *users):
        """One message by SMTP, noted when it was acknowledged."""
        places = [u if "@" in u else "%s@%s" % (u, NAME) for u in users]
        self.note("TRY", label, places)
        try:
            with smtplib.SMTP(self.host.address, self.host.ports["smtp"],
                              timeout=30) as smtp:
                smtp.sendmail("sender@" + NAME, places,
                              judge.text_of(label))
        except (smtplib.SMTPException, OSError):
            with self.lock:
                self.refused += 1
            return False
        self.note("ACK", label, places)
        return True

    def drop(self, label, *users):
        places = ["%s@%s" % (u, NAME) for u in users]
        self.note("TRY", label, places)
        environment = dict(self.host.environment, **self.environment)
        result = self.host.sendmail("-f", "sender@" + NAME, *places,
                                    input=judge.text_of(label), check=False,
                                    env=environment)
        if result.returncode == 0:
            self.note("ACK", label, places)

    def login(self, user):
        imap = imaplib.IMAP4(self.host.address, self.host.ports["imap"],
                             timeout=30)
        imap.login("%s@%s" % (user, NAME), "secret")
        return imap

    def append(self, label, user):
        place = "%s@%s" % (user, NAME)
        self.note("TRY", label, [place])
        text = judge.text_of(label).replace("\n", "\r\n").encode()
        with contextlib.suppress(imaplib.IMAP4.error, OSError):
            imap = self.login(user)
            if imap.append("INBOX", None, None, text)[0] == "OK":
                self.note("ACK", label, [place])
            imap.logout()

    # After a cut.

    def inspect(self, state):
        """The verdict on a state by what is on the disk."""
        with disk.mounted(state, self.kind, self.disk):
            return judge.judge(state.notes, self.reader.read())

    def revive(self, state):
        """The verdict on what the real programs make of a state."""
        with disk.mounted(state, self.kind, self.disk):
            self.revived.clear()
            self.make_locks_old()
            self.start_again()
            try:
                self.host.mailq("retry", "all", check=False)
                with contextlib.suppress(AssertionError):
                    server.wait_for(self.is_at_rest, "rest", 20)
            finally:
                self.host.stop()
            found = self.reader.read()
            found.copies.update(self.revived)
            return judge.judge(state.notes, found, at_rest=True)

    def make_locks_old(self):
        """A lock that survived, without the name of its holder perhaps, is
        stale after DOTLOCK_STALE seconds; here no time has passed."""
        for root, _, names in os.walk(self.host.homes):
            for name in names:
                if name.endswith(".lock"):
                    os.utime(os.path.join(root, name), (0, 0))

    def start_again(self):
        """On fresh ports: others may have taken the old ones meanwhile."""
        for attempt in range(5):
            fresh = server.free_ports(len(self.host.ports))
            self.host.ports = dict(zip(self.host.ports, fresh))
            self.host.write_conf(self.settings)
            try:
                return self.host.start()
            except AssertionError:
                if attempt == 4:
                    raise

    def is_at_rest(self):
        spool = self.host.spool
        return (not [n for n in os.listdir(spool + "/drop") if n[0] == "d"]
                and not [p for p in self.host.queue_files()
                         if not os.path.basename(p).startswith(".")])


def one_by_one(traffic, rounds=4):
    """Mail of every kind, each after the other: fewest flushes."""
    for i in range(rounds):
        traffic.send("small%d.3" % i, "one")
        traffic.send("middle%d.90" % i, "two")
        traffic.send("both%d.20" % i, "one", "three")
        traffic.send("box%d.40" % i, "mbox")
        traffic.send("mixed%d.15" % i, "two", "ok@far.example",
                     "later@far.example")
        traffic.drop(judge.FROM_DROP + "%d.12" % i, "two")
        traffic.append("kept%d.30" % i, "four")
    traffic.send("large.6000", "late")


def crowd(traffic, rounds=6, clients=3):
    """Some clients at once while somebody syncs all the time."""
    done = threading.Event()

    def sync():
        while not done.wait(0.005):
            traffic.recording.sync()

    def read():
        """A mail reader that waits for mail: it moves new/ to cur/."""
        with contextlib.suppress(imaplib.IMAP4.error, OSError):
            imap = traffic.login("three")
            imap.select("INBOX")
            while not done.wait(0.01):
                imap.noop()
            imap.logout()

    def client(number):
        for i in range(rounds):
            label = "crowd%d-%d" % (number, i)
            traffic.send(label + ".25", ("one", "two", "three")[number % 3])
            traffic.send(label + "m.400", "mbox", "three")

    threads = [threading.Thread(target=client, args=(n,))
               for n in range(clients)]
    others = [threading.Thread(target=sync), threading.Thread(target=read)]
    for thread in threads + others:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    for thread in others:
        thread.join()


def defective(traffic):
    """A sector that cannot be written, under the body of a message."""
    traffic.send("before.30", "one")
    with contextlib.suppress(AssertionError):
        server.wait_for(traffic.is_at_rest, "rest", 10)
    traffic.send(DEFECT + ".90", "two")
    traffic.send("after.30", "one")
    traffic.recording.sync()


def usual(traffic):
    one_by_one(traffic)
    crowd(traffic)
    traffic.far.knobs["refuse"] = {}
    with contextlib.suppress(AssertionError):
        server.wait_for(traffic.is_at_rest, "rest", 10)
    defective(traffic)

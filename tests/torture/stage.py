# SPDX-License-Identifier: ISC
"""One host of a worker, set back to its beginning for each point.

A point says where a run is disturbed: "SCENARIO/MODE/NAME:N". MODE is what
happens at the N-th counted call of the programs called NAME: all-before,
all-after, one-before, one-after (kills, of the host or of the process), or
an error of trace ("EIO", "short"). At at-rest the host is killed when it has
nothing left to do: then no window is open.
"""

import collections
import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))

import crash  # noqa: E402
import server  # noqa: E402

KILLS = ("all-before", "all-after", "one-before", "one-after")
AT_REST = "at-rest"
DEADLINE = 20
LIVE_DEADLINE = 25
FIRST_PORT = 10000
LAST_CALLS = 25
EMPTY_WALKS = 3
LOST_SECONDS = 2
LEFTOVER_SECONDS = 200000
SETTINGS = {"minimal_backoff_time": "1s", "maximal_backoff_time": "2s",
            "internet": "no", "mynetworks": "127.0.0.0/8"}

Point = collections.namedtuple("Point", "scenario mode place")
Call = collections.namedtuple("Call", "place name kinds arguments")


def parse_point(text):
    return Point(*text.split("/"))


def parse_log(path):
    calls = []
    with open(path, errors="replace") as log:
        for line in log:
            words = line.split(" ", 3)
            if len(words) >= 3 and ":" in words[0]:
                calls.append(Call(words[0], words[1], words[2].strip(),
                                  words[3].strip() if words[3:] else ""))
    return calls


import memory  # noqa: E402  (it needs Point)


class Stage:
    def __init__(self, trace, folder, library=None):
        """library: memory.so, when memory is refused or counted."""
        self.tracer = trace
        self.directory = tempfile.mkdtemp(prefix="torture-", dir=folder)
        os.chmod(self.directory, 0o755)
        self.far = crash.make_sink().__enter__()
        self.host = self.make_host()
        self.c = crash.CrashHost(self.host, self.far)
        self.make_users()
        self.log = os.path.join(self.directory, "calls")
        self.said = os.path.join(self.directory, "said")
        self.tables = {name: self.read(name) for name in
                       ("users", "valiases", "aliases", "route.map")}
        self.trace = None
        self.plant = None
        self.memory = library and memory.Memory(library, self.directory)

    def make_host(self):
        """On an address of its own: a free port of 127.0.0.1 may be taken by
        a client at any moment."""
        host = server.Host(self.directory, settings=SETTINGS)
        pid = os.getpid()
        host.address = "127.%d.%d.%d" % (64 + (pid >> 16) % 64,
                                         pid >> 8 & 255, pid & 255)
        host.ports = {name: FIRST_PORT + number
                      for name, number in server.STANDARD.items()
                      if name in host.ports}
        host.write_conf(dict(SETTINGS, listen=" ".join(
            "%s:%s:%d" % (name, host.address, port)
            for name, port in host.ports.items())))
        return host

    def make_users(self):
        """A hash that costs nothing to check; two more to be told things."""
        path = os.path.join(self.directory, "users")
        with open(path) as users:
            lines = [re.sub(r"^(\S+) \S+", r"\1 {PLAIN}secret", line)
                     for line in users.read().splitlines()]
        lines.append("postmaster@%s {PLAIN}secret" % self.host.hostname)
        self.host.write("users", "\n".join(lines) + "\n")

    def read(self, name):
        with open(os.path.join(self.directory, name)) as file:
            return file.read()

    def close(self):
        self.end_trace()
        self.host.stop()
        self.far.__exit__()
        shutil.rmtree(self.directory, ignore_errors=True)

    # Back to the beginning.

    def reset(self):
        self.c.history = crash.History()
        self.far.knobs["refuse"] = {"^no": "550 5.1.1 no such user",
                                    "^later": "450 4.2.0 busy"}
        with self.far.lock:
            self.far.messages.clear()
        for path in self.spool_files():
            os.unlink(path)
        shutil.rmtree(self.host.homes, ignore_errors=True)
        for name in ("log", "stderr", "pid", "said", "valiases.db"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(self.directory, name))
        for name, text in self.tables.items():
            self.host.write(name, text)
        self.c.fill_mailboxes()

    def spool_files(self, *parts):
        found = []
        for part in parts or ("queue", "drop", "why", "bad"):
            for root, _, names in os.walk(os.path.join(self.host.spool,
                                                       part)):
                found += [os.path.join(root, name) for name in names]
        return found

    # The traced run.

    def start(self, point, kinds, *commands):
        """merpatid (or None) and what is started later, all traced."""
        options = ["-s", kinds, "-o", self.log,
                   "-q", os.path.join(self.host.spool, "queue")]
        if point is not None and point.mode in KILLS:
            options += ["-k", point.place]
            options += ["-a"] * point.mode.startswith("all")
            options += ["-w"] * point.mode.endswith("after")
        elif point is not None and point.mode not in (AT_REST, memory.MODE):
            options += ["-k", point.place, "-e", point.mode]
        if self.plant:
            options += ["-p", self.plant]
        reading, writing = os.pipe()
        argv = [self.tracer] + options
        environment = dict(self.host.environment)
        if self.memory:
            environment.update(self.memory.environment(point))
        for command in commands:
            if command is None:
                command = (os.path.join(server.SBIN, "merpatid"), "-f", "-c",
                           self.host.conf, "-p",
                           os.path.join(self.directory, "pid"), "-r",
                           str(writing))
            argv += ["--", *command]
        with open(os.path.join(self.directory, "stderr"), "ab") as errors, \
                open(self.said, "wb") as said:
            self.trace = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=said, stderr=errors,
                env=environment, pass_fds=(writing,),
                start_new_session=True)
        os.close(writing)
        if commands[0] is None:
            # The tracer holds the other end, too: it does not end.
            select.select([reading], [], [], DEADLINE)
        os.close(reading)

    def is_gone(self):
        return self.trace is None or self.trace.poll() is not None

    def has_said(self, word):
        with open(self.said) as said:
            return [line.split() for line in said if line.startswith(word)]

    def wait(self, condition, seconds=DEADLINE):
        """True: it came true; False: all processes are gone, or time is
        up."""
        end = time.monotonic() + seconds
        while not condition():
            if self.is_gone() or time.monotonic() > end:
                return bool(condition())
            time.sleep(0.004)
        return True

    def run_command(self, number):
        """The exit code of the command of this number, -1 when killed."""
        if number > 0:
            self.trace.send_signal(signal.SIGUSR1)
        mark = "exit %d " % number
        self.wait(lambda: self.has_said(mark))
        said = self.has_said(mark)
        return int(said[0][2]) if said else -1

    def end_trace(self):
        if self.trace is not None and self.trace.poll() is None:
            self.trace.terminate()
            try:
                self.trace.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                self.trace.kill()
                self.trace.wait()
        self.trace = None

    # After it.

    def is_quiet(self):
        """What a killed writer left is removed when it is old."""
        return not [path for path in self.spool_files("queue", "drop")
                    if os.path.basename(path)[0] != "."]

    def make_leftovers_old(self):
        long_ago = time.time() - LEFTOVER_SECONDS
        for path in self.spool_files("queue", "drop"):
            if os.path.basename(path)[0] == ".":
                os.utime(path, (long_ago, long_ago))

    def poke(self):
        """Like "mailq retry all"."""
        with contextlib.suppress(OSError):
            fd = os.open(os.path.join(self.host.spool, "control"),
                         os.O_WRONLY | os.O_NONBLOCK)
            os.write(fd, b"retry all\n")
            os.close(fd)

    def settle(self):
        """The restarted host, until nothing is left to do. A walk can miss
        what moves on meanwhile: a few in a row do not."""
        end = time.monotonic() + DEADLINE
        empty = 0
        self.far.knobs["refuse"].pop("^later", None)
        while empty < EMPTY_WALKS:
            empty = 0 if self.spool_files("queue", "drop") else empty + 1
            if time.monotonic() > end:
                return False
            if not empty:
                self.poke()
            time.sleep(0.02 if not empty else 0.005)
        return True

    def wait_here(self, condition):
        """The same for what may still be on its way into a mailbox."""
        end = time.monotonic() + LOST_SECONDS
        while not condition() and time.monotonic() < end:
            time.sleep(0.05)

    def last_calls(self):
        """Up to the disturbance, or to the end of the run."""
        with open(self.log, errors="replace") as log:
            lines = log.read().splitlines()
        for mark in ("killed", "gave"):
            if mark in lines:
                lines = lines[:lines.index(mark) + 1]
        return lines[-LAST_CALLS:]

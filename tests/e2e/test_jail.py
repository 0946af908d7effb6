# SPDX-License-Identifier: ISC
"""Every live process is in the jail that the design gives it.

There is one table of jails: common/jail_table.c. common/README.md prints it,
a unit test compares the two, and this one compares live processes with it.
"""

import collections
import contextlib
import ctypes
import fcntl
import functools
import imaplib
import os
import poplib
import pwd
import re
import resource
import shutil
import smtplib
import ssl
import socket
import subprocess
import time

import pytest

import server
from server import Wire, tree
from sink import Sink

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
# Roles that stay root, and why: they fork what needs another uid.
ROOT = {"merpatid", "smtpd", "pop3d", "imapd", "deliver-spawn"}
# Descriptors of each role, by kind: (at least, at most). The log and
# /dev/null are not counted.
DESCRIPTORS = {
    "smtpd-session": {"socket": (4, 5)},
    "smtpd-session, waiting": {"socket": (2, 2)},
    "pop3d-login": {"socket": (4, 4), "pipe": (1, 1)},
    "imapd-login": {"socket": (4, 4), "pipe": (1, 1)},
    "pop3d-login, waiting": {"socket": (1, 1)},
    "imapd-login, waiting": {"socket": (1, 1)},
    "tls": {"socket": (2, 2), "pipe": (0, 1)},
    "tls-client": {"socket": (2, 3), "pipe": (0, 1)},
    "auth": {"socket": (1, 1), "pipe": (2, 2), "table": (2, 3),
             "/etc/passwd": (1, 1), "/etc/shadow": (1, 1)},
    "enqueue": {"socket": (1, 3), "spool": (1, 2)},
    "verify": {"socket": (1, 3), "state": (0, 4)},
    "pickup": {"socket": (0, 2), "pipe": (1, 1), "anon_inode": (0, 1)},
    "qmgr": {"socket": (2, 99), "pipe": (3, 3), "spool": (4, 99)},
    "relay-spawn": {"socket": (1, 1)},
    "relay": {"socket": (2, 4), "spool": (0, 1)},
    "deliver": {"socket": (1, 1), "spool": (0, 1), "mail": (0, 2)},
    "deliver-command": {"socket": (1, 1), "spool": (0, 1), "pipe": (0, 1),
                        "/memfd": (0, 1)},
    "pop3d-mailbox": {"socket": (2, 2), "mail": (1, 2)},
    "imapd-mailbox": {"socket": (2, 2), "mail": (1, 2)},
    "mailq": {"pipe": (1, 1), "spool": (1, 4)},
}


def read_table():
    """Rows of common/README.md by name."""
    with open(os.path.join(TOP, "common", "README.md")) as file:
        rows = [[cell.strip() for cell in line.strip().strip("|").split("|")]
                for line in file if line.startswith("|")]
    head = next(i for i, row in enumerate(rows) if row[0] == "jail")
    table = {}
    for row in rows[head + 2:]:
        if len(row) != len(rows[head]):
            break
        table[row[0]] = dict(zip(rows[head], row))
    return table


JAILS = read_table()


@functools.lru_cache(maxsize=None)
def is_sanitized():
    out = server.run("ldd", os.path.join(server.LIBEXEC, "qmgr")).stdout
    return "libasan" in out


class Process:
    """What /proc says of a process at one moment."""

    def __init__(self, pid):
        self.pid, path = pid, "/proc/%d/" % pid
        with open(path + "status") as status:
            self.status = dict(line.rstrip("\n").split(":\t", 1)
                               for line in status if ":\t" in line)
        self.name = self.status["Name"]
        self.parent = int(self.status["PPid"])
        with open(path + "limits") as limits:
            self.limits = {line[:26].strip(): line[26:].split()[:2]
                           for line in limits}
        with open("/proc/%d/comm" % self.parent) as comm:
            self.parent_name = comm.read().strip()
        # Jailed processes are not dumpable: these are root's to read.
        self.root, self.descriptors = None, {}
        if not server.IS_ROOT:
            return
        self.root = os.readlink(path + "root")
        for fd in os.listdir(path + "fd"):
            with contextlib.suppress(FileNotFoundError):
                self.descriptors[int(fd)] = os.readlink(path + "fd/" + fd)

    def ids(self, name):
        return set(map(int, self.status[name].split()))


def kind_of(host, target):
    if target in (host.log, os.path.join(host.directory, "stderr")):
        return "log"
    if target.startswith(host.spool):
        return "spool"
    if target.startswith(host.homes):
        return "mail"
    if target.startswith(host.directory):
        return "table"
    if target == "/dev/null":
        return "null"
    return target.split(":")[0]


def limit_faults(host, process, row):
    """Resource limits that are not the row's."""
    cells = {"Max cpu time": (row["cpu"], resource.RLIMIT_CPU, 1),
             "Max file size": (row["file size"], resource.RLIMIT_FSIZE, 1),
             "Max processes": (row["processes"], resource.RLIMIT_NPROC, 1),
             "Max open files": (row["descriptors"], resource.RLIMIT_NOFILE,
                                1),
             "Max core file size": ("0", resource.RLIMIT_CORE, 1)}
    if not is_sanitized():
        cells["Max address space"] = (row["memory"], resource.RLIMIT_AS,
                                      1 << 20)
    for name, (cell, number, unit) in cells.items():
        hard = resource.getrlimit(number)[1]
        want = resource.RLIM_INFINITY if cell == "-" else int(cell) * unit
        # The host logs into a file, so files may grow.
        if name == "Max file size":
            want = resource.RLIM_INFINITY
        if want == resource.RLIM_INFINITY or -1 < hard < want:
            want = hard
        got = [resource.RLIM_INFINITY if text == "unlimited" else int(text)
               for text in process.limits[name]]
        if got[1] != want or (got[0] != want and cell != "-"):
            yield "%s is %r, not %d" % (name, process.limits[name], want)


def identity_faults(host, process, row):
    uids, gids = process.ids("Uid"), process.ids("Gid")
    groups = process.ids("Groups")
    if not server.IS_ROOT:
        if uids != {os.getuid()} or gids != {os.getgid()}:
            yield "ids %r %r" % (uids, gids)
        return
    name = row["account"]
    entry = pwd.getpwnam("_mpmail" if name == "the user" else name)
    if uids != {entry.pw_uid} or gids != {entry.pw_gid}:
        yield "ids %r %r" % (uids, gids)
    if groups - {entry.pw_gid}:
        yield "groups %r" % groups
    empty = os.path.join(host.state, "empty")
    if process.root != (empty if row["chroot"] == "yes" else "/"):
        yield "root directory " + process.root


def descriptor_faults(host, process):
    counts = collections.Counter(
        kind_of(host, target) for target in process.descriptors.values())
    # A session that waits has no connection yet.
    waiting = process.name + ", waiting"
    is_waiting = waiting in DESCRIPTORS and 0 not in process.descriptors
    allowed = DESCRIPTORS[waiting if is_waiting else process.name]
    for kind in (set(counts) | set(allowed)) - {"log", "null"}:
        low, high = allowed.get(kind, (0, 0))
        if not low <= counts[kind] <= high:
            yield "%d descriptors of kind %s: %r" % (
                counts[kind], kind, process.descriptors)


def jail_faults(host, process, name):
    """All in which a process is not what its row says."""
    row = JAILS[name]
    status = process.status
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        if status[name] != "0" * 16:
            yield "%s %s" % (name, status[name])
    if status["NoNewPrivs"] != "1":
        yield "no_new_privs is not set"
    has_filter = row["calls"] != "any" and not is_sanitized()
    if status["Seccomp"] != ("2" if has_filter else "0"):
        yield "seccomp mode " + status["Seccomp"]
    yield from identity_faults(host, process, row)
    yield from limit_faults(host, process, row)
    if server.IS_ROOT and process.name in DESCRIPTORS:
        yield from descriptor_faults(host, process)


def faults(host, process):
    if process.name in JAILS:
        return list(jail_faults(host, process, process.name))
    # What an alias runs has the jail of its agent.
    if process.parent_name == "deliver-command":
        return list(jail_faults(host, process, "deliver-command"))
    if process.name not in ROOT:
        return ["no role"]
    if process.ids("Uid") != {os.getuid()}:
        return ["not root, and in no jail"]
    return []


def settle(host, pid):
    """A process as it is once it has had time to enter its jail; None when
    it ended before."""
    process, tries = None, 0
    while process is None or (faults(host, process) and tries < 20):
        if tries > 0:
            time.sleep(0.05)
        try:
            process = Process(pid)
        except OSError:
            return process if tries > 1 else None
        tries += 1
    return process

# Seconds of work for auth, so that it can be looked at.
SLOW_HASH = "$6$rounds=4000000$merpati$" + "." * 86


@contextlib.contextmanager
def full_pipe():
    """The writing end of a pipe that takes no byte more."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETFL, os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"x" * 4096)
    fcntl.fcntl(writing, fcntl.F_SETFL, 0)
    try:
        yield writing
    finally:
        os.close(reading)
        os.close(writing)


@contextlib.contextmanager
def running_command(host):
    """A program of an alias that waits as long as this lasts."""
    fifo = os.path.join(host.directory, "fifo")
    script = os.path.join(host.directory, "hold")
    os.mkfifo(fifo)
    os.chmod(fifo, 0o644)
    host.write("hold", "#!/bin/sh\nread line <%s\nexit 0\n" % fifo)
    os.chmod(script, 0o755)
    host.write("aliases", "command: \"|%s\"\n" % script)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))


def tls_context():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def open_sessions(host, stack):
    """A connection in every state of every protocol."""
    def wire(sock):
        one = Wire(sock)
        stack.callback(one.close)
        one.line()
        return one

    plain = wire(host.connect("smtp"))
    assert plain.say("EHLO x")[:3] == "250"
    assert plain.say("MAIL FROM:<a@b.example>")[:3] == "250"
    wire(tls_context().wrap_socket(host.connect("submissions")))
    wire(host.connect("pop3"))
    wire(host.connect("imap"))
    imap = imaplib.IMAP4(host.address, host.ports["imap"])
    imap.login("mahen", "secret")
    imap.select()
    imaps = imaplib.IMAP4_SSL(host.address, host.ports["imaps"],
                              ssl_context=tls_context())
    imaps.login("mahen", "secret")
    pop = poplib.POP3(host.address, host.ports["pop3"])
    pop.user("mahen")
    pop.pass_("secret")
    for client in (imap, imaps):
        stack.callback(client.shutdown)
    stack.callback(pop.close)


def log_in_slowly(host, stack):
    wire = Wire(host.connect("pop3"))
    stack.callback(wire.close)
    wire.line()
    wire.send("USER slow\r\nPASS x\r\n")


def ask_mailq(host, stack):
    process = subprocess.Popen(
        [os.path.join(server.SBIN, "mailq"), "-c", host.conf],
        stdin=subprocess.DEVNULL, stdout=stack.enter_context(full_pipe()),
        stderr=subprocess.DEVNULL, env=host.environment)
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process.pid


def send(host, *names):
    sender = "mahen@" + host.hostname
    with smtplib.SMTP(host.address, host.ports["smtp"]) as client:
        client.sendmail(sender, [name if "@" in name
                                 else name + "@" + host.hostname
                                 for name in names], "Subject: x\r\n\r\n")


@pytest.fixture
def session_host(host):
    """A host with a connection in every state."""
    with contextlib.ExitStack() as stack:
        open_sessions(host, stack)
        yield host


@pytest.fixture
def busy_host(make_host):
    """A host with every kind of process, for a second at least."""
    with contextlib.ExitStack() as stack:
        sink = stack.enter_context(Sink(starttls=True, slow=1))
        host = make_host(settings={
            "relayhost": "[127.0.0.1]:%d" % sink.port, "reverse_dns": "yes",
            "proxy_networks": "127.0.0.3"})
        host.add_user("mahen@" + host.hostname)
        with open(os.path.join(host.directory, "users"), "a") as users:
            users.write("slow@%s %s\n" % (host.hostname, SLOW_HASH))
        stack.enter_context(running_command(host))
        host.start()
        open_sessions(host, stack)
        send(host, "command", "mahen", "a@far.example")
        yield host, stack


def look(host, also=()):
    """The processes of a host, those that had time to settle."""
    found = (settle(host, pid)
             for pid in tree(host.process.pid) + list(also))
    return {process.pid: process for process in found if process}


def test_live_processes_are_what_the_table_says(busy_host):
    host, stack = busy_host
    found = {}
    mailq = ask_mailq(host, stack)

    def missing():
        found.update(look(host, [mailq]))
        names = set(JAILS) - {process.name for process in found.values()}
        # Only there where a setting asks for them: test_jail_programs.py.
        names -= {"auth-command", "filter", "relay-outside"}
        # These do not stay for long.
        if "deliver" in names:
            send(host, "mahen")
        if names & {"relay", "tls-client"}:
            send(host, "a@far.example")
        if "auth" in names:
            log_in_slowly(host, stack)
        if "proxy" in names:
            stack.enter_context(socket.create_connection(
                (host.address, host.ports["smtp"]), 10, ("127.0.0.3", 0)))
        return names

    with contextlib.suppress(AssertionError):
        server.wait_for(lambda: not missing(), "every jail", 60)
    assert not missing()
    wrong = {"%s[%d]" % (process.name, pid): faults(host, process)
             for pid, process in found.items()}
    assert not {name: what for name, what in wrong.items() if what}


def test_a_command_has_its_three_descriptors_alone(make_host):
    if not server.IS_ROOT:
        pytest.skip("reads other processes' descriptors")
    host = make_host()
    host.add_user("mahen@" + host.hostname)

    def command():
        return [process for process in look(host).values()
                if process.parent_name == "deliver-command"]

    with running_command(host):
        host.start()
        send(host, "command")
        process, = server.wait_for(command, "the command")
    # The shell has its script open, above those that it hands on.
    script = os.path.join(host.directory, "hold")
    assert {fd for fd, target in process.descriptors.items()
            if target != script} == {0, 1, 2}
    assert process.ids("Uid") == {pwd.getpwnam("_mpmail").pw_uid}


def has_landlock():
    """Its version, as landlock_create_ruleset(2) tells; 0 without."""
    libc = ctypes.CDLL(None, use_errno=True)
    return max(0, libc.syscall(444, None, 0, 1))


def test_deliver_cannot_leave_the_home_by_a_link(make_host, folder):
    if has_landlock() < 2:
        pytest.skip("no Landlock in this kernel")
    host = make_host()
    name = "mahen@" + host.hostname
    host.add_user(name)
    host.start()
    send(host, "mahen")
    message, = host.wait_messages(name, 1)
    host.wait_queue_empty()
    maildir, outside = host.maildir(name), os.path.join(folder, "outside")
    os.mkdir(outside)
    if server.IS_ROOT:
        shutil.chown(outside, "_mpmail")
    os.rename(os.path.join(maildir, "tmp"), os.path.join(maildir, "old"))
    os.symlink(outside, os.path.join(maildir, "tmp"))
    send(host, "mahen")
    host.wait_log("status=deferred")
    assert os.listdir(outside) == []
    assert len(host.messages(name)) == 1


def test_mailbox_file_and_command_of_one_message(make_host):
    """Three agents in three jails; each recipient gets its copy."""
    host = make_host()
    name = "mahen@" + host.hostname
    host.add_user(name)
    files = os.path.join(host.directory, "files")
    os.mkdir(files)
    if server.IS_ROOT:
        shutil.chown(files, "_mpmail")
    host.write("aliases", "all: mahen, %s/mbox, %s/new/box/, "
               "\"|tee %s/copy\"\n" % (files, files, files))
    host.start()
    send(host, "all")
    host.wait_messages(name, 1)
    host.wait_queue_empty()
    with open(os.path.join(files, "mbox")) as file:
        assert file.read().startswith("From mahen@")
    assert len(os.listdir(os.path.join(files, "new", "box", "new"))) == 1
    with open(os.path.join(files, "copy")) as file:
        assert "Subject: x" in file.read()
    assert host.read_log().count("status=sent") == 4


def test_the_empty_directory_is_empty_and_roots(host):
    empty = os.path.join(host.state, "empty")
    assert os.listdir(empty) == []
    if server.IS_ROOT:
        stat = os.stat(empty)
        assert (stat.st_uid, stat.st_mode & 0o777) == (0, 0o755)


def test_no_setuid_or_setgid_program_is_installed():
    found = server.run("find", server.PREFIX, "-perm", "/6000", "-type",
                       "f").stdout
    assert found == ""


def test_only_tls_links_openssl_and_parsers_link_libc_alone():
    libexec = server.LIBEXEC
    for name in sorted(os.listdir(libexec)):
        out = server.run("ldd", os.path.join(libexec, name)).stdout
        linked = set(re.findall(r"^\s*(lib[\w+-]+)", out, re.M))
        if "libasan" in linked or "libclang_rt" in linked:
            pytest.skip("sanitizer build")
        assert ("libssl" in linked) == (name == "tls"), name
        if name in ("deliver-spawn", "pop3d-mailbox",
                    "imapd-mailbox"):
            assert linked <= {"libc"}, (name, linked)


def memory_of(pid):
    """What a process can write to, in parts; none when it ended."""
    with contextlib.suppress(OSError):
        with open("/proc/%d/maps" % pid) as maps:
            spans = [line.split()[0] for line in maps if " rw" in line]
        with open("/proc/%d/mem" % pid, "rb") as memory:
            for span in spans:
                low, high = (int(x, 16) for x in span.split("-"))
                with contextlib.suppress(OSError):
                    memory.seek(low)
                    yield memory.read(high - low)


def test_the_key_is_not_in_a_parser(session_host):
    """No session process has the private key in its memory."""
    if not server.IS_ROOT:
        pytest.skip("reads other processes' memory")
    host, key = session_host, None
    for root, _, names in os.walk(os.path.join(host.state, "tls")):
        for name in names:
            if name.endswith(".key"):
                with open(os.path.join(root, name)) as file:
                    key = file.read().splitlines()[1][:40].encode()
    assert key
    for pid, process in look(host).items():
        if process.name not in ("smtpd-session", "pop3d-login",
                                  "imapd-login", "enqueue"):
            continue
        for part in memory_of(pid):
            assert key not in part, process.name

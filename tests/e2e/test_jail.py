# SPDX-License-Identifier: ISC
"""Every live process is in the jail that the design gives it."""

import contextlib
import imaplib
import os
import poplib
import pwd
import re
import socket
import ssl

import pytest

import server
from server import Wire

# Role (the process's name): account as root, empty root directory, seccomp.
# None as account: the user's own uid. The table of design.md section 3 and
# common/README.md.
JAILS = {
    "smtpd-session": ("_mpsmtp", True, True),
    "pop3d-login": ("_mplogin", True, True),
    "imapd-login": ("_mplogin", True, True),
    "tls": ("_mptls", True, True),
    "enqueue": ("_mpqueue", False, True),
    "qmgr": ("_mpqueue", False, True),
    "relay-spawn": ("_mprelay", False, True),
    "deliver": (None, False, False),
    "pop3d-mailbox": (None, False, True),
    "imapd-mailbox": (None, False, True),
}
# Roles that stay root, and why: they fork what needs another uid.
ROOT = {"merpatid", "smtpd", "pop3d", "imapd", "deliver-spawn"}


def read_status(pid):
    with open("/proc/%d/status" % pid) as status:
        return dict(line.rstrip("\n").split(":\t", 1)
                    for line in status if ":\t" in line)


def descriptors(pid):
    found = {}
    for fd in os.listdir("/proc/%d/fd" % pid):
        with contextlib.suppress(FileNotFoundError):
            found[int(fd)] = os.readlink("/proc/%d/fd/%s" % (pid, fd))
    return found


def tree(pid):
    children = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open("/proc/%s/stat" % entry) as stat:
                parent = int(stat.read().rsplit(")", 1)[1].split()[1])
            children.setdefault(parent, []).append(int(entry))
    found, todo = [], [pid]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


@pytest.fixture
def busy_host(host):
    """A host with a connection in every state."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with contextlib.ExitStack() as stack:
        plain = Wire(host.connect("smtp"))
        plain.line()
        assert plain.say("EHLO x")[:3] == "250"
        assert plain.say("MAIL FROM:<a@b.example>")[:3] == "250"
        tls = Wire(context.wrap_socket(host.connect("submissions")))
        tls.line()
        for service in ("pop3", "imap"):
            login = Wire(host.connect(service))
            login.line()
            stack.callback(login.close)
        imap = imaplib.IMAP4(host.address, host.ports["imap"])
        imap.login("mahen", "secret")
        imap.select()
        imaps = imaplib.IMAP4_SSL(host.address, host.ports["imaps"],
                                  ssl_context=context)
        imaps.login("mahen", "secret")
        pop = poplib.POP3(host.address, host.ports["pop3"])
        pop.user("mahen")
        pop.pass_("secret")
        for wire in (plain, tls):
            stack.callback(wire.close)
        yield host


def processes(host):
    found = {}
    for pid in tree(host.process.pid):
        with contextlib.suppress(FileNotFoundError):
            found[pid] = read_status(pid)
    return found


def test_live_processes_match_the_table(busy_host):
    host = busy_host
    found = processes(host)
    names = {status["Name"] for status in found.values()}
    expected = set(JAILS) - {"deliver", "relay"}
    assert expected <= names, "missing: %r" % (expected - names)
    for pid, status in found.items():
        name = status["Name"]
        uids = set(map(int, status["Uid"].split()))
        if name in ROOT:
            assert len(uids) == 1
            continue
        assert name in JAILS, name
        account, has_chroot, has_filter = JAILS[name]
        assert status["NoNewPrivs"] == "1", name
        assert status["CapEff"] == status["CapPrm"] == "0" * 16 \
            or not server.IS_ROOT, name
        assert status["Seccomp"] == ("2" if has_filter else "0"), name
        if not server.IS_ROOT:
            assert uids == {os.getuid()}, name
            continue
        assert 0 not in uids, name
        if account:
            entry = pwd.getpwnam(account)
            assert uids == {entry.pw_uid}, name
            assert status["Groups"].strip() in ("", str(entry.pw_gid)), name
        root = os.readlink("/proc/%d/root" % pid)
        empty = os.path.join(host.state, "empty")
        assert (root == empty) == has_chroot, (name, root)


def test_parsers_hold_nothing_but_pipes_and_their_socket(busy_host):
    host = busy_host
    for pid, status in processes(host).items():
        if status["Name"] not in ("smtpd-session", "pop3d-login",
                                  "imapd-login", "tls"):
            continue
        for fd, target in descriptors(pid).items():
            allowed = (target.startswith(("socket:", "pipe:")) or
                       target == "/dev/null" or target == host.log)
            assert allowed, (status["Name"], fd, target)


def test_the_empty_directory_is_empty_and_roots(busy_host):
    empty = os.path.join(busy_host.state, "empty")
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


def test_the_key_is_not_in_a_parser(busy_host):
    """No session process has the private key in its memory."""
    if not server.IS_ROOT:
        pytest.skip("reads other processes' memory")
    key = None
    for root, _, names in os.walk(os.path.join(busy_host.state, "tls")):
        for name in names:
            if name.endswith(".key"):
                with open(os.path.join(root, name)) as file:
                    key = file.read().splitlines()[1][:40].encode()
    assert key
    for pid, status in processes(busy_host).items():
        if status["Name"] not in ("smtpd-session", "pop3d-login",
                                  "imapd-login", "enqueue"):
            continue
        with open("/proc/%d/maps" % pid) as maps:
            ranges = [line.split()[0] for line in maps
                      if " rw" in line and "[vvar]" not in line]
        with open("/proc/%d/mem" % pid, "rb") as memory:
            for span in ranges:
                low, high = (int(x, 16) for x in span.split("-"))
                memory.seek(low)
                with contextlib.suppress(OSError):
                    assert key not in memory.read(high - low)

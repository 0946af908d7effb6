# SPDX-License-Identifier: ISC
"""The four ways to start a host, as its administrator would.

Each way but merpatid's is made from the files of "mailctl startup KIND
--directory DIR" and runs without MERPATI_CONF, so what was generated has to
name the settings file by itself. qmgr is a process of its own there.
"""

import contextlib
import os
import shutil
import signal
import subprocess

import pytest

import server
from server import wait_for

XINETD = "/usr/sbin/xinetd"
INETD = "/var/cache/merpati-tests/openbsd-inetd/usr/sbin/inetd"
ACTIVATE = "/usr/bin/systemd-socket-activate"
WAYS = ("merpatid", "xinetd", "inetd", "systemd", "xinetd-wait",
        "inetd-wait")


def numbers():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def processes_of(host):
    """Pids of all that names this host in its command line: forks too."""
    found = []
    mark = host.directory.encode() + b"/"
    for pid in numbers():
        with contextlib.suppress(OSError):
            with open("/proc/%d/cmdline" % pid, "rb") as file:
                if mark in file.read():
                    found.append(pid)
    return found


class Started:
    """A host that is running in one of the ways."""

    def __init__(self, way, host):
        self.way = way
        self.host = host
        self.children = []
        self.snippets = os.path.join(host.directory, "startup")

    def spawn(self, *argv):
        environment = {"PATH": os.environ["PATH"], "LANG": "C"}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                environment[name] = os.environ[name]
        with open(os.path.join(self.host.directory, "stderr"), "ab") as out:
            child = subprocess.Popen(
                self.host.command(*argv), env=environment, stdout=out,
                stderr=out, stdin=subprocess.DEVNULL, start_new_session=True)
        self.children.append(child)
        return child

    def write_snippets(self, kind):
        shutil.rmtree(self.snippets, ignore_errors=True)
        os.mkdir(self.snippets)
        options = ["--wait"] if self.way.endswith("-wait") else []
        self.host.mailctl("startup", "--directory", self.snippets, *options,
                          kind)
        return self.snippets

    def start(self):
        getattr(self, "start_" + self.way.replace("-wait", ""))()
        if self.way != "merpatid":
            self.spawn(os.path.join(server.LIBEXEC, "qmgr"), "-c",
                       self.host.conf)
        if not self.host.namespace:
            for service in self.host.ports:
                self.wait_service(service)
        return self

    def wait_service(self, service):
        def is_open():
            with contextlib.suppress(OSError):
                self.host.connect(service).close()
                return True
            return False

        wait_for(is_open, "%s by %s: %s" % (service, self.way,
                                            self.host.read_log()[-2000:]))

    def start_merpatid(self):
        self.host.start()

    def start_xinetd(self):
        folder = self.write_snippets("xinetd")
        conf = os.path.join(self.host.directory, "xinetd.conf")
        with open(conf, "w") as out:
            out.write("defaults\n{\n}\nincludedir %s\n" % folder)
        self.spawn(XINETD, "-dontfork", "-stayalive", "-f", conf, "-pidfile",
                   os.path.join(self.host.directory, "xinetd.pid"))

    def start_inetd(self):
        folder = self.write_snippets("inetd")
        self.spawn(INETD, "-i", os.path.join(folder, "merpati-inetd.conf"))

    def start_systemd(self):
        folder = self.write_snippets("systemd")
        for name in sorted(os.listdir(folder)):
            if not name.endswith(".socket"):
                continue
            stem = os.path.join(folder, name[:-len(".socket")])
            place = setting(stem + ".socket", "ListenStream")
            command = setting(stem + "@.service", "ExecStart")
            assert setting(stem + ".socket", "Accept") == "yes"
            self.spawn(ACTIVATE, "--accept", "--inetd", "-l", place,
                       *command.lstrip("-").split())

    def end_waiting_servers(self):
        def servers():
            for pid in processes_of(self.host):
                with contextlib.suppress(OSError):
                    with open("/proc/%d/cmdline" % pid, "rb") as file:
                        if b"\0-w\0" in file.read():
                            yield pid

        def are_gone():
            """For a connection that still waits xinetd starts another."""
            found = list(servers())
            for pid in found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
            return not found

        wait_for(are_gone, "the servers to end")

    def stop(self):
        self.host.stop()
        for child in self.children:
            if child.poll() is None:
                child.terminate()
        for child in self.children:
            try:
                child.wait(server.DEADLINE)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self.children = []

    def wait_gone(self):
        wait_for(lambda: not processes_of(self.host),
                 "no process of %s to be left" % self.way)

    def kill_rest(self):
        """After a test that failed."""
        for pid in processes_of(self.host):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def setting(path, name):
    with open(path) as file:
        for line in file:
            if line.startswith(name + "="):
                return line.rstrip("\n").split("=", 1)[1]
    raise AssertionError("%s has no %s" % (path, name))


def need(way):
    program = {"xinetd": XINETD, "inetd": INETD, "systemd": ACTIVATE}.get(
        way.replace("-wait", ""))
    if program and not os.access(program, os.X_OK):
        pytest.skip("no %s: tests/install-packages test" % program)


@contextlib.contextmanager
def running(way, host):
    """host, started in a way; nothing of it is left afterwards."""
    need(way)
    started = Started(way, host)
    try:
        started.start()
        yield started
        started.stop()
        started.wait_gone()
    finally:
        started.stop()
        started.kill_rest()

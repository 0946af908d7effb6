# SPDX-License-Identifier: ISC
"""Mail hosts for the tests: each in a folder of its own, on free ports.

MERPATI_PREFIX names the installed tree (tests/e2e/README.md). As root a host
runs with all uids and jails; as an ordinary user without them. A host can
live in a network namespace, where it has the standard ports.
"""

import contextlib
import itertools
import os
import pwd
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time

PREFIX = os.environ.get("MERPATI_PREFIX", "/usr/local")
SBIN = os.path.join(PREFIX, "sbin")
LIBEXEC = os.path.join(PREFIX, "libexec", "merpati")
SERVICES = ("smtp", "submission", "submissions", "pop3", "pop3s", "imap",
            "imaps")
STANDARD = {"smtp": 25, "submission": 587, "submissions": 465, "pop3": 110,
            "pop3s": 995, "imap": 143, "imaps": 993, "lmtp": 24}
IS_ROOT = os.getuid() == 0
DEADLINE = 30


def wait_for(condition, what, seconds=DEADLINE):
    """Wait for a condition, never for a time: returns its true value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("waited %s s for %s" % (seconds, what))
        time.sleep(0.02)


def port_block():
    """Ports of this process alone: below those that the kernel gives to
    clients, and locked by a name against another run on this machine."""
    for number in range(10):
        lock = socket.socket(socket.AF_UNIX)
        try:
            lock.bind("\0merpati-test-ports-%d" % number)
        except OSError:
            lock.close()
            continue
        first = 10000 + 2000 * number
        return lock, itertools.cycle(range(first, first + 2000))
    raise AssertionError("ten runs of the tests at once")


PORTS_LOCK, PORTS = port_block()


def is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_ports(count):
    return list(itertools.islice(filter(is_free, PORTS), count))


def run(*argv, **options):
    options.setdefault("check", True)
    options.setdefault("timeout", 60)
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("stderr", subprocess.STDOUT)
    options.setdefault("text", True)
    result = subprocess.run(argv, **options)
    return result


def read_status(pid):
    with open("/proc/%d/status" % pid) as status:
        return dict(line.rstrip("\n").split(":\t", 1)
                    for line in status if ":\t" in line)


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


class Host:
    """One Merpati host."""

    def __init__(self, directory, hostname="mail.kelompok1.local",
                 domains=None, settings=None, namespace=None,
                 services=SERVICES):
        self.directory = directory
        self.hostname = hostname
        self.domains = domains or [hostname]
        self.namespace = namespace
        self.conf = os.path.join(directory, "mail.conf")
        self.log = os.path.join(directory, "log")
        self.spool = os.path.join(directory, "spool")
        self.homes = os.path.join(directory, "homes")
        self.state = os.path.join(directory, "state")
        self.app_passwords = os.path.join(directory, "app-passwords")
        self.environment = dict(os.environ, MERPATI_CONF=self.conf)
        self.process = None
        if namespace:
            self.address = namespace.address
            self.ports = {name: STANDARD[name] for name in services}
        else:
            self.address = "127.0.0.1"
            self.ports = dict(zip(services, free_ports(len(services))))
        # Jailed processes must reach it: pytest's own folders are 0700.
        os.chmod(directory, 0o755)
        self.write_conf(settings or {})
        self.mailctl("permissions")

    def write_conf(self, settings):
        values = {
            "hostname": self.hostname,
            "domains": " ".join(self.domains),
            "queue_directory": self.spool,
            "state_directory": self.state,
            "empty_directory": os.path.join(self.state, "empty"),
            "program_directory": LIBEXEC,
            "users": os.path.join(self.directory, "users"),
            "app_passwords": self.app_passwords,
            "client_certs": os.path.join(self.directory, "client-certs"),
            "aliases": os.path.join(self.directory, "aliases"),
            "virtual_aliases": os.path.join(self.directory, "valiases"),
            "route_map": os.path.join(self.directory, "route.map"),
            "relay_map": os.path.join(self.directory, "relay.map"),
            "virtual_home": self.homes,
            "log_file": self.log,
            "log_level": "debug",
            "listen": " ".join(
                "%s:%s%d" % (name,
                             "" if self.namespace else "127.0.0.1:", port)
                for name, port in self.ports.items()),
        }
        if not IS_ROOT:
            values["virtual_user"] = pwd.getpwuid(os.getuid()).pw_name
        values.update(settings)
        with open(self.conf, "w") as conf:
            for name, value in values.items():
                conf.write("%s = %s\n" % (name, value))
        os.chmod(self.conf, 0o644)
        for name in ("users", "aliases"):
            path = os.path.join(self.directory, name)
            if not os.path.exists(path):
                open(path, "w").close()

    def command(self, *argv):
        """argv as run on this host."""
        if self.namespace:
            return self.namespace.command(*argv)
        return argv

    def run(self, *argv, **options):
        options.setdefault("env", self.environment)
        return run(*self.command(*argv), **options)

    def mailctl(self, *argv, **options):
        return self.run(os.path.join(SBIN, "mailctl"), "-c", self.conf, *argv,
                        **options)

    def mailq(self, *argv, **options):
        return self.run(os.path.join(SBIN, "mailq"), "-c", self.conf, *argv,
                        **options)

    def sendmail(self, *argv, **options):
        return self.run(os.path.join(SBIN, "sendmail"), *argv, **options)

    def add_user(self, address, password="secret"):
        self.mailctl("user", "add", address, "--password-stdin",
                     input=password + "\n")

    def write(self, name, text):
        with open(os.path.join(self.directory, name), "w") as out:
            out.write(text)

    def start(self, extra_environment=None):
        reading, writing = os.pipe()
        environment = dict(self.environment, **(extra_environment or {}))
        argv = self.command(os.path.join(SBIN, "merpatid"), "-f", "-c",
                            self.conf, "-p",
                            os.path.join(self.directory, "pid"), "-r",
                            str(writing))
        with open(os.path.join(self.directory, "stderr"), "ab") as errors:
            self.process = subprocess.Popen(
                argv, env=environment, pass_fds=(writing,), stderr=errors,
                stdin=subprocess.DEVNULL, start_new_session=True)
        os.close(writing)
        ready, _, _ = select.select([reading], [], [], DEADLINE)
        line = os.read(reading, 100) if ready else b""
        os.close(reading)
        if not line.startswith(b"ready"):
            self.stop()
            raise AssertionError("merpatid did not start: " +
                                 self.read_log())
        return self

    def stop(self):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        # What an owned or killed super-server left in its session.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process = None

    def read_log(self):
        text = ""
        for name in ("stderr", "log"):
            with contextlib.suppress(FileNotFoundError):
                with open(os.path.join(self.directory, name),
                          errors="replace") as file:
                    text += file.read()
        return text

    def wait_log(self, text, seconds=DEADLINE):
        return wait_for(lambda: text in self.read_log(),
                        "%r in the log" % text, seconds)

    def queue_files(self):
        found = []
        for root, _, names in os.walk(os.path.join(self.spool, "queue")):
            found += [os.path.join(root, name) for name in names]
        return found

    def wait_queue_empty(self, seconds=DEADLINE):
        wait_for(lambda: not self.queue_files(), "an empty queue", seconds)

    def wait_queue_without(self, text):
        """No queue file, finished or in the making, has these bytes."""
        def is_there():
            for path in self.queue_files():
                with contextlib.suppress(FileNotFoundError):
                    with open(path, "rb") as file:
                        if text.encode() in file.read():
                            return True
            return False

        wait_for(lambda: not is_there(), "a queue without %r" % text)

    def maildir(self, user):
        local, domain = user.split("@")
        return os.path.join(self.homes, domain, local, "Maildir")

    def messages(self, user):
        """File names of the messages of a virtual user's INBOX."""
        found = []
        for part in ("new", "cur"):
            path = os.path.join(self.maildir(user), part)
            with contextlib.suppress(FileNotFoundError):
                found += [os.path.join(path, name)
                          for name in os.listdir(path)]
        return sorted(found)

    def wait_messages(self, user, count, seconds=DEADLINE):
        wait_for(lambda: len(self.messages(user)) >= count,
                 "%d messages of %s" % (count, user), seconds)
        return self.messages(user)

    def connect(self, service, timeout=DEADLINE):
        return socket.create_connection((self.address, self.ports[service]),
                                        timeout)

    def certificate(self):
        """The certificate that the host made for itself."""
        for root, _, names in os.walk(os.path.join(self.state, "tls")):
            for name in names:
                if name.endswith((".crt", ".pem")):
                    return os.path.join(root, name)
        return None


class Wire:
    """A raw socket with lines, for sessions typed by hand."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b""
        self.transcript = []

    def send(self, data):
        if isinstance(data, str):
            data = data.encode()
        self.transcript.append(("C", data))
        self.sock.sendall(data)

    def line(self):
        while b"\n" not in self.buffer:
            data = self.sock.recv(65536)
            if not data:
                line, self.buffer = self.buffer, b""
                return line.decode("latin-1")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        self.transcript.append(("S", line))
        return line.decode("latin-1").rstrip("\r")

    def reply(self):
        """One SMTP reply, all its lines."""
        lines = [self.line()]
        while lines[-1][3:4] == "-":
            lines.append(self.line())
        return "\n".join(lines)

    def say(self, line):
        """Type a line, read an SMTP reply."""
        self.send(line + "\r\n")
        return self.reply()

    def until_dot(self):
        lines = []
        while True:
            line = self.line()
            if line == "." or line == "":
                if line == ".":
                    return lines
                if not self.buffer:
                    lines.append(line)
                    continue
            lines.append(line[1:] if line.startswith("..") else line)

    def rest(self):
        data = self.buffer
        self.buffer = b""
        while True:
            try:
                more = self.sock.recv(65536)
            except ConnectionResetError:
                return data
            if not more:
                return data
            data += more

    def close(self):
        self.sock.close()


class Namespace:
    """A network namespace of the test's own, joined to a bridge namespace."""

    def __init__(self, name, address, nameserver=None):
        self.name = name
        self.address = address
        self.nameserver = nameserver

    def command(self, *argv):
        return ("ip", "netns", "exec", self.name) + argv


class Started:
    """Programs that run in a namespace until stop."""

    def __init__(self, space):
        self.space, self.processes = space, []

    def start(self, *argv, output=os.devnull):
        with open(output, "wb") as out:
            self.processes.append(subprocess.Popen(
                self.space.command(*argv), stdout=out,
                stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL))

    def stop(self):
        for process in self.processes:
            process.terminate()
            process.wait()


class Network:
    """Namespaces on one bridge, which is in a namespace too: nothing of it
    touches the machine's own network."""

    def __init__(self):
        self.tag = "mp%d" % os.getpid()
        self.hub = self.tag + "-hub"
        self.names = []
        run("ip", "netns", "add", self.hub)
        self.names.append(self.hub)
        run("ip", "-n", self.hub, "link", "add", "br0", "type", "bridge")
        run("ip", "-n", self.hub, "link", "set", "br0", "up")
        run("ip", "-n", self.hub, "link", "set", "lo", "up")

    def add(self, label, address, nameserver=None):
        name = "%s-%s" % (self.tag, label)
        run("ip", "netns", "add", name)
        self.names.append(name)
        run("ip", "-n", self.hub, "link", "add", "v" + label, "type", "veth",
            "peer", "name", "eth0", "netns", name)
        run("ip", "-n", self.hub, "link", "set", "v" + label, "master", "br0")
        run("ip", "-n", self.hub, "link", "set", "v" + label, "up")
        run("ip", "-n", name, "addr", "add", address + "/24", "dev", "eth0")
        run("ip", "-n", name, "link", "set", "eth0", "up")
        run("ip", "-n", name, "link", "set", "lo", "up")
        if nameserver:
            folder = os.path.join("/etc/netns", name)
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, "resolv.conf"), "w") as conf:
                conf.write("nameserver %s\noptions timeout:2 attempts:2\n" %
                           nameserver)
        return Namespace(name, address, nameserver)

    def remove(self):
        for name in self.names:
            run("ip", "netns", "del", name, check=False)
            shutil.rmtree(os.path.join("/etc/netns", name),
                          ignore_errors=True)


def temporary_directory():
    """A folder that jailed processes can reach, unlike pytest's own."""
    return tempfile.mkdtemp(prefix="merpati-e2e-", dir="/var/tmp")

# SPDX-License-Identifier: ISC
"""A Dovecot of the test's own: private configuration, loopback, free ports.
It needs root, as Debian's Dovecot does."""

import os
import shutil
import signal
import socket
import subprocess

import pytest

import server


def need():
    if not server.IS_ROOT:
        pytest.skip("Dovecot needs root")
    if shutil.which("dovecot") is None:
        pytest.skip("Dovecot is not installed")


class Dovecot:
    """Serves one Maildir to the user u, password secret."""

    def __init__(self, base, maildir, uid, gid):
        self.base = base
        self.imap, self.pop3 = server.free_ports(2)
        self.process = None
        with open(os.path.join(base, "passwd"), "w") as users:
            users.write("u:{PLAIN}secret:%d:%d::%s::\n" % (uid, gid, base))
        services = "".join("""
service %s-login {
  inet_listener %s {
    address = 127.0.0.1
    port = %d
  }
  inet_listener %ss {
    port = 0
  }
}
""" % (name, name, port, name) for name, port in (("imap", self.imap),
                                                   ("pop3", self.pop3)))
        self.conf = os.path.join(base, "dovecot.conf")
        with open(self.conf, "w") as conf:
            conf.write("""\
base_dir = %(base)s/run
state_dir = %(base)s/state
protocols = imap pop3
disable_plaintext_auth = no
ssl = no
log_path = %(base)s/dovecot.log
mail_location = maildir:%(maildir)s
first_valid_uid = 1
first_valid_gid = 1
mbox_write_locks = fcntl
namespace inbox {
  inbox = yes
  separator = /
}
passdb {
  driver = passwd-file
  args = %(base)s/passwd
}
userdb {
  driver = passwd-file
  args = %(base)s/passwd
}
%(services)s""" % {"base": base, "maildir": maildir, "services": services})

    def start(self):
        with open(os.path.join(self.base, "dovecot.err"), "ab") as errors:
            self.process = subprocess.Popen(
                ["dovecot", "-F", "-c", self.conf], stdin=subprocess.DEVNULL,
                stdout=errors, stderr=errors, start_new_session=True)

        def answers():
            if self.process.poll() is not None:
                raise AssertionError(self.log())
            try:
                socket.create_connection(("127.0.0.1", self.imap), 5).close()
                return True
            except OSError:
                return False

        server.wait_for(answers, "Dovecot to listen")
        return self

    def log(self):
        text = ""
        for name in ("dovecot.err", "dovecot.log"):
            path = os.path.join(self.base, name)
            if os.path.exists(path):
                with open(path, errors="replace") as file:
                    text += file.read()
        return text

    def stop(self):
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(server.DEADLINE)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None

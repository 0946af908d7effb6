# SPDX-License-Identifier: ISC
"""Exim as a client: the one that speaks CHUNKING (RFC 3030).

Debian lets only one mail server be installed, so its files are unpacked into
a folder of the tests' own (tests/install-packages). It wants an account that
need not be there: it runs in a mount namespace with another /etc/passwd.
"""

import os
import shutil

import pytest

import server

PROGRAM = "/var/cache/merpati-tests/exim/usr/sbin/exim4"
ACCOUNT = "Debian-exim"
UID = 64998

CONF = """\
primary_hostname = exim.test
spool_directory = {0}/spool
log_file_path = {0}/%slog
exim_path = {4}
exim_user = {1}
exim_group = {1}
trusted_users = root
keep_environment =
log_selector = +smtp_confirmation
smtputf8_advertise_hosts = *
dsn_advertise_hosts = *
begin routers
all:
  driver = manualroute
  route_list = * {2}::{3} byname
  self = send
  transport = out
begin transports
out:
  driver = smtp
  hosts_try_chunking = *
  hosts_avoid_tls = *
begin retry
* * F,1h,1m
"""


class Exim:
    def __init__(self, folder, address, port):
        if not server.IS_ROOT or not shutil.which(PROGRAM):
            pytest.skip("no exim, or not root")
        self.folder = folder
        os.chmod(folder, 0o755)
        os.makedirs(os.path.join(folder, "spool"))
        for name in ("passwd", "group"):
            with open("/etc/" + name) as file:
                lines = "".join(line for line in file
                                if not line.startswith(ACCOUNT + ":"))
            rest = "%d::/nonexistent:/bin/false" % UID \
                if name == "passwd" else ""
            with open(os.path.join(folder, name), "w") as out:
                out.write(lines + "%s:x:%d:%s\n" % (ACCOUNT, UID, rest))
        with open(os.path.join(folder, "conf"), "w") as out:
            out.write(CONF.format(folder, ACCOUNT, address, port,
                                  PROGRAM))
        os.chown(folder, UID, UID)
        os.chown(os.path.join(folder, "spool"), UID, UID)

    def run(self, *arguments, **options):
        script = "".join("mount --bind %s/%s /etc/%s && " %
                         (self.folder, name, name)
                         for name in ("passwd", "group"))
        return server.run(
            "unshare", "-m", "sh", "-c", script + "exec \"$@\"", "sh",
            PROGRAM, "-C", os.path.join(self.folder, "conf"), *arguments,
            **options)

    def log(self):
        """What it did; empty as long as it did nothing."""
        try:
            with open(os.path.join(self.folder, "mainlog")) as log:
                return log.read()
        except FileNotFoundError:
            return ""

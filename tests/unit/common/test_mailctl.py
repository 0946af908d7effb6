#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""mailctl as an ordinary user types it: ./mailctl in the build directory.

covers: common/mailctl/*.c
"""
import os
import shutil
import socketserver
import subprocess
import sys
import tempfile
import threading
import unittest

MAILCTL = os.path.abspath("mailctl")
NOBODY = 65534


def become_nobody():
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


class Neighbour(socketserver.StreamRequestHandler):
    """An SMTP server that gives one reply to every RCPT."""

    def handle(self):
        self.wfile.write(b"220 mail.group1.test ESMTP\r\n")
        for line in self.rfile:
            verb = line[:4].upper()
            if verb == b"EHLO":
                self.wfile.write(b"250-mail.group1.test\r\n250 SIZE\r\n")
            elif verb == b"RCPT":
                self.server.recipients.append(line)
                self.wfile.write(self.server.reply)
            elif verb == b"QUIT":
                self.wfile.write(b"221 Bye\r\n")
                return
            else:
                self.wfile.write(b"250 Ok\r\n")


class Mailctl(unittest.TestCase):
    def setUp(self):
        self.home = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.home)
        os.chmod(self.home, 0o755)
        if os.getuid() == 0:
            os.chown(self.home, NOBODY, NOBODY)
        self.directory = os.path.join(self.home, "mail")
        self.conf = os.path.join(self.directory, "mail.conf")

    def run_mailctl(self, *argv, text="", code=0):
        environment = dict(os.environ)
        environment.pop("MERPATI_CONF", None)
        run = subprocess.run(
            [MAILCTL, *argv], input=text, text=True, cwd="/", check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=environment, preexec_fn=become_nobody)
        self.assertEqual(run.returncode, code, run.stdout)
        return run.stdout

    def on_host(self, *argv, **options):
        return self.run_mailctl("-c", self.conf, *argv, **options)

    def make(self):
        return self.run_mailctl("init", "--lab", "--directory",
                                self.directory, "group1.test")

    def read(self, name):
        with open(os.path.join(self.directory, name),
                  encoding="utf-8") as file:
            return file.read()

    def test_a_dry_run_of_init_writes_nothing(self):
        out = self.run_mailctl("-n", "init", "--directory", self.directory,
                               "group1.test")
        self.assertIn("domains = group1.test", out)
        self.assertFalse(os.path.exists(self.conf))

    def test_init_makes_a_host_and_again_keeps_it(self):
        self.make()
        before = self.read("mail.conf")
        self.assertIn("hostname = mail.group1.test\n", before)
        self.assertIn("smtp:2525", before)
        self.assertTrue(os.path.isdir(self.directory + "/spool/queue/ff"))
        self.assertIn("kept", self.make())
        self.assertEqual(self.read("mail.conf"), before)
        self.on_host("permissions", "--check")
        self.on_host("config", "check")

    def test_a_mode_that_is_wrong_is_found_and_mended(self):
        self.make()
        os.chmod(self.directory + "/users", 0o666)
        self.assertIn("users", self.on_host("permissions", "--check", code=1))
        self.on_host("permissions")
        self.on_host("permissions", "--check")

    def test_users_are_added_changed_listed_and_removed(self):
        self.make()
        self.on_host("user", "add", "alice", "--password-stdin",
                     text="secret\n")
        first = self.read("users")
        self.assertIn("alice@group1.test {SCRAM-SHA-256}65536$", first)
        self.on_host("user", "add", "Alice", code=1)
        self.on_host("user", "passwd", "alice", "--password-stdin",
                     text="other\n")
        self.assertNotEqual(self.read("users"), first)
        self.assertIn("password: ", self.on_host("user", "add", "bob"))
        self.assertIn("alice@group1.test\tvirtual\t",
                      self.on_host("user", "list"))
        self.on_host("u", "d", "bob")
        self.on_host("user", "del", "bob", code=1)
        self.assertNotIn("bob", self.read("users"))

    def test_a_batch_adds_all_or_none(self):
        self.make()
        out = self.on_host("user", "add", "--batch",
                           text="# class\nc1\nc2:$6$salt$hash\n")
        self.assertEqual(len(out.splitlines()), 2)
        self.assertIn("c2@group1.test $6$salt$hash\n", self.read("users"))
        self.on_host("user", "add", "--batch", text="c3\nc1\n", code=65)
        self.assertNotIn("c3@", self.read("users"))

    def test_addresses_elsewhere_and_bad_ones_are_refused(self):
        self.make()
        for address in ("a@other.test", "a b", "../x", "a@b@group1.test"):
            self.on_host("user", "add", address, code=65)

    def test_route_tells_the_mailbox_and_the_refusal(self):
        self.make()
        self.on_host("user", "add", "alice")
        out = self.on_host("route", "alice+tag@group1.test")
        self.assertIn("/homes/group1.test/alice/Maildir/", out)
        self.assertIn("5.1.1",
                      self.on_host("route", "nobody@group1.test", code=1))

    def test_all_errors_of_mail_conf_are_told_at_once(self):
        self.make()
        with open(self.conf, "a", encoding="utf-8") as conf:
            conf.write("hostnam = x\nmynetworks = 0.0.0.0/0\n")
        out = self.on_host("config", "check", code=1)
        self.assertIn("hostname", out)
        self.assertIn("open relay", out)
        self.on_host("user", "list", code=78)

    def test_check_without_daemons_names_cause_and_remedy(self):
        self.make()
        out = self.on_host("check", "--group", "queue")
        self.assertIn("qmgr does not run", out)
        self.on_host("check", "--group", "nonsense", code=64)

    def relay_check(self, reply, code):
        self.make()
        with socketserver.ThreadingTCPServer(("127.0.0.1", 0),
                                             Neighbour) as server:
            server.reply, server.recipients = reply, []
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever).start()
            with open(self.conf, "a", encoding="utf-8") as conf:
                conf.write("listen = smtp:127.0.0.1:%d\n"
                           "mynetworks = 127.0.0.1/32\n"
                           % server.server_address[1])
            out = self.on_host("check", "--group", "relay", code=code)
            self.assertIn("answers: 220", self.on_host("check", "--group",
                                                       "ports"))
            server.shutdown()
        self.assertIn(b"RCPT TO:<user%relay-test.invalid@group1.test>\r\n",
                      server.recipients)
        return out

    def test_an_open_relay_is_found(self):
        self.assertIn("OPEN RELAY",
                      self.relay_check(b"250 2.1.5 Ok\r\n", 1))

    def test_a_host_that_relays_for_nobody_is_no_open_relay(self):
        out = self.relay_check(b"550-5.7.1 no,\r\n550 5.7.1 never\r\n", 0)
        self.assertIn("tricks of relay thieves are refused", out)
        self.assertIn("127.250.250.250 may not relay", out)

    def test_startup_writes_a_file_per_service(self):
        self.make()
        self.on_host("startup", "--directory", self.directory, "systemd")
        self.assertIn("Accept=yes", self.read("merpati-smtp.socket"))
        self.assertIn("-s imaps -c " + self.conf,
                      self.read("merpati-imaps@.service"))
        self.on_host("startup", "--directory", self.directory, "xinetd")
        self.assertIn("port\t\t= 2110", self.read("merpati-pop3"))

    def test_wrong_usage_is_64(self):
        for argv in ((), ("nonsense",), ("user",), ("user", "del"),
                     ("startup", "x"), ("route",), ("check", "--x")):
            self.run_mailctl(*argv, code=64)


def may_run():
    run = subprocess.run([MAILCTL, "--version"], preexec_fn=become_nobody,
                         check=False, stdout=subprocess.DEVNULL)
    return run.returncode == 0


if __name__ == "__main__":
    try:
        if not may_run():
            sys.exit(77)
    except OSError:
        sys.exit(77)
    unittest.main()

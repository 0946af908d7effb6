#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""relay and relay-spawn against tests/e2e/sink.py on loopback.

Part of "make check"; runs in the build directory. As root without the
accounts of the jails the programs run as nobody.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
SOURCE = os.environ.get("srcdir", ".")
sys.path.insert(0, os.path.join(SOURCE, "tests", "e2e"))

from sink import Sink  # noqa: E402

# A process that cannot be traced cannot be searched for leaks either.
os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=0")
DRIVER = "tests/unit/queue/relay_driver"
NONE, MAY, ENCRYPT = "0", "1", "2"
SHORT = b"Subject: x\r\n\r\n.dot\r\nend\r\n"


class RelayTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        os.chmod(self.folder, 0o755)
        for program in ("queue/relay", "queue/relay-spawn", "tls"):
            shutil.copy(program, self.folder)
        self.settings()

    def settings(self, **more):
        more.setdefault("hostname", "me.test")
        with open(os.path.join(self.folder, "mail.conf"), "w") as file:
            file.write("log_file = -\nprogram_directory = %s\n" % self.folder)
            for name, value in more.items():
                file.write("%s = %s\n" % (name, value))

    def relay(self, nexthop, *messages, options=(), domain="x.test",
              recipients=("b@x.test",), program="relay-spawn"):
        """[(status, code, remote, text)...] of all messages, in order."""
        files = []
        for i, message in enumerate(messages or (SHORT,)):
            files.append(os.path.join(self.folder, "m%d" % i))
            with open(files[-1], "wb") as file:
                file.write(message)
        if isinstance(nexthop, Sink):
            nexthop = "[127.0.0.1]:%d" % nexthop.port
        spawn = ["-s"] if program == "relay-spawn" else []
        result = subprocess.run(
            [DRIVER, *spawn, *options, "-n", nexthop, "-d", domain,
             "-p", os.path.join(self.folder, program),
             "-c", os.path.join(self.folder, "mail.conf"),
             "-f", "a@me.test", *recipients, ":", *files],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            timeout=120)
        self.log = result.stderr
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertNotIn("Sanitizer", result.stderr)
        self.lines = result.stdout.splitlines()
        return [tuple(line.split(" ", 5)[2:]) for line in self.lines
                if line.startswith(self.folder)]

    def status(self, *arguments, **options):
        return [v[0] + " " + v[1] for v in self.relay(*arguments, **options)]

    def test_jobs_share_a_connection(self):
        with Sink() as sink:
            for program in ("relay", "relay-spawn"):
                verdicts = self.relay(sink, SHORT, b"x\r\n", program=program,
                                      recipients=("b@x.test", "c@x.test"))
                self.assertEqual([v[:2] for v in verdicts],
                                 [("D", "2.0.0")] * 4)
                self.assertEqual(verdicts[0][2],
                                 "127.0.0.1[127.0.0.1]:%d" % sink.port)
        self.assertEqual([m["connection"] for m in sink.messages],
                         [1, 1, 2, 2])
        self.assertEqual(sink.messages[0]["data"], SHORT)
        self.assertIn("RSET", sink.messages[1]["commands"])
        self.assertEqual(self.lines.count("done 1"), 2)

    def test_only_crlf_leaves(self):
        with Sink() as sink:
            self.relay(sink, b"a\nb\rc\r\n.\n.\r\n\r.\r\n..")
        raw = sink.messages[0]["raw"]
        self.assertEqual(raw, b"a\r\nb\r\nc\r\n..\r\n..\r\n\r\n..\r\n"
                              b"...\r\n.\r\n")

    def test_large_message_keeps_its_bytes(self):
        body = b"".join(b".%06d " % i + bytes(range(32, 127)) + b"\r\n"
                        for i in range(30000))
        with Sink(starttls=True) as sink:
            for level in (NONE, MAY):
                self.assertEqual(
                    self.status(sink, body, options=("-t", level)),
                    ["D 2.0.0"])
        self.assertEqual([m["data"] == body for m in sink.messages],
                         [True, True])
        self.assertEqual([m["is_tls"] for m in sink.messages], [False, True])

    def test_tls_is_opportunistic(self):
        with Sink(broken_tls=True) as sink:
            self.assertEqual(self.status(sink, options=("-t", MAY)),
                             ["D 2.0.0"])
            self.assertFalse(sink.messages[0]["is_tls"])
            self.assertEqual(self.status(sink, options=("-t", ENCRYPT)),
                             ["T 4.7.5"])
        with Sink() as sink:
            self.assertEqual(self.status(sink, options=("-t", ENCRYPT)),
                             ["T 4.7.5"])

    def test_tls_connection_is_used_again(self):
        with Sink(starttls=True) as sink:
            self.status(sink, SHORT, SHORT, options=("-t", ENCRYPT))
        self.assertEqual([(m["connection"], m["is_tls"])
                          for m in sink.messages], [(1, True), (1, True)])
        self.assertIn("TLS connection established", self.log)

    def test_words_behind_starttls_are_not_heard(self):
        with Sink(starttls=True, injected="250 ok\r\n" * 9) as sink:
            self.assertEqual(self.status(sink, options=("-t", ENCRYPT))[0][0],
                             "T")
        self.assertEqual(sink.messages, [])

    def test_auth(self):
        for methods in ("PLAIN LOGIN", "LOGIN"):
            with Sink(starttls=True, auth="u:p:w", auth_methods=methods,
                      auth_needs_tls=True) as sink:
                self.assertEqual(self.status(
                    sink, SHORT, SHORT,
                    options=("-t", ENCRYPT, "-a", "u:p:w")),
                    ["D 2.0.0"] * 2)
                self.assertEqual(self.status(
                    sink, options=("-t", MAY, "-a", "u:wrong")), ["T 4.7.8"])
                self.assertNotIn("wrong", self.log.replace("5.7.8 wrong", ""))
            self.assertEqual([m["login"] for m in sink.messages], ["u", "u"])

    def test_password_in_clear_only_to_loopback(self):
        with Sink(auth="u:p") as sink:
            self.assertEqual(self.status(sink, options=("-a", "u:p")),
                             ["D 2.0.0"])
        self.assertEqual(sink.messages[0]["login"], "u")

    def test_each_recipient_has_its_own_verdict(self):
        with Sink(refuse={"^no": "550 5.1.1 no such user",
                          "^full": "452 4.2.2 full"}) as sink:
            verdicts = self.relay(sink, recipients=(
                "no@x.test", "b@x.test", "full@x.test"))
        self.assertEqual([v[:2] for v in verdicts], [
            ("F", "5.1.1"), ("D", "2.0.0"), ("T", "4.2.2")])
        self.assertEqual(verdicts[0][3],
                         "550 5.1.1 no such user (in reply to RCPT TO)")
        self.assertEqual(sink.messages[0]["rcpt_to"], ["b@x.test"])

    def test_as_many_recipients_at_a_time_as_the_host_wants(self):
        with Sink(max_rcpt=2) as sink:
            self.assertEqual(self.status(sink, recipients=(
                "b@x.test", "c@x.test", "d@x.test", "e@x.test", "f@x.test")),
                ["D 2.0.0"] * 5)
        self.assertEqual([len(m["rcpt_to"]) for m in sink.messages],
                         [2, 2, 1])

    def test_refusals_at_each_stage(self):
        for knobs, expected in (
                ({"greeting": "554 5.3.2 no"}, "T 4.3.2"),
                ({"greeting": "521 5.3.2 no"}, "F 5.3.2"),
                ({"greeting": "HTTP/1.1 400 Bad"}, "T 4.5.0"),
                ({"mail": "451 4.7.1 greylisted"}, "T 4.7.1"),
                ({"mail": "550 go away"}, "F 5.0.0"),
                ({"data": "451 later"}, "T 4.0.0"),
                ({"end": "554 5.7.1 spam"}, "F 5.7.1"),
                ({"extensions": ["SIZE 10"]}, "F 5.3.4")):
            with Sink(**knobs) as sink:
                self.assertEqual(self.status(sink), [expected], knobs)
            self.assertEqual(sink.messages, [])

    def test_connections_lost_are_for_later(self):
        for stage in ("GREETING", "EHLO", "MAIL", "RCPT", "DATA", "BODY",
                      "END"):
            with Sink(drop=stage) as sink:
                verdicts = self.relay(sink)
                self.assertEqual(verdicts[0][:2], ("T", "4.4.2"), stage)
        self.assertIn("may be sent twice", verdicts[0][3])

    def test_a_host_that_closed_while_idle_is_called_again(self):
        with Sink(drop_after=1) as sink:
            self.assertEqual(self.status(sink, SHORT, SHORT, SHORT),
                             ["D 2.0.0"] * 3)
        self.assertEqual([m["connection"] for m in sink.messages], [1, 2, 3])

    def test_odd_hosts(self):
        for knobs in ({"ehlo": False}, {"line_end": "\n"},
                      {"long_line": 5000}, {"extensions": []}):
            with Sink(**knobs) as sink:
                self.assertEqual(self.status(sink, SHORT, SHORT),
                                 ["D 2.0.0"] * 2, knobs)

    def test_8bit_goes_only_where_it_may(self):
        with Sink(extensions=["PIPELINING"]) as sink:
            self.assertEqual(self.status(sink, b"caf\xe9\r\n",
                                         options=("-8",)), ["F 5.6.3"])
            self.assertEqual(self.status(sink, b"cafe\r\n", options=("-8",)),
                             ["D 2.0.0"])
        with Sink() as sink:
            self.assertEqual(self.status(sink, b"caf\xe9\r\n",
                                         options=("-8",)), ["D 2.0.0"])
        self.assertIn("BODY=8BITMIME", sink.messages[0]["commands"][1])

    def test_nobody_listens(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
            verdicts = self.relay("[127.0.0.1]:%d" % port)
        self.assertEqual(verdicts, [(
            "T", "4.4.1", "none", "connect to 127.0.0.1[127.0.0.1]:%d: "
            "Connection refused" % port)])

    def test_names_of_etc_hosts(self):
        with Sink() as sink:
            self.settings(smtp_ipv6="no")
            self.assertEqual(self.status("localhost:%d" % sink.port),
                             ["D 2.0.0"])

    def test_mail_does_not_loop(self):
        with Sink(hostname="me.test") as sink:
            self.settings(smtp_port=sink.port)
            self.assertEqual(self.status("", domain="[127.0.0.1]"),
                             ["F 5.4.6"])
            # A content filter may well have our name.
            self.settings(smtp_port=25)
            self.assertEqual(self.status(sink), ["D 2.0.0"])

    def test_literals(self):
        with Sink(starttls=True) as sink:
            self.settings(smtp_port=sink.port)
            self.assertEqual(self.status("", domain="[127.0.0.1]",
                                         options=("-t", ENCRYPT)),
                             ["D 2.0.0"])
        self.assertEqual(self.status("", domain="[127.0.0]"), ["F 5.1.3"])

    def test_an_idle_agent_ends(self):
        with Sink() as sink:
            self.relay(sink, options=("-w",))
        self.assertEqual(self.lines[-1], "ended")


if __name__ == "__main__":
    if not shutil.which("openssl"):
        sys.exit(77)
    unittest.main()

#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""relay and relay-spawn against tests/e2e/sink.py on loopback.

Part of "make check"; runs in the build directory. As root without the
accounts of the jails the programs run as nobody.
"""

import email
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

sys.dont_write_bytecode = True
SOURCE = os.environ.get("srcdir", ".")
sys.path.insert(0, os.path.join(SOURCE, "tests", "e2e"))

from sink import Sink  # noqa: E402

# A process that cannot be traced cannot be searched for leaks either.
os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=0")
DRIVER = "tests/unit/queue/relay_driver"
NONE, MAY, ENCRYPT = "0", "1", "2"
# enum mail_option_flags
BINARY, UTF8, REQUIRETLS, RET_FULL, BY_RETURN, BY_NOTIFY = (
    1 << n for n in (1, 2, 3, 4, 6, 7))
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

    def test_a_connection_takes_so_many_messages(self):
        """LIMIT_RELAY_MESSAGES: 100 over the first, one over the next."""
        with Sink() as sink:
            self.relay(sink, *[SHORT] * 101)
        self.assertEqual([m["connection"] for m in sink.messages],
                         [1] * 100 + [2])

    def test_limits_of_the_host_are_kept(self):
        """RFC 9422: RCPTMAX, MAILMAX, RCPTDOMAINMAX."""
        people = ["r%d@x%d.test" % (n, n // 2) for n in range(5)]
        for limits, sizes, connections in (
                ("RCPTMAX=2", [2, 2, 1] * 2, [1] * 6),
                ("RCPTMAX=5", [5] * 2, [1] * 2),
                ("RCPTDOMAINMAX=1", [2, 2, 1] * 2, [1] * 6),
                ("MAILMAX=1", [5] * 2, [1, 2]),
                ("MAILMAX=2", [5] * 2, [1, 1])):
            with Sink(extensions=["PIPELINING", "LIMITS " + limits]) as sink:
                verdicts = self.status(sink, SHORT, SHORT, recipients=people)
            self.assertEqual(verdicts, ["D 2.0.0"] * 10, limits)
            self.assertEqual([len(m["rcpt_to"]) for m in sink.messages],
                             sizes, limits)
            self.assertEqual([m["connection"] for m in sink.messages],
                             connections, limits)

    def test_who_was_put_off_does_not_hold_up_the_others(self):
        with Sink(extensions=["LIMITS RCPTMAX=1"],
                  refuse={"b@": "450 4.2.1 later", "c@": "550 5.1.1 no"}
                  ) as sink:
            verdicts = self.status(sink, recipients=(
                "b@x.test", "c@x.test", "d@x.test", "e@x.test"))
        self.assertEqual(verdicts, ["T 4.2.1", "F 5.1.1", "D 2.0.0",
                                    "D 2.0.0"])
        self.assertEqual([m["rcpt_to"] for m in sink.messages],
                         [["d@x.test"], ["e@x.test"]])

    def test_too_many_messages_wait_for_another_time(self):
        with Sink(extensions=["LIMITS RCPTMAX=1 MAILMAX=1"]) as sink:
            verdicts = self.status(sink, recipients=("b@x.test", "c@x.test"))
        self.assertEqual(verdicts, ["D 2.0.0", "T 4.5.3"])

    def test_lmtp(self):
        with Sink(lmtp={"^c@": "452 4.2.2 full", "^d@": "550 5.2.1 shut"}
                  ) as sink:
            verdicts = self.status(
                "lmtp:[127.0.0.1]:%d" % sink.port, SHORT, SHORT,
                recipients=("b@x.test", "c@x.test", "d@x.test", "e@x.test"))
        self.assertEqual(verdicts, ["D 2.0.0", "T 4.2.2", "F 5.2.1",
                                    "D 2.0.0"] * 2)
        self.assertEqual([m["connection"] for m in sink.messages], [1, 1])
        self.assertEqual(sink.messages[0]["commands"][0], "LHLO me.test")
        with Sink() as sink:
            self.assertEqual(
                self.status("lmtp:[127.0.0.1]:%d" % sink.port),
                ["T 4.5.0"])
        self.assertEqual(sink.messages, [])

    def token_command(self, text):
        path = os.path.join(self.folder, "token")
        with open(path, "w") as file:
            file.write("#!/bin/sh\n" + text)
        os.chmod(path, 0o755)
        self.settings(relay_token_command=path)

    def test_tokens(self):
        """A refused one is replaced once, a good one is kept."""
        runs = os.path.join(self.folder, "runs")
        with open(runs, "w"):
            pass
        os.chmod(runs, 0o666)
        self.token_command('echo "$*" >>%s\necho "t$(wc -l <%s)"\n'
                           % (runs, runs))
        for methods in ("XOAUTH2", "PLAIN OAUTHBEARER"):
            with open(runs, "w"):
                pass
            with Sink(auth="u:t2", auth_methods=methods,
                      drop_after=1) as sink:
                self.assertEqual(
                    self.status(sink, SHORT, SHORT, options=("-a", "u")),
                    ["D 2.0.0", "D 2.0.0"], methods)
            self.assertEqual([m["login"] for m in sink.messages], ["u"] * 2)
            with open(runs) as file:
                self.assertEqual(file.read(), "u 127.0.0.1\n" * 2)

    def test_tokens_that_cannot_be_had(self):
        for text, says in (
                ("exit 3\n", "failed (status 3)"),
                ("echo\n", "printed no token"),
                ("head -c 8193 /dev/zero | tr '\\0' x\n", "no token"),
                ("echo a b\n", "bytes that no token has")):
            self.token_command(text)
            with Sink(auth="u:t", auth_methods="XOAUTH2") as sink:
                verdicts = self.relay(sink, options=("-a", "u"))
            self.assertEqual(verdicts[0][:2], ("T", "4.7.0"), text)
            self.assertIn(says, verdicts[0][3])
        self.token_command("head -c 8192 /dev/zero | tr '\\0' x\n")
        with Sink(auth="u:" + 8192 * "x", auth_methods="XOAUTH2") as sink:
            self.assertEqual(self.status(sink, options=("-a", "u")),
                             ["D 2.0.0"])
        self.settings()
        with Sink(auth="u:t", auth_methods="XOAUTH2") as sink:
            self.assertEqual(self.status(sink, options=("-a", "u")),
                             ["T 4.7.0"])

    def test_sockets_of_this_machine_are_listed(self):
        path = os.path.join(self.folder, "lmtp")
        server = socket.socket(socket.AF_UNIX)
        self.addCleanup(server.close)
        server.bind(path)
        os.chmod(path, 0o777)
        server.listen()
        self.assertEqual(self.status("lmtp:unix:" + path), ["T 4.4.1"])
        self.settings(lmtp_sockets="/nowhere " + path)
        server.settimeout(10)
        for name in ("/nowhere", path + "x"):
            self.assertEqual(self.status("lmtp:unix:" + name), ["T 4.4.1"])

        def store():
            with server.accept()[0] as peer:
                file = peer.makefile("rw", newline="\r\n")
                for reply, last in (
                        ("220 store", "LHLO"), ("250 store", "MAIL"),
                        ("250 ok", "RCPT"), ("250 ok", "DATA"),
                        ("354 go", "."), ("250 2.1.5 kept", "QUIT")):
                    file.write(reply + "\n")
                    file.flush()
                    while not file.readline().startswith(last):
                        pass

        thread = threading.Thread(target=store)
        thread.start()
        self.assertEqual(self.relay("lmtp:unix:" + path,
                                    options=("-t", ENCRYPT)),
                         [("D", "2.1.5", path, "250 2.1.5 kept")])
        thread.join()

    def test_source_address(self):
        with Sink() as sink:
            for bind in ("127.0.0.5", "192.0.2.1"):
                self.status("[127.0.0.1]:%d bind=%s" % (sink.port, bind))
        self.assertEqual([m["peer"] for m in sink.messages], ["127.0.0.5"])

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
            # This is a header, which cannot be converted.
            self.assertEqual(self.status(sink, b"caf\xe9\r\n",
                                         options=("-8",)), ["F 5.6.3"])
            self.assertEqual(self.status(sink, b"cafe\r\n", options=("-8",)),
                             ["D 2.0.0"])
        with Sink() as sink:
            self.assertEqual(self.status(sink, b"caf\xe9\r\n",
                                         options=("-8",)), ["D 2.0.0"])
        self.assertIn("BODY=8BITMIME", sink.messages[0]["commands"][1])

    def test_8bit_is_converted_for_hosts_without_it(self):
        text = (b"Subject: x\r\nMIME-Version: 1.0\r\n"
                b"Content-Type: text/plain; charset=iso-8859-1\r\n"
                b"Content-Transfer-Encoding: 8bit\r\n\r\n"
                b"caf\xe9 au lait\r\n.\r\n" + b"much more text\r\n" * 9999)
        for extensions in (["PIPELINING", "SIZE"], ["CHUNKING", "SIZE"]):
            with Sink(extensions=extensions) as sink:
                self.assertEqual(self.status(sink, text, options=("-8",)),
                                 ["D 2.0.0"])
            data = sink.messages[0]["data"]
            self.assertTrue(data.isascii())
            mail = email.message_from_bytes(data)
            self.assertEqual(mail["content-transfer-encoding"],
                             "quoted-printable")
            self.assertEqual(mail.get_payload(decode=True),
                             text[text.index(b"caf"):])
            self.assertIn(" SIZE=%d" % len(data),
                          sink.messages[0]["commands"][1])
        self.assertIn("converted to 7 bits", self.log)

    def test_binary_as_it_is_or_converted(self):
        body = bytes(range(256)) * 2000 + b"\r\n.\r\n\n\r"
        text = (b"MIME-Version: 1.0\r\n"
                b"Content-Type: application/octet-stream\r\n"
                b"Content-Transfer-Encoding: binary\r\n\r\n" + body)
        options = ("-8", "-m", str(BINARY))
        with Sink(extensions=["8BITMIME", "CHUNKING", "BINARYMIME"]) as sink:
            self.assertEqual(self.status(sink, text, options=options),
                             ["D 2.0.0"])
        self.assertEqual(sink.messages[0]["data"], text)
        self.assertIn("BODY=BINARYMIME", sink.messages[0]["commands"][1])
        for extensions in (["8BITMIME", "CHUNKING"], ["BINARYMIME"], []):
            with Sink(extensions=extensions) as sink:
                self.assertEqual(self.status(sink, text, options=options),
                                 ["D 2.0.0"], extensions)
            mail = email.message_from_bytes(sink.messages[0]["data"])
            self.assertEqual(mail["content-transfer-encoding"], "base64")
            self.assertEqual(mail.get_payload(decode=True), body)

    def test_chunks(self):
        body = b"".join(b".%06d\r\n" % i for i in range(120000))
        for extensions in (["CHUNKING"], ["CHUNKING", "PIPELINING"]):
            with Sink(extensions=extensions) as sink:
                self.assertEqual(self.status(sink, body, SHORT, b"",
                                             b"a\nb\rc"), ["D 2.0.0"] * 4)
            self.assertEqual([m["data"] for m in sink.messages],
                             [body, SHORT, b"", b"a\r\nb\r\nc\r\n"])
            chunks = sink.messages[0]["chunks"]
            self.assertEqual(sum(chunks), len(body))
            self.assertEqual(set(chunks[:-1]), {262144})
            self.assertNotIn("DATA", sink.messages[0]["commands"])

    def test_chunks_refused_or_cut(self):
        body = b"x" * 70 + b"\r\n"
        for knobs, expected in (
                ({"chunk": "552 5.2.2 full"}, "F 5.2.2"),
                ({"chunk": "421 4.3.2 bye"}, "T 4.3.2"),
                ({"end": "451 4.3.0 later"}, "T 4.3.0"),
                ({"refuse": {"b@": "550 5.1.1 no"}}, "F 5.1.1"),
                ({"drop": "BODY"}, "T 4.4.2"),
                ({"drop": "END"}, "T 4.4.2")):
            for more in ([], ["PIPELINING"]):
                with Sink(extensions=["CHUNKING"] + more, **knobs) as sink:
                    self.assertEqual(
                        self.status(sink, body * 40000), [expected], knobs)
                self.assertEqual(sink.messages, [])
        # The connection is good for the next message.
        with Sink(extensions=["CHUNKING", "PIPELINING"],
                  chunk="552 5.2.2 full") as sink:
            self.assertEqual(self.status(sink, body * 40000, SHORT),
                             ["F 5.2.2", "D 2.0.0"])
        self.assertEqual(sink.messages[0]["connection"], 1)

    def test_parameters_are_passed_on_where_offered(self):
        options = ("-m", str(RET_FULL | BY_NOTIFY), "-e", "a b+=", "-y", "3",
                   "-b", "100", "-N", "14", "-O", "rfc822;A B+@x")
        with Sink(extensions=["DSN", "DELIVERBY", "MT-PRIORITY"]) as sink:
            self.assertEqual(self.status(sink, options=options), ["D 2.0.0"])
        mail, rcpt = sink.messages[0]["commands"][1:3]
        self.assertRegex(mail, r"^MAIL FROM:<a@me.test> RET=FULL "
                               r"ENVID=a\+20b\+2B\+3D BY=\d+;N "
                               r"MT-PRIORITY=3$")
        self.assertEqual(rcpt, "RCPT TO:<b@x.test> NOTIFY=SUCCESS,FAILURE,"
                               "DELAY ORCPT=rfc822;A+20B+2B@x")
        self.assertIn("flags 7 1", self.lines)
        with Sink(extensions=["8BITMIME"]) as sink:
            self.assertEqual(self.status(sink, options=options), ["D 2.0.0"])
        self.assertEqual(sink.messages[0]["commands"][1:3],
                         ["MAIL FROM:<a@me.test> BODY=7BIT",
                          "RCPT TO:<b@x.test>"])
        self.assertIn("flags 7 2", self.lines)

    def test_return_in_time_needs_a_host_that_knows_time(self):
        options = ("-m", str(BY_RETURN))
        with Sink() as sink:
            self.assertEqual(self.status(
                sink, options=options + ("-b", "100")), ["F 5.3.3"])
        with Sink(extensions=["DELIVERBY 60"]) as sink:
            self.assertEqual(self.status(
                sink, options=options + ("-b", "-1")), ["F 5.4.7"])
            self.assertEqual(self.status(
                sink, options=options + ("-b", "100")), ["D 2.0.0"])
        self.assertRegex(sink.messages[0]["commands"][1], r" BY=\d+;R$")

    def test_utf8_goes_where_it_may(self):
        plain = b"Subject: x\r\n\r\ncaf\xc3\xa9\r\n"
        header = b"Subject: caf\xc3\xa9\r\n\r\nx\r\n"
        both = ("b\u00fc@x.test", "c@x.test")
        options = ("-8", "-m", str(UTF8))
        with Sink(extensions=["8BITMIME", "SMTPUTF8"]) as sink:
            self.assertEqual(self.status(sink, header, options=options,
                                         recipients=both), ["D 2.0.0"] * 2)
        self.assertIn(" SMTPUTF8", sink.messages[0]["commands"][1])
        for extensions in ([], ["8BITMIME"], ["SMTPUTF8"]):
            with Sink(extensions=extensions) as sink:
                self.assertEqual(
                    self.status(sink, plain, options=options,
                                recipients=both), ["F 5.6.7", "D 2.0.0"])
                self.assertEqual(self.status(sink, header, options=options),
                                 ["F 5.6.9"])
            self.assertNotIn("SMTPUTF8", sink.messages[0]["commands"][1])

    def test_requiretls(self):
        options = ("-m", str(REQUIRETLS), "-t", NONE)
        knobs = {"starttls": True, "certificate": self.folder}
        with Sink(extensions=["REQUIRETLS"], **knobs) as sink:
            # Nobody vouches for this certificate.
            self.assertEqual(self.status(sink, options=options),
                             ["F 5.7.30"])
            self.settings(tls_ca_file=os.path.join(self.folder, "cert.pem"))
            self.assertEqual(self.status(sink, SHORT, options=options),
                             ["D 2.0.0"])
            self.assertTrue(sink.messages[0]["is_tls"])
            self.assertIn(" REQUIRETLS", sink.messages[0]["commands"][-3])
            self.assertIn("Verified TLS", self.log)
        for knobs in ({"extensions": ["REQUIRETLS"]},
                      dict(knobs, extensions=[])):
            with Sink(**knobs) as sink:
                self.settings(
                    tls_ca_file=os.path.join(self.folder, "cert.pem"))
                self.assertEqual(self.status(sink, options=options),
                                 ["F 5.7.30"])
            self.assertEqual(sink.messages, [])
        with Sink(broken_tls=True) as sink:
            self.assertEqual(self.status(sink, options=options), ["T 4.7.5"])
        self.assertEqual(sink.messages, [])

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

#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""What queue/convert.h makes of messages, judged by Python's email package.

Part of "make check"; runs in the build directory. Every leaf part must
decode to the bytes it had, nothing but 7 bits may be left, and the result
may not depend on how the message was cut.
"""

import email
import email.policy
import glob
import os
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
SOURCE = os.environ.get("srcdir", ".")
DRIVER = "tests/unit/queue/convert_driver"
POLICY = email.policy.compat32
CAFE = "Café".encode() + b"\xff"


def message(*lines):
    return b"\r\n".join(line if isinstance(line, bytes) else line.encode()
                        for line in lines) + b"\r\n"


def leaves(text):
    """(type, decoded bytes) of each part that is none of parts. Parts that
    became message/global in base64 are looked into."""
    found = []

    def walk(part):
        if part.get_content_type() == "message/global" and \
                part.get("content-transfer-encoding", "").strip() == "base64":
            inner = part.get_payload()
            inner = inner[0].get_payload() if isinstance(inner, list) else \
                inner
            import base64
            walk(email.message_from_bytes(base64.b64decode(inner),
                                          policy=POLICY))
        elif part.is_multipart():
            for child in part.get_payload():
                walk(child)
        else:
            kind = part.get_content_type()
            found.append((kind, part.get_payload(decode=True)))
    walk(email.message_from_bytes(text, policy=POLICY))
    return found


MIXED = message(
    "MIME-Version: 1.0", "Subject: x",
    "Content-Type: multipart/mixed; boundary=\"outer one\"",
    "Content-Transfer-Encoding: 8bit", "",
    b"preamble " + CAFE,
    "--outer one",
    "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: 8bit", "",
    CAFE + b" = trailing blank ", b"\t", "From me", "." * 3, "",
    "--outer one  ",
    "Content-Type: multipart/alternative; boundary=inner",
    "content-transfer-encoding: 8BIT", "",
    "--inner", "", "plain and short",
    "--inner",
    "Content-Type: text/html", "Content-Transfer-Encoding: 8bit", "",
    b"<p>" + CAFE * 400 + b"</p>",
    "--inner--", "",
    "--outer one",
    "Content-Type: image/png", "Content-Transfer-Encoding: 8bit", "",
    bytes(range(0x80, 0x100)) * 10, b"", bytes(range(0x90, 0xa0)),
    "--outer one",
    "Content-Type: text/plain", "Content-Transfer-Encoding: base64", "",
    "aGVsbG8=",
    "--outer one--", "epilogue")

NESTED = message(
    "MIME-Version: 1.0", "Content-Type: multipart/digest; boundary=d", "",
    "--d", "",
    "Subject: one", "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: 8bit", "", CAFE,
    "--d",
    "Content-Type: message/rfc822", "Content-Transfer-Encoding: 8bit", "",
    b"Subject: raw " + CAFE, "Content-Type: multipart/mixed; boundary=e", "",
    "--e", "", b"in " + CAFE, "--e--",
    "--d", "", "Subject: three", "", b"no MIME at all " + CAFE,
    "--d--")

PLAIN = message("Subject: old", "", CAFE, "", "two ", CAFE * 30)
CHINESE = message("MIME-Version: 1.0",
                  "Content-Type: text/plain; charset=utf-8",
                  "Content-Transfer-Encoding: 8bit", "",
                  "消息" * 200, "消息")
SIGNED = message(
    "MIME-Version: 1.0", "Content-Type: multipart/signed; boundary=s;",
    " micalg=x; protocol=\"application/x\"", "",
    "--s", "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: 8bit", "", CAFE,
    "--s", "Content-Type: application/x", "", "signature", "--s--")
DIRTY = message(
    "MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=q", "",
    "--q", "Content-Type: text/plain",
    "Content-Transfer-Encoding: quoted-printable", "",
    b"a=3Db \xe9 soft=", "end",
    "--q--")
NO_END = message(
    "MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=q", "",
    "--q", "Content-Type: text/plain; charset=utf-8", "",
    CAFE)[:-2]
EMPTY_PART = message(
    "MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=q", "",
    "--q", "Content-Type: text/plain; charset=utf-8",
    "--q", "", "--q", "Content-Type: text/html", "", CAFE, "", "--q--")
SAMPLES = {"mixed": MIXED, "nested": NESTED, "plain": PLAIN,
           "chinese": CHINESE, "signed": SIGNED, "dirty": DIRTY,
           "no end": NO_END, "empty part": EMPTY_PART}
IMPOSSIBLE = {
    "encoding": message("MIME-Version: 1.0",
                        "Content-Transfer-Encoding: x-uuencode", "", CAFE),
    "no boundary": message("MIME-Version: 1.0",
                           "Content-Type: multipart/mixed", "", CAFE),
    "long header": message(b"X: " + b"x" * 300000, "", CAFE),
}
BINARY = message(
    "MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=b",
    "Content-Transfer-Encoding: binary", "",
    "--b", "Content-Type: application/octet-stream",
    "Content-Transfer-Encoding: binary", "",
    bytes(range(256)) * 40 + b"\r\r\n\n\n\r--c \r", b"\0",
    "--b", "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: 8bit", "", CAFE,
    "--b", "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: binary", "", "y" * 3000 + "\n" + "é",
    "--b--")


class ConvertTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()

    def tearDown(self):
        self.folder.cleanup()

    def run_driver(self, text, target="7", piece=4096, code=0):
        path = os.path.join(self.folder.name, "m")
        with open(path, "wb") as file:
            file.write(text)
        done = subprocess.run([DRIVER, target, str(piece), path],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        self.flags = done.stderr.decode()
        return done.stdout

    def check_lines(self, text, limit=998):
        self.assertTrue(text.endswith(b"\n"))
        for line in text.split(b"\r\n"):
            self.assertNotIn(b"\n", line)
            self.assertNotIn(b"\r", line)
            self.assertLessEqual(len(line), limit)

    def test_every_leaf_keeps_its_bytes(self):
        for name, text in SAMPLES.items():
            with self.subTest(name):
                out = self.run_driver(text)
                self.assertTrue(out.isascii())
                # Python takes the masked byte of "dirty" for what it was.
                self.assertEqual(leaves(out), leaves(text))
                self.assertNotIn(b"encoding: 8bit", out.lower())
                for piece in (1, 2, 3, 7, 2047, 2048, 2049):
                    self.assertEqual(self.run_driver(text, piece=piece), out)

    def test_encodings_are_chosen_by_content(self):
        self.assertIn(b"Encoding: base64", self.run_driver(CHINESE))
        self.assertIn(b"Encoding: quoted-printable",
                      self.run_driver(message("", "almost all " * 9, CAFE)))
        plain = self.run_driver(PLAIN)
        self.assertIn(b"MIME-Version: 1.0\r\n", plain)
        self.assertIn(b"charset=unknown-8bit", plain)
        self.assertIn(b"message/global", self.run_driver(NESTED))
        self.assertIn(b"soft=\r\nend", self.run_driver(DIRTY))

    def test_what_is_7bit_passes_unchanged(self):
        text = message("Subject: x", "Content-Type: text/plain", "", "a ", "=")
        self.assertEqual(self.run_driver(text), text)
        for path in glob.glob(os.path.join(SOURCE, "tests/fuzz/corpus/mime",
                                           "*.eml")):
            with open(path, "rb") as file:
                text = file.read()
            text = text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            if text.isascii() and b": 8bit" not in text.lower() and \
                    max(map(len, text.split(b"\r\n"))) < 998:
                self.assertEqual(self.run_driver(text), text, path)

    def test_what_cannot_be_done_is_said(self):
        for name, text in IMPOSSIBLE.items():
            with self.subTest(name):
                self.run_driver(text, code=2)

    def test_8bit_headers_are_found(self):
        self.run_driver(message(b"Subject: " + CAFE, "", "x"), code=0)
        self.assertIn("8bit=1 header=1 inside=0", self.flags)
        self.run_driver(NESTED)
        self.assertIn("8bit=1 header=0 inside=1", self.flags)
        self.run_driver(PLAIN)
        self.assertIn("8bit=1 header=0 inside=0", self.flags)

    def test_binary_for_hosts_with_8bit_and_with_7bit(self):
        for target in "78":
            out = self.run_driver(BINARY, target)
            self.assertIn("binary=1", self.flags)
            self.assertEqual(leaves(out), leaves(BINARY))
            self.check_lines(out)
            self.assertNotIn(b"encoding: binary", out.lower())
            self.assertEqual(out.isascii(), target == "7")
            for piece in (1, 3, 2048):
                self.assertEqual(self.run_driver(BINARY, target, piece), out)

    def test_a_large_message_is_no_matter(self):
        text = message("MIME-Version: 1.0",
                       "Content-Type: application/octet-stream",
                       "Content-Transfer-Encoding: binary", "",
                       os.urandom(3_000_000))
        out = self.run_driver(text)
        self.assertEqual(leaves(out), leaves(text))
        self.check_lines(out, 76)


if __name__ == "__main__":
    unittest.main()

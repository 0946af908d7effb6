#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""relay against a host that resets the connection at every byte.

Each byte that the host says and each that it hears is a place to end at: no
message may be called delivered that the host has not, none may be returned,
and only after the whole message was heard (window W2) may it come twice.
"""

import os
import socket
import struct
import sys
import threading
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import test_relay  # noqa: E402

PLAIN = ["250 host"]
FULL = ["250-host", "250-PIPELINING", "250-SIZE 1000000", "250 8BITMIME"]
CHUNKS = ["250-host", "250-PIPELINING", "250 CHUNKING"]


class Reset(Exception):
    pass


class Host:
    """One dialogue; ends by a reset after so many bytes of one direction."""

    def __init__(self, sock, ehlo, says=None, hears=None):
        self.sock, self.ehlo, self.says, self.hears = sock, ehlo, says, hears
        self.said = self.heard = 0
        self.has_all = self.is_answered = False
        self.buffer = b""
        self.sock.settimeout(20)

    def say(self, *lines):
        data = "".join(line + "\r\n" for line in lines).encode()
        if self.says is not None and self.said + len(data) >= self.says:
            self.sock.sendall(data[:self.says - self.said])
            raise Reset
        self.sock.sendall(data)
        self.said += len(data)

    def hear(self, count):
        data = b""
        while len(data) < count:
            if self.hears is not None and self.heard == self.hears:
                raise Reset
            byte = self.sock.recv(1)
            if not byte:
                raise Reset
            data += byte
            self.heard += 1
        return data

    def line(self):
        line = b""
        while not line.endswith(b"\r\n"):
            line += self.hear(1)
        return line

    def body(self, line):
        if line.startswith(b"BDAT"):
            self.hear(int(line.split()[1]))
            return line.endswith(b"LAST\r\n")
        self.say("354 go")
        while self.line() != b".\r\n":
            pass
        return True

    def talk(self):
        try:
            self.say("220 host")
            while not self.has_all:
                line = self.line()
                if line.startswith(b"EHLO"):
                    self.say(*self.ehlo)
                elif line.startswith((b"DATA", b"BDAT")):
                    self.has_all = self.body(line)
                else:
                    self.say("250 ok")
            self.say("250 2.0.0 taken")
            self.is_answered = True
        except (Reset, OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 struct.pack("ii", 1, 0))
        self.sock.close()


class ResetTest(test_relay.RelayTest):
    def play(self, ehlo, plans):
        """One message and one connection per plan: the hosts, verdicts."""
        hosts = []
        with socket.create_server(("127.0.0.1", 0), backlog=16) as server:
            server.settimeout(60)

            def serve():
                for plan in plans:
                    host = Host(server.accept()[0], ehlo, **plan)
                    hosts.append(host)
                    host.talk()

            thread = threading.Thread(target=serve)
            thread.start()
            verdicts = self.relay(
                "[127.0.0.1]:%d" % server.getsockname()[1],
                *[test_relay.SHORT] * len(plans), program="relay",
                options=("-t", test_relay.NONE))
            thread.join(60)
        return hosts, verdicts

    def check(self, ehlo):
        (host,), (verdict,) = self.play(ehlo, [{}])
        self.assertEqual(verdict[0], "D")
        plans = [{"says": n} for n in range(host.said)]
        plans += [{"hears": n} for n in range(host.heard)]
        for start in range(0, len(plans), 90):
            some = plans[start:start + 90]
            hosts, verdicts = self.play(ehlo, some)
            self.assertEqual(len(verdicts), len(some))
            for plan, host, verdict in zip(some, hosts, verdicts):
                told = (plan, host.has_all, verdict)
                self.assertFalse(host.is_answered, told)
                self.assertEqual(verdict[0], "T", told)
                if host.has_all:
                    self.assertIn("may be sent twice", verdict[3], told)
        return len(plans)

    def test_a_reset_at_every_byte(self):
        for ehlo in (PLAIN, FULL, CHUNKS):
            self.assertGreater(self.check(ehlo), 150)


if __name__ == "__main__":
    suite = unittest.defaultTestLoader.loadTestsFromName(
        "test_a_reset_at_every_byte", ResetTest)
    sys.exit(not unittest.TextTestRunner().run(suite).wasSuccessful())

# SPDX-License-Identifier: ISC
"""A mail filter of the milter protocol, written from its description.

It answers what the test says: answers maps a stage ("O C H M R T L N B E")
to bytes, a list of bytes, or a function of the packet's data that gives
them. Everything heard is kept in heard, one list per connection.
"""

import socket
import struct
import threading

VERSION = 6
ALL_ACTIONS = 0x1FF
# No reply to all but the end, as rspamd has it; and the leading space.
SILENT = (0x80 | 0x1000 | 0x2000 | 0x4000 | 0x8000 | 0x10000 | 0x40000
          | 0x80000)
LEADING_SPACE = 0x100000
SKIP = 0x400
CLOSE = object()  # as an answer: end the connection
SILENCE = b""     # say nothing


def packet(command, data=b""):
    return struct.pack(">I", len(data) + 1) + command + data


def text(*parts):
    return b"".join(part.encode() + b"\0" for part in parts)


def header(command, name, value, index=None):
    number = b"" if index is None else struct.pack(">I", index)
    return packet(command, number + text(name, value))


def offer(version=VERSION, actions=ALL_ACTIONS, steps=0, symbols=b""):
    return packet(b"O", struct.pack(">III", version, actions, steps)
                  + symbols)


CONTINUE = packet(b"c")


class Milter:
    def __init__(self, path=None, actions=ALL_ACTIONS, steps=0, symbols=b"",
                 **answers):
        self.answers = {name.encode(): value
                        for name, value in answers.items()}
        self.answers.setdefault(b"O", offer(actions=actions, steps=steps,
                                            symbols=symbols))
        self.steps = steps
        self.heard = []
        if path:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(path)
            self.address = "unix:" + path
        else:
            self.listener = socket.socket()
            self.listener.bind(("127.0.0.1", 0))
            self.address = "inet:127.0.0.1:%d" % \
                self.listener.getsockname()[1]
        self.listener.listen(16)
        self.is_open = True
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.is_open = False
        # accept(2) does not end with its socket's close.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)

    def serve(self):
        while self.is_open:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            heard = []
            self.heard.append(heard)
            threading.Thread(target=self.talk, args=(connection, heard),
                             daemon=True).start()

    def talk(self, connection, heard):
        with connection, connection.makefile("rb") as stream:
            try:
                while True:
                    head = stream.read(4)
                    if len(head) < 4:
                        return
                    data = stream.read(struct.unpack(">I", head)[0])
                    heard.append((data[:1], data[1:]))
                    if not self.answer(connection, data[:1], data[1:]):
                        return
            except (OSError, ValueError):
                return

    def answer(self, connection, command, data):
        if command == b"Q":
            return False
        if command in b"DA":
            return True
        answer = self.answers.get(command)
        if answer is None:
            answer = SILENCE if self.is_silent(command) else CONTINUE
        if callable(answer):
            answer = answer(data)
        if answer is CLOSE:
            return False
        if isinstance(answer, list):
            answer = b"".join(answer)
        if answer:
            connection.sendall(answer)
        return True

    def is_silent(self, command):
        bits = {b"L": 0x80, b"C": 0x1000, b"H": 0x2000, b"M": 0x4000,
                b"R": 0x8000, b"T": 0x10000, b"N": 0x40000, b"B": 0x80000}
        return bool(self.steps & bits.get(command, 0))

    def commands(self, connection=0):
        """The letters heard, macros left out."""
        return b"".join(c for c, _ in self.heard[connection] if c != b"D")

    def first(self, command, connection=0):
        return next(d for c, d in self.heard[connection] if c == command)

    def macros(self, stage, connection=0):
        found = {}
        for command, data in self.heard[connection]:
            if command == b"D" and data[:1] == stage:
                words = data[1:].split(b"\0")[:-1]
                found.update(zip(words[::2], words[1::2]))
        return found

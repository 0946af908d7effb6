# SPDX-License-Identifier: ISC
"""IMAP by hand: one connection, whole responses, parsed into lists."""

import re
import socket

ATOM = re.compile(rb"[^\s()\"{\[\]]+")


class Closed(Exception):
    """The server ended the connection."""


def parse(data):
    """A response as nested lists: strings are bytes, NIL is None, atoms are
    str; BODY[...] with its section is one atom."""
    stack, at = [[]], 0
    while at < len(data):
        char = data[at:at + 1]
        if char in b" \r\n":
            at += 1
        elif char == b"(":
            stack.append([])
            at += 1
        elif char == b")" and len(stack) > 1:
            done = stack.pop()
            stack[-1].append(done)
            at += 1
        elif char == b'"':
            text = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.S).match(data, at)
            stack[-1].append(re.sub(rb"\\(.)", rb"\1", text.group(1)))
            at = text.end()
        elif char == b"{":
            size = re.compile(rb"\{(\d+)\}\r\n").match(data, at)
            end = size.end() + int(size.group(1))
            stack[-1].append(data[size.end():end])
            at = end
        else:
            word = re.compile(rb"BODY\[[^\]]*\](<\d+>)?|[^\s()\"]+",
                              re.I).match(data, at)
            text = word.group(0)
            stack[-1].append(None if text.upper() == b"NIL"
                             else text.decode("latin-1"))
            at = word.end()
    assert len(stack) == 1, "parentheses: %r" % data[:400]
    return stack[0]


class Imap:
    def __init__(self, sock, timeout=30):
        self.sock = sock
        sock.settimeout(timeout)
        self.buffer = b""
        self.count = 0
        self.greeting = None

    @classmethod
    def connect(cls, address, port, user=None, password="secret"):
        one = cls(socket.create_connection((address, port), 30))
        one.greeting = one.response()
        if user:
            one.ok("LOGIN %s %s" % (user, password))
        return one

    def more(self):
        data = self.sock.recv(65536)
        if not data:
            raise Closed(self.buffer)
        self.buffer += data

    def line(self):
        while b"\n" not in self.buffer:
            self.more()
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line + b"\n"

    def take(self, count):
        while len(self.buffer) < count:
            self.more()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def response(self):
        """One response with its literals."""
        whole = b""
        while True:
            line = self.line()
            whole += line
            size = re.search(rb"\{(\d+)\}\r\n$", line)
            if not size:
                return whole
            whole += self.take(int(size.group(1)))

    def send(self, data):
        self.sock.sendall(data if isinstance(data, bytes)
                          else data.encode("latin-1"))

    def until(self, tag):
        """Untagged responses and the tagged one without its tag."""
        untagged = []
        prefix = tag.encode() + b" "
        while True:
            response = self.response()
            if response.startswith(prefix):
                return untagged, response[len(prefix):].rstrip(b"\r\n")
            untagged.append(response)

    def say(self, command):
        """A command; "{n}" literals wait when they stand at line ends."""
        self.count += 1
        tag = "t%d" % self.count
        if isinstance(command, str):
            command = command.encode("latin-1")
        pieces = re.split(rb"(?<=\})\r\n", command)
        self.send(tag.encode() + b" " + pieces[0] + b"\r\n")
        untagged = []
        for piece in pieces[1:]:
            while True:
                response = self.response()
                if response.startswith(b"+"):
                    break
                if response.startswith(tag.encode() + b" "):
                    return untagged, response[len(tag) + 1:].rstrip()
                untagged.append(response)
            self.send(piece + b"\r\n")
        more, status = self.until(tag)
        return untagged + more, status

    def ok(self, command):
        untagged, status = self.say(command)
        assert status.startswith(b"OK"), (command, status)
        return untagged

    def no(self, command, text=b"NO"):
        untagged, status = self.say(command)
        assert status.startswith(text), (command, status)
        return status

    def bad(self, command):
        return self.no(command, b"BAD")

    def fetch(self, what, numbers="1:*", is_uid=False):
        """number -> {item: value} of the FETCH responses."""
        found = {}
        for response in self.ok("%sFETCH %s %s" % ("UID " if is_uid else "",
                                                   numbers, what)):
            words = parse(response)
            if len(words) == 4 and words[2] == "FETCH":
                items = dict(zip(words[3][::2], words[3][1::2]))
                found.setdefault(int(words[1]), {}).update(items)
        return found

    def search(self, keys):
        for response in self.ok("SEARCH " + keys):
            if response.startswith(b"* SEARCH"):
                return [int(word) for word in response.split()[2:]]
        return None

    def close(self):
        self.sock.close()

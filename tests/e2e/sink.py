#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""An SMTP server that takes mail and misbehaves as told.

As a module: with Sink(**knobs) as sink: ... sink.port, sink.messages.
As a program: sink.py [--port N] [--address A] [--directory D] [KNOB=VALUE...]
prints its port, then one JSON line per message; VALUE is JSON or a string.

Knobs and defaults are in KNOBS below. A message is a dict: mail_from,
rcpt_to, data (bytes, dots undone), raw (as on the wire), chunks (sizes, of
BDAT), is_tls, client (subject of its certificate), login, peer (address),
connection (number), commands (all of this connection so far).
"""

import base64
import contextlib
import json
import os
import re
import socket
import socketserver
import ssl
import subprocess
import sys
import tempfile
import threading
import time

KNOBS = {
    "hostname": "sink.test",
    "greeting": "",         # "554 no": instead of "220 hostname ESMTP"
    "ehlo": True,           # False: EHLO is unknown, HELO works
    "extensions": ["PIPELINING", "8BITMIME", "SIZE 52428800",
                   "ENHANCEDSTATUSCODES"],
    "lmtp": {},             # {regular expression on the recipient: reply}:
                            # LHLO, a reply for each recipient at the end
    "starttls": False,      # offer STARTTLS, with a certificate of our own
    "implicit_tls": False,  # TLS before the greeting
    "certificate": "",      # cert.pem and key.pem in this directory, made
                            # when they are not there
    "client_ca": "",        # ask clients for a certificate of these
    "broken_tls": False,    # say 220 to STARTTLS, then talk rubbish
    "injected": "",         # sent right behind the reply to STARTTLS
    "auth": "",             # "user:password", offered as PLAIN and LOGIN
    "auth_methods": "PLAIN LOGIN",
    "auth_needs_tls": False,
    "mail": "",             # reply to MAIL: "451 4.7.1 later"
    "refuse": {},           # {regular expression on the recipient: reply}
    "max_rcpt": 0,          # then 452 4.5.3
    "data": "",             # reply to DATA instead of 354
    "end": "",              # reply to the end of data
    "chunk": "",            # reply to each chunk but the last
    "drop": "",             # close at: GREETING EHLO MAIL RCPT DATA BODY END
    "drop_after": 0,        # close after this many messages
    "slow": 0,              # seconds before each reply
    "line_end": "\r\n",
    "long_line": 0,         # bytes put at the end of each reply
}


def make_certificate(directory, name="sink.test"):
    """Paths of a self-made certificate and its key."""
    paths = [os.path.join(directory, n) for n in ("cert.pem", "key.pem")]
    if os.path.exists(paths[0]):
        return paths
    subprocess.run(
        ["openssl", "req", "-x509", "-nodes", "-days", "2",
         "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-subj", "/CN=" + name,
         "-addext", "subjectAltName=DNS:%s,IP:127.0.0.1" % name,
         "-out", paths[0], "-keyout", paths[1]],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return paths


class Closed(Exception):
    pass


class Session(socketserver.BaseRequestHandler):
    def setup(self):
        self.buffer, self.position = b"", 0
        self.commands, self.is_tls, self.login = [], False, None
        self.client = {}
        self.sent = 0
        self.reset()
        with self.server.lock:
            self.server.connections += 1
            self.number = self.server.connections

    def finish(self):
        self.request.close()

    def reset(self):
        self.mail_from, self.rcpt_to = None, []
        self.chunks = []

    def reply(self, text):
        knobs = self.server.knobs
        time.sleep(knobs["slow"])
        end = "x" * knobs["long_line"] + knobs["line_end"]
        self.request.sendall("".join(
            line + end for line in text.split("\n")).encode())

    def read_line(self):
        while True:
            end = self.buffer.find(b"\n", self.position) + 1
            if end > 0:
                line = self.buffer[self.position:end]
                self.position = end
                return line
            more = self.request.recv(65536)
            if not more:
                raise Closed
            self.buffer = self.buffer[self.position:] + more
            self.position = 0

    def read_bytes(self, count):
        while len(self.buffer) - self.position < count:
            more = self.request.recv(65536)
            if not more:
                raise Closed
            self.buffer = self.buffer[self.position:] + more
            self.position = 0
        data = self.buffer[self.position:self.position + count]
        self.position += count
        return data

    def drop(self, stage):
        if self.server.knobs["drop"] == stage:
            raise Closed

    def handle(self):
        try:
            if self.server.knobs["implicit_tls"]:
                self.start_tls()
            self.drop("GREETING")
            self.reply(self.server.knobs["greeting"] or
                       "220 %s ESMTP" % self.server.knobs["hostname"])
            while True:
                line = self.read_line().decode("latin-1").rstrip("\r\n")
                self.commands.append(line)
                verb = re.split("[ :]", line)[0].upper()
                getattr(self, "do_" + verb, self.do_unknown)(line)
        except (Closed, OSError, ssl.SSLError):
            pass

    def do_unknown(self, line):
        self.reply("502 5.5.1 unknown")

    def do_HELO(self, line):
        self.reply("250 " + self.server.knobs["hostname"])

    def do_LHLO(self, line):
        if not self.server.knobs["lmtp"]:
            return self.do_unknown(line)
        return self.do_EHLO(line)

    def do_EHLO(self, line):
        knobs = self.server.knobs
        self.drop("EHLO")
        if not knobs["ehlo"]:
            return self.do_unknown(line)
        lines = [knobs["hostname"]] + list(knobs["extensions"])
        if (knobs["starttls"] or knobs["broken_tls"]) and not self.is_tls:
            lines.append("STARTTLS")
        if knobs["auth"] and (self.is_tls or not knobs["auth_needs_tls"]):
            lines.append("AUTH " + knobs["auth_methods"])
        self.reply("\n".join(
            "250%s%s" % ("-" if text is not lines[-1] else " ", text)
            for text in lines))

    def do_STARTTLS(self, line):
        knobs = self.server.knobs
        if self.is_tls or not (knobs["starttls"] or knobs["broken_tls"]):
            return self.reply("503 5.5.1 not now")
        self.request.sendall(("220 go ahead\r\n" + knobs["injected"]).encode())
        if knobs["broken_tls"]:
            self.request.recv(65536)
            self.request.sendall(b"this is no TLS\r\n" * 10)
            raise Closed
        self.start_tls()

    def start_tls(self):
        self.request = self.server.context.wrap_socket(
            self.request, server_side=True)
        self.client = self.request.getpeercert() or {}
        self.is_tls, self.buffer, self.position = True, b"", 0
        self.reset()

    def do_AUTH(self, line):
        words = line.split(" ")
        if words[1].upper() in ("XOAUTH2", "OAUTHBEARER"):
            return self.auth_token(base64.b64decode(words[2]).decode())
        if words[1].upper() == "PLAIN":
            _, user, password = base64.b64decode(words[2]).split(b"\0")
        else:
            self.reply("334 VXNlcm5hbWU6")
            user = base64.b64decode(self.read_line())
            self.reply("334 UGFzc3dvcmQ6")
            password = base64.b64decode(self.read_line())
        given = (user + b":" + password).decode()
        if given != self.server.knobs["auth"]:
            return self.reply("535 5.7.8 wrong")
        self.login = user.decode()
        self.reply("235 2.7.0 ok")

    def auth_token(self, text):
        user = re.search("(?:a=|user=)([^,\1]*)", text).group(1)
        token = re.search("\1auth=Bearer ([^\1]*)\1\1$", text).group(1)
        if user + ":" + token != self.server.knobs["auth"]:
            self.reply("334 eyJzdGF0dXMiOiI0MDEifQ==")
            self.read_line()
            return self.reply("535 5.7.8 wrong token")
        self.login = user
        self.reply("235 2.7.0 ok")

    def do_MAIL(self, line):
        self.drop("MAIL")
        if self.server.knobs["mail"]:
            return self.reply(self.server.knobs["mail"])
        if self.mail_from is not None:
            return self.reply("503 5.5.1 nested MAIL")
        self.mail_from = re.search("<(.*?)>", line).group(1)
        self.reply("250 2.1.0 ok")

    def do_RCPT(self, line):
        self.drop("RCPT")
        address = re.search("<(.*)>", line).group(1)
        for pattern, text in self.server.knobs["refuse"].items():
            if re.search(pattern, address):
                return self.reply(text)
        if self.mail_from is None:
            return self.reply("503 5.5.1 MAIL first")
        if len(self.rcpt_to) == self.server.knobs["max_rcpt"] != 0:
            return self.reply("452 4.5.3 too many")
        self.rcpt_to.append(address)
        self.reply("250 2.1.5 ok")

    def do_DATA(self, line):
        self.drop("DATA")
        if self.server.knobs["data"]:
            return self.reply(self.server.knobs["data"])
        if not self.rcpt_to:
            return self.reply("503 5.5.1 RCPT first")
        self.reply("354 go ahead")
        self.drop("BODY")
        lines = [b"\r\n"]
        while not (lines[-1] == b".\r\n" and lines[-2].endswith(b"\r\n")):
            lines.append(self.read_line())
        raw = b"".join(lines[1:])
        self.take(raw, re.sub(rb"(?:^|(?<=\r\n))\.", b"", raw[:-3]))

    def do_BDAT(self, line):
        words = line.split(" ")
        data = self.read_bytes(int(words[1]))
        self.drop("DATA")
        if not self.rcpt_to:
            return self.reply("503 5.5.1 RCPT first")
        self.chunks.append(data)
        if len(words) < 3:
            self.drop("BODY")
            if self.server.knobs["chunk"]:
                self.reset()
            return self.reply(self.server.knobs["chunk"] or "250 2.0.0 more")
        data = b"".join(self.chunks)
        self.take(data, data)

    def take(self, raw, data):
        self.drop("END")
        if self.server.knobs["end"]:
            self.reset()
            return self.reply(self.server.knobs["end"])
        self.sent += 1
        replies = ["250 2.0.0 ok: message %d"
                   % (len(self.server.messages) + 1)]
        if self.server.knobs["lmtp"]:
            replies = [next((text for pattern, text
                             in self.server.knobs["lmtp"].items()
                             if re.search(pattern, address)), replies[0])
                       for address in self.rcpt_to]
        self.server.add({
            "mail_from": self.mail_from, "rcpt_to": self.rcpt_to,
            "data": data, "raw": raw, "is_tls": self.is_tls,
            "client": self.client.get("subject"),
            "login": self.login, "peer": self.client_address[0],
            "connection": self.number,
            "chunks": [len(chunk) for chunk in self.chunks],
            "commands": list(self.commands)})
        self.reset()
        for text in replies:
            self.reply(text)
        if self.sent == self.server.knobs["drop_after"]:
            raise Closed

    def do_RSET(self, line):
        self.reset()
        self.reply("250 2.0.0 ok")

    def do_NOOP(self, line):
        self.reply("250 2.0.0 ok")

    def do_QUIT(self, line):
        self.reply("221 2.0.0 bye")
        raise Closed


class Sink(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address="127.0.0.1", port=0, on_message=None, **knobs):
        unknown = set(knobs) - set(KNOBS)
        if unknown:
            raise TypeError("no such knob: %s" % ", ".join(unknown))
        self.knobs = dict(KNOBS, **knobs)
        self.messages, self.lock, self.connections = [], threading.Lock(), 0
        self.on_message = on_message
        if self.knobs["starttls"] or self.knobs["implicit_tls"]:
            with tempfile.TemporaryDirectory() as directory:
                directory = self.knobs["certificate"] or directory
                self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                self.context.load_cert_chain(*make_certificate(directory))
            if self.knobs["client_ca"]:
                self.context.load_verify_locations(self.knobs["client_ca"])
                self.context.verify_mode = ssl.CERT_OPTIONAL
        if ":" in address:
            self.address_family = socket.AF_INET6
        super().__init__((address, port), Session)
        self.port = self.server_address[1]

    def add(self, message):
        with self.lock:
            self.messages.append(message)
            if self.on_message:
                self.on_message(message)

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.01,),
                         daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


@contextlib.contextmanager
def hanging_host():
    """It takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        yield listener.getsockname()[1]


def main(arguments):
    options = {"port": "0", "address": "127.0.0.1", "directory": ""}
    knobs = {}
    while arguments:
        word = arguments.pop(0)
        if word.startswith("--") and word[2:] in options and arguments:
            options[word[2:]] = arguments.pop(0)
            continue
        name, sep, value = word.partition("=")
        if not sep:
            sys.exit(__doc__)
        try:
            knobs[name] = json.loads(value)
        except ValueError:
            knobs[name] = value

    def show(message):
        if options["directory"]:
            name = os.path.join(options["directory"],
                                "%04d" % len(sink.messages))
            with open(name, "wb") as file:
                file.write(message["data"])
        print(json.dumps({k: v.decode("latin-1") if isinstance(v, bytes) else v
                          for k, v in message.items()}), flush=True)

    sink = Sink(options["address"], int(options["port"]), show, **knobs)
    print(sink.port, flush=True)
    try:
        sink.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main(sys.argv[1:])

# SPDX-License-Identifier: ISC
"""PROXY protocol: HAProxy, curl and swaks in front of every service."""

import contextlib
import os
import socket
import ssl
import struct
import subprocess
import time

import pytest

import server
import starters
from server import Wire, wait_for

CONTEXT = ssl.create_default_context()
CONTEXT.check_hostname = False
CONTEXT.verify_mode = ssl.CERT_NONE
GREETINGS = {"smtp": "220 ", "submission": "220 ", "submissions": "220 ",
             "pop3": "+OK ", "pop3s": "+OK ", "imap": "* OK ",
             "imaps": "* OK "}
SETTINGS = {"proxy_networks": "127.0.0.1", "mynetworks": "127.0.0.1",
            "cleartext_auth": "127.0.0.77"}
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v1(source, port=4000):
    return ("PROXY TCP4 %s 192.0.2.1 %d 25\r\n" % (source, port)).encode()


def v2(source, port=4000, tlvs=b""):
    body = (socket.inet_aton(source) + socket.inet_aton("192.0.2.1") +
            struct.pack(">HH", port, 25) + tlvs)
    return SIGNATURE + b"\x21\x11" + struct.pack(">H", len(body)) + body


LOCAL = SIGNATURE + b"\x20\0\0\0"


def prepared(make_host, **settings):
    host = make_host(settings=dict(SETTINGS, **settings))
    host.add_user("mahen@" + host.hostname)
    return host


def speak(host, service, header, source="127.0.0.1"):
    """Connected behind a header, TLS where the service has it."""
    sock = socket.create_connection((host.address, host.ports[service]), 30,
                                    (source, 0))
    sock.sendall(header)
    if service.endswith("s"):
        sock = CONTEXT.wrap_socket(sock)
    return Wire(sock)


def relay_code(wire):
    wire.say("EHLO relay-test.invalid")
    wire.say("MAIL FROM:<a@relay-test.invalid>")
    return wire.say("RCPT TO:<victim@elsewhere.invalid>")[:3]


@pytest.mark.parametrize("way", starters.WAYS)
def test_each_service_sees_the_client_in_each_way(make_host, way):
    host = prepared(make_host)
    with starters.running(way, host):
        number = 0
        for service, greeting in GREETINGS.items():
            for header in (v1, v2):
                number += 1
                client = "203.0.113.%d" % number
                wire = speak(host, service, header(client))
                assert wire.line().startswith(greeting), (service, header)
                wire.close()
                host.wait_log("proxied by 127.0.0.1 for " + client)


def test_rights_are_those_of_the_client(make_host):
    host = prepared(make_host).start()
    # The proxy itself may relay, whom it speaks for may not, and so on.
    for header, expected in ((LOCAL, "250"), (b"PROXY UNKNOWN\r\n", "250"),
                             (v1("127.0.0.1"), "250"),
                             (v1("127.0.0.2"), "550"),
                             (v2("203.0.113.9"), "550")):
        wire = speak(host, "smtp", header)
        wire.line()
        assert relay_code(wire) == expected, header
        wire.close()
    for client, offered in (("127.0.0.77", True), ("127.0.0.78", False)):
        wire = speak(host, "submission", v2(client))
        wire.line()
        assert ("250-AUTH " in wire.say("EHLO x")) == offered
        wire.close()
    # What is pipelined behind the header is the session's, byte for byte.
    wire = speak(host, "smtp", v2("203.0.113.9", tlvs=b"\x04\0\x03\0\0\0") +
                 b"EHLO x\r\nQUIT\r\n")
    assert wire.line().startswith("220 ")
    assert wire.reply().endswith("HELP")
    assert wire.line().startswith("221 ")
    wire.close()


def test_who_is_not_listed_speaks_for_itself_alone(make_host):
    host = prepared(make_host).start()
    wire = speak(host, "smtp", b"", source="127.0.0.2")
    assert wire.line().startswith("220 ")
    wire.send(v1("127.0.0.1"))
    assert wire.line().startswith("500 5.5.1")
    assert relay_code(wire) == "550"
    wire.close()
    # A binary one first: whatever it is, it is no header here.
    wire = speak(host, "smtp", v2("127.0.0.1"), source="127.0.0.2")
    assert wire.line().startswith("220 ")
    assert "proxied" not in host.read_log()
    wire.close()


def test_another_machines_loopback_is_not_ours(make_host):
    host = prepared(make_host, proxy_networks="10.99.0.0/24")
    if not server.IS_ROOT:
        pytest.skip("needs a network namespace")
    network = server.Network()
    try:
        near = network.add("near", "10.99.0.1")
        far = network.add("far", "10.99.0.2")
        host.namespace, host.address = near, near.address
        host.ports = dict(server.STANDARD)
        host.write_conf(dict(SETTINGS, proxy_networks="10.99.0.0/24"))
        host.start()
        code = ("import sys,socket;s=socket.create_connection(('10.99.0.1',"
                "25),20);s.sendall(b'PROXY TCP4 127.0.0.1 127.0.0.1 5 25"
                "\\r\\n');f=s.makefile('rwb',0);f.readline();"
                "[(f.write(l+b'\\r\\n'),f.readline()) for l in "
                "(b'HELO x',b'MAIL FROM:<a@b.example>')];"
                "f.write(b'RCPT TO:<v@elsewhere.invalid>\\r\\n');"
                "print(f.readline().decode())")
        out = server.run(*far.command("/usr/bin/python3", "-c", code)).stdout
        assert out.startswith("550 5.7.1"), out
    finally:
        host.stop()
        network.remove()


@pytest.mark.parametrize("bad", [
    b"EHLO client.example\r\n", b"PROXY TCP4 1.2.3.4\r\n",
    b"PROXY TCP4 1.2.3.4 5.6.7.8 1 70000\r\n" + b"x" * 100,
    b"PROXY TCP4 " + b"1" * 200, SIGNATURE + b"\x21\x11\xff\xff",
    SIGNATURE + b"\x21\x31\0\0", b"PROXY UNKN", b"\r\n\r\n", b""],
    ids=repr)
def test_malformed_or_late_headers_close_without_a_word(make_host, bad):
    host = prepared(make_host).start()
    for service in ("smtp", "imaps", "pop3"):
        sock = socket.create_connection((host.address, host.ports[service]),
                                        30)
        began = time.monotonic()
        sock.sendall(bad)
        if bad[:1] in (b"E",) or len(bad) > 15:
            limit = 4
        else:
            limit = 15
        assert Wire(sock).rest() == b""
        assert time.monotonic() - began < limit
        sock.close()
        if limit > 4:
            break
    host.wait_log("no PROXY header from 127.0.0.1: closed")
    # Nothing is left, and the next one is served.
    wire = speak(host, "smtp", v1("203.0.113.9"))
    assert wire.line().startswith("220 ")
    wire.close()


HAPROXY = """\
global
    maxconn 200
    log stdout format raw daemon
defaults
    mode tcp
    timeout connect 10s
    timeout client 60s
    timeout server 60s
"""


def wait_port(port):
    def is_open():
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 5).close()
            return True
        return False

    wait_for(is_open, "HAProxy on port %d" % port)


@pytest.fixture(params=("send-proxy", "send-proxy-v2",
                        "send-proxy-v2 proxy-v2-options crc32c,unique-id"))
def haproxy(request, make_host, folder):
    """A host and HAProxy before it; host.ports are HAProxy's."""
    if not os.access("/usr/sbin/haproxy", os.X_OK):
        pytest.skip("no haproxy: tests/install-packages test")
    host = prepared(make_host).start()
    front = dict(zip(host.ports, server.free_ports(len(host.ports))))
    conf = os.path.join(folder, "haproxy.cfg")
    with open(conf, "w") as out:
        out.write(HAPROXY)
        for service, port in front.items():
            out.write("listen %s\n    bind 127.0.0.1:%d\n"
                      "    server one 127.0.0.1:%d %s\n" %
                      (service, port, host.ports[service], request.param))
    with open(os.path.join(folder, "log"), "wb") as log:
        process = subprocess.Popen(
            ["/usr/sbin/haproxy", "-db", "-f", conf], stdout=log, stderr=log,
            stdin=subprocess.DEVNULL)
    try:
        wait_port(front["smtp"])
        host.real_ports, host.ports = host.ports, front
        yield host
    finally:
        process.terminate()
        process.wait(30)


def test_haproxy_tells_the_client(haproxy):
    host = haproxy
    for number, (service, greeting) in enumerate(GREETINGS.items()):
        client = "127.0.0.%d" % (80 + number)
        wire = speak(host, service, b"", source=client)
        assert wire.line().startswith(greeting), service
        wire.close()
        host.wait_log("proxied by 127.0.0.1 for " + client)
    # HAProxy's machine may relay; its clients may not.
    wire = speak(host, "smtp", b"", source="127.0.0.90")
    wire.line()
    assert relay_code(wire) == "550"
    wire.say("RCPT TO:<mahen@%s>" % host.hostname)
    wire.say("DATA")
    assert wire.say("Subject: through\r\n\r\nx\r\n.").startswith("250")
    wire.close()
    text = open(host.wait_messages("mahen@" + host.hostname, 1)[0]).read()
    assert "([127.0.0.90])" in text
    host.wait_log("client=localhost[127.0.0.90]")


@pytest.mark.parametrize("service,path", [("imap", "/INBOX"), ("pop3", "/"),
                                          ("imaps", "/INBOX"),
                                          ("pop3s", "/")])
def test_curl_logs_in_behind_a_header(make_host, service, path):
    host = prepared(make_host, cleartext_auth="127.0.0.1").start()
    out = server.run("curl", "-sS", "-k", "--haproxy-protocol", "-u",
                     "mahen@%s:secret" % host.hostname, "%s://%s:%d%s" % (
                         service, host.address, host.ports[service], path))
    assert out.returncode == 0
    host.wait_log("proxied by 127.0.0.1 for 127.0.0.1")


@pytest.mark.parametrize("version", ("1", "2"))
def test_swaks_speaks_for_a_client(make_host, version):
    host = prepared(make_host).start()
    command = ["swaks", "--server", host.address, "--port",
               str(host.ports["smtp"]), "--proxy-version", version,
               "--proxy-family", "TCP4" if version == "1" else "AF_INET",
               "--proxy-source", "203.0.113.44", "--proxy-source-port",
               "5555", "--proxy-dest", "192.0.2.1", "--proxy-dest-port", "25",
               "--from", "a@b.example", "--helo", "swaks.example"]
    if version == "2":
        command += ["--proxy-command", "PROXY", "--proxy-protocol", "STREAM"]
    out = server.run(*command, "--to", "mahen@" + host.hostname)
    assert "250 2.0.0 Ok: queued" in out.stdout
    host.wait_log("client=unknown[203.0.113.44]")
    refused = server.run(*command, "--to", "v@elsewhere.invalid", check=False)
    assert refused.returncode == 24 and "550 5.7.1" in refused.stdout

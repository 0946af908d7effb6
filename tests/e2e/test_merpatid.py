# SPDX-License-Identifier: ISC
"""merpatid by itself: its limits, its signals, its pid file, its qmgr."""

import contextlib
import imaplib
import json
import os
import signal
import smtplib
import socket
import subprocess

import pytest

import server
import starters
from server import Wire, wait_for

CLIENT_REFUSALS = {
    "smtp": "421 4.7.0 ",
    "submission": "421 4.7.0 ",
    "pop3": "-ERR [SYS/TEMP] ",
    "imap": "* BYE [UNAVAILABLE] ",
}
BUSY_REFUSALS = dict(CLIENT_REFUSALS, smtp="421 4.3.2 ",
                     submission="421 4.3.2 ")
GREETINGS = ("220 ", "+OK ", "* OK ")


def prepared(make_host, **settings):
    host = make_host(settings=settings)
    host.add_user("mahen@" + host.hostname)
    return host


def foreign_addresses():
    """This machine's addresses that are no loopback."""
    found = []
    for link in json.loads(server.run("ip", "-j", "addr").stdout):
        for entry in link.get("addr_info", []):
            if entry.get("scope") == "global" and "local" in entry:
                found.append(entry["local"])
    return found


def send(host, subject="test"):
    with smtplib.SMTP(host.address, host.ports["smtp"], timeout=30) as smtp:
        smtp.sendmail("a@b.example", ["mahen@" + host.hostname],
                      "Subject: %s\r\n\r\nx\r\n" % subject)


def greeting(address, port):
    wire = Wire(socket.create_connection((address, port), 30))
    return wire, wire.line()


def assert_refused(address, host, refusals):
    for service, text in refusals.items():
        wire, line = greeting(address, host.ports[service])
        assert line.startswith(text), (service, line)
        assert wire.rest() == b"", service
        wire.close()


def qmgr_of(host):
    for pid in starters.processes_of(host):
        with contextlib.suppress(OSError):
            if server.read_status(pid)["Name"] == "qmgr":
                return pid
    return None


def test_one_address_over_its_limit_is_refused_others_are_served(make_host):
    addresses = foreign_addresses()
    if not addresses:
        pytest.skip("this machine has the loopback address only")
    host = make_host()
    host.write_conf({"rate_client": "3", "listen": " ".join(
        "%s:%d" % item for item in host.ports.items())})
    host.start()
    first = addresses[0]
    with contextlib.ExitStack() as stack:
        held = []
        for _ in range(3):
            wire, line = greeting(first, host.ports["smtp"])
            stack.callback(wire.close)
            assert line.startswith("220")
            held.append(wire)
        assert_refused(first, host, CLIENT_REFUSALS)
        for other in addresses[1:] + ["127.0.0.1", "127.0.0.9"]:
            for service in ("smtp", "imap"):
                wire, line = greeting(other, host.ports[service])
                assert line.startswith(GREETINGS), (other, line)
                wire.close()
        assert held[0].say("QUIT").startswith("221")
        held[0].close()

        def is_served():
            wire, line = greeting(first, host.ports["smtp"])
            wire.close()
            return line.startswith("220")

        wait_for(is_served, "a place after one went")
    host.wait_log("rate_client")


def test_loopback_is_free_of_the_limit_by_address(make_host):
    host = prepared(make_host, rate_client="2").start()
    with contextlib.ExitStack() as stack:
        for _ in range(6):
            wire, line = greeting("127.0.0.1", host.ports["imap"])
            stack.callback(wire.close)
            assert line.startswith("* OK")


def test_max_connections_of_all_services_together(make_host):
    host = prepared(make_host, max_connections="4").start()
    held = []
    for service in ("smtp", "submission", "pop3", "imap"):
        wire, line = greeting("127.0.0.1", host.ports[service])
        assert line.startswith(GREETINGS)
        held.append(wire)
    assert_refused("127.0.0.1", host, BUSY_REFUSALS)
    assert held[0].say("NOOP").startswith("250")
    for wire in held:
        wire.close()

    def is_served():
        wire, line = greeting("127.0.0.1", host.ports["smtp"])
        wire.close()
        return line.startswith("220")

    wait_for(is_served, "service after the connections went")
    host.wait_log("max_connections")


def test_hang_up_moves_a_port_and_keeps_sessions(make_host):
    host = prepared(make_host).start()
    old = host.ports["smtp"]
    wire, _ = greeting("127.0.0.1", old)
    imap, _ = greeting("127.0.0.1", host.ports["imap"])
    host.ports["smtp"] = server.free_ports(1)[0]
    host.write_conf({})
    host.process.send_signal(signal.SIGHUP)

    def has_moved():
        with contextlib.suppress(OSError):
            greeting("127.0.0.1", host.ports["smtp"])[0].close()
            return True
        return False

    wait_for(has_moved, "the new port")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", old), 5)
    assert wire.say("NOOP").startswith("250")
    imap.send("a1 NOOP\r\n")
    assert imap.line().startswith("a1 OK")
    send(host)
    host.wait_messages("mahen@" + host.hostname, 1)
    wire.close()
    imap.close()


def test_hang_up_with_bad_settings_keeps_the_old_ones(make_host):
    host = prepared(make_host).start()
    with open(host.conf, "a") as conf:
        conf.write("max_connections = many\n")
    host.process.send_signal(signal.SIGHUP)
    host.wait_log("the old ones stay")
    wire, line = greeting("127.0.0.1", host.ports["smtp"])
    wire.close()
    assert line.startswith("220")


def test_a_taken_port_keeps_the_other_services(make_host):
    host = prepared(make_host).start()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        host.ports["pop3"] = taken.getsockname()[1]
        host.write_conf({})
        host.process.send_signal(signal.SIGHUP)
        host.wait_log("not all sockets could be opened")
        for service in ("smtp", "imap", "submission"):
            wire, line = greeting("127.0.0.1", host.ports[service])
            wire.close()
            assert line.startswith(GREETINGS)
    # Another hang-up opens what is free now.
    host.process.send_signal(signal.SIGHUP)

    def is_open():
        with contextlib.suppress(OSError):
            wire, line = greeting("127.0.0.1", host.ports["pop3"])
            wire.close()
            return line.startswith("+OK")
        return False

    wait_for(is_open, "POP3 after the port was given free")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_end_leaves_nothing(make_host, number):
    host = prepared(make_host).start()
    pid_file = os.path.join(host.directory, "pid")
    with open(pid_file) as file:
        assert int(file.read()) == host.process.pid
    send(host)
    host.wait_messages("mahen@" + host.hostname, 1)
    wire, _ = greeting("127.0.0.1", host.ports["smtp"])
    wire.say("EHLO x")
    wire.say("MAIL FROM:<>")
    imap = imaplib.IMAP4(host.address, host.ports["imap"])
    imap.login("mahen", "secret")
    imap.select()
    login, _ = greeting("127.0.0.1", host.ports["pop3"])
    host.process.send_signal(number)
    assert host.process.wait(8) == 0
    assert starters.processes_of(host) == []
    assert not os.path.exists(pid_file)
    assert "do not end" not in host.read_log()
    host.process = None
    with pytest.raises(ConnectionRefusedError):
        host.connect("smtp")
    for client in (wire, login):
        client.close()
    # The same ports at once again: nothing holds them.
    host.start()
    send(host)
    host.wait_messages("mahen@" + host.hostname, 2)


def test_a_killed_qmgr_comes_back_and_mail_arrives(make_host):
    host = prepared(make_host).start()
    for count in (1, 2):
        pid = wait_for(lambda: qmgr_of(host), "qmgr")
        os.kill(pid, signal.SIGKILL)
        send(host, "after kill %d" % count)
        host.wait_messages("mahen@" + host.hostname, count)
        assert qmgr_of(host) != pid
    host.wait_queue_empty()
    assert len(host.messages("mahen@" + host.hostname)) == 2
    host.stop()
    wait_for(lambda: not starters.processes_of(host), "no process left")


def test_a_killed_merpatid_can_be_started_again(make_host):
    """Its pid file is stale and its qmgr may still be there."""
    host = prepared(make_host).start()
    wait_for(lambda: qmgr_of(host), "qmgr")
    host.process.kill()
    host.process.wait()
    pid_file = os.path.join(host.directory, "pid")
    assert os.path.exists(pid_file)
    host.start()
    with open(pid_file) as file:
        assert int(file.read()) == host.process.pid
    send(host)
    host.wait_messages("mahen@" + host.hostname, 1)
    host.stop()
    wait_for(lambda: not starters.processes_of(host), "no process left")


@pytest.mark.parametrize("text", ["", "1\n", "4194304000\n", "junk"])
def test_a_stale_pid_file_does_no_harm(make_host, text):
    host = prepared(make_host)
    host.write("pid", text)
    host.start()
    send(host)
    host.wait_messages("mahen@" + host.hostname, 1)


def test_a_second_one_is_refused(make_host):
    host = prepared(make_host).start()
    conf = os.path.join(host.directory, "second.conf")
    with open(host.conf) as file:
        text = file.read()
    with open(conf, "w") as file:
        for name, port in host.ports.items():
            text = text.replace(":%d" % port,
                                ":%d" % server.free_ports(1)[0])
        file.write(text)
    result = subprocess.run(
        [os.path.join(server.SBIN, "merpatid"), "-f", "-c", conf, "-p",
         os.path.join(host.directory, "pid")], timeout=30)
    assert result.returncode == 69
    host.wait_log("merpatid runs already")
    with open(os.path.join(host.directory, "pid")) as file:
        assert int(file.read()) == host.process.pid
    send(host)
    host.wait_messages("mahen@" + host.hostname, 1)


def test_as_a_daemon_it_says_when_it_listens(make_host):
    host = prepared(make_host)
    pid_file = os.path.join(host.directory, "pid")
    try:
        host.run(os.path.join(server.SBIN, "merpatid"), "-c", host.conf,
                 "-p", pid_file)
        send(host)
        host.wait_messages("mahen@" + host.hostname, 1)
        with open(pid_file) as file:
            pid = int(file.read())
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not starters.processes_of(host), "its end")
        assert not os.path.exists(pid_file)
    finally:
        for pid in starters.processes_of(host):
            os.kill(pid, signal.SIGKILL)

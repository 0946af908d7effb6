# SPDX-License-Identifier: ISC
"""Postfix's policy delegation protocol: postgrey, and servers that err."""

import grp
import os
import pwd
import shutil
import socket
import socketserver
import subprocess
import threading

import pytest

import server
from test_verify import STRANGERS, TO, ask, envelope, send, stranger


@pytest.fixture
def start(make_host):
    def one(**settings):
        host = make_host(settings=dict(mynetworks=STRANGERS, **settings))
        host.add_user(TO)
        return host.start()
    return one


@pytest.fixture
def postgrey(folder):
    """postgrey(OPTION) -> it runs; its folder."""
    running = []

    def start(option):
        user = pwd.getpwuid(os.getuid())
        if server.IS_ROOT:
            user = pwd.getpwnam("postgrey")
            shutil.chown(folder, user.pw_uid, user.pw_gid)
        os.chmod(folder, 0o755)
        running.append(subprocess.Popen(
            ["postgrey", option, "--delay=2", "--dbdir=" + folder,
             "--pidfile=" + os.path.join(folder, "pid"),
             "--user=" + user.pw_name,
             "--group=" + grp.getgrgid(user.pw_gid).gr_name,
             "--whitelist-clients=/dev/null",
             "--whitelist-recipients=/dev/null"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    yield start
    for process in running:
        process.terminate()
        process.wait()


def listens(where):
    kind = socket.AF_UNIX if isinstance(where, str) else socket.AF_INET
    with socket.socket(kind) as probe:
        return probe.connect_ex(where) == 0


@pytest.mark.parametrize("kind", ["inet", "unix"])
def test_postgrey(start, postgrey, folder, kind):
    if kind == "unix":
        place = os.path.join(folder, "socket")
        option, setting = "--unix=" + place, "unix:" + place
    else:
        port = server.free_ports(1)[0]
        place = ("127.0.0.1", port)
        option, setting = "--inet=127.0.0.1:%d" % port, \
            "inet:127.0.0.1:%d" % port
    postgrey(option)
    server.wait_for(lambda: listens(place), "postgrey")
    host = start(policy_servers=setting)
    first = ask(host, "127.0.0.2")
    assert first.startswith("450 4.7.1 ") and "Greylisted" in first
    assert "[127.0.0.2]: 450 4.7.1 <%s>: Greylisted" % TO in \
        host.read_log()
    # One connection, several questions over one pipe to postgrey.
    wire = stranger(host, "127.0.0.2")
    assert envelope(wire).startswith("450 ")
    server.wait_for(
        lambda: wire.say("RCPT TO:<%s>" % TO).startswith("250 "),
        "a pass of postgrey", 30)
    assert "queued as" in send(wire)
    wire.close()
    with open(host.wait_messages(TO, 1)[0]) as message:
        text = message.read()
    assert "\nX-Greylist: " in text and "postgrey" in text


class Answers(socketserver.StreamRequestHandler):
    """Answers each question with the next of the server's answers."""

    def handle(self):
        request = {}
        for line in self.rfile:
            name, found, value = line.decode().rstrip("\n").partition("=")
            if found:
                request[name] = value
                continue
            self.server.requests.append(request)
            request = {}
            answer = self.server.answers.pop(0)
            if answer is None:
                return
            self.wfile.write(answer)


@pytest.fixture
def policy():
    """policy(ANSWERS) -> a policy server of our own."""
    servers = []

    def start(*answers):
        one = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answers)
        one.daemon_threads = True
        one.answers, one.requests = list(answers), []
        one.setting = "inet:127.0.0.1:%d" % one.server_address[1]
        threading.Thread(target=one.serve_forever, daemon=True).start()
        servers.append(one)
        return one

    yield start
    for one in servers:
        one.shutdown()
        one.server_close()


def test_what_a_server_hears_and_says(start, policy):
    one = policy(b"action=REJECT 5.7.0 not you\n\n",
                 b"x=y\naction=DUNNO\n\n", b"action=HOLD look at it\n\n",
                 b"action=421 4.7.0 go away\n\n")
    host = start(policy_servers=one.setting)
    answer = ask(host, "127.0.0.2")
    assert answer.startswith("554 5.7.0 ") and "not you" in answer
    heard = one.requests[0]
    assert heard["request"] == "smtpd_access_policy"
    assert heard["protocol_state"] == "RCPT"
    assert heard["client_address"] == "127.0.0.2"
    assert heard["sender"] == "s@there.test" and heard["recipient"] == TO
    assert heard["helo_name"] == "client.test" and heard["instance"]
    assert ask(host, "127.0.0.2").startswith("250 ")
    wire = stranger(host)
    assert envelope(wire).startswith("250 ")
    assert "queued as" in send(wire)
    wire.close()
    assert "held: policy server: look at it" in host.mailq().stdout
    wire = stranger(host)
    assert envelope(wire).startswith("421 4.7.0 ")
    assert wire.rest() == b""
    wire.close()


def test_the_first_ok_ends_the_questions(start, policy):
    first = policy(b"action=OK\n\n", b"action=DUNNO\n\n")
    second = policy(b"action=REJECT\n\n")
    host = start(policy_servers=first.setting + " " + second.setting)
    assert ask(host).startswith("250 ")
    assert not second.requests
    assert ask(host).startswith("554 ")


@pytest.mark.parametrize("failure", ["defer", "accept"])
def test_a_server_that_errs(start, policy, failure):
    one = policy(None, b"action=SING a song\n\n", b"x" * 5000 + b"\n\n",
                 b"action=OK\n")
    port = server.free_ports(1)[0]
    host = start(policy_servers=one.setting, policy_failure=failure,
                 policy_timeout="2s")
    code = {"defer": "451 4.3.5 ", "accept": "250 "}[failure]
    for _ in range(4):
        assert ask(host).startswith(code)
    one.answers.append(b"action=DUNNO\n\n")
    assert ask(host).startswith("250 ")
    dead = start(policy_servers="inet:127.0.0.1:%d" % port,
                 policy_failure=failure)
    assert ask(dead).startswith(code)
    dead.wait_log("does not answer")


def test_trusted_clients_are_not_asked_about(make_host, policy):
    one = policy(b"action=REJECT\n\n")
    host = make_host(settings={"policy_servers": one.setting})
    host.add_user(TO)
    host.start()
    assert ask(host).startswith("250 ")
    assert not one.requests

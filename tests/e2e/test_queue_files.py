# SPDX-License-Identifier: ISC
"""mailq check, export and import, on queues of real hosts."""

import os
import subprocess

from sink import Sink

SENDER = "mahen@mail.kelompok1.local"


def start(make_host, sink, **options):
    host = make_host(settings={"internet": "yes"}, **options)
    host.write("route.map", "* [127.0.0.1]:%d\n" % sink.port)
    host.add_user("mahen@" + host.hostname)
    return host.start()


def queue_held(host, *recipients):
    """One held message each; their ids."""
    host.mailq("pause", "remote")
    for recipient in recipients:
        host.sendmail("-f", SENDER, recipient, input="Subject: x\n\nhi\n")
        host.wait_log("to=<%s>" % recipient)
    host.mailq("hold", "all")
    return sorted(os.path.basename(path) for path in host.queue_files())


def spoil(path, at):
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 1]))


def test_check_finds_and_mends(make_host):
    with Sink() as sink:
        host = start(make_host, sink)
        message, = queue_held(host, "a@far.test")
        assert host.mailq("check").stdout.endswith(
            "1 messages are whole, 0 findings, 0 mended, 0 set aside in "
            "bad/\n")
        path, = host.queue_files()
        spoil(path, 4096)
        said = host.mailq("check", check=False)
        assert said.returncode == 1
        assert "damaged: body is damaged" in said.stdout
        assert "to=<a@far.test>" in said.stdout
        assert host.queue_files() == [path]
        assert "moved to bad/" + message in host.mailq(
            "check", "--repair").stdout
        assert not host.queue_files()
        assert "1 set aside" in host.mailq("check").stdout
        # The disk was wrong, not the file: it comes back and is delivered.
        spoil(os.path.join(host.spool, "bad", message), 4096)
        assert "is whole" in host.mailq("check", "--repair").stdout
        assert host.queue_files() == [path]
        host.mailq("resume", "remote")
        host.mailq("release", "all")
        host.wait_queue_empty()
    assert [m["rcpt_to"] for m in sink.messages] == [["a@far.test"]]


def test_messages_move_to_another_host(make_host):
    with Sink() as sink:
        one = start(make_host, sink)
        other = start(make_host, sink, hostname="mail.kelompok2.local")
        ids = queue_held(one, "a@far.test", "b@far.test", "c@near.test")
        stream = one.mailq("export", "domain=far.test", text=False).stdout
        assert stream.startswith(b"MERPATI-QUEUE 1\n")
        # Cut in the middle: what came is there, the rest comes later.
        said = give(other, stream[:len(stream) * 2 // 3])
        assert said.returncode == 1 and b"cut short" in said.stderr
        said = give(other, stream)
        assert said.returncode == 0
        assert said.stdout.count(b"it came before") == 1
        assert said.stdout.count(b"taken, and held") == 1
        one.mailq("delete", "domain=far.test", "--yes")
        assert "attempts" in other.mailq("show", ids[0]).stdout
        other.mailq("release", "all")
        other.wait_queue_empty()
        assert give(other, stream).stdout.count(b"it came before") == 2
        assert "imported" in other.mailq("trace", ids[0]).stdout
        assert len(one.queue_files()) == 1
    assert sorted(m["rcpt_to"][0] for m in sink.messages) == [
        "a@far.test", "b@far.test"]


def give(host, stream):
    return host.mailq("import", input=stream, text=False, check=False,
                      stderr=subprocess.PIPE)


def test_messages_move_to_another_route(make_host):
    with Sink() as sink, Sink() as other:
        host = start(make_host, sink)
        one, two, three = queue_held(host, "a@far.test", "b@far.test",
                                     "c@far.test")
        said = host.mailq("move", one, "[127.0.0.1]:%d" % other.port).stdout
        assert said == one + ": moved\n"
        host.mailq("move", two, three, "[127.0.0.1]:%d" % other.port)
        host.mailq("move", three, "default")
        # It holds across a restart, and a route is not a release.
        host.stop()
        host.start()
        assert len(host.queue_files()) == 3
        host.mailq("resume", "remote")
        host.mailq("release", "all")
        host.wait_queue_empty()
        assert host.mailq("move", "to=nobody@far.test", "mail2.test",
                          check=False).returncode == 1
        # Entries of what is gone are left out the next time.
        with open(os.path.join(host.spool, "moves")) as file:
            assert not file.read()
        assert host.mailq("move", "all", "a:b:c",
                          check=False).returncode == 64
    assert [m["rcpt_to"] for m in sink.messages] == [["c@far.test"]]
    assert sorted(m["rcpt_to"][0] for m in other.messages) == [
        "a@far.test", "b@far.test"]


def test_import_refuses_what_is_no_export(make_host):
    host = make_host().start()
    said = give(host, b"Subject: x\n\nhi\n")
    assert said.returncode == 1
    assert b"nothing that mailq export wrote" in said.stderr
    assert host.mailq("export", check=False).returncode == 64

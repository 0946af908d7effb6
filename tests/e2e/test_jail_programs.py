# SPDX-License-Identifier: ISC
"""The jails of programs that nobody here wrote: "filter" for those of
filter_commands, "auth-command" for oauth_command. Each is looked at while it
waits, and compared with its row of common/README.md."""

import base64
import contextlib
import os
import smtplib
import threading

import pytest

import server
import test_jail
from server import Wire

pytestmark = pytest.mark.skipif(not server.IS_ROOT,
                                reason="reads other processes' descriptors")
TO = "mahen@mail.kelompok1.local"


@contextlib.contextmanager
def waiting_program(directory):
    """A program that waits in its first line, and goes on at the end."""
    fifo = os.path.join(directory, "wait")
    script = os.path.join(directory, "waiting")
    os.mkfifo(fifo)
    os.chmod(fifo, 0o644)
    with open(script, "w") as out:
        out.write("#!/bin/sh\nread line <%s\necho %s\n" % (fifo, TO))
    os.chmod(script, 0o755)
    try:
        yield script
    finally:
        with contextlib.suppress(OSError):
            os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))


def processes(host, name):
    return [process for process in test_jail.look(host).values()
            if process.name == name]


def program_of(host, parent):
    """The process of the program, once it is executed."""
    return server.wait_for(
        lambda: [process for process in processes(host, "waiting")
                 if parent is None or process.parent_name == parent],
        "the program")[0]


def open_files(process, script):
    """Without what the shell has open above those that it was given."""
    return {fd: target for fd, target in process.descriptors.items()
            if target != script}


def row_faults(host, process, row):
    return list(test_jail.jail_faults(host, process, row))


def test_filter_commands_are_in_the_jail_of_the_table(make_host):
    host = make_host()
    host.add_user(TO)
    with waiting_program(host.directory) as script:
        host.write_conf({"filter_commands": script})
        host.start()

        def submit():
            with contextlib.suppress(smtplib.SMTPException), smtplib.SMTP(
                    host.address, host.ports["smtp"]) as client:
                client.sendmail("s@there.test", TO, "Subject: x\r\n\r\n")

        sender = threading.Thread(target=submit)
        sender.start()
        program = program_of(host, "filter")
        helper = test_jail.look(host)[program.parent]
        assert helper.name == "filter"
        for process in (helper, program):
            assert row_faults(host, process, "filter") == []
        # Its input, output and errors, and nothing of ours.
        assert set(open_files(program, script)) == {0, 1, 2}
        assert host.spool not in "".join(program.descriptors.values())
    sender.join()
    host.wait_messages(TO, 1)


def test_oauth_commands_are_in_the_jail_of_the_table(make_host):
    host = make_host()
    host.add_user(TO)
    with waiting_program(host.directory) as script:
        host.write_conf({"oauth_command": script})
        host.start()
        wire = Wire(test_jail.tls_context().wrap_socket(
            host.connect("submissions")))
        assert wire.reply().startswith("220 ")
        assert "OAUTHBEARER" in wire.say("EHLO x")
        token = b"n,,\1auth=Bearer good\1\1"
        wire.send("AUTH OAUTHBEARER %s\r\n" %
                  base64.b64encode(token).decode())
        program = program_of(host, None)
        assert row_faults(host, program, "auth-command") == []
        given = open_files(program, script)
        assert {fd: test_jail.kind_of(host, target)
                for fd, target in given.items()} == \
            {0: "pipe", 1: "pipe", 2: "null"}
    assert wire.reply().startswith("235 ")
    wire.close()

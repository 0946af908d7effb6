# SPDX-License-Identifier: ISC
"""What a review of the first round found, each proved by a failing test."""

import imaplib
import os
import pwd
import ssl
import time

import pytest

from server import IS_ROOT, LIBEXEC, Wire, wait_for

needs_root = pytest.mark.skipif(not IS_ROOT, reason="needs root")


def open_smtp(host):
    wire = Wire(host.connect("smtp"))
    wire.reply()
    wire.say("EHLO client.example")
    return wire


def send(host, recipients, body=b"Subject: x\r\n\r\nhi\r\n",
         sender="a@example.org"):
    """The replies to RCPT and, when there is one, to the message."""
    wire = open_smtp(host)
    wire.say("MAIL FROM:<%s>" % sender)
    replies = [wire.say("RCPT TO:<%s>" % to) for to in recipients]
    data = wire.say("DATA")
    if data.startswith("354"):
        wire.send(body + b".\r\n")
        data = wire.reply()
    wire.close()
    return replies, data


def crc32c(data):
    value = 0xffffffff
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82f63b78 if value & 1 else 0)
    return value ^ 0xffffffff


def test_alias_with_a_tab_does_not_put_off_the_message(host):
    out = os.path.join(host.directory, "seen")
    os.mkdir(out)
    os.chmod(out, 0o777)
    host.write("aliases", 'tool: "|/usr/bin/touch\t%s/file"\n' % out)
    replies, data = send(host, ["tool@" + host.hostname,
                                "mahen@" + host.hostname])
    assert [r[:3] for r in replies] == ["250", "250"]
    assert data.startswith("250")
    host.wait_messages("mahen@" + host.hostname, 1)
    wait_for(lambda: os.listdir(out) == ["file"], "the program of the alias")


@pytest.mark.parametrize("excess", (0, 1))
def test_header_limit_is_exact(host, excess):
    size = 262144 + excess
    header = b""
    while len(header) < size - 2000:
        header += b"X-A: " + b"a" * 900 + b"\r\n"
    header += b"X-B: " + b"b" * (size - len(header) - 9) + b"\r\n\r\n"
    assert len(header) == size
    _, data = send(host, ["mahen@" + host.hostname], header + b"body\r\n")
    assert data[:3] == ("552" if excess else "250")


@needs_root
def test_closed_directory_of_users_is_no_unknown_user(host):
    mahen = "mahen@" + host.hostname
    secret = os.path.join(host.directory, "secret")
    os.mkdir(secret)
    os.rename(os.path.join(host.directory, "users"),
              os.path.join(secret, "users"))
    host.write_conf({"users": os.path.join(secret, "users")})
    os.chmod(secret, 0o700)
    replies, _ = send(host, [mahen])
    assert replies[0].startswith("451")


def test_missing_users_file_puts_accepted_mail_off(make_host):
    host = make_host()
    mahen = "mahen@" + host.hostname
    host.add_user(mahen)
    host.start()
    users = os.path.join(host.directory, "users")
    # It keeps the settings of its start.
    host.wait_log("started on")
    other = os.path.join(host.directory, "elsewhere")
    with open(users, "rb") as old, open(other, "wb") as new:
        new.write(old.read())
    os.chmod(other, 0o644)
    host.write_conf({"users": other})
    os.unlink(users)
    assert send(host, [mahen])[1].startswith("250")
    host.wait_log("status=deferred")
    assert "status=bounced" not in host.read_log()
    os.rename(other, users)
    host.mailq("retry")
    host.wait_messages(mahen, 1)


def test_maildir_that_was_moved_gets_no_more_mail(host):
    mahen = "mahen@" + host.hostname
    send(host, [mahen])
    host.wait_messages(mahen, 1)
    maildir = host.maildir(mahen)
    os.rename(maildir, maildir + ".old")
    send(host, [mahen])
    host.wait_messages(mahen, 1)
    assert len(os.listdir(os.path.join(maildir + ".old", "new"))) == 1


def test_user_who_is_gone_is_named_in_the_report(host):
    mahen = "mahen@" + host.hostname
    hendro = "hendro@" + host.hostname
    send(host, [mahen, hendro])
    host.wait_messages(mahen, 1)
    first = host.wait_messages(hendro, 1)
    blocked = os.path.dirname(host.maildir(mahen))
    os.rename(blocked, blocked + ".away")
    open(blocked, "w").close()
    assert send(host, [mahen], sender=hendro)[1].startswith("250")
    host.wait_log("status=deferred")
    host.mailctl("user", "del", "--yes", mahen)
    # qmgr remembers a user for a while: it is asked until it looks again.
    wait_for(lambda: host.mailq("retry") and
             len(host.messages(hendro)) == 2, "the report")
    names = [name for name in host.messages(hendro) if name not in first]
    with open(names[0]) as report:
        text = report.read()
    assert "5.1.1" in text and "<%s>: user unknown" % mahen in text


@needs_root
def test_fifo_among_the_queue_files_stops_nothing(make_host):
    host = make_host()
    mahen = "mahen@" + host.hostname
    host.add_user(mahen)
    owner = pwd.getpwnam("_mpqueue")
    name = "6C32P81572000"
    for path in (name, "." + name):
        path = os.path.join(host.spool, "queue",
                            "%02x" % (crc32c(name.encode()) & 255), path)
        os.mkfifo(path, 0o600)
        os.utime(path, (0, 0))
        os.chown(path, owner.pw_uid, owner.pw_gid)
    host.start()
    assert send(host, [mahen])[1].startswith("250")
    host.wait_messages(mahen, 1)
    assert name in os.listdir(os.path.join(host.spool, "bad"))


def test_lock_from_the_future_does_not_hide_mail(host):
    mahen = "mahen@" + host.hostname
    send(host, [mahen])
    host.wait_messages(mahen, 1)
    imap = imaplib.IMAP4_SSL(host.address, host.ports["imaps"],
                             ssl_context=ssl._create_unverified_context())
    imap.login(mahen, "secret")
    imap.select()
    maildir = host.maildir(mahen)
    lock = os.path.join(maildir, "dovecot-uidlist.lock")
    open(lock, "w").close()
    day = time.time() + 86400
    os.utime(lock, (day, day))
    os.chown(lock, os.stat(maildir).st_uid, os.stat(maildir).st_gid)
    send(host, [mahen])
    host.wait_messages(mahen, 2)
    imap.noop()
    assert imap.uid("SEARCH", "ALL")[1] == [b"1 2"]
    assert not os.path.exists(lock)
    imap.logout()


def test_drop_file_that_cannot_be_opened_now_stays(make_host):
    host = make_host()
    host.add_user("mahen@" + host.hostname)
    host.sendmail("mahen@" + host.hostname, input="Subject: x\n\nhi\n")
    drop = os.path.join(host.spool, "drop")
    before = os.listdir(drop)
    assert len(before) == 1
    # 0 to 2, spool, drop, the listing of drop: no room for the file.
    for limit in (6, 7):
        host.run("prlimit", "--nofile=%d" % limit,
                 os.path.join(LIBEXEC, "pickup"), "-c", host.conf,
                 check=False)
        assert os.listdir(drop) == before, host.read_log()
    host.start()
    host.wait_messages("mahen@" + host.hostname, 1)


@needs_root
def test_relay_map_of_root_alone_is_named_and_repaired(make_host):
    host = make_host(settings={"internet": "yes", "relayhost": "127.0.0.1:9"})
    relay_map = os.path.join(host.directory, "relay.map")
    host.write("relay.map", "127.0.0.1:9 me:secret\n")
    os.chmod(relay_map, 0o600)
    host.write("aliases", "away: x@far.example\n")
    host.start()
    send(host, ["away@" + host.hostname])
    host.wait_log("status=deferred (relay_map (see mailctl permissions): ")
    host.mailctl("permissions")
    status = os.stat(relay_map)
    assert status.st_mode & 0o777 == 0o640
    assert status.st_gid == pwd.getpwnam("_mpqueue").pw_gid


def test_refused_alias_leaves_none_of_its_targets(make_host):
    host = make_host(settings={"internet": "yes", "relayhost": "127.0.0.1:9"})
    host.write("aliases", "".join(
        "l%d: %s\n" % (i, ", ".join("u%d.%d@far.example" % (i, j)
                                    for j in range(900)))
        for i in range(19)))
    host.start()
    replies, data = send(host, ["l%d@%s" % (i, host.hostname)
                                for i in range(19)])
    assert [r[:3] for r in replies] == ["250"] * 18 + ["452"]
    assert data.startswith("250")
    assert ", nrcpt=16200," in host.read_log()

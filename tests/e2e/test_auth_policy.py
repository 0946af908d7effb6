# SPDX-License-Identifier: ISC
"""Which passwords are right, and what happens after wrong ones."""

import imaplib
import os
import pwd
import re
import shutil

import pytest

import server
from logins import (USER, Scram, command, context, encode, scram, smtp,
                    try_login, wait_rows)

INSTALLED_FILTER = os.path.join(server.PREFIX, "share", "merpati", "fail2ban",
                                "merpati-filter.conf")


# --- app passwords ---------------------------------------------------------

def test_app_passwords(host):
    made = host.mailctl("user", "app-password", "add", USER, "phone",
                        "imap,pop3").stdout.strip()
    other = host.mailctl("user", "app-password", "add", USER,
                         "printer", "smtp").stdout.strip()
    assert len(made) == 16 and made != other
    assert host.mailctl("user", "app-password", "add", USER, "phone",
                        check=False).returncode == 1
    listed = host.mailctl("user", "app-password", "list", USER).stdout
    assert listed.splitlines() == [
        "%s@%s\tphone\timap,pop3" % (USER, host.hostname),
        "%s@%s\tprinter\tsmtp" % (USER, host.hostname)]
    assert try_login(host, USER, other) == 235
    assert try_login(host, USER, made) == 535
    box = imaplib.IMAP4_SSL(host.address, host.ports["imaps"],
                            ssl_context=context())
    assert box.login(USER, made)[0] == "OK"
    box.logout()
    # All of a user's passwords have one salt, so SCRAM takes each of them.
    for password, code in (("secret", 235), (other, 235), (made, 535)):
        with smtp(host) as client:
            assert scram(client, "SCRAM-SHA-256",
                         Scram(USER, password)) == code
    apps = [row.get("app") for row in wait_rows(host, "login", 4)]
    assert apps == ["printer", "phone", None, "printer"]
    # A new password keeps the salt, so that this stays so.
    host.mailctl("user", "passwd", USER, "--password-stdin",
                 input="changed\n")
    for password in ("changed", other):
        with smtp(host) as client:
            assert scram(client, "SCRAM-SHA-256",
                         Scram(USER, password)) == 235
    host.mailctl("user", "app-password", "del", USER, "printer")
    assert try_login(host, USER, other) == 535
    with open(host.app_passwords) as text:
        assert made not in text.read()
    assert os.stat(host.app_passwords).st_mode & 0o777 == 0o600
    # They go with their user.
    host.mailctl("user", "del", "--yes", USER)
    assert host.mailctl("user", "app-password", "list").stdout == ""


# --- programs that know passwords -----------------------------------------

CHECKER = """#!/usr/bin/python3
import os, sys
name, password, _ = os.fdopen(3, "rb").read().split(b"\\0", 2)
if password == b"maybe":
    sys.exit(111)
if (name, password) != (b"hendro@mail.kelompok1.local", b"known elsewhere"):
    sys.exit(1)
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_checkpassword(make_host, folder):
    os.chmod(folder, 0o755)
    program = os.path.join(folder, "check")
    with open(program, "w") as out:
        out.write(CHECKER)
    os.chmod(program, 0o755)
    host = make_host(settings={"checkpassword": program})
    host.add_user("mahen@" + host.hostname)
    with open(os.path.join(host.directory, "users"), "rb") as file:
        text = file.read() + b"%s@%s *\n" % (USER.encode(),
                                             host.hostname.encode())
    users = os.path.join(host.directory, "users")
    os.chmod(users, 0o600)
    with open(users, "wb") as file:
        file.write(text)
    host.mailctl("permissions")
    host.start()
    assert try_login(host, USER, "known elsewhere") == 235
    assert try_login(host, USER, "known") == 535
    assert try_login(host, USER, "maybe") == 454
    assert try_login(host, "mahen", "secret") == 235
    assert try_login(host, "mahen", "known elsewhere") == 535


@pytest.mark.skipif(not server.IS_ROOT, reason="makes an account")
def test_pam_and_shadow(make_host):
    if not os.path.exists(os.path.join(server.LIBEXEC, "auth-pam")):
        pytest.skip("built without PAM")
    name = "mppam%d" % (os.getpid() % 10000)
    pam = "/etc/pam.d/%s" % name
    server.run("useradd", "-m", "-s", "/bin/sh", name)
    try:
        server.run("chpasswd", input="%s:in shadow\n" % name)
        with open(pam, "w") as out:
            out.write("auth required pam_unix.so\n"
                      "account required pam_unix.so\n")
        for settings in ({"auth_pam": name}, {}):
            host = make_host(settings=settings)
            host.start()
            assert try_login(host, name, "in shadow") == 235
            assert try_login(host, name, "in the light") == 535
            made = host.mailctl("user", "app-password", "add", name,
                                "phone").stdout.strip()
            assert try_login(host, name, made) == 235
            host.stop()
        assert pwd.getpwnam(name).pw_uid >= 1000
    finally:
        os.path.exists(pam) and os.unlink(pam)
        server.run("userdel", "-r", name, check=False)


# --- failures --------------------------------------------------------------

def test_a_budget_of_failures(make_host):
    host = make_host(settings={"auth_failures_account": "3",
                               "auth_failures_network": "8"})
    for name in (USER, "mahen"):
        host.add_user("%s@%s" % (name, host.hostname))
    host.start()
    # One old password in a phone's memory is one failure.
    for _ in range(4):
        assert try_login(host, USER, "old") == 535
    assert [row["counted"] for row in wait_rows(host, "failed", 4)] == [
        "yes", "no", "no", "no"]
    assert try_login(host, USER, "a") == 535
    assert try_login(host, USER, "b") == 535
    # Over it no password is looked at, not even the right one.
    assert try_login(host, USER, "secret") == 454
    assert wait_rows(host, "deferred", 1)[0]["user"] == "<%s>" % USER
    # Another account of that network still can, and then trusts it.
    assert try_login(host, "mahen", "secret") == 235
    assert try_login(host, USER, "secret") == 235
    for number in range(5):
        assert try_login(host, USER, "wrong%d" % number) == 535
    assert try_login(host, USER, "secret") == 235


def test_three_failures_end_a_connection(host):
    with smtp(host) as client:
        for password in ("a", "b"):
            assert command(client, "PLAIN " + encode(
                "\0%s\0%s" % (USER, password)))[0] == 535
        client.putcmd("AUTH PLAIN " + encode("\0%s\0c" % USER))
        assert client.getreply()[0] == 535
        assert client.getreply()[0] == 421


def test_the_log_line_and_the_fail2ban_filter(host, folder):
    nasty = "x> peer=192.0.2.1 counted=yes id=A reason=<y"
    assert try_login(host, USER, "wrong") == 535
    assert try_login(host, USER, "wrong") == 535
    assert try_login(host, nasty, "wrong") == 535
    assert try_login(host, USER, "secret") == 235
    assert try_login(host, USER, "wrong too") == 535
    wait_rows(host, "failed", 4)
    lines = [line for line in host.read_log().splitlines()
             if "merpati/auth[" in line]
    assert re.search(r"failed: service=smtp user=<hendro> peer=127\.0\.0\.1 "
                     r"mechanism=\S+ counted=yes id=\w{13} "
                     r"reason=wrong password$", lines[0])
    with open(INSTALLED_FILTER) as text:
        pattern = re.search(r"^failregex = (.*)$", text.read(), re.M).group(1)
    pattern = pattern.replace("<HOST>", r"(?P<host>[0-9a-f.:]+)")
    matched = [re.search(pattern, line.split(" ", 1)[1]) for line in lines]
    # The second is the same password again, the fourth is a success, and
    # after it the network is trusted.
    assert [bool(match) for match in matched] == [
        True, False, True, False, False]
    assert {match["host"] for match in matched if match} == {"127.0.0.1"}
    if shutil.which("fail2ban-regex"):
        log = os.path.join(folder, "auth.log")
        with open(log, "w") as out:
            out.write("\n".join(lines) + "\n")
        result = server.run("fail2ban-regex", log, INSTALLED_FILTER)
        assert "Failregex: 2 total" in result.stdout

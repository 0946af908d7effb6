# SPDX-License-Identifier: ISC
"""mailctl by its installed programs: init, check, user, route, config."""

import imaplib
import os
import poplib
import re
import shutil
import smtplib
import socketserver
import subprocess
import threading

import pytest

import server
from server import wait_for

MAILCTL = os.path.join(server.SBIN, "mailctl")
ORDINARY = 65534


def as_ordinary(*argv):
    """argv as an ordinary user, whoever runs the tests."""
    if not server.IS_ROOT:
        return argv
    return ("setpriv", "--reuid=%d" % ORDINARY, "--regid=%d" % ORDINARY,
            "--clear-groups") + argv


def clean_environment():
    return {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}


def run_ordinary(*argv, **options):
    return server.run(*as_ordinary(*argv), env=clean_environment(), **options)


@pytest.fixture
def alone(make_host):
    """A host that does not run, with the user hendro."""
    host = make_host()
    host.add_user("hendro@" + host.hostname)
    host.write("aliases", "root: hendro\npostmaster: root\n"
                          "info: hendro\n")
    return host


@pytest.fixture
def good(alone):
    return alone.start()


def test_init_of_a_lab_by_an_ordinary_user(folder):
    place = os.path.join(folder, "lab")
    if server.IS_ROOT:
        os.chmod(folder, 0o777)
    conf = os.path.join(place, "mail.conf")
    out = run_ordinary(MAILCTL, "init", "--lab", "--directory", place,
                       "kelompok1.test").stdout
    assert "mail.kelompok1.test" in out and "user add" in out
    again = run_ordinary(MAILCTL, "init", "--lab", "--directory", place,
                         "kelompok1.test").stdout
    assert "there already, kept" in again
    with open(conf) as file:
        text = file.read()
    ports = dict(zip(server.SERVICES,
                     server.free_ports(len(server.SERVICES))))
    text = re.sub(r"^listen =.*\n(\s+.*\n)*", "listen = %s\n" % " ".join(
        "%s:127.0.0.1:%d" % item for item in ports.items()), text,
        flags=re.M)
    text += "program_directory = %s\n" % server.LIBEXEC
    # The tests' own tree is not where configure put it.
    run_ordinary("tee", conf, input=text)
    run_ordinary(MAILCTL, "-c", conf, "user", "add", "mahen",
                 "--password-stdin", input="secret\n")
    pid_file = os.path.join(place, "state", "merpatid.pid")
    run_ordinary(os.path.join(server.SBIN, "merpatid"), "-c", conf)
    try:
        with smtplib.SMTP("127.0.0.1", ports["smtp"], timeout=30) as smtp:
            smtp.sendmail("a@b.example", ["mahen@kelompok1.test"],
                          "Subject: lab\r\n\r\nfirst mail\r\n")

        def is_there():
            pop = poplib.POP3("127.0.0.1", ports["pop3"], timeout=30)
            pop.user("mahen")
            pop.pass_("secret")
            lines = pop.retr(1)[1] if pop.stat()[0] == 1 else []
            pop.quit()
            return b"first mail" in lines

        wait_for(is_there, "the first mail")
        out = run_ordinary(MAILCTL, "-c", conf, "check", check=False)
        assert out.returncode == 0, out.stdout
        assert "FAIL" not in out.stdout
    finally:
        with open(pid_file) as file:
            pid = int(file.read())
        os.kill(pid, 15)
        wait_for(lambda: not os.path.exists("/proc/%d" % pid), "its end")


def checked(host, *argv):
    result = host.mailctl("check", *argv, check=False)
    return result.returncode, result.stdout


def test_check_of_a_good_host(good):
    code, out = checked(good)
    assert code == 0, out
    assert "FAIL" not in out
    for word in ("settings", "permissions", "qmgr runs", "relay"):
        assert word in out, out
    code, out = checked(good, "--quiet")
    assert code == 0 and "FAIL" not in out and "ok " not in out


def assert_fails(host, *words):
    code, out = checked(host)
    failures = [line for line in out.splitlines() if "FAIL" in line]
    assert code == 1, out
    for word in words:
        assert any(word in line for line in failures), (word, out)
    assert re.search("->|did you mean| need ", "".join(failures)), failures


@pytest.mark.parametrize("place", ["", "queue", "drop", "queue/00"])
def test_check_finds_a_world_writable_spool(good, place):
    path = os.path.join(good.spool, place)
    os.chmod(path, 0o777)
    assert_fails(good, "spool")
    good.mailctl("permissions")
    assert checked(good)[0] == 0


def test_check_finds_a_wrong_owner(good):
    if not server.IS_ROOT:
        pytest.skip("only root can give a file away")
    os.chown(os.path.join(good.spool, "queue"), ORDINARY, ORDINARY)
    assert_fails(good, "queue")
    assert good.mailctl("permissions", "--check",
                        check=False).returncode == 1
    good.mailctl("permissions")
    assert checked(good)[0] == 0


class Thief(socketserver.StreamRequestHandler):
    """An SMTP server that takes every recipient."""

    def handle(self):
        self.wfile.write(b"220 relay.example ESMTP\r\n")
        for line in self.rfile:
            self.wfile.write(b"250 2.0.0 Ok\r\n")
            if line.upper().startswith(b"QUIT"):
                break


def test_check_finds_an_open_relay(alone):
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Thief) as relay:
        threading.Thread(target=relay.serve_forever, daemon=True).start()
        port = relay.server_address[1]
        alone.write_conf({"listen": "smtp:127.0.0.1:%d" % port})
        assert_fails(alone, "OPEN RELAY")
        relay.shutdown()


def test_a_network_of_everybody_is_refused(alone):
    alone.write_conf({"mynetworks": "0.0.0.0/0"})
    assert_fails(alone, "open relay")


def test_check_finds_a_missing_certificate(good):
    with open(good.conf, "a") as conf:
        conf.write("tls_cert_file = %s/none.pem\n" % good.directory)
    assert_fails(good, "none.pem")


def test_check_finds_a_missing_program(good, folder):
    programs = os.path.join(folder, "programs")
    shutil.copytree(server.LIBEXEC, programs)
    os.unlink(os.path.join(programs, "deliver"))
    good.write_conf({"program_directory": programs})
    assert_fails(good, "deliver")


def test_check_finds_bad_settings_and_closed_ports(alone):
    code, out = checked(alone)
    assert "qmgr does not run" in out
    with open(alone.conf, "a") as conf:
        conf.write("no_such_thing = 1\n")
    assert_fails(alone, "no_such_thing")


def can_log_in(host, user, password):
    imap = imaplib.IMAP4(host.address, host.ports["imap"])
    try:
        imap.login(user, password)
        return True
    except imaplib.IMAP4.error:
        return False
    finally:
        imap.shutdown()


def test_users_come_change_and_go(good):
    address = "sarol@" + good.hostname
    assert not can_log_in(good, address, "one")
    good.add_user(address, "one")
    assert can_log_in(good, address, "one")
    assert can_log_in(good, "sarol", "one")
    assert not can_log_in(good, address, "two")
    # A second one of the name is refused and changes nothing.
    twice = good.mailctl("user", "add", address, "--password-stdin",
                         input="three\n", check=False)
    assert twice.returncode == 1
    assert can_log_in(good, address, "one")
    good.mailctl("user", "passwd", "sarol", "--password-stdin",
                 input="two\n")
    assert can_log_in(good, address, "two")
    assert not can_log_in(good, address, "one")
    rows = [line.split("\t") for line in
            good.mailctl("user", "list").stdout.splitlines()]
    assert [address, "virtual", good.maildir(address)] in [
        [row[0], row[1], row[2].rstrip("/")] for row in rows]
    made = good.mailctl("user", "add", "made").stdout
    password = re.search(r"^password: (\S+)$", made, re.M).group(1)
    assert can_log_in(good, "made", password)
    with smtplib.SMTP(good.address, good.ports["smtp"]) as smtp:
        smtp.sendmail("a@b.example", [address], "Subject: x\r\n\r\nx\r\n")
        good.wait_messages(address, 1)
        good.mailctl("user", "del", "--yes", "sarol")
        assert not can_log_in(good, address, "two")
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            smtp.sendmail("a@b.example", [address], "x")
    assert len(good.messages(address)) == 1
    assert address not in good.mailctl("user", "list").stdout
    gone = good.mailctl("user", "del", "--yes", "sarol", check=False)
    assert gone.returncode == 1


def test_user_refuses_what_cannot_be(alone):
    for bad in ("a@elsewhere.example", "a b", "../x", "", "@"):
        result = alone.mailctl("user", "add", bad, "--password-stdin",
                               input="x\n", check=False)
        assert result.returncode in (64, 65), (bad, result.stdout)
    assert "elsewhere" not in alone.mailctl("user", "list").stdout


def test_route(alone):
    def route(address):
        result = alone.mailctl("route", address, check=False)
        return result.returncode, result.stdout

    domain = alone.hostname
    for address in ("hendro", "info", "postmaster", "hendro+shop",
                    "info+shop"):
        code, out = route("%s@%s" % (address, domain))
        assert code == 0, out
        assert "hendro" in out.split("\n", 1)[1], out
    code, out = route("nobody@" + domain)
    assert code == 1 and "5.1.1" in out, out
    code, out = route("a@elsewhere.example")
    assert code == 0 and "elsewhere.example" in out, out
    assert route("a b c@@")[0] == 65


def test_config(alone):
    assert alone.mailctl("config", "check").returncode == 0
    shown = alone.mailctl("config", "show", "hostname").stdout
    assert shown == "hostname = %s\n" % alone.hostname
    changed = alone.mailctl("config", "show", "-n").stdout
    assert "queue_directory = %s\n" % alone.spool in changed
    assert "rate_client" not in changed
    assert "rate_client = 20\n" in alone.mailctl("config", "show",
                                                 "-d").stdout
    told = alone.mailctl("config", "explain", "rate_client").stdout
    assert "from one address" in told and "Postfix" in told
    wrong = alone.mailctl("config", "show", "hostnam", check=False)
    assert wrong.returncode == 1 and "hostname?" in wrong.stdout
    with open(alone.conf, "a") as conf:
        conf.write("hostnam = x\nrate_client = many\n")
    wrong = alone.mailctl("config", "check", check=False)
    assert wrong.returncode == 1
    # All errors at once, each with its line.
    assert "hostnam" in wrong.stdout and "rate_client" in wrong.stdout
    assert len(re.findall(r"mail\.conf:\d+", wrong.stdout)) == 2


def test_permissions(alone):
    assert alone.mailctl("permissions", "--check").returncode == 0
    drop = os.path.join(alone.spool, "drop")
    os.rmdir(drop)
    wrong = alone.mailctl("permissions", "--check", check=False)
    assert wrong.returncode == 1 and "drop" in wrong.stdout
    assert not os.path.exists(drop)
    alone.mailctl("permissions")
    assert os.path.isdir(drop)
    assert alone.mailctl("permissions", "--check").returncode == 0


def test_verbs_are_explained():
    out = subprocess.run([MAILCTL, "help"], stdout=subprocess.PIPE,
                         text=True, check=True).stdout
    for verb in ("init", "check", "user add", "route", "config explain",
                 "permissions", "startup"):
        assert verb in out

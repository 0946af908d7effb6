# SPDX-License-Identifier: ISC
"""Clients that nobody here wrote: swaks, curl, openssl, mutt, mbsync,
fetchmail."""

import fcntl
import os
import pty
import select
import shutil
import signal
import struct
import termios
import time

import pytest

import server


def need(program):
    if shutil.which(program) is None:
        pytest.skip(program + " is not installed")


def test_swaks_on_all_three_ports(host):
    need("swaks")
    user = "mahen@" + host.hostname
    common = ["--server", host.address, "--to", user, "--from",
              "hendro@" + host.hostname, "--timeout", "30"]
    login = ["--auth", "PLAIN", "--auth-user", "hendro", "--auth-password",
             "secret"]
    runs = [
        ["--port", str(host.ports["smtp"])],
        ["--port", str(host.ports["smtp"]), "--tls"],
        ["--port", str(host.ports["submission"]), "--tls"] + login,
        ["--port", str(host.ports["submission"]), "--tls", "--auth", "LOGIN",
         "--auth-user", "hendro", "--auth-password", "secret"],
        ["--port", str(host.ports["submissions"]), "--tlsc"] + login,
        ["--port", str(host.ports["smtp"]), "--pipeline"],
    ]
    for number, options in enumerate(runs, 1):
        result = server.run("swaks", *common, *options, check=False)
        assert result.returncode == 0, result.stdout
        assert "queued as" in result.stdout
        host.wait_messages(user, number)
    bad = server.run("swaks", *common, "--port",
                     str(host.ports["submission"]), "--tls", "--auth",
                     "PLAIN", "--auth-user", "hendro", "--auth-password",
                     "wrong", check=False)
    assert bad.returncode != 0
    assert "535 5.7.8" in bad.stdout
    none = server.run("swaks", *common, "--port",
                      str(host.ports["submission"]), "--tls", check=False)
    assert "530 5.7.0" in none.stdout


@pytest.mark.parametrize("service,start,expect", [
    ("submissions", None, "220 "), ("pop3s", None, "+OK"),
    ("imaps", None, "* OK"), ("smtp", "smtp", "250 "),
    ("submission", "smtp", "250 "), ("pop3", "pop3", "+OK"),
    ("imap", "imap", "OK"),
])
def test_openssl_s_client(host, service, start, expect):
    argv = ["openssl", "s_client", "-quiet", "-verify_quiet", "-crlf",
            "-connect", "%s:%d" % (host.address, host.ports[service])]
    if start:
        argv += ["-starttls", start]
    talk = {"pop3": "QUIT\n", "imap": "a LOGOUT\n"}.get(
        service.rstrip("s"), "QUIT\n")
    result = server.run(*argv, input=talk, check=False)
    assert expect in result.stdout
    assert ("BYE" in result.stdout) == service.startswith("imap")


def test_old_tls_is_refused(host):
    result = server.run(
        "openssl", "s_client", "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0",
        "-connect", "%s:%d" % (host.address, host.ports["imaps"]), input="",
        check=False)
    assert result.returncode != 0
    result = server.run(
        "openssl", "s_client", "-tls1_2", "-connect",
        "%s:%d" % (host.address, host.ports["imaps"]), input="a LOGOUT\r\n",
        check=False)
    assert "TLSv1.2" in result.stdout


def test_curl_for_smtp_pop3_imap(host, folder, picture):
    need("curl")
    user = "mahen@" + host.hostname
    path = os.path.join(folder, "letter")
    with open(path, "w", newline="") as out:
        out.write("From: hendro@%s\r\nTo: %s\r\nSubject: curl\r\n\r\n"
                  "Halo\r\n.\r\n..\r\n" % (host.hostname, user))
    curl = ["curl", "-sS", "-k", "--max-time", "30"]
    for url, options in (
            ("smtp://%s:%d", ["--ssl-reqd", "-u", "hendro:secret"]),
            ("smtps://%s:%d", ["-u", "hendro:secret"])):
        service = "submission" if url.startswith("smtp:") else "submissions"
        server.run(*curl, url % (host.address, host.ports[service]),
                   "--mail-from", "hendro@" + host.hostname, "--mail-rcpt",
                   user, "-T", path, *options)
    host.wait_messages(user, 2)
    for scheme, service, options in (
            ("pop3", "pop3", []), ("pop3", "pop3", ["--ssl-reqd"]),
            ("pop3s", "pop3s", [])):
        out = server.run(*curl, "-u", "mahen:secret", *options, "%s://%s:%d/1"
                         % (scheme, host.address, host.ports[service])).stdout
        assert "Subject: curl" in out
        assert out.rstrip().endswith("Halo\n.\n..") or "Halo" in out
    for scheme, service, options in (
            ("imap", "imap", []), ("imap", "imap", ["--ssl-reqd"]),
            ("imaps", "imaps", [])):
        base = "%s://%s:%d/" % (scheme, host.address, host.ports[service])
        out = server.run(*curl, "-u", "mahen:secret", *options,
                         base + "INBOX;MAILINDEX=1").stdout
        assert "Subject: curl" in out
        out = server.run(*curl, "-u", "mahen:secret", *options, base).stdout
        assert "INBOX" in out
    server.run(*curl, "-u", "mahen:secret", "-T", path, "imap://%s:%d/INBOX"
               % (host.address, host.ports["imap"]))
    host.wait_messages(user, 3)


def swaks_send(host, user, subject):
    server.run("swaks", "--server", host.address, "--port",
               str(host.ports["smtp"]), "--to", user, "--from", "a@b.example",
               "--header", "Subject: " + subject)


def run_on_terminal(argv, environment, seconds=60):
    """Run a program that wants a terminal; (exit code, what it showed)."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe(argv[0], argv, environment)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ,
                struct.pack("HHHH", 24, 80, 0, 0))
    shown, end = b"", time.monotonic() + seconds
    while time.monotonic() < end:
        ready, _, _ = select.select([terminal], [], [], 1)
        try:
            data = os.read(terminal, 65536) if ready else None
        except OSError:
            data = b""
        if data == b"":
            break
        shown += data or b""
    else:
        os.kill(pid, signal.SIGKILL)
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), shown.decode("latin-1")


def test_mutt_reads_the_folder(host, folder):
    need("mutt")
    user = "mahen@" + host.hostname
    swaks_send(host, user, "for mutt")
    host.wait_messages(user, 1)
    rc = os.path.join(folder, "muttrc")
    with open(rc, "w") as out:
        out.write("set folder=\"%s\"\nset header_cache=\"\"\n"
                  "set imap_user=mahen\nset imap_pass=secret\n"
                  "set ssl_starttls=no\nset ssl_force_tls=no\n"
                  "unset trash\nset quit=yes\nset wait_key=no\n"
                  "set index_format=\"%%s\"\n" % folder)
    environment = dict(os.environ, HOME=folder, TERM="xterm", LINES="24",
                       COLUMNS="80")
    url = "imap://%s:%d/INBOX" % (host.address, host.ports["imap"])
    copy = os.path.join(folder, "copy")
    # Read through IMAP: copy the message out, as a person would with C.
    script = "push '<copy-message>%s<enter>y<quit>'" % copy
    code, shown = run_on_terminal(
        ["mutt", "-n", "-F", rc, "-f", url, "-e", script], environment)
    assert code == 0, shown
    with open(copy, errors="replace") as file:
        assert "Subject: for mutt" in file.read()
    # And straight from the Maildir.
    direct = os.path.join(folder, "direct")
    script = "push '<copy-message>%s<enter>y<quit>'" % direct
    code, shown = run_on_terminal(
        ["mutt", "-n", "-R", "-F", rc, "-f", host.maildir(user), "-e",
         script], environment)
    assert code == 0, shown
    with open(direct, errors="replace") as file:
        assert "Subject: for mutt" in file.read()


def test_mbsync_both_ways(host, folder):
    need("mbsync")
    user = "mahen@" + host.hostname
    for number in range(3):
        swaks_send(host, user, "sync %d" % number)
    host.wait_messages(user, 3)
    os.makedirs(os.path.join(folder, "Mail"))
    rc = os.path.join(folder, "mbsyncrc")
    with open(rc, "w") as out:
        out.write("""\
IMAPAccount here
Host %s
Port %d
User mahen
Pass secret
SSLType None
AuthMechs LOGIN

IMAPStore far
Account here

MaildirStore near
Path %s/Mail/
Inbox %s/Mail/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
SyncState *
""" % (host.address, host.ports["imap"], folder, folder))
    environment = dict(os.environ, HOME=folder)
    server.run("mbsync", "-c", rc, "-a", env=environment)
    inbox = os.path.join(folder, "Mail", "INBOX")
    names = os.listdir(inbox + "/new") + os.listdir(inbox + "/cur")
    assert len(names) == 3
    # A new message there and a new folder go up.
    with open(inbox + "/new/1.mine.here", "w") as out:
        out.write("From: me\nSubject: from mbsync\n\nbody\n")
    for part in ("new", "cur", "tmp"):
        os.makedirs(os.path.join(folder, "Mail", "Arsip", part))
    with open(folder + "/Mail/Arsip/new/2.mine.here", "w") as out:
        out.write("From: me\nSubject: archived\n\nbody\n")
    server.run("mbsync", "-c", rc, "-a", env=environment)
    assert len(host.messages(user)) == 4
    archive = os.path.join(host.maildir(user), ".Arsip")
    assert len(os.listdir(archive + "/new") + os.listdir(archive + "/cur")) \
        == 1
    # Again: nothing changes.
    server.run("mbsync", "-c", rc, "-a", env=environment)
    assert len(host.messages(user)) == 4


@pytest.mark.parametrize("protocol", ["pop3", "imap"])
def test_fetchmail(host, folder, protocol):
    need("fetchmail")
    user = "mahen@" + host.hostname
    for number in range(2):
        swaks_send(host, user, "fetch %d" % number)
    host.wait_messages(user, 2)
    out = os.path.join(folder, "fetched")
    rc = os.path.join(folder, "fetchmailrc")
    with open(rc, "w") as conf:
        conf.write("poll %s service %d protocol %s username mahen password "
                   "secret sslproto '' no sslcertck mda \"tee -a %s\"\n" %
                   (host.address, host.ports[protocol], protocol, out))
    os.chmod(rc, 0o600)
    environment = dict(os.environ, HOME=folder, FETCHMAILHOME=folder)
    result = server.run("fetchmail", "-f", rc, "--nodetach", "--nosyslog",
                        env=environment, check=False)
    assert result.returncode == 0, result.stdout
    with open(out) as file:
        text = file.read()
    assert "Subject: fetch 0" in text and "Subject: fetch 1" in text
    server.wait_for(lambda: not host.messages(user), "an empty INBOX")


def test_sendmail_command(host):
    user = "mahen@" + host.hostname
    host.sendmail("-t", "-i", "-f", "hendro@" + host.hostname, "-F",
                  "Hendro S", input="To: %s\nBcc: hendro@%s\nSubject: s1\n\n"
                  ".\nline\n" % (user, host.hostname))
    host.sendmail("-oi", "-oem", "--", user, input="Subject: s2\n\nx\n")
    host.sendmail("-f", "", user, input="Subject: s3\n\n.\n")
    host.sendmail("-bs", input="HELO x\r\nMAIL FROM:<hendro@%s>\r\n"
                  "RCPT TO:<%s>\r\nDATA\r\nSubject: s4\r\n\r\nx\r\n.\r\n"
                  "QUIT\r\n" % (host.hostname, user))
    host.wait_messages(user, 4)
    host.wait_messages("hendro@" + host.hostname, 1)
    texts = [open(path).read() for path in host.messages(user)]
    assert not any("Bcc:" in text for text in texts)
    assert any("Subject: s4" in text for text in texts)
    host.wait_queue_empty()
    assert "Mail queue is empty" in host.sendmail("-bp").stdout
    host.sendmail("-q")

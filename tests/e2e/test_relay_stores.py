# SPDX-License-Identifier: ISC
"""Relaying to Exim, into Dovecot by LMTP, and by login through another host
of our own."""

import glob
import os
import pwd
import re
import socket
import subprocess

import pytest

import server

EXIM = "/var/cache/merpati-tests/exim/usr/sbin/exim4"
# Exim wants an account that need not be there: it runs in a mount namespace
# with another /etc/passwd.
EXIM_ACCOUNT, EXIM_UID = "Debian-exim", 64998
EXIM_START = """\
mount --bind %(folder)s/passwd /etc/passwd &&
mount --bind %(folder)s/group /etc/group &&
exec %(exim)s -C %(folder)s/exim.conf -bdf -oX 127.0.0.1.%(port)d
"""
EXIM_CONF = """\
keep_environment =
primary_hostname = mail.exim.test
spool_directory = %(folder)s/spool
log_file_path = %(folder)s/%%slog
pid_file_path = %(folder)s/pid
domainlist local_domains = exim.test : wide.test
acl_smtp_rcpt = rcpt
acl_smtp_data = accept
dsn_advertise_hosts = *
tls_advertise_hosts =
begin acl
rcpt:
  deny local_parts = nobody
    message = 5.1.1 nobody is called that
  defer local_parts = later
    message = 4.2.1 come again
  accept
begin routers
store:
  driver = accept
  transport = store
begin transports
store:
  driver = appendfile
  file = %(folder)s/inbox
  user = Debian-exim
begin retry
* * F,1h,1m
"""
DOVECOT_CONF = """\
base_dir = %(base)s/run
state_dir = %(base)s/state
protocols = lmtp
ssl = no
log_path = %(base)s/dovecot.log
mail_location = maildir:%(base)s/mail
first_valid_uid = 1
first_valid_gid = 1
auth_username_format = %%n
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = %(port)d
  }
  unix_listener %(base)s/lmtp {
    mode = 0666
  }
}
userdb {
  driver = static
  args = uid=%(uid)d gid=%(gid)d home=%(base)s/home allow_all_users=no
}
passdb {
  driver = passwd-file
  args = %(base)s/passwd
}
"""


class Process:
    """A server in the foreground, ended by its own pid."""

    def __init__(self, folder, argv, port):
        self.folder = folder
        with open(os.path.join(folder, "errors"), "ab") as errors:
            self.process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors,
                start_new_session=True)
        server.wait_for(lambda: self.answers(port), argv[0])

    def answers(self, port):
        assert self.process.poll() is None, self.errors()
        try:
            socket.create_connection(("127.0.0.1", port), 5).close()
            return True
        except OSError:
            return False

    def errors(self):
        with open(os.path.join(self.folder, "errors"),
                  errors="replace") as file:
            return file.read()

    def stop(self):
        self.process.terminate()
        self.process.wait(server.DEADLINE)


@pytest.fixture
def place(folder):
    os.chmod(folder, 0o755)
    return folder


@pytest.fixture
def exim(place):
    if not server.IS_ROOT or not os.path.exists(EXIM):
        pytest.skip("Exim is not installed, or nobody is root")
    os.mkdir(os.path.join(place, "spool"))
    for path in (place, os.path.join(place, "spool")):
        os.chown(path, EXIM_UID, EXIM_UID)
    for name, rest in (("passwd", "%d::/nonexistent:/bin/false" % EXIM_UID),
                       ("group", "")):
        with open("/etc/" + name) as file:
            lines = [line for line in file
                     if not line.startswith(EXIM_ACCOUNT + ":")]
        with open(os.path.join(place, name), "w") as file:
            file.write("".join(lines) + "%s:x:%d:%s\n"
                       % (EXIM_ACCOUNT, EXIM_UID, rest))
    with open(os.path.join(place, "exim.conf"), "w") as file:
        file.write(EXIM_CONF % {"folder": place})
    port = server.free_ports(1)[0]
    process = Process(place, ["unshare", "-m", "sh", "-c", EXIM_START % {
        "folder": place, "exim": EXIM, "port": port}], port)
    process.port = port
    yield process
    process.stop()


def read(path):
    if not os.path.exists(path):
        return ""
    with open(path, encoding="latin-1") as file:
        return file.read()


def wait_lines(host, *patterns):
    for pattern in patterns:
        server.wait_for(lambda: re.search(pattern, host.read_log()), pattern)


def test_exim_takes_refuses_and_puts_off(exim, make_host):
    host = make_host()
    host.add_user("ann@" + host.hostname)
    host.write("route.map", "exim.test [127.0.0.1]:%d\n"
                            "wide.test [127.0.0.1]:%d\n"
               % (exim.port, exim.port))
    host.start()
    people = ["r%d@%s.test" % (n, ("exim", "wide")[n % 2])
              for n in range(40)]
    host.sendmail("-f", "ann@" + host.hostname, *people, "nobody@exim.test",
                  "later@exim.test",
                  input="Subject: many\n\n.dot\n" + "x" * 70000 + "\n")
    wait_lines(
        host, "to=<later@exim.test>,.*status=deferred .*come again",
        "to=<nobody@exim.test>,.*status=bounced .*called that",
        "to=<r39@wide.test>,.*status=sent")
    assert len(re.findall(r"status=sent \(250 .* OK id=",
                          host.read_log())) == 40
    assert len(host.wait_messages("ann@" + host.hostname, 1)) == 1
    # One transaction for all of them, and one connection.
    log = read(os.path.join(exim.folder, "mainlog"))
    assert log.count(" <= ann@") == 1
    assert " K " in log


@pytest.fixture
def dovecot(place):
    if not server.IS_ROOT or not os.path.exists("/usr/lib/dovecot/lmtp"):
        pytest.skip("Dovecot's LMTP is not installed, or nobody is root")
    owner = pwd.getpwnam("nobody")
    port = server.free_ports(1)[0]
    for name in ("mail", "home"):
        os.mkdir(os.path.join(place, name))
        os.chown(os.path.join(place, name), owner.pw_uid, owner.pw_gid)
    with open(os.path.join(place, "passwd"), "w") as file:
        file.write("u:{PLAIN}x:%d:%d::%s/home::\n"
                   % (owner.pw_uid, owner.pw_gid, place))
    conf = os.path.join(place, "dovecot.conf")
    with open(conf, "w") as file:
        file.write(DOVECOT_CONF % {"base": place, "port": port,
                                   "uid": owner.pw_uid,
                                   "gid": owner.pw_gid})
    process = Process(place, ["dovecot", "-F", "-c", conf], port)
    process.port = port
    yield process
    process.stop()


def test_dovecot_stores_by_lmtp(dovecot, make_host):
    path = os.path.join(dovecot.folder, "lmtp")
    host = make_host(settings={"lmtp_sockets": path})
    host.add_user("ann@" + host.hostname)
    host.write("route.map", "inet.test lmtp:[127.0.0.1]:%d\n"
                            "unix.test lmtp:unix:%s\n"
               % (dovecot.port, path))
    host.start()
    host.sendmail("-f", "ann@" + host.hostname, "u@inet.test",
                  "nobody@inet.test", "u@unix.test", "nobody@unix.test",
                  input="Subject: stored\n\nhello\n")
    wait_lines(
        host, "to=<u@inet.test>, relay=127.0.0.1.*status=sent",
        "to=<u@unix.test>, relay=/.*status=sent",
        "to=<nobody@inet.test>,.*status=bounced",
        "to=<nobody@unix.test>,.*status=bounced")
    mails = glob.glob(os.path.join(dovecot.folder, "mail", "new", "*"))
    assert len(mails) == 2
    assert all("Subject: stored" in read(mail) for mail in mails)


def test_a_login_by_scram_for_one_sender(make_host):
    """The other host is our own; the password is never sent."""
    provider = make_host(hostname="provider.test",
                         settings={"sender_check": "no",
                                   "internet": "no",
                                   "password_scheme": "scram"})
    provider.add_user("office@provider.test", "geheim")
    provider.add_user("box@provider.test", "x")
    provider.start()
    hop = "[127.0.0.1]:%d" % provider.ports["submission"]
    host = make_host(settings={"sender_route_map": ""})
    path = os.path.join(host.directory, "senders")
    host.write_conf({"sender_route_map": path,
                     "tls_security_level": "none"})
    host.add_user("ann@" + host.hostname)
    host.write("senders", "@%s %s\n" % (host.hostname, hop))
    host.write("relay.map", "ann@%s>%s office@provider.test:geheim\n"
               % (host.hostname, hop))
    host.mailctl("permissions")
    host.start()
    host.sendmail("-f", "ann@" + host.hostname, "box@provider.test",
                  input="Subject: by login\n\nhello\n")
    wait_lines(host, "to=<box@provider.test>,.*status=(sent|deferred|bounced)")
    assert "status=sent" in host.read_log()
    assert len(provider.wait_messages("box@provider.test", 1)) == 1
    assert "SCRAM-SHA-256" in provider.read_log()

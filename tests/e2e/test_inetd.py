# SPDX-License-Identifier: ISC
"""The same host under merpatid, xinetd, openbsd-inetd and systemd sockets."""

import concurrent.futures
import contextlib
import email
import email.policy
import hashlib
import imaplib
import os
import poplib
import re
import smtplib
import ssl
from email.message import EmailMessage

import pytest

import server
import starters
from server import Wire, wait_for

BURST = 300
BANNERS = {"smtp": "220 ", "submission": "220 ", "pop3": "+OK ",
           "imap": "* OK "}
CONTEXT = ssl.create_default_context()
CONTEXT.check_hostname = False
CONTEXT.verify_mode = ssl.CERT_NONE


def prepared(make_host, **settings):
    host = make_host(settings=settings)
    for name in ("hendro", "mahen"):
        host.add_user("%s@%s" % (name, host.hostname))
    return host


@pytest.fixture(params=starters.WAYS)
def started(request, make_host):
    """A host in each of the ways, with the users hendro and mahen."""
    with starters.running(request.param, prepared(make_host)) as one:
        yield one


def letter(host, subject):
    message = EmailMessage()
    message["From"] = "Hendro <hendro@%s>" % host.hostname
    message["To"] = "Mahen <mahen@%s>" % host.hostname
    message["Subject"] = subject
    message.set_content("See the picture.\r\n.\r\n..dots\r\n")
    return message


def smtp_client(host, service):
    if service == "submissions":
        smtp = smtplib.SMTP_SSL(host.address, host.ports[service],
                                context=CONTEXT, timeout=30)
    else:
        smtp = smtplib.SMTP(host.address, host.ports[service], timeout=30)
        smtp.starttls(context=CONTEXT)
    if service != "smtp":
        smtp.login("hendro", "secret")
    return smtp


def imap_client(host, service):
    if service == "imaps":
        imap = imaplib.IMAP4_SSL(host.address, host.ports[service],
                                 ssl_context=CONTEXT)
    else:
        imap = imaplib.IMAP4(host.address, host.ports[service])
        imap.starttls(CONTEXT)
    imap.login("mahen", "secret")
    imap.select()
    return imap


def pop_client(host, service):
    if service == "pop3s":
        pop = poplib.POP3_SSL(host.address, host.ports[service],
                              context=CONTEXT, timeout=30)
    else:
        pop = poplib.POP3(host.address, host.ports[service], timeout=30)
        pop.stls(CONTEXT)
    pop.user("mahen")
    pop.pass_("secret")
    return pop


def test_mail_by_every_port(started, picture):
    host = started.host
    data = picture(1 << 20)
    digest = hashlib.sha256(data).hexdigest()
    message = letter(host, "picture")
    message.add_attachment(data, maintype="image", subtype="png",
                           filename="foto.png")
    for count, service in enumerate(("smtp", "submission", "submissions"), 1):
        smtp = smtp_client(host, service)
        smtp.send_message(message if service == "smtp"
                          else letter(host, service))
        smtp.quit()
        host.wait_messages("mahen@" + host.hostname, count)

    fetched = None
    for service in ("imap", "imaps"):
        imap = imap_client(host, service)
        assert imap.search(None, "ALL")[1] == [b"1 2 3"]
        number = imap.search(None, "SUBJECT", "picture")[1][0]
        fetched = imap.fetch(number, "(RFC822)")[1][0][1]
        parsed = email.message_from_bytes(fetched,
                                          policy=email.policy.default)
        part = next(parsed.iter_attachments()).get_payload(decode=True)
        assert hashlib.sha256(part).hexdigest() == digest
        imap.logout()
    for service in ("pop3", "pop3s"):
        pop = pop_client(host, service)
        assert pop.stat()[0] == 3
        texts = [b"\r\n".join(pop.retr(n)[1]) + b"\r\n" for n in (1, 2, 3)]
        assert fetched in texts
        pop.quit()


def test_each_port_is_its_own_listener(started):
    host = started.host
    for service, banner in BANNERS.items():
        wire = Wire(host.connect(service))
        assert wire.line().startswith(banner), service
        wire.close()
    wire = Wire(host.connect("smtp"))
    wire.line()
    assert "AUTH" not in wire.say("EHLO x")
    assert wire.say("MAIL FROM:<a@b.example>").startswith("250")
    wire.close()
    wire = Wire(host.connect("submission"))
    wire.line()
    assert "STARTTLS" in wire.say("EHLO x")
    assert wire.say("MAIL FROM:<a@b.example>").startswith("530")
    wire.close()
    wire = Wire(CONTEXT.wrap_socket(host.connect("submissions")))
    wire.line()
    reply = wire.say("EHLO x")
    assert "AUTH" in reply and "STARTTLS" not in reply
    wire.close()
    with smtp_client(host, "submission") as smtp:
        smtp.send_message(letter(host, "which"))
    path, = host.wait_messages("mahen@" + host.hostname, 1)
    with open(path) as file:
        assert re.search(r"^Received: .*\bESMTPSA\b", file.read(),
                         re.M | re.S)


# One line each of the three protocols, from a server.
REPLIES = {
    "smtp": r"\d\d\d[ -].*",
    "submission": r"\d\d\d[ -].*",
    "pop3": r"(\+OK|-ERR).*|\.|[A-Z][A-Z0-9-]*( .*)?",
    "imap": r"(\*|\+|[a-z]\d) .*",
}
DIALOGUES = {
    "smtp": "EHLO x\r\nJUNK\r\nMAIL FROM:<>\r\nRCPT TO:<mahen@%s>\r\n"
            "RCPT TO:<nobody@%s>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\n"
            "QUIT\r\n",
    "submission": "EHLO x\r\nAUTH PLAIN AG5vAG5v\r\nAUTH PLAIN "
                  "AGhlbmRybwBzZWNyZXQ=\r\nMAIL FROM:<a@b.example>\r\n"
                  "QUIT\r\n",
    "pop3": "CAPA\r\nJUNK\r\nUSER mahen\r\nPASS bad\r\nUSER mahen\r\n"
            "PASS secret\r\nSTAT\r\nJUNK\r\nQUIT\r\n",
    "imap": "a1 JUNK\r\na2 LOGIN mahen bad\r\na3 LOGIN mahen secret\r\n"
            "a4 SELECT INBOX\r\na5 JUNK\r\na6 LOGOUT\r\n",
}


def spoil_settings(host):
    with open(host.conf, "a") as conf:
        conf.write("no_such_setting = 1\n")


def is_refused(host, service):
    """A sender whose settings are in error is told so, and no more."""
    wire = Wire(host.connect(service))
    reply = wire.rest().decode()
    wire.close()
    assert reply.startswith(("421 4.3.5", "-ERR [SYS/TEMP]",
                             "* BYE [UNAVAILABLE]")), reply
    assert reply.count("\n") == 1
    return True


@pytest.mark.parametrize("way", ["xinetd-wait", "inetd-wait"])
def test_a_waiting_server_outlives_bad_settings(way, make_host):
    host = prepared(make_host)
    with open(host.conf) as conf:
        good = conf.read()
    with starters.running(way, host) as started:
        assert greet(host)
        spoil_settings(host)
        # As merpatid, it keeps the old ones; who is started now has none.
        assert greet(host)
        started.end_waiting_servers()
        for service in BANNERS:
            assert is_refused(host, service)
        with open(host.conf, "w") as conf:
            conf.write(good)
        assert greet(host)


@pytest.mark.parametrize("way", starters.WAYS[1:])
def test_no_log_line_reaches_the_client(way, make_host):
    """The log is standard error, and inetd's is the connection."""
    host = prepared(make_host, log_file="-")
    with starters.running(way, host):
        for service, text in DIALOGUES.items():
            wire = Wire(host.connect(service))
            for line in text.replace("%s", host.hostname).splitlines(True):
                wire.send(line)
            lines = wire.rest().decode().split("\r\n")
            wire.close()
            assert lines.pop() == ""
            assert len(lines) >= 5, (service, lines)
            for line in lines:
                assert re.fullmatch(REPLIES[service], line), (service, line)
        if not way.endswith("-wait"):
            spoil_settings(host)
            for service in BANNERS:
                is_refused(host, service)


def facts_of(pid, host):
    status = server.read_status(pid)
    root = "/"
    if server.IS_ROOT:
        # An ordinary user may not look, and has no chroot.
        root = os.readlink("/proc/%d/root" % pid)
    facts = [status[name].strip() for name in
             ("Uid", "Gid", "Groups", "CapEff", "CapPrm", "CapBnd",
              "NoNewPrivs", "Seccomp")]
    return status["Name"], (*facts, root.startswith(host.directory))


# The super-servers themselves differ.
SUPER = {"merpatid", "xinetd", "inetd", "systemd-socket-", "mailctl"}


def jails_of(way, host, same_session):
    """name -> set of facts, with sessions open in every state."""
    with starters.running(way, host) as started, \
            contextlib.ExitStack() as stack:
        plain = Wire(host.connect("smtp"))
        stack.callback(plain.close)
        plain.line()
        plain.say("EHLO x")
        plain.say("MAIL FROM:<a@b.example>")
        tls = Wire(CONTEXT.wrap_socket(host.connect("submissions")))
        stack.callback(tls.close)
        tls.line()
        for service in ("pop3", "imap"):
            login = Wire(host.connect(service))
            stack.callback(login.close)
            login.line()
        imap = imap_client(host, "imaps")
        stack.callback(imap.logout)
        pop = pop_client(host, "pop3")
        stack.callback(pop.quit)
        found = {}
        names = {"qmgr", "deliver-spawn", "relay-spawn"} | same_session

        def collect():
            found.clear()
            for pid in family(started):
                with contextlib.suppress(OSError):
                    name, facts = facts_of(pid, host)
                    if name not in SUPER:
                        found.setdefault(name, set()).add(facts)
            return names <= set(found)

        wait_for(collect, "every role under " + way)
        return dict(found)


def family(started):
    """The processes of the super-server and of qmgr, all generations."""
    parents = {}
    for pid in starters.numbers():
        with contextlib.suppress(OSError):
            with open("/proc/%d/stat" % pid) as stat:
                parent = int(stat.read().rsplit(")", 1)[1].split()[1])
            parents.setdefault(parent, []).append(pid)
    todo = [child.pid for child in started.children]
    if started.host.process:
        todo.append(started.host.process.pid)
    found = []
    while todo:
        found.append(todo.pop())
        todo += parents.get(found[-1], [])
    return found


def test_processes_are_jailed_as_under_merpatid(make_host):
    host = prepared(make_host)
    # The fronts are not among them: under merpatid they bear its name.
    sessions = {"smtpd-session", "pop3d-login", "imapd-login",
                "pop3d-mailbox", "imapd-mailbox", "tls", "enqueue"}
    own = jails_of("merpatid", host, sessions)
    for name in sessions & {"smtpd-session", "tls", "pop3d-login"}:
        for facts in own[name]:
            assert facts[7] == "2"
            if server.IS_ROOT:
                assert not facts[0].startswith("0\t") and facts[8]
    for way in starters.WAYS[1:]:
        try:
            other = jails_of(way, host, sessions)
        except pytest.skip.Exception:
            continue
        for name in sessions | {"qmgr", "deliver-spawn", "relay-spawn"}:
            assert own[name] == other[name], (way, name)


def greet(host):
    """A whole short session; whether it was served."""
    try:
        wire = Wire(host.connect("smtp"))
        try:
            is_served = (wire.line().startswith("220") and
                         wire.say("QUIT").startswith("221"))
        finally:
            wire.close()
    except OSError:
        return False
    return is_served


def is_greeted(host, service):
    wire = Wire(host.connect(service))
    try:
        return wire.line().startswith(BANNERS[service])
    except ConnectionResetError:
        return False
    finally:
        wire.close()


@pytest.mark.parametrize("way", starters.WAYS)
def test_a_burst_never_disables_the_service(way, make_host):
    host = prepared(make_host, rate_client="400", max_connections="400")
    with starters.running(way, host):
        with concurrent.futures.ThreadPoolExecutor(40) as pool:
            served = list(pool.map(lambda _: greet(host), range(BURST)))
        assert served == [True] * BURST
        assert greet(host)
        smtp = smtp_client(host, "submission")
        smtp.send_message(letter(host, "after"))
        smtp.quit()
        host.wait_messages("mahen@" + host.hostname, 1)


@pytest.mark.parametrize("way", starters.WAYS)
def test_connections_held_over_the_limit_do_no_harm(way, make_host):
    host = prepared(make_host, rate_client="10", max_connections="30")
    with starters.running(way, host):
        with contextlib.ExitStack() as stack:
            for _ in range(60):
                stack.enter_context(host.connect("pop3"))
        wait_for(lambda: is_greeted(host, "pop3"), "POP3 after the flood")
        wait_for(lambda: greet(host), "SMTP after the flood")


@pytest.mark.parametrize("way", starters.WAYS)
def test_services_without_an_address_hear_both_families(way, make_host):
    host = make_host()
    host.write_conf({"listen": " ".join(
        "%s:%d" % item for item in host.ports.items()),
        "mynetworks": "127.0.0.2/32"})
    host.add_user("mahen@" + host.hostname)
    with starters.running(way, host):
        for address in ("127.0.0.1", "::1"):
            host.address = address
            try:
                wire = Wire(host.connect("smtp"))
            except OSError:
                assert address == "::1" and not has_ipv6()
                continue
            wire.line()
            wire.say("EHLO x")
            wire.say("MAIL FROM:<>")
            assert wire.say("RCPT TO:<mahen@%s>" % host.hostname)[:3] == "250"
            assert wire.say("RCPT TO:<a@b.example>")[:3] == "550"
            wire.close()
        host.address = "127.0.0.1"
        wire = Wire(connect_from("127.0.0.2", host))
        wire.line()
        wire.say("EHLO x")
        wire.say("MAIL FROM:<>")
        assert wire.say("RCPT TO:<a@b.example>")[:3] == "250"
        wire.close()


def connect_from(source, host):
    return server.socket.create_connection(
        ("127.0.0.1", host.ports["smtp"]), 30, (source, 0))


def has_ipv6():
    try:
        with server.socket.socket(server.socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


@pytest.mark.parametrize("kind", ["xinetd", "inetd", "systemd"])
def test_two_services_of_a_kind_have_two_entries(kind, make_host, folder):
    host = make_host()
    places = ["smtp:127.0.0.1:2601", "smtp:127.0.0.2:2601", "smtp:2602",
              "smtp:[::1]:2603", "imap:2604"]
    host.write_conf({"listen": " ".join(places)})
    host.mailctl("startup", "--directory", folder, kind)
    texts = {}
    for name in os.listdir(folder):
        with open(os.path.join(folder, name)) as file:
            texts[name] = file.read()
    if kind == "inetd":
        text, = texts.values()
        services = re.findall(r"^[^#]\S*", text, re.M)
        assert len(services) == len(set(services)) + 2 == 7
        return
    suffix = ".socket" if kind == "systemd" else ""
    names = [name for name in texts if name.endswith(suffix)]
    assert len(names) == len(places)
    if kind == "xinetd":
        # xinetd passes over files with a dot in their names.
        assert not any("." in name for name in names)
        ids = re.findall(r"^service (\S+)", "".join(texts.values()), re.M)
        assert sorted(ids) == sorted(names)

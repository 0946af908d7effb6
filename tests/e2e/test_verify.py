# SPDX-License-Identifier: ISC
"""verify: opinions that need the network or state, with real servers."""

import contextlib
import os
import pwd
import signal
import smtplib
import socket
import ssl
import subprocess
import time

import pytest

import server
import test_jail
from server import Wire

TO = "hendro@mail.kelompok1.local"


def envelope(wire, sender="s@there.test", to=TO, helo="client.test"):
    """The reply to RCPT of a new connection."""
    assert wire.reply().startswith("220 ")
    assert wire.say("EHLO " + helo).startswith("250")
    answer = wire.say("MAIL FROM:<%s>" % sender)
    return wire.say("RCPT TO:<%s>" % to) if answer[:1] == "2" else answer


def send(wire, text="Subject: x\r\n\r\ntext\r\n"):
    assert wire.say("DATA").startswith("354")
    return wire.say(text + ".")


def names(host):
    """Of the live processes of a host."""
    found = []
    for pid in server.tree(host.process.pid):
        with contextlib.suppress(FileNotFoundError):
            found.append(server.read_status(pid)["Name"])
    return found


@pytest.fixture
def start(make_host):
    def one(**settings):
        host = make_host(settings=settings)
        host.add_user(TO)
        return host.start()
    return one


def test_the_name_of_a_client_is_in_the_trace(start):
    host = start(reverse_dns="yes")
    wire = Wire(host.connect("smtp"))
    assert envelope(wire).startswith("250 ")
    assert "queued as" in send(wire)
    path = host.wait_messages(TO, 1)[0]
    with open(path) as text:
        assert "(localhost [127.0.0.1])" in text.read()
    wire.close()


@pytest.mark.skipif(not server.IS_ROOT, reason="jails need root")
def test_verify_is_in_its_jail(start):
    host = start(reverse_dns="yes")
    wire = Wire(host.connect("smtp"))
    assert envelope(wire).startswith("250 ")
    found = []
    for process in test_jail.look(host).values():
        if process.name == "verify":
            found.append(process)
            assert list(test_jail.jail_faults(host, process, "verify")) == []
    assert len(found) == 1
    assert os.stat(os.path.join(host.state, "verify")).st_mode & 0o777 == 0o700
    wire.close()


def test_without_a_setting_there_is_none(start):
    host = start()
    wire = Wire(host.connect("smtp"))
    assert envelope(wire).startswith("250 ")
    assert "verify" not in names(host)
    wire.close()


# Below, 127/8 are strangers.
STRANGERS = "10.255.255.0/24"


def stranger(host, source="127.0.0.1"):
    return Wire(socket.create_connection(
        (host.address, host.ports["smtp"]), server.DEADLINE,
        source_address=(source, 0)))


def ask(host, source="127.0.0.1", **options):
    """The reply to RCPT of one connection."""
    wire = stranger(host, source)
    answer = envelope(wire, **options)
    wire.close()
    return answer


@pytest.fixture
def dns(folder):
    """dns(LINES of dnsmasq.conf) -> "[127.0.0.1]:port" of a name server."""
    running = []

    def start(*lines):
        port = server.free_ports(1)[0]
        conf = os.path.join(folder, "dnsmasq.conf")
        with open(conf, "w") as out:
            out.write("\n".join(
                ("no-resolv", "no-hosts", "bind-interfaces", "user=root",
                 "listen-address=127.0.0.1", "port=%d" % port, "pid-file=",
                 "log-facility=-", "local=/test/", "local=/arpa/") + lines)
                + "\n")
        running.append(subprocess.Popen(
            ["dnsmasq", "-k", "-C", conf], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL))

        def answers():
            # Any answer will do: the server is there.
            probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            probe.settimeout(0.2)
            with probe, contextlib.suppress(OSError):
                probe.sendto(b"\1\2\1\0\0\1\0\0\0\0\0\0\4test\0\0\1\0\1",
                             ("127.0.0.1", port))
                return probe.recv(512)
            return None

        server.wait_for(answers, "dnsmasq")
        return "[127.0.0.1]:%d" % port

    yield start
    for process in running:
        process.terminate()
        process.wait()


def test_only_a_confirmed_name_is_believed(start, dns):
    host = start(mynetworks=STRANGERS, reverse_dns="yes", dns_servers=dns(
        "ptr-record=2.0.0.127.in-addr.arpa,good.test",
        "address=/good.test/127.0.0.2",
        "ptr-record=3.0.0.127.in-addr.arpa,liar.test",
        "address=/liar.test/127.0.0.9"))
    for last in "234":
        assert ask(host, "127.0.0." + last, to="x@else.test")[:3] == "550"
    log = host.read_log()
    assert "from good.test[127.0.0.2]: 550" in log
    assert "from unknown[127.0.0.3]: 550" in log
    assert "from unknown[127.0.0.4]: 550" in log
    assert "liar" not in log


def test_lists_in_the_dns_refuse_and_allow(start, dns):
    host = start(
        mynetworks=STRANGERS, reverse_dns="no", dnsbl_threshold="3",
        dnsbl="bl.test=127.0.0.[2..4]*3 half.test*2 other.test*1 "
              "wl.test*-5 gone.invalid",
        dns_servers=dns(
            "address=/2.0.0.127.bl.test/127.0.0.3",
            'txt-record=2.0.0.127.bl.test,"seen spamming, see bl.test/why"',
            "address=/3.0.0.127.bl.test/127.0.0.9",
            "address=/4.0.0.127.half.test/127.0.0.2",
            "address=/4.0.0.127.other.test/127.0.0.2",
            "address=/5.0.0.127.half.test/127.0.0.2",
            "address=/6.0.0.127.bl.test/127.0.0.2",
            "address=/6.0.0.127.wl.test/127.0.0.2",
            "address=/7.0.0.127.half.test/127.255.255.254",
            "address=/7.0.0.127.other.test/127.0.0.2"))
    listed = ask(host, "127.0.0.2")
    assert listed.startswith("554 5.7.1 ")
    assert "client [127.0.0.2] is listed by bl.test: seen spamming, see " \
        "bl.test/why" in listed
    # The existence of a recipient does not show.
    assert ask(host, "127.0.0.2", to="nobody@" + host.hostname) == \
        listed.replace(TO, "nobody@" + host.hostname)
    assert ask(host, "127.0.0.3").startswith("250 ")  # pattern
    assert ask(host, "127.0.0.4").startswith("554 ")  # 2 + 1
    assert ask(host, "127.0.0.5").startswith("250 ")  # 2
    assert ask(host, "127.0.0.6").startswith("250 ")  # 3 - 5
    assert ask(host, "127.0.0.7").startswith("250 ")  # an error code
    assert ask(host, "127.0.0.8").startswith("250 ")
    assert "reject: RCPT from localhost[127.0.0.2]: 554 5.7.1" in \
        host.read_log()


def test_silent_lists_do_not_keep_others_from_being_asked(start, dns):
    # One after the other they would have used up all the time there is.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        lines = ["server=/s%d.test/127.0.0.1#%d" %
                 (i, silent.getsockname()[1]) for i in range(6)]
        host = start(
            mynetworks=STRANGERS, reverse_dns="no", dnsbl_threshold="2",
            dnsbl="s0.test s1.test s2.test s3.test s4.test s5.test*-1 "
                  "bl.test*3",
            dns_servers=dns("address=/2.0.0.127.bl.test/127.0.0.2",
                            *lines))
        assert ask(host, "127.0.0.2").startswith("554 5.7.1 ")
        assert "no answer from" not in host.read_log()


def test_a_dead_name_server_lets_mail_in(start):
    port = server.free_ports(1)[0]
    host = start(mynetworks=STRANGERS, dnsbl="bl.test",
                 dns_servers="[127.0.0.1]:%d" % port)
    assert ask(host, "127.0.0.2").startswith("250 ")


def test_senders_that_cannot_be_answered_are_refused(start, dns):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        host = start(
            mynetworks=STRANGERS, reverse_dns="no",
            sender_domain_check="yes", dns_servers=dns(
                "mx-host=null.test,.,0", "mx-host=good.test,mx.good.test,10",
                "address=/address.test/192.0.2.1",
                "server=/silent.test/127.0.0.1#%d" %
                silent.getsockname()[1]))
        null = ask(host, "127.0.0.2", sender="a@null.test")
        assert null.startswith("550 5.7.27 ")
        assert "null.test takes no mail" in null
        assert ask(host, "127.0.0.2", sender="a@gone.test") \
            .startswith("550 5.1.8 ")
        for sender in ("a@good.test", "a@address.test", "",
                       "mahen@" + host.hostname, "a@[192.0.2.1]",
                       "a@silent.test"):
            assert ask(host, "127.0.0.2", sender=sender) \
                .startswith("250 "), sender
        assert ask(host, "127.0.0.2", sender="a@gone.test",
                   to="nobody@" + host.hostname).startswith("550 5.1.1 ")


def test_greylisting_by_network(start):
    host = start(mynetworks=STRANGERS, greylist="yes", greylist_delay="2s",
                 greylist_passes="1")
    first = ask(host, "127.0.0.2")
    assert first.startswith("451 4.7.1 ")
    assert "greylisted" in first and " 2 seconds" in first
    assert "127.0.0.0/24 is new here" in first
    # Another recipient is another key; the same network is not.
    host.add_user("mahen@mail.kelompok1.local")
    server.wait_for(
        lambda: ask(host, "127.0.0.9").startswith("250 "), "a pass", 15)
    # The network has passed once: it is not asked again.
    assert ask(host, "127.0.0.3",
               to="mahen@mail.kelompok1.local").startswith("250 ")
    assert ask(host, "127.0.0.4", sender="").startswith("250 ")
    assert ask(host, "127.0.7.1").startswith("451 4.7.1 ")


def test_state_survives_a_kill_and_damage(start):
    host = start(mynetworks=STRANGERS, greylist="yes", greylist_delay="1h")
    assert ask(host, "127.0.0.2").startswith("451 ")
    wire = stranger(host, "127.0.0.2")
    assert envelope(wire, sender="other@there.test").startswith("451 ")
    for pid in server.tree(host.process.pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if server.read_status(pid)["Name"] == "verify":
                os.kill(pid, signal.SIGKILL)
    # Without it mail goes on, and it is said.
    assert wire.say("RCPT TO:<%s>" % TO).startswith("250 ")
    host.wait_log("mail goes on without it")
    wire.close()
    assert "greylisted" in ask(host, "127.0.0.2")
    path = os.path.join(host.state, "verify", "greylist")
    with open(path, "r+b") as state:
        state.write(b"\xff" * 4096)
    assert "greylisted" in ask(host, "127.0.0.2")
    host.wait_log("is made anew")


def test_rates_of_networks(start):
    host = start(mynetworks=STRANGERS, rate_connections="3")
    for _ in range(3):
        assert ask(host, "127.0.0.2").startswith("250 ")
    fourth = ask(host, "127.0.0.3")
    assert fourth.startswith("421 4.7.0 ") and "127.0.0.0/24" in fourth
    assert ask(host, "127.0.1.2").startswith("250 ")


def test_rate_of_messages(start):
    host = start(mynetworks=STRANGERS, rate_messages="2")
    wire = stranger(host)
    assert envelope(wire).startswith("250 ")
    for code in ("250", "451"):
        assert wire.say("RSET").startswith("250")
        assert wire.say("MAIL FROM:<a@b.test>").startswith(code)
    wire.close()


def test_the_greeting_waits_for_who_is_not_known(start):
    host = start(mynetworks=STRANGERS, greet_pause="2s")
    began = time.monotonic()
    assert ask(host, "127.0.0.2").startswith("250 ")
    assert time.monotonic() - began >= 1.9
    # It is known now, and so is its network.
    began = time.monotonic()
    assert ask(host, "127.0.0.3").startswith("250 ")
    assert time.monotonic() - began < 1.9


def test_who_speaks_first_is_refused(start):
    host = start(mynetworks=STRANGERS, greet_pause="5s")
    wire = stranger(host, "127.0.1.2")
    wire.send("EHLO early.test\r\n")
    assert wire.reply().startswith("220 ")
    assert wire.reply().startswith("250")
    assert wire.say("MAIL FROM:<a@b.test>").startswith("250 ")
    answer = wire.say("RCPT TO:<%s>" % TO)
    assert answer.startswith("550 5.5.1 ") and "before it was greeted" in answer
    wire.close()


def test_bare_pipelining_is_refused(start):
    host = start(mynetworks=STRANGERS, greet_pause="1s")
    wire = stranger(host, "127.0.2.2")
    assert wire.reply().startswith("220 ")
    wire.send("HELO hasty.test\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<%s>\r\n"
              % TO)
    assert [wire.reply()[:3] for _ in range(2)] == ["250", "250"]
    assert "ahead of their turn" in wire.reply()
    wire.close()
    # What it had passed is forgotten.
    began = time.monotonic()
    assert ask(host, "127.0.2.3").startswith("250 ")
    assert time.monotonic() - began >= 0.9


def test_trusted_clients_do_not_wait(start):
    host = start(greet_pause="20s")
    began = time.monotonic()
    assert ask(host).startswith("250 ")
    assert time.monotonic() - began < 15


def test_too_many_recipients_are_held_and_told(start):
    host = start(rate_user="3/h")
    host.add_user("postmaster@" + host.hostname)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE

    def submit(text, recipients):
        with smtplib.SMTP(host.address, host.ports["submission"]) as client:
            client.starttls(context=context)
            client.login(TO, "secret")
            client.sendmail(TO, recipients, "Subject: %s\n\nx\n" % text)

    submit("within", [TO] * 3)
    host.wait_messages(TO, 1)
    submit("over", [TO])
    host.wait_log("held: %s has more than 3 recipients in an hour" % TO)
    submit("over again", [TO])
    # The user and postmaster are told once.
    host.wait_messages("postmaster@" + host.hostname, 1)
    host.wait_messages(TO, 2)
    server.wait_for(lambda: len(host.queue_files()) == 2, "two held")
    listing = host.mailq().stdout
    assert listing.count("held: ") == 2 and "3 recipients in an hour" in listing
    with open(host.messages("postmaster@" + host.hostname)[0]) as notice:
        text = notice.read()
    assert "Subject: Mail is held: " in text and "mailq release " in text
    assert len(host.messages("postmaster@" + host.hostname)) == 1
    host.mailq("release", "all")
    host.wait_messages(TO, 4)
    host.wait_queue_empty()


def test_the_access_table(make_host):
    host = make_host(settings={"mynetworks": STRANGERS})
    host.add_user(TO)
    host.write("access", """\
client:127.0.0.0/24 REJECT
client:127.0.0.9 OK
client:127.0.3.0/24 DEFER come back on monday
helo:bad.test REJECT 550 5.7.1 no such name
helo:.dyn.test REJECT no dynamic clients
sender:spammer@there.test REJECT go away
sender:evil.test DISCARD
sender:slow@ HOLD to be looked at
recipient:%s OK
""" % TO)
    host.write_conf({"mynetworks": STRANGERS,
                     "access": os.path.join(host.directory, "access")})
    host.add_user("mahen@" + host.hostname)
    host.start()
    to = "mahen@" + host.hostname
    assert ask(host, "127.0.0.2", to=to).startswith("554 5.7.1 ")
    assert ask(host, "127.0.0.9", to=to).startswith("250 ")
    assert ask(host, "127.0.3.2", to=to).startswith("450 4.7.1 ")
    assert "come back on monday" in ask(host, "127.0.3.2", to=to)
    far = "127.0.1.1"
    assert "550 5.7.1" in ask(host, far, to=to, helo="bad.test")
    assert "no dynamic" in ask(host, far, to=to, helo="x.dyn.test")
    assert ask(host, far, to=to, helo="dyn.test").startswith("250 ")
    assert "go away" in ask(host, far, to=to, sender="spammer@there.test")
    # No row makes a relay.
    assert ask(host, "127.0.0.9", to="x@else.test").startswith("550 5.7.1")
    wire = stranger(host, far)
    assert envelope(wire, to=to, sender="a@evil.test").startswith("250 ")
    assert "queued as" in send(wire)
    assert wire.say("MAIL FROM:<slow@there.test>").startswith("250 ")
    assert wire.say("RCPT TO:<%s>" % to).startswith("250 ")
    assert "queued as" in send(wire)
    wire.close()
    host.wait_log("discard: from=<a@evil.test>")
    assert "held: to be looked at" in host.mailq().stdout
    assert len(host.queue_files()) == 1


def test_strangers_learn_nothing(start):
    host = start(mynetworks=STRANGERS, max_unknown_recipients="3")
    wire = stranger(host)
    assert wire.reply().startswith("220 ")
    assert wire.say("EHLO client.test").startswith("250")
    answers = {wire.say("VRFY " + name)
               for name in (TO, "nobody@" + host.hostname)}
    assert len(answers) == 1 and answers.pop().startswith("252 ")
    assert wire.say("MAIL FROM:<>").startswith("250 ")
    assert wire.say("RCPT TO:<%s>" % TO).startswith("250 ")
    assert wire.say("RCPT TO:<%s>" % TO).startswith("550 5.5.3 ")
    wire.close()
    assert "which you are not" in ask(host, helo=host.hostname)
    wire = stranger(host)
    assert envelope(wire).startswith("250 ")
    for code in ("550", "550", "550", "421"):
        assert wire.say("RCPT TO:<no@%s>" % host.hostname)[:3] == code
    assert wire.rest() == b""
    wire.close()


@pytest.mark.skipif(not server.IS_ROOT, reason="another user is needed")
def test_local_users_are_counted_by_uid(start):
    host = start(rate_user="2/h")
    for text in ("one", "two", "three"):
        host.sendmail("-f", "nobody@" + host.hostname, TO, user="nobody",
                      input="Subject: %s\n\nx\n" % text)
    host.wait_log("has more than 2 recipients in an hour")
    host.wait_messages(TO, 2)
    assert "held: uid %d" % pwd.getpwnam("nobody").pw_uid in \
        host.mailq().stdout

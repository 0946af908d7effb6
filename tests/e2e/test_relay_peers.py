# SPDX-License-Identifier: ISC
"""Relaying by MX through a real name server (NSD), beside Postfix, in a
network namespace of the tests' own; and Exim and Dovecot as peers.
"""

import json
import os
import re
import shutil
import sys

import pytest

import server

pytestmark = [
    pytest.mark.skipif(not server.IS_ROOT, reason="namespaces need root"),
]

HERE = os.path.dirname(os.path.abspath(__file__))
US = "mail.me.test"

# Hosts: a, b and six take mail; dead refuses; twin greets with our name.
HOSTS = """\
mx-a A 127.0.1.1
mx-b A 127.0.1.2
twin A 127.0.1.3
dead A 127.0.1.9
six AAAA fd00:98::5
dead-and-six A 127.0.1.9
dead-and-six AAAA fd00:98::5
a-and-far A 127.0.1.1
a-and-far AAAA fd00:98::99
alias-a CNAME mx-a
zero A 0.0.0.0
empty TXT x
mail.me A 127.0.1.3
five A 127.0.1.21
five A 127.0.1.22
five A 127.0.1.23
five A 127.0.1.24
five A 127.0.1.25
"""

A, B, SIX = "mx-a", "mx-b", "six"
# name: (records, what RFC 5321 section 5.1 and 7505 want and why, our answer,
# Postfix's when it is another one). An answer: the host that takes the mail,
# or the status code it is deferred or bounced with.
ZONES = {
    "one": ("@ MX 10 mx-a", "the one MX", A, None),
    "order": ("@ MX 20 mx-b;@ MX 10 mx-a", "smallest preference", A, None),
    "extremes": ("@ MX 65535 mx-b;@ MX 0 mx-a", "0 is the best", A, None),
    "equal": ("@ MX 10 mx-a;@ MX 10 mx-b", "any of equals", A + "|" + B,
              None),
    "second": ("@ MX 10 dead;@ MX 20 mx-b", "the next one when refused", B,
               None),
    "dead1": ("@ MX 10 dead", "nobody there: later", "4.4.1", None),
    "implicit": ("@ A 127.0.1.1", "no MX: the domain itself", "implicit",
                 None),
    "implicit6": ("@ AAAA fd00:98::5", "the same, AAAA (section 5.2)",
                  "implicit6", None),
    "only6": ("@ MX 10 six", "an MX with AAAA alone", SIX, None),
    "either": ("@ MX 10 dead-and-six", "the family that answers",
               "dead-and-six", None),
    "near": ("@ MX 10 a-and-far", "the family that answers", "a-and-far",
             None),
    "null": ("@ MX 0 .", "RFC 7505: no mail, ever", "5.1.10", "5.1.0"),
    "nullmore": ("@ MX 0 .;@ MX 10 mx-a",
                 "not to be published; the real one is used", A, "5.1.0"),
    "nodata": ("@ TXT x", "no MX, no address", "5.4.4", None),
    "gone": ("", "no such name", "5.1.2", "5.4.4"),
    "mxgone": ("@ MX 10 nobody", "MX without address: no way",
               "5.4.4", None),
    "mxempty": ("@ MX 10 empty", "the same", "5.4.4", None),
    "mxgonegood": ("@ MX 10 nobody;@ MX 20 mx-a", "the next one", A, None),
    "alias": ("@ CNAME one", "CNAME: as if it were that name", A, None),
    "chain": ("@ CNAME alias", "a chain of them", A, None),
    "dangling": ("@ CNAME nobody", "CNAME to no name", "5.1.2", "5.4.4"),
    "mxalias": ("@ MX 10 alias-a",
                "MX to a CNAME: not to be published, followed", "alias-a",
                None),
    "self": ("@ MX 10 mail.me", "only ourselves: a loop", "5.4.6", None),
    "selfbest": ("@ MX 10 mail.me;@ MX 20 mx-a",
                 "ourselves the best: the others are worse", "5.4.6", None),
    "selfequal": ("@ MX 10 dead;@ MX 10 mail.me",
                  "equals are left out with us", "5.4.6", None),
    "selfbackup": ("@ MX 10 dead;@ MX 20 mail.me;@ MX 30 mx-a",
                   "we are the backup: wait for the better", "4.4.1", None),
    "twinned": ("@ MX 10 twin", "an address that greets with our name",
                "5.4.6", None),
    "twinbackup": ("@ MX 10 dead;@ MX 20 twin",
                   "the same, as a backup: wait", "4.4.1", None),
    "servfail": (None, "no answer: later", "4.4.3", None),
    "mxfail": ("@ MX 10 host.servfail.test.", "no answer for the MX host",
               "4.4.3", None),
    "mxfailgood": ("@ MX 10 host.servfail.test.;@ MX 20 mx-a",
                   "the next one", A, None),
    "five": ("@ MX 10 five;@ MX 20 mx-a",
             "at most five addresses: the good one is the sixth", "4.4.1",
             None),
    "large": (";".join("@ MX %d a-very-long-name-to-fill-the-answer-%02d"
                       % (10 + n, n) for n in range(60)) + ";@ MX 1 mx-a",
              "an answer for TCP", A, None),
    "mxzero": ("@ MX 10 zero", "an address that is none", "5.4.4",
               "4.4.1"),
    "mxnumber": ("@ MX 10 127.0.1.1.", "an address is no name", "5.4.4",
                 "127.0.1.1"),
    "case": ("@ MX 10 Mx-A.TEST.", "names have no case", A, None),
}


def zone_text():
    lines = ["$ORIGIN test.", "$TTL 60",
             "@ SOA ns hostmaster 1 3600 600 86400 30", "@ NS ns",
             "ns A 127.0.0.1"]
    lines += HOSTS.splitlines()
    for name, (records, *_) in ZONES.items():
        for record in (records or "").split(";"):
            if record:
                record = re.sub("^@", name, record)
                lines.append(record)
    return "\n".join(lines) + "\n"


def nsd_conf(folder):
    """servfail.test is a zone whose file is not there."""
    with open(os.path.join(folder, "test.zone"), "w") as file:
        file.write(zone_text())
    with open(os.path.join(folder, "root.zone"), "w") as file:
        file.write("$TTL 60\n. SOA ns.test. x.test. 1 3600 600 86400 30\n"
                   ". NS ns.test.\ntest. NS ns.test.\n"
                   "ns.test. A 127.0.0.1\n")
    path = os.path.join(folder, "nsd.conf")
    with open(path, "w") as file:
        file.write("""\
server:
    ip-address: 127.0.0.1
    username: ""
    zonesdir: "%(folder)s"
    database: ""
    pidfile: "%(folder)s/nsd.pid"
    zonelistfile: "%(folder)s/zone.list"
    xfrdfile: "%(folder)s/xfrd.state"
    hide-version: yes
    logfile: "%(folder)s/nsd.log"
remote-control:
    control-enable: no
zone:
    name: "test"
    zonefile: "test.zone"
zone:
    name: "."
    zonefile: "root.zone"
zone:
    name: "servfail.test"
    zonefile: "no.zone"
""" % {"folder": folder})
    return path


class Site(server.Started):
    """The namespace, its name server, and the mail hosts."""

    def __init__(self, network, folder):
        super().__init__(network.add("mx", "10.98.0.1", "127.0.0.1"))
        self.folder, self.sinks = folder, {}

    def begin(self):
        server.run(*self.space.command(
            "ip", "addr", "add", "fd00:98::5/128", "dev", "lo", "nodad"))
        self.start("nsd", "-d", "-c", nsd_conf(self.folder))
        for name, address, greets in (
                (A, "127.0.1.1", "mx-a.test"), (B, "127.0.1.2", "mx-b.test"),
                (SIX, "fd00:98::5", "six.test"), ("twin", "127.0.1.3", US)):
            path = os.path.join(self.folder, name + ".json")
            self.sinks[name] = path
            self.start(sys.executable, os.path.join(HERE, "sink.py"),
                       "--port", "25", "--address", address,
                       "hostname=" + greets, output=path)
            server.wait_for(lambda: os.path.getsize(path) > 0, name)
        server.wait_for(self.resolves, "nsd")

    def resolves(self):
        return server.run(*self.space.command(
            "getent", "ahostsv4", "mx-a.test"), check=False).returncode == 0

    def takers(self):
        """{recipient: {host...}} of what the hosts took."""
        found = {}
        for name, path in self.sinks.items():
            with open(path) as file:
                for line in file.read().splitlines()[1:]:
                    for address in json.loads(line)["rcpt_to"]:
                        found.setdefault(address, set()).add(name)
        return found


@pytest.fixture
def site(network, folder):
    if shutil.which("nsd") is None:
        pytest.skip("nsd is not installed")
    site = Site(network, folder)
    try:
        site.begin()
        yield site
    finally:
        site.stop()


def outcomes(log):
    """{zone: answer as in ZONES}, of the first attempt."""
    found = {}
    for zone, relay, code, status in re.findall(
            r"to=<b@(\w+)\.test>,.* relay=([^,]*),.* dsn=([\d.]+), "
            r"status=(\w+)", log):
        answer = code
        if status == "sent":
            answer = relay.split("[")[0].replace(".test", "")
        found.setdefault(zone, answer)
    return found


def is_as(expected, answer):
    """A host by its name, a code by its class and detail."""
    return answer is not None and \
        re.fullmatch("(?:%s)" % expected, answer) is not None


def mismatches(found, expected):
    return {zone: (found.get(zone), expected[zone], ZONES[zone][1])
            for zone in ZONES if not is_as(expected[zone], found.get(zone))}


def wait_for_all(read):
    server.wait_for(lambda: len(outcomes(read())) == len(ZONES),
                    "an outcome for each zone", 60)


def test_each_zone_is_served_as_the_rfc_wants(site, make_host):
    host = make_host(hostname=US, namespace=site.space, domains=[US],
                     settings={"listen": "smtp:127.0.0.1:2525",
                               "tls_security_level": "none"})
    host.add_user("ann@" + US)
    host.start()
    for zone in ZONES:
        host.sendmail("-f", "ann@" + US, "b@%s.test" % zone,
                      input="Subject: x\n\nx\n")
    wait_for_all(host.read_log)
    found = outcomes(host.read_log())
    assert mismatches(found, {z: ZONES[z][2] for z in ZONES}) == {}
    taken = site.takers()
    assert all(len(hosts) == 1 for hosts in taken.values())


INJECT = """
import smtplib, sys
with smtplib.SMTP("127.0.0.1", 2526, timeout=30) as smtp:
    for zone in sys.argv[1:]:
        smtp.sendmail("ann@mail.me.test", ["b@%s.test" % zone],
                      "Subject: x\\r\\n\\r\\nx\\r\\n")
"""

MAIN_CF = """\
compatibility_level = 3.6
queue_directory = %(folder)s/spool
data_directory = %(folder)s/data
myhostname = mail.me.test
mydestination =
inet_interfaces = 127.0.0.1
proxy_interfaces = 127.0.1.3
inet_protocols = all
mynetworks = 127.0.0.0/8
alias_maps =
smtp_tls_security_level = none
maillog_file = %(folder)s/log
maillog_file_prefixes = %(folder)s
"""


class Postfix:
    """A Postfix of our name in the same namespace, with the same DNS."""

    def __init__(self, space, folder):
        self.space, self.folder = space, folder
        self.conf = os.path.join(folder, "conf")
        self.log = os.path.join(folder, "log")
        os.chmod(folder, 0o755)
        for name in ("conf", "spool", "data"):
            os.mkdir(os.path.join(folder, name))
        server.run("chown", "postfix", folder + "/data")
        with open(self.conf + "/main.cf", "w") as file:
            file.write(MAIN_CF % {"folder": folder})
        source = next(path for path in (
            "/usr/share/postfix/master.cf.dist", "/etc/postfix/master.cf")
            if os.path.exists(path))
        with open(source) as file:
            text = re.sub(r"^smtp +inet .*$",
                          "127.0.0.1:2526 inet n - n - - smtpd", file.read(),
                          count=1, flags=re.M)
        text = re.sub(r"^(\w+ +(?:unix|inet) +\S+ +\S+ +)y", r"\1n", text,
                      flags=re.M)
        with open(self.conf + "/master.cf", "w") as file:
            file.write(text + "\npostlog unix-dgram n - n - 1 postlogd\n")
        self.postfix("start")

    def postfix(self, *words):
        server.run(*self.space.command("postfix", "-c", self.conf, *words),
                   check=False)

    def read_log(self):
        if not os.path.exists(self.log):
            return ""
        with open(self.log) as file:
            return file.read()


@pytest.mark.skipif(shutil.which("postfix") is None,
                    reason="Postfix is not installed")
def test_postfix_decides_the_same(site, folder):
    """Its answer for each zone, where it differs as the table says."""
    place = os.path.join(folder, "postfix")
    os.chmod(folder, 0o755)
    os.mkdir(place)
    postfix = Postfix(site.space, place)
    try:
        server.wait_for(lambda: server.run(*site.space.command(
            sys.executable, "-c", INJECT, *ZONES), check=False).returncode
            == 0, "Postfix to take the mail")
        wait_for_all(postfix.read_log)
    finally:
        postfix.postfix("stop")
    found = outcomes(postfix.read_log())
    assert mismatches(
        found, {z: ZONES[z][3] or ZONES[z][2] for z in ZONES}) == {}

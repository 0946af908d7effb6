# SPDX-License-Identifier: ISC
"""DANE: a signed zone (NSD, ldns), a validating resolver (Unbound), and mail
hosts whose certificates are or are not what the zone says.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys

import pytest

import server
import sink

pytestmark = [
    pytest.mark.skipif(not server.IS_ROOT, reason="namespaces need root"),
    pytest.mark.skipif(
        not all(shutil.which(name) for name in
                ("nsd", "unbound", "ldns-signzone")),
        reason="no name servers"),
]

HERE = os.path.dirname(os.path.abspath(__file__))
US = "mail.me.test"
# Mail host: its address. "signed" has a certificate of an authority, for its
# name in "anchor" and for the domain "named"; "clear" has no STARTTLS.
HOSTS = {"tls": "127.0.2.1", "signed": "127.0.2.2", "clear": "127.0.2.3"}
RIGHT, WRONG = "{right}", "00" * 32
# Domain: (mail host, its TLSA records, what becomes of mail with dane and
# with dane-only). The mail host has a name of its own in each domain.
DOMAINS = {
    "good": ("tls", ["3 1 1 " + RIGHT], "Verified sent", "Verified sent"),
    "roll": ("tls", ["3 1 1 " + WRONG, "3 1 1 " + RIGHT], "Verified sent",
             "Verified sent"),
    "whole": ("tls", ["3 0 1 {whole}"], "Verified sent", "Verified sent"),
    "anchor": ("signed", ["2 0 1 {anchor}"], "Verified sent", "Verified sent"),
    "named": ("signed", ["2 0 1 {anchor}"], "Verified sent", "Verified sent"),
    "stray": ("signed", ["2 0 1 {anchor}"], "Untrusted 4.7.5",
              "Untrusted 4.7.5"),
    "wrong": ("tls", ["3 1 1 " + WRONG], "Untrusted 4.7.5",
              "Untrusted 4.7.5"),
    "old": ("tls", ["1 0 1 {whole}"], "Untrusted sent", "4.7.5"),
    "none": ("tls", [], "Untrusted sent", "4.7.5"),
    "clear": ("clear", ["3 1 1 " + RIGHT], "clear 4.7.5", "clear 4.7.5"),
    "bogus": ("tls", ["3 1 1 " + RIGHT], "4.7.5", "4.7.5"),
}


def digest(certificate, what):
    """Of the key (RIGHT) or of the certificate whole."""
    argv = ["openssl", "x509", "-in", certificate]
    data = subprocess.run(argv + (["-outform", "DER"] if what == "whole" else
                                  ["-pubkey", "-noout"]),
                          check=True, stdout=subprocess.PIPE).stdout
    if what != "whole":
        data = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"],
                              check=True, input=data,
                              stdout=subprocess.PIPE).stdout
    return hashlib.sha256(data).hexdigest()


def make_signed(folder, *names):
    """cert.pem: one for the names and that of its authority, ca.pem."""
    def openssl(*argv):
        server.run("openssl", *argv, cwd=folder)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", "-days", "2", *key, "-subj", "/CN=authority",
            "-out", "ca.pem", "-keyout", "ca.key")
    openssl("req", *key, "-subj", "/CN=" + names[0], "-addext",
            "subjectAltName=" + ",".join("DNS:" + name for name in names),
            "-out", "request.pem", "-keyout",
            "key.pem")
    openssl("x509", "-req", "-days", "2", "-in", "request.pem", "-CA",
            "ca.pem", "-CAkey", "ca.key", "-copy_extensions", "copy",
            "-out", "leaf.pem")
    with open(os.path.join(folder, "cert.pem"), "w") as out:
        for part in ("leaf.pem", "ca.pem"):
            with open(os.path.join(folder, part)) as file:
                out.write(file.read())


class Site(server.Started):
    def __init__(self, network, folder):
        os.chmod(folder, 0o755)
        super().__init__(network.add("dane", "10.97.0.1", "127.0.0.1"))
        self.folder = folder

    def path(self, name):
        return os.path.join(self.folder, name)

    def begin(self):
        for name, address in HOSTS.items():
            self.start_sink(name, address)
        for name in HOSTS:
            server.wait_for(lambda: os.path.getsize(self.path(name + ".json")),
                            name)
        self.sign()
        self.start_servers()
        server.wait_for(lambda: " ad " in self.ask(), "Unbound")

    def start_sink(self, name, address):
        os.mkdir(self.path(name))
        if name == "signed":
            make_signed(self.path(name), "mx.anchor.signed.test",
                        "named.signed.test", "only-named.signed.test")
        self.start(sys.executable, os.path.join(HERE, "sink.py"), "--port",
                   "25", "--address", address, "certificate=" + self.path(name),
                   "starttls=" + json.dumps(name != "clear"),
                   output=self.path(name + ".json"))

    def zone(self, origin):
        known = {"right": digest(self.path("tls/cert.pem"), "key"),
                 "whole": digest(self.path("tls/cert.pem"), "whole"),
                 "anchor": digest(self.path("signed/ca.pem"), "whole")}
        lines = ["$ORIGIN %s." % origin, "$TTL 60",
                 "@ SOA ns hostmaster 1 3600 600 86400 30", "@ NS ns",
                 "ns A 127.0.0.1", "plain MX 10 mx.good.signed.test."]
        for domain, (host, records, _, _) in DOMAINS.items():
            lines += ["%s MX 10 mx.%s" % (domain, domain),
                      "only-%s MX 10 mx.%s" % (domain, domain),
                      "mx.%s A %s" % (domain, HOSTS[host])]
            lines += ["_25._tcp.mx.%s TLSA %s" % (domain,
                                                  record.format(**known))
                      for record in records]
        return "\n".join(lines) + "\n"

    def sign(self):
        """And spoil one record afterwards."""
        for name in ("signed.test", "plain.test"):
            with open(self.path(name), "w") as file:
                file.write(self.zone(name))
        key = server.run("ldns-keygen", "-a", "ECDSAP256SHA256", "-k",
                         "signed.test", cwd=self.folder,
                         stderr=subprocess.PIPE).stdout.strip()
        server.run("ldns-signzone", "signed.test", key, cwd=self.folder)
        shutil.copy(self.path(key + ".key"), self.path("anchor.key"))
        with open(self.path("signed.test.signed")) as file:
            text = file.read()
        with open(self.path("signed.test.signed"), "w") as file:
            file.write(re.sub(r"(?m)^(_25\._tcp\.mx\.bogus\.\S+\s.*\sTLSA\s.*"
                              r")[0-9a-f]{2}$", r"\g<1>00", text))

    def start_servers(self):
        with open(self.path("nsd.conf"), "w") as file:
            file.write("""\
server:
    ip-address: 127.0.0.1@5353
    username: ""
    zonesdir: "%(folder)s"
    database: ""
    pidfile: "%(folder)s/nsd.pid"
    zonelistfile: "%(folder)s/zone.list"
    xfrdfile: "%(folder)s/xfrd.state"
    logfile: "%(folder)s/nsd.log"
remote-control:
    control-enable: no
zone:
    name: "signed.test"
    zonefile: "signed.test.signed"
zone:
    name: "plain.test"
    zonefile: "plain.test"
""" % {"folder": self.folder})
        with open(self.path("unbound.conf"), "w") as file:
            file.write("""\
server:
    interface: 127.0.0.1
    chroot: ""
    username: ""
    directory: "%(folder)s"
    pidfile: "%(folder)s/unbound.pid"
    logfile: "%(folder)s/unbound.log"
    use-syslog: no
    do-not-query-localhost: no
    local-zone: "test." nodefault
    domain-insecure: "plain.test"
    trust-anchor-file: "%(folder)s/anchor.key"
remote-control:
    control-enable: no
stub-zone:
    name: "signed.test"
    stub-addr: 127.0.0.1@5353
stub-zone:
    name: "plain.test"
    stub-addr: 127.0.0.1@5353
""" % {"folder": self.folder})
        self.start("nsd", "-d", "-c", self.path("nsd.conf"))
        self.start("unbound", "-d", "-c", self.path("unbound.conf"))

    def ask(self):
        return server.run(*self.space.command(
            "drill", "-D", "mx.good.signed.test", "@127.0.0.1"),
            check=False).stdout


@pytest.fixture
def site(network, folder):
    site = Site(network, folder)
    try:
        site.begin()
        yield site
    finally:
        site.stop()


def start(make_host, site, **settings):
    host = make_host(hostname=US, namespace=site.space, domains=[US],
                     settings=dict({"listen": "smtp:127.0.0.1:2525",
                                    "tls_policy_map": site.path("levels")},
                                   **settings))
    host.add_user("ann@" + US)
    return host.start()


def send(host, *domains):
    for domain in domains:
        host.sendmail("-f", "ann@" + US, "b@" + domain,
                      input="Subject: x\n\nx\n")
    server.wait_for(lambda: all(outcome(host, domain) for domain in domains),
                    "an outcome for each domain", 60)


def outcome(host, domain):
    """How TLS was, as the log says, and "sent" or the code."""
    found = re.search(r"to=<b@%s>, relay=[^,]*,(?: tls=[-a-z]*/(\w+)[^,]*,)? "
                      r"delay=.* dsn=(\S+), status=(\w+)" % re.escape(domain),
                      host.read_log())
    if not found:
        return None
    how, code, status = found.groups()
    return " ".join(filter(None, [how, status if status == "sent" else code]))


def test_each_host_is_held_to_what_its_zone_says(site, make_host):
    with open(site.path("levels"), "w") as file:
        file.writelines("only-%s.signed.test dane-only\n" % domain
                        for domain in DOMAINS)
    host = start(make_host, site, tls_security_level="dane")
    names = ["%s%s.signed.test" % (kind, domain) for domain in DOMAINS
             for kind in ("", "only-")]
    send(host, "plain.plain.test", *names)
    found = {domain: (outcome(host, domain + ".signed.test"),
                      outcome(host, "only-%s.signed.test" % domain))
             for domain in DOMAINS}
    assert found == {domain: row[2:] for domain, row in DOMAINS.items()}
    # An MX without DNSSEC: nothing to hold it to.
    assert outcome(host, "plain.plain.test") == "Untrusted sent"
    assert "tls=dane-only/Verified TLSv1.3, " in host.read_log()


def test_a_server_that_is_not_believed_changes_nothing(site, make_host):
    with open(site.path("levels"), "w") as file:
        file.write("only-good.signed.test dane-only\n")
    host = start(make_host, site, tls_security_level="dane", dns_trust="no")
    send(host, "wrong.signed.test", "only-good.signed.test")
    assert outcome(host, "wrong.signed.test") == "Untrusted sent"
    assert outcome(host, "only-good.signed.test") == "4.7.5"
    assert "(dns_trust)" in host.read_log()

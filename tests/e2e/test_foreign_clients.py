# SPDX-License-Identifier: ISC
"""Extensions that the other tests ask for by hand, with clients that nobody
here wrote: curl, Exim, Python's smtplib. The table is tests/clients.md."""

import os
import re
import shutil
import smtplib

import pytest

import exim
import server
from test_esmtp import FLAG, ROOT, queued, table_of_the_page
from test_jail import tls_context

NAME = "mail.kelompok1.local"
USER = "mahen@" + NAME


@pytest.fixture
def host(make_host):
    host = make_host(settings={"minimal_backoff_time": "1h",
                               "maximal_backoff_time": "1h"})
    host.add_user(USER)
    host.write("aliases", "staff: mahen, boss@away.example\n")
    host.write("route.map", "away.example 127.0.0.1:%d\n" %
               server.free_ports(1)[0])
    return host.start()


def curl(host, *options, check=True):
    if shutil.which("curl") is None:
        pytest.skip("no curl")
    return server.run("curl", "-sSv", "--max-time", "30", "smtp://%s:%d" % (
        host.address, host.ports["smtp"]), *options, check=check).stdout


def test_curl_asks_with_commands_of_its_own(host):
    assert "252 2.1.5 RCPT would take it" in curl(host, "--mail-rcpt", USER)
    told = curl(host, "-X", "EXPN", "--mail-rcpt", "staff")
    assert "250-2.1.5 <%s>" % USER in told
    assert "250 2.1.5 <boss@away.example>" in told
    assert "214-2.0.0 MAIL FROM:<sender@example.com>" in curl(host)
    assert "250 2.0.0 " in curl(host, "-X", "ETRN away.example")
    assert "250 2.0.0 Ok" in curl(host, "-X", "NOOP")


def submission(host):
    client = smtplib.SMTP(host.address, host.ports["submission"],
                          "client.test", timeout=30)
    client.starttls(context=tls_context())
    client.login("mahen", "secret")
    return client


def test_smtplib_gives_parameters_of_submission(host):
    message = "From: %s\r\nSubject: x\r\n\r\nx\r\n" % USER
    with submission(host) as client:
        for name in ("size", "8bitmime", "deliverby", "requiretls",
                     "mt-priority", "futurerelease", "limits", "chunking",
                     "binarymime", "dsn", "smtputf8", "pipelining",
                     "enhancedstatuscodes"):
            assert client.has_extn(name), name
        assert client.esmtp_features["deliverby"] == "60"
        code, _ = client.mail(USER, ["BY=7200;RT", "HOLDFOR=3600",
                                     "MT-PRIORITY=-3", "REQUIRETLS",
                                     "RET=HDRS", "ENVID=QQ"])
        assert code == 250
        code, _ = client.rcpt("far@away.example", ["NOTIFY=SUCCESS,DELAY"])
        assert code == 250
        code, text = client.data(message)
        assert code == 250
    envelope = queued(host, text.decode())
    flags, priority, hold, by = map(int, envelope["O"].split())
    assert flags & FLAG["RETURN"] and flags & FLAG["TRACE"]
    assert flags & FLAG["REQUIRETLS"] and flags & FLAG["HDRS"]
    assert (priority, by - hold) == (-3, 3600)
    assert envelope["I"] == "QQ"
    assert envelope["R"][0]["n"] == "SD"


def test_exim_sends_in_chunks(host, folder):
    client = exim.Exim(folder, host.address, host.ports["smtp"])
    lines = "".join("%05d %s\n" % (i, "x" * 60) for i in range(9000))
    for body in ("short\n.\n..dots\n", lines):
        client.run("-odi", "-oi", "-f", "s@exim.test", USER,
                   input="From: s@exim.test\nSubject: chunks\n\n" + body)
    for path in host.wait_messages(USER, 2):
        with open(path) as file:
            text = file.read()
        assert text.endswith(lines) or text.endswith("short\n.\n..dots\n")
        assert "from exim.test" in text
    # It did not use DATA, and pipelined.
    log = server.wait_for(
        lambda: [line for line in host.read_log().splitlines()
                 if ": disconnect from" in line and "bdat=" in line],
        "the end of Exim's sessions")
    assert all(" data=" not in line for line in log)
    with open(os.path.join(folder, "mainlog")) as log:
        text = log.read()
    assert text.count("Completed") == 2 and " K " in text


def test_the_table_of_clients_is_whole_and_true():
    with open(os.path.join(ROOT, "tests", "clients.md")) as file:
        rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| (\S+) \|$", file.read(),
                          re.M)
    assert {name for name, _, _ in rows} >= set(table_of_the_page())
    for name, client, test in rows:
        if test == "test":  # the head
            continue
        path, function = test.split("::")
        with open(os.path.join(ROOT, "tests", "e2e", path)) as file:
            assert re.search(r"^def %s\(" % function, file.read(), re.M), test

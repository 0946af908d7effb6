# SPDX-License-Identifier: ISC
"""Content filters that nobody here wrote, from Debian's packages."""

import base64
import contextlib
import os
import shutil
import signal
import smtplib
import socket
import subprocess

import pytest

import server

TO = "hendro@mail.kelompok1.local"
DOMAIN = "there.test"
SENDER = "s@" + DOMAIN
TEXT = ("From: Someone <s@there.test>\r\nTo: <%s>\r\n"
        "Subject:   three  blanks\r\n\tand a fold \r\n"
        "Date: Wed, 25 Nov 2026 20:00:00 +0000\r\n"
        "Message-ID: <1@there.test>\r\n\r\n"
        ".starts with a dot\r\n  blanks at the end  \r\n\r\n"
        "8 bit: \xc3\xa9\r\n\r\n\r\n" % TO)
MESSAGE = TEXT.encode("latin-1")
DKIMSIGN = "/usr/libexec/opensmtpd/filter-dkimsign"
GTUBE = (b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL"
         b"*C.34X\r\n")


def needs(*paths):
    """A test needs these programs: tests/install-packages installs them."""
    missing = [path for path in paths if not shutil.which(path)]
    return pytest.mark.skipif(bool(missing), reason="no " + " ".join(missing))


@pytest.fixture
def start(make_host):
    def one(**settings):
        host = make_host(settings=settings)
        host.add_user(TO)
        return host.start()
    return one


@contextlib.contextmanager
def daemon(*argv, path=None, **options):
    """A server in the foreground, once its socket takes connections."""
    process = subprocess.Popen(argv, start_new_session=True,
                               stdin=subprocess.DEVNULL, **options)

    def is_there():
        assert process.poll() is None, argv
        with contextlib.suppress(OSError), \
                socket.socket(socket.AF_UNIX) as probe:
            probe.connect(path)
            return True
        return False

    try:
        server.wait_for(is_there, "%s on %s" % (argv[0], path))
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def make_key(folder):
    """A private key in a file, and the record that would be in DNS."""
    os.chmod(folder, 0o755)
    path = os.path.join(folder, "key.pem")
    server.run("openssl", "genrsa", "-traditional", "-out", path, "2048")
    os.chmod(path, 0o644)
    public = subprocess.run(
        ["openssl", "rsa", "-in", path, "-pubout", "-outform", "DER"],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    return path, b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)


def submit(host, message=MESSAGE, service="smtp"):
    with smtplib.SMTP(host.address, host.ports[service], "client.test",
                      timeout=60) as client:
        client.ehlo()
        client.sendmail(SENDER, TO, message, ["BODY=8BITMIME"])


def fetch(host, count=1):
    """The message as it was in the queue: CRLF line ends."""
    with open(host.wait_messages(TO, count)[-1], "rb") as file:
        return file.read().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def is_signed(message, record):
    import dkim
    return dkim.verify(message, dnsfunc=lambda *a, **k: record)


@needs("opendkim", "openssl")
@pytest.mark.parametrize("canonicalization", ["simple/simple",
                                              "relaxed/simple"])
def test_opendkim_signs_what_will_be_sent(start, folder, canonicalization):
    pytest.importorskip("dkim")
    key, record = make_key(folder)
    path = os.path.join(folder, "socket")
    conf = os.path.join(folder, "opendkim.conf")
    with open(conf, "w") as out:
        out.write("Socket local:%s\nDomain %s\nSelector s\nKeyFile %s\n"
                  "Mode s\nCanonicalization %s\nUMask 000\n"
                  "RequireSafeKeys no\nSyslog no\nInternalHosts 127.0.0.1\n"
                  "OversignHeaders From\n" %
                  (path, DOMAIN, key, canonicalization))
    with daemon("opendkim", "-f", "-x", conf, path=path):
        host = start(milters="unix:" + path)
        submit(host)
        message = fetch(host)
        assert message.count(b"DKIM-Signature:") == 1
        assert message.endswith(MESSAGE)
        assert is_signed(message, record)
        # A second message on the same connection, and a large one.
        submit(host, MESSAGE + b"x" * 70 + b"\r\n" + 3000 *
               (b"y" * 70 + b"\r\n"))
        assert is_signed(fetch(host, 2), record)


@needs("opendkim", "openssl")
def test_opendkim_checks_what_came(start, folder):
    """It adds what it found; here the signature of a key nobody has."""
    path = os.path.join(folder, "socket")
    os.chmod(folder, 0o755)
    conf = os.path.join(folder, "opendkim.conf")
    with open(conf, "w") as out:
        out.write("Socket local:%s\nMode v\nUMask 000\nSyslog no\n"
                  "AlwaysAddARHeader yes\nAuthservID mx.test\n" % path)
    with daemon("opendkim", "-f", "-x", conf, path=path):
        host = start(milters="unix:%s default=reject" % path)
        submit(host)
        message = fetch(host)
        assert b"Authentication-Results: mx.test; dkim=none" in message
        assert message.endswith(MESSAGE)


def train(folder):
    os.chmod(folder, 0o755)
    words = os.path.join(folder, "words")
    os.mkdir(words)
    for option, text in (("-s", b"buy cheap pills watches now offer\n"),
                         ("-n", b"minutes of our meeting about pigeons\n")):
        for _ in range(3):
            subprocess.run(["bogofilter", "-d", words, option], check=True,
                           input=b"Subject: " + text + b"\n" + 20 * text)
    for root, names, files in os.walk(words):
        os.chmod(root, 0o777)
        for name in names + files:
            os.chmod(os.path.join(root, name), 0o666)
    return words


SPAM = b"Subject: buy cheap pills\r\n\r\nbuy cheap watches now offer\r\n"
HAM = b"Subject: meeting\r\n\r\nminutes of our meeting about pigeons\r\n"


@needs("bogofilter")
def test_bogofilter_refuses_by_its_status(start, folder):
    words = train(folder)
    host = start(filter_commands="spam=0 pass=1+2 "
                 "/usr/bin/bogofilter -d " + words)
    submit(host, HAM)
    assert fetch(host).endswith(HAM)
    with pytest.raises(smtplib.SMTPDataError) as refused:
        submit(host, SPAM)
    assert refused.value.smtp_code == 550


@needs("bogofilter")
def test_bogofilter_prints_the_message_with_its_field(start, folder):
    words = train(folder)
    host = start(filter_commands="mode=print /usr/bin/bogofilter -p -e -d " +
                 words)
    submit(host, SPAM)
    message = fetch(host)
    assert b"\r\nX-Bogosity: Spam" in message
    assert message.endswith(b"\r\n\r\nbuy cheap watches now offer\r\n")
    submit(host)
    assert fetch(host, 2).endswith(MESSAGE.split(b"\r\n\r\n", 1)[1])


@needs(DKIMSIGN, "openssl")
def test_opensmtpd_dkimsign_signs_what_will_be_sent(start, folder):
    pytest.importorskip("dkim")
    key, record = make_key(folder)
    host = start(smtpd_filters="%s -d %s -s s -k %s" %
                 (DKIMSIGN, DOMAIN, key))
    for count in (1, 2):
        submit(host)
        message = fetch(host, count)
        assert message.count(b"DKIM-Signature:") == 1
        assert message.endswith(MESSAGE)
        assert is_signed(message, record)


@needs("spamass-milter", "spamd")
def test_spamassassin_judges_through_spamass_milter(start, folder):
    os.chmod(folder, 0o755)
    spamd_path = os.path.join(folder, "spamd")
    path = os.path.join(folder, "milter")
    with daemon("spamd", "-L", "--socketpath=" + spamd_path,
                "--socketmode=0666", "-m", "1", "--min-children=1",
                "-s", "null", path=spamd_path), \
            daemon("spamass-milter", "-p", path, "-r", "15", "--",
                   "-U", spamd_path, path=path) as _:
        os.chmod(path, 0o777)
        host = start(milters="unix:" + path)
        submit(host)
        assert b"X-Spam-Checker-Version: SpamAssassin" in fetch(host)
        with pytest.raises(smtplib.SMTPDataError) as refused:
            submit(host, MESSAGE + GTUBE)
        assert refused.value.smtp_code == 550
        assert b"5.7.1" in refused.value.smtp_error
        # The same as a command: spamc says it by its exit status.
        host = start(filter_commands="spam=1 /usr/bin/spamc -x -c -U " +
                     spamd_path)
        submit(host)
        assert fetch(host).endswith(MESSAGE)
        with pytest.raises(smtplib.SMTPDataError) as refused:
            submit(host, MESSAGE + GTUBE)
        assert refused.value.smtp_code == 550


RSPAMD = """\
lang_det {{ languages = ["en"]; }}
options {{
	pidfile = "{0}/pid"; tempdir = "{0}"; cache_file = "{0}/cache";
	url_tld = "{0}/tld"; disable_hyperscan = true;
	enable_test_patterns = true;
	dns {{ nameserver = ["127.0.0.1:1"]; timeout = 0.1s; }}
}}
logging {{ type = "file"; filename = "{0}/log"; level = "info"; }}
worker "rspamd_proxy" {{
	bind_socket = "{0}/socket mode=0666";
	milter = yes; count = 1; timeout = 60s;
	upstream "local" {{ default = yes; self_scan = yes; }}
}}
worker "rspamd_proxy" {{
	bind_socket = "127.0.0.1:{1}";
	milter = no; count = 1; timeout = 60s;
	upstream "local" {{ default = yes; self_scan = yes; }}
}}
"""
# What rspamd's own test patterns ask of the mail server.
PATTERN = (b"JS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL"
           b"*C.34X\r\n")


@contextlib.contextmanager
def rspamd(folder, port):
    os.chmod(folder, 0o755)
    with open(os.path.join(folder, "tld"), "w") as out:
        out.write("test\n")
    conf = os.path.join(folder, "rspamd.conf")
    with open(conf, "w") as out:
        out.write(RSPAMD.format(folder, port))
    path = os.path.join(folder, "socket")
    with daemon("rspamd", "-f", "-i", "-c", conf, path=path):
        yield path


@needs("rspamd")
def test_rspamd_judges_as_a_milter(start, folder):
    with rspamd(folder, server.free_ports(1)[0]) as path:
        host = start(milters="unix:%s default=reject" % path)
        submit(host)
        assert fetch(host).endswith(MESSAGE)
        # It refuses, it adds a field, it changes one.
        with pytest.raises(smtplib.SMTPDataError) as refused:
            submit(host, MESSAGE + b"X" + PATTERN)
        assert refused.value.smtp_code == 554
        assert b"5.7.1" in refused.value.smtp_error
        submit(host, MESSAGE + b"Y" + PATTERN)
        message = fetch(host, 2)
        assert b"\r\nX-Spam: Yes\r\n" in message
        assert message.endswith(MESSAGE.split(b"\r\n\r\n", 1)[1] + b"Y" +
                                PATTERN)
        submit(host, MESSAGE + b"Z" + PATTERN)
        assert b"\r\nSubject: *** SPAM ***" in fetch(host, 3)
        # Its log has our queue id, by the macro.
        queue_id = message.split(b" id ", 1)[1].split()[0]

        def is_logged():
            with open(os.path.join(folder, "log"), "rb") as log:
                return b"qid: <%s>" % queue_id in log.read()

        server.wait_for(is_logged, "the queue id in rspamd's log")


@needs("rspamd", "rspamc")
def test_rspamc_prints_the_message_with_its_fields(start, folder):
    port = server.free_ports(1)[0]
    with rspamd(folder, port):
        host = start(filter_commands="mode=print /usr/bin/rspamc "
                     "-h 127.0.0.1:%d --mime" % port)
        submit(host)
        message = fetch(host)
        assert b"\r\nX-Spam-Scanner: rspamc" in message
        assert message.endswith(MESSAGE.split(b"\r\n\r\n", 1)[1])
        submit(host, MESSAGE + b"X" + PATTERN)
        message = fetch(host, 2)
        assert b"\r\nX-Spam-Action: reject" in message
        assert b"\r\nX-Spam: yes" in message

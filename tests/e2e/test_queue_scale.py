# SPDX-License-Identifier: ISC
"""Mail for a host that answers does not wait for mail to hosts that hang."""

import smtplib

from server import wait_for
from sink import Sink, hanging_host

SENDER = "mahen@mail.kelompok1.local"
HANGING = 20


def send(host, sender, *recipients):
    with smtplib.SMTP(host.address, host.ports["smtp"]) as client:
        client.sendmail(sender, recipients, "Subject: x\r\n\r\nhi\r\n")


def test_what_hangs_leaves_room_for_fresh_mail(make_host):
    with Sink() as sink, hanging_host() as port:
        host = make_host(settings={"relay_processes": "8"})
        host.write("route.map", "good.test [127.0.0.1]:%d\n" % sink.port +
                   "".join("d%d.test [127.0.0.1]:%d\n" % (n, port)
                           for n in range(HANGING)))
        host.start()
        for number in range(HANGING):
            send(host, SENDER, "x@d%d.test" % number)
        wait_for(lambda: len(host.queue_files()) == HANGING, "the queue")
        # Whoever starts takes what lies there as tried.
        host.stop()
        host.start()
        wait_for(lambda: host.read_log().count("(queue active)") >= HANGING,
                 "all of them under way")
        send(host, SENDER, "x@good.test")
        host.wait_log("to=<x@good.test>")
        wait_for(lambda: len(sink.messages) == 1, "the fresh message")
        assert len(host.queue_files()) == HANGING

# SPDX-License-Identifier: ISC
"""What an IMAP client can make grow: nothing without bound."""

import re
import threading

import pytest

from imapwire import Closed
from test_bad_input import processes_of
from test_imap import (anonymous, shared,  # noqa: F401
                       test_nothing_went_wrong_unseen, user)


def resident_kib(host, program):
    """The largest VmHWM of that program's processes below the host."""
    found = 0
    for pid in processes_of(host):
        try:
            with open("/proc/%d/comm" % pid) as comm, \
                    open("/proc/%d/status" % pid) as status:
                if comm.read().strip().startswith(program):
                    found = max(found, int(re.search(
                        r"VmHWM:\s+(\d+)", status.read()).group(1)))
        except (OSError, AttributeError):
            continue
    return found


HUGE = [
    b"h LOGIN {99999}\r\n", b"h LOGIN {4000000000}\r\n",
    b"h LOGIN {4000000000+}\r\n" + b"x" * 100000,
    b"h SEARCH " + b"(" * 30000 + b"\r\n",
    b"h FETCH 1 " + b"(" * 30000 + b"FLAGS\r\n",
    b"h SEARCH " + b"NOT " * 15000 + b"ALL\r\n",
    b"h FETCH " + b"1," * 30000 + b"1 FLAGS\r\n",
    b"h FETCH 1 (" + b"BODY[1] " * 7000 + b"FLAGS)\r\n",
    b"h FETCH 1 BODY[" + b"1." * 30000 + b"1]\r\n",
    b"h SEARCH SUBJECT \"" + b"x" * 500000,
    b"h" * 1000000,
    b"h LIST \"\" \"" + b"*%" * 30000 + b"\"\r\n",
    b"h STORE 1 FLAGS (" + b"k " * 30000 + b"k)\r\n",
    b"h SEARCH SUBJECT {60000}\r\n" + b"x" * 60000 + b" {60000}\r\n",
    b"h ID (" + b"\"a\" \"b\" " * 8000 + b")\r\n",
]


@pytest.mark.parametrize("is_logged_in", [False, True])
@pytest.mark.parametrize("data", HUGE, ids=lambda data: data[:22].hex())
def test_memory_is_bounded(shared, user,  # noqa: F811
                           data, is_logged_in):
    session = user.connect("INBOX") if is_logged_in else anonymous(shared)
    sender = threading.Thread(target=send_quietly, args=(session, data))
    sender.start()
    answer = b""
    try:
        while not re.search(rb"^(h|\*|\+) ?(BAD|NO|OK|BYE)", answer, re.M):
            answer = session.response()
    except (Closed, ConnectionError) as closed:
        answer = bytes(str(closed), "latin-1")
    sender.join()
    assert resident_kib(shared, "imapd") < 40 * 1024
    session.close()
    user.connect().close()


def send_quietly(session, data):
    try:
        session.sock.sendall(data)
    except OSError:
        pass

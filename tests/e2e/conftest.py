# SPDX-License-Identifier: ISC
import os
import random
import shutil
import struct
import sys
import zlib

import pytest

sys.path.insert(0, os.path.dirname(__file__))

import server  # noqa: E402


@pytest.fixture
def folder():
    path = server.temporary_directory()
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def make_host(request):
    """make_host(**options) -> a Host that is stopped at the end."""
    hosts = []

    def make(**options):
        directory = server.temporary_directory()
        hosts.append(server.Host(directory, **options))
        return hosts[-1]

    yield make
    failed = getattr(request.node, "failed", False)
    for host in hosts:
        host.stop()
        if failed:
            sys.stdout.write("log of %s:\n%s\n" % (host.hostname,
                                                   host.read_log()[-6000:]))
        shutil.rmtree(host.directory, ignore_errors=True)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    outcome = yield
    if outcome.get_result().failed:
        item.failed = True


@pytest.fixture
def host(make_host):
    """A running host with the users hendro and mahen."""
    one = make_host()
    for name in ("hendro", "mahen"):
        one.add_user("%s@%s" % (name, one.hostname))
    return one.start()


def make_picture(size):
    """A PNG whose file is about size bytes: noise does not shrink."""
    rows = max(1, (size - 100) // 3073)
    noise = random.Random(size).randbytes
    raw = b"".join(b"\0" + noise(3072) for _ in range(rows))

    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data +
                struct.pack(">I", zlib.crc32(kind + data)))

    return (b"\x89PNG\r\n\x1a\n" +
            chunk(b"IHDR", struct.pack(">IIBBBBB", 1024, rows, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(raw, 0)) + chunk(b"IEND", b""))


@pytest.fixture
def picture():
    return make_picture


@pytest.fixture
def network():
    """Network namespaces of the test's own; needs root."""
    if not server.IS_ROOT:
        pytest.skip("network namespaces need root")
    net = server.Network()
    yield net
    net.remove()

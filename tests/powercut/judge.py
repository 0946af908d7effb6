# SPDX-License-Identifier: ISC
"""What is on a disk after a cut, read as Merpati would, and the verdict.

A label names a message and how long it is ("small7.30": 30 lines), so every
copy can be compared with what was sent. A place is a recipient's address.
Queue and drop files are read with code of our own, not the product's; the
sample that the real programs get (workload.py) shows that they agree.
"""

import collections
import os
import re
import struct

FROM_DROP = "dropped"
FAR = "@far.example"
PENDING = b"THF"     # still to do, held, failed and not yet reported
MAILDIR_SIZE = re.compile(r",S=(\d+)(?:,|:|$)")


def body_of(label):
    lines = int(label.rpartition(".")[2])
    return "".join("%s line %d, and some words to make it longer\n" %
                   (label, i) for i in range(lines))


def text_of(label):
    return "From: x\nSubject: %s\n\n%s" % (label, body_of(label))


def label_of(text):
    """The label of a whole message; "torn" in front when it is not whole."""
    if isinstance(text, bytes):
        text = text.decode("latin-1")
    text = text.replace("\r\n", "\n")
    match = re.search(r"^Subject: (\S+\.\d+)$", text, re.M)
    if not match:
        return "torn ?"
    label = match.group(1)
    body = text.partition("\n\n")[2].rstrip("\n") + "\n"
    return label if body == body_of(label) else "torn " + label


def crc_table():
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82f63b78 if value & 1 else 0)
        yield value


CRC = tuple(crc_table())


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc = crc >> 8 ^ CRC[(crc ^ byte) & 255]
    return crc ^ 0xffffffff


def parse_queue_file(data):
    """(label, {address: status byte}) or None: it has no valid END."""
    if data[:8] != b"MERPATI1" or len(data) < 4096 + 64:
        return None
    count, envelope, body = struct.unpack_from("<IIQ", data, 24)
    slots, end = 128 + 16 * count, data[-64:]
    if end[:8] != b"MERPEND1" or slots + envelope > body or body > len(data):
        return None
    length, crc = struct.unpack_from("<QI", end, 8)
    if length != len(data) - 64 - body:
        return None
    covered = [data[:64]]
    covered += [data[128 + 16 * i + 1:128 + 16 * i + 16]
                for i in range(count)]
    covered += [data[slots:slots + envelope], data[body:-64]]
    if crc32c(b"".join(covered)) != crc:
        return None
    recipients = {}
    for i in range(count):
        status, _, _, at, size = struct.unpack_from("<cBHII", data,
                                                    128 + 16 * i)
        record = data[slots + at:slots + at + size]
        size = struct.unpack_from("<I", record, 1)[0]
        recipients[record[5:5 + size].decode()] = status
    return label_of(data[body:-64]), recipients


def parse_drop(data):
    match = re.match(rb"MERPATI-DROP 1\nS\d+:.*\n((?:R\d+:.*\n)+)(?:B8\n)?M\n",
                     data)
    if not match:
        return None
    recipients = re.findall(rb"^R\d+:(.*)$", match.group(1), re.M)
    return label_of(data[match.end():]), [r.decode() for r in recipients]


def is_shown_in_new(name, file):
    """As the POP3 and IMAP servers see it (common/mailbox/scan.c)."""
    length = os.fstat(file.fileno()).st_size
    size = MAILDIR_SIZE.search(name)
    if not size:
        return True
    if int(size.group(1)) != length:
        return False
    return (".Q" not in name or length == 0 or
            os.lseek(file.fileno(), 0, os.SEEK_HOLE) == length and
            os.lseek(file.fileno(), 0, os.SEEK_SET) == 0)


class Found:
    """What is on the disk, by (label, place)."""

    def __init__(self):
        self.pending = collections.Counter()  # the queue answers for it
        self.copies = collections.Counter()   # whole, in a mailbox
        self.torn = []      # a user would see these
        self.torn_mbox = []
        self.damaged = []   # without END: goes to bad/

    def everything(self):
        return set(self.pending) | set(self.copies)


class Reader:
    """Reads one host's disk; the same bytes are looked at once only."""

    def __init__(self, disk, domain):
        self.disk, self.domain = disk, domain
        self.known = {}

    def once(self, parse, data):
        key = parse, data
        if key not in self.known:
            self.known[key] = parse(data)
        return self.known[key]

    def files(self, *parts, is_shown=lambda name, file: True):
        folder = os.path.join(self.disk, *parts)
        if not os.path.isdir(folder):
            return
        for name in sorted(os.listdir(folder)):
            if name.startswith("."):
                continue
            with open(os.path.join(folder, name), "rb") as file:
                if is_shown(name, file):
                    yield name, file.read()

    def read(self):
        found = Found()
        for bucket in range(256):
            for name, data in self.files("spool/queue", "%02x" % bucket):
                self.add_queued(found, name, data)
        for name, data in self.files("spool/drop"):
            parsed = name[0] == "d" and self.once(parse_drop, data)
            for recipient in parsed[1] if parsed else ():
                found.pending[parsed[0], recipient] += 1
        homes = os.path.join(self.disk, "homes", self.domain)
        for user in os.listdir(homes) if os.path.isdir(homes) else ():
            address = "%s@%s" % (user, self.domain)
            self.add_maildir(found, address, os.path.join(homes, user))
            self.add_mbox(found, address, os.path.join(homes, user, "inbox"))
        return found

    def add_queued(self, found, name, data):
        parsed = self.once(parse_queue_file, data)
        if parsed is None:
            found.damaged.append(name)
            return
        label, recipients = parsed
        for recipient, status in recipients.items():
            if status in PENDING:
                found.pending[label, recipient] += 1

    def add_maildir(self, found, address, home):
        for name, data in self.files(home, "Maildir/new",
                                     is_shown=is_shown_in_new):
            self.add_copy(found, address, data, name)
        for name, data in self.files(home, "Maildir/cur"):
            self.add_copy(found, address, data, name)

    def add_mbox(self, found, address, path):
        if not os.path.exists(path):
            return
        with open(path, "rb") as file:
            data = file.read()
        for text in re.split(rb"^From \S.*\n", data, flags=re.M)[1:]:
            self.add_copy(found, address, text, "mbox")

    def add_copy(self, found, address, data, name):
        label = self.once(label_of, data)
        if label.startswith("torn"):
            torn = found.torn_mbox if name == "mbox" else found.torn
            torn.append("%s: %s: %s" % (address, name, label))
        else:
            found.copies[label, address] += 1


def promises(notes):
    """(tried, acknowledged, taken by the far host) of what was noted."""
    tried, acknowledged = collections.Counter(), collections.Counter()
    far = collections.Counter()
    for note in notes:
        word, _, rest = note.partition(" ")
        label, *places = rest.split()
        for place in places:
            {"TRY": tried, "ACK": acknowledged, "FAR": far}[word][
                label, place] += 1
    return tried, acknowledged, far


class Verdict:
    def __init__(self):
        self.lost, self.torn, self.duplicates = [], [], []
        self.torn_mbox, self.in_window = [], []

    def faults(self):
        return (["lost: %s" % w for w in self.lost] +
                ["torn: %s" % w for w in self.torn] +
                ["duplicate: %s" % w for w in self.duplicates])


def is_in_window(key, found, at_rest):
    """Windows of queue/qmgr.md and spool.md: W2, another host has it, or P,
    the removal of the file in drop/ was not on the disk yet."""
    return (at_rest and found.copies[key] == 2 and
            (key[0].startswith(FROM_DROP) or key[1].endswith(FAR)))


def judge(notes, found, at_rest=False):
    """at_rest: the real programs ran, so nothing may be pending."""
    tried, acknowledged, far = promises(notes)
    verdict = Verdict()
    verdict.torn = list(found.torn)
    if at_rest:     # until then its reader may see the start of a message
        verdict.torn += found.torn_mbox
    else:
        verdict.torn_mbox = found.torn_mbox
    for key in sorted(acknowledged):
        there = found.copies[key] + far[key]
        if not at_rest:
            there += found.pending[key]
        if there < 1:
            verdict.lost.append("%s for %s" % key)
    for key in sorted(found.everything()):
        if key not in tried:
            verdict.duplicates.append("from nowhere: %s for %s" % key)
        elif found.copies[key] > 1:
            twice = (verdict.in_window if is_in_window(key, found, at_rest)
                     else verdict.duplicates)
            twice.append("%s for %s: %d" % (key + (found.copies[key],)))
    return verdict

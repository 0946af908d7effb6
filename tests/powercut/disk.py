# SPDX-License-Identifier: ISC
"""Disks for the power cut: a recorded one, and what a cut leaves of it.

Recording is the disk while it is written (recorder.c); Log reads what was
recorded and makes the states that a power cut can leave; Image is one state,
to be mounted. All needs root, loop devices and /dev/fuse.
"""

import contextlib
import ctypes
import errno
import fcntl
import os
import random
import struct
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, MS_REC, MS_PRIVATE, MNT_DETACH = 0x20000, 0x4000, 0x40000, 2
LOOP_CONFIGURE, LOOP_CTL_GET_FREE = 0x4C0A, 0x4C82
LO_FLAGS_AUTOCLEAR = 4
PAGE, SECTOR = 4096, 512
ZEROS = bytes(PAGE)
RECORD = struct.Struct("<cQI")

# What makes each file system, and how many megabytes it wants at least. With
# blocks smaller than a page ext4 of Linux 6.18 reports no failed write.
FILE_SYSTEMS = {
    "ext4": (64, ("mkfs.ext4", "-q", "-F", "-b", "4096", "-E",
                  "lazy_itable_init=0,lazy_journal_init=0", "-O",
                  "^resize_inode")),
    "xfs": (320, ("mkfs.xfs", "-q", "-f")),
    "btrfs": (256, ("mkfs.btrfs", "-q", "-f")),
}

# What a disk writes whole: btrfs takes a block of 4,096 bytes for that.
TORN_AT = {"btrfs": PAGE}


def missing(kind):
    """Why there can be no power cut of this file system here; or None."""
    if os.getuid() != 0:
        return "needs root"
    for path in ("/dev/fuse", "/dev/loop-control"):
        if not os.path.exists(path):
            return "no " + path
    with open("/proc/filesystems") as known:
        if kind not in known.read().split():
            return "this kernel has no " + kind
    if not any(os.access(os.path.join(folder, FILE_SYSTEMS[kind][1][0]),
                         os.X_OK)
               for folder in ("/sbin", "/usr/sbin", "/usr/bin")):
        return "no " + FILE_SYSTEMS[kind][1][0]
    return None


def check(result):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def leave_mount_namespace():
    """Mounts of this process are its own, and go when it ends."""
    check(LIBC.unshare(CLONE_NEWNS))
    check(LIBC.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))


def mount(device, where, kind):
    check(LIBC.mount(device.encode(), where.encode(), kind.encode(), 0, None))


def unmount(where, flags=0):
    check(LIBC.umount2(where.encode(), flags))


@contextlib.contextmanager
def loop_device(backing):
    """A loop device over an open file; it ends with its last user."""
    config = bytearray(304)
    struct.pack_into("<II", config, 0, backing, SECTOR)
    struct.pack_into("<I", config, 8 + 52, LO_FLAGS_AUTOCLEAR)
    with open("/dev/loop-control", "rb") as control:
        while True:
            name = "/dev/loop%d" % fcntl.ioctl(control, LOOP_CTL_GET_FREE)
            device = os.open(name, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.ioctl(device, LOOP_CONFIGURE, bytes(config))
                break
            except OSError as error:
                os.close(device)
                if error.errno != errno.EBUSY:  # another was faster
                    raise
    try:
        yield name
    finally:
        os.close(device)


def compiled(source, target, *options):
    subprocess.run(("cc", "-O1", "-Wall", "-o", target) + options +
                   (os.path.join(HERE, source),), check=True)
    return target


class Recording:
    """A fresh file system at where, each of its writes recorded."""

    def __init__(self, kind, directory, where, name="record"):
        self.kind, self.where = kind, where
        self.under = os.path.join(directory, "recorder")
        self.log = os.path.join(directory, name)
        os.makedirs(self.under, exist_ok=True)
        os.makedirs(where, exist_ok=True)
        program = os.path.join(directory, "recorder.bin")
        if not os.path.exists(program):
            compiled("recorder.c", program)
        megabytes, mkfs = FILE_SYSTEMS[kind]
        self.process = subprocess.Popen(
            (program, self.under, str(megabytes), self.log),
            stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == b"ready\n"
        self.marks = os.open(self.under + "/mark", os.O_WRONLY)
        disk = os.open(self.under + "/disk", os.O_RDWR | os.O_CLOEXEC)
        with loop_device(disk) as device:
            subprocess.run(mkfs + (device,), check=True,
                           stdout=subprocess.DEVNULL)
            mount(device, where, kind)
        os.close(disk)

    def note(self, text):
        """Into the log, behind all that was written until now."""
        os.write(self.marks, text.encode())

    def sync(self):
        """Somebody else's sync: the journal commits in our midst."""
        with contextlib.suppress(OSError):
            fd = os.open(self.where, os.O_RDONLY)
            LIBC.syncfs(fd)
            os.close(fd)

    def stop(self):
        unmount(self.where)
        os.close(self.marks)
        unmount(self.under, MNT_DETACH)
        self.process.wait(30)
        self.process.stdout.close()


class Pages(dict):
    """The bytes of a disk by page; what is not there is zero."""

    def write(self, offset, data):
        position = 0
        while position < len(data):
            number, start = divmod(offset + position, PAGE)
            part = data[position:position + PAGE - start]
            if len(part) < PAGE:
                old = self.get(number, ZEROS)
                part = old[:start] + part + old[start + len(part):]
            if part == ZEROS:
                self.pop(number, None)
            else:
                self[number] = part
            position += PAGE - start

    def store(self, fd):
        """Pages into a file, runs of them at once."""
        run, first = [], None
        for number in sorted(self):
            if run and (number != first + len(run) or len(run) == 512):
                os.pwritev(fd, run, first * PAGE)
                run = []
            if not run:
                first = number
            run.append(self[number])
        if run:
            os.pwritev(fd, run, first * PAGE)


class State:
    """What a cut at one point may leave: the durable and some of the rest."""

    def __init__(self, number, variant, notes, pages):
        self.number, self.variant = number, variant
        self.notes, self.pages = notes, pages


def sectors_of(write, choice, sector):
    """Some of a write's sectors, as a torn write leaves them."""
    offset, data = write
    for at in range(0, len(data), sector):
        if choice.random() < 0.5:
            yield offset + at, data[at:at + sector]


def some_of(pending, variant, choice, sector):
    """The writes of pending that reached the disk, in some order."""
    if variant == "all":
        return pending
    if variant == "prefix":
        return pending[:choice.randrange(len(pending) + 1)]
    if variant == "half":
        return [write for write in pending if choice.random() < 0.5]
    if variant == "torn":
        kept = [write for write in pending if choice.random() < 0.5]
        torn = choice.choice(pending)
        kept = [write for write in kept if write is not torn]
        return kept + list(sectors_of(torn, choice, sector))
    if variant == "last":   # the newest only
        return pending[-1:]
    return []               # "none"


VARIANTS = ("half", "torn", "prefix", "all", "half", "last")


class Log:
    """The records of one run."""

    def __init__(self, path, kind):
        self.records, self.sector = [], TORN_AT.get(kind, SECTOR)
        with open(path, "rb") as file:
            data = file.read()
        at = 0
        while at + RECORD.size <= len(data):
            kind, offset, length = RECORD.unpack_from(data, at)
            at += RECORD.size
            self.records.append((kind, offset, data[at:at + length]))
            at += length
        self.begin = next(i for i, r in enumerate(self.records)
                          if r[2] == b"BEGIN")
        self.end = next((i for i, r in enumerate(self.records)
                         if r[2] == b"END"), len(self.records))

    def count(self, kind):
        return sum(r[0] == kind for r in self.records[self.begin:self.end])

    def count_notes(self, word):
        return sum(r[0] == b"M" and r[2].startswith(word.encode())
                   for r in self.records)

    def points(self):
        """Where a cut says something: behind each note, before each flush,
        and behind every other write; (index, variant)."""
        found = []
        for i in range(self.begin, self.end):
            kind = self.records[i][0]
            if kind == b"M":
                found += [(i + 1, "none"), (i + 1, "half")]
            elif kind == b"F":
                found += [(i, variant) for variant in VARIANTS]
            elif kind == b"W":
                found += [(i + 1, "half"), (i + 1, "torn")]
        return found

    def states(self, count, seed=1):
        """At most count states, spread evenly; the same for one seed."""
        choice = random.Random(seed)
        points = self.points()
        if len(points) > count:
            keep = sorted(choice.sample(range(len(points)), count))
            points = [points[i] for i in keep]
        durable, pending, notes, at = Pages(), [], [], 0
        for number, (index, variant) in enumerate(points):
            while at < index:
                kind, offset, data = self.records[at]
                at += 1
                if kind == b"W":
                    pending.append((offset, data))
                elif kind == b"F":
                    for write in pending:
                        durable.write(*write)
                    pending = []
                elif kind == b"M" and b" " in data:
                    notes.append(data.decode())
            pages = Pages(durable)
            if pending:
                for write in some_of(pending, variant, choice,
                                     self.sector):
                    pages.write(*write)
            yield State(number, variant, list(notes), pages)


@contextlib.contextmanager
def mounted(state, kind, where):
    """A state as the next boot finds it: the journal is replayed."""
    image = os.memfd_create("powercut", os.MFD_CLOEXEC)
    try:
        os.ftruncate(image, FILE_SYSTEMS[kind][0] << 20)
        state.pages.store(image)
        with loop_device(image) as device:
            mount(device, where, kind)
    finally:
        os.close(image)
    try:
        yield
    finally:
        unmount(where)

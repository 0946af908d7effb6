# SPDX-License-Identifier: ISC
"""What memory.so shares with the harness: counts, and who is refused memory
at which allocation. The layout is that of struct shared in memory.c."""

import os
import struct

import stage

HEADER = struct.Struct("16sIIII")
COUNTER = struct.Struct("16sII")
COUNTERS = 64
MODE = "memory"
# Programs of the harness.
OTHERS = ("trace", "sh", "python3", "memory")


class Memory:
    def __init__(self, library, directory):
        self.library = library
        self.path = os.path.join(directory, "memory")

    def environment(self, point):
        """For the traced run; its counts begin at nothing."""
        name, at = "", 0
        if point is not None and point.mode == MODE:
            name, at = point.place.split(":")
        with open(self.path, "wb") as file:
            file.write(HEADER.pack(name.encode(), int(at), 0, 0, 0))
            file.write(bytes(COUNTER.size * COUNTERS))
        os.chmod(self.path, 0o666)
        return {"LD_PRELOAD": self.library,
                "MERPATI_TORTURE_MEMORY": self.path}

    def _read(self):
        with open(self.path, "rb") as file:
            return file.read()

    def is_given(self):
        return bool(HEADER.unpack_from(self._read())[2])

    def counts(self):
        data = self._read()
        found = {}
        for i in range(COUNTERS):
            name, _, count = COUNTER.unpack_from(
                data, HEADER.size + i * COUNTER.size)
            if name.strip(b"\0"):
                found[name.strip(b"\0").decode()] = count
        return found


def points_of(scenario, counts):
    return [stage.Point(scenario, MODE, "%s:%d" % (name, at + 1))
            for name, count in sorted(counts.items()) if name not in OTHERS
            for at in range(count)]

# SPDX-License-Identifier: ISC
"""Which errors each system call is given, and what must not follow."""

import re

import stage

# By the letters of trace (calls.h). A changing call on a disk can find it
# full, over quota or read-only.
ERRORS = {"D": ("EIO",), "O": ("EMFILE",), "M": ("ENOMEM",),
          "S": ("EINTR",), "P": ("short",)}
ON_A_FULL_DISK = ("ENOSPC", "EDQUOT", "EROFS")
# The start of a process and the walk over 256 buckets repeat the same calls;
# so many of each are enough.
REPEATS = 2
SYNCS = ("fsync", "fdatasync", "syncfs")


def errors_of(call):
    is_stream = re.match(r"\d+<(socket|pipe):", call.arguments)
    letters = set(call.kinds)
    if is_stream:
        letters -= {"D"}
    found = [error for letter in sorted(letters)
             for error in ERRORS.get(letter, ())]
    if letters >= {"C", "D"} and call.name not in ("execve", "fchmod"):
        found += ON_A_FULL_DISK
    return found


def points_of(name, calls):
    """Of calls that look the same, in one program, the first few."""
    points, seen = [], {}
    for call in calls:
        program = call.place.split(":")[0]
        if program in ("trace", "sh"):
            continue
        look = (program, call.name, re.sub(r"[0-9A-F]+", "#",
                                           call.arguments))
        seen[look] = seen.get(look, 0) + 1
        if seen[look] <= REPEATS:
            points += [stage.Point(name, error, call.place)
                       for error in errors_of(call)]
    return points


def look_at_reply(s, point, is_acknowledged):
    """No yes after a failed sync of what the yes is about."""
    if point.mode in stage.KILLS or not is_acknowledged:
        return []
    call = {call.place: call for call in stage.parse_log(s.log)}.get(
        point.place)
    if call and call.name in SYNCS and s.has_said("gave") and \
            (call.place.startswith("sendmail:") or not
             s.c.history.from_drop and call.place.startswith("enqueue:")):
        return ["yes after a failed %s" % call.name]
    return []

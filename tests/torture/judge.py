# SPDX-License-Identifier: ISC
"""Runs a scenario with one disturbance and says what is wrong afterwards."""

import collections
import os
import time
import traceback

import errors
import stage

Result = collections.namedtuple("Result", "point faults calls counts")
LIVE_TRIES = 6
LIVE_PAUSE = 0.3
COUNTS = ("points", "not reached", "acknowledged", "refused", "duplicates",
          "faults")


def record(s, scenario, kinds):
    """The calls, or the allocations, of an undisturbed run."""
    s.reset()
    scenario.prepare(s)
    s.start(None, kinds, *scenario.commands(s))
    try:
        scenario.act(s)
    finally:
        s.end_trace()
    return s.memory.counts() if s.memory else stage.parse_log(s.log)


def live(s, scenario, point):
    """Others live on: the host serves, and comes to rest, without help."""
    if point.mode.startswith("all") or not scenario.has_host:
        return []
    if point.place.startswith("merpatid:") and (
            point.mode in stage.KILLS or s.has_said("exit 0")):
        return []
    for _ in range(LIVE_TRIES):
        faults = scenario.again(s)
        if not faults:
            break
        # A table that could not be read is not asked for at once again.
        time.sleep(LIVE_PAUSE)
    if not faults:
        scenario.go_on(s)
    if faults:
        return ["while the host lives on: " + fault for fault in faults]
    # A message whose writer died before it could tell qmgr waits for the
    # next scan, 300 s, or for the restart that follows here.
    program = point.place.split(":")[0]
    if program in ("enqueue", "pickup"):
        return []
    # A queue file that could not be read or removed waits for
    # MANAGER_TROUBLE_MS, a minute.
    if program == "qmgr" and point.mode not in stage.KILLS:
        return []
    if not s.wait(lambda: scenario.is_at_rest(s), stage.LIVE_DEADLINE):
        return ["stuck while the host lives on"]
    return []


def is_reached(s):
    return bool(s.has_said("killed") or s.has_said("gave") or
                s.memory and s.memory.is_given())


def disturb(s, scenario, point, kinds):
    """The traced run: how often something was stopped, what is wrong."""
    faults = []
    s.start(point, kinds, *scenario.commands(s))
    try:
        scenario.act(s)
        faults = errors.look_at_reply(s, point,
                                      bool(s.c.history.acknowledged))
        if not s.is_gone():
            faults += live(s, scenario, point)
        is_quiet = scenario.is_at_rest(s)
    finally:
        s.end_trace()
    return int(is_reached(s)) + int(not is_quiet), faults


def recover(s, scenario, stops):
    s.make_leftovers_old()
    s.host.start()
    try:
        faults = scenario.again(s)
        if not s.settle():
            faults.append("stuck: " + " ".join(s.spool_files()))
        s.wait_here(lambda: not any(
            fault.startswith("lost") for fault in scenario.check(s, stops)))
        return faults + scenario.check(s, stops)
    finally:
        s.host.stop()


def look_at_spool(s):
    tmp = os.path.join(s.host.maildir(s.c.address("maildir")), "tmp")
    left = s.spool_files("bad", "queue", "drop")
    if os.path.isdir(tmp):
        left += [os.path.join(tmp, name) for name in os.listdir(tmp)]
    return ["left: " + path for path in left]


def look_at_log(s):
    faults = [" ".join(words) for words in s.has_said("crashed")]
    try:
        s.c.assert_clean_log()
    except AssertionError as error:
        faults.append("log: %s" % error)
    return faults


def run(s, scenario, point, kinds):
    """A broken run is a fault, too."""
    try:
        return run_once(s, scenario, point, kinds)
    except Exception:  # pylint: disable=broad-except
        faults = traceback.format_exc().splitlines()
        calls = s.last_calls()
        s.end_trace()
        s.host.stop()
        return Result(point, faults, calls, {"faults": 1})


def run_once(s, scenario, point, kinds):
    s.reset()
    scenario.prepare(s)
    stops, faults = disturb(s, scenario, point, kinds)
    calls = s.last_calls() + ["log:"] + s.host.read_log().splitlines()[-30:]
    is_acknowledged = bool(s.c.history.acknowledged)
    faults += recover(s, scenario, stops)
    faults += look_at_spool(s) + look_at_log(s)
    found, expected = s.c.found(), s.c.history.acknowledged
    reached = is_reached(s) or point.mode == stage.AT_REST
    return Result(point, faults, calls, {
        "points": int(reached), "not reached": int(not reached),
        "acknowledged": int(is_acknowledged),
        "refused": int(not is_acknowledged),
        "duplicates": sum(max(0, found[key] - expected[key])
                          for key in found),
        "faults": len(faults)})

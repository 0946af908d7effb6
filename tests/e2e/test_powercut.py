# SPDX-License-Identifier: ISC
"""A small sample of the power cut (tests/powercut/README.md has the whole:
make powercut): nothing acknowledged is lost, nothing torn is seen, and the
harness sees a planted bug."""

import os
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(os.path.dirname(HERE), "powercut")
sys.path.insert(0, FOLDER)

import disk  # noqa: E402

SAMPLE = {"ext4": ("early-sync", 120), "xfs": ("sync-again", 60),
          "btrfs": ("no-mail-sync", 60)}


@pytest.mark.parametrize("kind", disk.FILE_SYSTEMS)
def test_power_cut(kind):
    why = disk.missing(kind)
    if why:
        pytest.skip(why)
    planted, states = SAMPLE[kind]
    result = subprocess.run(
        [os.path.join(FOLDER, "powercut"), "--file-system", kind,
         "--states", str(states), "--live", "2", "--planted", planted],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=300)
    assert result.returncode == 0, result.stdout
    assert "planted " + planted in result.stdout

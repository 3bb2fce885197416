"""Another program that changes names without a pause: no message of its is
ever told to be gone."""

import os
import signal
import subprocess
import sys
import time

MAIL = b"From: a@b.test\nSubject: one\n\nhello\n"
MANY = 1500     # more than the kernel gives out at once

# As a mail program sets flags, as fast as it can.
RENAMER = """
import itertools, os, sys
os.chdir(sys.argv[1])
name = os.listdir()[0]
base = name[:name.index(":2,")]
for flags in itertools.cycle(["", "S", "F", "FS", "R", "RS", "D", "DS"]):
    after = f"{base}:2,{flags}"
    if after != name:
        os.rename(name, after)
    name = after
"""


def test_none_is_told_as_expunged(session, home):
    s = session()
    for _ in range(3):
        s.ok("APPEND INBOX" + " {}" * (MANY // 3), *[MAIL] * (MANY // 3))
    s.ok("SELECT INBOX")
    with subprocess.Popen([sys.executable, "-c", RENAMER,
                           home / "Maildir/cur"]) as renamer:
        try:
            until = time.monotonic() + 6
            while time.monotonic() < until:
                assert not s.ok("NOOP").of("EXPUNGE")
        finally:
            renamer.kill()
    # It has found each name that it gave: nobody renames but itself.
    assert renamer.returncode == -signal.SIGKILL
    # all are there; and what is really removed is told
    assert not s.ok("NOOP").of("EXPUNGE")
    assert len(s.ok("FETCH 1:* UID").of("FETCH")) == MANY
    os.unlink(home / "Maildir/cur" / os.listdir(home / "Maildir/cur")[0])
    # perhaps a little later, while the directory was restless a moment ago
    told, until = 0, time.monotonic() + 30
    while told == 0 and time.monotonic() < until:
        told += len(s.ok("NOOP").of("EXPUNGE"))
    assert told == 1

"""reaper.py PROGRAM ARGUMENT...: run it, and wait for everybody that its
descendants leave behind, so that their CPU time is counted here."""

import ctypes
import os
import sys

PR_SET_CHILD_SUBREAPER = 36

ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
if (pid := os.fork()) == 0:
    os.execv(sys.argv[1], sys.argv[1:])
while True:
    try:
        ended, _ = os.wait()
    except ChildProcessError:
        break

"""Perl's Mail::IMAPClient through what it can do: each line of its script's
output is a test of its own, in words."""

import subprocess
from pathlib import Path

import pytest

from .world import ALICE, Desk, Doors, program

SCRIPT = Path(__file__).with_name("imapclient.pl")


def test_mail_imapclient(tmp_path):
    """Ways in, folders, SEARCH, SORT, THREAD, FETCH, flags, COPY, MOVE, quota
    and IDLE, over TLS."""
    perl = program("perl")
    if subprocess.run([perl, "-MMail::IMAPClient", "-e1"],
                      capture_output=True).returncode:
        pytest.skip("Mail::IMAPClient is not installed: `make check-clients` "
                    "could not get it from Debian")
    with Doors(tmp_path / "doors", settings="quota_storage = 1M\n") as doors:
        doors.start()
        desk = Desk(doors)
        try:
            said = desk.run(perl, SCRIPT, doors.imaps_port, doors.imap_port,
                            desk.ca, ALICE, "alice-secret")
        finally:
            desk.close()
    lines = said.splitlines()
    assert not [l for l in lines if l.startswith("not ok")], said
    assert f"1..{sum(l.startswith('ok ') for l in lines)}" in lines, said

"""make demo: what it shows is true, and its status says whether it was."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from support.instance import BUILD, PATIENCE

TREE = Path(__file__).resolve().parents[2]
TOUR = TREE / "mk/demo/tour.py"


@pytest.fixture
def folder():
    if os.geteuid() != 0:
        pytest.skip("the demonstration needs root")
    if not (BUILD / "bin/imapd-session").exists():
        pytest.skip("not every program is built")
    # Names of sockets are short: pytest's folders are too deep.
    with tempfile.TemporaryDirectory(prefix="bh-demo-", dir="/var/tmp") as d:
        os.chmod(d, 0o755)	# mutt runs as the mailbox's owner
        yield d


def demo(folder, build=BUILD, **more):
    return subprocess.Popen(
        [sys.executable, "-B", TOUR, build], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
        env=dict(os.environ, BULKHEAD_DEMO_DIR=str(folder)),
        **{"stdin": subprocess.DEVNULL, **more})


def nothing_is_left(folder):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        assert str(folder).encode() not in line, line


def test_two_at_once(folder):
    both = [demo(folder), demo(folder)]
    shown = [p.communicate(timeout=10 * PATIENCE)[0] for p in both]
    for p, text in zip(both, shown):
        assert p.returncode == 0, text
        assert "no process is left" in text
        first, second = text.split("Act two", 1)
        assert len(re.findall(r"queue id [0-9a-f]{12}", first)) == 3
        assert "octet for octet" in text
        assert "the picture is whole" in text
        assert "\033[" not in text		# plain where it is no terminal
        assert re.search(r"verified +dane\n", second)
        assert re.search(r"tlsa +3 1 1\n", second)
        assert "with ESMTPS id" in second
        assert "cannot connect" in second
        assert "The queue is empty." in second
        assert re.search(r"IMAP S: \* 2 FETCH .*\\Flagged", second)
        assert re.search(r"Maildir/\S+:2,FS\n", second)
        assert "Action: failed" in second and "Status: 5.1.1" in second
        for stage in ("smtpd", "queue-manager", "local-delivery",
                      "local-delivery-worker"):
            assert re.search(rf"\b{stage} +\d{{6,}}", text), stage
    nothing_is_left(folder)


def test_a_step_that_fails(folder, tmp_path):
    """With a session program that does nothing, the status is not 0."""
    broken = tmp_path / "build"
    shutil.copytree(BUILD / "bin", broken / "bin")
    shutil.copy("/bin/false", broken / "bin/imapd-session")
    p = demo(folder, broken)
    text, _ = p.communicate(timeout=10 * PATIENCE)
    assert p.returncode not in (0, None), text
    assert "FAILED" in text or "✗" in text
    assert "no process is left" in text
    nothing_is_left(folder)


def test_it_stays_until_control_c(folder):
    """Also where a shell has started it with the signal ignored."""
    import pty
    ours, theirs = pty.openpty()
    p = demo(folder, stdin=theirs, start_new_session=True,
             preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    os.close(theirs)
    shown = ""
    try:
        while "until Ctrl-C" not in shown:
            line = p.stdout.readline()
            assert line, shown
            shown += line
        time.sleep(0.5)
        assert p.poll() is None
        p.send_signal(signal.SIGINT)
        rest, _ = p.communicate(timeout=PATIENCE)
    finally:
        if p.poll() is None:
            p.terminate()
            p.wait(PATIENCE)
        os.close(ours)
    assert p.returncode == 0, shown + rest
    assert "everything has been stopped" in rest
    nothing_is_left(folder)

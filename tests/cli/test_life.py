"""start, status, reload, restart, stop: supervisor is the real one, its stages
are those that only live (tests/supervisor/stage)."""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from support.instance import BUILD, PATIENCE
from support.slots import Slot
from .site import PROGRAMS, Site


@pytest.fixture
def site(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("supervisor must be started by root")
    stage = BUILD / "bin" / "tests-supervisor-stage"
    if not stage.exists():
        pytest.skip(f"{stage} is not built")
    slot = Slot()
    s = Site(tmp_path)
    for name in PROGRAMS:
        (tmp_path / "programs" / name).unlink()
        shutil.copy(BUILD / "bin" / "supervisor" if name == "supervisor"
                    else stage, tmp_path / "programs" / name)
    text = (s.conf / "bulkhead.conf").read_text()
    s.write("bulkhead.conf", text.replace("3200000000", str(slot.uid_base)))
    for i, (stage, name) in enumerate((("smtpd", "smtp"), ("pop3d", "pop3"),
                                       ("imapd", "imap"))):
        s.write(f"{stage}.conf", f"listener {name} {{\n"
                f"\taddress = 127.0.0.1:{slot.port(i)}\n}}\n")
    s.add_user("alice")
    s.slot = slot
    yield s
    s.bulkhead("stop")
    slot.free()


def rows(site):
    done = site.bulkhead("status")
    return done.returncode, [l.split() for l in
                             done.stdout.splitlines()[1:]]


def test_life(site):
    done = site.bulkhead("start")
    assert done.returncode == 0, done.stderr
    assert "is running, supervisor has pid" in done.stdout

    status, listed = rows(site)
    assert status == 0
    names = [r[0] for r in listed]
    for name in ("smtpd", "smtpd-submit", "queue-manager", "directory",
                 "local-delivery", "authd", "pop3d", "imapd"):
        assert name in names
    for name, state, pid, uid, restarts, *_ in listed:
        assert state == "ready" and restarts == "0"
        assert os.stat(f"/proc/{pid}").st_uid == int(uid)
        assert int(uid) in site.slot.uids(site.slot.number)

    done = site.bulkhead("start")
    assert done.returncode == 1 and "is running already" in done.stderr

    assert site.bulkhead("check").returncode == 0	# ports and uids are ours
    assert site.bulkhead("reload").returncode == 0
    assert site.bulkhead("reload", "smtpd").returncode == 0

    before = {r[0]: r[2] for r in listed}
    assert site.bulkhead("restart", "directory").returncode == 0
    deadline = time.monotonic() + PATIENCE
    while True:
        status, listed = rows(site)
        after = {r[0]: r[2] for r in listed}
        if status == 0 and after["directory"] != before["directory"]:
            break
        assert time.monotonic() < deadline, listed
        time.sleep(0.05)
    del before["directory"], after["directory"]
    assert {n: p for n, p in after.items() if n in before} == before

    done = site.bulkhead("stop")
    assert done.returncode == 0 and "has stopped" in done.stdout
    for pid in after.values():
        assert not os.path.exists(f"/proc/{pid}")
    assert site.bulkhead("status").returncode == 3


def test_the_secret_of_invented_salts(site):
    """Made once, root's alone; one that is broken stays, and is said."""
    path = site.folder / "state/scram-secret"
    for command in "start", "reload", "stop":
        assert site.bulkhead(command).returncode == 0
        text = path.read_text()
        assert re.fullmatch(r"%version 1\n[0-9a-f]{64}\n", text)
        assert path.stat().st_mode & 0o7777 == 0o600
        assert path.stat().st_uid == 0
    assert site.bulkhead("start").returncode == 0
    assert path.read_text() == text
    assert site.bulkhead("stop").returncode == 0
    path.unlink()
    assert site.bulkhead("start").returncode == 0
    assert path.read_text() != text		# nobody else's, either
    assert site.bulkhead("stop").returncode == 0
    for broken in text[:-9], text.replace(" 1", " 2"), text * 2:
        path.write_text(broken)
        done = site.bulkhead("start")
        assert done.returncode == 73 and str(path) in done.stderr
        assert text[-9:-1] not in done.stderr
        assert path.read_text() == broken


def test_a_reload_of_nonsense_reaches_nobody(site):
    assert site.bulkhead("start").returncode == 0
    good = (site.conf / "smtpd.conf").read_text()
    site.write("smtpd.conf", good + "nonsense = 1\n")
    for words in (["reload"], ["reload", "smtpd"], ["restart", "smtpd"]):
        done = site.bulkhead(*words)
        assert done.returncode == 78
        assert "smtpd.conf:4" in done.stderr
    assert rows(site)[0] == 0


def test_restart_of_what_is_no_stage(site):
    assert site.bulkhead("start").returncode == 0
    done = site.bulkhead("restart", "pop3d-session")
    assert done.returncode == 64 and "not a stage" in done.stderr


def test_a_stage_that_cannot_start(site):
    """The stages refuse their settings: nothing is left running."""
    (site.folder / "programs" / "directory").unlink()
    shutil.copy("/bin/false", site.folder / "programs" / "directory")
    done = site.bulkhead("start")
    assert done.returncode == 78, done.stdout
    assert "not started: directory" in done.stderr
    deadline = time.monotonic() + PATIENCE
    while site.bulkhead("status").returncode != 3:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_in_the_foreground(site):
    p = subprocess.Popen([BUILD / "bin" / "bulkhead", "-C", site.conf,
                          "start", "-f"], stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                         text=True)
    try:
        for line in p.stderr:
            if "event=ready" in line:
                break
        assert rows(site)[0] == 0
        p.terminate()
        assert p.wait(PATIENCE) == 0
    finally:
        if p.poll() is None:
            p.kill()
            p.wait()
        p.stderr.close()


def test_others_may_give_no_commands(site):
    """The socket's mode says who may; the folders on the way are open here."""
    assert site.bulkhead("start").returncode == 0
    assert (site.run / "control").stat().st_mode & 0o077 == 0
    with tempfile.TemporaryDirectory(prefix="bh-open-") as folder:
        os.chmod(folder, 0o755)
        conf = Path(folder) / "etc"
        conf.mkdir(mode=0o755)
        os.mkdir(f"{folder}/run", 0o755)
        (conf / "bulkhead.conf").write_text(f"run_dir = {folder}/run\n")
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.bind(f"{folder}/run/control")
            s.listen()
            os.chmod(f"{folder}/run/control", 0o600)
            tool = shutil.copy(BUILD / "bin" / "bulkhead", folder)
            done = subprocess.run([tool, "-C", conf, "stop"], text=True,
                                  capture_output=True, user=3999999999,
                                  group=3999999999, extra_groups=[])
    assert done.returncode == 77
    assert "bh-admin" in done.stderr

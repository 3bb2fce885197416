"""supervisor by itself, with plain stages in place of the real programs: who
is started as whom with what, what happens when one dies, and what is refused
before anything is started."""

import contextlib
import os
import shutil
import socket
import stat
import subprocess
import threading
import time

import pytest

from support.instance import BUILD, PATIENCE, Instance

PROGRAMS = ["directory", "authd", "authd-verifier", "authd-pam",
            "queue-manager", "local-delivery", "local-delivery-worker",
            "local-delivery-runner", "smtpd", "pop3d", "pop3d-session", "imapd",
            "imapd-session", "remote-relay", "resolver",
            "tlskeyd", "milterd"]
# What doc/architecture.md draws: stage -> peers (two verifiers).
CHANNELS = {"directory": 4, "authd": 5, "authd-verifier": 1,
            "queue-manager": 5, "local-delivery": 2, "smtpd": 5,
            "smtpd-submit": 5, "pop3d": 2, "imapd": 2, "remote-relay": 2,
            "resolver": 2, "tlskeyd": 4, "milterd": 2}
# Who stays in the host's network.
CONNECTS = {"remote-relay", "resolver"}


@pytest.fixture
def plain(tmp_path):
    programs = tmp_path / "programs"
    programs.mkdir()
    shutil.copy(BUILD / "bin" / "supervisor", programs)
    for name in PROGRAMS:
        shutil.copy(BUILD / "bin" / "tests-supervisor-stage", programs / name)
    made = []

    def make(folder="one", **options):
        i = Instance(tmp_path / folder, program_dir=programs, **options)
        made.append(i)
        return i

    yield make
    for i in made:
        i.close()


def started(i):
    return {(l["stage"], l["pid"]): l
            for l in i.log(event="given-all", first="yes")}


def test_each_process_is_who_the_map_says(plain):
    i = plain().start()
    # Channels to peers that start later come behind the first commit.
    for stage, n in CHANNELS.items():
        count = 2 if stage == "authd-verifier" else 1
        i.await_log(n * count, event="given-channel", stage=stage)
    lines = started(i)
    assert {s for s, _ in lines} == set(CHANNELS)
    base = i.slot.uid_base
    uids = {}
    for (stage, _), l in lines.items():
        assert base < int(l["uid"]) < base + 100
        assert l["one-uid"] == "yes" and l["groups"] == "0"
        assert l["environment"] == "no"
        assert l["hostname"] == "mx.example.org"
        uids.setdefault(stage.replace("-verifier", ""), set()).add(l["uid"])
    assert all(len(u) == 1 for u in uids.values())
    assert len({next(iter(u)) for u in uids.values()}) == len(uids)
    tables = {(l["stage"], l["table"]) for l in i.log(event="given-table")}
    assert {s for s, t in tables if t == "passwords"} == {"authd"}
    for stage in CHANNELS:
        peers = {l["peer"]
                 for l in i.log(event="given-channel", stage=stage)}
        if stage == "smtpd":		# no password comes by port 25
            assert "authd" not in peers
        if stage == "smtpd-submit":
            assert "authd" in peers


def test_what_a_process_has_from_its_parent(plain):
    i = plain().start()
    for pid, _ in i.processes():
        status = dict(l.split(":\t", 1) for l in
                      open(f"/proc/{pid}/status").read().splitlines())
        chroot_only = format(1 << 18, "016x")
        assert status["CapInh"] == chroot_only
        assert status["NoNewPrivs"] == "1"
        assert status["CapBnd"] == format(0, "016x")
        assert status["CapEff"] == chroot_only	# a sandbox drops it
        assert status["Groups"].strip() == ""
        assert os.getsid(pid) == pid
        network = os.readlink(f"/proc/{pid}/ns/net")
        stays = network == os.readlink("/proc/self/ns/net")
        assert stays == (os.path.basename(os.readlink(f"/proc/{pid}/exe"))
                         in CONNECTS)
        # Nothing of supervisor's own: its configuration, sockets, locks.
        fds = {int(n): os.readlink(f"/proc/{pid}/fd/{n}")
               for n in os.listdir(f"/proc/{pid}/fd")}
        assert not any(p.startswith(str(i.conf)) and p != str(i.conf / "x")
                       for p in fds.values())
        assert fds[3].startswith("socket:")


def test_a_stage_that_dies_comes_back_and_its_peers_go_on(plain):
    i = plain().start()
    before = dict(i.processes())
    [old] = i.pids("queue-manager")
    i.kill("queue-manager")
    i.await_log(2, event="given-all", stage="queue-manager", first="yes")
    i.await_log(2, event="given-channel", stage="smtpd",
                peer="queue-manager")
    i.await_log(2, event="given-channel", stage="local-delivery",
                peer="queue-manager")
    now = dict(i.processes())
    assert set(before) - set(now) == {old}
    assert len(now) == len(before)


def test_two_that_live_without_their_channel_get_another(plain):
    """One of two closed the channel because of what the other sent; both go
    on, and after a second they can talk again: once for each time."""
    i = plain().start()
    i.await_log(5, event="given-channel", stage="smtpd")
    pids = dict(i.processes())
    (i.conf / "smtpd.conf").write_text("#cut\n")
    i.supervisor.send_signal(1)
    for n in (10, 15):
        i.await_log(n, event="given-channel", stage="smtpd")
        for peer in ("queue-manager", "directory", "resolver", "milterd"):
            i.await_log(n // 5, event="given-channel", stage=peer,
                        peer="smtpd")
        if n == 10:
            i.supervisor.send_signal(1)
    time.sleep(1.5)
    assert len(i.log(event="given-channel", stage="smtpd")) == 15
    assert dict(i.processes()) == pids


def test_the_delay_grows_when_it_dies_again(plain):
    i = plain().start()
    for n in range(2, 6):
        i.kill("imapd")
        i.await_log(n, event="given-all", stage="imapd", first="yes")
    times = [l["time"] for l in i.log(event="given-all", stage="imapd")]

    def seconds(t):
        h, m, s = t.rstrip("Z").split("T")[1].split(":")
        return int(h) * 3600 + int(m) * 60 + float(s)

    gaps = [(seconds(b) - seconds(a)) % 86400
            for a, b in zip(times, times[1:])]
    assert gaps[-1] >= 0.4	# 0, 100, 200, 400 ms at least


def test_a_table_that_changes_is_passed_on_alone(plain):
    i = plain().start()
    i.write("aliases", "info: alice\n")
    i.await_log(1, event="given-table", stage="directory", table="aliases",
                size=len("info: alice\n"))
    [again] = i.await_log(1, event="given-all", first="no")
    assert again["stage"] == "directory"
    assert not i.log(event="given-table", stage="directory",
                     table="users", first="no")


def test_a_refused_reload_keeps_the_stage(plain):
    i = plain().start()
    before = i.processes()
    i.write("imapd.conf", "bad\n")
    i.supervisor.send_signal(1)
    [line] = i.await_log(1, event="stage-refused")
    assert line["process"] == "imapd"
    i.await_log(1, event="given-all", stage="smtpd", first="no")
    assert i.processes() == before


def refused(i):
    with pytest.raises(AssertionError) as e:
        i.start()
    assert not i.processes()
    return str(e.value)


@pytest.mark.parametrize("text, words", [
    ("uid_bse = 7\n", ["bulkhead.conf:", "uid_base"]),
    ("spool_dir = relative\n", ["bulkhead.conf:", "spool_dir"]),
    ("sessions_max = many\n", ["bulkhead.conf:", "sessions_max", "number"]),
    ("log = nowhere\n", ["bulkhead.conf:", "auto", "syslog"]),
    ("}\n", ["bulkhead.conf:"]),
])
def test_wrong_settings_start_nothing(plain, text, words):
    i = plain(settings=text)
    if text.startswith(("spool_dir", "log")):
        # Set once already: the test is about the value.
        name = text.split(" ")[0]
        conf = (i.conf / "bulkhead.conf").read_text()
        i.write("bulkhead.conf", "".join(
            l for l in conf.splitlines(True)
            if not l.startswith(name + " ")) + text)
    said = refused(i)
    for word in words:
        assert word in said


def test_a_stage_that_refuses_at_the_start_ends_the_start(plain):
    i = plain(files={"authd.conf": "bad\n"})
    assert "authd" in refused(i)


def test_a_port_in_use_ends_the_start(plain):
    i = plain()
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", i.smtp_port))
        s.listen()
        said = refused(i)
    assert "smtpd" in said
    [line] = i.log(event="cannot-listen")
    assert str(i.smtp_port) in line["address"] and line["remedy"]


def test_broken_users_table_names_its_line(plain):
    i = plain()
    i.write("users", "alice@example.org 1\nbob@example.org 1\n")
    assert "users:2:" in refused(i)


def test_configuration_that_others_may_write_is_refused(plain):
    i = plain()
    os.chmod(i.conf, 0o777)
    assert "chmod" in refused(i)


def test_no_two_instances_share_uids(plain):
    one = plain("one").start()
    two = plain("two")
    conf = (two.conf / "bulkhead.conf").read_text()
    two.write("bulkhead.conf", conf.replace(
        f"uid_base = {two.slot.uid_base}",
        f"uid_base = {one.slot.uid_base + 1}"))
    assert "uid_base" in refused(two)


def test_no_two_instances_share_a_spool(plain):
    one = plain("one").start()
    two = plain("two", spool=one.spool)
    assert "in use" in refused(two)


def test_a_lock_that_is_let_go_is_waited_for(plain):
    """As by the child of a supervisor that was killed between that child's
    fork and its exec."""
    i = plain()
    i.run.mkdir(exist_ok=True)
    holder = subprocess.Popen(["flock", i.run, "sleep", "0.5"])
    while subprocess.run(["flock", "-n", i.run, "true"]).returncode == 0:
        time.sleep(0.01)
    i.start()
    assert holder.wait() == 0


def test_a_process_that_is_about_to_end_is_waited_for(plain):
    """As one that a supervisor, killed since, had just begun."""
    i = plain()
    uid = i.slot.uid_base + 1
    last = subprocess.Popen(["sleep", "0.5"], user=uid, group=uid,
                            extra_groups=[])
    reaper = threading.Thread(target=last.wait)
    reaper.start()
    i.start()
    reaper.join()


def test_uids_of_the_host_are_refused(plain):
    i = plain()
    conf = (i.conf / "bulkhead.conf").read_text()
    # 65534 is nobody's on every Debian.
    i.write("bulkhead.conf", conf.replace(
        f"uid_base = {i.slot.uid_base}", "uid_base = 65530"))
    assert "65536" in refused(i)


def test_sockets_for_people_have_the_right_modes(plain):
    i = plain().start()
    assert stat.S_IMODE(os.stat(i.run / "control").st_mode) == 0o700 & 0o700
    assert stat.S_IMODE(os.stat(i.run / "inject").st_mode) == 0o666
    i.stop()
    assert not (i.run / "control").exists()
    assert not (i.run / "inject").exists()


def test_a_flood_on_the_control_socket_hurts_nobody(plain):
    i = plain().start()
    clients = []
    for n in range(100):
        c = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            c.connect(str(i.run / "control"))
            c.send(os.urandom(n + 1))
        except OSError:
            pass
        clients.append(c)
    i.await_log(1, event="channel-refused", peer="control")
    for c in clients:
        c.close()
    before = i.processes()
    time.sleep(0.2)
    assert i.processes() == before


def test_logger_that_restarts_is_found_again(plain, tmp_path):
    path = str(tmp_path / "log.sock")

    def listen():
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        s.bind(path)
        s.settimeout(PATIENCE)
        return s

    logger = listen()
    i = plain(settings=f"log_socket = {path}\n")
    conf = (i.conf / "bulkhead.conf").read_text()
    i.write("bulkhead.conf", conf.replace("log = stderr", "log = syslog"))
    i.start()
    assert b"event=" in logger.recv(4096)
    logger.close()
    os.unlink(path)
    i.write("aliases", "x: alice\n")	# lines into the void
    time.sleep(0.5)
    logger = listen()
    lines = b""
    while b"logger-found-again" not in lines:
        lines += logger.recv(4096)
    i.write("aliases", "y: alice\n")
    while b"directory" not in lines:
        lines += logger.recv(4096)
    # Another one whose socket has the very same inode number, as on ext4, and
    # nothing is logged in between.
    logger.settimeout(1)
    with contextlib.suppress(TimeoutError):
        while True:
            logger.recv(4096)
    logger.close()
    os.unlink(path)
    logger = listen()
    lines = b""
    while b"logger-found-again" not in lines:
        lines += logger.recv(4096)
    logger.close()


def test_stages_are_not_started_by_hand():
    done = subprocess.run([BUILD / "bin" / "tests-supervisor-stage"],
                          capture_output=True, text=True)
    assert done.returncode == 64
    done = subprocess.run(["imapd"],
                          executable=BUILD / "bin" / "tests-supervisor-stage",
                          capture_output=True, text=True)
    assert done.returncode == 64 and "supervisor" in done.stderr


def test_a_program_that_cannot_be_run_is_told(plain, tmp_path):
    i = plain()
    (i.programs / "imapd").write_text("not a program\n")
    assert "imapd" in refused(i)
    lines = i.log(event="cannot-start-process", step="exec")
    assert lines and lines[0]["error"] == "ENOEXEC"

"""Containment: somebody owns a process.  A program of the attacker's takes the
place of each program in turn, is started by the real supervisor as that
process, enters its sandbox by the same call, and tries everything; then it
forges messages on every channel that it holds.  The table that is printed at
the end (pytest -rP) is process by asset."""

import shutil
import subprocess
import time

import pytest

from support.instance import BUILD, DOMAIN, SANITIZED, Instance
from tls.authority import Pair

ALWAYS = ["smtpd", "queue-manager", "local-delivery", "directory", "authd",
          "authd-verifier", "pop3d", "imapd", "remote-relay", "resolver",
          "tlskeyd", "milterd"]
DEMAND = ["pop3d-session", "imapd-session", "local-delivery-worker"]
# Whose settings file the program reads, and so the attacker.
CONF = {"authd-verifier": "authd", "pop3d-session": "pop3d",
        "imapd-session": "imapd", "local-delivery-worker": "local-delivery"}
# What is its work, and so no breach.
MAY = {"resolver": ["send by UDP"]}
# What a sanitizer needs, and its build says at the start that it relaxes.
RELAXED = ["map writable code", "make data code"] if SANITIZED else []
MESSAGE = "From: a@example.net\r\nSubject: x\r\n\r\nhello\r\n"


@pytest.fixture
def captured(tmp_path):
    """An instance in which one program is the attacker's."""
    made = []

    def make(program, text=""):
        programs = tmp_path / "programs"
        programs.mkdir()
        for path in (BUILD / "bin").iterdir():
            if not path.name.startswith("tests-"):
                shutil.copy(path, programs)
        shutil.copy(BUILD / "bin" / "tests-breach-attacker",
                    programs / program)
        pair = Pair(tmp_path, "mx")
        i = Instance(tmp_path / "instance", program_dir=programs,
                     settings=pair.block(), files={CONF.get(program, program) + ".conf": text})
        i.expect_failures = True	# its children die by SIGSYS
        made.append(i)
        return i

    yield make
    for i in made:
        i.close()


def orders(i, program, sibling):
    """What to attack, as comments that any program's file may hold."""
    name = CONF.get(program, program) + ".conf"
    text = (i.conf / name).read_text()
    i.write(name, text + "".join(f"#{k}={v}\n" for k, v in {
        "spool": i.spool, "mail": i.home("bob"),
        "passwords": i.conf / "passwords", "key": i.folder.parent / "mx.key",
        "port": i.smtp_port,
        "sibling": sibling}.items()))


def make_home(i, name):
    """bob has mail, and a directory worth attacking."""
    (i.home(name) / "Maildir").mkdir(parents=True, exist_ok=True)


def table(i, program, pid):
    rows = i.log(event="attack", pid=pid)
    width = max(len(r["attack"]) for r in rows)
    print(f"\n{program}")
    for r in rows:
        print(f"  {r['asset']:10} {r['attack']:{width}} {r['result']}")
    return rows


def check(i, program, **stage):
    # Of a program that runs more than once, one is enough.
    done = i.await_log(1, event="attacked", **stage)[0]
    rows = table(i, program, done["pid"])
    assert len(rows) == int(done["attacks"])
    may = MAY.get(program, []) + RELAXED
    breaches = [r["attack"] for r in rows if r["result"] == "BREACH"
                and r["attack"] not in may]
    assert not breaches
    # An attack that did not run proves nothing: each was refused by the
    # kernel's word or ended by the filter, never by an accident.
    words = {r["result"] for r in rows if r["attack"] not in may}
    assert words <= {"killed", "ENOENT", "EPERM", "EACCES", "ENOSYS",
                     "ENETUNREACH", "EAFNOSUPPORT", "EXDEV", "EAGAIN",
                     "ENOTDIR", "EBADF"}, words
    assert sum(r["result"] == "killed" for r in rows) >= 10


def trigger(i, program):
    """Make supervisor start a process that is started on demand."""
    if program == "local-delivery-worker":
        i.send("a@example.net", [f"alice@{DOMAIN}"], MESSAGE)
        return
    port = i.pop_port if program.startswith("pop3d") else i.imap_port
    import socket
    s = socket.create_connection(("127.0.0.1", port))
    s.sendall(b"USER alice@%b\r\nPASS alice-secret\r\n" % DOMAIN.encode()
              if program.startswith("pop3d") else
              b"a LOGIN alice@%b alice-secret\r\n" % DOMAIN.encode())
    i.client = s	# kept open


@pytest.mark.parametrize("program", ALWAYS)
def test_a_captured_process_gets_nothing_else(captured, program):
    i = captured(program).start()
    make_home(i, "bob")
    # It has the keys; its memory is the prize.
    other = "tlskeyd" if program != "tlskeyd" else "imapd"
    orders(i, program, i.pids(other)[0])
    i.supervisor.send_signal(1)
    check(i, program)
    assert i.pids(other)


def test_a_captured_lmtp_process_gets_nothing_else(captured):
    """The same program under another uid, where there is a listener for it."""
    i = captured("smtpd", "listener lmtp {\n\tservice = lmtp\n}\n").start()
    make_home(i, "bob")
    orders(i, "smtpd", i.pids("tlskeyd")[0])
    i.supervisor.send_signal(1)
    check(i, "smtpd", stage="smtpd-lmtp")
    assert i.pids("tlskeyd")


@pytest.mark.parametrize("program", DEMAND)
def test_a_captured_owner_process_gets_one_mailbox(captured, program):
    i = captured(program).start()
    make_home(i, "bob")
    orders(i, program, i.pids("tlskeyd")[0])
    trigger(i, program)
    check(i, program)
    assert i.pids("tlskeyd")


def forge(i, program, times):
    """Start the attacker again and again; each time it forges anew."""
    name = CONF.get(program, program) + ".conf"
    i.write(name, (i.conf / name).read_text() + "#forge\n")
    for n in range(times):
        # It would wait for a stage that serves, which this one never does.
        asking = subprocess.Popen(
            [BUILD / "bin" / "bulkhead", "-C", i.conf, "restart", program])
        i.await_log(n + 1, event="operator", command="restart")
        asking.kill()
        asking.wait()
        time.sleep(0.05)
    i.await_log(times // 4, event="forged")


@pytest.mark.parametrize("program", ALWAYS)
def test_forged_messages_fell_nobody(captured, program):
    i = captured(program).start()
    others = {p for p in i.processes() if p[0] not in i.pids(program)}
    forge(i, program, 60)
    fallen = others - set(i.processes())
    assert not fallen, f"{fallen} fell\n{i.tail()}"
    assert i.log(event="channel-refused")
    assert i.supervisor.poll() is None


@pytest.mark.parametrize("program", ["pop3d", "imapd", "local-delivery"])
def test_a_made_up_ticket_starts_nothing(captured, program):
    """Among the forgeries there is the right message with a ticket that nobody
    ever issued; here it is the only one."""
    i = captured(program).start()
    name = f"{program}.conf"
    i.write(name, (i.conf / name).read_text() + "#tickets=100\n")
    i.supervisor.send_signal(1)
    i.await_log(100, event="ticket-refused")
    wanted = {"pop3d": "pop3d-session", "imapd": "imapd-session",
              "local-delivery": "local-delivery-worker"}[program]
    assert not i.log(event="process-ready", process=wanted)
    assert not i.log(event="ticket-accepted")
    assert not i.log(event="home-made")

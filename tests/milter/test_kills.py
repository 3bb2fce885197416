"""milterd and its milters die under load: clients get 451 and try again; what
had its 250 is delivered, whole, once, and was looked at."""

import os
import resource
import signal
import smtplib
import socket
import time

import pytest

from support.instance import DOMAIN, SANITIZED
from support.ledger import Ledger
from support.load import QUICK, Load, mailboxes, settle_and_audit
from support.milter import CONTINUE, Milter, add_header, insert_header

from .world import instance

USERS = ["alice", "bob", "carol", "dave"]
SLOW = 2 if SANITIZED else 1


@pytest.mark.parametrize("who", ["milterd", "milter", "smtpd"])
def test_killed_under_load(tmp_path, who):
    with Milter(tmp_path / "s") as m:
        m.say["E"] = [insert_header(1, "X-Seen", "yes"), CONTINUE]
        i = instance(tmp_path / "i", {"one": m}, users=USERS, files=QUICK)
        with i:
            i.start()
            ledger = Ledger()
            others = {p: i.pids(p) for p in ("queue-manager", "directory")}
            with Load(i, ledger, USERS) as load:
                for _ in range(3):
                    time.sleep(0.4 * SLOW)
                    if who == "milter":
                        m.stop()
                        i.await_log(event="milter-failed")
                        m.start()
                    else:
                        assert i.kill(who)
                        i.await_log(event="process-ended", process=who,
                                    signal=9)
                    so_far = len(ledger.promised)
                    deadline = time.monotonic() + 60
                    while len(ledger.promised) < so_far + 5:
                        assert time.monotonic() < deadline, i.tail()
                        time.sleep(0.02)
                wrong, _ = ledger.audit(mailboxes(i, USERS), delivered=False)
                assert not wrong, wrong
            _, doubled = settle_and_audit(i, ledger, USERS)
            assert not doubled, doubled
            assert {p: i.pids(p) for p in others} == others
            for name in USERS:
                assert all(b"X-Seen: yes" in text for text in i.messages(name))
            print(f"{who}: {len(ledger.promised)} promised, "
                  f"{load.failed} refused")


def read_line(s):
    octets = b""
    while not octets.endswith(b"\n"):
        more = s.recv(1)
        assert more, octets
        octets += more
    return octets


def mail_is_taken(i):
    try:
        i.send("a@example.net", [f"bob@{DOMAIN}"], "Subject: x\r\n\r\nx\r\n")
    except smtplib.SMTPException:
        return False
    return True


def test_ends_of_sessions_are_not_lost(tmp_path):
    """Three thousand sessions ask milterd, which does not read, and give up: more
    messages than its channel keeps.  When it reads again it hears of every end:
    no connection to the milter is left, and the channel is the same."""
    n = 3000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = max(hard, 8192)	# as root
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    try:
        with Milter(tmp_path / "s") as m, instance(
                tmp_path / "i", {"one": m},
                smtpd="max_sessions_per_client = 10000\n"
                "max_connections_per_minute = 100000\n"
                "milter_timeout = 5s\n") as i:
            i.start()
            pid, = i.pids("milterd")
            os.kill(pid, signal.SIGSTOP)
            try:
                clients = [socket.create_connection(
                    ("127.0.0.1", i.smtp_port)) for _ in range(n)]
                for c in clients:
                    c.settimeout(60)
                    assert read_line(c).startswith(b"220")
                    c.sendall(b"HELO x\r\n")
                for c in clients:
                    assert read_line(c).startswith(b"250")
                    c.sendall(b"MAIL FROM:<a@example.net>\r\n")
                for c in clients:
                    c.close()
                i.await_log(n, event="session-end")
            finally:
                os.kill(pid, signal.SIGCONT)
            deadline = time.monotonic() + 60
            while not mail_is_taken(i):
                assert time.monotonic() < deadline
            m.wait(lambda: not m.open, 60)
            assert i.pids("milterd") == [pid]
            assert not i.log(event="channel-refused")
            assert not i.log(event="sibling-gone")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, most))


def test_many_sessions_at_once(tmp_path):
    """Three hundred sessions, each with a connection of its own to the milter,
    wait for verdicts together.  It accepts five at a time, as libmilter does with
    a few more: a full backlog is waited for."""
    n = 300
    with Milter(tmp_path / "s", backlog=5) as m:
        m.say["E"] = [add_header("X-Seen", "yes"), CONTINUE]
        with instance(tmp_path / "i", {"one": m},
                      smtpd="max_sessions_per_client = 1000\n"
                      "max_connections_per_minute = 10000\n") as i:
            i.start()
            clients = [socket.create_connection(("127.0.0.1", i.smtp_port))
                       for _ in range(n)]
            steps = [b"HELO x\r\n", b"MAIL FROM:<a@example.net>\r\n",
                     f"RCPT TO:<bob@{DOMAIN}>\r\n".encode(), b"DATA\r\n",
                     b"Subject: x\r\n\r\nx\r\n.\r\n", b"QUIT\r\n"]
            for c in clients:
                c.settimeout(60)
                assert read_line(c).startswith(b"220")
            for step, code in zip(steps, (250, 250, 250, 354, 250, 221)):
                for c in clients:
                    c.sendall(step)
                for c in clients:
                    assert read_line(c).startswith(b"%d" % code)
                if step.startswith(b"MAIL"):
                    assert m.connections == n
            i.await_mail("bob", n)
            for c in clients:
                c.close()
            m.wait(lambda: not m.open)

"""SIGKILL for each process under load, in turn and at random, and for the
whole instance: what had its 250 is delivered, whole, once."""

import os
import random
import signal
import smtplib
import ssl
import time

import pytest

from support.dns import DnsServer
from support.instance import SANITIZED
from support.ledger import Ledger
from support.load import QUICK, Load, mailboxes, settle_and_audit
from support.peer import Peer
from support.pki import Authority
from tls.authority import Pair

USERS = ["alice", "bob", "carol", "dave"]
STAGES = ["smtpd", "queue-manager", "local-delivery", "local-delivery-worker",
          "directory", "authd", "authd-verifier", "pop3d", "imapd",
          "resolver", "remote-relay", "tlskeyd", "milterd"]
ON_DEMAND = {"local-delivery-worker"}
SLOW = 2 if SANITIZED else 1


def pids_of_stages(instance, but):
    return {s: sorted(instance.pids(s)) for s in STAGES
            if s != but and s not in ON_DEMAND}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_is_killed_under_load(new_instance, stage):
    instance = new_instance(users=USERS, files=QUICK).start()
    ledger = Ledger()
    before = pids_of_stages(instance, stage)
    with Load(instance, ledger, USERS) as load:
        for _ in range(3):
            time.sleep(0.4 * SLOW)
            so_far = len(ledger.promised)
            deadline = time.monotonic() + 30
            while not instance.kill(stage):
                # No worker yet: in a burst, deliveries wait for company.
                assert stage in ON_DEMAND and time.monotonic() < deadline
                time.sleep(0.01)
            instance.await_log(event="process-ended", process=stage,
                               signal=9)
            # Service goes on, or comes back.
            deadline = time.monotonic() + 30
            while len(ledger.promised) < so_far + 5:
                assert time.monotonic() < deadline, instance.tail()
                time.sleep(0.02)
            wrong, _ = ledger.audit(mailboxes(instance, USERS),
                                    delivered=False)
            assert not wrong, wrong
    counted, doubled = settle_and_audit(instance, ledger, USERS)
    assert not doubled, doubled
    assert counted["accepted"] >= sum(
        len(ledger.recipients[n]) for n in ledger.promised)
    # Nobody else fell over.
    assert pids_of_stages(instance, stage) == before
    print(f"{stage}: {len(ledger.promised)} promised, {load.failed} refused")


@pytest.mark.slow
def test_kills_at_random(new_instance):
    instance = new_instance(users=USERS, files=QUICK).start()
    ledger, rng, kills = Ledger(), random.Random(7), 0
    with Load(instance, ledger, USERS) as load:
        until = time.monotonic() + 12 * SLOW
        while time.monotonic() < until:
            time.sleep(rng.random() * 0.8)
            running = instance.processes()
            if running:
                instance_kill = rng.choice(running)[0]
                kills += _kill(instance_kill)
    counted, doubled = settle_and_audit(instance, ledger, USERS)
    assert not doubled, doubled
    assert kills > 8 and len(ledger.promised) > 20
    assert instance.supervisor.poll() is None
    print(f"{kills} kills, {len(ledger.promised)} promised, "
          f"{load.failed} refused, {counted}")


def _kill(pid):
    import os
    import signal
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return 0
    return 1


@pytest.mark.slow
def test_the_whole_instance_is_killed_under_load(new_instance):
    instance = new_instance(users=USERS, files=QUICK)
    ledger, rng = Ledger(), random.Random(3)
    rounds = 5
    for n in range(rounds):
        instance.start()
        with Load(instance, ledger, USERS, sizes=(500, 8000, 300_000),
                  seed=n):
            time.sleep((0.5 + rng.random()) * SLOW)
            instance.kill_all()
        wrong, doubled = ledger.audit(mailboxes(instance, USERS),
                                      delivered=False)
        assert not wrong and not doubled, wrong + doubled
    instance.start()
    counted, doubled = settle_and_audit(instance, ledger, USERS)
    assert not doubled, doubled
    print(f"{rounds} deaths, {len(ledger.promised)} promised, {counted}")


def test_supervisor_alone_is_killed(new_instance):
    """Nobody stays behind as an orphan with a port of ours."""
    instance = new_instance(users=USERS, files=QUICK).start()
    ledger = Ledger()
    with Load(instance, ledger, USERS):
        time.sleep(0.5)
        instance.supervisor.kill()
        instance.supervisor.wait()
        instance.supervisor = None
        assert instance.await_no_process() == []
    instance.start()
    _, doubled = settle_and_audit(instance, ledger, USERS)
    assert not doubled


@pytest.mark.parametrize("unread", [False, True])
def test_no_delivery_fails_because_supervisor_is_killed(new_instance, unread):
    """A worker's end that comes before supervisor's, or together with it, is
    no attempt that failed: the mail does not wait for its next attempt.  Also
    where supervisor's last words are still to be read."""
    instance = new_instance(users=USERS).start()
    instance.send("a@example.net", ["alice@example.org"], "Subject: 1\r\n\r\n")
    instance.await_mail("alice", 1)
    worker, = instance.kill("local-delivery-worker", signal.SIGSTOP)
    instance.send("a@example.net", ["alice@example.org"], "Subject: 2\r\n\r\n")
    instance.await_log(2, event="queued")
    time.sleep(0.5)		# it is in the worker's hands
    delivery, = instance.kill("local-delivery", signal.SIGSTOP)
    os.kill(worker, signal.SIGKILL)	# seen first
    if unread:
        instance.supervisor.send_signal(signal.SIGHUP)
        time.sleep(0.5)
    instance.supervisor.kill()
    instance.supervisor.wait()
    instance.supervisor = None
    os.kill(delivery, signal.SIGCONT)
    assert instance.await_no_process() == []
    assert instance.log(event="supervisor-gone", stage="local-delivery")
    assert not instance.log(event="worker-lost")
    assert not instance.log(event="deferred")
    instance.start()
    instance.await_mail("alice", 2)	# which is long before retry_min
    assert not instance.log(event="deferred")


# ---- on the way to other hosts

RELAYING = {
    "domains": "example.org\nelsewhere.test relay unchecked\n",
    "queue-manager.conf": "retry_min = 1s\nretry_max = 1s\n",
}


def hand_in(instance, n):
    """As every client: 4yz and a lost connection are tried again."""
    deadline = time.monotonic() + 60
    while True:
        try:
            assert not instance.send(
                "alice@example.org", [f"x{n}@elsewhere.test"],
                f"Subject: {n}\r\n\r\nhello\r\n")
            return
        except (smtplib.SMTPException, OSError):
            assert time.monotonic() < deadline, instance.tail()
            time.sleep(0.05)


@pytest.mark.parametrize("stage", ["remote-relay", "resolver", "tlskeyd",
                                   "queue-manager", "directory"])
def test_relaying_while_a_stage_is_killed(new_instance, tmp_path, stage):
    """Hosts by DNS, TLS with a certificate of ours, one connection at a time:
    nothing is lost; a kill costs at most the one message whose reply had not
    come, once more; and the count adds up."""
    ours = Pair(tmp_path, "ours")
    context = Authority("the host").context(tmp_path)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(ours.chain)
    rng, sent, kills = random.Random(5), 40, 0
    with DnsServer() as dns, Peer(address="127.0.0.2", tls=context,
                                  extensions=["STARTTLS", "PIPELINING"]) as p:
        dns.zone("elsewhere.test", "@ MX 10 mx\nmx A 127.0.0.2\n", ttl=1)
        i = new_instance(users=["alice"], files={
            **RELAYING, "resolver.conf": dns.settings(),
            "remote-relay.conf": f"smtp_port = {p.port}\n"
            "interface_addresses = no\nconnection_messages = 3\n"
            "route default {\n\tconnections_max = 1\n\ttls = required\n"
            "\ttls_certificate = ours\n}\n"},
            settings=ours.block("\tstages = remote-relay\n")).start()
        for n in range(sent):
            hand_in(i, n)
            if n % 8 == 4 or rng.random() < 0.05:
                kills += bool(i.kill(stage))
        counted = i.await_empty_queue(120)
        assert counted["difference"] == 0
        got = [m.rcpt[0] for m in p.messages]
        assert set(got) == {f"RCPT TO:<x{n}@elsewhere.test>"
                            for n in range(sent)}
        assert kills >= 1	# it may be down from the one before
        doubled = len(got) - len(set(got))
        # A 250 that was lost with queue-manager makes the client send its
        # message once more, under another id.
        each = 2 if stage == "queue-manager" else 1
        assert doubled <= each * kills, (doubled, kills)
        print(f"{stage}: {kills} kills, {doubled} of {sent} came twice")

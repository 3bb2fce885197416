"""SIGKILL for each process under load, in turn and at random, and for the
whole instance: what had its 250 is delivered, whole, once."""

import random
import time

import pytest

from support.instance import SANITIZED
from support.ledger import Ledger
from support.load import Load, mailboxes, settle_and_audit

USERS = ["alice", "bob", "carol", "dave"]
STAGES = ["smtpd", "queue-manager", "local-delivery", "local-delivery-worker",
          "directory", "authd", "authd-verifier", "pop3d", "imapd",
          "resolver", "milterd"]
ON_DEMAND = {"local-delivery-worker"}
# What a kill has deferred is soon tried again.
QUICK = {"queue-manager.conf": "retry_min = 1s\nretry_max = 1s\n"}
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

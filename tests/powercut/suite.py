"""Power cuts under the whole suite: spool and mailboxes on two disks.

A real instance runs on two disks that remember; clients deliver, and each 250
that one of them sees is a mark in the disks' log.  For each crash state both
disks are put back, the instance is started on them, its queue runs empty, and
the ledger must add up:

  B1  before anything is started no name in new/ or cur/ stands for anything
      but a whole message
  A1  each message promised before the crash is in each recipient's mailbox
  A2  others are there whole or not at all;  A3 for all recipients or none
  A4  octet for octet
  B3  none is there twice
  R1  the same when the recovery itself is killed once or twice
  R5  accepted = delivered + bounced + expired + deleted + held + queued
"""

import json
import os
import pickle
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import lab as labs
from support.instance import DOMAIN, Instance
from support.ledger import Ledger
from support.network import loopback_up

MEBIBYTES = 32
USERS = ("alice", "bob", "carol")
CLIENTS, EACH = 3, 12
WORKERS = 6		# they wait more than they compute
KILL_EVERY = 8		# so often is the recovery killed, too
SETTINGS = {"queue-manager.conf": "segment_size = 1M\ndelivery_wait = 200\n"}


def make_instance(folder, spool, mail, slot=None):
    return Instance(folder, files=SETTINGS, spool=spool, mail=mail,
                    users=USERS, slot=slot)


def whole(instance):
    """The octets of every message in every mailbox."""
    return {u: instance.messages(u) for u in USERS}


def _client(instance, lab, ledger, seed):
    rng = random.Random(seed)
    with instance.smtp() as c:
        for _ in range(EACH):
            to = rng.sample(USERS, rng.choice((1, 1, 2, 3)))
            size = rng.choice((300, 2000, 10_000, 40_000))
            if rng.random() < 0.1:
                size = 700_000		# beyond what the log holds inline
            name, octets = ledger.message(to, size)
            c.sendmail("a@example.net", [f"{u}@{DOMAIN}" for u in to], octets)
            lab.mark(name)
            ledger.promise(name)
            if rng.random() < 0.3:
                time.sleep(rng.random() * 0.03)


def live(folder, bin_dir, seed):
    """The run whose every moment may be the last one."""
    lab = labs.Lab(bin_dir / "tests-powercut-disk", folder / "lab", 2,
                   MEBIBYTES)
    instance = make_instance(folder / "live", lab.mnt[0] / "spool",
                             lab.mnt[1] / "mail")
    ledger = Ledger()
    instance.start()
    for user in USERS:			# the mailboxes are made
        name, octets = ledger.message([user])
        instance.send("a@example.net", [f"{user}@{DOMAIN}"], octets)
        ledger.promise(name)
        instance.await_mail(user, 1)
    instance.await_empty_queue()
    os.sync()
    lab.mark("begin")
    first = set(ledger.promised)
    threads = [threading.Thread(target=_client,
                                args=(instance, lab, ledger, f"{seed}/{n}"))
               for n in range(CLIENTS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if len(ledger.promised) != len(USERS) + CLIENTS * EACH:
        raise RuntimeError("not every message was accepted\n" +
                           instance.tail())
    instance.await_empty_queue()
    instance.stop()
    lab.close()
    return lab, instance, ledger, first


class Recovery:
    """One worker's instance, started again and again on crash states."""

    def __init__(self, folder, state):
        self.folder = folder
        self.ledger, self.first = state["ledger"], state["first"]
        self.spool, self.mail = folder / "disk0", folder / "disk1"
        slot = _SameSlot(state["slot"])
        self.instance = make_instance(folder / "instance",
                                      self.spool / "spool",
                                      self.mail / "mail", slot)
        self.killed = 0

    def check(self, images, promised, rng, kill):
        labs.mount_image(images[0], self.spool)
        labs.mount_image(images[1], self.mail)
        try:
            return self._check(promised, rng, kill)
        finally:
            self.instance.kill_all()
            labs.unmount(self.spool)
            labs.unmount(self.mail)

    def _check(self, promised, rng, kill):
        i = self.instance
        wrong, doubled = self.ledger.audit(whole(i), delivered=False)
        if wrong or doubled:
            return [f"before recovery: {w}" for w in wrong + doubled]
        for _ in range(rng.randint(1, 2) if kill else 0):
            i.start(wait=False)
            time.sleep(rng.random() * 0.25)
            i.kill_all()
            self.killed += 1
        i.start()
        counted = i.await_empty_queue()
        i.stop()
        wrong, doubled = self.ledger.audit(whole(i),
                                           promised | self.first)
        if counted["difference"]:
            wrong.append(f"the count does not add up: {counted}")
        return wrong + doubled


class _SameSlot:
    """The uids and ports of an instance that is no more; each worker has a
    network and a process namespace of its own."""

    def __init__(self, number):
        from support.slots import Slot
        self.number = number
        self.uids = Slot.uids
        self.uid_base = Slot.uids(number)[0]
        self.port = lambda i: Slot.port(self, i)

    def free(self):
        pass


def share(folder, number, of, most, seed):
    """One worker's states; prints one line of JSON."""
    loopback_up()
    with open(folder / "state", "rb") as f:
        state = pickle.load(f)
    log = labs.Log(state["log"], 2, MEBIBYTES)
    mine = folder / f"worker{number}"
    recovery = Recovery(mine, state)
    tried, bad, began = 0, [], time.monotonic()
    for point, how, images in labs.states(log, mine / "images", most,
                                          (number, of), seed):
        tried += 1
        rng = random.Random(f"{seed}/{point}/{tried}")
        promised = set(log.marks_before(point))
        try:
            wrong = recovery.check(images, promised, rng,
                                   tried % KILL_EVERY == 0)
        except (AssertionError, RuntimeError) as e:
            wrong = [f"recovery failed: {e}"]
        bad += [f"point {point} {'+'.join(how)}: {w}" for w in wrong]
        if len(bad) > 20:
            break
    print(json.dumps({"states": tried, "bad": len(bad), "examples": bad[:5],
                      "killed": recovery.killed,
                      "seconds": round(time.monotonic() - began, 1)}))


def experiment(folder, bin_dir, most, seed):
    lab, instance, ledger, first = live(folder, bin_dir, seed)
    with open(folder / "state", "wb") as f:
        ledger._lock = None
        pickle.dump({"ledger": ledger, "first": first, "log": lab.log,
                     "slot": instance.slot.number}, f)
    log = labs.Log(lab.log, 2, MEBIBYTES)
    run = str(Path(__file__).with_name("run.py"))
    workers = [subprocess.Popen(
        ["unshare", "--mount", "--propagation", "private", "--net", "--pid",
         "--fork", "--kill-child", "--mount-proc", sys.executable, run,
         "suite-share", str(bin_dir), str(most), str(seed), str(folder),
         str(n), str(WORKERS)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        for n in range(WORKERS)]
    results = [json.loads(w.communicate()[0].splitlines()[-1])
               for w in workers]
    total = {k: sum(r[k] for r in results)
             for k in ("states", "bad", "killed")}
    total["examples"] = [e for r in results for e in r["examples"]]
    total["seconds"] = max(r["seconds"] for r in results)
    total["messages"] = len(ledger.promised)
    total["writes"] = log.count(labs.WRITE)
    total["flushes"] = log.count(labs.FLUSH)
    return total

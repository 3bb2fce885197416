"""Clients that go on whatever happens, and remember each 250 that they saw."""

import random
import smtplib
import threading
import time

from .instance import DOMAIN

TROUBLE = (smtplib.SMTPException, OSError)

# For an instance whose processes are killed: what a kill has deferred is soon tried
# again, and deliveries wait for each other so shortly that a kill meets some.
QUICK = {"queue-manager.conf": "retry_min = 1s\nretry_max = 1s\n"
         "delivery_wait = 100\n"}


class Load:
    """n clients that deliver until stop(); for `with`."""

    def __init__(self, instance, ledger, users, clients=4, sizes=(500, 8000),
                 seed=1):
        self.instance, self.ledger, self.users = instance, ledger, users
        self.sizes = sizes
        self.failed = 0			# transactions without their 250
        self._end = threading.Event()
        self._threads = [
            threading.Thread(target=self._client, args=(f"{seed}/{n}",))
            for n in range(clients)]

    def _client(self, seed):
        rng = random.Random(seed)
        while not self._end.is_set():
            try:
                with self.instance.smtp(timeout=10) as c:
                    while not self._end.is_set():
                        self._one(c, rng)
            except TROUBLE:
                self.failed += 1
                time.sleep(0.02)

    def _one(self, c, rng):
        to = rng.sample(self.users, rng.choice((1, 1, 2)))
        name, octets = self.ledger.message(to, rng.choice(self.sizes))
        refused = c.sendmail("a@example.net", [f"{u}@{DOMAIN}" for u in to],
                             octets)
        self.ledger.promise(name, [u for u in to
                                   if f"{u}@{DOMAIN}" not in refused])

    def __enter__(self):
        for t in self._threads:
            t.start()
        return self

    def __exit__(self, *trouble):
        self.stop()

    def stop(self):
        self._end.set()
        for t in self._threads:
            t.join()


def mailboxes(instance, users):
    return {u: instance.messages(u) for u in users}


def settle_and_audit(instance, ledger, users):
    """Let the queue run empty; then everything must be where it was promised
    to be, once, and the count must add up.  Returns the counters."""
    counted = instance.await_empty_queue()
    wrong, doubled = ledger.audit(mailboxes(instance, users))
    assert not wrong, "\n".join(wrong[:10]) + "\n" + instance.tail()
    assert counted["difference"] == 0, counted
    assert counted["held"] == counted["queued"] == 0, counted
    return counted, doubled

"""What was promised, and what became of it.

Every message carries a field X-Ledger with a name of its own and an end mark;
the ledger knows its octets and its recipients, and whether a client has seen
its 250.  audit() compares that with the mailboxes:

  lost     promised, and not in a recipient's mailbox
  half     there, but not whole or not the octets that were sent
  uneven   some recipients of a transaction have it, others have not
  strange  there, and never sent
  doubled  there twice
"""

import re
import threading
from collections import Counter

FIELD = re.compile(rb"^X-Ledger: (\S+)$", re.M)


class Ledger:
    def __init__(self):
        self._lock = threading.Lock()
        self._next = 0
        self.content = {}	# name -> octets as sent, lines ending in LF
        self.recipients = {}	# name -> tuple of users
        self.promised = set()

    def message(self, recipients, size=2000):
        """A new message; (name, octets with CRLF)."""
        with self._lock:
            name = f"m{self._next}"
            self._next += 1
        head = (f"From: a@example.net\nTo: {recipients[0]}\n"
                f"Subject: {name}\nX-Ledger: {name}\n\n")
        line = f"{name} " + "x" * 60 + "\n"
        body = line * max(1, (size - len(head)) // len(line))
        text = f"{head}{body}end of {name}\n".encode()
        self.content[name] = text
        self.recipients[name] = tuple(recipients)
        return name, text.replace(b"\n", b"\r\n")

    def promise(self, name, recipients=None):
        """The 250 has been seen; recipients: those whose RCPT had one, too."""
        if recipients is not None:
            self.recipients[name] = tuple(recipients)
        self.promised.add(name)

    def audit(self, mailboxes, promised=None, delivered=True):
        """mailboxes: user -> list of the octets of each message there.  With
        delivered=False what is missing may still be in the queue."""
        promised = self.promised if promised is None else promised
        seen = Counter()
        wrong = []
        for user, messages in mailboxes.items():
            for octets in messages:
                found = FIELD.search(octets)
                name = found[1].decode() if found else None
                if name is None or user not in self.recipients.get(name, ()):
                    wrong.append(f"strange in {user}'s: {octets[:80]!r}")
                elif not octets.endswith(self.content[name]):
                    wrong.append(f"half {name} in {user}'s")
                else:
                    seen[name, user] += 1
        for name, users in list(self.recipients.items()):
            have = [u for u in users if seen[name, u]]
            if delivered and name in promised and len(have) < len(users):
                wrong.append(f"lost {name}: {len(have)} of {len(users)}")
            elif delivered and have and len(have) < len(users):
                wrong.append(f"uneven {name}: {len(have)} of {len(users)}")
        doubled = [f"doubled {n} in {u}'s: {c}"
                   for (n, u), c in seen.items() if c > 1]
        return wrong, doubled

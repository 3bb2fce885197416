"""Who keeps mailboxes: Bulkhead, and Dovecot beside it.

Each has: name, ports (imap, imaps, pop3 on 127.0.0.1), start(), pids(), home()
and owner() of a user, lose_index(), log(), programs (who holds a logged-in
connection), stop().  The users are u1, u2, ... in DOMAIN.
"""

import os
import shutil
from collections import namedtuple

from support.instance import Instance

from . import children

Ports = namedtuple("Ports", "imap imaps pop3")


class Bulkhead:
    name = "bulkhead"
    packages = []
    programs = {"imapd-session", "imapd"}

    def __init__(self, folder, ports, users, certificate):
        self.instance = Instance(
            folder, users=[f"u{n}" for n in range(1, users + 1)],
            settings=certificate.block(),
            files={"imapd.conf": "listener imaps {\n\ttls = implicit\n"
                   f"\taddress = 127.0.0.1:{ports.imaps}\n}}\n"})
        self.ports = ports._replace(imap=self.instance.imap_port,
                                    pop3=self.instance.pop_port)

    def start(self):
        self.instance.start()
        return self

    def pids(self):
        return children(self.instance.supervisor.pid)

    def home(self, user):
        return self.instance.home(user)

    def owner(self, user):
        return self.instance.uid(user)

    def log(self):
        return self.instance.tail()

    def lose_index(self, user):
        shutil.rmtree(self.home(user) / "index", ignore_errors=True)

    def stop(self):
        self.instance.close()


def held_by(system):
    """The processes that hold logged-in connections."""
    found = []
    for pid in system.pids():
        try:
            exe = os.readlink(f"/proc/{pid}/exe")
        except OSError:
            continue
        if os.path.basename(exe) in system.programs:
            found.append(pid)
    return found

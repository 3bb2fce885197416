"""Bulkhead with virtual users, a route to the sink and one to nowhere, and a
listener for submission; its log goes to a file."""

from support.instance import Instance
from tls.authority import Pair

from . import DEAD, DOMAIN, RELAYED, children

ROUTE = "route {} {{\n\tvia = [127.0.0.1]:{}\n\ttls = none\n}}\n"


class Bulkhead:
    name = "bulkhead"
    before_250 = "the log of the spool"
    packages = []

    def __init__(self, folder, ports, users, certificate=None):
        self.users = users
        self.submission_port = ports.submission
        self.instance = Instance(
            folder, users=[f"u{n}" for n in range(1, users + 1)],
            settings=certificate.block() if certificate else "",
            files={
                "domains": f"{DOMAIN}\n{RELAYED} relay unchecked\n"
                           f"{DEAD} relay unchecked\n",
                "remote-relay.conf": "interface_addresses = no\n" +
                ROUTE.format("sink", ports.sink) +
                ROUTE.format("dead", ports.dead),
                "routes": f"{RELAYED} sink\n{DEAD} dead\n",
                "smtpd.conf": "max_sessions = 20000\n"
                "listener submission {\n"
                "\tservice = submission\n\ttls = implicit\n"
                f"\taddress = 127.0.0.1:{ports.submission}\n}}\n"})
        self.port = self.instance.smtp_port

    def start(self):
        self.instance.start()
        return self

    def pids(self):
        return children(self.instance.supervisor.pid)

    def smtp_pids(self):
        """Who holds the connections of clients."""
        return self.instance.pids("smtpd")

    def maildirs(self):
        return [self.instance.home(f"u{n}") / "Maildir" / "new"
                for n in range(1, self.users + 1)]

    def stop(self):
        self.instance.close()

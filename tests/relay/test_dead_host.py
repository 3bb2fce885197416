"""20,000 letters for a host that is dead: nobody else is held up by them, and
they cost next to nothing while they wait.  What is counted says so, not time.
"""

import subprocess

from support.instance import BUILD, DOMAIN, SANITIZED
from support.peer import Peer

LETTERS = 20000
DEAD = "dead.example"
ALIVE = "alive.example"
CONF = """interface_addresses = no
route dead {{
	via = [127.0.0.1]:{}
	tls = none
}}
route alive {{
	via = [127.0.0.1]:{}
	tls = none
}}
"""


def load(i, n, size, domain, clients=32, users=100):
    """Every reply is checked; it fails with the first wrong one."""
    subprocess.run(
        [BUILD / "bin" / "tests-bench-load", "-p", str(i.smtp_port),
         "-c", str(clients), "-n", str(n), "-s", str(size), "-m", "0",
         "-u", str(users), "-d", domain, "-r", domain],
        stdin=subprocess.DEVNULL, check=True, timeout=120)


def private_mib(pid):
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return sum(int(l.split()[1]) for l in f
                   if l.startswith("Private_")) / 1024


def an_instance(make, dead, alive):
    return make(files={
        "domains": f"{DOMAIN}\n{DEAD} relay unchecked\n"
                   f"{ALIVE} relay unchecked\n",
        "routes": f"{DEAD} dead\n{ALIVE} alive\n",
        "smtpd.conf": "max_sessions = 1000\n",
        "remote-relay.conf": CONF.format(dead, alive)}, users=["u1", "u2"]).start()


def test_twenty_thousand_letters(new_instance):
    with Peer(connect=lambda s: s.close()) as dead, Peer() as alive:
        i = an_instance(new_instance, dead.port, alive.port)
        load(i, LETTERS, 512, DEAD)
        assert i.counters()["queued"] == LETTERS
        # Those who come behind them are served: another host, mailboxes.
        load(i, 50, 512, ALIVE)
        alive.await_messages(50)
        load(i, 200, 10240, DOMAIN, users=2)
        i.await_mail("u1", 100)
        i.await_mail("u2", 100)
        # A handful found out that the host is dead, for all of them.
        assert len(dead.sessions) <= 30
        assert len(i.log(event="deferred")) <= 60
        queue, = i.pids("queue-manager")
        relay, = i.pids("remote-relay")
        if not SANITIZED:
            assert private_mib(queue) < 128 and private_mib(relay) < 32
        counted = i.counters()
        assert counted["queued"] == LETTERS
        assert counted["delivered"] == 250
        assert counted["difference"] == 0
        # An operator is rid of them at once.
        i.command("queue", "delete", DEAD, check=True)
        assert i.await_empty_queue()["deleted"] == LETTERS

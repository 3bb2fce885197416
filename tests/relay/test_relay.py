"""A whole instance and hosts elsewhere: what comes in by SMTP goes out again,
and what cannot go out waits or comes back."""

from support.instance import DOMAIN
from support.peer import Peer

QUICK = "retry_min = 1s\nretry_max = 1s\n"
DOMAINS = (f"{DOMAIN}\nelsewhere.example relay unchecked\n"
           "there.example relay unchecked\n")
MESSAGE = "From: a@example.org\r\nSubject: {}\r\n\r\nhello\r\n.dot\r\n"


def route(port, more=""):
    return (f"route default {{\n\tvia = [127.0.0.1]:{port}\n"
            f"\ttls = none\n{more}}}\n")


def open_relay(make, port, more="", **options):
    return make(files={
        "domains": DOMAINS,
        "remote-relay.conf": "interface_addresses = no\n" + route(port, more),
        "queue-manager.conf": QUICK}, **options).start()


def test_a_letter_to_somebody_elsewhere(new_instance):
    with Peer(extensions=["PIPELINING", "DSN", "8BITMIME"]) as p:
        i = open_relay(new_instance, p.port)
        i.send(f"alice@{DOMAIN}", ["x@elsewhere.example"],
               MESSAGE.format("one"))
        m, = p.await_messages(1)
        assert m.mail.startswith(f"MAIL FROM:<alice@{DOMAIN}>")
        assert m.rcpt[0].startswith("RCPT TO:<x@elsewhere.example>")
        assert m.content.endswith(MESSAGE.format("one").encode())
        counted = i.await_empty_queue()
        assert counted["delivered"] == 1 and counted["difference"] == 0


def test_refused_mail_comes_back(new_instance):
    with Peer(rcpt="550 5.1.1 nobody of that name") as p:
        i = open_relay(new_instance, p.port)
        i.send(f"alice@{DOMAIN}", ["x@elsewhere.example"],
               MESSAGE.format("one"))
        i.await_mail("alice", 1)
        report = i.messages("alice")[0].decode()
        assert "nobody of that name" in report and "5.1.1" in report
        assert i.await_empty_queue()["difference"] == 0


def test_mail_waits_for_a_host_that_is_down(new_instance):
    with Peer(greeting="421 4.3.2 closed") as p:
        i = open_relay(new_instance, p.port)
        for n in range(5):
            i.send(f"alice@{DOMAIN}", [f"x{n}@elsewhere.example"],
                   MESSAGE.format(n))
        i.await_log(1, event="deferred", stage="remote-relay")
        p.behaviour["greeting"] = "220 open again"
        assert len(p.await_messages(5, 60)) == 5
        assert i.await_empty_queue()["difference"] == 0


def test_two_instances(new_instance):
    """From one Bulkhead to another, and its answer back."""
    there = new_instance(files={"domains": "there.example\n"}, users=[])
    there.add_user("bob", domain="there.example")
    there.start()
    here = open_relay(new_instance, there.smtp_port)
    for n in range(20):
        here.send(f"alice@{DOMAIN}", ["bob@there.example"], MESSAGE.format(n))
    there.await_mail("bob", 20)
    assert here.await_empty_queue()["delivered"] == 20
    # Nobody of that name there: the sender here is told.
    here.send(f"alice@{DOMAIN}", ["nobody@there.example"],
              MESSAGE.format("lost"))
    here.await_mail("alice", 1)
    assert b"nobody@there.example" in here.messages("alice")[0]
    assert len(there.maildir("bob")) == 20


def two_routes(make, dead, alive):
    """All mail goes to a host that is not there."""
    return make(files={
        "domains": DOMAINS,
        "routes": "elsewhere.example old\n",
        "remote-relay.conf": "interface_addresses = no\n"
        f"route old {{\n\tvia = [127.0.0.1]:{dead}\n}}\n"
        f"route new {{\n\tvia = [127.0.0.1]:{alive}\n}}\n",
        "queue-manager.conf": "retry_min = 1h\nretry_max = 1h\n"
        }).start()


def await_tables(i, n):
    i.await_log(n, event="tables-in-use", stage="directory")


def test_a_changed_route_is_that_of_what_waits(new_instance):
    """In line in memory, and behind a rest of its destination: all of it goes
    by the new route as soon as it is tried, and that is when it is asked
    for."""
    with Peer(greeting="421 4.3.2 closed") as old, Peer() as new:
        i = two_routes(new_instance, old.port, new.port)
        for n in range(30):
            i.send(f"alice@{DOMAIN}", [f"x{n}@elsewhere.example"],
                   MESSAGE.format(n))
        i.await_log(3, event="deferred", stage="remote-relay")
        n = len(i.log(event="tables-in-use", stage="directory"))
        i.write("routes", "elsewhere.example new\n")
        await_tables(i, n + 1)
        assert i.command("queue", "retry", "all").returncode == 0
        assert len(new.await_messages(30, 60)) == 30
        assert not old.messages
        assert i.log(event="rerouted", stage="queue-manager")
        assert i.await_empty_queue()["difference"] == 0


def test_what_is_in_line_needs_no_retry(new_instance):
    """A destination that rests keeps what has not been tried in line: a new
    table takes it from there."""
    with Peer(greeting=lambda s: s.stall(60)) as old, Peer() as new:
        i = two_routes(new_instance, old.port, new.port)
        i.write("queue-manager.conf", (
            i.conf / "queue-manager.conf").read_text() +
            "destination_relays = 1\n")
        assert i.command("reload").returncode == 0
        for n in range(10):
            i.send(f"alice@{DOMAIN}", [f"x{n}@elsewhere.example"],
                   MESSAGE.format(n))
        n = len(i.log(event="tables-in-use", stage="directory"))
        i.write("routes", "elsewhere.example new\n")
        await_tables(i, n + 1)
        # One or two are with the host that says nothing.
        new.await_messages(8, 60)
        old.behaviour["greeting"] = "421 4.3.2 closed"


def test_a_changed_route_after_a_restart(new_instance):
    with Peer(greeting="421 4.3.2 closed") as old, Peer() as new:
        i = two_routes(new_instance, old.port, new.port)
        for n in range(5):
            i.send(f"alice@{DOMAIN}", [f"x{n}@elsewhere.example"],
                   MESSAGE.format(n))
        i.await_log(1, event="deferred", stage="remote-relay")
        i.stop()
        i.write("routes", "elsewhere.example new\n")
        i.start()
        assert i.command("queue", "retry", "all").returncode == 0
        assert len(new.await_messages(5, 60)) == 5

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

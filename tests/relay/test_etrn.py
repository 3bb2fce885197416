"""ETRN (RFC 1985): who may ask, what is answered, and that the mail of one
destination is tried while the others are left alone."""

import time

import pytest

from support.instance import DOMAIN
from support.peer import Peer

from .test_relay import DOMAINS, MESSAGE

# Nothing but an ETRN makes anything happen in the time of a test.
SLOW = "retry_min = 1h\nretry_max = 1h\n"
TRUSTED = "relay_networks = 127.0.0.0/8\n"


def site(make, one, two, more="", trusted=True):
    """Two destinations, each a route of its own."""
    routes = "".join(
        f"route {name} {{\n\tvia = [127.0.0.1]:{p.port}\n\ttls = none\n}}\n"
        for name, p in (("one", one), ("two", two)))
    return make(files={
        "domains": DOMAINS + "below.elsewhere.example relay unchecked\n",
        "routes": "elsewhere.example one\nbelow.elsewhere.example one\n"
                  "there.example two\n",
        "remote-relay.conf": "interface_addresses = no\n" + routes,
        "queue-manager.conf": SLOW, "smtpd.conf": more,
        }, settings=TRUSTED if trusted else "").start()


def etrn(i, argument):
    with i.smtp() as c:
        c.ehlo()
        assert c.has_extn("etrn")
        code, text = c.docmd("ETRN " + argument)
        return code, text.decode()


def deferred(i, n, *recipients):
    """Each has so many letters that wait, after attempts that failed; after
    three in a row it rests."""
    for k in range(n):
        if k == 3:
            settled(i)
        for r in recipients:
            i.send(f"alice@{DOMAIN}", [r], MESSAGE.format(k))
    i.await_log(min(n, 3) * len(recipients), event="deferred",
                stage="remote-relay")
    settled(i)


def settled(i):
    """No attempt is under way, and the outcome of the last is recorded: what
    comes then is put off where its destination rests."""
    until = time.monotonic() + 30
    while any("*" in line for line in
              i.command("queue", "list").stdout.splitlines()
              if not line.startswith("--")):
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.fixture
def down():
    with Peer(greeting="421 4.3.2 closed") as one, \
            Peer(greeting="421 4.3.2 closed") as two:
        yield one, two


def test_the_mail_of_one_destination(new_instance, down):
    """Its rest ends, and its mail comes; the others rest on."""
    one, two = down
    i = site(new_instance, one, two)
    deferred(i, 4, "x@elsewhere.example", "x@there.example")
    one.behaviour["greeting"] = two.behaviour["greeting"] = "220 open"
    before = len(two.sessions)
    code, text = etrn(i, "Elsewhere.Example")
    assert (code, text) == (253, "2.0.0 Ok, 4 pending messages started")
    assert len(one.await_messages(4)) == 4
    # All of it has been gone through, and nobody has spoken to the other.
    assert etrn(i, "nowhere.example") == (251, "2.0.0 Ok, no messages waiting")
    assert len(two.sessions) == before and not two.messages
    shown = i.command("queue", "list", "there.example").stdout
    assert shown.count("x@there.example") == 4


def test_an_operators_flush_of_one_destination(new_instance, down):
    """The same by `bulkhead queue flush DESTINATION` and `queue retry`."""
    one, two = down
    i = site(new_instance, one, two)
    deferred(i, 4, "x@elsewhere.example", "x@there.example")
    one.behaviour["greeting"] = two.behaviour["greeting"] = "220 open"
    before = len(two.sessions)
    i.command("queue", "flush", "elsewhere.example", check=True)
    one.await_messages(4)
    assert len(two.sessions) == before
    i.command("queue", "retry", "there.example", check=True)
    two.await_messages(4)


def test_domains_below(new_instance, down):
    one, two = down
    i = site(new_instance, one, two)
    deferred(i, 1, "x@elsewhere.example", "x@below.elsewhere.example",
             "x@there.example")
    one.behaviour["greeting"] = two.behaviour["greeting"] = "220 open"
    assert etrn(i, "@elsewhere.example")[0] in (252, 253)
    assert {m.rcpt[0].split("@")[1].rstrip(">") for m in
            one.await_messages(2)} == {"elsewhere.example",
                                       "below.elsewhere.example"}
    assert not two.messages


def test_a_route(new_instance, down):
    """"#" is ours to define (RFC 1985 section 5.2): a route's name."""
    one, two = down
    i = site(new_instance, one, two)
    deferred(i, 1, "x@elsewhere.example", "x@there.example")
    one.behaviour["greeting"] = two.behaviour["greeting"] = "220 open"
    assert etrn(i, "#two")[0] in (252, 253)
    two.await_messages(1)
    assert not one.messages
    assert etrn(i, "#three")[0] in (251, 252)


def test_once_a_minute(new_instance, down):
    """A destination that is still away is not tried again by asking often."""
    one, two = down
    i = site(new_instance, one, two)
    deferred(i, 1, "x@elsewhere.example")
    before = len(one.sessions)
    assert etrn(i, "elsewhere.example")[0] == 253
    i.await_log(2, event="deferred", stage="remote-relay")
    settled(i)
    tried = len(one.sessions)
    for _ in range(20):
        assert etrn(i, "elsewhere.example") == (
            250, "2.0.0 Ok, queuing started")
    assert etrn(i, "there.example")[0] == 251
    assert len(one.sessions) == tried > before


def test_too_many_at_once(new_instance, down):
    """The queue's own limit: a captured smtpd has it, too."""
    i = site(new_instance, *down, more="max_idle_commands = 1000\n")
    with i.smtp() as c:
        c.ehlo()
        codes = [c.docmd(f"ETRN d{n}.example")[0] for n in range(70)]
    assert codes == 64 * [251] + [458] * 6
    assert etrn(i, "d1.example")[0] == 250


@pytest.mark.parametrize("argument", [
    "", "@", "#", "a b", "a@b", "-x.example", "x..y", "#a/b", "#../x",
    "@[127.0.0.1]", "[127.0.0.1", "x" * 300, "'; drop table x", "%s%n",
    "\u00f6.example"])
def test_what_is_no_name(new_instance_trusted, argument):
    with new_instance_trusted.smtp() as c:
        c.ehlo()
        c.command_encoding = "utf-8"
        assert c.docmd(f"ETRN {argument}")[0] == 501
        assert c.docmd("ETRN [127.0.0.1]")[0] in (250, 251)


@pytest.fixture(scope="module")
def new_instance_trusted(tmp_path_factory):
    from support.instance import Instance
    with Instance(tmp_path_factory.mktemp("etrn"), settings=TRUSTED,
                  files={"smtpd.conf": "max_errors = 1000\n"}) as i:
        yield i.start()


def test_in_its_place(new_instance_trusted):
    """Behind EHLO, and not in a transaction (RFC 1985 section 5.1)."""
    with new_instance_trusted.smtp() as c:
        assert c.docmd("ETRN x.example")[0] == 503
        c.helo()
        assert c.docmd("ETRN x.example")[0] == 503
        c.ehlo()
        assert c.mail("a@example.net")[0] == 250
        assert c.docmd("ETRN x.example")[0] == 503
        c.rset()
        assert c.docmd("ETRN x.example")[0] in (250, 251)


def test_not_for_strangers(new_instance, down):
    i = site(new_instance, *down, trusted=False)
    with i.smtp() as c:
        c.ehlo()
        assert not c.has_extn("etrn")
        code, text = c.docmd("ETRN elsewhere.example")
        assert code == 459 and text.startswith(b"4.7.1")


def test_for_anyone_by_a_setting(new_instance, down):
    """Who is not trusted learns nothing of what waits."""
    one, two = down
    i = site(new_instance, one, two, "etrn = anyone\n", trusted=False)
    deferred(i, 1, "x@elsewhere.example")
    one.behaviour["greeting"] = "220 open"
    for name in "elsewhere.example", "nowhere.example":
        assert etrn(i, name) == (250, "2.0.0 Ok, queuing started")
    # What goes through the whole queue is not for strangers to begin.
    for name in "@x", "#one":
        assert etrn(i, name)[0] == 459
    one.await_messages(1)


def test_off_by_a_setting(new_instance, down):
    i = site(new_instance, *down, more="etrn = off\n")
    with i.smtp() as c:
        c.ehlo()
        assert not c.has_extn("etrn")
        assert c.docmd("ETRN x.example")[0] == 502
        # RFC 821's own way is not there at all: whoever claims to be a host
        # would get its mail.
        assert c.docmd("TURN")[0] == 502

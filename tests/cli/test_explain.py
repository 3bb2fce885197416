"""bulkhead explain: what would happen, and by which line of which file."""

import pytest

TABLES = {
    "bulkhead.conf": "relay_networks = 192.0.2.0/24\n",
    "domains": "same.example alias of example.org\nrelay.example relay\n"
               "open.example relay unchecked\nb\u00fccher.example virtual\n",
    "aliases": "club: :include:club\nowner-club: alice\n"
               "out: x@far.example\nbroken: :include:none\n"
               "@open.example: @far.example\n",
    "relay-recipients": "rita@relay.example\nno@relay.example\n",
    "routes": "relay.example inside\nno@relay.example error 551 5.1.6 moved\n"
              "bad.example error 450 4.2.1 later\nfrom:boss@example.org fast\n",
    "remote-relay.conf": "route inside {\n\tvia = [192.0.2.7]\n}\n"
                         "route fast {\n\tvia = [192.0.2.8]\n}\n",
    "directory.conf": "srs_domain = example.org\n",
    "srs-secrets": "000102030405060708090a0b0c0d0e0f\n",
}


@pytest.fixture
def full(site):
    for name, text in TABLES.items():
        path = site.conf / name
        before = path.read_text() if path.exists() else ""
        site.write(name, before + text, 0o600)
    site.write("users", "alice@example.org 1\n")
    (site.conf / "lists").mkdir()
    (site.conf / "lists/club").write_text("# who\nalice\nbob@far.example\n")
    return site


def explain(site, *words):
    done = site.bulkhead("explain", *words)
    assert done.stderr == "", done.stderr
    return done.returncode, done.stdout


@pytest.mark.parametrize("words, status, said", [
    (("a@b.example", "alice@example.org"), 0,
     ["RCPT is accepted, as alice@example.org", "domains:1 ",
      "users:1 ", "mailbox of virtual:1, in ", "/mail/1\n"]),
    (("a@b.example", "Alice+X@Same.example"), 0,
     ["domains:2 ", "alias of example.org", "detail X"]),
    (("a@b.example", "club@example.org"), 0,
     ["aliases:2 ", "aliases:3 ", "owner-club@example.org",
      "lists/club:2 ", "lists/club:3 ", "the mail exchangers of far.example",
      "with the reverse-path owner-club@example.org"]),
    (("<>", "club@example.org"), 0, ["lists/club:3 "]),
    (("a@b.example", "out@example.org"), 0,
     ["aliases:4 ", "directory.conf ", "=b.example=a@example.org"]),
    (("alice@example.org", "out@example.org"), 0, ["aliases:4 "]),
    (("a@b.example", "rita@relay.example"), 0,
     ["domains:3 ", "relay-recipients:1 ", "routes:1 ",
      "route inside of remote-relay.conf"]),
    (("a@b.example", "no@relay.example"), 1,
     ["RCPT is refused: 551 5.1.6 moved", "routes:2 "]),
    (("a@b.example", "who@relay.example"), 1,
     ["RCPT is refused: 550 5.1.1", "(nowhere)"]),
    (("a@b.example", "who@open.example"), 0,
     ["aliases:6 ", "  who@far.example\n"]),
    (("a@b.example", "broken@example.org"), 1, ["RCPT is put off: 451 4.3.0"]),
    (("a@b.example", "x@far.example"), 1,
     ["RCPT is refused: 550 5.7.1", "one who has logged in",
      "For one who may relay it would go to", "mail exchangers"]),
    (("a@b.example", "x@far.example", "client", "192.0.2.77"), 0,
     ["relay_networks", "\nIt goes to\n"]),
    (("a@b.example", "x@far.example", "client", "198.51.100.1"), 1,
     ["RCPT is refused: 550 5.7.1", "not in relay_networks"]),
    (("a@b.example", "x@bad.example", "client", "192.0.2.77"), 1,
     ["RCPT is refused: 450 4.2.1 later", "routes:3 "]),
    (("Boss@example.org", "x@far.example", "client", "192.0.2.77"), 0,
     ["routes:4 ", "from:boss@example.org: route fast"]),
    (("a@b.example", "nobody@b\u00fccher.example"), 1,
     ["nobody@xn--bcher-kva.example", "domains:5 ", "550 5.1.1"]),
    (("a@b.example", "postmaster"), 0, ["aliases:1 ", "alice@example.org"]),
    (("a@b.example", "SRS0=aaaaaa=aa=b.example=a@example.org"), 1,
     ["550 5.1.1", "was not rewritten by us"]),
])
def test_says(full, words, status, said):
    got, text = explain(full, *words)
    assert got == status, text
    for piece in said:
        assert piece in text, text


def test_null_reverse_path_has_no_owner(full):
    assert "with the reverse-path" not in explain(full, "<>",
                                                  "club@example.org")[1]
    # Nor is one of ours rewritten.
    assert "with the reverse-path" not in explain(
        full, "alice@example.org", "out@example.org")[1]


def test_way_back_of_a_rewritten_path(full):
    _, text = explain(full, "a@b.example", "out@example.org")
    [path] = [l.split()[-1] for l in text.splitlines()
              if "with the reverse-path" in l]
    status, text = explain(full, "<>", path)
    assert status == 0
    assert "was rewritten by us, and stands for a@b.example" in text
    assert "  a@b.example\n      the mail exchangers of b.example" in text


CLIENTS = """\
192.0.2.66	permit
192.0.2.0/24	refuse	We have had enough of you.
2001:db8::/32	defer
198.51.100.0/24	pass
.dynamic.example	refuse
helo:localhost	refuse	Not you
203.0.113.0/24	refuse
from:.spam.example	refuse
"""
CHECKS = """\
reverse_name = confirm
helo_own_name = refuse
sender_domains = resolvable
greylist = yes
list_threshold = 2
list block {
	zone = bl.example
}
list good {
	zone = wl.example
	kind = allow
}
list senders {
	zone = dbl.example
	of = sender
	weight = 3
}
"""
ALICE = ("a@b.example", "alice@example.org", "client")


@pytest.fixture
def strict(full):
    full.write("clients", CLIENTS)
    full.write("smtpd.conf", CHECKS)
    return full


@pytest.mark.parametrize("words, status, said, unsaid", [
    # By the address: with the first line that fits, whichever it is.
    ((*ALICE, "192.0.2.66"), 0,
     ["RCPT is accepted, as alice", "clients:1 ", "192.0.2.66 permit"],
     ["unless"]),
    ((*ALICE, "192.0.2.7"), 1,
     ["The connection is refused: 554 5.7.1 We have had enough of you.",
      "clients:2 ", "192.0.2.0/24 refuse",
      "For another client it would go to", "mailbox of virtual:1"],
     ["unless"]),
    ((*ALICE, "2001:db8::1"), 1,
     ["The connection is put off: 421 4.7.1", "clients:3 "], []),
    # What is behind a name that lets in could be meant: told at RCPT.
    ((*ALICE, "203.0.113.5"), 1,
     ["The connection is refused: 554", "clients:7 "], []),
    # By names, where they are given.
    ((*ALICE, "198.51.100.1", "name", "x.Dynamic.example"), 0,
     ["clients:4 ", "198.51.100.0/24 pass"], []),
    ((*ALICE, "233.252.0.1", "name", "x.Dynamic.example"), 1,
     ["RCPT is refused: 550 5.7.1 Mail from you is refused here",
      "clients:5 ", ".dynamic.example refuse"], ["smtpd.conf:"]),
    ((*ALICE, "233.252.0.1", "helo", "LOCALHOST"), 1,
     ["RCPT is refused: 550 5.7.1 Not you", "clients:6 "], []),
    ((*ALICE, "233.252.0.1", "helo", "mx.example.org"), 1,
     ["RCPT is refused: 550 5.7.1 You are not mx.example.org",
      "smtpd.conf:2 ", "helo_own_name"], []),
    (("x@a.spam.example", "alice@example.org", "client", "233.252.0.1"), 1,
     ["RCPT is refused: 550", "clients:8 ", "from:.spam.example refuse"], []),
    # What only DNS knows is named, with the line that asks.
    ((*ALICE, "233.252.0.1"), 0,
     ["clients ", "no line about 233.252.0.1", "unless (DNS was not asked)",
      "clients:5 ", "name NAME", "clients:6 ", "helo NAME",
      "smtpd.conf:1 ", "that leads back to it",
      "smtpd.conf:2 ", "our name in HELO", "smtpd.conf:3 ",
      "smtpd.conf:6 ", "list block has 1.0.252.233.bl.example: +1 of 2",
      "smtpd.conf:9 ", "list good has 1.0.252.233.wl.example: -1 of 2",
      "smtpd.conf:13 ", "list senders has b.example.dbl.example: +3 of 2",
      "smtpd.conf:4 ", "put off for 300 seconds", "It goes to"], []),
    ((*ALICE, "233.252.0.1", "name", "mail.b.example", "helo",
      "mail.b.example"), 0, ["unless", "smtpd.conf:3 "],
     ["clients:5", "clients:6", "smtpd.conf:1 ", "smtpd.conf:2 "]),
    # The order of the replies, this host, and the postmaster.
    (("a@b.example", "who@example.org", "client", "233.252.0.1", "helo",
      "localhost"), 1, ["RCPT is refused: 550 5.1.1"], ["unless"]),
    (("a@b.example", "who@example.org", "client", "192.0.2.7"), 1,
     ["The connection is refused"], []),
    ((*ALICE, "127.0.0.1", "helo", "localhost"), 0,
     ["smtpd.conf ", "127.0.0.1 is this host"], ["unless", "clients:"]),
    (("a@b.example", "postmaster@example.org", "client", "233.252.0.1",
      "helo", "localhost"), 0, ["everybody reaches the postmaster"],
     ["unless"]),
    (("<>", "alice@example.org", "client", "233.252.0.1"), 0,
     ["list senders has SENDER.dbl.example"], ["smtpd.conf:3 "]),
])
def test_says_of_a_client(strict, words, status, said, unsaid):
    got, text = explain(strict, *words)
    assert got == status, text
    for piece in said:
        assert piece in text, (piece, text)
    for piece in unsaid:
        assert piece not in text, (piece, text)


def test_a_rule_behind_an_open_one_is_told_at_rcpt(strict):
    """Line 1 is about a name that lets in: who it is meant for is not known
    when the connection comes."""
    strict.write("clients", "good.example\tpermit\n192.0.2.0/24\trefuse\n")
    status, text = explain(strict, *ALICE, "192.0.2.7")
    assert status == 1 and "RCPT is refused: 550 5.7.1" in text
    assert "clients:2 " in text and "unless" in text and "clients:1 " in text
    status, text = explain(strict, *ALICE, "192.0.2.7", "name",
                           "good.example")
    assert status == 0 and "clients:1 " in text and "unless" not in text


def test_a_broken_clients_table_is_told(strict):
    strict.add("clients", "192.0.2.1/24 refuse\n")
    done = strict.bulkhead("explain", *ALICE, "192.0.2.7")
    assert done.returncode == 78 and "clients:9" in done.stderr
    assert strict.bulkhead("explain", *ALICE[:2]).returncode == 0


@pytest.mark.parametrize("words", [
    ("a@b.example",), ("a@b.example", "c@d.example", "client"),
    ("a@b.example", "c@d.example", "from", "192.0.2.1"),
    ("a@b.example", "c@d.example", "client", "nowhere"),
    ("a@b.example", "c@d.example", "client", "192.0.2.1", "name"),
    ("a@b.example", "c@d.example", "client", "192.0.2.1", "as", "x.example"),
    ("a@b.example", "c@d.example", "name", "x.example"),
    ("a@b.example", "c@d.example", "client", "192.0.2.1", "helo", "a b"),
    ("a@b.example", "c@d.example", "client", "192.0.2.1", "helo", "a.example",
     "helo", "b.example"),
    ("a b", "c@d.example"), ("a@b.example", "c@d@e"), ("a@b.example", "<>"),
])
def test_usage(full, words):
    done = full.bulkhead("explain", *words)
    assert done.returncode == 64 and done.stdout == ""


def test_a_broken_table_is_told(full):
    full.add("routes", "just-a-pattern\n")
    done = full.bulkhead("explain", "a@b.example", "alice@example.org")
    assert done.returncode == 78
    assert "routes:5" in done.stderr

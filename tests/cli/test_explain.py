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


@pytest.mark.parametrize("words", [
    ("a@b.example",), ("a@b.example", "c@d.example", "client"),
    ("a@b.example", "c@d.example", "from", "192.0.2.1"),
    ("a@b.example", "c@d.example", "client", "nowhere"),
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

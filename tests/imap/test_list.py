"""LIST-EXTENDED, LIST-STATUS, SPECIAL-USE, XLIST, and what many folders cost."""

import os
import re

from alone.program import UID


def names(reply, word="LIST"):
    """{name: (attributes, extended data)}"""
    found = {}
    for r in reply.of(word):
        m = re.fullmatch(rb'\* \S+ \(([^)]*)\) "\." "([^"]*)"( \(.*\))?\r\n', r)
        found[m[2].decode()] = (set(m[1].decode().split()),
                                m[3].decode()[1:] if m[3] else None)
    return found


def attributes(reply, word="LIST"):
    return {k: v[0] for k, v in names(reply, word).items()}


HAS, NONE = "\\HasChildren", "\\HasNoChildren"


def fruit(s):
    """The mailboxes of RFC 5258 section 5."""
    for name in ("Fruit", "Fruit.Apple", "Fruit.Banana", "Tofu",
                 "Vegetable", "Vegetable.Broccoli", "Vegetable.Corn"):
        s.ok(f"CREATE {name}")
    for name in ("INBOX", "Fruit.Banana", "Fruit.Peach", "Vegetable",
                 "Vegetable.Broccoli"):
        s.ok(f"SUBSCRIBE {name}")


def test_examples_of_rfc_5258(session):
    s = session()
    fruit(s)
    assert attributes(s.ok('LIST (SUBSCRIBED) "" "*"')) == {
        "INBOX": {"\\Subscribed", NONE}, "Fruit.Banana": {"\\Subscribed", NONE},
        "Fruit.Peach": {"\\Subscribed", "\\NonExistent", NONE},
        "Vegetable": {"\\Subscribed", HAS},
        "Vegetable.Broccoli": {"\\Subscribed", NONE}}
    assert attributes(s.ok('LIST () "" % RETURN (CHILDREN)')) == {
        "INBOX": {NONE}, "Fruit": {HAS}, "Tofu": {NONE}, "Vegetable": {HAS}}
    both = names(s.ok('LIST (REMOTE) "" "*" RETURN (SUBSCRIBED)'))
    assert "Fruit.Peach" not in both
    assert both["Fruit.Banana"][0] == {"\\Subscribed", NONE}
    assert both["Fruit.Apple"][0] == {NONE}
    r = names(s.ok('LIST (SUBSCRIBED RECURSIVEMATCH) "" "%"'))
    assert set(r) == {"INBOX", "Fruit", "Vegetable"}
    assert r["Fruit"] == ({HAS}, '("CHILDINFO" ("SUBSCRIBED"))')
    assert r["Vegetable"] == ({"\\Subscribed", HAS},
                              '("CHILDINFO" ("SUBSCRIBED"))')
    assert r["INBOX"][1] is None
    # what is below and shown itself is not told of again
    r = names(s.ok('LIST (SUBSCRIBED RECURSIVEMATCH) "" "*"'))
    assert "Fruit" not in r and "Fruit.Peach" in r
    # several patterns, each name once, and an empty one matches nothing
    r = s.ok('LIST "" (INBOX "Fruit.%" Fruit* "")')
    assert len(r.of("LIST")) == 4
    assert set(names(r)) == {"INBOX", "Fruit", "Fruit.Apple", "Fruit.Banana"}
    assert s.ok('LIST "" ("")') == []
    assert s.ok('LIST () "" ""') == []


def test_nonexistent_superior(session):
    s = session()
    s.ok("CREATE a.b")
    s.ok("SUBSCRIBE x.y")
    assert attributes(s.ok('LIST () "" %'))["a"] == {"\\NonExistent", HAS}
    assert attributes(s.ok('LIST "" %'))["a"] == {"\\Noselect", HAS}
    assert "x" not in attributes(s.ok('LIST "" % RETURN (SUBSCRIBED)'))
    r = names(s.ok('LIST (SUBSCRIBED RECURSIVEMATCH) "" %'))
    assert r == {"x": ({"\\NonExistent", NONE},
                       '("CHILDINFO" ("SUBSCRIBED"))')}


def test_inferiors_of_inbox(session):
    s = session()
    s.ok("CREATE INBOX.x")
    assert attributes(s.ok('LIST "" *')) == {"INBOX": {HAS},
                                             "INBOX.x": {NONE}}
    assert len(s.ok('LIST "" inbox').of("LIST")) == 1


def test_options_that_are_not_there(session):
    s = session()
    for bad in ('(RECURSIVEMATCH) "" *', '(NONE) "" *', '"" * RETURN (NONE)',
                '"" * RETURN (STATUS (NONE))', '"" * RETURN', '"" ()'):
        assert s.ask("LIST " + bad).status == "BAD", bad
    for bad in ('LSUB () "" *', 'LSUB "" (a b)', 'XLIST "" * RETURN ()'):
        assert s.ask(bad).status == "BAD", bad


def test_status_with_list(session):
    s = session()
    s.ok("CREATE a.b")
    s.append(b"Subject: x\n\nx\n", "a.b")
    r = s.ok('LIST "" % RETURN (STATUS (MESSAGES UNSEEN))')
    # of a, which cannot be selected, there is none
    assert [x for x in r if b"STATUS" in x] == [
        b'* STATUS "INBOX" (MESSAGES 0 UNSEEN 0)\r\n']
    r = s.ok('LIST "" *b RETURN (STATUS (MESSAGES))')
    assert r == [b'* LIST (\\HasNoChildren) "." "a.b"\r\n',
                 b'* STATUS "a.b" (MESSAGES 1)\r\n']
    # a mailbox that is there for what lies below it has no STATUS either
    s.ok("SUBSCRIBE a.b")
    s.ok("CREATE a")
    r = s.ok('LIST (SUBSCRIBED RECURSIVEMATCH) "" % RETURN (STATUS (UIDNEXT))')
    assert set(names(r)) == {"a"} and r.of("STATUS") == []


def test_special_use(session):
    s = session()
    s.ok("CREATE Sent")
    s.ok("CREATE Abfall (USE (\\Trash))")
    s.ok("CREATE Trash")
    s.ok("CREATE mine.Post (USE (\\Drafts \\Junk))")
    want = {"Sent": {"\\Sent", NONE}, "Abfall": {"\\Trash", NONE},
            "mine.Post": {"\\Drafts", "\\Junk", NONE}}
    assert attributes(s.ok('LIST (SPECIAL-USE) "" *')) == want
    r = attributes(s.ok('LIST "" * RETURN (SPECIAL-USE)'))
    assert {k: r[k] for k in want} == want and r["Trash"] == {NONE}
    # also where it is not asked for
    assert attributes(s.ok('LIST "" Sent'))["Sent"] == {"\\Sent", NONE}
    r = names(s.ok('LIST (SPECIAL-USE RECURSIVEMATCH) "" %'))
    assert r["mine"] == ({"\\NonExistent", HAS},
                         '("CHILDINFO" ("SPECIAL-USE"))')
    assert set(attributes(s.ok('LIST (SPECIAL-USE SUBSCRIBED) "" *'))) == set()
    s.ok("SUBSCRIBE Sent")
    assert set(attributes(
        s.ok('LIST (SPECIAL-USE SUBSCRIBED) "" *'))) == {"Sent"}
    # refused, and then nothing is created
    for use in ("\\All", "\\Flagged", "\\Nonsense", "\\Sent \\x"):
        r = s.ask(f"CREATE none (USE ({use}))")
        assert (r.status, r.text[:9]) == ("NO", "[USEATTR]"), use
    assert s.ok('LIST "" none') == []
    assert s.ask("CREATE none (USE (Trash))").status == "BAD"
    # it follows the mailbox, and goes with it
    s.ok("RENAME mine yours")
    assert attributes(s.ok('LIST "" yours.*'))["yours.Post"] == {
        "\\Drafts", "\\Junk", NONE}
    s.ok("DELETE Abfall")
    assert attributes(s.ok('LIST "" Trash'))["Trash"] == {"\\Trash", NONE}


def test_xlist(session):
    s = session()
    s.ok("CREATE Spam")
    r = attributes(s.ok('XLIST "" %'), "XLIST")
    assert r["INBOX"] == {"\\Inbox", NONE} and r["Spam"] == {"\\Spam", NONE}
    assert s.ok('XLIST "" ""') == [b'* XLIST (\\Noselect) "." ""\r\n']


def test_subscriptions_are_durable(session):
    s = session()
    s.ok("SUBSCRIBE gone.for.good")
    other = session()
    assert set(attributes(other.ok('LIST (SUBSCRIBED) "" *'))) == {
        "gone.for.good"}
    other.ok("UNSUBSCRIBE gone.for.good")
    other.ok("UNSUBSCRIBE gone.for.good")
    assert s.ok('LSUB "" *') == []


def make_folders(home, count):
    """As another program would: directories with cur/ in them."""
    maildir = home / "Maildir"
    for n in range(count):
        path = maildir / f".deep.f{n:06}"
        path.mkdir()
        (path / "cur").mkdir()
        os.chown(path, UID, UID)


def test_many_folders_and_a_wicked_pattern(session, home):
    s = session()
    make_folders(home, 3000)
    assert len(s.ok('LIST "" *').of("LIST")) == 3002
    assert s.ok('LIST "" "deep.%"').of("LIST")[0].endswith(b'"deep.f000000"\r\n')
    wicked = "%".join("*%*" for _ in range(60)) + "e%" * 100 + "x"
    assert s.ok(f'LIST "" "{wicked}"') == []
    many = " ".join(f'"*{"%f" * 40}{n}"' for n in range(64))
    assert s.ok(f'LIST "" ({many})').of("LIST") == []
    assert s.ask(f'LIST "" ({many} x)').status == "BAD"
    r = s.ask('LIST "" "%s"' % ("x%" * 300))
    assert r.status == "NO" and r.text.startswith("[LIMIT]")


def test_rename_and_delete_rules(session):
    s = session()
    for name in ("a", "a.b", "a.b.c", "z"):
        s.ok(f"CREATE {name}")
    s.append(b"Subject: x\n\nx\n", "a")
    # a mailbox with inferiors loses its messages and stays as a name
    s.ok("DELETE a")
    assert attributes(s.ok('LIST "" a'))["a"] == {"\\Noselect", HAS}
    r = s.ask("DELETE a")
    assert r.status == "NO"
    assert s.ask("SELECT a").status == "NO"
    # which may be given a new life, without the old messages
    s.ok("CREATE a")
    assert b"MESSAGES 0" in s.ok("STATUS a (MESSAGES)")[0]
    s.ok("DELETE a")
    # a name without a mailbox is renamed with what is below it, all or nothing
    s.ok("CREATE y.b.c")
    assert s.ask("RENAME a y").status == "NO"
    assert set(attributes(s.ok('LIST "" a*'))) == {"a", "a.b", "a.b.c"}
    s.ok("RENAME a x.y")
    assert set(attributes(s.ok('LIST "" x*'))) == {"x", "x.y", "x.y.b",
                                                   "x.y.b.c"}
    assert s.ask("RENAME x x.y.z").status == "NO"
    assert s.ask("RENAME z INBOX").status == "NO"
    # too deep, too long, not canonical: refused with nothing changed
    assert s.ask("RENAME x " + ".".join("n" * 31)).status == "NO"
    assert s.ask("RENAME x " + "n" * 235).status == "NO"
    for bad in ("&AGE-", "a&", "&Jjo!", "&2AA-", "../x", "x.", ".x", "a..b"):
        assert s.ask(f'RENAME x "{bad}"').status == "NO", bad
        if bad != "x.":
            assert s.ask(f'CREATE "{bad}"').status == "NO", bad
    assert set(attributes(s.ok('LIST "" x*'))) == {"x", "x.y", "x.y.b",
                                                   "x.y.b.c"}

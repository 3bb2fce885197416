"""What directory says at RCPT, over SMTP: aliases, catch-all, detail, case,
postmaster, and no relaying; tables that change and break."""

import os

import pytest

from support.instance import DOMAIN, Instance

TABLES = {
    "domains": f"{DOMAIN}\nsecond.example\nshop.example virtual\n",
    "aliases": "info: alice\n"
               "team: alice, bob,\n\tinfo\n"
               "bob: bob, alice\n"
               "gone: removed\n"
               "@shop.example: bob\n",
}


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    with Instance(tmp_path_factory.mktemp("book"), files=TABLES) as i:
        yield i.start()


def rcpt(i, address):
    with i.smtp() as c:
        c.ehlo()
        c.mail("sender@client.example.net")
        return c.rcpt(address)


@pytest.mark.parametrize("address", [
    f"alice@{DOMAIN}",
    f"ALICE@{DOMAIN.upper()}",
    f'"alice"@{DOMAIN}',
    f'"al\\ice"@{DOMAIN}',
    f"alice+lists@{DOMAIN}",
    f"info@{DOMAIN}",
    "info@second.example",
    f"team@{DOMAIN}",
    f"bob@{DOMAIN}",
    "anything@shop.example",
    f"postmaster@{DOMAIN}",
    "Postmaster@second.example",
    "postmaster@shop.example",
    "postmaster",
    f"root@{DOMAIN}",
])
def test_taken(book, address):
    code, text = rcpt(book, address)
    assert code == 250, text


@pytest.mark.parametrize("address", [
    f"nobody@{DOMAIN}",
    "alice@second.example",
    f"gone@{DOMAIN}",
    f"alice-x@{DOMAIN}",
    f'"alice+../x"@{DOMAIN}',
])
def test_unknown(book, address):
    code, text = rcpt(book, address)
    assert (code, text[:5]) == (550, b"5.1.1"), text


@pytest.mark.parametrize("address", [
    "alice@elsewhere.example",
    f"alice@sub.{DOMAIN}",
    f"alice@{DOMAIN}.elsewhere.example",
    f"@{DOMAIN}:alice@elsewhere.example",
    f"alice@{DOMAIN}@elsewhere.example",
    "alice@[127.0.0.1]",
    f"alice%elsewhere.example@{DOMAIN}",
    f'"alice@elsewhere.example"@{DOMAIN}',
    f"elsewhere.example!alice@{DOMAIN}",
])
def test_no_relay(book, address):
    code, text = rcpt(book, address)
    assert 500 <= code < 560, text


def test_new_alias_counts_at_once(instance):
    assert rcpt(instance, f"sales@{DOMAIN}")[0] == 550
    instance.write("aliases", "sales: alice\n")
    instance.await_log(event="tables-in-use", stage="directory", aliases=1)
    assert rcpt(instance, f"sales@{DOMAIN}")[0] == 250


@pytest.mark.parametrize("table, text, line", [
    ("aliases", "info: alice\na: b\nb: a\n", 3),
    ("aliases", "info: alice\nx: |sh\n", 2),
    ("aliases", "a@elsewhere.example: bob\n", 1),
    ("domains", f"{DOMAIN}\n{DOMAIN}\n", 2),
    ("users", "alice\n", 1),
])
def test_broken_table_keeps_the_old_one(new_instance, table, text, line):
    i = new_instance(files=TABLES).start()
    i.write(table, text)
    [refused] = i.await_log(event="table-refused", stage="directory")
    assert (refused["file"], int(refused["line"])) == (table, line)
    assert rcpt(i, f"info@{DOMAIN}")[0] == 250
    assert rcpt(i, f"bob@{DOMAIN}")[0] == 250
    i.write(table, TABLES.get(table, f"bob@{DOMAIN} 2\n"))
    i.await_log(event="tables-in-use", stage="directory", n=2)


def test_suite_does_not_start_on_a_loop(new_instance):
    i = new_instance(files={"aliases": "a: b\nb: a\n"})
    with pytest.raises(AssertionError, match="did not start"):
        i.start()
    assert not i.processes()


def test_directory_dies_and_mail_waits(instance):
    instance.kill("directory")
    for _ in range(200):
        code, _ = rcpt(instance, f"alice@{DOMAIN}")
        if code == 250:
            break
        assert code in (451, 421)
    assert code == 250


def test_expansion_reaches_each_mailbox_once(new_instance):
    i = new_instance(files=TABLES).start()
    i.send("sender@client.example.net", [f"team@{DOMAIN}", f"info@{DOMAIN}"],
           b"Subject: hello\r\n\r\nhello\r\n")
    i.await_mail("alice", 1)
    i.await_mail("bob", 1)


def test_detail_and_catch_all_are_delivered(new_instance):
    i = new_instance(files=TABLES).start()
    for to in (f"alice+lists@{DOMAIN}", "whoever@shop.example"):
        i.send("sender@client.example.net", [to],
               b"Subject: hello\r\n\r\nhello\r\n")
    # bob is an alias for himself and alice.
    i.await_mail("bob", 1)
    i.await_mail("alice", 1)


def test_list_longer_than_one_answer(new_instance):
    """1,600 addresses: more than one message between the stages holds."""
    users, n = ["alice", "bob", "carol", "dave"], 400
    members = ",\n ".join(f"{u}+part-{k}" for k in range(n) for u in users)
    i = new_instance(users=users,
                     files={"aliases": f"all: {members}\n"}).start()
    i.send("sender@client.example.net", [f"all@{DOMAIN}"],
           b"Subject: hello\r\n\r\nhello\r\n")
    for u in users:
        to = set()
        for path in i.await_mail(u, n):
            head = path.read_bytes().split(b"\n\n")[0]
            to |= {l for l in head.split(b"\n") if b"elivered-To:" in l}
        assert len(to) == n


def test_mail_for_the_postmaster_is_kept(new_instance):
    i = new_instance().start()
    i.accounts["postmaster"] = 0
    for to in ("postmaster", f"root@{DOMAIN}"):
        i.send("sender@client.example.net", [to],
               b"Subject: hello\r\n\r\nhello\r\n")
    i.await_mail("postmaster", 2)
    assert os.stat(i.home("postmaster")).st_uid == i.uid("postmaster")

"""Where mail goes, over SMTP and with real deliveries: domains of every kind,
whole domains, lists, owners, routes that refuse, rewritten reverse-paths."""

import os

import pytest

from support.instance import DOMAIN, Instance

KEY = "000102030405060708090a0b0c0d0e0f"
TABLES = {
    "domains": f"{DOMAIN}\nsame.example alias of {DOMAIN}\n"
               "shop.example virtual\nold.example virtual\n"
               "relay.example relay\nopen.example relay unchecked\n"
               "bücher.example virtual\n",
    "aliases": "info: alice\n"
               "club: :include:club\n"
               "broken: :include:broken\n"
               "away: carol@far.example\n"
               "list: alice, bob\nowner-list: bob\n"
               "@old.example: @shop.example\n"
               "sales@shop.example: bob\n"
               "post@bücher.example: alice\n",
    "relay-recipients": "rita@relay.example\nmoved@relay.example\n",
    "routes": "moved@relay.example error 551 5.1.6 rita@new.example now\n"
              "busy.example error 450 4.2.1 try on Monday\n"
              "relay.example inside\n",
    "srs-secrets": KEY + "\n",
    "directory.conf": f"srs_domain = {DOMAIN}\n",
}


def lists(i, **texts):
    folder = i.conf / "lists"
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        new = folder / f".{name}"
        new.write_text(text)
        os.replace(new, folder / name)


def start(i):
    lists(i, club="alice\nbob\n", broken="alice\nnot an address\n")
    return i.start()


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    with Instance(tmp_path_factory.mktemp("ways"), files=TABLES) as i:
        yield start(i)


def rcpt(i, address, reverse_path="sender@client.example.net"):
    with i.smtp() as c:
        c.ehlo()
        c.mail(reverse_path)
        return c.rcpt(address)


@pytest.mark.parametrize("address, code, text", [
    (f"alice@same.example", 250, b"2.1.5"),
    ("info@same.example", 250, b"2.1.5"),
    ("nobody@same.example", 550, b"5.1.1"),
    ("rita@relay.example", 250, b"2.1.5"),
    ("RITA+x@Relay.Example", 250, b"2.1.5"),
    ("alice@relay.example", 550, b"5.1.1"),
    ("postmaster@relay.example", 250, b"2.1.5"),
    ("moved@relay.example", 551, b"5.1.6 rita@new.example now"),
    ("any.one/at#all@open.example", 250, b"2.1.5"),
    ("sales@old.example", 250, b"2.1.5"),
    ("nobody@old.example", 550, b"5.1.1"),
    (f"away@{DOMAIN}", 250, b"2.1.5"),
    (f"club@{DOMAIN}", 250, b"2.1.5"),
    (f"broken@{DOMAIN}", 451, b"4.3.0"),
    ("post@xn--bcher-kva.example", 250, b"2.1.5"),
    # Nobody may relay from here, whatever the routes say.
    ("x@busy.example", 550, b"5.7.1"),
    ("carol@far.example", 550, b"5.7.1"),
    # Rewritten paths: made up, and for another day.
    (f"SRS0=aaaaaa=aa=far.example=x@{DOMAIN}", 550, b"5.1.1"),
])
def test_recipient(book, address, code, text):
    got = rcpt(book, address)
    assert got[0] == code, got
    assert got[1].startswith(text), got


def test_broken_list_is_told_with_its_line(book):
    [told] = book.await_log(event="list-refused", stage="directory")
    assert (told["file"], told["line"]) == ("lists/broken", "2")


def test_whole_domain_and_other_names_are_delivered(new_instance):
    i = start(new_instance(files=TABLES))
    for to in ("sales@old.example", "bob@same.example", f"club@{DOMAIN}"):
        i.send("sender@client.example.net", [to],
               b"Subject: hello\r\n\r\nhello\r\n")
    i.await_mail("bob", 3)
    i.await_mail("alice", 1)


def test_detail_goes_through_an_alias(new_instance):
    i = new_instance(files={"aliases": "info: alice\n"}).start()
    i.send("sender@client.example.net", [f"info+news@{DOMAIN}"],
           b"Subject: hello\r\n\r\nhello\r\n")
    [delivered] = i.await_log(event="delivered", stage="queue-manager")
    assert delivered["to"] == f"alice+news@{DOMAIN}"


def test_list_changes_while_running(new_instance):
    i = start(new_instance(files=TABLES))
    assert rcpt(i, f"broken@{DOMAIN}")[0] == 451
    lists(i, broken="alice\n")
    i.await_log(event="tables-in-use", stage="directory", n=2)
    assert rcpt(i, f"broken@{DOMAIN}")[0] == 250
    os.unlink(i.conf / "lists/club")
    i.await_log(event="list-refused", stage="directory", file="lists/club")
    assert rcpt(i, f"club@{DOMAIN}")[0] == 451
    assert rcpt(i, f"info@{DOMAIN}")[0] == 250


def test_lists_may_come_later(new_instance):
    i = new_instance(files={"aliases": "club: :include:club\n"}).start()
    assert rcpt(i, f"club@{DOMAIN}")[0] == 451
    lists(i, club="bob\n")
    i.await_log(event="tables-in-use", stage="directory", n=2)
    for _ in range(50):
        if rcpt(i, f"club@{DOMAIN}")[0] == 250:
            break
    assert rcpt(i, f"club@{DOMAIN}")[0] == 250


def test_what_is_no_list_is_not_opened(new_instance, tmp_path):
    """A link out of the directory, a FIFO, a strange name: none is read."""
    i = new_instance(files={"aliases": "a: :include:link\n"
                            "b: :include:fifo\nok: alice\n"})
    lists(i)
    secret = tmp_path / "secret"
    secret.write_text("alice\n")
    os.symlink(secret, i.conf / "lists/link")
    os.mkfifo(i.conf / "lists/fifo")
    (i.conf / "lists/a b").write_text("alice\n")
    i.start()
    assert rcpt(i, f"a@{DOMAIN}")[0] == 451
    assert rcpt(i, f"b@{DOMAIN}")[0] == 451
    assert rcpt(i, f"ok@{DOMAIN}")[0] == 250
    i.expect_failures = True


def test_lists_that_others_may_write_are_not_read(new_instance):
    i = new_instance(files={"aliases": "club: :include:club\nok: bob\n"})
    lists(i, club="alice\n")
    os.chmod(i.conf / "lists", 0o777)
    i.start()
    i.await_log(event="lists-not-safe", stage="supervisor")
    assert rcpt(i, f"club@{DOMAIN}")[0] == 451
    assert rcpt(i, f"ok@{DOMAIN}")[0] == 250
    i.expect_failures = True


@pytest.mark.parametrize("table, text, line", [
    ("routes", "relay.example inside\nx.example\n", 2),
    ("relay-recipients", "a@relay.example\nb\n", 2),
    ("srs-secrets", "tooshort\n", 1),
])
def test_broken_table_keeps_the_old_one(new_instance, table, text, line):
    i = start(new_instance(files=TABLES))
    i.write(table, text)
    [refused] = i.await_log(event="table-refused", stage="directory")
    assert (refused["file"], int(refused["line"])) == (table, line)
    assert "tooshort" not in refused["reason"]
    assert rcpt(i, "moved@relay.example")[0] == 551
    assert rcpt(i, "rita@relay.example")[0] == 250
    i.write(table, TABLES[table])
    i.await_log(event="tables-in-use", stage="directory", n=2)

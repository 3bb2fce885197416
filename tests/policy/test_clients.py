"""Who may send what: clients with addresses of their own on loopback, and a
DNS server that knows them."""

import select
import smtplib
import socket
import threading
import time

import pytest

from support.dns import DnsServer
from support.instance import DOMAIN, PATIENCE

MESSAGE = "From: a@example.net\r\nSubject: x\r\n\r\nhello\r\n"
ALICE = f"alice@{DOMAIN}"


@pytest.fixture
def server():
    with DnsServer() as dns:
        dns.zone("example.net", """
            @       MX    10 mx
            mx      A     127.0.0.5
            other   A     127.0.0.77
            only-a  A     127.0.0.5
            null    MX    0 .
            txt     TXT   "nothing but this"
        """)
        dns.zone("0.0.127.in-addr.arpa", """
            5  PTR mx.example.net.
            6  PTR other.example.net.
            8  PTR liar.elsewhere.example.
            8  PTR mx8.example.net.
        """)
        dns.zone("127.in-addr.arpa", "")
        dns.zone("bl.example", "5.0.0.127 A 127.0.0.2\n6.0.0.127 A 127.0.0.10\n"
                               "7.0.0.127 A 192.0.2.80\n")
        dns.zone("more.example", "5.0.0.127 A 127.0.0.4\n")
        dns.zone("good.example", "5.0.0.127 A 127.0.0.1\n")
        dns.zone("names.example", "mx.example.net A 127.0.0.2\n"
                                  "bad.example.net A 127.0.0.2\n")
        yield dns


@pytest.fixture
def site(new_instance, server):
    def make(settings="", clients="", resolver=""):
        return new_instance(users=["alice", "bob"], files={
            "resolver.conf": server.settings(resolver),
            "smtpd.conf": "limit_this_host = yes\n" + settings,
            "clients": clients}).start()
    return make


class Client(smtplib.SMTP):
    """A client with an address of its own; what it was told last is kept."""

    def __init__(self, i, last=5, helo="client.example.net"):
        super().__init__("127.0.0.1", i.smtp_port, timeout=PATIENCE,
                         local_hostname=helo,
                         source_address=(f"127.0.0.{last}", 0))

    def one(self, sender="a@example.net", to=ALICE):
        """MAIL and RCPT in one transaction of their own: the reply to RCPT."""
        self.ehlo_or_helo_if_needed()
        self.rset()
        code, text = self.mail(sender)
        if code != 250:
            return code, text.decode()
        code, text = self.rcpt(to)
        return code, text.decode()


def greeting(i, last):
    with socket.create_connection(("127.0.0.1", i.smtp_port), PATIENCE,
                                  (f"127.0.0.{last}", 0)) as s:
        return s.makefile().readline().rstrip()


def refusal(i, **fields):
    return i.await_log(event="refused", **fields)[-1]


# -- the table of clients

def test_rules_by_address(site):
    i = site(clients="127.0.0.2 refuse We know you.\n"
                     "127.0.0.3 defer\n"
                     "127.0.0.8/30 refuse\n"
                     "127.0.0.4 permit\n")
    assert greeting(i, 2) == "554 5.7.1 We know you."
    assert refusal(i, what="connection", code=554)["reason"] == "clients:1"
    assert greeting(i, 3).startswith("421 4.7.1 ")
    assert refusal(i, code=421)["reason"] == "clients:2"
    assert greeting(i, 10).startswith("554 5.7.1 ")
    for last in (1, 4, 12):
        assert greeting(i, last).startswith("220 ")


def test_rules_by_name(site, server):
    i = site(clients="mx.example.net refuse Not by that name.\n"
                     "helo:.evil.example refuse\n"
                     "from:.spam.example refuse\n"
                     "from:bob@ham.example defer\n")
    with Client(i, 5) as c:
        assert c.one() == (550, "5.7.1 Not by that name.")
        log = refusal(i, what="recipient", code=550)
        assert log["reason"] == "clients:1" and log["detail"] == ALICE
        assert log["from"] == "a@example.net" and log["status"] == "5.7.1"
        # He has to be reached by everyone, RFC 5321 section 4.5.1.
        assert c.one(to=f"postmaster@{DOMAIN}")[0] == 250
    # A name that does not lead back to the address is nobody's.
    server.zone("0.0.127.in-addr.arpa", "9 PTR mx.example.net.\n")
    with Client(i, 9) as c:
        assert c.one()[0] == 250
        assert c.one("x@a.spam.example")[0] == 550
        assert refusal(i, reason="clients:3")
        assert c.one("Bob@HAM.example")[0] == 450
        assert c.one("al@ham.example")[0] == 250
    with Client(i, 9, "a.EVIL.example") as c:
        assert c.one()[0] == 550
        assert refusal(i, reason="clients:2")
    assert i.log(event="session-end", name="mx.example.net")


def test_refused_too_often(site):
    """The last error ends the session at a RCPT that a rule refuses, and
    nothing but the session."""
    i = site("max_errors = 3\n", clients="from:.spam.example refuse\n")
    with Client(i, 5) as other:
        assert other.ehlo()[0] == 250
        c = Client(i, 6)
        c.ehlo()
        assert c.mail("x@a.spam.example")[0] == 250
        assert [c.rcpt(ALICE)[0] for _ in range(3)] == [550] * 3
        assert c.getreply()[0] == 421
        c.close()
        assert other.noop()[0] == 250


def test_the_table_changes(site):
    i = site(clients="127.0.0.2 refuse\n")
    assert greeting(i, 2).startswith("554")
    i.write("clients", "127.0.0.3 refuse\n127.0.0.4 refuse\n")
    i.await_log(event="clients-in-use", rules=2)
    assert greeting(i, 2).startswith("220")
    assert greeting(i, 3).startswith("554")
    i.write("clients", "127.0.0.2 refuse\n127.0.0.1/8 nonsense\n")
    [line] = i.await_log(event="table-refused", file="clients")
    assert line["line"] == "2" and "nonsense" in line["reason"]
    assert greeting(i, 3).startswith("554")
    checked = i.command("check")
    assert checked.returncode != 0 and "clients:2" in checked.stderr


# -- names

@pytest.mark.parametrize("setting,last,code,status", [
    ("lookup", 7, 250, "2.1.5"), ("require", 7, 550, "5.7.25"),
    ("require", 6, 250, "2.1.5"), ("confirm", 6, 550, "5.7.25"),
    ("confirm", 5, 250, "2.1.5")])
def test_reverse_names(site, setting, last, code, status):
    i = site(f"reverse_name = {setting}\n")
    with Client(i, last) as c:
        got, text = c.one()
        assert (got, text.split()[0]) == (code, status)
        if code == 550:
            assert refusal(i, what="recipient", status=status)["reason"] \
                == "reverse_name"


@pytest.mark.parametrize("setting,code", [("accept", 250), ("defer", 451)])
@pytest.mark.parametrize("mode", ["servfail", "silent"])
def test_dns_in_trouble(site, server, setting, code, mode):
    for name in ("5.0.0.127.in-addr.arpa", "example.net", "h.example.net",
                 "5.0.0.127.bl.example"):
        server.fail(name, mode)
    i = site("reverse_name = confirm\nhelo_names = resolvable\n"
             f"sender_domains = resolvable\ndns_trouble = {setting}\n"
             "list bl {\n\tzone = bl.example\n}\n",
             resolver="question_timeout = 2s\n")
    with Client(i, 5, "h.example.net") as c:
        got, text = c.one()
        assert got == code, text
        if code == 451:
            assert text.startswith("4.4.3 ")
            assert refusal(i, code=451)["reason"] == "reverse_name"


def test_helo(site):
    i = site("helo_names = resolvable\nhelo_own_name = refuse\n")
    for helo, code, rule in (("mx.example.net", 250, None),
                             ("example.net", 250, None),
                             ("[127.0.0.5]", 250, None),
                             ("nothing.example.net", 550, "helo_names"),
                             ("txt.example.net", 550, "helo_names"),
                             ("not_even..a.name", 550, "helo_names"),
                             (f"MX.{DOMAIN}", 550, "helo_own_name")):
        with Client(i, 5, helo) as c:
            assert c.one()[0] == code, helo
            if rule:
                assert refusal(i, what="recipient")["reason"] == rule
    # The last HELO counts, and it alone.
    with Client(i, 5, "nothing.example.net") as c:
        assert c.one()[0] == 550
        c.ehlo("mx.example.net")
        assert c.one()[0] == 250


def test_sender_domains(site):
    i = site("sender_domains = resolvable\n")
    with Client(i) as c:
        for sender, code, status in (
                ("a@example.net", 250, "2.1.5"),
                ("a@only-a.example.net", 250, "2.1.5"), ("", 250, "2.1.5"),
                ("a@[127.0.0.5]", 250, "2.1.5"),
                ("a@nothing.example.net", 550, "5.1.8"),
                ("a@txt.example.net", 550, "5.1.8"),
                ("a@null.example.net", 550, "5.7.27")):
            got, text = c.one(sender)
            assert (got, text.split()[0]) == (code, status), sender
    assert refusal(i, status="5.7.27")["reason"] == "sender_domains"


# -- lists

LISTS = """
list first {
	zone = bl.example
	weight = 2
	replies = 127.0.0.2 127.0.0.8/30
}
list second {
	zone = more.example
	replies = bits:4
}
list_threshold = 3
"""


def test_lists(site, server):
    i = site(LISTS)
    with Client(i, 5) as c:
        assert c.one() == (
            550, "5.7.1 Refused, since listed by bl.example, more.example")
        assert refusal(i, what="recipient")["reason"] == "list first,second"
    with Client(i, 6) as c:		# 2 of 3
        assert c.one()[0] == 250
    with Client(i, 7) as c:		# a domain that was sold
        assert c.one()[0] == 250
    # Once for all sessions: what is known is not asked again.
    with Client(i, 5) as c:
        assert c.one()[0] == 550
    assert server.count("5.0.0.127.bl.example", "A") == 1


def test_allow_lists(site):
    i = site(LISTS + "list known {\n\tzone = good.example\n"
             "\tkind = allow\n\tweight = 2\n}\ngreylist = yes\n")
    with Client(i, 5) as c:		# 2 + 1 - 2, and not greylisted
        assert c.one()[0] == 250
    with Client(i, 9) as c:
        assert c.one()[0] == 450


@pytest.mark.parametrize("of,good,bad", [
    ("name", {"last": 9}, {"last": 5}),
    ("helo", {"helo": "fine.example.net"}, {"helo": "bad.example.net"})])
def test_lists_of_names(site, of, good, bad):
    i = site("list names {\n\tzone = names.example\n"
             f"\tof = {of}\n}}\n")
    for options, code in ((good, 250), (bad, 550)):
        with Client(i, **{"last": 9, **options}) as c:
            assert c.one()[0] == code, options
    assert refusal(i, what="recipient")["reason"] == "list names"


def test_lists_of_senders(site):
    i = site("list names {\n\tzone = names.example\n\tof = sender\n}\n")
    with Client(i) as c:
        assert c.one("a@bad.example.net")[0] == 550
        assert c.one("a@fine.example.net")[0] == 250


def test_bad_lists_are_refused(site, new_instance):
    i = site()
    for text, word in (("zone = a..b", "a..b"), ("weight = 3", "zone"),
                       ("zone = a.example\n\treplies = 127.0.0.1/8",
                        "127.0.0.1/8")):
        i.write("smtpd.conf", f"list x {{\n\t{text}\n}}\n")
        checked = i.command("check")
        assert checked.returncode != 0 and word in checked.stderr, text


def test_questions_go_while_the_greeting_waits(site, server):
    server.delay("5.0.0.127.bl.example", 1)
    server.delay("5.0.0.127.more.example", 1)
    i = site(LISTS + "greeting_delay = 10s\n")
    with socket.create_connection(("127.0.0.1", i.smtp_port),
                                  source_address=("127.0.0.5", 0)) as early:
        early.settimeout(PATIENCE)
        server.await_asked("5.0.0.127.bl.example")
        server.await_asked("5.0.0.127.more.example")
        early.settimeout(0)
        with pytest.raises(BlockingIOError):	# and no greeting yet
            early.recv(1)
    with Client(i, 5) as c:
        assert c.one()[0] == 550


def test_nobody_waits_for_anothers_answers(site, server):
    """MAIL waits for its answers; what was sent behind it is not lost."""
    # Longer, and the resolver's own repetitions come near its patience.
    server.delay("5.0.0.127.bl.example", 1)
    i = site(LISTS)
    with Client(i, 5) as slow, Client(i, 6) as quick:
        slow.ehlo(), quick.ehlo()
        slow.send(f"MAIL FROM:<a@example.net>\r\nRCPT TO:<{ALICE}>\r\n"
                  "NOOP\r\n".encode())
        meanwhile = 0
        for _ in range(20):
            assert quick.one()[0] == 250
            meanwhile += not select.select([slow.sock], [], [], 0)[0]
        assert meanwhile > 0
        assert [slow.getreply()[0] for _ in range(3)] == [250, 550, 250]


def test_a_reload_while_mail_waits(site, server):
    server.delay("5.0.0.127.bl.example", 3)
    i = site(LISTS)
    with Client(i, 5) as c:
        c.ehlo()
        c.send("MAIL FROM:<a@example.net>\r\n")
        time.sleep(0.3)
        conf = (i.conf / "smtpd.conf").read_text()
        i.write("smtpd.conf", conf.replace(LISTS, ""))
        i.supervisor.send_signal(1)
        assert c.getreply()[0] == 250
        assert c.rcpt(ALICE)[0] == 250


def test_gone_while_mail_waits(site, server):
    server.delay("5.0.0.127.bl.example", 1)
    i = site(LISTS)
    for _ in range(20):
        c = Client(i, 5)
        c.ehlo()
        c.send("MAIL FROM:<a@example.net>\r\n")
        c.close()
    with Client(i, 6) as c:
        assert c.one()[0] == 250
    time.sleep(1.2)
    with Client(i, 5) as c:
        assert c.one()[0] == 550


def test_resolver_dies_while_mail_waits(site, server):
    """The question is asked again of the next one."""
    server.delay("5.0.0.127.bl.example", 1)
    i = site(LISTS)
    with Client(i, 5) as c:
        c.ehlo()
        c.send("MAIL FROM:<a@example.net>\r\n")
        time.sleep(0.3)
        assert i.kill("resolver")
        assert c.getreply()[0] == 250
        assert c.rcpt(ALICE)[0] == 550


# -- greylisting

def test_greylisting(site):
    i = site("greylist = yes\ngreylist_delay = 2s\n")
    with Client(i, 5) as c:
        code, text = c.one()
        assert code == 450 and text.startswith("4.7.1 Greylisted")
        assert refusal(i, what="recipient", code=450)["reason"] == "greylist"
        assert c.one()[0] == 450
        assert c.one(to=f"postmaster@{DOMAIN}")[0] == 250
        time.sleep(2.1)
        assert c.one(to=f"bob@{DOMAIN}")[0] == 450
        assert c.one()[0] == 250
        # Now its whole network is known.
        assert c.one("else@example.net", f"bob@{DOMAIN}")[0] == 250
    # Being early is no error: nobody is thrown out for it.
    i.write("smtpd.conf", (i.conf / "smtpd.conf").read_text() +
            "max_errors = 3\n")
    i.supervisor.send_signal(1)
    i.await_log(event="reloaded", stage="smtpd")


def test_greylisting_is_no_error(site):
    i = site("greylist = yes\nmax_errors = 3\n")
    with Client(i, 5) as c:
        for n in range(10):
            assert c.one(f"a{chr(97 + n)}@example.net")[0] == 450


def test_a_letter_comes_through_it_all(site):
    i = site("reverse_name = confirm\nhelo_names = resolvable\n"
             "sender_domains = resolvable\ngreylist = yes\n"
             "greylist_delay = 1s\nhelo_own_name = refuse\n" +
             LISTS.replace("threshold = 3", "threshold = 4"))
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with Client(i, 5, "mx.example.net") as c:
                assert c.sendmail("a@example.net", [ALICE], MESSAGE) == {}
            break
        except smtplib.SMTPRecipientsRefused as e:
            assert e.recipients[ALICE][0] == 450
        except smtplib.SMTPDataError as e:
            assert e.smtp_code == 451
        assert time.monotonic() < deadline
        time.sleep(0.5)
    i.await_mail("alice", 1)


# -- limits

def test_messages_and_recipients_an_hour(site):
    i = site("max_messages_per_hour = 3\nmax_recipients_per_hour = 5\n",
             clients="127.0.0.6 permit\n")
    with Client(i, 5) as c:
        c.ehlo()
        assert c.mail("a@example.net")[0] == 250
        codes = [c.rcpt(ALICE)[0] for _ in range(7)]
        assert codes == [250] * 5 + [450] * 2
        assert refusal(i, what="recipient")["reason"] == "CLIENT_RECIPIENTS"
        assert [c.one(to=f"postmaster@{DOMAIN}")[0] for _ in range(4)] == [
            250, 250, 450, 450]
        assert refusal(i, what="MAIL")["reason"] == "CLIENT_MESSAGES"
    with Client(i, 6) as c:
        assert [c.one()[0] for _ in range(8)] == [250] * 8
    with Client(i, 7) as c:
        assert c.one()[0] == 250


def test_networks_count_as_one(site):
    i = site("client_bits_ipv4 = 24\nmax_messages_per_hour = 3\n")
    for last, code in ((5, 250), (6, 250), (200, 250), (7, 450)):
        with Client(i, last) as c:
            assert c.one()[0] == code, last


def test_a_flood_of_connections(site):
    """Thousands of attempts beyond the limit get their 421 while those that a
    rule permits, and those within their limit, are served."""
    i = site("max_connections_per_minute = 20\nmax_sessions = 50\n",
             clients="127.0.0.6 permit\n")
    told, stop = {}, threading.Event()

    def flood(last):
        while not stop.is_set():
            try:
                word = greeting(i, last)[:9]
            except OSError as e:
                word = type(e).__name__
            told[word] = told.get(word, 0) + 1

    threads = [threading.Thread(target=flood, args=(n,))
               for n in (70, 71, 72)]
    for t in threads:
        t.start()
    sent, until = 0, time.monotonic() + 120
    try:
        while sent <= 40 or told.get("421 4.7.0", 0) <= 2000:
            assert time.monotonic() < until, (sent, told)
            for last in ([6, 5] if sent < 10 else [6]):
                with Client(i, last) as c:
                    assert c.one()[0] == 250
                sent += 1
    finally:
        stop.set()
        for t in threads:
            t.join()
    refused = told.pop("421 4.7.0")
    assert set(told) <= {"220 mx.ex"}, told
    print(f"{refused} refused, {sent} served")


# -- the PROXY protocol

V2 = b"\r\n\r\n\x00\r\nQUIT\n"


def v2_header(last, command=0x21, more=b""):
    body = socket.inet_aton(f"127.0.0.{last}") + socket.inet_aton("127.0.0.1")
    body += (4000).to_bytes(2, "big") + (25).to_bytes(2, "big") + more
    return V2 + bytes([command, 0x11]) + len(body).to_bytes(2, "big") + body


@pytest.fixture
def balanced(new_instance, server):
    """A listener to which 127.0.0.50 is a load balancer."""
    def make(clients="", settings=""):
        i = new_instance(users=["alice", "bob"], files={
            "resolver.conf": server.settings(), "clients": clients})
        i.write("smtpd.conf", "limit_this_host = yes\n" + settings +
                f"listener smtp {{\n\taddress = 127.0.0.1:{i.smtp_port}\n"
                "\tproxy_from = 127.0.0.50 127.0.0.64/30\n}\n")
        return i.start()
    return make


def dialogue(i, *parts, last=50, pause=0.0):
    """What a peer is told that sends this and then QUITs."""
    with socket.create_connection(("127.0.0.1", i.smtp_port), PATIENCE,
                                  (f"127.0.0.{last}", 0)) as s:
        for part in parts:
            s.sendall(part)
            time.sleep(pause)
        f = s.makefile("rb")
        greeting = f.readline().decode()
        if greeting.startswith("220"):
            s.sendall(b"QUIT\r\n")
        return greeting


@pytest.mark.parametrize("header", [
    b"PROXY TCP4 127.0.0.9 127.0.0.1 4000 25\r\n", v2_header(9),
    v2_header(9, more=b"\x04\x00\x05hello")])
def test_a_proxied_client_is_itself(balanced, header):
    i = balanced("127.0.0.8 refuse\n127.0.0.50 refuse\n")
    assert dialogue(i, header).startswith("220")
    i.await_log(event="session-end", client="127.0.0.9")
    assert dialogue(i, header.replace(b"127.0.0.9", b"127.0.0.8")
                    .replace(b"\x7f\0\0\x09", b"\x7f\0\0\x08"),
                    last=65).startswith("554 5.7.1")
    assert refusal(i, what="connection", client="127.0.0.8")
    # In pieces, and with the client's first words right behind it.
    assert dialogue(i, *[header[n:n + 1] for n in range(len(header))],
                    pause=0.01).startswith("220")


def test_a_letter_by_proxy(balanced):
    i = balanced()
    with socket.create_connection(("127.0.0.1", i.smtp_port), PATIENCE,
                                  ("127.0.0.50", 0)) as s:
        f = s.makefile("rb")
        s.sendall(v2_header(9))
        assert f.readline().startswith(b"220")
        s.sendall(b"EHLO x.example\r\n")
        while f.readline()[3:4] == b"-":
            pass
        s.sendall(b"MAIL FROM:<a@example.net>\r\n"
                  b"RCPT TO:<%b>\r\nDATA\r\n" % ALICE.encode())
        while not (line := f.readline()).startswith(b"354"):
            assert line[:1] == b"2", line
        s.sendall(MESSAGE.encode() + b".\r\nQUIT\r\n")
        assert f.readline().startswith(b"250")
    i.await_mail("alice", 1)
    assert b"[127.0.0.9]" in i.messages("alice")[0]


@pytest.mark.parametrize("header", [
    b"EHLO x\r\n", b"PROXY TCP4 127.0.0.9\r\n", v2_header(9, command=0x2f),
    b"PROXY " + b" " * 200])
def test_a_proxy_without_its_header(balanced, header):
    i = balanced()
    assert dialogue(i, header).startswith("421 4.3.5")
    assert refusal(i, what="connection")["reason"] == "NO_PROXY_HEADER"


def test_a_header_from_anybody_else(balanced):
    """He would choose who he is."""
    i = balanced("127.0.0.9 refuse\n", "greeting_delay = 1s\n")
    for header in (b"PROXY TCP4 127.0.0.9 127.0.0.1 4000 25\r\n",
                   v2_header(9)):
        assert dialogue(i, header, last=5).startswith("554 5.5.1")
    assert not i.log(event="refused", client="127.0.0.9")


def test_local_is_the_proxy_itself(balanced):
    i = balanced()
    for header in (V2 + b"\x20\0\0\0", b"PROXY UNKNOWN\r\n"):
        assert dialogue(i, header).startswith("220")
    i.await_log(2, event="session-end", client="127.0.0.50")


def test_proxies_that_say_nothing(balanced):
    """They cost no session, and go when their time is over."""
    i = balanced(settings="max_sessions = 5\n")
    quiet = [socket.create_connection(("127.0.0.1", i.smtp_port), PATIENCE,
                                      ("127.0.0.50", 0)) for _ in range(8)]
    assert greeting(i, 5).startswith("220")
    deadline = time.monotonic() + 15
    for s in quiet:
        s.settimeout(max(deadline - time.monotonic(), 0.1))
        assert s.recv(100).startswith(b"421 4.3.")
        s.close()
    # Gone in the middle of a header.
    s = socket.create_connection(("127.0.0.1", i.smtp_port), PATIENCE,
                                 ("127.0.0.50", 0))
    s.sendall(b"PROXY TC")
    s.close()
    i.await_log(9, event="refused", what="connection", client="127.0.0.50")

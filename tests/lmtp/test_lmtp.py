"""LMTP (RFC 2033) in a whole instance: by Python's client, over a Unix socket
and over TCP; who may connect; what is durable; and that who owns the process
can relay nothing."""

import grp
import os
import smtplib
import socket
import stat

import pytest

from support.instance import DOMAIN, Instance
from support.slots import Slot
from tls.authority import Pair

LETTER = b"From: a@example.net\r\nSubject: by LMTP\r\n\r\nhello\r\n"
ALICE, BOB = f"alice@{DOMAIN}", f"bob@{DOMAIN}"
TO = [ALICE, f"nobody@{DOMAIN}", BOB, "x@elsewhere.example"]


class Lmtp(smtplib.LMTP):
    """Python's client takes one reply to the message; RFC 2033 section 4.2
    has one for each recipient."""

    def lhlo(self):
        return self.ehlo()	# it says LHLO

    def deliver(self, sender, to, letter, options=()):
        """{address: (code, text)} of its RCPT, or of the message."""
        self.ehlo_or_helo_if_needed()
        assert self.mail(sender, options)[0] == 250
        got = {a: self.rcpt(a) for a in to}
        taken = [a for a in to if got[a][0] == 250]
        assert self.docmd("DATA")[0] == 354
        self.send(letter + b".\r\n")
        for a in taken:
            got[a] = self.getreply()
        return got


class Site(Instance):
    def __init__(self, folder, listener="", more="", **options):
        slot = Slot()
        self.lmtp_port = slot.port(4)
        listener = listener.replace("PORT", str(self.lmtp_port))
        super().__init__(folder, slot=slot, files={
            "smtpd.conf": f"listener lmtp {{\n\tservice = lmtp\n{listener}}}\n"
            + more, **options.pop("files", {})}, **options)

    @property
    def socket(self):
        return str(self.run / "lmtp")

    def lmtp(self, tcp=False):
        if tcp:
            return Lmtp("127.0.0.1", self.lmtp_port,
                                local_hostname="front.example.net")
        return Lmtp(self.socket, local_hostname="front.example.net")


@pytest.fixture
def site(tmp_path):
    made = []

    def make(*args, **options):
        made.append(Site(tmp_path / f"site{len(made)}", *args, **options))
        return made[-1]

    yield make
    for i in made:
        i.close()


BOTH = "\tsocket = lmtp\n\taddress = 127.0.0.1:PORT\n"


@pytest.mark.parametrize("tcp", [False, True])
def test_a_message_to_several(site, tcp):
    with site(BOTH).start() as i:
        with i.lmtp(tcp) as c:
            got = c.deliver("a@example.net", TO, LETTER, ["BODY=8BITMIME"])
            assert [got[a][0] for a in TO] == [250, 550, 250, 550]
            assert got[TO[1]][1].startswith(b"5.1.1")
            assert got[TO[3]][1].startswith(b"5.7.1")
            assert got[BOB][1].endswith(f" for <{BOB}>".encode())
            # One recipient is all that Python's own method can do.
            assert c.sendmail("b@example.net", [BOB], LETTER) == {}
        for name, n in (("alice", 1), ("bob", 2)):
            i.await_mail(name, n)
            for m in i.messages(name):
                assert m.replace(b"\r\n", b"\n").endswith(
                    b"\n\nhello\n") and b"with LMTP id" in m
        [line] = i.log(event="message-accepted", stage="smtpd-lmtp",
                       recipients=2)
        assert line["client"] == ("127.0.0.1" if tcp else "uid=0")


def test_a_process_and_a_uid_of_its_own(site):
    with site().start() as i:
        [l] = i.log(event="process-ready", uid=i.slot.uid_base + 3)
        others = {r["uid"] for r in i.log(event="process-ready")
                  if r["process-id"] != l["process-id"]}
        assert l["uid"] not in others
        assert "smtpd-lmtp" in i.command("status").stdout


def test_no_process_where_there_is_no_listener(tmp_path):
    with Instance(tmp_path / "one").start() as i:
        assert not i.log(stage="smtpd-lmtp")
        assert "smtpd-lmtp" not in i.command("status").stdout
        assert not (i.run / "lmtp").exists()


def test_durable_before_its_reply(site):
    """The replies come with everything behind the queue stopped: they promise
    what any 250 here does, and the mail arrives after a power cut's like."""
    with site().start() as i:
        i.kill("local-delivery")
        with i.lmtp() as c:
            got = c.deliver("a@example.net", [ALICE, BOB], LETTER)
            assert {code for code, _ in got.values()} == {250}
        i.kill_all()
        i.start()
        # What a worker had in hand that was killed first is put off, if the
        # others live a moment longer.
        assert i.command("queue", "retry", "all").returncode == 0
        i.await_mail("alice", 1)
        i.await_mail("bob", 1)


def test_the_rights_of_the_socket(site):
    group = next(g for g in grp.getgrall() if g.gr_gid > 0)
    with site(f"\tsocket = front\n\tsocket_mode = 0660\n"
              f"\tsocket_group = {group.gr_name}\n").start() as i:
        st = os.stat(i.run / "front")
        assert stat.S_ISSOCK(st.st_mode)
        assert stat.S_IMODE(st.st_mode) == 0o660
        assert (st.st_uid, st.st_gid) == (0, group.gr_gid)
        # The kernel keeps everybody else away.
        pid = os.fork()
        if pid == 0:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            with socket.socket(socket.AF_UNIX) as s:
                os._exit(s.connect_ex(str(i.run / "front")) == 0)
        assert os.waitpid(pid, 0)[1] == 0
        # It is made again by the next start, and another one's file stays.
        i.stop()
        i.start()
        with Lmtp(str(i.run / "front")) as c:
            assert c.lhlo()[0] == 250


def test_a_socket_elsewhere(site, tmp_path):
    where = tmp_path / "private" / "bulkhead"
    where.parent.mkdir()
    with site(f"\tsocket = {where}\n\tsocket_mode = 0600\n").start() as i:
        assert stat.S_IMODE(os.stat(where).st_mode) == 0o600
        with Lmtp(str(where)) as c:
            assert c.sendmail("a@example.net", [ALICE], LETTER) == {}
        i.await_mail("alice", 1)


def test_a_file_in_the_way_is_nobodys_socket(site, tmp_path):
    where = tmp_path / "precious"
    where.write_text("keep me")
    i = site(f"\tsocket = {where}\n")
    with pytest.raises(AssertionError, match="did not start"):
        i.start()
    assert where.read_text() == "keep me"


def test_strangers_are_turned_away(site):
    """By TCP only those who are named; nobody is by an empty list."""
    i = site(BOTH + '\tlmtp_from = 192.0.2.0/24\n')
    with i.start():
        with pytest.raises(smtplib.SMTPConnectError) as e:
            i.lmtp(tcp=True)
        assert e.value.smtp_code == 421
        assert i.await_log(event="refused", reason="LMTP_STRANGER")
        with i.lmtp() as c:	# the socket has its own rights
            assert c.lhlo()[0] == 250
        i.write("smtpd.conf", (i.conf / "smtpd.conf").read_text().replace(
            "192.0.2.0/24", "127.0.0.1"))
        assert i.command("reload").returncode == 0
        i.await_log(event="reloaded", stage="smtpd-lmtp")
        with i.lmtp(tcp=True) as c:
            assert c.lhlo()[0] == 250


def test_no_policy_and_no_relaying(site):
    """Networks that may relay by port 25 may not here; and what keeps port 25
    from strangers does not ask about this client."""
    settings = "relay_networks = loopback\n"
    i = site(BOTH, "greylist = yes\nlimit_this_host = yes\n",
             settings=settings, files={"clients": "127.0.0.1 refuse\n"})
    with i.start():
        with i.lmtp(tcp=True) as c:
            c.lhlo()
            assert c.mail("a@example.net")[0] == 250
            code, text = c.rcpt("x@elsewhere.example")
            assert (code, text[:5]) == (550, b"5.7.1")
            assert c.rcpt(ALICE)[0] == 250


def test_relay_domains_are_no_mailboxes(site):
    i = site(files={"domains": f"{DOMAIN}\nfar.example relay\n"})
    with i.start(), i.lmtp() as c:
        c.lhlo()
        c.mail("a@example.net")
        assert c.rcpt("x@far.example")[0] == 550
        assert c.rcpt(ALICE)[0] == 250


def test_tls_by_tcp_and_none_by_the_socket(site, tmp_path):
    pair = Pair(tmp_path, "mx")
    i = site(BOTH, settings=pair.block())
    with i.start():
        with i.lmtp() as c:
            c.lhlo()
            assert not c.has_extn("starttls")
        with i.lmtp(tcp=True) as c:
            c.lhlo()
            assert c.has_extn("starttls")
            assert c.docmd("STARTTLS")[0] == 220
            import ssl
            context = ssl._create_unverified_context()
            c.sock = context.wrap_socket(c.sock)
            c.file = None
            c.ehlo_resp = c.helo_resp = None
            c.esmtp_features = {}
            assert c.lhlo()[0] == 250
            c.mail("a@example.net")
            c.rcpt(ALICE)
            assert c.docmd("DATA")[0] == 354
            c.send(LETTER + b".\r\n")
            assert c.getreply()[0] == 250
        i.await_mail("alice", 1)
        assert b"with LMTPS id" in i.messages("alice")[0]


def test_check_names_line_and_remedy(site, tmp_path):
    # A second port 25 would be in use: only what the checker says of it.
    i = site("\taddress = 127.0.0.1:25\n\tsocket = a/b\n"
             "\tsocket_group = no-such-group-here\n\tlmtp_from = x\n",
             "listener odd {\n\tsocket = odd\n}\n")
    r = i.command("check")
    assert r.returncode != 0
    said = r.stdout + r.stderr
    for words in ("RFC 2033", "without a slash", "no network",
                  "only a listener with service = lmtp",
                  "such as *:25"):
        assert words in said, said
    i.write("smtpd.conf", "listener lmtp {\n\tservice = lmtp\n"
            "\tsocket_group = no-such-group-here\n}\n")
    said = i.command("check").stdout + i.command("check").stderr
    assert "no-such-group-here" in said and "smtpd.conf:1" in said, said

"""tlskeyd: killed, reloaded, asked for what it does not give."""

import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest

from support.instance import PATIENCE, SANITIZED, Instance

from .authority import Pair, make
from .conftest import Secured

pytestmark = pytest.mark.xdist_group("tls-keys")


def serial(instance, host="mx.example.org"):
    """Of the certificate that is shown to a client for this name."""
    c = instance.smtp()
    context = ssl._create_unverified_context()
    c._host = host
    c.starttls(context=context)
    der = c.sock.getpeercert(True)
    c.quit()
    return der


def await_other(instance, former, host="mx.example.org"):
    deadline = time.monotonic() + PATIENCE
    while (now := serial(instance, host)) == former:
        assert time.monotonic() < deadline, instance.tail()
        time.sleep(0.05)
    return now


def test_killed_under_handshakes(tmp_path):
    """Clients get 454 or a broken handshake; everything recovers, and who was
    secured before does not notice."""
    with Secured(tmp_path / "i", [Pair(tmp_path, "rsa", "rsa")]) as i:
        i.start()
        steady = i.smtp()
        steady._host = "mx.example.org"
        steady.starttls(context=i.trust())
        outcomes, stop = [], threading.Event()

        def client():
            while not stop.is_set():
                try:
                    serial(i)
                    outcomes.append("secured")
                except OSError as e:		# also ssl.SSLError
                    outcomes.append(type(e).__name__)
                except Exception as e:
                    outcomes.append(str(e)[:40])

        threads = [threading.Thread(target=client) for _ in range(6)]
        for t in threads:
            t.start()
        for _ in range(6):
            time.sleep(0.4)
            i.kill("tlskeyd")
        deadline = time.monotonic() + PATIENCE
        time.sleep(3)		# its delay of restart has grown
        before = outcomes.count("secured")
        while outcomes.count("secured") < before + 10:
            assert time.monotonic() < deadline, set(outcomes)
            time.sleep(0.05)
        stop.set()
        for t in threads:
            t.join(PATIENCE)
        assert steady.noop()[0] == 250
        steady.quit()
        assert serial(i)
        assert not i.log(event="process-ended", process="smtpd")


def test_454_while_it_is_away(tmp_path):
    with Secured(tmp_path / "i", [Pair(tmp_path, "ec")]) as i:
        i.start()
        c = i.smtp()
        c.ehlo()
        pid, = i.pids("tlskeyd")
        os.kill(pid, signal.SIGKILL)
        codes = set()
        for _ in range(40):
            code = c.docmd("STARTTLS")[0]
            codes.add(code)
            if code == 220:
                break
            assert code == 454
            time.sleep(0.02)
            c = i.smtp()
            c.ehlo()
            assert c.has_extn("starttls")
        i.await_log(n=2, event="process-ready", process="tlskeyd")
        assert await_secured(i)


DOORS = [("smtpd", "smtp_port", b"220 ", b"STARTTLS\r\n",
          rb"220 2\.0\.0|454 4\.7\.0"),
         ("pop3d", "pop_port", b"+OK", b"STLS\r\n", rb"\+OK|-ERR"),
         ("imapd", "imap_port", b"* OK", b"a STARTTLS\r\n", rb"a OK|a NO")]


def starttls_of(s, command, answer):
    """True where it may begin, False where it is refused."""
    got = b""
    if command == b"STARTTLS\r\n":
        s.sendall(b"EHLO x\r\n")	# and wait: RFC 2920 section 3.1
        while not re.search(rb"^250 ", got, re.M):
            got += s.recv(4096)
    s.sendall(command)
    while not (m := re.search(rb"^(?:%s)" % answer, got, re.M)):
        more = s.recv(4096)
        assert more, got
        got += more
    return m[0][:3] in (b"220", b"+OK", b"a O")


@pytest.mark.parametrize("patient", [True, False])
def test_doors_wait_for_keys(tmp_path, patient):
    """A server that has just been started greets nobody before it can serve
    TLS; and everybody when tlskeyd is not there for too long."""
    with Secured(tmp_path / "i", [Pair(tmp_path, "ec")]) as i:
        i.start()
        i.kill("tlskeyd", signal.SIGSTOP)
        for stage, *_ in DOORS:
            i.kill(stage)
            i.await_log(n=2 if stage != "smtpd" else 4,
                        event="process-ready", process=stage)
        clients = [socket.create_connection(("127.0.0.1", getattr(i, port)),
                                            PATIENCE)
                   for _, port, *_ in DOORS]
        if patient:
            for s in clients:
                s.settimeout(0.3)
                with pytest.raises(TimeoutError):
                    s.recv(1)
                s.settimeout(PATIENCE)
            i.kill("tlskeyd", signal.SIGCONT)
        for s, (_, _, greeting, command, answer) in zip(clients, DOORS):
            got = b""
            while not got.endswith(b"\r\n"):
                got += s.recv(1000)
            assert got.startswith(greeting)
            assert starttls_of(s, command, answer) is patient
            s.close()
        i.kill("tlskeyd", signal.SIGCONT)
        assert await_secured(i)


def await_secured(i):
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return serial(i)
        except Exception:
            assert time.monotonic() < deadline, i.tail()
            time.sleep(0.05)


def test_reload(tmp_path):
    """A new pair is used, a broken one is not, and no session is dropped."""
    pair = Pair(tmp_path, "mx", "rsa")
    with Secured(tmp_path / "i", [pair]) as i:
        i.start()
        first = serial(i)
        steady = i.smtp()
        steady._host = "mx.example.org"
        steady.starttls(context=i.trust())

        make(pair.chain, pair.key, "ec")
        assert i.command("reload").returncode == 0
        second = await_other(i, first)

        # A key that belongs to another: told at once, and nothing changes.
        good = pair.key.read_bytes()
        make(tmp_path / "x.pem", pair.key, "ec")
        r = i.command("reload")
        assert r.returncode == 78 and "is not the key of" in r.stderr
        # By the signal nobody is asked before; the stages refuse it.
        i.supervisor.send_signal(signal.SIGHUP)
        i.await_log(event="key-refused")
        assert serial(i) == second
        pair.key.write_bytes(good)

        for broken in b"", b"nonsense\n", b"-----BEGIN CERTIFICATE-----\nx\n":
            n = len(i.log(event="certificate-refused", stage="smtpd"))
            pair.chain.write_bytes(broken)
            i.supervisor.send_signal(signal.SIGHUP)
            i.await_log(n + 1, event="certificate-refused", stage="smtpd")
            assert serial(i) == second
        n = len(i.log(event="certificate-refused", stage="smtpd"))
        os.rename(pair.chain, tmp_path / "away")
        i.supervisor.send_signal(signal.SIGHUP)
        i.await_log(n + 1, event="certificate-refused", stage="smtpd")
        assert serial(i) == second

        # A key of its own kind, renewed with the same key.
        subprocess.run(["openssl", "req", "-x509", "-key", pair.key, "-out",
                        pair.chain, "-days", "30", "-subj",
                        "/CN=mx.example.org", "-addext",
                        "subjectAltName=DNS:mx.example.org"], check=True,
                       capture_output=True)
        assert i.command("reload").returncode == 0
        await_other(i, second)
        assert steady.noop()[0] == 250
        steady.quit()


def test_blocks_come_and_go(tmp_path):
    one = Pair(tmp_path, "one")
    two = Pair(tmp_path, "two", hosts=("two.example.net",))
    with Secured(tmp_path / "i", [one]) as i:
        i.start()
        text = (i.conf / "bulkhead.conf").read_text()
        only = serial(i, "two.example.net")
        i.write("bulkhead.conf", text + two.block())
        assert i.command("reload").returncode == 0
        await_other(i, only, "two.example.net")
        i.write("bulkhead.conf", text)
        assert i.command("reload").returncode == 0
        deadline = time.monotonic() + PATIENCE
        while serial(i, "two.example.net") != only:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_key_is_for_its_stages(tmp_path):
    """What is not meant for smtpd, smtpd does not get."""
    pair = Pair(tmp_path, "mx")
    with Instance(tmp_path / "i",
                  settings=pair.block("\tstages = imapd\n")) as i:
        i.start()
        i.await_log(event="certificate-in-use", stage="imapd")
        assert "STARTTLS" in i.imap().capabilities
        c = i.smtp()
        c.ehlo()
        assert not c.has_extn("starttls")
        assert not i.log(event="certificate-in-use", stage="smtpd")


def test_rate(tmp_path):
    with Secured(tmp_path / "i", [Pair(tmp_path, "ec")],
                 files={"tlskeyd.conf": "signatures_per_second = 1\n"}) as i:
        i.start()
        failed = 0
        for _ in range(8):
            try:
                serial(i)
            except OSError:
                failed += 1
        assert 1 <= failed < 8
        i.await_log(event="signatures-limited", peer="smtpd")
        time.sleep(1.2)
        assert serial(i)


def test_expiry_is_told(tmp_path):
    with Secured(tmp_path / "i", [Pair(tmp_path, "mx", days=10)]) as i:
        i.start()
        line, = i.log(event="certificate-expires")
        assert line["certificate"] == "mx" and line["days"] in ("9", "10")
        r = i.command("check")
        assert r.returncode == 0
        assert re.search(r"certificate mx expires in (9|10) days", r.stderr)


def test_wrong_blocks(tmp_path):
    pair = Pair(tmp_path, "mx")
    other = Pair(tmp_path, "other")
    i = Instance(tmp_path / "i")
    text = (i.conf / "bulkhead.conf").read_text()
    try:
        for block, wanted in (
                (pair.block("\tstages = queue-manager\n"), "serves no TLS"),
                (f"certificate x {{\n\tchain = {pair.chain}\n}}\n", "key"),
                (f"certificate x {{\n\tchain = {pair.chain}\n"
                 f"\tkey = {other.key}\n}}\n", "is not the key of"),
                (f"certificate x {{\n\tchain = {pair.key}\n"
                 f"\tkey = {pair.key}\n}}\n", "no PEM certificate"),
                (f"certificate x {{\n\tchain = {pair.chain}\n"
                 f"\tkey = /nowhere\n}}\n", "/nowhere")):
            i.write("bulkhead.conf", text + block)
            r = i.command("check")
            assert r.returncode == 78, block
            assert wanted in r.stderr, r.stderr
        i.write("bulkhead.conf", text + pair.block())
        os.chmod(pair.key, 0o644)
        r = i.command("check")
        assert r.returncode == 78 and "chmod 600" in r.stderr
    finally:
        i.close()


def start(i):
    """As an operator does; the log outlives the command."""
    with open(i.log_path, "ab") as log:
        subprocess.run([i.programs / "bulkhead", "-C", i.conf, "start"],
                       stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                       timeout=PATIENCE, check=True)


def test_self_signed(tmp_path):
    """Where none is named, start makes one, and TLS is on."""
    i = Instance(tmp_path / "i")
    own = i.folder / "state" / "self-signed"
    try:
        start(i)
        i.await_log(event="certificate-in-use", certificate="self-signed",
                    stage="smtpd")
        first = await_secured(i)
        assert (own / "key.pem").stat().st_mode & 0o777 == 0o600
        assert own.stat().st_mode & 0o777 == 0o700
        for path in own, own / "key.pem", own / "chain.pem":
            assert path.stat().st_uid == 0
        shown = subprocess.run(
            ["openssl", "x509", "-in", own / "chain.pem", "-noout", "-text"],
            capture_output=True, text=True).stdout
        assert "DNS:mx.example.org" in shown
        assert i.command("stop").returncode == 0
        # Kept as long as it will do; made anew when it will not.
        start(i)
        assert await_secured(i) == first
        (own / "key.pem").write_text("broken\n")
        assert i.command("reload").returncode == 0
        await_other(i, first)
        assert i.command("stop").returncode == 0
    finally:
        if i.processes():
            i.command("stop")
        shutil.rmtree(i.run, ignore_errors=True)
        i.slot.free()


@pytest.mark.skipif(SANITIZED, reason="shadow memory is too much to read")
def test_the_keys_are_nowhere_else(tmp_path):
    """The secret number of the key, looked for in the memory of each process:
    only tlskeyd has it."""
    pair = Pair(tmp_path, "rsa", "rsa")
    with Secured(tmp_path / "i", [pair]) as i:
        i.start()
        serial(i)
        text = subprocess.run(["openssl", "rsa", "-in", pair.key, "-noout",
                               "-text"], capture_output=True,
                              text=True).stdout
        prime = re.search(r"prime1:\s+((?:[0-9a-f]{2}[:\s]+)+)", text)[1]
        octets = bytes.fromhex(re.sub(r"[:\s]", "", prime)).lstrip(b"\0")
        # OpenSSL keeps numbers in words, the least one first.
        needles = octets[32:64], octets[::-1][32:64]
        found = {}
        for pid, program in i.processes():
            found[program] = found.get(program, 0) + holds(pid, needles)
        assert found.pop("tlskeyd") > 0
        assert set(found.values()) == {0}, found
        assert len(found) > 8


def holds(pid, needles):
    n = 0
    with open(f"/proc/{pid}/maps") as maps, \
            open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            span, mode, *_ = line.split()
            if not mode.startswith("rw"):
                continue
            start, end = (int(x, 16) for x in span.split("-"))
            try:
                memory.seek(start)
                data = memory.read(end - start)
            except (OSError, ValueError, OverflowError):
                continue
            n += sum(data.count(x) for x in needles)
    return n

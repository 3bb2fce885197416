"""The third act: one mailbox by IMAP, by POP3 and by mutt at once, while mail
arrives."""

import fcntl
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import termios
import time

import screen
from ship import PATIENCE, Failure


class Lines:
    """A line-by-line dialogue, shown."""

    def __init__(self, port, mark):
        self.mark = mark
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.file = self.socket.makefile("rb")

    def say(self, text, shown=None):
        screen.line(f"{self.mark} C:", shown or text, "yellow")
        self.socket.sendall(text.encode() + b"\r\n")

    def until(self, *wanted):
        """Read on to a line that has one of these words."""
        while True:
            text = self.file.readline().decode("utf-8", "replace").rstrip()
            if not text:
                raise Failure(f"{self.mark}: the connection has ended")
            screen.line(f"{self.mark} S:", text, "green")
            if any(w in text for w in wanted):
                return text

    def close(self):
        self.file.close()
        self.socket.close()


class Mutt:
    """On a terminal of its own, as the mailbox's owner, who needs nobody's
    leave to read the files.  Keys are pressed when it waits for some."""

    def __init__(self, home, uid):
        if not all(p.stat().st_mode & 0o001 for p in home.parents):
            uid = 0		# where only root comes to the mailbox
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.setgroups([])
                os.setgid(uid)
                os.setuid(uid)
                os.chdir(home)
                os.execvpe("mutt", [
                    "mutt", "-n", "-F", "/dev/null", "-e",
                    "set quit=yes wait_key=no timeout=1 mail_check=1 "
                    f"mark_old=no sort=mailbox-order folder={home}/Maildir",
                    "-f", f"{home}/Maildir"],
                    {"PATH": os.environ.get("PATH", "/usr/bin:/bin"),
                     "TERM": "xterm", "HOME": str(home), "USER": "bob",
                     "LC_ALL": "C"})
            finally:
                os._exit(127)

        fcntl.ioctl(self.fd, termios.TIOCSWINSZ,
                    struct.pack("HHHH", 24, 80, 0, 0))

    def await_text(self, text):
        """Read what it paints until this is there."""
        seen, deadline = b"", time.monotonic() + PATIENCE
        while text not in seen:
            if time.monotonic() > deadline:
                raise Failure(f"mutt does not show {text}: {seen[-300:]}")
            seen += self.painted(0.2)

    def painted(self, seconds):
        if not select.select([self.fd], [], [], seconds)[0]:
            return b""
        try:
            return os.read(self.fd, 65536)
        except OSError:
            raise Failure("mutt has ended by itself") from None

    def press(self, keys):
        os.write(self.fd, keys.encode())

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


class Together:
    def __init__(self, ship):
        self.ship = ship
        self.open = []

    def connect(self, kind):
        c = Lines(self.ship.ports[kind], kind.upper())
        self.open.append(c)
        return c

    def imap(self):
        ship, c = self.ship, self.connect("imap")
        c.until("OK")
        c.say(f"a LOGIN {ship.address('bob')} {ship.passwords['bob']}",
              f"a LOGIN {ship.address('bob')} ...")
        c.until("a OK")
        c.say("b SELECT INBOX")
        c.until("b OK")
        c.say("c IDLE")
        c.until("+ ")
        return c

    def pop3(self):
        ship, c = self.ship, self.connect("pop3")
        c.until("+OK")
        c.say(f"USER {ship.address('bob')}")
        c.until("+OK")
        c.say(f"PASS {ship.passwords['bob']}", "PASS ...")
        c.until("+OK")
        c.say("STAT")
        if "+OK 1 " not in c.until("+OK"):
            raise Failure("one message was expected")
        return c

    def letter(self):
        ship = self.ship
        argv = [f"{ship.programs}/bulkhead-sendmail", "-C", str(ship.conf),
                ship.address("bob")]
        screen.command("printf 'Subject: Land!\\n\\n...' | "
                       + " ".join(["sendmail", *argv[1:]]))
        subprocess.run(argv, input=b"Subject: Land!\n\nAhead.\n", check=True,
                       timeout=PATIENCE)

    def watch(self, imap, pop3, mutt):
        self.letter()
        imap.until("* 2 EXISTS")
        screen.done("the phone has it at once: nothing was asked")
        pop3.say("STAT")
        if "+OK 1 " not in pop3.until("+OK"):
            raise Failure("a POP3 session sees what it began with")
        screen.done("a POP3 session sees what it began with (RFC 1939)")
        # The last message is the new one: flag it, and write that down.
        screen.say("  mutt: the keys * F $ (the last one, important, save)")
        mutt.await_text(b"Land!")
        mutt.press("*F$")
        mutt.await_text(b"kept")
        imap.until("\\Flagged")
        screen.done("what mutt did to the file's name the phone is told")
        imap.say("DONE")
        imap.until("c OK")
        imap.say("d STORE 2 +FLAGS (\\Seen)")
        imap.until("d OK")
        pop3.say("DELE 1")
        pop3.until("+OK")
        pop3.say("QUIT")
        pop3.until("+OK")
        imap.say("e NOOP")
        imap.until("EXPUNGE")
        imap.until("e OK")
        where = self.ship.home("bob") / "Maildir"
        left = [p for sub in ("new", "cur") for p in (where / sub).iterdir()]
        if len(left) != 1 or not {"F", "S"} <= set(
                left[0].name.partition(":2,")[2]):
            raise Failure(f"not what all three have made of it: {left}")
        screen.say("  What all three have made of it:")
        screen.say(f"    {left[0].relative_to(self.ship.folder)}", "bold")

    def run(self, number):
        screen.chapter(number, "Act three: one mailbox, three programs")
        screen.note("Bob's mailbox is open by IMAP, as on a phone that waits "
                    "for mail (IDLE); by POP3; and by mutt, which knows "
                    "nothing of Bulkhead and works on the files. Then a "
                    "letter comes.")
        home = self.ship.home("bob")
        mutt = Mutt(home, os.stat(home).st_uid)
        try:
            imap, pop3 = self.imap(), self.pop3()
            mutt.await_text(b"picture")
            self.watch(imap, pop3, mutt)
            screen.done("nobody had to wait for another, and nothing is lost")
        finally:
            mutt.close()
            for c in self.open:
                c.close()
        return number + 1

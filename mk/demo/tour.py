#!/usr/bin/python3
"""make demo: a mail system on loopback and three letters through it; then a
second one, and mail between the two, by DANE, also while one is away; one
mailbox by IMAP, POP3 and mutt at once; and the doors left open until Ctrl-C.

    tour.py BUILD

Its directories are fresh ones under /var/tmp, or under $BULKHEAD_DEMO_DIR.  The
status is 0 only when every step succeeded.
"""

import email
import email.policy
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time

import letters
import screen
from ship import DOMAIN, PATIENCE, Failure, Ship
from together import Together
from voyage import Voyage


class Dialogue:
    """SMTP, shown as it is spoken."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.file = self.socket.makefile("rb")

    def reply(self, want):
        while True:
            text = self.file.readline().decode("utf-8", "replace").rstrip()
            screen.line("S:", text, "green")
            if len(text) < 4 or text[3] != "-":
                break
        if not text.startswith(want):
            raise Failure(f"the reply was not {want} but: {text}")
        return text

    def command(self, text, want):
        screen.line("C:", text, "yellow")
        self.socket.sendall(text.encode() + b"\r\n")
        return self.reply(want)

    def data(self, content):
        lines = content.split(b"\r\n")[:-1]
        shown = [l.decode("utf-8", "replace") for l in lines]
        for i, text in enumerate(shown):
            if i == 14 and len(shown) > 18:
                screen.line("C:", f"... {len(shown) - 16} lines more ...",
                            "dim")
            if i < 14 or len(shown) <= 18 or i >= len(shown) - 2:
                screen.line("C:", ("." if text.startswith(".") else "") + text,
                            "dim")
        self.socket.sendall(b"".join(
            (b"." if l.startswith(b".") else b"") + l + b"\r\n"
            for l in lines))
        return self.command(".", "250")

    def close(self):
        self.command("QUIT", "221")
        self.socket.close()


class Tour:
    def __init__(self, build):
        self.build = build
        self.ship = None
        self.voyage = None
        self.sent = []		# (name, message, octets, queue id)
        self.over = False

    # -- the chapters

    def set_up(self):
        screen.chapter(1, "A ship of its own")
        ship = self.ship
        screen.note(f"Everything of this instance is in {ship.folder}; its "
                    "ports are on loopback, and its uids belong to nobody "
                    "else. There is nothing to configure but that.")
        ship.configure()
        self.voyage.prepare()
        for name in ("alice", "bob"):
            screen.command(ship.shown("user", "add", ship.address(name)))
            screen.done(ship.add_user(name))
        screen.command(ship.shown("check"))
        screen.done(ship.must("check").stdout.strip())
        screen.command(ship.shown("start"))
        ship.start()
        rows = ship.status()
        screen.done(f"{len(rows)} processes are ready")
        screen.table([(name, uid, pid) for name, pid, uid, _ in rows],
                     ("process", "uid", "pid"))
        screen.note("Only supervisor is root's. Every other process has a uid "
                    "of its own, no capabilities, a root directory that is "
                    "empty or holds nothing but its own files, and a list of "
                    "the system calls that it may make.")

    def send(self, number, title, name, message, why, eight_bit=False):
        screen.chapter(number, title)
        screen.note(why)
        ship = self.ship
        content = message.as_bytes(policy=letters.POLICY)
        d = Dialogue(ship.ports["smtp"])
        d.reply("220")
        d.command("EHLO quay.elsewhere.example", "250")
        d.command(f"MAIL FROM:<{letters.SENDER}>"
                  + (" BODY=8BITMIME" if eight_bit else ""), "250")
        d.command(f"RCPT TO:<{ship.address(name)}>", "250")
        d.command("DATA", "354")
        reply = d.data(content)
        d.close()
        found = re.search(r"\b[0-9a-f]{12,16}\b", reply)
        if found is None:
            raise Failure(f"no queue id in the reply: {reply}")
        self.sent.append((name, message, content, found[0]))
        screen.done(f"250 was said when the message was on disk: queue id "
                    f"{found[0]}")
        self.follow(name, found[0])

    def follow(self, name, queue_id):
        """The way through the compartments, out of the log."""
        ship = self.ship
        count = sum(1 for n, *_ in self.sent if n == name)
        path = ship.await_message(name, count)
        ship.log.await_event(queue_id, "queue-manager")
        time.sleep(0.1)		# the last lines of the log
        rows = [(l.get("time", "")[11:23], l.get("stage", "?"),
                 l["uid"] if l["uid"] is not None else "ended",
                 l.get("event", ""))
                for l in ship.log.about(queue_id)]
        screen.say("  Its path, from the log, and the process that wrote it:")
        screen.table(rows + self.worker(name),
                     ("time", "stage", "uid", "event"))
        self.maildir(name, path)

    def worker(self, name):
        """The owner's own process; it stays for a while."""
        account = f"virtual:{self.ship.home(name).name}"
        found = [(process, uid) for process, _, uid, whose in
                 self.ship.status() if whose == account
                 and process == "local-delivery-worker"]
        if not found:
            raise Failure(f"no delivery worker runs for {account}:\n"
                          + self.ship.tail())
        return [("", process, uid, f"wrote the file, for {account}")
                for process, uid in found]

    def maildir(self, name, path):
        ship = self.ship
        st = path.stat()
        screen.say("  The file:")
        screen.say(f"    {path.relative_to(ship.folder)}", "bold")
        screen.line(" ", f"{stat.filemode(st.st_mode)} uid {st.st_uid}, "
                    f"{st.st_size} octets")
        with open(path, "rb") as f:
            for raw in f.read(4096).split(b"\n")[:9]:
                screen.line("|", raw.decode("utf-8", "replace"), "dim")
        if st.st_uid in (0, os.getuid()):
            raise Failure(f"the file belongs to uid {st.st_uid}")
        screen.done(f"delivered as {name}'s own uid, {st.st_uid}")

    # -- reading

    def curl(self, name, url):
        """The password goes by standard input: arguments are for all to see."""
        user = self.ship.address(name)
        screen.command(f"curl --user {user} '{url}'")
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--max-time", str(PATIENCE),
             "--config", "-", url], capture_output=True,
            input=f'user = "{user}:{self.ship.passwords[name]}"\n'.encode())
        if done.returncode != 0:
            raise Failure(f"curl: {done.stderr.decode().strip()}\n"
                          + self.ship.tail(10))
        return done.stdout

    def show(self, octets, lines=12):
        shown = octets.decode("utf-8", "replace").splitlines()
        for text in shown[:lines]:
            screen.line("|", text, "dim")
        if len(shown) > lines:
            screen.line("|", f"... {len(shown) - lines} lines more", "dim")

    def compare(self, fetched, number):
        """What was read is what was sent, with trace fields before it."""
        _, _, content, queue_id = self.sent[number]
        text = fetched.replace(b"\r\n", b"\n")
        if not text.rstrip(b"\n").endswith(
                content.replace(b"\r\n", b"\n").rstrip(b"\n")):
            raise Failure("what was read is not what was sent")
        if queue_id.encode() not in text:
            raise Failure("the Received field does not name the queue id")

    def read_by_pop3(self):
        screen.chapter(5, "Alice reads by POP3, with curl")
        url = f"pop3://127.0.0.1:{self.ship.ports['pop3']}"
        listing = self.curl("alice", url + "/")
        self.show(listing)
        if len(listing.split(b"\n")) < 3:
            raise Failure("two messages were expected")
        for number in (1, 2):
            fetched = self.curl("alice", f"{url}/{number}")
            self.show(fetched, 30 if number == 2 else 16)
            self.compare(fetched, number - 1)
        screen.done("both letters arrived octet for octet")
        screen.note("The process that spoke before the login never saw the "
                    "mailbox; the one that reads the mailbox is Alice's own, "
                    "jailed in it, and never saw the password.")

    def read_by_imap(self):
        screen.chapter(6, "Bob reads by IMAP, with curl")
        url = f"imap://127.0.0.1:{self.ship.ports['imap']}"
        self.show(self.curl("bob", url + "/"))
        self.show(self.curl("bob", url + "/INBOX?ALL"))
        fetched = self.curl("bob", url + "/INBOX;MAILINDEX=1")
        self.show(fetched, 24)
        self.compare(fetched, 2)
        message = email.message_from_bytes(fetched,
                                           policy=email.policy.default)
        pictures = [p for p in message.walk()
                    if p.get_content_type() == "image/png"]
        if (len(pictures) != 1 or
                pictures[0].get_content() != letters.picture()):
            raise Failure("the picture is not the one that was sent")
        screen.done(f"the picture is whole: {len(letters.picture())} octets "
                    "of PNG")

    def doors(self, number):
        screen.chapter(number, "Come aboard")
        ship = self.ship
        ships = (ship, self.voyage.far)
        screen.table(
            [(s.domain, kind.upper(), "127.0.0.1", port, "STARTTLS")
             for s in ships for kind, port in s.ports.items()],
            ("ship", "service", "host", "port", ""))
        screen.say()
        screen.table([(s.address(n), p) for s in ships
                      for n, p in s.passwords.items()], ("user", "password"))
        screen.say()
        screen.say("  Write to them:")
        screen.command(f"printf 'Subject: hello\\n\\nfrom me\\n' | "
                       f"{ship.programs}/bulkhead-sendmail -C {ship.conf} "
                       f"{ship.address('alice')}")
        screen.say("  Look at it:")
        tool = ship.programs / "bulkhead"
        for words in ("status", "queue list"):
            screen.command(f"{tool} -C {ship.conf} {words}")
        screen.command(f"less {ship.log_path}")

    def stay(self):
        self.over = True
        if not sys.stdin.isatty():
            return
        screen.say()
        screen.say("  The ships stay afloat until Ctrl-C.", "bold")
        ships = (self.ship, self.voyage.far)
        while all(s.process.poll() is None for s in ships):
            time.sleep(0.2)
        raise Failure("an instance has ended by itself:\n"
                      + "\n".join(s.tail() for s in ships))

    # -- the whole

    def run(self):
        self.set_up()
        alice, bob = map(self.ship.address, ("alice", "bob"))
        self.send(2, "A plain letter, by SMTP", "alice",
                  letters.plain_text(alice),
                  "What a client (C) and smtpd (S) say to each other.")
        self.send(3, "A letter in eight bits", "alice",
                  letters.eight_bit(alice),
                  "UTF-8, unencoded: the client declares it (RFC 6152), and "
                  "nobody on the way touches an octet.", eight_bit=True)
        self.send(4, "A letter with a picture", "bob",
                  letters.with_picture(bob),
                  "MIME, with an image attached.")
        self.read_by_pop3()
        self.read_by_imap()
        number = self.voyage.run(7)
        self.doors(Together(self.ship).run(number))
        self.stay()

    def end(self, status):
        screen.say()
        ships = [self.ship]
        if self.voyage is not None:
            self.voyage.sea.close()
            ships.append(self.voyage.far)
        left = [pid for ship in ships for pid in ship.stop()]
        if left:
            screen.failed(f"still running: {', '.join(left)}")
            return 1
        screen.done("everything has been stopped; no process is left")
        for folder in (ship.folder for ship in ships):
            if status == 0 and "BULKHEAD_DEMO_DIR" not in os.environ:
                shutil.rmtree(folder)
                screen.done(f"{folder} is removed")
            else:
                screen.say(f"  Files are in {folder}.")
        return status


def interrupted(signum, frame):
    raise KeyboardInterrupt


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if os.geteuid() != 0:
        sys.exit("make demo: only root can give each process a uid of its "
                 "own; try: sudo make demo")
    for program in "curl", "mutt":
        if shutil.which(program) is None:
            sys.exit(f"make demo: {program} is needed to read the mail")
    signal.signal(signal.SIGTERM, interrupted)
    # A shell has those that it starts in the background ignore this.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    tour = Tour(sys.argv[1])
    status = 1
    screen.say()
    screen.say(f"Bulkhead: a letter through all the compartments "
               f"({DOMAIN})", "bold")
    try:
        tour.ship = Ship(sys.argv[1])
        tour.voyage = Voyage(sys.argv[1], tour.ship)
        tour.run()
        status = 0
    except KeyboardInterrupt:
        # Once the tour is over, Ctrl-C is how it is meant to end.
        status = 0 if tour.over else 130
        screen.say()
    except (Failure, OSError, subprocess.SubprocessError) as e:
        screen.say()
        screen.failed(str(e).splitlines()[0] if str(e) else repr(e))
        print("\n".join("    " + l for l in str(e).splitlines()[1:]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(tour.end(status) if tour.ship else status)


main()

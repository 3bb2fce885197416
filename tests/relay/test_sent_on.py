"""What an alias sends on to other hosts: by its route, with the reverse-path
that routes, owners and SRS say, and the way back of a report."""

from relay.test_relay import route
from support.instance import DOMAIN
from support.peer import Peer

TABLES = {
    "domains": f"{DOMAIN}\nrelay.example relay\n",
    "aliases": "away: carol@far.example\n"
               "list: dave@far.example\nowner-list: alice\n",
    "relay-recipients": "rita@relay.example\n",
    "directory.conf": f"srs_domain = {DOMAIN}\n",
    "srs-secrets": "000102030405060708090a0b0c0d0e0f\n",
    "routes": "relay.example inside\nfar.example outside\n",
}
SENDER = "sender@client.example.net"
LETTER = b"Subject: hello\r\n\r\nhello\r\n"


def tables(inside, outside):
    blocks = (route(inside.port).replace("default", "inside")
              + route(outside.port).replace("default", "outside"))
    return {**TABLES,
            "remote-relay.conf": "interface_addresses = no\n" + blocks}


def path(command):
    return command[command.index("<") + 1:command.index(">")]


def test_by_its_route_with_its_path(new_instance):
    with Peer() as inside, Peer() as outside:
        i = new_instance(files=tables(inside, outside)).start()
        i.send(SENDER, [f"away@{DOMAIN}"], LETTER)
        i.await_empty_queue()
        i.send(SENDER, [f"list@{DOMAIN}", "rita@relay.example"], LETTER)
        i.await_empty_queue()
        srs, owner = outside.messages
        assert path(srs.rcpt[0]) == "carol@far.example"
        assert path(owner.rcpt[0]) == "dave@far.example"
        assert path(owner.mail) == f"owner-list@{DOMAIN}"
        [relayed] = inside.messages
        assert path(relayed.rcpt[0]) == "rita@relay.example"
        assert path(relayed.mail) == SENDER
        back = path(srs.mail)
        assert back.startswith("SRS0=") and back.endswith(f"@{DOMAIN}")
        assert "=client.example.net=sender@" in back


def test_report_finds_its_way_back(new_instance):
    with Peer() as inside, Peer() as outside:
        files = tables(inside, outside)
        files["routes"] += "client.example.net inside\n"
        i = new_instance(files=files).start()
        i.send(SENDER, [f"away@{DOMAIN}"], LETTER)
        i.await_empty_queue()
        back = path(outside.messages[0].mail)
        i.send("", [back], b"Subject: not delivered\r\n\r\nsorry\r\n")
        i.await_empty_queue()
        [report] = inside.messages
        assert path(report.rcpt[0]) == SENDER
        assert path(report.mail) == ""

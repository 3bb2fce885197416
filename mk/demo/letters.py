"""The three letters of the demonstration."""

import email.policy
import email.utils
import struct
import zlib
from email.message import EmailMessage

POLICY = email.policy.SMTP.clone(cte_type="8bit")
SENDER = "traveller@elsewhere.example"


def letter(to, subject):
    m = EmailMessage(policy=POLICY)
    m["From"] = f"A Traveller <{SENDER}>"
    m["To"] = to
    m["Subject"] = subject
    m["Date"] = email.utils.localtime()
    m["Message-ID"] = email.utils.make_msgid(domain="elsewhere.example")
    return m


def plain_text(to):
    m = letter(to, "Greetings from the quay")
    m.set_content(
        "Dear Alice,\n\n"
        "the ship has many compartments, and each has a door of its own.\n"
        "A hole in one of them does not sink the others.\n\n"
        ".\n"
        "That was a line with a single dot: it must arrive as it is.\n")
    return m


def eight_bit(to):
    m = letter(to, "Gruesse in acht Bit")
    m.set_content(
        "Liebe Grüße aus Genève, Århus, Łódź und Αθήνα.\n"
        "Every octet of this line arrives unchanged: naïve café, 東京.\n",
        cte="8bit")
    return m


def with_picture(to):
    m = letter(to, "A picture of the ship")
    m.set_content("Bob, look at the picture.\n")
    m.add_attachment(picture(), maintype="image", subtype="png",
                     filename="ship.png")
    return m


def picture(width=96, height=48):
    """A ship with its bulkheads, drawn by hand and packed as PNG."""
    sea, sky, hull, wall, mast = ((30, 90, 150), (200, 225, 240),
                                  (120, 60, 30), (235, 200, 150),
                                  (70, 50, 40))

    def pixel(x, y):
        slope = y - 26
        if 26 <= y < 40 and 12 + slope <= x < 84 - slope:
            return wall if (x - 12) % 12 == 0 else hull
        if x == 46 and 6 <= y < 26 or 46 < x < 46 + (y - 6) and 8 <= y < 22:
            return mast if x == 46 else (250, 250, 250)
        return sea if y >= 34 else sky

    rows = b"".join(b"\0" + bytes(c for x in range(width) for c in pixel(x, y))
                    for y in range(height))

    def chunk(kind, body):
        return (struct.pack(">I", len(body)) + kind + body
                + struct.pack(">I", zlib.crc32(kind + body)))

    return (b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0,
                                         0, 0))
            + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))

"""Instances whose mail milters look at."""

from support.instance import Instance


def block(i, names, more=""):
    return (f"listener smtp {{\n\taddress = 127.0.0.1:{i.smtp_port}\n"
            f"{f'	milters = {names}' if names else ''}\n{more}}}\n")


def instance(folder, milters, conf=None, names=None, smtpd="", **kw):
    """milters: name -> scripted milter; conf: milterd.conf, if not theirs."""
    i = Instance(folder, **kw)
    if conf is None:
        conf = "".join(m.block(n) for n, m in milters.items())
    i.write("milterd.conf", conf)
    i.write("smtpd.conf", block(i, " ".join(milters) if names is None else names) + smtpd)
    return i

"""Tables in Markdown.  Ratios are Bulkhead to the best of the others, above 1 in
Bulkhead's favour."""

# More is better; of all else less is.
RATES = ("accepted", "delivered", "a second")
KEYS = RATES + ("ms", "cpu_ms", "syncs", "connections", "KiB each", "seconds")


def table(rows, names):
    keys = [k for k in KEYS
            if any(k in r for _, of in rows for r in of.values())]
    lines = ["| case | " + " | ".join(
        f"{n} {k}" for k in keys for n in names) + " | " + " | ".join(
        f"ratio {k}" for k in keys) + " |"]
    lines.append("|" + "---|" * (lines[0].count("|") - 1))
    for what, of in rows:
        figures = [figure(of.get(n, {}).get(k)) for k in keys for n in names]
        lines.append(f"| {what} | " + " | ".join(figures) + " | " + " | ".join(
            ratio(of, k) for k in keys) + " |")
    return "\n".join(lines)


def figure(value):
    return "" if value is None else \
        f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def ratio(of, key):
    ours = of.get("bulkhead", {}).get(key)
    others = [r[key] for n, r in of.items() if n != "bulkhead" and key in r]
    if not ours or not others or key == "connections":
        return ""
    if key in RATES:
        return f"{ours / max(others):.1f}x"
    return f"{min(others) / ours:.1f}x"

"""What the pages of results are made of."""


def verdict(ratio: float, goal: float) -> str:
    """As the ratio is printed: 0.954 meets 0.95."""
    return "met" if round(ratio, 2) <= goal else "**missed**"


def table(header, rows, numbers_from):
    rules = ["---" if i < numbers_from else "---:" for i in range(len(header))]
    return "\n".join("| " + " | ".join(row) + " |" for row in (header, rules, *rows))


def milliseconds(seconds: float) -> str:
    return f"{1e3 * seconds:.3g}" if seconds < 1 else f"{1e3 * seconds:.0f}"

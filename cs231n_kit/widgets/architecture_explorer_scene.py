"""All that an architecture explorer draws and says, as plain values."""

from cs231n_kit.widgets import architecture_explorer_words as words
from cs231n_kit.widgets.architecture_explorer_blocks import HEAD, KINDS, QUANTITIES
from cs231n_kit.widgets.architecture_explorer_layout import Layout, fitting_scales
from cs231n_kit.widgets.architecture_explorer_state import default_opened

WIDTH = 930  # pixels


def describe(explored, state, measured, width=WIDTH):
    """The picture of one or two networks.

    Args:
        explored: the ``Explored`` networks that are shown.
        state: the complete state.
        measured: {name: {path: seconds}} of the networks that were measured.
        width: pixels that the page has for it.

    Returns:
        ``scale``: what one block's area means; ``networks``: for each its heading, totals, shares, drawing (see
        ``architecture_explorer_layout``) and ``details`` of every block drawn, by id, in the order of the flow.
    """
    quantity = state["size_by"]
    seconds = [measured.get(one.name) for one in explored]
    open_ids = [set(state["opened"].get(one.name, default_opened(one.block))) for one in explored]

    def amount(block, place):
        return block.amount(quantity, seconds[place])

    def is_open(block, place):
        return block.id in open_ids[place]

    blocks = [one.block for one in explored]
    scales = fitting_scales(blocks, amount, is_open, width)
    pictures = []
    for place, one in enumerate(explored):
        details = _details(one.block, lambda block, i=place: is_open(block, i), quantity, seconds[place], state)
        layout = Layout(scales, lambda block, i=place: amount(block, i), lambda block, i=place: is_open(block, i))
        drawing = layout.network(one.block)
        pictures.append(
            {
                "name": one.name,
                "about": one.about,
                "input_shape": list(one.input_shape),
                **_totals(one.block, seconds[place]),
                "drawing": drawing,
                "details": details,
                "order": list(details),  # a page would put ids that are numbers first
            }
        )
    return {"networks": pictures, "legend": _legend(scales, quantity, seconds), "first": _first(pictures[0]["details"])}


def _first(details):
    """The id of a block that tells much: the last convolution that does not see the whole image, if there is one."""
    closed = {id: one for id, one in details.items() if not one["open"]}
    partial = [id for id, one in closed.items() if one["field"] and not one["field"]["whole"]]
    convolutions = [id for id in partial if closed[id]["kind"] == "convolution"]
    return (convolutions or partial or list(details))[-1]


def _legend(scales, quantity, seconds):
    """What areas mean, with the amount that a square of 20 x 20 pixels stands for."""
    if not scales.area:
        missing = "not measured yet" if quantity == "time" and not any(seconds) else "none in these networks"
        return {"square": None, "text": f"{words.NAMES[quantity]}: {missing}"}
    return {"square": 20, "text": words.quantity_text(quantity, _three_digits(400 / scales.area, quantity))}


def _three_digits(amount, quantity):
    return amount if quantity == "time" else int(float(f"{amount:.2g}")) or 1


def _totals(block, seconds):
    """Totals in words, the shares of the kinds of layers, and the sentence about them."""
    total = {quantity: block.amount(quantity, seconds) for quantity in QUANTITIES}
    texts = _total_texts(total)
    shares = {quantity: block.shares(quantity, seconds) for quantity in QUANTITIES if total[quantity] is not None}
    rows = [
        {
            "kind": kind,
            "shares": [
                words.share_text(shares[quantity].get(kind, 0), total[quantity]) if quantity in shares else "–"
                for quantity in QUANTITIES
            ],
        }
        for kind in KINDS
        if any(own.get(kind) for own in shares.values())
    ]
    return {
        "totals": texts,
        "rows": rows,
        "sentence": " ".join([_sentence(shares, total), _without_heads(block, total)]),
    }


def _total_texts(total):
    return {
        quantity: f"{amount:,}" if quantity == "parameters" else words.quantity_text(quantity, amount)
        for quantity, amount in total.items()
    }


def _without_heads(block, total):
    """What is left after training, in a sentence, or "" without auxiliary heads."""
    heads = [inner for inner in block.walk() if inner.form == HEAD]
    if not heads:
        return ""
    rest = {name: total[name] - sum(head.amount(name) for head in heads) for name in QUANTITIES if name != "time"}
    texts = _total_texts(rest)
    return (
        f"Without its auxiliary heads, after training: {texts['parameters']} parameters, {texts['multiply_adds']} "
        f"multiply-adds, {texts['memory']} of memory."
    )


def _sentence(shares, total):
    """Where the parameters are, and where the work is."""
    parts = []
    for kind, name in (("convolution", "convolutions"), ("fully connected", "fully connected layers")):
        if shares["parameters"].get(kind):
            own = [words.share_text(shares[name].get(kind, 0), total[name]) for name in ("parameters", "multiply_adds")]
            parts.append(f"{name}: {own[0]} of the parameters, {own[1]} of the multiply-adds")
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _details(block, is_open, quantity, seconds, state):
    """Of every block that is drawn: its words, its share, its colours and where its field lies, by id."""
    total = {name: block.amount(name, seconds) for name in QUANTITIES}
    image = block.input.shape[1:] if block.input.seen else None
    details = {}
    for one, parent in block.drawn(is_open):
        amount = one.amount(quantity, seconds)
        shares = {} if quantity == "time" and seconds is None else one.shares(quantity, seconds)
        end = one.inside[-1].output if one.form == HEAD else one.output
        field = words.field_on_image(end, state["unit"], image)
        details[one.id] = {
            "label": one.label,
            "kind": one.kind,
            "title": words.title(one),
            "lines": words.describe(one, total, seconds),
            "short": words.short_text(quantity, amount) if amount else "",
            "aria": _aria(one, is_open(one), quantity, amount, total[quantity]),
            "shares": [[kind, share / amount] for kind, share in shares.items()] if amount else [[one.kind, 1]],
            "opens": one.opens,
            "open": one.opens and is_open(one),
            "parent": None if parent is None else parent.id,
            "field": field,
        }
    return details


def _aria(block, is_open, quantity, amount, total):
    group = "" if not block.opens else ", open group" if is_open else ", closed group"
    text = (
        f"{words.quantity_text(quantity, amount)} {words.NAMES[quantity]}" if amount else f"no {words.NAMES[quantity]}"
    )
    if quantity in ("memory", "time") and amount:
        text = f"{words.NAMES[quantity]} {words.quantity_text(quantity, amount)}"
    share = f", {words.share_text(amount, total)}" if amount else ""
    return f"{block.label}{group}: {text}{share}"

"""The state of an architecture explorer, as a plain dictionary and a string."""

from cs231n_kit.widgets import state_values
from cs231n_kit.widgets.architecture_explorer_blocks import HEAD, JOIN, QUANTITIES, SUM
from cs231n_kit.widgets.architecture_explorer_networks import TYPED, read_text

LONGEST = 500  # characters of a text
SIDES = (8, 512)  # pixels of the images for a typed network
DEFAULTS = {
    "shown": ["AlexNet", "VGG-16"],
    "size_by": "parameters",
    "opened": {},  # by network, the groups that are open; where it is not named, its stages are
    "selected": None,  # [place among those shown, id of a block]
    "unit": [0.5, 0.5],  # the unit whose receptive field is shown: (row, column) in its map, from 0 to 1
    "text": "[[CONV->RELU]*2->POOL]*3->FC->RELU->FC",
    "side": 32,
}


def complete_state(state, networks):
    """Check a state and fill in what is missing.

    Args:
        state: a mapping with some of the keys of ``DEFAULTS``. Groups may be named by their labels, as in
            ``{"opened": {"GoogLeNet": ["inception 3", "3a"]}}``.
        networks: the ``Networks``.

    Returns:
        A new dictionary of plain Python values with every key.

    Raises:
        architecture_text.ArchitectureError: no network can be built from the text; it says where and why.
        ValueError: an unknown key, or a value of the wrong type or out of range, named in the message.
    """
    unknown = [key for key in state if key not in DEFAULTS]
    if unknown:
        raise ValueError(f"unknown entry {unknown[0]!r}; the state has {', '.join(DEFAULTS)}")
    full = {**DEFAULTS, "shown": default_shown(networks), **state}
    full["size_by"] = state_values.choice("size_by", full["size_by"], QUANTITIES)
    full["side"] = state_values.whole("side", full["side"], *SIDES)
    if not isinstance(full["text"], str) or len(full["text"]) > LONGEST:
        raise ValueError(f"text must be a text of at most {LONGEST} characters, got {state_values.short(full['text'])}")
    full["text"] = " ".join(full["text"].split())
    full["shown"] = _shown(full["shown"], networks)
    known = {TYPED: read_text(full["text"], full["side"])}  # it must be right even while others are shown
    blocks = {name: (known.get(name) or networks[name]).block for name in full["shown"]}
    full["opened"] = _opened(full["opened"], networks, blocks)
    full["selected"] = _selected(full["selected"], full["shown"], blocks)
    unit = list(full["unit"]) if isinstance(full["unit"], list | tuple) else []
    if len(unit) != 2:
        raise ValueError(f"unit must be a pair (row, column), each from 0 to 1, got {state_values.short(full['unit'])}")
    full["unit"] = [state_values.real("unit", share, 0, 1) for share in unit]
    return full


def default_shown(networks):
    """The user's first two networks, or AlexNet beside VGG-16."""
    return networks.own[:2] or DEFAULTS["shown"]


def default_opened(block):
    """The ids of the groups that are open at first: the stages."""
    return [inner.id for inner in block.inside if inner.stage]


def state_to_string(state):
    """Pack a state into URL-safe characters."""
    return state_values.pack({key: value for key, value in state.items() if value != DEFAULTS[key]})


def state_from_string(string, networks):
    """Unpack what ``state_to_string`` made; any other string raises ValueError and runs nothing."""

    def read(values):
        return complete_state({"shown": DEFAULTS["shown"], **values}, networks)

    return state_values.unpack(string, read, "architecture-explorer")


def _shown(shown, networks):
    shown = [shown] if isinstance(shown, str) else list(shown) if isinstance(shown, list | tuple) else []
    if not 1 <= len(shown) <= 2:
        raise ValueError('shown must name one or two networks, such as ["AlexNet", "VGG-16"]')
    return [state_values.choice("shown", name, (*networks.names, TYPED)) for name in shown]


def _opened(opened, networks, blocks):
    """{name: ids of open groups}; groups around an open one are open, too."""
    if not isinstance(opened, dict):
        raise ValueError(f"opened must map networks to lists of groups, got {state_values.short(opened)}")
    full = {}
    for name, groups in opened.items():
        state_values.choice("opened", name, (*networks.names, TYPED))
        if not isinstance(groups, list | tuple):
            raise ValueError(f"opened[{name!r}] must be a list of groups, got {state_values.short(groups)}")
        if name not in blocks:
            if name == TYPED:
                continue  # of a text that is not shown nothing is known
            blocks = {**blocks, name: networks[name].block}
        everything = list(blocks[name].drawn(lambda block: True))
        around = {block.id: parent for block, parent in everything}
        chosen = {default for group in groups for default in _named(group, name, everything)}
        for id in list(chosen):
            while (parent := around[id]) is not None:
                chosen.add(parent.id)
                id = parent.id
        full[name] = [block.id for block, _ in everything if block.id in chosen]
    return full


def _named(group, name, everything):
    """The id of a group given by id or label; of a typed network, nothing for one that there is no more."""
    for block, _ in everything:
        labelled = block.label == group and (block.stage or block.form in (SUM, JOIN, HEAD))
        if block.opens and (block.id == group or labelled):
            return [block.id]
    if name == TYPED:
        return []
    labels = [block.label for block, _ in everything if block.stage or block.form in (SUM, JOIN, HEAD)]
    raise ValueError(f"{name} has no group {state_values.short(group)}; it has {', '.join(labels) or 'none'}")


def _selected(selected, shown, blocks):
    if selected is None:
        return None
    pair = list(selected) if isinstance(selected, list | tuple) else []
    if len(pair) != 2:
        raise ValueError(f"selected must be a pair (place, id), got {state_values.short(selected)}")
    place = state_values.whole("the place in selected", pair[0], 0, 1)
    if place >= len(shown):
        return None
    ids = {block.id for block, _ in blocks[shown[place]].drawn(lambda block: True)}
    if pair[1] not in ids:
        if shown[place] == TYPED:
            return None
        raise ValueError(f"{shown[place]} has no block {state_values.short(pair[1])}")
    return [place, pair[1]]

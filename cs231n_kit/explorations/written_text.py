"""Lecture 10: what a network that writes has in mind: the next character, what its units follow, what it copies."""

import re

import ipywidgets
import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from cs231n_kit.characters import hidden_states, next_probabilities, sample
from cs231n_kit.explorations.exploration import Exploration, choice, slider
from cs231n_kit.explorations.lstm_gates import gates_of
from cs231n_kit.plots import COLORS, INK, WRONG, new_figure
from cs231n_kit.widgets.palette import NEGATIVE, POSITIVE, ZERO

WORTH_NAMING = 0.3  # correlation
COLUMNS = 76  # characters in a line of a picture
SIGNS = LinearSegmentedColormap.from_list("signs", [NEGATIVE, ZERO, POSITIVE])
SHOWN = {"\n": "↵", " ": "␣", "\t": "⇥"}  # characters that cannot be seen


def visible(text):
    """A text in which spaces and ends of lines can be seen."""
    return "".join(SHOWN.get(character, character) for character in text)


def colored_text(text, values, *, columns=COLUMNS, largest=1.0):
    """Letters on a ground of their value: blue below 0, red above, full at ``largest``; returns a figure."""
    values = np.asarray(values, np.float64)
    rows, row, column = [], 0, 0
    for character in text:
        rows.append((row, column))
        column += 1
        if character == "\n" or column == columns:
            row, column = row + 1, 0
    lines = rows[-1][0] + 1
    ground = np.full((lines, columns), np.nan)
    for place, value in zip(rows, values, strict=True):
        ground[place] = value
    figure, ax = new_figure(10.6, 0.25 * lines + 0.25)
    ax.imshow(ground, cmap=SIGNS, vmin=-largest, vmax=largest, aspect="auto", interpolation="nearest")
    for (line, place), character in zip(rows, text, strict=True):
        if character not in " \n":
            ink = "white" if abs(ground[line, place]) > 0.55 * largest else INK
            ax.text(place, line, character, ha="center", va="center", family="monospace", fontsize=9.5, color=ink)
    ax.axis("off")
    return figure


def explore_next_character(network, vocabulary, prefix):
    """Type a beginning: how likely is each character to be the next one, at which temperature?"""

    def draw(prefix, temperature):
        figure, ax = new_figure(9.2, 3.2)
        try:
            likely = next_probabilities(network, vocabulary, prefix, temperature)
        except ValueError as error:
            ax.axis("off")
            return figure, f"<b>That cannot be read:</b> {error}"
        order = np.argsort(-likely, kind="stable")[:15]
        ax.bar(range(len(order)), 100 * likely[order], color=COLORS[0])
        ax.set_xticks(range(len(order)), [visible(vocabulary.characters[k]) for k in order], fontsize=13)
        for place, share in enumerate(likely[order]):
            if share >= 0.001:
                ax.text(place, 100 * share + 1, f"{share:.1%}", ha="center", fontsize=8.5, color=INK)
        ax.set(ylim=(0, 110), ylabel="probability (%)")
        ax.set_title(f"after “{visible(prefix[-50:])}”", fontsize=11)
        ax.spines[["top", "right"]].set_visible(False)
        bits = -(likely * np.log2(np.maximum(likely, 1e-300))).sum()
        return figure, (
            f"Likeliest: <b>{visible(vocabulary.characters[order[0]])}</b>. The entropy is {bits:.2f} bits, as if it "
            f"wavered between {2**bits:.1f} characters."
        )

    controls = {
        "prefix": ipywidgets.Text(value=prefix, description="Beginning"),
        "temperature": slider("Temperature", 0.1, 3.0, 1.0, 0.1),
    }
    return Exploration(draw, controls, description="Probabilities of the next character")


def share_of_known_words(written, text):
    """The share of words in what was written that stand in the text, and the longest piece copied from it."""
    known = set(re.findall(r"\w+", text))
    words = re.findall(r"\w+", written)[:-1]  # the last one may have been cut
    return sum(word in known for word in words) / max(len(words), 1), longest_copy(written, text)


def longest_copy(written, text):
    """The longest piece of ``written`` that stands in ``text``, letter by letter."""
    best, start = "", 0
    for end in range(1, len(written) + 1):
        while written[start:end] not in text:
            start += 1
        if end - start > len(best):
            best = written[start:end]
    return best


def as_markdown(text):
    """A text as it is, for a cell of a table in Markdown."""
    return re.sub(r"([|*_`~<>\[\]$\\])", r"\\\1", text).replace("\n", " ↵ ")


def loss_figure(measured, characters):
    """The loss of a character over a training: rows (updates, training loss, validation loss); returns a figure.

    characters: how many different ones there are, for the loss of guessing.
    """
    updates, train, validation = np.array(measured).T
    figure, ax = new_figure(8.6, 3.2)
    ax.plot(updates, train, color=COLORS[0], linewidth=2, label="text it learns from")
    ax.plot(updates, validation, color=COLORS[1], linewidth=2, linestyle="--", label="text it has not read")
    ax.axhline(np.log(characters), color=INK, linewidth=0.8, linestyle=":", label="guessing")
    ax.set(xlabel="updates", ylabel="loss per character", ylim=(0, None))
    ax.legend(frameon=False)
    ax.spines[["top", "right"]].set_visible(False)
    return figure


def embedding_map(network, vocabulary, numbers, least=8):
    """The learned vectors of a text's common characters, by the two directions in which they vary most."""
    counts = np.bincount(numbers, minlength=len(vocabulary))
    common = np.flatnonzero(counts >= least)
    vectors = network.parameters["0.W"][common].astype(np.float64)
    vectors -= vectors.mean(axis=0)
    _, sizes, directions = np.linalg.svd(vectors, full_matrices=False)
    places = vectors @ directions[:2].T
    figure, ax = new_figure(7.6, 4.4)
    for (x, y), number in zip(places, common, strict=True):
        character = vocabulary.characters[number]
        kind = 0 if character.lower() in "aeiou" else 1 if character.isalpha() else 2
        ax.text(x, y, visible(character), color=(COLORS[0], INK, WRONG)[kind], fontsize=14, ha="center", va="center")
    shares = sizes[:2] ** 2 / (sizes**2).sum()
    ax.set(xlabel=f"first direction, {shares[0]:.0%} of the variance", ylabel=f"second, {shares[1]:.0%}")
    ax.set(
        xlim=np.array([-1.1, 1.1]) * np.abs(places[:, 0]).max(),
        ylim=np.array([-1.15, 1.15]) * np.abs(places[:, 1]).max(),
    )
    ax.set_title("vowels blue, signs and spaces red", fontsize=10.5)
    ax.spines[["top", "right"]].set_visible(False)
    return figure


def temperature_table(network, vocabulary, text, temperatures, prefix, length=300):
    """A sample at each temperature, as Markdown: words that are known, the longest copy, and what was written."""
    rows = ["| temperature | words of the text | longest copy | it writes |", "|--:|--:|--:|:--|"]
    for temperature in temperatures:
        written = sample(network, vocabulary, prefix, length, temperature)
        known, copy = share_of_known_words(written, text)
        shown = as_markdown((prefix + written)[:170])
        rows.append(f"| {temperature:g} | {known:.0%} | {len(copy)} letters | {shown} … |")
    return "\n".join(rows)


def bracket_text(length, rng, deepest=4):
    """Brackets inside of brackets, drawn at random, with dots between them: all that opens closes again.

    Which sign can follow depends on the depth alone, and that is nowhere to be seen: it has to be counted.
    """
    written, depth = [], 0
    while len(written) < length or depth:
        closing = depth == deepest or len(written) >= length or (depth and rng.random() < 0.5)
        sign = "." if rng.random() < 0.4 else ")" if closing else "("
        depth += {".": 0, "(": 1, ")": -1}[sign]
        written.append(sign)
    return "".join(written)


def properties(text):
    """What a unit might follow in a text, a number for each of its L characters: {name: float64 (L,)}."""
    letters = np.array(list(text))
    in_quotes = np.cumsum(letters == '"') % 2 == 1
    in_word = np.char.isalpha(letters)
    place, since = np.zeros(len(text)), 0
    for index, inside in enumerate(in_word):
        since = since + 1 if inside else 0
        place[index] = since
    vowels = np.isin(np.char.lower(letters), list("aeiou"))
    found = {
        "depth of brackets": np.cumsum(letters == "(") - np.cumsum(letters == ")"),
        "inside quotation marks": in_quotes,
        "inside a word, and how far": place,
        "a vowel": vowels,
        "a space or an end of a line": np.isin(letters, [" ", "\n"]),
        "a sign of punctuation": np.isin(letters, list(".,;:!?")),
    }
    return {name: values.astype(np.float64) for name, values in found.items() if values.std() > 0}


def followers(states, text):
    """The unit that follows each of ``properties`` best: {name: (unit, correlation)}; states (L, H)."""
    spread = states.std(axis=0)
    scaled = (states - states.mean(axis=0)) / np.where(spread > 0, spread, np.inf)
    found = {}
    for name, values in properties(text).items():
        correlations = scaled.T @ ((values - values.mean()) / values.std()) / len(values)
        unit = int(np.abs(correlations).argmax())
        found[name] = unit, float(correlations[unit])
    return found


def explore_units(network, vocabulary, text, shown=600):
    """A text whose letters are coloured by one unit of an LSTM, behind the embedding: its state or one of its gates.

    The list begins with the units that follow a property of the text best, with their correlations.
    """
    numbers = vocabulary.encode(text)
    inside = gates_of(network, numbers)
    found = followers(hidden_states(network, numbers, "1"), text)
    found = sorted(found.items(), key=lambda item: -abs(item[1][1]))
    options = [(f"{unit}: {name} ({value:+.2f})", unit) for name, (unit, value) in found if abs(value) >= WORTH_NAMING]
    units = inside["hidden state"].shape[1]
    options += [(f"{unit}", unit) for unit in range(units) if unit not in {unit for _, unit in options}]

    def draw(unit, what):
        values = inside[what][:shown, unit]
        low, high = float(values.min()), float(values.max())
        if what in ("input", "forget", "output"):
            values, largest = 2 * values - 1, 1.0
        else:
            largest = max(abs(low), abs(high), 1e-6)
        name = what if "state" in what else f"{what} gate"
        return colored_text(text[:shown], values, largest=largest), (
            f"The {name} of unit {unit} goes from {low:.2f} (bluest) to {high:.2f} (reddest) in these letters"
            + (". White is half open." if "gate" in name else ". White is 0.")
        )

    controls = {
        "unit": choice("Unit", options),
        "what": choice("Colour", ["hidden state", "cell state", "input", "forget", "output"]),
    }
    return Exploration(draw, controls, description="A text coloured by what one unit of the network holds")

// A field over a cell, to type its number.

import { element } from "../frontend/elements.js";

const LARGEST = 999;

export class CellEditor {
  constructor(grids) {
    this.grids = grids;
    this.field = element("input", { class: "editor", type: "text", autocomplete: "off", spellcheck: "false", hidden: true,
      onkeydown: (event) => this.key(event), onblur: () => this.close(true) });
    grids.node.append(this.field);
  }

  open(place) {
    const { grids, field } = this;
    const { x, y, cell, pad, title } = grids.grid(place.grid);
    const scale = grids.svg.getBoundingClientRect().width / grids.session.scene.width;
    const { left, top } = grids.svg.getBoundingClientRect();
    const origin = grids.node.getBoundingClientRect();
    const [width, height] = [Math.max(cell * scale, 58), Math.max(cell * scale, 28)];
    const middle = [(x + (place.column + pad + 0.5) * cell) * scale, (y + (place.row + pad + 0.5) * cell) * scale];
    field.style.left = `${left - origin.left + grids.node.scrollLeft + middle[0] - width / 2}px`;
    field.style.top = `${top - origin.top + grids.node.scrollTop + middle[1] - height / 2}px`;
    Object.assign(field.style, { width: `${width}px`, height: `${height}px` });
    field.setAttribute("aria-label", `${title}, row ${place.row}, column ${place.column}`);
    field.value = grids.session.value(place);
    field.hidden = false;
    this.place = place;
    field.focus();
    field.select();
  }

  key(event) {
    event.stopPropagation();
    if (event.key === "Escape") this.leave(false);
    else if (event.key === "Enter") this.leave(true);
    else if (event.key === "Tab") this.next(event);
  }

  // On to the next cell of the grid, or back with Shift; at its ends, out of the field.
  next(event) {
    const { place, grids } = this;
    const { rows, columns, pad } = grids.grid(place.grid);
    const [height, width] = [rows - 2 * pad, columns - 2 * pad];
    const index = place.row * width + place.column + (event.shiftKey ? -1 : 1);
    if (!this.close(true) || index < 0 || index >= height * width) return;
    event.preventDefault();
    grids.edit({ ...place, row: Math.floor(index / width), column: index % width });
  }

  leave(keep) {
    if (this.close(keep)) this.grids.svg.focus();
  }

  // Takes the field away, and keeps the number in it; what is no number stays to be mended, and returns false.
  close(keep) {
    const { field, place, grids } = this;
    if (!place) return true;
    const text = field.value.trim().replace("−", "-").replace(",", ".");
    const number = Number(text);
    const good = text !== "" && Math.abs(number) <= LARGEST;
    if (keep && !good && document.activeElement === field) {
      field.setAttribute("aria-invalid", "true");
      grids.announce(`Type a number from −${LARGEST} to ${LARGEST}, or press Esc`);
      return false;
    }
    this.place = null;
    field.hidden = true;
    field.removeAttribute("aria-invalid");
    if (keep && good && number !== grids.session.value(place)) grids.session.write(place, number);
    else if (keep && !good) grids.announce(`Not a number from −${LARGEST} to ${LARGEST}: left as it was`);
    return true;
  }
}

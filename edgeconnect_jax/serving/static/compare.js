// @ts-check
/** The divider between the original, on its left, and the filled picture. */

/** @typedef {import("./view.js").View} View */

const STEP = 2; // percent a key press

export class Compare {
  /** @param {HTMLElement} divider @param {HTMLElement} filled @param {View} view */
  constructor(divider, filled, view) {
    this.divider = divider;
    this.filled = filled;
    this.view = view;
    this.share = 0; // percent of the width that shows the original
    divider.addEventListener("pointerdown", (event) => this.press(event));
    divider.addEventListener("pointermove", (event) => {
      if (divider.hasPointerCapture(event.pointerId)) this.drag(event);
    });
    divider.addEventListener("keydown", (event) => this.key(event));
  }

  /** @param {PointerEvent} event */
  press(event) {
    event.stopPropagation();
    if (event.button === 0) this.divider.setPointerCapture(event.pointerId);
  }

  /** @param {PointerEvent} event */
  drag(event) {
    event.stopPropagation();
    this.set((100 * this.view.toPicture(event).x) / this.view.picture.width);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { share } = this;
    const moves = { ArrowLeft: share - STEP, ArrowRight: share + STEP, Home: 0, End: 100 };
    if (!(event.key in moves)) return;
    this.set(moves[/** @type {keyof moves} */ (event.key)]);
    event.preventDefault();
  }

  /** @param {number} share in percent */
  set(share) {
    this.share = Math.min(100, Math.max(0, share));
    this.draw();
  }

  /** Positions the divider, also after the picture has moved. */
  draw() {
    const { picture, room } = this.view;
    const from = this.view.toViewport({ x: (picture.width * this.share) / 100, y: 0 });
    const to = this.view.toViewport({ x: 0, y: picture.height });
    const { style } = this.divider;
    style.left = `${Math.min(room.width, Math.max(0, from.x))}px`;
    style.top = `${Math.max(0, from.y)}px`;
    style.bottom = `${Math.max(0, room.height - to.y)}px`;
    this.filled.style.clipPath = `inset(0 0 0 ${this.share}%)`;
    this.divider.setAttribute("aria-valuenow", String(Math.round(this.share)));
    this.divider.setAttribute("aria-valuetext", `${Math.round(this.share)} % original`);
  }
}

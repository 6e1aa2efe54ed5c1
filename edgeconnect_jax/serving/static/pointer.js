// @ts-check
/** Mouse, pen and fingers on the picture: one draws, two zoom and pan, the wheel zooms. */

/** @typedef {import("./view.js").View} View */
/** @typedef {import("./strokes.js").Strokes} Strokes */
/** @typedef {import("./workbench.js").Workbench<any>} Workbench */
/** @typedef {import("./raster.js").Point} Point */

const LINE = 16; // pixels that a wheel's "line" stands for
const WHEEL = 0.0015; // of a doubling, nearly, a pixel of the wheel
const PINCH = 0.01; // the same for a trackpad's pinch, which comes as a wheel with Ctrl

export class Pointer {
  /**
   * @param {HTMLElement} viewport @param {View} view @param {Strokes} strokes @param {Workbench} editor
   * @param {(at: Point | null) => void} hovered called with the position of the pointer, in pixels of the picture
   */
  constructor(viewport, view, strokes, editor, hovered) {
    this.viewport = viewport;
    this.view = view;
    this.strokes = strokes;
    this.editor = editor;
    this.hovered = hovered;
    /** @type {Map<number, Point>} pointers that are down, in pixels of the viewport */
    this.down = new Map();
    this.isPanning = false;
    this.isHandHeld = false; // as long as Space is held, dragging pans
    viewport.addEventListener("pointerdown", (event) => this.press(event));
    viewport.addEventListener("pointermove", (event) => this.move(event));
    viewport.addEventListener("pointerup", (event) => this.release(event, false));
    viewport.addEventListener("pointercancel", (event) => this.release(event, true));
    viewport.addEventListener("pointerleave", () => hovered(null));
    viewport.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    viewport.addEventListener("contextmenu", (event) => this.down.size && event.preventDefault());
  }

  /** @param {PointerEvent} event */
  press(event) {
    if (event.button > 1) return;
    this.viewport.setPointerCapture(event.pointerId);
    this.down.set(event.pointerId, this.view.onViewport(event));
    if (this.down.size > 1) {
      this.strokes.cancel(); // the first finger was not meant to draw
      return;
    }
    this.isPanning = this.isHandHeld || event.button === 1 || this.editor.tool === null;
    if (event.button === 1) event.preventDefault(); // no scrolling by itself
    if (!this.isPanning) this.strokes.start(this.view.toPicture(event), event.altKey || event.shiftKey);
    this.hovered(this.view.toPicture(event));
  }

  /** @param {PointerEvent} event */
  move(event) {
    const before = this.down.get(event.pointerId);
    if (before) this.drag(event, before);
    this.hovered(event.pointerType === "touch" && !this.strokes.isActive ? null : this.view.toPicture(event));
  }

  /** @param {PointerEvent} event @param {Point} before where it was */
  drag(event, before) {
    const now = this.view.onViewport(event);
    if (this.down.size > 1) {
      const other = [...this.down].find(([id]) => id !== event.pointerId);
      if (other) this.pinch(before, now, other[1]);
    } else if (this.isPanning) {
      this.view.pan(now.x - before.x, now.y - before.y);
    } else {
      // A fast stroke is reported in few events, each with several coalesced points.
      const passed = event.getCoalescedEvents?.() ?? [];
      this.strokes.extend((passed.length ? passed : [event]).map((one) => this.view.toPicture(one)));
    }
    this.down.set(event.pointerId, now);
  }

  /** One of two fingers moved while the other did not. @param {Point} before @param {Point} now @param {Point} other */
  pinch(before, now, other) {
    const apart = (/** @type {Point} */ p) => Math.max(1, Math.hypot(p.x - other.x, p.y - other.y));
    const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
    this.view.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
    this.view.zoom(apart(now) / apart(before), middle);
  }

  /** @param {PointerEvent} event @param {boolean} isLost */
  release(event, isLost) {
    if (!this.down.delete(event.pointerId)) return;
    if (isLost) this.strokes.cancel();
    else if (!this.down.size) this.strokes.finish();
    if (this.down.size) this.isPanning = true; // the finger that stays draws nothing
    if (event.pointerType === "touch") this.hovered(null);
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    event.preventDefault();
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE : 1;
    const [dx, dy] = [event.deltaX * unit, event.deltaY * unit];
    if (event.shiftKey) return this.view.pan(-(dx || dy), 0);
    this.view.zoom(Math.exp(-dy * (event.ctrlKey ? PINCH : WHEEL)), this.view.onViewport(event));
  }
}

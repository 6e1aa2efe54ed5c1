// @ts-check
/** Zooming and panning: the picture's place in the viewport. Only the display is scaled, never the picture itself. */

/** @typedef {import("./raster.js").Size} Size */
/** @typedef {import("./raster.js").Point} Point */
/** @typedef {{scale: number, x: number, y: number}} Place screen = picture * scale + (x, y), in CSS pixels */

const MARGIN = 16; // CSS pixels around a picture that fits
const LARGEST = 48; // CSS pixels a pixel
const KEPT = 48; // CSS pixels of the picture that always stay in the viewport
const CRISP = 2; // from this scale on pixels are shown as squares

/** @param {Size} picture @param {Size} viewport @returns {Place} all of the picture, in the middle */
export function fitted(picture, viewport) {
  const room = { width: Math.max(1, viewport.width - 2 * MARGIN), height: Math.max(1, viewport.height - 2 * MARGIN) };
  const scale = Math.min(room.width / picture.width, room.height / picture.height, LARGEST);
  const x = (viewport.width - picture.width * scale) / 2;
  return { scale, x, y: (viewport.height - picture.height * scale) / 2 };
}

/** Zooms around a point of the viewport. @param {Place} place @param {Point} at @returns {Place} */
export function zoomed(place, /** @type {number} */ factor, at, /** @type {number} */ smallest) {
  const scale = Math.min(LARGEST, Math.max(smallest, place.scale * factor));
  const by = scale / place.scale;
  return { scale, x: at.x - (at.x - place.x) * by, y: at.y - (at.y - place.y) * by };
}

/** @param {Place} place @param {Size} picture @param {Size} viewport @returns {Place} with a visible part of the picture */
export function kept(place, picture, viewport) {
  const within = (/** @type {number} */ v, /** @type {number} */ length, /** @type {number} */ room) =>
    Math.min(room - KEPT, Math.max(KEPT - length, v));
  return {
    scale: place.scale,
    x: within(place.x, picture.width * place.scale, viewport.width),
    y: within(place.y, picture.height * place.scale, viewport.height),
  };
}

export class View {
  /**
   * @param {HTMLElement} viewport the part of the page that shows the picture
   * @param {HTMLElement} sheet the element that moves inside it
   * @param {() => void} moved called after every change
   */
  constructor(viewport, sheet, moved) {
    this.viewport = viewport;
    this.sheet = sheet;
    this.moved = moved;
    /** @type {Size} */
    this.picture = { width: 1, height: 1 };
    /** @type {Place} */
    this.place = { scale: 1, x: 0, y: 0 };
    this.isFitted = true;
    new ResizeObserver(() => (this.isFitted ? this.fit() : this.set(this.place))).observe(viewport);
  }

  /** @param {Size} picture */
  show(picture) {
    this.picture = picture;
    this.sheet.style.width = `${picture.width}px`;
    this.sheet.style.height = `${picture.height}px`;
    this.fit();
  }

  get room() {
    return { width: this.viewport.clientWidth, height: this.viewport.clientHeight };
  }

  fit() {
    this.set(fitted(this.picture, this.room));
    this.isFitted = true;
  }

  /** @param {number} factor @param {Point} [at] of the viewport; its middle by default */
  zoom(factor, at = { x: this.room.width / 2, y: this.room.height / 2 }) {
    const smallest = Math.min(1, fitted(this.picture, this.room).scale) / 2;
    this.set(zoomed(this.place, factor, at, smallest));
  }

  /** @param {number} dx @param {number} dy in CSS pixels */
  pan(dx, dy) {
    this.set({ ...this.place, x: this.place.x + dx, y: this.place.y + dy });
  }

  /** @param {Place} place */
  set(place) {
    this.place = kept(place, this.picture, this.room);
    this.isFitted = false;
    this.sheet.style.transform = `translate(${this.place.x}px, ${this.place.y}px) scale(${this.place.scale})`;
    this.sheet.classList.toggle("crisp", this.place.scale >= CRISP);
    this.moved();
  }

  /** A point of the window in pixels of the viewport. @param {{clientX: number, clientY: number}} event @returns {Point} */
  onViewport(event) {
    const box = this.viewport.getBoundingClientRect();
    return { x: event.clientX - box.left - this.viewport.clientLeft, y: event.clientY - box.top - this.viewport.clientTop };
  }

  /** A point of the window in pixels of the picture. @param {{clientX: number, clientY: number}} event @returns {Point} */
  toPicture(event) {
    const at = this.onViewport(event);
    return { x: (at.x - this.place.x) / this.place.scale, y: (at.y - this.place.y) / this.place.scale };
  }

  /** A point of the picture in pixels of the viewport. @param {Point} p @returns {Point} */
  toViewport(p) {
    return { x: p.x * this.place.scale + this.place.x, y: p.y * this.place.scale + this.place.y };
  }

  /** Moves just enough to make a point of the picture visible. @param {Point} p */
  reveal(p) {
    const at = this.toViewport(p);
    const [width, height] = [this.room.width, this.room.height];
    const short = (/** @type {number} */ v, /** @type {number} */ room) =>
      Math.max(0, KEPT - v) - Math.max(0, v - (room - KEPT));
    const [dx, dy] = [short(at.x, width), short(at.y, height)];
    if (dx || dy) this.pan(dx, dy);
  }
}

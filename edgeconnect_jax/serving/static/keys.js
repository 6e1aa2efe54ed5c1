// @ts-check
/** Keyboard shortcuts of a page, and their table in its help. Keys for painting on the picture are in cursor.js. */

/** @typedef {import("./workbench.js").Workbench<any>} Workbench */
/** @typedef {Record<string, () => void>} Actions */

/** Actions of keys without Ctrl. @type {Record<string, string>} */
const SINGLE = {
  h: "help",
  "?": "help",
  "[": "smaller",
  "]": "larger",
  "+": "zoom-in",
  "=": "zoom-in",
  "-": "zoom-out",
  0: "zoom-fit",
  1: "zoom-real",
};

const PRESSED_BY_SPACE = "button, input, [role=slider]";

export class Keys {
  /**
   * @param {Workbench} editor @param {Actions} actions by name
   * @param {(isHeld: boolean) => void} hand called when Space is pressed and released, for panning
   */
  constructor(editor, actions, hand) {
    this.editor = editor;
    this.actions = actions;
    this.hand = hand;
    this.areSingleKeysOn = true;
    document.addEventListener("keydown", (event) => this.press(event));
    document.addEventListener("keyup", (event) => this.release(event));
    window.addEventListener("blur", () => this.letGo());
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    if (document.querySelector("dialog[open]")) return;
    const isHandled = event.ctrlKey || event.metaKey ? this.control(event) : this.single(event);
    if (isHandled) event.preventDefault();
  }

  /** @param {KeyboardEvent} event */
  control(event) {
    const key = event.key.toLowerCase();
    if (key === "z") this.actions[event.shiftKey ? "redo" : "undo"]();
    else if (key === "y") this.actions.redo();
    else if (key === "enter") this.actions.next();
    else return this.bracket(event); // on keyboards where brackets need AltGr, which is Ctrl and Alt
    return true;
  }

  /** @param {KeyboardEvent} event */
  bracket(event) {
    if (!event.altKey || !"[]".includes(event.key)) return false;
    this.actions[SINGLE[event.key]]();
    return true;
  }

  /** @param {KeyboardEvent} event */
  single(event) {
    if (event.key === "Escape") {
      this.actions.escape();
      return true;
    }
    const target = /** @type {HTMLElement} */ (event.target);
    const isOnPicture = target.id === "viewport";
    if (event.key === " " && !target.closest(PRESSED_BY_SPACE)) {
      this.hand(true);
      return true;
    }
    if (event.altKey && !"[]".includes(event.key)) return false;
    if (!this.areSingleKeysOn && !isOnPicture) return false;
    return this.letter(event.key.toLowerCase());
  }

  /** @param {string} key */
  letter(key) {
    const { editor } = this;
    const found = Object.entries(editor.tools).find(([, tool]) => tool.step === editor.step && tool.key === key);
    if (found) editor.choose(found[0]);
    else if (key === "o") this.show(true);
    else if (SINGLE[key]) this.actions[SINGLE[key]]();
    else return false;
    return true;
  }

  /** @param {KeyboardEvent} event */
  release(event) {
    if (event.key === " ") this.hand(false);
    if (event.key.toLowerCase() === "o") this.show(false);
  }

  letGo() {
    this.hand(false);
    this.show(false);
  }

  /** @param {boolean} isShown the original */
  show(isShown) {
    if (this.editor.isOriginalShown === isShown) return;
    this.editor.isOriginalShown = isShown;
    this.editor.changed();
  }
}

/** Fills the help table of keys. @param {HTMLElement} body of a table @param {[string, string][]} table keys and meanings */
export function writeTable(body, table) {
  const rows = table.map(([keys, words]) => {
    const row = document.createElement("tr");
    const name = Object.assign(document.createElement("th"), { scope: "row" });
    name.append(Object.assign(document.createElement("kbd"), { textContent: keys }));
    row.append(name, Object.assign(document.createElement("td"), { textContent: words }));
    return row;
  });
  body.replaceChildren(...rows);
}

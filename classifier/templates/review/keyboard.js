// Keys. Letters mean the same with Chinese input switched on, where a key may come as 、 or as no letter at all.

const ALIKE = { "。": ".", "、": "/", "【": "[", "】": "]", "－": "-" };

export function keyOf(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return "";
  const code = event.code || "";
  if (event.key === "Process" || event.key === "Unidentified") return code.replace(/^(Key|Digit|Numpad)(?=.$)/, "").toLowerCase();
  if (event.key.length > 1) return event.key;
  const key = (ALIKE[event.key] || event.key).normalize("NFKC");
  return key === "?" || key === "/" ? key : key.toLowerCase();
}

const writes = (element) => element.matches("input:not([type=checkbox]), textarea, select");
const acts = (element) => element.matches("a, summary, button:not(.code):not(.chip)");

// Calls `keys[key]`, or `otherwise(key)`, which says whether it knew the key. Where one writes, keys are text.
export function listen(keys, otherwise, isOff) {
  document.addEventListener("keydown", (event) => {
    const target = event.target instanceof Element ? event.target : document.body;
    if (event.defaultPrevented || writes(target) || target.closest("dialog")) return;
    const key = keyOf(event);
    if (key === "" || isOff(key)) return;
    if ((key === "Enter" || key === " ") && acts(target)) return;
    if (key === " " && target.matches("button")) return;
    if (event.repeat && !key.startsWith("Arrow")) {
      event.preventDefault(); // a key held down decides once
      return;
    }
    const known = key in keys ? (keys[key](), true) : otherwise(key);
    if (known) event.preventDefault();
  });
}

// A button clicked with a pointer gives the focus back, so that Enter afterwards does not press it again.
export function onClick(button, act, home) {
  button.addEventListener("click", (event) => {
    act(event);
    if (event.detail > 0 && document.activeElement === button) home.focus({ preventScroll: true });
  });
}

export function helpDialog(dialog, button, close) {
  const toggle = () => (dialog.open ? dialog.close() : dialog.showModal());
  button.addEventListener("click", toggle);
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("keydown", (event) => {
    if (keyOf(event) === "?") { event.preventDefault(); dialog.close(); }
  });
  return toggle;
}

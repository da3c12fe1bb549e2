// One tooltip for the whole page. It opens on hover, focus and tap, stays inside the window, and closes with Escape.
import { byId } from "./dom";

const kGap = 8;
let owner: HTMLElement | null = null;

function place(anchor: HTMLElement, tip: HTMLElement): void {
  const box = anchor.getBoundingClientRect();
  const width = tip.offsetWidth;
  const left = Math.min(
    Math.max(kGap, box.left + box.width / 2 - width / 2),
    document.documentElement.clientWidth - width - kGap,
  );
  const above = box.top - tip.offsetHeight - kGap;
  tip.style.left = `${Math.max(kGap, left)}px`;
  tip.style.top = `${above >= kGap ? above : box.bottom + kGap}px`;
}

function show(anchor: HTMLElement, sentence: string): void {
  const tip = byId("tip");
  owner?.removeAttribute("aria-describedby");
  owner = anchor;
  tip.textContent = sentence;
  tip.hidden = false;
  anchor.setAttribute("aria-describedby", "tip");
  place(anchor, tip);
}

export function hideTip(): void {
  owner?.removeAttribute("aria-describedby");
  owner = null;
  byId("tip").hidden = true;
}

/** Shows `sentence` while `anchor` is pointed at or has the focus. */
export function attachTip(anchor: HTMLElement, sentence: string): void {
  anchor.addEventListener("pointerenter", () => show(anchor, sentence));
  anchor.addEventListener("pointerleave", hideTip);
  anchor.addEventListener("focus", () => show(anchor, sentence));
  anchor.addEventListener("blur", hideTip);
  anchor.addEventListener("click", () => show(anchor, sentence));
}

/** Closes the tooltip with Escape and when the page moves under it. */
export function watchTip(): void {
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hideTip();
  });
  window.addEventListener("scroll", hideTip, { passive: true });
}

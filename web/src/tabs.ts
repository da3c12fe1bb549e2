// The three times of the trending list, as tabs: arrow keys, Home and End move between them.
import type { Timeframe } from "./api";
import { byId, h } from "./dom";

export const kTimeframes: readonly Timeframe[] = ["1h", "24h", "7d"];

/** Fills `#tabs`; `choose` is called with the tab that was clicked or reached by key. */
export function makeTabs(choose: (timeframe: Timeframe) => void): void {
  const tabs = kTimeframes.map((timeframe) => {
    const tab = h(
      "button",
      { type: "button", role: "tab", id: `tab-${timeframe}`, "aria-controls": "trending", "data-timeframe": timeframe },
      timeframe,
    );
    tab.addEventListener("click", () => choose(timeframe));
    return tab;
  });
  const row = byId("tabs");
  row.replaceChildren(...tabs);
  row.addEventListener("keydown", (event) => {
    const at = tabs.findIndex((tab) => tab === document.activeElement);
    const last = tabs.length - 1;
    const next =
      event.key === "ArrowRight"
        ? at === last
          ? 0
          : at + 1
        : event.key === "ArrowLeft"
          ? at <= 0
            ? last
            : at - 1
          : event.key === "Home"
            ? 0
            : event.key === "End"
              ? last
              : -1;
    const timeframe = kTimeframes[next];
    if (at < 0 || timeframe === undefined) return;
    event.preventDefault();
    tabs[next]?.focus();
    choose(timeframe);
  });
}

export function markTab(current: Timeframe): void {
  for (const timeframe of kTimeframes) {
    const tab = byId(`tab-${timeframe}`);
    tab.setAttribute("aria-selected", String(timeframe === current));
    tab.tabIndex = timeframe === current ? 0 : -1;
  }
  byId("trending").setAttribute("aria-labelledby", `tab-${current}`);
}

// The line at the top that says where the data come from, and the line at the bottom about the last answer.
import type { Call, Demo } from "./api";
import { byId, h } from "./dom";
import { formatMilliseconds } from "./format";
import { currentLanguage, t } from "./i18n";

/** Links of a catalogue's source are followed only when they lead to the web. */
function isWebAddress(source: string): boolean {
  return /^https?:\/\//.test(source);
}

/** The label of the demo in its own words; in Chinese the same sentence from the dictionary. */
export function drawNotice(demo: Demo | undefined): void {
  const box = byId("notice");
  box.hidden = demo === undefined;
  if (demo === undefined) return;
  const label = currentLanguage() === "zh" || demo.label === "" ? t("simulated") : demo.label;
  const entries = demo.catalogues.map((catalogue) => {
    const name = isWebAddress(catalogue.source)
      ? h("a", { href: catalogue.source, rel: "noopener noreferrer", target: "_blank" }, catalogue.name)
      : h("span", { title: catalogue.source }, catalogue.name);
    return h("li", {}, name, ` (${catalogue.licence})`);
  });
  byId("notice-text").replaceChildren(
    h("strong", { id: "label" }, label.charAt(0).toUpperCase() + label.slice(1)),
    h("span", {}, ` ${t("catalogues")}`),
    h("ul", {}, ...entries),
  );
}

export function drawCall(call: Call): void {
  byId("last-call").textContent = call.path;
  byId("response-time").textContent = call.milliseconds === null ? "–" : formatMilliseconds(call.milliseconds);
  byId("request-id").textContent = call.requestId ?? "–";
}

// The user switcher: a guest, the sample users, and whoever a link names.
import { type SampleUser } from "./api";
import { byId, h } from "./dom";
import { t } from "./i18n";
import { itemLink } from "./route";

const kHintLength = 34;

function optionText(user: SampleUser): string {
  const last = user.history[0]?.title ?? "";
  const hint = [...last].length > kHintLength ? `${[...last].slice(0, kHintLength).join("")}…` : last;
  return hint === "" ? t("user", { id: user.id }) : `${t("user", { id: user.id })} · ${hint}`;
}

export function userName(id: string): string {
  return id === "" ? t("aGuest") : t("user", { id });
}

/** Fills the select and marks `current`, which may be a user that is not among the samples. */
export function drawUsers(users: readonly SampleUser[], current: string): void {
  const select = byId<HTMLSelectElement>("user");
  const options = [h("option", { value: "" }, t("guest"))];
  if (current !== "" && !users.some((user) => user.id === current)) {
    options.push(h("option", { value: current }, t("user", { id: current })));
  }
  for (const user of users) options.push(h("option", { value: user.id }, optionText(user)));
  select.replaceChildren(...options);
  select.value = current;
}

/** The line under "For you": what the user looked at last, as links. */
export function drawHistory(target: HTMLElement, users: readonly SampleUser[], current: string): void {
  const user = users.find((entry) => entry.id === current);
  if (current === "") {
    target.replaceChildren(t("forYouGuest"));
  } else if (user === undefined || user.history.length === 0) {
    target.replaceChildren(t("forYouNoHistory", { id: current }));
  } else {
    const visits = user.history.map((visit) =>
      h("li", {}, h("a", { href: itemLink(visit.id), title: visit.title }, visit.title)),
    );
    target.replaceChildren(t("forYouUser", { id: current }), h("ul", { class: "history" }, ...visits));
  }
}

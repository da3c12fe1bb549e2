// The search box: a combobox whose list follows what is typed. Questions wait until typing pauses, and an answer that
// comes after a newer question is dropped.
import { type Item, type List, search } from "./api";
import { coverOf } from "./cover";
import { announce, byId, h } from "./dom";
import { formatPrice } from "./format";
import { t } from "./i18n";
import { asProblem } from "./panel";
import { plainChips } from "./reasons";

const kDebounceMs = 140;
const kLimit = 8;

export interface SearchActions {
  readonly open: (id: string) => void;
  readonly showAll: (q: string) => void;
}

/** The title with the words searched for marked. Words are found as they stand, without regard to case. */
function markWords(title: string, q: string): Node[] {
  const words = q
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  const lower = title.toLowerCase();
  if (words.length === 0 || lower.length !== title.length) return [document.createTextNode(title)];
  const nodes: Node[] = [];
  let at = 0;
  while (at < title.length) {
    let next = -1;
    let length = 0;
    for (const word of words) {
      const found = lower.indexOf(word, at);
      if (found >= 0 && (next < 0 || found < next || (found === next && word.length > length))) {
        next = found;
        length = word.length;
      }
    }
    if (next < 0) break;
    if (next > at) nodes.push(document.createTextNode(title.slice(at, next)));
    nodes.push(h("mark", {}, title.slice(next, next + length)));
    at = next + length;
  }
  if (at < title.length) nodes.push(document.createTextNode(title.slice(at)));
  return nodes;
}

export class SearchBox {
  private readonly input = byId<HTMLInputElement>("search");
  private readonly popup = byId("popup");
  private readonly note = byId("popup-note");
  private readonly results = byId("results");
  private items: readonly Item[] = [];
  private active = -1;
  private sequence = 0;
  private timer: number | undefined;

  constructor(private readonly actions: SearchActions) {
    this.input.addEventListener("input", (event) => {
      if (!(event instanceof InputEvent && event.isComposing)) this.askSoon();
    });
    this.input.addEventListener("compositionend", () => this.askSoon());
    this.input.addEventListener("focus", () => void this.ask());
    this.input.addEventListener("keydown", (event) => this.onKey(event));
    this.popup.addEventListener("mousedown", (event) => event.preventDefault()); // A click must not take the focus away.
    this.input.addEventListener("blur", () => this.close());
    document.addEventListener("keydown", (event) => {
      const target = event.target as HTMLElement | null;
      const isTyping = target !== null && /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName);
      if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        this.input.focus();
        this.input.select();
      }
    });
  }

  setText(q: string): void {
    this.input.value = q;
  }

  private get question(): string {
    return this.input.value.trim();
  }

  private askSoon(): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.ask(), kDebounceMs);
  }

  private async ask(): Promise<void> {
    const sequence = ++this.sequence;
    const q = this.question;
    this.open();
    if (this.items.length === 0) this.note.textContent = t("searching");
    try {
      const list = await search(q, kLimit);
      if (sequence === this.sequence) this.show(q, list);
    } catch (error) {
      if (sequence !== this.sequence) return;
      const problem = asProblem(error);
      this.draw(q, []);
      this.note.classList.add("bad");
      this.note.textContent = problem.detail === "" ? problem.title : problem.detail;
      announce(this.note.textContent);
    }
  }

  private show(q: string, list: List): void {
    this.draw(q, list.items);
    this.note.classList.remove("bad");
    this.note.textContent =
      q === ""
        ? t("searchPopular")
        : list.items.length === 0
          ? t("searchNone", { q })
          : t("searchCount", { n: list.items.length, q });
    announce(this.note.textContent);
  }

  private draw(q: string, items: readonly Item[]): void {
    this.items = items;
    this.results.replaceChildren(...items.map((item, i) => this.option(q, item, i)));
    this.choose(-1);
  }

  private option(q: string, item: Item, i: number): HTMLElement {
    const option = h(
      "li",
      { id: `result-${i}`, role: "option", "aria-selected": "false", "data-id": item.id },
      coverOf(item.title, item.cover),
      h("span", { class: "option-title" }, ...markWords(item.title, q)),
      plainChips(item.channels),
      h("span", { class: "price" }, formatPrice(item.price)),
    );
    option.addEventListener("click", () => this.pick(item));
    option.addEventListener("mousemove", () => this.choose(i));
    return option;
  }

  private choose(i: number): void {
    if (i === this.active && i >= 0) return;
    this.active = i;
    [...this.results.children].forEach((option, at) => {
      option.setAttribute("aria-selected", String(at === i));
      if (at === i) option.scrollIntoView({ block: "nearest" });
    });
    if (i >= 0) this.input.setAttribute("aria-activedescendant", `result-${i}`);
    else this.input.removeAttribute("aria-activedescendant");
  }

  private pick(item: Item): void {
    this.leave();
    this.actions.open(item.id);
  }

  private onKey(event: KeyboardEvent): void {
    if (event.isComposing) return; // Enter and arrows belong to the input method while it composes a word.
    const n = this.items.length;
    switch (event.key) {
      case "ArrowDown":
      case "ArrowUp": {
        event.preventDefault();
        if (this.popup.hidden) {
          void this.ask();
        } else if (n > 0) {
          const step = event.key === "ArrowDown" ? 1 : -1;
          // One place beyond the ends means "none", so that the text typed can be reached again.
          this.choose(((this.active + 1 + step + n + 1) % (n + 1)) - 1);
        }
        break;
      }
      case "Enter": {
        const item = this.items[this.active];
        if (!this.popup.hidden && item !== undefined) {
          this.pick(item);
        } else {
          const q = this.question;
          this.leave();
          this.actions.showAll(q);
        }
        event.preventDefault();
        break;
      }
      case "Escape":
        event.preventDefault();
        if (this.popup.hidden) this.input.value = "";
        else this.close();
        break;
      default:
        break;
    }
  }

  private open(): void {
    this.popup.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
  }

  private close(): void {
    window.clearTimeout(this.timer);
    this.sequence++;
    this.popup.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.choose(-1);
  }

  private leave(): void {
    this.close();
    this.input.blur();
  }
}

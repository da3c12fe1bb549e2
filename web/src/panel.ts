// A place of the page that shows one list: loading, ready, empty or failed, each with a sentence. Answers that arrive
// after a newer question was asked are dropped.
import { type Layout, cardList, skeleton } from "./cards";
import { type List, Problem } from "./api";
import { announce, h } from "./dom";
import { t } from "./i18n";

/** Sentences are functions, since the language may change while the list is shown. */
export interface PanelOptions {
  readonly layout: Layout;
  readonly title: () => string;
  readonly loading: () => string;
  readonly empty: () => string;
}

type State =
  | { readonly kind: "idle" }
  | { readonly kind: "loading" }
  | { readonly kind: "ready"; readonly list: List }
  | { readonly kind: "failed"; readonly problem: Problem; readonly retry: () => void };

/** A failure that is no Problem is a mistake in the page; it is shown all the same. */
export function asProblem(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem(0, t("badAnswerTitle"), String(error), "", "");
}

/** The box for a problem: what is wrong, on which thing, and the way out that the server's sentence names. */
export function problemBox(problem: Problem, retry: () => void): HTMLElement {
  const notes = [
    problem.parameter === "" ? "" : t("parameter", { parameter: problem.parameter }),
    problem.requestId === "" ? "" : t("requestIs", { id: problem.requestId }),
  ].filter((note) => note !== "");
  // A question that the server refuses is refused the second time too; asking again helps against the rest.
  const mayPass = problem.status === 0 || problem.status === 429 || problem.status >= 500;
  const button = mayPass ? h("button", { type: "button", class: "quiet" }, t("retry")) : null;
  button?.addEventListener("click", retry);
  return h(
    "div",
    { class: "problem", role: "alert", "data-status": problem.status },
    h("p", { class: "problem-title" }, problem.title),
    problem.detail === "" ? null : h("p", { class: "problem-detail" }, problem.detail),
    notes.length === 0 ? null : h("p", { class: "problem-notes" }, notes.join(" · ")),
    button,
  );
}

export class Panel {
  private state: State = { kind: "idle" };
  private sequence = 0;

  constructor(
    private readonly root: HTMLElement,
    private readonly options: PanelOptions,
  ) {}

  /** Shows what `fetchList` answers. Cards already shown stay, dimmed, until the answer is there. */
  async load(fetchList: () => Promise<List>): Promise<List | undefined> {
    const sequence = ++this.sequence;
    this.root.setAttribute("aria-busy", "true");
    if (this.state.kind !== "ready") {
      this.state = { kind: "loading" };
      this.redraw();
    }
    try {
      const list = await fetchList();
      if (sequence !== this.sequence) return undefined;
      this.state = { kind: "ready", list };
      announce(
        list.items.length === 0
          ? this.options.empty()
          : t("listReady", { n: list.items.length, title: this.options.title() }),
      );
      return list;
    } catch (error) {
      if (sequence !== this.sequence) return undefined;
      this.state = { kind: "failed", problem: asProblem(error), retry: () => void this.load(fetchList) };
      return undefined;
    } finally {
      if (sequence === this.sequence) {
        this.root.setAttribute("aria-busy", "false");
        this.redraw();
      }
    }
  }

  /** Forgets the list and says that the next one is coming; an answer still under way is dropped. */
  expect(): void {
    this.sequence++;
    this.root.setAttribute("aria-busy", "true");
    this.state = { kind: "loading" };
    this.redraw();
  }

  /** The problem that is shown, if one is. */
  get problem(): Problem | undefined {
    return this.state.kind === "failed" ? this.state.problem : undefined;
  }

  redraw(): void {
    this.root.replaceChildren(...this.draw());
  }

  private draw(): readonly HTMLElement[] {
    switch (this.state.kind) {
      case "idle":
        return [];
      case "loading":
        return [h("p", { class: "sentence" }, this.options.loading()), skeleton(this.options.layout)];
      case "failed":
        return [problemBox(this.state.problem, this.state.retry)];
      case "ready": {
        const { items, algorithm, variant } = this.state.list;
        if (items.length === 0) return [h("p", { class: "sentence empty" }, this.options.empty())];
        const made =
          algorithm === ""
            ? []
            : [h("p", { class: "made" }, t("made", { algorithm, variant: variant === "" ? "–" : variant }))];
        return [cardList(items, this.options.layout), ...made];
      }
    }
  }
}

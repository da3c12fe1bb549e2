// The public JSON API as the page uses it. Answers are checked here, at the border, so that the rest of the page can
// trust its types; a failure of any kind becomes one Problem with a sentence.
import { t } from "./i18n";

export interface Item {
  readonly id: string;
  readonly title: string;
  /** Yuan; null is free. Undefined when only the title is known. */
  readonly price: number | null | undefined;
  readonly cover: string | null;
  readonly score: number | null;
  /** Channel names in the order of the answer's `reason`. */
  readonly channels: readonly Channel[];
}

export interface Channel {
  readonly name: string;
  readonly rank: number | null;
  readonly score: number | null;
}

export interface List {
  readonly items: readonly Item[];
  readonly algorithm: string;
  readonly variant: string;
}

export interface Visit {
  readonly id: string;
  readonly title: string;
}

export interface SampleUser {
  readonly id: string;
  readonly history: readonly Visit[];
}

export interface Catalogue {
  readonly name: string;
  readonly licence: string;
  readonly source: string;
}

export interface Demo {
  readonly label: string;
  readonly catalogues: readonly Catalogue[];
  readonly users: readonly SampleUser[];
  readonly itemCount: number | null;
  readonly userCount: number | null;
  readonly bundleId: string;
}

export type Timeframe = "1h" | "24h" | "7d";

/** What the footer shows about one call. */
export interface Call {
  readonly path: string;
  /** Milliseconds as the server measured them, from X-Response-Time (seconds). */
  readonly milliseconds: number | null;
  readonly requestId: string | null;
}

/** An answer that is no list: a problem document, no answer at all, or one that cannot be read. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly parameter: string,
    readonly requestId: string,
  ) {
    super(detail === "" ? title : detail);
  }
}

type Fields = Record<string, unknown>;

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {};
}

function text(value: unknown): string {
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
}

function number(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function list(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.filter(isFields) : [];
}

/** `reason` names the channels and their order; `channels`, when asked for, adds each one's rank and score. */
function channelsOf(item: Fields): readonly Channel[] {
  const details = fieldsOf(item["channels"]);
  return text(item["reason"])
    .split("+")
    .filter((name) => name !== "")
    .map((name) => {
      const detail = fieldsOf(details[name]);
      return { name, rank: number(detail["rank"]), score: number(detail["score"]) };
    });
}

const known = new Map<string, Item>();

function itemOf(value: Fields): Item {
  const item: Item = {
    id: text(value["dataset_id"]),
    title: text(value["title"]),
    price: number(value["price"]),
    cover: typeof value["cover_image"] === "string" && value["cover_image"] !== "" ? value["cover_image"] : null,
    score: number(value["score"]),
    channels: channelsOf(value),
  };
  known.set(item.id, item);
  return item;
}

/** The card of a data set that some earlier answer showed. */
export function findKnownItem(id: string): Item | undefined {
  return known.get(id);
}

let onCall: (call: Call) => void = () => undefined;

/** Calls `listener` after every answer. */
export function watchCalls(listener: (call: Call) => void): void {
  onCall = listener;
}

async function get(path: string, query: Record<string, string> = {}): Promise<Fields> {
  const search = new URLSearchParams(query).toString();
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(search === "" ? path : `${path}?${search}`, { headers: { Accept: "application/json" } });
  } catch {
    throw new Problem(0, t("noAnswerTitle"), t("noAnswer"), "", "");
  }
  try {
    body = await response.json();
  } catch {
    body = undefined;
  }
  const fields = fieldsOf(body);
  const seconds = Number.parseFloat(response.headers.get("X-Response-Time") ?? "");
  const requestId = response.headers.get("X-Request-ID") ?? text(fields["request_id"]);
  onCall({
    path: `/${path}`,
    milliseconds: Number.isFinite(seconds) ? seconds * 1000 : null,
    requestId: requestId === "" ? null : requestId,
  });
  if (response.ok && isFields(body)) return fields;
  const title = text(fields["title"]);
  const detail = text(fields["detail"]);
  throw new Problem(
    response.status,
    title === "" ? t("badAnswerTitle") : title,
    detail === "" && title === "" ? t("badAnswer", { status: response.status }) : detail,
    text(fields["parameter"]),
    requestId,
  );
}

function listOf(answer: Fields, key: string): List {
  const experiment = text(answer["experiment_variant"]);
  const variant = text(answer["variant"]);
  return {
    items: list(answer[key]).map(itemOf),
    algorithm: text(answer["algorithm_version"]),
    variant: experiment === "" ? variant : `${variant} · ${experiment}`,
  };
}

export async function fetchDemo(): Promise<Demo> {
  const answer = await get("demo");
  return {
    label: text(answer["label"]),
    catalogues: list(answer["catalogues"]).map((entry) => ({
      name: text(entry["name"]),
      licence: text(entry["licence"]),
      source: text(entry["source"]),
    })),
    users: list(answer["users"]).map((user) => ({
      id: text(user["user_id"]),
      history: list(user["history"]).map((visit) => ({ id: text(visit["dataset_id"]), title: text(visit["title"]) })),
    })),
    itemCount: number(answer["n_items"]),
    userCount: number(answer["n_users"]),
    bundleId: text(answer["bundle_id"]),
  };
}

/** An empty `q` gives popular data sets. */
export async function search(q: string, limit: number): Promise<List> {
  return listOf(await get("search", { q, limit: String(limit) }), "items");
}

/** The card of one data set: none of the list endpoints answers with the data set it was asked about. */
export async function fetchItem(id: string): Promise<Item | undefined> {
  const answer = await get("search", { q: "", limit: "1", filter: `item_id=${id}` });
  return listOf(answer, "items").items.find((item) => item.id === id);
}

export async function fetchSimilar(id: string): Promise<List> {
  return listOf(await get(`similar/${encodeURIComponent(id)}`, { limit: "12", explain: "true" }), "similar_items");
}

/** `user` is a user id, or empty for a guest. */
export async function fetchRecommendedHere(id: string, user: string): Promise<List> {
  const query: Record<string, string> = { limit: "12", explain: "true" };
  if (user !== "") query["user_id"] = user;
  return listOf(await get(`recommend/detail/${encodeURIComponent(id)}`, query), "recommendations");
}

/** A guest has no address of its own in the API: the popular data sets are what one gets. */
export async function fetchForUser(user: string): Promise<List> {
  if (user === "") return search("", 12);
  const query = { limit: "12", explain: "true" };
  return listOf(await get(`recommend/user/${encodeURIComponent(user)}`, query), "recommendations");
}

export async function fetchTrending(timeframe: Timeframe): Promise<List> {
  return listOf(await get("hot/trending", { timeframe, limit: "12" }), "items");
}

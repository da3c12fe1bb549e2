// Covers. A data set without a picture gets a quiet drawing that its title alone decides: the same title has the same
// cover on every page and in every session.
import { h, svg } from "./dom";

const kWidth = 160;
const kHeight = 90;
/** Hues that sit well beside each other on a light and on a dark page. */
const kHues = [206, 192, 222, 246, 268, 318, 344, 176, 158, 18];

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0;
  }
  return value;
}

/** mulberry32: numbers in [0, 1) from a seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

type Random = () => number;

function bars(random: Random): SVGElement[] {
  const n = 13;
  let level = 0.3 + random() * 0.4;
  return Array.from({ length: n }, (_, i) => {
    level = Math.min(0.9, Math.max(0.15, level + (random() - 0.48) * 0.35));
    const height = level * kHeight * 0.85;
    return svg("rect", {
      x: 8 + (i * (kWidth - 16)) / n,
      y: kHeight - height,
      width: (kWidth - 16) / n - 3,
      height,
      rx: 2,
      fill: "#fff",
      "fill-opacity": (0.22 + random() * 0.4).toFixed(2),
    });
  });
}

function rings(random: Random): SVGElement[] {
  const x = kWidth * (0.2 + random() * 0.6);
  const y = kHeight * (0.25 + random() * 0.6);
  return Array.from({ length: 8 }, (_, i) =>
    svg("circle", {
      cx: x,
      cy: y,
      r: 8 + i * (10 + random() * 5),
      fill: "none",
      stroke: "#fff",
      "stroke-opacity": (0.6 - i * 0.06).toFixed(2),
      "stroke-width": (1 + random() * 3.5).toFixed(1),
    }),
  );
}

function dots(random: Random): SVGElement[] {
  const shapes: SVGElement[] = [];
  const phase = random() * 6;
  const tilt = 0.15 + random() * 0.35;
  for (let row = 0; row < 7; row++) {
    for (let column = 0; column < 13; column++) {
      const wave = Math.sin(column * tilt * 2 + row * tilt + phase) * 0.5 + 0.5;
      shapes.push(
        svg("circle", {
          cx: 10 + column * 11.7,
          cy: 9 + row * 12,
          r: (0.8 + wave * 3.6).toFixed(2),
          fill: "#fff",
          "fill-opacity": (0.2 + wave * 0.5).toFixed(2),
        }),
      );
    }
  }
  return shapes;
}

function layers(random: Random): SVGElement[] {
  return Array.from({ length: 4 }, (_, layer) => {
    const base = kHeight * (0.35 + layer * 0.16);
    const swing = 6 + random() * 10;
    const phase = random() * 6;
    const pace = 0.02 + random() * 0.035;
    let path = `M0 ${kHeight}`;
    for (let x = 0; x <= kWidth; x += 8) path += `L${x} ${(base + Math.sin(x * pace + phase) * swing).toFixed(1)}`;
    return svg("path", {
      d: `${path}L${kWidth} ${kHeight}Z`,
      fill: "#fff",
      "fill-opacity": (0.16 + layer * 0.07).toFixed(2),
    });
  });
}

function graph(random: Random): SVGElement[] {
  const nodes = Array.from({ length: 9 }, (_, i) => ({
    x: 12 + ((i % 5) + random() * 0.8) * 30,
    y: 12 + (i / 9) * (kHeight - 30) * random() + random() * 30,
    r: 2.5 + random() * 4.5,
  }));
  const shapes: SVGElement[] = [];
  nodes.forEach((from, i) => {
    const to = nodes[(i * 2 + 3) % nodes.length];
    if (to === undefined) return;
    shapes.push(
      svg("path", {
        d: `M${from.x} ${from.y}L${to.x} ${to.y}`,
        stroke: "#fff",
        "stroke-opacity": 0.4,
        "stroke-width": 1.2,
      }),
    );
  });
  for (const node of nodes)
    shapes.push(svg("circle", { cx: node.x, cy: node.y, r: node.r, fill: "#fff", "fill-opacity": 0.8 }));
  return shapes;
}

const kDrawings = [bars, rings, dots, layers, graph];

function drawnCover(title: string): SVGElement {
  const seed = hash(title);
  const random = randomFrom(seed);
  const hue = kHues[seed % kHues.length] ?? 205;
  const draw = kDrawings[(seed >>> 8) % kDrawings.length] ?? bars;
  const tint = Math.round(hue - 16 - random() * 18);
  return svg(
    "svg",
    {
      viewBox: `0 0 ${kWidth} ${kHeight}`,
      preserveAspectRatio: "xMidYMid slice",
      "aria-hidden": "true",
      class: "drawn",
    },
    svg("rect", { width: kWidth, height: kHeight, fill: `hsl(${hue}, 29%, 47%)` }),
    svg("path", {
      d: `M0 0H${kWidth}V${20 + Math.round(random() * 30)}L0 ${kHeight}Z`,
      fill: `hsl(${tint}, 30%, 56%)`,
      "fill-opacity": 0.75,
    }),
    ...draw(random),
  );
}

/** Only pictures from the web are shown, never `data:` or `javascript:` addresses. */
function pictureAddress(cover: string): string | null {
  try {
    const address = new URL(cover, location.href);
    // Hosts below example.com and .example never exist (RFC 2606): a simulated cover, drawn here instead of asked for.
    if (/(^|\.)example(\.(com|net|org))?$/.test(address.hostname)) return null;
    return address.protocol === "https:" || address.protocol === "http:" ? address.href : null;
  } catch {
    return null;
  }
}

/** The picture of a data set, or the drawing when there is none or it cannot be loaded. Decorative: the title says it. */
export function coverOf(title: string, cover: string | null): HTMLElement {
  const frame = h("div", { class: "cover" });
  const address = cover === null ? null : pictureAddress(cover);
  if (address === null) {
    frame.append(drawnCover(title));
    return frame;
  }
  const picture = h("img", { src: address, alt: "", loading: "lazy", referrerpolicy: "no-referrer" });
  picture.addEventListener("error", () => frame.replaceChildren(drawnCover(title)));
  frame.append(picture);
  return frame;
}

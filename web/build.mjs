// Builds the console into dist/: index.html, app.js and app.css, which CMake embeds in the binary. The output depends on
// the sources alone, so that two builds give the same bytes.
import { build } from "esbuild";
import { copyFileSync, mkdirSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const kBudgetBytes = 60_000;
const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "dist");

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
await build({
  absWorkingDir: here,
  entryPoints: { app: "src/main.ts" },
  outdir: dist,
  bundle: true,
  minify: true,
  charset: "utf8",
  format: "iife",
  target: ["es2021", "chrome100", "firefox100", "safari15.4"],
  legalComments: "none",
  logLevel: "warning",
});
await build({
  absWorkingDir: here,
  entryPoints: { app: "src/style/app.css" },
  outdir: dist,
  bundle: true,
  minify: true,
  charset: "utf8",
  target: ["chrome100", "firefox100", "safari15.4"],
  logLevel: "warning",
});
copyFileSync(join(here, "src/index.html"), join(dist, "index.html"));

const sizes = ["index.html", "app.js", "app.css"].map((name) => ({ name, bytes: statSync(join(dist, name)).size }));
const total = sizes.reduce((sum, file) => sum + file.bytes, 0);
console.log(`web/dist: ${sizes.map((file) => `${file.name} ${file.bytes}`).join(", ")}, together ${total} bytes`);
if (total > kBudgetBytes) {
  console.error(`web/dist has ${total} bytes, at most ${kBudgetBytes} are allowed: make the page smaller`);
  process.exit(1);
}

// Builds the tracking snippet into build/web/lodestone-snippet.js, which CMake embeds in the binary. The output depends on the
// sources alone. With OUT as its argument it writes there instead.
import { build } from "esbuild";
import { mkdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const kBudgetBytes = 3_000;
const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, "../../build/web/lodestone-snippet.js");

mkdirSync(dirname(out), { recursive: true });
await build({
  absWorkingDir: here,
  entryPoints: ["main.ts"],
  outfile: out,
  bundle: true,
  minify: true,
  charset: "ascii",
  format: "iife",
  target: "es2018",
  legalComments: "none",
  logLevel: "warning",
});
const { size } = statSync(out);
console.log(`lodestone-snippet.js: ${size} bytes`);
if (size >= kBudgetBytes) {
  console.error(`lodestone-snippet.js has ${size} bytes, fewer than ${kBudgetBytes} are allowed: make the snippet smaller`);
  process.exit(1);
}

// Runs the browser tests: `node run.mjs [PART OF A NAME]`. GUERDON_BINARY names the program, CHROMIUM the browser.

import { readdir } from "node:fs/promises";
import { runAll } from "./lib/test.mjs";

const files = (await readdir(new URL("tests/", import.meta.url))).filter((it) => it.endsWith(".test.mjs")).sort();
for (const file of files) await import(new URL(`tests/${file}`, import.meta.url));

const { passed, failed } = await runAll(process.argv[2]);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && 0 < passed ? 0 : 1;

// A small runner: each test has visitors of its own, and whatever they noticed fails it.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { newVisitor, openBrowser } from "./browser.mjs";
import { root, serveSample, serveShop } from "./server.mjs";

const TEST_MS_MAX = 180_000;
/** Tests that run at once: while one waits for a page, another goes on. */
const LANES = 2;
const tests = [];

/** Registers a test; its name is a sentence. */
export function test(name, body) {
  tests.push({ name, body });
}

/** Runs what was registered and contains `filter`; answers how many passed and failed. */
export async function runAll(filter = "") {
  const chosen = tests.filter((it) => it.name.includes(filter));
  const browser = await openBrowser();
  const house = new House();
  let failed = 0;
  try {
    const waiting = chosen.values();
    const lane = async () => {
      for (const { name, body } of waiting) {
        const started = performance.now();
        const fault = await runOne(name, body, browser, house);
        const seconds = ((performance.now() - started) / 1000).toFixed(1);
        console.log(`${fault ? "not ok" : "ok"}  ${name}  (${seconds} s)${fault ? `\n\n${fault.stack ?? fault}\n` : ""}`);
        if (fault) failed += 1;
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  } finally {
    await browser.close();
  }
  if ((await house.close(console.log)) === 0) console.log(`ok  all ${house.stopped} servers stop at SIGTERM with exit code 0`);
  else failed += 1;
  return { passed: chosen.length + 1 - failed, failed };
}

async function runOne(name, body, browser, house) {
  const visitors = [];
  const visit = async (server, settings) => {
    const page = await newVisitor(browser, server, settings);
    visitors.push(page);
    return page;
  };
  let late;
  const tooLate = new Promise((_, reject) => {
    late = setTimeout(() => reject(new Error(`not done after ${TEST_MS_MAX / 1000} seconds`)), TEST_MS_MAX);
  });
  try {
    await Promise.race([body({ browser, house, visit }), tooLate]);
    const faults = visitors.flatMap((it) => it.faults);
    if (faults.length) throw new Error(`behind the scenes:\n  ${faults.join("\n  ")}`);
    return undefined;
  } catch (fault) {
    await keepPictures(name, visitors);
    return fault;
  } finally {
    clearTimeout(late);
    await Promise.all(visitors.map((it) => it.context().close()));
  }
}

/** What the visitors of a failed test saw last. */
async function keepPictures(name, visitors) {
  const folder = join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "browser");
  mkdirSync(folder, { recursive: true });
  for (const [index, page] of visitors.entries()) {
    const path = join(folder, `${name.replace(/\W+/g, "-")}-${index + 1}.png`);
    await page.screenshot({ path, fullPage: true }).then(
      () => console.log(`    seen last: ${path} (${page.url()})`),
      (fault) => console.log(`    no picture of ${page.url()}: ${fault.message}`),
    );
  }
}

/** The servers that tests share, started when first asked for. Each must stop with exit code 0. */
export class House {
  #servers = [];
  stopped = 0;

  /** The sample shop. */
  sample() {
    return (this.#sample ??= this.keep(serveSample()));
  }
  #sample;

  /** A shop of the test's own, on a new database. */
  shop(...words) {
    return this.keep(serveShop(...words));
  }

  keep(starting) {
    this.#servers.push(starting);
    return starting;
  }

  /** Stops all servers, and tells how; answers how many did not end well. */
  async close(tell = () => {}) {
    let failed = 0;
    for (const starting of this.#servers) {
      const server = await starting.catch(() => undefined);
      if (!server || server.isStopped) continue;
      this.stopped += 1;
      const code = await server.stop();
      if (code === 0) continue;
      tell(`not ok  the server at ${server.url} stops with exit code 0: it was ${code}\n${server.log.error}`);
      failed += 1;
    }
    return failed;
  }
}

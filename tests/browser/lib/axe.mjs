// What can be measured of a page: WCAG 2.2 AA as far as axe knows, and nothing wider than the screen.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/** What axe finds, a line for each place. */
export async function axe(page, { without = [] } = {}) {
  // Evaluated by the browser's own tools, which the policy of a page does not bind.
  await page.evaluate(AXE);
  const found = await page.evaluate(
    async ({ tags, without }) => {
      const rules = Object.fromEntries(without.map((it) => [it, { enabled: false }]));
      const { violations, passes } = await axe.run(document, { runOnly: { type: "tag", values: tags }, rules });
      const nodes = violations.flatMap(({ id, help, nodes }) => nodes.map((it) => ({ id, help, it })));
      return {
        passes: passes.length,
        violations: nodes.map(({ id, help, it }) => `${id} (${help}) at ${it.target}: ${it.failureSummary ?? ""}`),
      };
    },
    { tags: TAGS, without },
  );
  if (found.passes === 0) throw new Error("axe looked at nothing");
  return found.violations.map((it) => it.replace(/\s+/g, " "));
}

/** By how many pixels the page is wider than the window, and what sticks out. */
export async function overflow(page) {
  return page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const sticksOut = (it) => clientWidth + 1 < it.getBoundingClientRect().right;
    const name = (it) => `${it.tagName.toLowerCase()}${it.className?.baseVal ?? it.className ? `.${it.className}` : ""}`;
    const names = [...document.querySelectorAll("body *")].filter(sticksOut).slice(0, 5).map(name);
    return [`${scrollWidth - clientWidth} pixels wider than the window: ${names.join(", ")}`];
  });
}

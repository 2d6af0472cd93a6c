// The browser: Debian's chromium, cut off from every host but this one. What a page does wrong while nobody looks (an
// error in its console, a request to another host, a file that is not there) fails the test that opened it.

import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

/** How people sit in front of it. */
export const SIZES = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };

/** How long a person would wait for a page of a debug build on a busy machine. */
const WAIT_MS = 20_000;

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

const FLAGS = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // Names lead nowhere but here; a request that is tried all the same is seen by `watch`.
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
];

export async function openBrowser() {
  const executablePath = process.env.CHROMIUM ?? PLACES.find((it) => existsSync(it));
  if (!executablePath) throw new Error(`there is no chromium at ${PLACES.join(" or ")}; CHROMIUM=… names another place`);
  // The sandbox needs a user that is not root.
  const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return chromium.launch({ executablePath, args: [...FLAGS, ...sandbox], headless: true });
}

/**
 * A visitor with cookies of their own. `settings`: what `newContext` takes, and `size`, `scheme`, `scripts`.
 * `page.faults` collects what went wrong; an answer with a status in `page.expected`, and a message that contains a text
 * of `page.excused`, is no fault.
 */
export async function newVisitor(browser, server, { size = "desktop", scheme = "light", scripts = true, ...more } = {}) {
  const context = await browser.newContext({
    baseURL: server.url,
    viewport: SIZES[size],
    colorScheme: scheme,
    javaScriptEnabled: scripts,
    reducedMotion: "reduce",
    ...more,
  });
  context.setDefaultTimeout(WAIT_MS);
  const page = await context.newPage();
  page.faults = [];
  page.expected = new Set();
  page.excused = [];
  watch(page, new URL(server.url).host);
  return page;
}

/** Writes down what a person would not notice. */
function watch(page, host) {
  const fault = (text) => page.faults.push(text);
  page.context().on("request", (request) => {
    const url = new URL(request.url());
    if (!["data:", "blob:", "about:"].includes(url.protocol) && url.host !== host) fault(`asks another host: ${url}`);
  });
  page.on("websocket", (socket) => fault(`opens a socket: ${socket.url()}`));
  page.on("requestfailed", (request) => {
    const why = request.failure()?.errorText;
    // A request that the page itself gave up, because something newer was typed or the page was left.
    if (why !== "net::ERR_ABORTED") fault(`no answer: ${request.url()} (${why})`);
  });
  page.on("response", (response) => {
    const status = response.status();
    if (400 <= status && !page.expected.has(status)) fault(`answered ${status}: ${response.url()}`);
  });
  page.on("pageerror", (error) => fault(`a script broke: ${error}`));
  page.on("console", (message) => {
    // What could not be loaded is judged where it is answered.
    // So is what htmx gave up because the page was left.
    const known = ["Failed to load resource", "htmx:sendAbort", "htmx:afterRequest", ...page.excused];
    const isKnown = known.some((it) => message.text().includes(it));
    if (["error", "warning"].includes(message.type()) && !isKnown) fault(`console ${message.type()}: ${message.text()}`);
  });
}

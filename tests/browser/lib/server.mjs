// Starts the real program on a database of its own, and stops it as an operator would: with SIGTERM, and a look at its
// exit code.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** The folder of the project. */
export const root = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");

/** The program that is tested. */
export const program = process.env.GUERDON_BINARY ?? join(root, "target/debug/guerdon");

/** Purchases of the sample shop that are loaded: enough for every page to be full, few enough for a debug build. */
const SAMPLE_ROWS = 3000;

const folder = mkdtempSync(join(tmpdir(), "guerdon-browser-"));
const running = new Set();
let databases = 0;

// Whatever ends the tests, neither a server nor a database is left behind.
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

/** A file name for a database that is not there yet. */
export function newDatabase() {
  databases += 1;
  return join(folder, `${databases}.db`);
}

/** The address of a PostgreSQL that is started for it, and gone when this process ends. */
export async function newPostgres() {
  const port = await freePort();
  const script = join(root, "tests/postgres/cluster.sh");
  const cluster = spawn("sh", [script, String(port)], { stdio: ["pipe", "pipe", "inherit"] });
  return new Promise((started, failed) => {
    cluster.once("exit", (code) => failed(new Error(`PostgreSQL ended with ${code} before it served`)));
    cluster.stdout.setEncoding("utf8").once("data", (url) => {
      // It ends with this process, which does not wait for it.
      for (const it of [cluster, cluster.stdin, cluster.stdout]) it.unref();
      started(url.trim());
    });
  });
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return port;
}

/** Runs the program to its end, and answers what it printed. */
export async function run(...words) {
  const { stdout } = await promisify(execFile)(program, words, { cwd: root, env: environment(), maxBuffer: 1 << 26 });
  return stdout;
}

let sample;

/** A database with the sample shop; loaded once, copied for each. */
export async function sampleDatabase() {
  sample ??= (async () => {
    const database = newDatabase();
    const printed = await run("--database", database, "demo", "--rows", String(SAMPLE_ROWS), "--load-only");
    return { database, printed };
  })();
  const { database, printed } = await sample;
  const copy = newDatabase();
  await copyFile(database, copy);
  return { database: copy, printed };
}

/** The sample shop, served; whoever comes may enter. */
export async function serveSample() {
  const { database, printed } = await sampleDatabase();
  const server = await start(["--database", database, "demo", "--rows", String(SAMPLE_ROWS), ...anyPort]);
  return Object.assign(server, { printed, database });
}

/** A server on a new database, or on one that is there. */
export async function serveShop(database = newDatabase(), ...more) {
  const server = await start(["--database", database, "serve", ...anyPort, ...more]);
  return Object.assign(server, { database });
}

const anyPort = ["--listen", "127.0.0.1:0"];

function environment() {
  // Without a screen the program does not open a browser of its own.
  const { DISPLAY, WAYLAND_DISPLAY, GUERDON_DATABASE, ...rest } = process.env;
  return { ...rest, RUST_LOG: "warn" };
}

/** Starts the program, and waits until it has said all that it says before it serves. */
export async function start(words) {
  const child = spawn(program, words, { cwd: root, env: environment(), stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve(signal ?? code)));
  ended.then(() => running.delete(child));
  const log = { out: "", error: "" };
  child.stderr.setEncoding("utf8").on("data", (text) => (log.error += text));
  await new Promise((ready, failed) => {
    child.once("error", failed);
    ended.then((code) => failed(new Error(`the server ended with ${code} before it served:\n${log.error}`)));
    child.stdout.setEncoding("utf8").on("data", (text) => {
      log.out += text;
      if (log.out.includes("Stop it with Ctrl-C.")) ready();
    });
  });
  const url = /Guerdon is at (http:\S+)/.exec(log.out)?.[1];
  if (!url) throw new Error(`the server did not say where it is:\n${log.out}`);
  return {
    url,
    /** The one-time link, where one was printed. */
    link: /https?:\S+\/set-up\/\S+/.exec(log.out)?.[0],
    log,
    /** Asks the server to stop; answers its exit code. */
    async stop() {
      child.kill("SIGTERM");
      return ended;
    },
  };
}

/** The API of a server, for one key: answers status and body, and throws nothing. */
export function api(server, key) {
  return async (method, path, body, headers = {}) => {
    const response = await fetch(server.url + path, {
      method,
      headers: {
        Authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, body: text ? JSON.parse(text) : undefined };
  };
}

// The local host as the tests need it: on a copy of a store of the demo, with its clock at the end of the demo's days.

import { spawn } from "node:child_process";
import { createHash, createHmac } from "node:crypto";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** As cargo has it; the components and the demo's stores are below the default one. */
const TARGET = resolve(ROOT, process.env.CARGO_TARGET_DIR ?? "target");
/** What `cargo demo -- --keep target/demo` kept, and an hour after its last fan. */
export const DAYS = { store: join(ROOT, "target/demo/days"), at: Date.UTC(2026, 2, 31, 12) / 1000 };
export const REMINDERS = { store: join(ROOT, "target/demo/reminders"), at: Date.UTC(2026, 3, 1, 3) / 1000 };

/** The first start after a build compiles the components. */
const START_MILLISECONDS = 200_000;
const WECHAT_TOKEN = "guanxidemo";
const JOB_TOKEN = "browser-job-token";
const ORDERS_SECRET = "Z3VhbnhpLWRlbW8tc2VjcmV0LTAxMjM0NTY3ODlhYg==";
/** Who has it may log in, unless a test says another. */
export const CONSOLE_TOKEN = "browser-console-token";

/** A copy of a store, which the test may change. */
export async function copied(store) {
  const folder = await mkdtemp(join(tmpdir(), "guanxi-browser-"));
  try {
    await cp(store, folder, { recursive: true });
  } catch (error) {
    throw new Error(`there is no store; cargo demo -- --keep target/demo makes it (${error.message})`);
  }
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

const running = new Set();

/** Ends every host that still runs, also where a test failed. */
export const stopAll = () => Promise.all([...running].map((guanxi) => guanxi.stop()));

// What the test runner sends where the tests take too long; the browser ends with this process.
process.once("SIGTERM", () => {
  for (const guanxi of running) guanxi.child.kill();
  process.exit(1);
});

export class Guanxi {
  /** Serves the store in a folder; `at` is the functions' time in seconds, from which it runs on. */
  static async start(folder, at, consoleToken = CONSOLE_TOKEN) {
    const variables = {
      wechat_token: WECHAT_TOKEN,
      wechat_app_id: "wx6d656f77656f7721",
      wechat_mode: "plain",
      orders_secret: `whsec_${ORDERS_SECRET}`,
      job_token: JOB_TOKEN,
      console_token: consoleToken,
    };
    const flags = Object.entries(variables).flatMap(([name, value]) => ["--variable", `${name}=${value}`]);
    const time = new Date(at * 1000).toISOString().replace(".000Z", "+00:00");
    const child = spawn(
      join(TARGET, "debug/guanxi"),
      ["up", "--no-clock", "--quiet", "--listen", "127.0.0.1:0", "--state-dir", folder, "--at", time, ...flags],
      { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] },
    );
    const ended = new Promise((resolve) => child.once("close", resolve).once("error", resolve));
    const guanxi = new Guanxi(child, ended, at);
    running.add(guanxi);
    const timeout = setTimeout(() => child.kill(), START_MILLISECONDS);
    for await (const line of createInterface(child.stdout)) {
      // Over plain HTTP browsers keep the session's cookie for this name only.
      if (line.startsWith("Serving ")) guanxi.url = line.slice("Serving ".length).replace("127.0.0.1", "localhost");
      if (guanxi.url) break;
    }
    clearTimeout(timeout);
    if (!guanxi.url || child.killed) throw new Error("the local host does not start");
    child.stdout.resume();
    return guanxi;
  }

  constructor(child, ended, at) {
    Object.assign(this, { child, ended, began: Date.now() / 1000 - at });
  }

  async stop() {
    this.child.kill();
    await this.ended;
    running.delete(this);
  }

  now() {
    return Math.floor(Date.now() / 1000 - this.began);
  }

  /** A fan's message or event, as WeChat posts it in plain mode. */
  async fan(openid, type, more) {
    const [timestamp, nonce] = [String(this.now()), "415670741"];
    const signature = createHash("sha1").update([WECHAT_TOKEN, timestamp, nonce].sort().join("")).digest("hex");
    const body =
      `<xml><ToUserName><![CDATA[gh_meowfood]]></ToUserName><FromUserName><![CDATA[${openid}]]></FromUserName>` +
      `<CreateTime>${timestamp}</CreateTime><MsgType><![CDATA[${type}]]></MsgType>${more}</xml>`;
    await this.fetch(`/wechat?${new URLSearchParams({ signature, timestamp, nonce, openid })}`, { method: "POST", body });
  }

  follow(openid, channel) {
    const scene = `<EventKey><![CDATA[qrscene_${channel}]]></EventKey>`;
    return this.fan(openid, "event", `<Event><![CDATA[subscribe]]></Event>${scene}`);
  }

  write(openid, id, text) {
    return this.fan(openid, "text", `<Content><![CDATA[${text}]]></Content><MsgId>${id}</MsgId>`);
  }

  /** A purchase, as the shop sends it. */
  async buy(openid, product, cents) {
    const [id, timestamp] = [`msg_${openid}`, String(this.now())];
    const lines = [{ product, quantity: 1, amount: cents }];
    const body = JSON.stringify({ orders: [{ id: `order_${openid}`, openid, time: this.now(), lines }] });
    const secret = Buffer.from(ORDERS_SECRET, "base64");
    const signature = createHmac("sha256", secret).update(`${id}.${timestamp}.${body}`).digest("base64");
    const headers = { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` };
    await this.fetch("/orders", { method: "POST", body, headers });
  }

  /** Folds what is in the journal. */
  rollup() {
    return this.fetch("/jobs/rollup", { method: "POST", headers: { authorization: `Bearer ${JOB_TOKEN}` } });
  }

  /** A report as JSON. */
  async report(path) {
    const answer = await this.fetch(path, { headers: { authorization: `Bearer ${CONSOLE_TOKEN}` } });
    return answer.json();
  }

  async fetch(path, options) {
    const answer = await fetch(this.url + path, options);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  }
}

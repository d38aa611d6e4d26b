// Debian's chromium, watched: whatever a page asks of another host, and whatever the browser complains about, fails the test.

import { chromium } from "playwright-core";
import { CONSOLE_TOKEN } from "./guanxi.js";

const EXECUTABLE = process.env.CHROMIUM ?? "/usr/bin/chromium";
const TIMEOUT_MILLISECONDS = 20_000;

export const launch = () =>
  chromium.launch({
    executablePath: EXECUTABLE,
    // Nothing else has an address.
    args: ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost"],
  });

/** A browser window of its own, with its own cookies. */
export class Window {
  static async open(browser, url, options = {}) {
    const context = await browser.newContext({
      baseURL: url,
      locale: "zh-CN",
      reducedMotion: "reduce",
      viewport: { width: 1440, height: 900 },
      ...options,
    });
    context.setDefaultTimeout(TIMEOUT_MILLISECONDS);
    const window = new Window(context, await context.newPage());
    window.watch(url);
    return window;
  }

  constructor(context, page) {
    Object.assign(this, { context, page, complaints: [] });
  }

  watch(url) {
    const complain = (what) => this.complaints.push(what);
    this.context.on("request", (request) => {
      const asked = request.url();
      if (!asked.startsWith(`${url}/`) && asked !== "data:,") complain(`asks for ${asked}`);
    });
    this.page.on("pageerror", (error) => complain(`error: ${error}`));
    this.page.on("console", (message) => {
      // A violation of the content security policy is told here, too.
      if (message.type() !== "error" && message.type() !== "warning") return;
      // An answer that a test wants to see refused; tests look at each page's status.
      if (/^Failed to load resource: the server responded with a status of (40\d|422) /.test(message.text())) return;
      complain(`console: ${message.text()}`);
    });
    this.page.on("dialog", async (dialog) => {
      complain(`dialog: ${dialog.message()}`);
      await dialog.dismiss();
    });
  }

  /** Goes there; the answer's status. */
  async goto(address) {
    return (await this.page.goto(address)).status();
  }

  /** Clicks what leads elsewhere; the status of what came. */
  async follow(locator) {
    return this.arrived(() => locator.click());
  }

  /** Types a token where the log-in form waits for it and presses Enter; the status of what came. */
  async login(token = CONSOLE_TOKEN) {
    await this.page.locator("#token:focus").waitFor();
    await this.page.keyboard.type(token);
    return this.arrived(() => this.page.keyboard.press("Enter"));
  }

  async arrived(act) {
    const [answer] = await Promise.all([this.page.waitForNavigation(), act()]);
    return answer.status();
  }

  static async loggedIn(browser, url, options) {
    const window = await Window.open(browser, url, options);
    await window.goto("/");
    const status = await window.login();
    if (status !== 200) throw new Error(`the log-in is answered with ${status}`);
    return window;
  }

  /** The menu's addresses. */
  menu() {
    return this.addresses("header nav a");
  }

  addresses(selector) {
    return this.page.locator(selector).evaluateAll((links) => links.map((link) => link.getAttribute("href")));
  }

  /** A table's texts, row by row, the headings first. */
  rows(id) {
    return this.page.locator(`#${id}`).evaluate((table) =>
      [...table.rows].map((row) => [...row.cells].map((cell) => cell.textContent.trim())),
    );
  }

  async close() {
    await this.context.close();
    if (this.complaints.length > 0) throw new Error([...new Set(this.complaints)].join("\n"));
  }
}

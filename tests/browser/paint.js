// How long a page takes in a browser until it stands, on a store with many fans:
// `cargo bench-guanxi console --folder target/fans`, then here `npm run paint -- ../../target/fans/1000000`.

import { Window, launch } from "./browser.js";
import { Guanxi } from "./guanxi.js";

/** Ten minutes after the benchmark's last fan. */
const AT = 1_800_000_600;
const ROUNDS = 5;
const PAGES = ["/?days=90", "/console/channels?days=90", "/console/channel?id=bag_2kg&days=90", "/console/fan?openid=oBench-000000000000000000007"];

const [store] = process.argv.slice(2);
if (!store) throw new Error("which store? npm run paint -- FOLDER");
const browser = await launch();
const guanxi = await Guanxi.start(store, AT);
try {
  const window = await Window.loggedIn(browser, guanxi.url);
  for (const address of new Set([...(await window.menu()), ...PAGES])) {
    const milliseconds = [];
    for (let round = 0; round < ROUNDS; round++) {
      const status = await window.goto(address);
      if (status !== 200) throw new Error(`${address}: ${status}`);
      // The frame with the whole page is behind us when the next task runs.
      const stands = () => new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(performance.now()))));
      milliseconds.push(await window.page.evaluate(stands));
    }
    const median = milliseconds.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)];
    console.log(`${address}: ${median.toFixed(0)} ms`);
  }
  await window.close();
} finally {
  await browser.close();
  await guanxi.stop();
}

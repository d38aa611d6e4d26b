// The pictures of the README: pages of the demo's store, `npm run pictures`.

import { mkdir, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Window, launch } from "./browser.js";
import { DAYS, Guanxi, copied } from "./guanxi.js";

const FOLDER = fileURLToPath(new URL("../../shared/docs/pictures/", import.meta.url));
const BYTES_MAX = 150 * 1024;
/** Name, address, width and height; the page's full height where there is none. */
const PICTURES = [
  ["overview", "/", 1440, 1000],
  ["channels", "/console/channels?sort=revenue_first_touch&order=down", 1440, 640],
  ["channel", "/console/channel?id=bag_2kg", 1440, 900],
  ["overview-360", "/?metric=revenue", 360, 900],
];

const store = await copied(DAYS.store);
const guanxi = await Guanxi.start(store.folder, DAYS.at);
const browser = await launch();
try {
  await mkdir(FOLDER, { recursive: true });
  const window = await Window.loggedIn(browser, guanxi.url);
  for (const [name, address, width, height] of PICTURES) {
    await window.page.setViewportSize({ width, height });
    const status = await window.goto(address);
    if (status !== 200) throw new Error(`${address}: ${status}`);
    const path = `${FOLDER}${name}.png`;
    await window.page.screenshot({ path });
    const { size } = await stat(path);
    console.log(`${path}: ${size} bytes`);
    if (size > BYTES_MAX) throw new Error(`${name} has more than ${BYTES_MAX} bytes`);
  }
  await window.close();
} finally {
  await browser.close();
  await guanxi.stop();
  await store.remove();
}

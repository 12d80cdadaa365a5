// What every browser test stands on: the built window behind a server, and Chromium in front of it.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
export const ui = join(here, '../../ui');
const require = createRequire(join(ui, 'package.json'));
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

/** Returns the first of the places where Debian and others put Chromium. */
function browserPath() {
  const places = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
  const found = places.find((place) => place && existsSync(place));
  if (!found) throw new Error('Chromium is missing: apt-get install chromium, or set CHROMIUM');
  return found;
}

/** Opens Chromium with a profile of its own; `close` ends it and removes the profile. */
export async function openBrowser() {
  const profile = mkdtempSync(join(tmpdir(), 'edk-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: browserPath(), headless: true, args: FLAGS, viewport: { width: 1280, height: 860 },
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  return {
    context,
    async close() {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

/** Opens a page whose every console error, page error and broken rule of the policy is collected. */
export async function openPage(context, options = {}) {
  const page = await context.newPage();
  const faults = [];
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  page.on('pageerror', (error) => faults.push(String(error)));
  await page.emulateMedia({ colorScheme: options.scheme ?? 'light', reducedMotion: options.motion ?? 'reduce' });
  return { page, faults };
}

/** Returns what axe-core finds serious on the page, in one line each. */
export async function seriousFindings(page) {
  // Injected as the program would run it: `evaluate` is not subject to the policy of the page.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  return serious.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html.slice(0, 160)).join(' | ')}`);
}

/** Waits until everything is loaded and drawn. */
export async function settled(page) {
  await page.waitForLoadState('networkidle');
  await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
}

async function untilAnswers(url) {
  for (let tries = 0; tries < 200; tries += 1) {
    try {
      if ((await fetch(url)).ok) return;
    } catch {
      // Not yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${url} does not answer`);
}

/** Serves the window that was built for replay, under the policy of the real host. */
export async function serveReplay(port = 4179) {
  const vite = join(ui, 'node_modules/vite/bin/vite.js');
  const args = [vite, 'preview', '--outDir', 'dist-replay', '--port', String(port), '--strictPort'];
  const child = spawn(process.execPath, args, { cwd: ui, stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}/`;
  try {
    await untilAnswers(url);
  } catch (error) {
    child.kill();
    throw error;
  }
  return { url, close: () => child.kill() };
}

/** Serves the built window by the real engine; state is kept in `home`. Its address has the token. */
export function serveEngine(edk, home) {
  const args = ['serve', '--port', '0', '--registry-port', '0', '--ui', join(ui, 'dist')];
  return serve(edk, home, args, /http:\/\/\S+#token=\S+/);
}

/** A server of `edk` that says its address, in the form of `address`. Tokens are in a sealed file. */
export async function serve(edk, home, args, address = /http:\/\/127\.0\.0\.1:\d+/) {
  const env = { ...process.env, EDK_PASSPHRASE: 'of the journeys' };
  const child = spawn(edk, [...args, '--home', home], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  let said = '';
  const url = await new Promise((resolve, reject) => {
    child.stderr.on('data', (chunk) => {
      said += chunk;
      const found = address.exec(said);
      if (found) resolve(found[0]);
    });
    child.once('error', reject);
    void ended.then(() => reject(new Error(`edk ${args[0]} ended: ${said}`)));
  });
  return {
    url,
    async close() {
      child.kill('SIGINT');
      await ended;
    },
  };
}

// Takes a picture of every page in every state that matters, to be looked at: node shots.mjs [FOLDER]
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openBrowser, openPage, serveReplay } from './stage.mjs';

const folder = process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), 'shots');
const only = process.argv[3];
const pages = ['home', 'new', 'deploy', 'extensions', 'registry', 'settings'];
const deploy = 'deploy?project=%2Fsrv%2Fada%2Fmy-radiomics';
const wanted = [
  ...pages.flatMap((page) => ['light', 'dark'].map((scheme) => ({ page, scheme, scene: 'usual' }))),
  ...pages.map((page) => ({ page, scheme: 'light', scene: 'empty' })),
  ...['home', 'deploy', 'extensions', 'registry', 'settings'].map((page) => ({ page, scheme: 'light', scene: 'failed' })),
  { page: 'home', scheme: 'light', scene: 'busy', hash: 'home?job=j1' },
  { page: 'deploy', scheme: 'dark', scene: 'busy' },
  { page: 'home', scheme: 'light', scene: 'offline' },
  { page: 'extensions', scheme: 'light', scene: 'loading' },
];

mkdirSync(folder, { recursive: true });
const server = await serveReplay();
const browser = await openBrowser();
const shoot = async (name, { scene, scheme, hash, act, theme, size }) => {
  if (only && !name.includes(only)) return;
  const { page, faults } = await openPage(browser.context, { scheme });
  if (size) await page.setViewportSize(size);
  await page.goto(`${server.url}?scene=${scene}&pace=0.1#/${hash}`);
  await page.waitForLoadState('networkidle');
  if (theme) await page.evaluate((name) => (document.documentElement.dataset.theme = name), theme);
  await act?.(page);
  await page.waitForTimeout(350);
  // The page scrolls inside of the window: make the window as high as the page.
  const high = size ? 0 : await page.evaluate(() => document.querySelector('main').scrollHeight);
  if (high > 860) await page.setViewportSize({ width: 1280, height: Math.min(high, 2400) });
  await page.screenshot({ path: join(folder, `${name}.png`) });
  for (const fault of faults) console.log(`${name}: ${fault}`);
  await page.close();
};
for (const { page, scheme, scene, hash } of wanted) {
  await shoot(`${page}-${scene}-${scheme}`, { scene, scheme, hash: hash ?? (page === 'deploy' && scene !== 'empty' ? deploy : page) });
}
await shoot('deploy-done', { scene: 'usual', scheme: 'light', hash: deploy, act: async (page) => {
  await page.getByRole('button', { name: 'Deploy', exact: true }).click();
  await page.getByText('succeeded', { exact: true }).first().waitFor();
} });
const run = async (page, width) => {
  await page.getByRole('textbox', { name: 'Folder of images' }).fill('/srv/ada/dicom');
  await page.getByRole('spinbutton', { name: 'Bin width' }).fill(width);
};
await shoot('run-done', { scene: 'usual', scheme: 'light', hash: deploy, act: async (page) => {
  await run(page, '12.5');
  await page.getByRole('button', { name: /^Run / }).click();
  await page.getByText('success, exit code 0').waitFor();
} });
await shoot('run-refused-dark', { scene: 'usual', scheme: 'dark', hash: deploy, act: (page) => run(page, '') });
await shoot('deploy-pieces', { scene: 'usual', scheme: 'light', hash: deploy, act: (page) => page.getByText('Only a part of it').click() });
await shoot('palette', { scene: 'usual', scheme: 'light', hash: 'home', size: { width: 1280, height: 800 }, act: (page) => page.keyboard.press('Control+k') });
await shoot('palette-dark', { scene: 'usual', scheme: 'dark', hash: 'home', size: { width: 1280, height: 800 }, act: (page) => page.keyboard.press('Control+k') });
await shoot('registry-layers', { scene: 'usual', scheme: 'light', hash: 'registry', act: (page) => page.getByRole('button', { name: '1 layer' }).first().click() });
await shoot('registry-delete', { scene: 'usual', scheme: 'light', hash: 'registry', size: { width: 1280, height: 800 }, act: (page) => page.getByRole('button', { name: 'Delete 0.1.0' }).click() });
await shoot('extensions-params', { scene: 'usual', scheme: 'light', hash: 'extensions', act: (page) => page.getByRole('button', { name: 'Organ segmentation' }).click() });
await shoot('new-refused', { scene: 'usual', scheme: 'light', hash: 'new', act: (page) => page.getByLabel('Name', { exact: true }).fill('My Ext') });
const toWard = async (page) => {
  await page.getByRole('option', { name: 'ward' }).waitFor({ state: 'attached' });
  await page.getByRole('combobox', { name: 'Target' }).selectOption('ward');
  await page.getByRole('list', { name: 'How images get to ward' }).waitFor();
  await page.getByText('Options').click();
};
await shoot('deploy-platform', { scene: 'usual', scheme: 'light', hash: deploy, act: toWard });
await shoot('settings-add', { scene: 'usual', scheme: 'light', hash: 'settings', act: async (page) => {
  await page.getByRole('button', { name: 'Add a platform' }).click();
  await page.getByLabel('Name', { exact: true }).fill('clinic');
  await page.getByLabel('Address', { exact: true }).fill('https://clinic.example.org');
  await page.getByLabel('Certificate').selectOption('anything');
} });
await shoot('settings-login-dark', { scene: 'usual', scheme: 'dark', hash: 'settings', act: (page) => page.getByRole('button', { name: 'Log in again to ward' }).click() });
await shoot('settings-change', { scene: 'usual', scheme: 'light', hash: 'settings', act: (page) => page.getByRole('button', { name: 'Change ward' }).click() });
await shoot('settings-browser', { scene: 'usual', scheme: 'light', hash: 'settings', act: async (page) => {
  await page.getByRole('button', { name: 'Log in again to ward' }).click();
  await page.getByRole('radio', { name: 'In a browser' }).check({ force: true });
  await page.getByRole('radio', { name: 'On another device' }).check({ force: true });
  await page.getByRole('button', { name: 'Begin' }).click();
  await page.getByText('WDJB-MJHT', { exact: true }).waitFor();
} });
await shoot('settings-checked', { scene: 'usual', scheme: 'light', hash: 'settings', act: (page) => page.getByRole('button', { name: 'Check ward' }).click() });
await shoot('settings-remove', { scene: 'usual', scheme: 'light', hash: 'settings', size: { width: 1280, height: 800 }, act: async (page) => {
  await page.getByRole('button', { name: 'Remove ward' }).click();
  await page.getByRole('dialog').getByText('edk target remove').waitFor();
} });
await shoot('home-contrast', { scene: 'usual', scheme: 'light', hash: 'home', theme: 'contrast' });
await shoot('deploy-narrow', { scene: 'usual', scheme: 'light', hash: deploy, size: { width: 800, height: 1000 } });
await browser.close();
server.close();

// The window over the real engine: builder, registry and sandbox. EDK names the program; EDK_HOME
// may name a data folder that has a base image already, which saves half a minute.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openBrowser, openPage, seriousFindings, serveEngine, ui } from './stage.mjs';

const SLOW = 180_000;
const edk = process.env.EDK ?? join(ui, '../target/debug/edk');
const scratch = mkdtempSync(join(tmpdir(), 'edk-journey-'));
const home = process.env.EDK_HOME ?? join(scratch, 'home');
const folder = join(scratch, 'lung');
const dockerfile = join(folder, 'processing-containers/lung-features/Dockerfile');
let server;
let browser;
let page;
let faults;

before(async () => {
  assert.ok(existsSync(edk), `${edk} is missing: cargo build -p edk-cli, or set EDK`);
  server = await serveEngine(edk, home);
  browser = await openBrowser();
  ({ page, faults } = await openPage(browser.context));
  page.setDefaultTimeout(20_000);
  await page.goto(server.url);
});
after(async () => {
  await browser?.close();
  await server?.close();
  rmSync(scratch, { recursive: true, force: true });
});

const go = async (name) => {
  await page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
  await page.getByRole('heading', { level: 1 }).waitFor();
};
const deploy = () => page.getByRole('button', { name: 'Deploy', exact: true });
const close = () => page.getByRole('button', { name: /^Close / }).click();
const verdict = (text) => page.getByText(text).first().waitFor({ timeout: SLOW });

test('the token does not stay in the address', async () => {
  await page.getByRole('heading', { name: 'Home', level: 1 }).waitFor();
  assert.doesNotMatch(page.url(), /token/);
  await page.getByText(/checks in order/).waitFor({ timeout: SLOW });
});

test('a base image is there, or is made', async () => {
  await go('Settings');
  const row = page.getByRole('row', { name: /base-python-cpu/ });
  await row.waitFor();
  if (await row.getByText('not made').count()) {
    await row.getByRole('button').click();
    await verdict(/^Succeeded in/);
  }
  await row.getByText('present').waitFor();
});

test('an extension is created from a template', async () => {
  await go('New');
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Not Good');
  await page.locator('[aria-invalid]').first().waitFor();
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('lung');
  await page.getByRole('button', { name: 'dag_lung.py' }).click();
  await page.getByRole('region', { name: /dag_lung\.py$/ }).waitFor();
  await page.getByRole('textbox', { name: 'Folder of the new extension' }).fill(folder);
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('heading', { name: 'Deploy', level: 1 }).waitFor();
  assert.match(readFileSync(dockerfile, 'utf8'), /FROM/);
});

test('it is deployed in one click', async () => {
  await page.getByText(/ to send to sandbox/).waitFor();
  await deploy().click();
  await verdict(/^Succeeded in/);
  await page.getByText(/Release lung-workflow is deployed/).waitFor();
  assert.deepEqual(await seriousFindings(page), []);
});

test('after an edit only what depends on it is built', async () => {
  await close();
  appendFileSync(join(folder, 'processing-containers/lung-features/files/extract.py'), `# ${randomUUID()}\n`);
  // The window looks again when it is come back to.
  await page.evaluate(() => window.dispatchEvent(new Event('focus')));
  await page.getByText(/^1 image to build/).waitFor();
  await page.getByText('lung-workflow 0.1.0 is replaced').waitFor();
  await deploy().click();
  await verdict(/^Succeeded in/);
  await page.getByText('3 of 4 steps reused').waitFor();
});

test('a build that fails is explained, and works again when mended', async () => {
  const good = readFileSync(dockerfile, 'utf8');
  await close();
  appendFileSync(dockerfile, 'RUN echo so much for that && exit 3\n');
  await deploy().click();
  await page.getByRole('alert').getByText('ended with exit code 3').waitFor({ timeout: SLOW });
  await page.getByRole('log').getByText('so much for that').first().waitFor();
  await close();
  writeFileSync(dockerfile, good.replace('COPY', 'COPPY'));
  await page.evaluate(() => window.dispatchEvent(new Event('focus')));
  await page.getByText('did you mean COPY?', { exact: false }).first().waitFor();
  assert.ok(await deploy().isDisabled());
  writeFileSync(dockerfile, good);
  await page.evaluate(() => window.dispatchEvent(new Event('focus')));
  await deploy().click();
  await verdict(/^Succeeded in/);
});

test('a running job is cancelled', async () => {
  const good = readFileSync(dockerfile, 'utf8');
  await close();
  appendFileSync(dockerfile, 'RUN sleep 60\n');
  await deploy().click();
  await page.getByRole('log').getByText('sleep 60').waitFor({ timeout: SLOW });
  await page.getByRole('button', { name: 'Cancel' }).click();
  await verdict(/^Was cancelled/);
  writeFileSync(dockerfile, good);
  await close();
});

test('a packaged chart is uploaded from its file', async () => {
  await page.getByRole('button', { name: 'Package', exact: true }).click();
  await verdict(/^Succeeded in/);
  await close();
  await go('Extensions');
  await page.getByLabel('Chart or image archive').setInputFiles(join(folder, 'dist/lung-workflow-0.1.0.tgz'));
  await page.getByText('lung-workflow 0.1.0 is listed on sandbox').waitFor({ timeout: SLOW });
  await close();
});

test('the extension is on the target, and is uninstalled', async () => {
  await go('Extensions');
  await page.getByRole('searchbox', { name: 'Search extensions' }).fill('lung-work');
  await page.getByText('dag-lung-sandbox').waitFor();
  assert.deepEqual(await seriousFindings(page), []);
  await page.getByRole('button', { name: 'Uninstall' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Uninstall' }).click();
  await verdict(/^Succeeded in/);
  await close();
  await page.getByRole('button', { name: 'Install', exact: true }).click();
  await page.getByText('Release lung-workflow is deployed on sandbox').waitFor({ timeout: SLOW });
});

test('its images are in the registry, and a tag is deleted', async () => {
  await go('Registry');
  await page.getByRole('searchbox', { name: 'Search repositories' }).fill('dag-lung');
  await page.getByRole('button', { name: 'Delete 0.1.0' }).click();
  assert.deepEqual(await seriousFindings(page), []);
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('Nothing matches').waitFor();
});

test('an image goes out by the registry and comes back in an archive', async () => {
  await go('Settings');
  const command = page.getByRole('region', { name: 'Command line' }).getByText('podman pull');
  const address = /(localhost:\d+)\//.exec(await command.textContent())[1];
  assert.deepEqual(await seriousFindings(page), []);
  const archive = join(scratch, 'images.tar');
  const from = `docker://${address}/lung-features:0.1.0`;
  const to = `oci-archive:${archive}:localhost:5577/carried/features:0.2.0`;
  execFileSync('skopeo', ['--insecure-policy', 'copy', '--src-tls-verify=false', from, to]);
  await go('Extensions');
  await page.getByLabel('Chart or image archive').setInputFiles(archive);
  await page.getByText('Charts on sandbox can use localhost:5577/carried/features:0.2.0 now').waitFor({ timeout: SLOW });
  assert.deepEqual(await seriousFindings(page), []);
  await close();
  await go('Registry');
  await page.getByRole('button', { name: /^carried\/features/ }).waitFor();
});

test('a dropped file that is no archive says so', async () => {
  const dropped = await page.evaluateHandle(() => {
    const data = new DataTransfer();
    data.items.add(new File(['so much for that'.repeat(100)], 'notes.tar'));
    return data;
  });
  await page.getByRole('heading', { level: 1 }).dispatchEvent('drop', { dataTransfer: dropped });
  await page.getByRole('alert').getByText('it is no tar archive', { exact: false }).waitFor({ timeout: SLOW });
  await close();
});

test('the registry is switched off, and stays reachable by its switch', async () => {
  await go('Settings');
  const serve = page.getByRole('switch', { name: 'Serve it while this program runs' });
  await serve.uncheck();
  await page.getByText('switched off').waitFor();
  await serve.check();
  await page.getByText('served by this program').nth(1).waitFor();
});

test('the history remembers, and home knows the extension', async () => {
  await go('Home');
  await page.getByRole('link', { name: 'lung-workflow', exact: true }).click();
  await page.getByRole('cell', { name: /of 5$/ }).first().waitFor();
  assert.deepEqual(await seriousFindings(page), []);
});

test('nothing was said to the console, and no rule of the policy was broken', () => {
  assert.deepEqual(faults, []);
});

test('a window that lost the engine says so', async () => {
  await server.close();
  await page.getByRole('alert').getByText('The engine does not answer.').waitFor();
  assert.deepEqual(await seriousFindings(page), []);
});

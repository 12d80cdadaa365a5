// The window over the real engine: builder, registry and sandbox. EDK names the program; EDK_HOME
// may name a data folder that has a base image already, which saves half a minute.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFileSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openBrowser, openPage, seriousFindings, serve, serveEngine, ui } from './stage.mjs';

const SLOW = 180_000;
const edk = process.env.EDK ?? join(ui, '../target/debug/edk');
const scratch = mkdtempSync(join(tmpdir(), 'edk-journey-'));
const home = process.env.EDK_HOME ?? join(scratch, 'home');
const folder = join(scratch, 'lung');
const dockerfile = join(folder, 'processing-containers/lung-features/Dockerfile');
const PARAMS = `
extension_params:
  organ: {type: list_single, default: liver, value: [liver, spleen], definition: Organ}
  models: {type: list_multi, default: [coarse], value: [coarse, fine], definition: Models}
  note: {type: string, default: "-", definition: Note}
  cache: {type: bool, default: false, definition: Keep the models}
`;
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
/** The template of the journeys, by the beginning of what its card says. */
const RADIOMICS = /^Radiomics features/;
/** The window looks again when it is come back to. */
const lookAgain = () => page.evaluate(() => window.dispatchEvent(new Event('focus')));
const verdict = (text) => page.getByText(text).first().waitFor({ timeout: SLOW });

test('the token does not stay in the address', async () => {
  await page.getByRole('heading', { name: 'Home', level: 1 }).waitFor();
  assert.doesNotMatch(page.url(), /token/);
  await page.getByText(/checks in order/).waitFor({ timeout: SLOW });
});

test('a base image is there, or is made', async () => {
  await go('Settings');
  const row = page.getByRole('row', { name: /^local-only\/base-python-cpu/ });
  await row.waitFor();
  if (await row.getByText('not made').count()) {
    await row.getByRole('button', { name: /^Make/ }).click();
    await verdict(/^Succeeded in/);
  }
  await row.getByText('present').waitFor();
});

test('an extension is created from a template', async () => {
  await go('New');
  await page.getByRole('button', { name: RADIOMICS }).click();
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
  await lookAgain();
  await page.getByText(/^1 image to build/).waitFor();
  await page.getByText('lung-workflow 0.1.0 is replaced').waitFor();
  await deploy().click();
  await verdict(/^Succeeded in/);
  await page.getByText('3 of 4 steps reused').waitFor();
  const stages = page.getByRole('button', { name: /^reused build dag-lung/ });
  await stages.waitFor();
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
  await lookAgain();
  await page.getByText('did you mean COPY?', { exact: false }).first().waitFor();
  await page.getByText(/lung-features\/Dockerfile:\d+:1/).first().waitFor();
  // What can be read is still there.
  await page.getByRole('cell', { name: /^dag-lung DAG image/ }).waitFor();
  await page.getByRole('cell', { name: /^lung-workflow chart/ }).waitFor();
  await page.getByText("It can't be deployed until").waitFor();
  assert.ok(await deploy().isDisabled());
  writeFileSync(dockerfile, good);
  await lookAgain();
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
  // The engine may have looked while the file was being written.
  await lookAgain();
  await close();
});

test('the processing container is run on images, with the form of its DAG', async () => {
  // The image has a package that brings DICOM files.
  const layers = join(home, 'containers/layers');
  const inside = 'opt/venv/lib/python3.11/site-packages/pydicom/data/test_files';
  const samples = readdirSync(layers).map((layer) => join(layers, layer, inside)).find((path) => existsSync(path));
  const dicom = join(scratch, 'dicom');
  mkdirSync(dicom);
  for (const name of ['CT_small.dcm', 'MR_small.dcm']) copyFileSync(join(samples, name), join(dicom, name));
  await page.getByRole('textbox', { name: 'Folder of images' }).fill(dicom);
  await page.getByRole('spinbutton', { name: 'Bin width' }).fill('');
  await page.getByText('Bin width is missing.').waitFor();
  await page.getByRole('spinbutton', { name: 'Bin width' }).fill('12.5');
  await page.getByRole('checkbox', { name: 'glcm' }).uncheck();
  await page.getByText(`edk run ${folder} --input ${dicom} --set bin_width=12.5 --set feature_classes=firstorder,shape`).waitFor();
  await page.getByRole('button', { name: 'Run lung-features' }).click();
  await page.getByText('success, exit code 0').waitFor({ timeout: SLOW });
  assert.deepEqual(await seriousFindings(page), []);
  assert.equal(await page.getByRole('region', { name: 'Files of the run' }).getByRole('row').count(), 3);
  const run = join(home, 'runs', readdirSync(join(home, 'runs')).toSorted().at(-1));
  const form = JSON.parse(readFileSync(join(run, 'conf/conf.json'), 'utf8')).workflow_form;
  assert.deepEqual(form, { bin_count: '0', bin_width: '12.5', feature_classes: "['firstorder', 'shape']", single_execution: 'False' });
  await close();
});

test('a packaged chart is uploaded from its file', async () => {
  await page.getByText('Only a part of it').click();
  await page.getByText(`edk package ${folder}`).waitFor();
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

test('an extension is installed with parameters, and they reach the release', async () => {
  appendFileSync(join(folder, 'extension/lung-workflow/values.yaml'), PARAMS);
  await close();
  await go('Deploy');
  await lookAgain();
  await page.getByText('Options').click();
  await page.getByRole('textbox', { name: 'Note' }).waitFor();
  await deploy().click();
  await verdict(/^Succeeded in/);
  await close();
  await go('Extensions');
  await page.getByRole('searchbox', { name: 'Search extensions' }).fill('lung-work');
  await page.getByRole('button', { name: 'Uninstall' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Uninstall' }).click();
  await verdict(/^Succeeded in/);
  await close();
  await page.getByRole('textbox', { name: 'Note' }).fill('a b');
  await page.getByText('The platform takes all spaces out of a value.').waitFor();
  assert.ok(await page.getByRole('button', { name: 'Install', exact: true }).isDisabled());
  await page.getByRole('textbox', { name: 'Note' }).fill('left');
  await page.getByRole('combobox', { name: 'Organ' }).selectOption('spleen');
  await page.getByRole('checkbox', { name: 'fine' }).check();
  await page.getByRole('checkbox', { name: 'Keep the models' }).check();
  await page.getByRole('button', { name: 'Install', exact: true }).click();
  await page.getByText('Release lung-workflow is deployed on sandbox').waitFor({ timeout: SLOW });
  assert.deepEqual(await seriousFindings(page), []);
  const releases = join(home, 'sandbox/releases');
  const kept = readdirSync(releases, { recursive: true }).filter((name) => name.endsWith('.json')).map((name) => readFileSync(join(releases, name), 'utf8'));
  const release = kept.map((text) => JSON.parse(text)).find(({ name }) => name === 'lung-workflow');
  const { organ, models, note, cache } = release.values.global;
  assert.deepEqual({ organ, models, note, cache }, { organ: 'spleen', models: 'coarse,fine', note: 'left', cache: true });
  await close();
});

test('an image that was never pushed is explained, with what to do', async () => {
  await page.getByRole('button', { name: 'Uninstall' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Uninstall' }).click();
  await verdict(/^Succeeded in/);
  await close();
  await go('Registry');
  await page.getByRole('searchbox', { name: 'Search repositories' }).fill('dag-lung');
  await page.getByRole('button', { name: 'Delete 0.1.0' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('Nothing matches').waitFor();
  await go('Extensions');
  await page.getByRole('searchbox', { name: 'Search extensions' }).fill('lung-work');
  await page.getByRole('button', { name: 'Install', exact: true }).click();
  const alert = page.getByRole('alert');
  await alert.getByText(/^Release .* failed .*registry has no image .*dag-lung:0\.1\.0/).waitFor({ timeout: SLOW });
  await alert.getByText(/^Send the image: /).waitFor();
  assert.deepEqual(await seriousFindings(page), []);
  await close();
  // What it says to do, does.
  await go('Deploy');
  await deploy().click();
  await verdict(/^Succeeded in/);
  await close();
});

test('the main journey needs no mouse', async () => {
  const second = join(scratch, 'liver');
  const press = (key) => page.keyboard.press(key);
  const focused = (role, name) => page.getByRole(role, { name, exact: true }).and(page.locator(':focus')).waitFor();
  const tabTo = async (role, name) => {
    for (let tries = 0; tries < 80; tries += 1) {
      await press('Tab');
      if (await page.getByRole(role, { name, exact: true }).and(page.locator(':focus')).count()) return;
    }
    assert.fail(`no Tab leads to ${role} ${name}`);
  };
  await press('Control+k');
  await focused('combobox', 'Search commands');
  await page.keyboard.type('new ext');
  await press('Enter');
  await focused('heading', 'New extension');
  await page.getByRole('button', { name: RADIOMICS }).waitFor();
  await tabTo('button', RADIOMICS);
  await press('Enter');
  await page.getByRole('textbox', { name: 'Name', exact: true }).waitFor();
  await tabTo('textbox', 'Name');
  await press('Control+a');
  await page.keyboard.type('liver');
  await page.getByRole('button', { name: 'dag_liver.py' }).waitFor();
  await tabTo('textbox', 'Folder of the new extension');
  await page.keyboard.type(second);
  await page.getByText(`edk new radiomics ${second} --set name=liver`).waitFor();
  await press('Enter');
  await focused('heading', 'Deploy');
  await page.getByText(/to send to sandbox/).waitFor();
  await tabTo('button', 'Deploy');
  await press('Enter');
  await verdict(/^Succeeded in/);
  await page.getByText(/Release liver-workflow is deployed/).waitFor();
  await tabTo('button', 'Close Deploy liver to sandbox');
  await press('Enter');
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

/** Logs in to a platform in a tab of its own; returns the header in which the browser sends its cookies. */
async function sessionAt(url) {
  const tab = await page.context().newPage();
  await tab.goto(url);
  await tab.getByLabel('User').fill('lead');
  await tab.getByLabel('Password').fill('lead');
  await tab.getByRole('button', { name: 'Log in' }).click();
  await tab.waitForURL(`${url}/`);
  const cookies = await tab.context().cookies(url);
  await tab.close();
  return cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
}

test('a platform elsewhere is added, logged in to, deployed to and forgotten', async () => {
  const elsewhere = join(scratch, 'elsewhere');
  const platform = await serve(edk, elsewhere, ['sandbox', 'serve', '--login', '--port', '0']);
  const registry = await serve(edk, elsewhere, ['registry', 'serve', '--port', '0']);
  try {
    await go('Settings');
    await page.getByRole('button', { name: 'Add a platform' }).click();
    await page.getByLabel('Name', { exact: true }).fill('ward');
    await page.getByLabel('Address', { exact: true }).fill(platform.url);
    await page.getByLabel('Registry', { exact: true }).fill(registry.url.replace('http://', ''));
    await page.getByLabel('Project', { exact: true }).fill('study');
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await page.getByRole('form', { name: 'Log in to ward' }).waitFor();
    // A browser has logged in to the platform itself; its session is taken over.
    await page.getByLabel('Session', { exact: true }).fill(await sessionAt(platform.url));
    await page.getByRole('button', { name: 'Log in', exact: true }).click();
    await page.getByText('logged in as lead').waitFor();
    await page.getByRole('button', { name: 'Log in again to ward' }).click();
    await page.getByRole('radio', { name: 'With a password' }).check({ force: true });
    await page.getByLabel('User', { exact: true }).fill('lead');
    await page.getByLabel('Client secret', { exact: true }).fill('sandbox');
    await page.getByLabel('Password', { exact: true }).fill('not that');
    await page.getByRole('button', { name: 'Log in', exact: true }).click();
    await page.getByRole('alert').first().waitFor();
    await page.getByLabel('Password', { exact: true }).fill('lead');
    await page.getByRole('button', { name: 'Log in', exact: true }).click();
    await page.getByRole('form', { name: 'Log in to ward' }).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Check ward' }).click();
    await page.getByText(/checks in order/).first().waitFor();
    await page.getByRole('radio', { name: 'ward' }).check();
    assert.deepEqual(await seriousFindings(page), []);

    await go('Deploy');
    await page.getByRole('list', { name: 'How images get to ward' }).getByText('push').first().waitFor();
    await deploy().click();
    await verdict(/^Succeeded in/);
    await page.getByText(/Release .* is deployed on ward/).first().waitFor();
    await close();
    await go('Extensions');
    await page.getByRole('heading', { name: 'On ward' }).waitFor();

    await go('Settings');
    await page.getByRole('button', { name: 'Remove ward' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
    await page.getByRole('radio', { name: 'ward' }).waitFor({ state: 'detached' });
    assert.ok(await page.getByRole('radio', { name: 'sandbox' }).isChecked());
  } finally {
    await Promise.all([platform.close(), registry.close()]);
  }
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

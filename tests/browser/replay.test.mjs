// The window over recorded runs: every page in every state, by mouse, by keyboard and for a reader.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser, openPage, seriousFindings, serveReplay, settled } from './stage.mjs';

const PAGES = ['home', 'new', 'deploy', 'extensions', 'registry', 'settings'];
const DEPLOY = 'deploy?project=%2Fsrv%2Fada%2Fmy-radiomics';
let server;
let browser;

before(async () => {
  server = await serveReplay();
  browser = await openBrowser();
});
after(async () => {
  await browser?.close();
  server?.close();
});

/** Opens the window in a scene, and fails if it said an error or broke the policy meanwhile. */
async function visit({ hash = 'home', scene = 'usual', scheme = 'light', pace = 0.1 }, body) {
  const { page, faults } = await openPage(browser.context, { scheme });
  try {
    await page.goto(`${server.url}?scene=${scene}&pace=${pace}#/${hash}`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await body(page);
    assert.deepEqual(faults, []);
  } finally {
    await page.close();
  }
}

for (const scheme of ['light', 'dark']) {
  for (const hash of PAGES) {
    test(`${hash} has no serious finding in ${scheme}`, () =>
      visit({ hash, scheme }, async (page) => {
        await settled(page);
        assert.deepEqual(await seriousFindings(page), []);
      }));
  }
}

for (const scene of ['empty', 'busy', 'failed', 'offline', 'loading']) {
  test(`no page has a serious finding when the engine is ${scene}`, async () => {
    for (const hash of PAGES) {
      await visit({ hash, scene, scheme: 'dark' }, async (page) => {
        await settled(page);
        assert.deepEqual(await seriousFindings(page), [], hash);
      });
    }
  });
}

test('high contrast has no serious finding', () =>
  visit({ hash: DEPLOY }, async (page) => {
    await page.evaluate(() => (document.documentElement.dataset.theme = 'contrast'));
    assert.deepEqual(await seriousFindings(page), []);
  }));

test('a deploy goes from the plan to the verdict, and announces both ends', () =>
  visit({ hash: DEPLOY }, async (page) => {
    await page.getByText('1 image to build, 1.7 kB to send').waitFor();
    await page.getByRole('button', { name: 'Deploy', exact: true }).click();
    await page.getByRole('status').filter({ hasText: 'has begun' }).waitFor({ state: 'attached' });
    await page.getByText(/^Succeeded in 298 ms/).waitFor();
    await page.getByRole('status').filter({ hasText: 'succeeded in 298 ms' }).waitFor({ state: 'attached' });
    assert.deepEqual(await seriousFindings(page), []);
  }));

for (const scheme of ['light', 'dark']) {
  test(`a run goes from the form of the DAG to its files in ${scheme}`, () =>
    visit({ hash: DEPLOY, scheme }, async (page) => {
      await page.getByRole('textbox', { name: 'Folder of images' }).fill('/srv/ada/dicom');
      await page.getByRole('spinbutton', { name: 'Bin width' }).fill('');
      await page.getByText('Bin width is missing.').waitFor();
      assert.deepEqual(await seriousFindings(page), []);
      await page.getByRole('spinbutton', { name: 'Bin width' }).fill('10');
      await page.getByText('Only a part of it').click();
      await page.getByRole('button', { name: /^Run / }).click();
      await page.getByText('success, exit code 0').waitFor();
      assert.ok(await page.getByRole('heading', { name: /^Run my/ }).evaluate((it) => it.getBoundingClientRect().top >= 0));
      assert.deepEqual(await seriousFindings(page), []);
    }));
}

test('a deploy is cancelled, and the window says what is kept', () =>
  visit({ hash: DEPLOY, pace: 20 }, async (page) => {
    await page.getByRole('button', { name: 'Deploy', exact: true }).click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByText(/^Was cancelled/).waitFor();
    await page.getByText('What was finished before is kept').waitFor();
  }));

test('a failure shows the step, its last words and the line of the Dockerfile', () =>
  visit({ hash: 'home?job=j1', scene: 'failed' }, async (page) => {
    const alert = page.getByRole('alert').first();
    await alert.getByText('No matching distribution found for numpyy').waitFor();
    await alert.getByText('processing-containers/my-radiomics-features/Dockerfile:16').waitFor();
  }));

test('the main journey needs no mouse', () =>
  visit({}, async (page) => {
    const press = (...keys) => keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve());
    const focused = (role, name) => page.getByRole(role, { name, exact: true }).and(page.locator(':focus')).waitFor();
    const tabTo = async (role, name) => {
      for (let tries = 0; tries < 60; tries += 1) {
        await press('Tab');
        if (await page.getByRole(role, { name, exact: true }).and(page.locator(':focus')).count()) return;
      }
      assert.fail(`no Tab leads to ${role} ${name}`);
    };
    await press('Tab');
    await focused('link', 'Skip to the page');
    await press('Control+k');
    await focused('combobox', 'Search commands');
    await page.keyboard.type('new ext');
    await press('Enter');
    await focused('heading', 'New extension');
    await tabTo('textbox', 'Name');
    await press('Control+a');
    await page.keyboard.type('lung');
    await page.getByRole('button', { name: 'dag_lung.py' }).waitFor();
    await tabTo('textbox', 'Folder of the new extension');
    await page.keyboard.type('/srv/ada/lung');
    await page.getByText('edk new radiomics /srv/ada/lung --set name=lung').waitFor();
    await press('Enter');
    await focused('heading', 'Deploy');
    await tabTo('button', 'Deploy');
    await press('Enter');
    await page.getByText(/^Succeeded in/).waitFor();
    await press('Control+4');
    await focused('heading', 'Extensions');
    await tabTo('button', 'Organ segmentation');
    await press('Enter');
    await tabTo('button', 'Install');
    await press('Enter');
    await page.getByText(/^Succeeded in/).waitFor();
  }));

test('a dialog keeps the focus and gives it back', () =>
  visit({ hash: 'registry' }, async (page) => {
    const opener = page.getByRole('button', { name: 'Delete 0.1.0' });
    await opener.focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    assert.deepEqual(await seriousFindings(page), []);
    for (let tries = 0; tries < 6; tries += 1) {
      await page.keyboard.press('Tab');
      assert.ok(await dialog.evaluate((it) => it.contains(document.activeElement)));
    }
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    await page.waitForFunction(() => document.activeElement?.getAttribute('aria-label') === 'Delete 0.1.0');
  }));

test('the palette is found by a reader and has no serious finding', () =>
  visit({ scheme: 'dark' }, async (page) => {
    await page.keyboard.press('Control+k');
    await page.getByRole('option', { name: 'Registry' }).waitFor();
    assert.deepEqual(await seriousFindings(page), []);
    await page.keyboard.type('nothing has this');
    await page.getByText('Nothing matches').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
  }));

test('a command line is copied', () =>
  visit({ hash: DEPLOY }, async (page) => {
    await page.getByRole('button', { name: 'Copy the command line' }).first().click();
    await page.getByText('Copied').first().waitFor({ state: 'attached' });
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'edk deploy /srv/ada/my-radiomics');
  }));

test('a chart that is dropped is uploaded', () =>
  visit({ hash: 'extensions' }, async (page) => {
    const dropped = await page.evaluateHandle(() => {
      const data = new DataTransfer();
      data.items.add(new File(['x'], 'my-chart-0.1.0.tgz'));
      return data;
    });
    await page.getByRole('heading', { level: 1 }).dispatchEvent('drop', { dataTransfer: dropped });
    await page.getByRole('heading', { name: /^Upload/ }).waitFor();
  }));

test('what is no archive is refused with a next step', () =>
  visit({ hash: 'registry' }, async (page) => {
    const dropped = await page.evaluateHandle(() => {
      const data = new DataTransfer();
      data.items.add(new File(['x'], 'notes.txt'));
      return data;
    });
    await page.getByRole('heading', { level: 1 }).dispatchEvent('drop', { dataTransfer: dropped });
    await page.getByRole('alert').getByText('neither an archive nor a known folder').waitFor();
    await page.getByRole('button', { name: 'Dismiss' }).click();
  }));

test('nothing is wider than the smallest window', async () => {
  for (const hash of [...PAGES, DEPLOY]) {
    await visit({ hash, scene: 'busy' }, async (page) => {
      await page.setViewportSize({ width: 800, height: 560 });
      await settled(page);
      const over = await page.evaluate(() => {
        const main = document.querySelector('main');
        return main.scrollWidth - main.clientWidth;
      });
      assert.equal(over, 0, hash);
    });
  }
});

test('a platform is added and logged in to by keyboard, without a serious finding on the way', () =>
  visit({ hash: 'settings' }, async (page) => {
    await page.getByRole('button', { name: 'Add a platform' }).press('Enter');
    await page.getByLabel('Name', { exact: true }).fill('clinic');
    await page.keyboard.press('Tab');
    await page.keyboard.type('https://clinic.example.org');
    await page.getByLabel('Certificate').selectOption('anything');
    await settled(page);
    assert.deepEqual(await seriousFindings(page), []);
    await page.getByLabel('Address', { exact: true }).press('Enter');
    await page.getByRole('form', { name: 'Log in to clinic' }).waitFor();
    await settled(page);
    assert.deepEqual(await seriousFindings(page), []);
    await page.getByRole('radio', { name: 'On its own page' }).press('ArrowRight');
    await page.getByLabel('User').fill('ada');
    await page.keyboard.press('Tab');
    await page.keyboard.type('secret');
    await settled(page);
    assert.deepEqual(await seriousFindings(page), []);
    await page.keyboard.press('Enter');
    await page.getByText('its certificate is not checked').waitFor();
    await page.getByRole('button', { name: 'Check clinic' }).press('Enter');
    await page.getByText('Clocks differ').waitFor();
    await settled(page);
    assert.deepEqual(await seriousFindings(page), []);
  }));

test('a theme outlives the window', () =>
  visit({ hash: 'settings' }, async (page) => {
    await page.getByRole('radio', { name: 'Dark' }).check({ force: true });
    await page.reload();
    await page.waitForFunction(() => document.documentElement.dataset.theme === 'dark');
    await page.getByRole('radio', { name: 'Dark', checked: true }).waitFor({ state: 'attached' });
    await page.getByRole('radio', { name: 'As the system' }).check({ force: true });
  }));

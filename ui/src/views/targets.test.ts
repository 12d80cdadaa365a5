import { fireEvent, screen, waitFor, within } from '@testing-library/svelte';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FOLDER } from '../host/recording';
import { calls, open } from './opened';

beforeEach(() => (location.hash = ''));
afterEach(() => localStorage.clear());

const row = (name: string) => screen.getByRole('radio', { name }).closest('tr') as HTMLElement;
const type = async (label: RegExp | string, value: string) => fireEvent.input(await screen.findByLabelText(label), { target: { value } });

it('a platform is added, logged in to, checked, used and removed', async () => {
  const host = open('#/settings', 'empty');
  await fireEvent.click(await screen.findByRole('button', { name: 'Add a platform' }));
  const add = screen.getByRole('button', { name: 'Add' });
  expect(add).toHaveProperty('disabled', true);
  await type('Name', 'clinic');
  await type('Address', 'https://clinic.example.org');
  await type('Registry', ' registry.example.org/kaapana ');
  await fireEvent.change(screen.getByLabelText('Pulls images'), { target: { value: 'Always' } });
  await fireEvent.change(screen.getByLabelText('Certificate'), { target: { value: 'authority' } });
  await type('File of the authority', '/etc/ssl/ca.pem');
  await fireEvent.click(add);
  const asked = { name: 'clinic', url: 'https://clinic.example.org', registry: 'registry.example.org/kaapana', pull_policy: 'Always', trust: { authority: '/etc/ssl/ca.pem' } };
  await waitFor(() => expect(calls(host, 'target_add')).toEqual([asked]));

  // The login comes next. A refused one is told, and what was typed stays.
  await screen.findByRole('form', { name: 'Log in to clinic' });
  await fireEvent.click(screen.getByRole('radio', { name: 'With a password' }));
  await type('User', 'ada');
  expect(screen.getByLabelText('Password').getAttribute('type')).toBe('password');
  await type('Password', 'wrong');
  const login = screen.getByRole('button', { name: 'Log in' });
  await fireEvent.click(login);
  expect(await screen.findByText(/was refused/)).toBeTruthy();
  await type('Password', 'right');
  await fireEvent.click(login);
  expect(await screen.findByText('logged in as ada')).toBeTruthy();
  expect(calls(host, 'target_login')[1]).toEqual({ name: 'clinic', user: 'ada', password: 'right' });
  // What is secret is in no command line that is shown.
  expect(JSON.stringify(calls(host, 'command_line'))).not.toMatch(/right|wrong/);
  expect(screen.queryByRole('form')).toBeNull();

  await fireEvent.click(screen.getByRole('button', { name: 'Check clinic' }));
  expect(await screen.findByText('Clocks differ')).toBeTruthy();
  await fireEvent.click(screen.getByRole('radio', { name: 'clinic' }));
  await waitFor(() => expect(calls(host, 'target_use')).toEqual([{ name: 'clinic' }]));

  // Each of it is shown as it is typed.
  const typed = () => calls(host, 'command_line').map((input) => (input as { command: string }).command);
  expect(typed()).toEqual(expect.arrayContaining(['target_add', 'target_login', 'target_doctor', 'target_use']));

  await fireEvent.click(screen.getByRole('button', { name: 'Remove clinic' }));
  await fireEvent.click(within(await screen.findByRole('dialog')).getByRole('button', { name: 'Remove' }));
  await waitFor(() => expect(screen.queryByRole('radio', { name: 'clinic' })).toBeNull());
  expect(screen.getByRole('radio', { name: 'sandbox' })).toHaveProperty('checked', true);
});

it('a certificate that is not checked is told loudly, before and after', async () => {
  const host = open('#/settings', 'empty');
  await fireEvent.click(await screen.findByRole('button', { name: 'Add a platform' }));
  await type('Name', 'lab');
  await type('Address', 'https://lab.example.org');
  await fireEvent.change(screen.getByLabelText('Certificate'), { target: { value: 'anything' } });
  expect(await screen.findByText('Whoever stands between can read passwords.')).toBeTruthy();
  await fireEvent.click(screen.getByRole('button', { name: 'Add' }));
  await waitFor(() => expect(calls(host, 'target_add')).toHaveLength(1));
  await screen.findByRole('radio', { name: 'lab' });
  expect(within(row('lab')).getByText('its certificate is not checked')).toBeTruthy();
});

it('a token logs in as well, and a name that is taken is told', async () => {
  const host = open('#/settings');
  await fireEvent.click(await screen.findByRole('button', { name: 'Log in again to ward' }));
  await fireEvent.click(screen.getByRole('radio', { name: 'With a token' }));
  await type('Access token', 'abc');
  await fireEvent.click(screen.getByRole('button', { name: 'Log in' }));
  await waitFor(() => expect(calls(host, 'target_login')).toEqual([{ name: 'ward', token: 'abc' }]));
  await fireEvent.click(await screen.findByRole('button', { name: 'Add a platform' }));
  await type('Name', 'ward');
  await type('Address', 'https://other.example.org');
  await fireEvent.click(screen.getByRole('button', { name: 'Add' }));
  expect(await screen.findByText(/There is a target called/)).toBeTruthy();
});

it('what is known of a platform is changed, and the rest stays', async () => {
  const host = open('#/settings');
  await fireEvent.click(await screen.findByRole('button', { name: 'Change ward' }));
  await screen.findByRole('form', { name: 'Change ward' });
  expect(screen.queryByLabelText('Name')).toBeNull();
  expect(screen.getByLabelText('Registry')).toHaveProperty('value', 'registry.example.org/kaapana');
  await fireEvent.change(screen.getByLabelText('Pulls images'), { target: { value: 'IfNotPresent' } });
  await fireEvent.click(screen.getByRole('button', { name: 'Change' }));
  const asked = { name: 'ward', url: 'https://kaapana.example.org', registry: 'registry.example.org/kaapana', project: 'study', change: true, pull_policy: 'IfNotPresent' };
  await waitFor(() => expect(calls(host, 'target_add')).toEqual([asked]));
  await waitFor(() => expect(screen.queryByRole('form')).toBeNull());
  expect(screen.getByText('logged in as ada')).toBeTruthy();
});

it('a platform is logged in to on its own page, or that is given up', async () => {
  const host = open('#/settings', 'empty');
  await fireEvent.click(await screen.findByRole('button', { name: 'Add a platform' }));
  await type('Name', 'clinic');
  await type('Address', 'https://clinic.example.org');
  await fireEvent.click(screen.getByRole('button', { name: 'Add' }));
  await screen.findByRole('form', { name: 'Log in to clinic' });
  expect(await screen.findByText(/edk target login clinic --session-file SESSION/)).toBeTruthy();
  await fireEvent.click(screen.getByRole('button', { name: 'Open the page' }));
  expect(await screen.findByText('logged in as ada')).toBeTruthy();
  expect(calls(host, 'login_window')).toEqual([{ name: 'clinic' }]);

  // Who gives up while the page is open has it closed.
  await fireEvent.click(screen.getByRole('button', { name: 'Log in again to clinic' }));
  host.login = () => new Promise(() => undefined);
  await fireEvent.click(screen.getByRole('button', { name: 'Open the page' }));
  await fireEvent.click(screen.getByRole('button', { name: 'Cancel' }));
  expect(calls(host, 'leave_login')).toHaveLength(1);
  expect(screen.queryByRole('form')).toBeNull();

  // Who closes the page is told, and can try again.
  await fireEvent.click(screen.getByRole('button', { name: 'Log in again to clinic' }));
  host.login = async () => ({ ok: false, failure: { code: 'cancelled', what: 'the window was closed before anybody had logged in' } });
  await fireEvent.click(screen.getByRole('button', { name: 'Open the page' }));
  expect(await screen.findByText(/window was closed/)).toBeTruthy();
  expect(screen.getByRole('button', { name: 'Open the page' })).toHaveProperty('disabled', false);
});

it('a browser logs in where the window says, on this machine or another', async () => {
  const host = open('#/settings');
  await fireEvent.click(await screen.findByRole('button', { name: 'Log in again to ward' }));
  await fireEvent.click(screen.getByRole('radio', { name: 'In a browser' }));
  await fireEvent.click(screen.getByRole('radio', { name: 'On another device' }));
  const opened: string[] = [];
  Object.assign(host, { open: (address: string) => opened.push(address) });
  await fireEvent.click(screen.getByRole('button', { name: 'Begin' }));
  expect(calls(host, 'start')).toEqual([{ command: 'login', input: { name: 'ward', client: 'edk', device: true } }]);
  expect(await screen.findByText('WDJB-MJHT')).toBeTruthy();
  await fireEvent.click(screen.getByRole('button', { name: 'Open it' }));
  expect(opened).toEqual(['https://kaapana.example.org/auth/realms/kaapana/device?user_code=WDJB-MJHT']);
  await fireEvent.click(screen.getByRole('button', { name: 'Cancel' }));
  expect(calls(host, 'cancel')).toEqual([{ job: 'j1' }]);
});

it('the plan for a platform says how images get there, and what to know before', async () => {
  const host = open(`#/deploy?project=${encodeURIComponent(FOLDER)}`);
  await screen.findByRole('option', { name: 'ward' });
  await fireEvent.change(screen.getByLabelText('Target'), { target: { value: 'ward' } });
  expect(await screen.findByText(/^Nothing can be pushed to registry/i)).toBeTruthy();
  expect(screen.getByText(/where a login is missing/)).toBeTruthy();
  const images = within(screen.getByRole('list', { name: 'How images get to ward' })).getAllByRole('listitem');
  expect(images.map((it) => it.textContent?.replaceAll(/\s+/g, ' ').trim())).toEqual([
    expect.stringMatching(/^archive .*dag-my-radiomics:0\.1\.0/), expect.stringMatching(/^archive .*my-radiomics-features:0\.1\.0 11\.0 kB; the platform imports/),
  ]);

  await fireEvent.click(screen.getByText('Options'));
  await fireEvent.change(screen.getByLabelText('Images'), { target: { value: 'archives' } });
  const last = () => calls(host, 'deploy_plan').at(-1);
  await waitFor(() => expect(last()).toMatchObject({ target: 'ward', archives: true }));
  await fireEvent.change(screen.getByLabelText('Images', { selector: 'select' }), { target: { value: 'pull' } });
  await type(/^Address of this machine/, '192.168.1.5:5577');
  await waitFor(() => expect(last()).toMatchObject({ target: 'ward', pull_from: '192.168.1.5:5577' }));
  expect(last()).not.toHaveProperty('archives');
  // The sandbox has the store of this machine: there is nothing to decide.
  await fireEvent.change(screen.getByLabelText('Target'), { target: { value: 'sandbox' } });
  await waitFor(() => expect(last()).toMatchObject({ target: 'sandbox' }));
  expect(last()).not.toHaveProperty('pull_from');
  expect(screen.queryByRole('list', { name: 'How images get to ward' })).toBeNull();
});

import { fireEvent, render, screen, waitFor, within } from '@testing-library/svelte';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Job, RunOutcome } from '../api/types';
import { FOLDER, ran } from '../host/recording';
import { nextStep } from '../rooms/jobs/next';
import RunReport from '../rooms/jobs/RunReport.svelte';
import Verdict from '../rooms/jobs/Verdict.svelte';
import { verdict } from '../state/job';
import { calls, open } from './opened';

beforeAll(() => import('../kit/form/Sheet.svelte'), 60_000);
beforeEach(() => (location.hash = ''));
afterEach(() => localStorage.clear());

const deploy = `#/deploy?project=${encodeURIComponent(FOLDER)}`;

it.each(['home', 'new', 'deploy', 'extensions', 'registry', 'settings'])('%s has one heading of the first level', async (page) => {
  open(`#/${page}`);
  expect(await screen.findAllByRole('heading', { level: 1 })).toHaveLength(1);
});

it('home lists the extensions and what is wrong with the machine', async () => {
  open('#/home', 'empty');
  expect(await screen.findByText('No extension yet')).toBeTruthy();
  expect(await screen.findByText('mmdebstrap is missing')).toBeTruthy();
  expect(screen.getByRole('button', { name: 'Run the demo' })).toBeTruthy();
});

it('the demo is started by one button and its stages are shown', async () => {
  const host = open('#/home', 'empty');
  await fireEvent.click(await screen.findByRole('button', { name: 'Run the demo' }));
  expect(await screen.findByText(/Succeeded in 37/)).toBeTruthy();
  expect(calls(host, 'start')).toEqual([{ command: 'demo', input: {} }]);
});

it('an answer is checked as it is typed, and names the files', async () => {
  open('#/new');
  const name = await screen.findByRole('textbox', { name: 'Name' });
  await fireEvent.input(name, { target: { value: 'Bad Name' } });
  expect(await screen.findByText(/^Name has other characters/)).toBeTruthy();
  await fireEvent.input(name, { target: { value: 'lung' } });
  await waitFor(() => expect(screen.queryByText(/^Name has other characters/)).toBeNull());
  expect(await screen.findByText('dag_lung.py')).toBeTruthy();
});

it('nothing is created without a folder; then the extension opens', async () => {
  const host = open('#/new');
  const create = await screen.findByRole('button', { name: 'Create' });
  expect(create).toHaveProperty('disabled', true);
  await fireEvent.input(screen.getByRole('textbox', { name: /^Folder/ }), { target: { value: '/srv/ada/lung' } });
  await waitFor(() => expect(create).toHaveProperty('disabled', false));
  await fireEvent.click(create);
  await screen.findByRole('heading', { name: 'Deploy', level: 1 });
  expect(calls(host, 'create')).toEqual([{ template: 'radiomics', answers: {}, folder: '/srv/ada/lung' }]);
});

it('a deploy shows its plan before, its stages, and a verdict with a next step', async () => {
  const host = open(deploy);
  expect(await screen.findByText(/1 image to build, 1.7 kB to send/)).toBeTruthy();
  await fireEvent.click(screen.getByRole('button', { name: 'Deploy' }));
  expect(await screen.findByText('Succeeded in 298 ms, 2 of 8 stages reused.')).toBeTruthy();
  expect(screen.getByText(/Release my-radiomics-workflow is deployed/)).toBeTruthy();
  expect(screen.getByText('3 of 4 steps reused')).toBeTruthy();
  expect(calls(host, 'start')).toEqual([{ command: 'deploy', input: { project: FOLDER, target: 'sandbox' } }]);
});

it('a stage shows only its own output', async () => {
  open(deploy);
  await fireEvent.click(await screen.findByRole('button', { name: 'Deploy' }));
  await screen.findByText(/^Succeeded/);
  await fireEvent.click(screen.getByRole('button', { name: /build.*3 of 4 steps reused/ }));
  const log = within(screen.getByRole('log'));
  expect(log.getByText('COPY files/ /kaapana/app/')).toBeTruthy();
  expect(log.queryByText(/is installed already/)).toBeNull();
});

it('a broken Dockerfile is told with its line, hides nothing, and is not deployed', async () => {
  open(deploy, 'failed');
  expect((await screen.findAllByText('processing-containers/my-radiomics-features/Dockerfile:10:1')).length).toBeGreaterThan(0);
  await waitFor(() => expect(screen.getByRole('button', { name: 'Deploy' })).toHaveProperty('disabled', true));
  expect(screen.getByText(/can't be deployed until/)).toBeTruthy();
  // It hides nothing that can be read.
  for (const part of ['dag-my-radiomics', 'my-radiomics-features', 'my-radiomics-workflow']) expect(screen.getAllByText(part).length).toBeGreaterThan(0);
});

it('a running job can be cancelled', async () => {
  const host = open(deploy, 'busy');
  await fireEvent.click(await screen.findByRole('button', { name: 'Cancel' }));
  expect(await screen.findByText(/^Was cancelled/)).toBeTruthy();
  expect(calls(host, 'cancel')).toEqual([{ job: 'j2' }]);
});

it('the filters of extensions work as they are typed', async () => {
  open('#/extensions');
  await screen.findByRole('button', { name: 'Slide viewer' });
  await fireEvent.input(screen.getByRole('searchbox', { name: 'Search extensions' }), { target: { value: 'organ ct' } });
  await waitFor(() => expect(screen.queryByRole('button', { name: 'Slide viewer' })).toBeNull());
  expect(screen.getByRole('button', { name: 'Organ segmentation' })).toBeTruthy();
  await fireEvent.click(screen.getByRole('checkbox', { name: 'Installed' }));
  expect(await screen.findByText('Nothing matches')).toBeTruthy();
  await fireEvent.click(screen.getByRole('button', { name: 'Clear the filters' }));
  expect(await screen.findByRole('button', { name: 'Slide viewer' })).toBeTruthy();
});

it('an install sends its parameters', async () => {
  const host = open('#/extensions');
  await fireEvent.click(await screen.findByRole('button', { name: 'Organ segmentation' }));
  await fireEvent.click(await screen.findByRole('checkbox', { name: 'kidney' }));
  await fireEvent.click(screen.getByRole('button', { name: 'Install' }));
  await waitFor(() => expect(calls(host, 'install')).toEqual([{
    target: 'sandbox', name: 'segment-organs-workflow', version: '0.3.0',
    params: { task_ids: 'liver,spleen,kidney', precision: 'fast', cache_models: true, proxy: '-' }, launch: false,
  }]));
});

it('a pod that fails says why, and what may run more than once is launched', async () => {
  open('#/extensions');
  await fireEvent.click(await screen.findByRole('button', { name: 'Slide viewer' }));
  expect(await screen.findByText(/is not in the registry/)).toBeTruthy();
  await fireEvent.click(screen.getByRole('button', { name: 'Notebook' }));
  expect(await screen.findByRole('button', { name: 'Launch' })).toBeTruthy();
});

it('a tag is deleted only after a question', async () => {
  const host = open('#/registry');
  await fireEvent.click(await screen.findByRole('button', { name: 'Delete 0.1.0' }));
  expect(calls(host, 'registry_delete')).toEqual([]);
  const dialog = await screen.findByRole('dialog');
  await fireEvent.click(within(dialog).getByRole('button', { name: 'Delete' }));
  await waitFor(() => expect(screen.queryByRole('button', { name: /^dag-my-radiomics/ })).toBeNull());
  expect(calls(host, 'registry_delete')).toEqual([{ repository: 'dag-my-radiomics', tag: '0.1.0' }]);
});

it('a theme is kept here and told to the engine', async () => {
  const host = open('#/settings');
  await fireEvent.click(await screen.findByRole('radio', { name: 'Dark' }));
  expect(document.documentElement.dataset['theme']).toBe('dark');
  await waitFor(() => expect(calls(host, 'set_theme')).toEqual([{ theme: 'dark' }]));
});

it('the registry is switched off and on, and says who serves it', async () => {
  const host = open('#/settings');
  expect(await screen.findByText('podman pull --tls-verify=false localhost:5577/dag-my-radiomics:0.1.0')).toBeTruthy();
  const serve = await screen.findByRole('switch', { name: 'Serve it while this program runs' });
  await fireEvent.click(serve);
  expect(await screen.findByText('switched off')).toBeTruthy();
  expect(calls(host, 'registry_serve')).toEqual([{ on: false }]);
  location.hash = '#/registry';
  await screen.findByRole('heading', { name: 'Registry', level: 1 });
  expect(await within(screen.getByRole('main')).findByRole('link', { name: 'Settings' })).toBeTruthy();
});

it('a port of another program is told with what to do', async () => {
  const host = open('#/settings', 'failed');
  expect(await screen.findByText(/taken by another program/)).toBeTruthy();
  await fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
  expect(calls(host, 'registry_serve')).toEqual([{ on: true }]);
});

it('the sandbox is shown with its address, its folder and what the doctor finds', async () => {
  open('#/settings');
  expect(await screen.findByText('http://127.0.0.1:41873')).toBeTruthy();
  expect(screen.getByText('/srv/ada/.local/share/kaapana-edk/sandbox')).toBeTruthy();
  expect(await screen.findByText('2 of 2 checks in order')).toBeTruthy();
});

it('a lost line is said, and what was seen stays', async () => {
  const host = open('#/home');
  await screen.findByRole('link', { name: 'my-radiomics-workflow' });
  host.connect('offline');
  expect((await screen.findByRole('alert')).textContent).toContain('does not answer');
  expect(screen.getByRole('link', { name: 'my-radiomics-workflow' })).toBeTruthy();
  await fireEvent.click(screen.getByRole('button', { name: 'Connect now' }));
  await waitFor(() => expect(screen.queryByRole('alert')).toBeNull());
});

it.each(['extensions', 'registry'])('%s says why it can not be shown', async (page) => {
  open(`#/${page}`, 'failed');
  const alert = await screen.findByRole('alert');
  expect(within(alert).getByRole('button', { name: 'Try again' })).toBeTruthy();
});

it('a processing container is run with the form of its DAG, and tells what it wrote', async () => {
  const host = open(deploy);
  const run = await screen.findByRole('button', { name: 'Run my-radiomics-features' });
  expect(run).toHaveProperty('disabled', true);
  await fireEvent.input(screen.getByRole('textbox', { name: 'Folder of images' }), { target: { value: '/srv/ada/dicom' } });
  const width = await screen.findByRole('spinbutton', { name: 'Bin width' });
  await fireEvent.input(width, { target: { value: '' } });
  expect(await screen.findByText('Bin width is missing.')).toBeTruthy();
  expect(run).toHaveProperty('disabled', true);
  await fireEvent.input(width, { target: { value: '12.5' } });
  await fireEvent.click(screen.getByRole('checkbox', { name: 'glcm' }));
  expect(await screen.findByText(/^edk run .* --set bin_width=12.5/)).toBeTruthy();
  await waitFor(() => expect(run).toHaveProperty('disabled', false));
  await fireEvent.click(run);
  expect(await screen.findByText('success, exit code 0')).toBeTruthy();
  expect(screen.getByRole('region', { name: 'Files of the run' }).textContent).toContain('4.1 kB');
  expect(calls(host, 'start')).toEqual([
    { command: 'run', input: { project: FOLDER, input: '/srv/ada/dicom', form: { feature_classes: 'firstorder,shape', bin_width: '12.5' } } },
  ]);
});

it.each([
  ['deploy', /^edk (deploy|build|push|package|run) /, 5], ['settings', /^edk base base-python-cpu/, 1], ['extensions', /^edk ext upload /, 1],
])('what can be started on %s shows its command line before', async (page, line, count) => {
  open(page === 'deploy' ? deploy : `#/${page}`);
  await waitFor(() => expect(new Set(screen.getAllByText(line).map((it) => it.textContent)).size).toBe(count));
});

it('what a platform would trip over is shown, looked at again, and has its command line', async () => {
  const host = open(deploy);
  expect(await screen.findByText(/^Nothing is wrong in \d+ files/)).toBeTruthy();
  expect(await screen.findByText(/^edk check /)).toBeTruthy();
  const before = calls(host, 'check').length;
  expect(calls(host, 'check')[0]).toEqual({ folder: FOLDER });
  window.dispatchEvent(new Event('focus'));
  await waitFor(() => expect(calls(host, 'check').length).toBeGreaterThan(before));
  const seen = calls(host, 'check').length;
  host.tell({ kind: 'changed', what: 'files' });
  await waitFor(() => expect(calls(host, 'check').length).toBeGreaterThan(seen));
});

it('a mistake is shown with its place, why it matters and what to do', async () => {
  open(deploy, 'failed');
  expect(await screen.findByText('P05')).toBeTruthy();
  expect(screen.getByText('extension/docker/files/dag_my_radiomics.py:62:12')).toBeTruthy();
  expect(screen.getByText(/^Airflow starts it by itself/)).toBeTruthy();
  expect(screen.getByText(/0 errors, 1 warning, 0 hints in \d+ files; 1 allowed/)).toBeTruthy();
});

it('a container that fails is told with its exit code and what to do', () => {
  const response = { ...ran, state: 'failed', exit_code: 7, outputs: [] } as unknown as Job['response'];
  const job: Job = {
    id: 'j1', state: 'failed', seconds: 2, stages: [], lines: [{ at_ms: 1, stage: 'run', text: 'the note is bad' }], lines_dropped: 0, findings: [],
    command: 'run', cli: 'edk run', title: 'Run lung', started_at: '', response,
  };
  expect(verdict(job)).toBe('failed: my-radiomics-features ended with exit code 7');
  expect(nextStep(job)).toMatch(/says why/);
  render(RunReport, { run: response as unknown as RunOutcome });
  expect(screen.getByText('failed, exit code 7')).toBeTruthy();
  expect(screen.getByText('It wrote no files.')).toBeTruthy();
});

it('what was never sent is a question with a button that sends it', async () => {
  const mend = { command: 'deploy', input: { project: FOLDER, target: 'ward', send_missing: true } } as Job['mend'];
  const what = 'image r/other:1.0.0 was never sent to this target: send 14 KiB now?';
  const job: Job = {
    id: 'j1', state: 'failed', seconds: 2, stages: [], lines: [], lines_dropped: 0, findings: [], command: 'deploy', cli: 'edk deploy', title: 'Deploy',
    started_at: '', failure: { code: 'command-failed', what }, mend,
  };
  const sent: unknown[] = [];
  const { unmount } = render(Verdict, { job, onmend: (it) => sent.push(it) });
  expect(screen.getByText(what.replace('image', 'Image'))).toBeTruthy();
  await fireEvent.click(screen.getByRole('button', { name: 'Send it, and do it again' }));
  expect(sent).toEqual([mend]);
  unmount();
  delete job.mend;
  render(Verdict, { job, onmend: (it) => sent.push(it) });
  expect(screen.queryByRole('button')).toBeNull();
});

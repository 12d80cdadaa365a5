import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { beforeAll, expect, it, vi } from 'vitest';
import Bar from './Bar.svelte';
import Button from './Button.svelte';
import { find } from './commands';
import CommandLine from './CommandLine.svelte';
import Failed from './Failed.svelte';
import Files from './Files.svelte';
import Form from './Form.svelte';
import { problems } from './form/problems';
import { changed, defaults, texts, type Schema } from './form/schema';
import Log from './Log.svelte';
import Mark from './Mark.svelte';
import { rows, tree } from './tree';
import { pieces } from './words';

// The fields come with the first form; the first time they are compiled too.
beforeAll(() => import('./form/Sheet.svelte'), 60_000);

const schema: Schema = {
  type: 'object',
  required: ['name'],
  properties: {
    name: { type: 'string', title: 'Name', description: 'Lower case.', maxLength: 8 },
    classes: { type: 'array', title: 'Classes', uniqueItems: true, items: { type: 'string', enum: ['shape', 'glcm'] } },
    mode: { type: 'string', title: 'Mode', enum: ['fast', 'exact'] },
    width: { type: 'integer', title: 'Bin width', minimum: 1, maximum: 100 },
    experimental: { type: 'boolean', title: 'Experimental' },
    note: { type: 'null', title: 'Network', description: 'Only told.' },
  },
};
const values = { name: 'a', classes: ['glcm'], mode: 'fast', width: 25, experimental: false };

it('a form asks by label and answers as what was asked for', async () => {
  const onchange = vi.fn();
  render(Form, { schema, values, onchange });
  await fireEvent.input(await screen.findByRole('textbox', { name: 'Name' }), { target: { value: 'lung' } });
  await fireEvent.click(screen.getByRole('checkbox', { name: 'shape' }));
  await fireEvent.click(screen.getByRole('checkbox', { name: 'Experimental' }));
  await fireEvent.change(screen.getByRole('combobox', { name: 'Mode' }), { target: { value: '1' } });
  await fireEvent.input(screen.getByRole('spinbutton', { name: 'Bin width' }), { target: { value: '10' } });
  await waitFor(() => expect(onchange.mock.lastCall).toEqual([{ name: 'lung', classes: ['shape', 'glcm'], mode: 'exact', width: 10, experimental: true }]));
  expect(screen.getByText('Only told.')).toBeTruthy();
});

it('an answer is checked as it is typed', async () => {
  render(Form, { schema, values, onchange: () => undefined });
  const field = await screen.findByRole('spinbutton', { name: 'Bin width' });
  expect(field.getAttribute('aria-invalid')).toBeNull();
  await fireEvent.input(field, { target: { value: '0' } });
  expect(await screen.findByText('Bin width is less than 1.')).toBeTruthy();
  expect(field.getAttribute('aria-invalid')).toBe('true');
  await fireEvent.input(field, { target: { value: '1' } });
  await waitFor(() => expect(screen.queryByText('Bin width is less than 1.')).toBeNull());
});

it('a refused answer is marked and says why', async () => {
  render(Form, { schema, values, refusals: { name: 'Name has upper-case letters.' }, onchange: () => undefined });
  const field = await screen.findByRole('textbox', { name: 'Name' });
  expect(field.getAttribute('aria-invalid')).toBe('true');
  const described = field.getAttribute('aria-describedby')?.split(' ') ?? [];
  const said = described.map((id) => document.getElementById(id)?.textContent).join(' ');
  expect(said).toContain('upper-case letters');
  expect(said).toContain('Lower case.');
});

it('a form takes the answers that are given to it', async () => {
  const { rerender } = render(Form, { schema, values, onchange: () => undefined });
  await screen.findByRole('textbox', { name: 'Name' });
  await rerender({ values: { ...values, name: 'liver' } });
  await waitFor(() => expect(screen.getByRole('textbox', { name: 'Name' })).toHaveProperty('value', 'liver'));
});

it('forms of DAGs may nest, list and name their choices', async () => {
  const onchange = vi.fn();
  const nested: Schema = {
    type: 'object',
    properties: {
      tags: { type: 'array', title: 'Tags', items: { type: 'string', title: 'Tag' } },
      model: { type: 'object', title: 'Model', properties: { name: { type: 'string', title: 'Model name' } } },
      task: { type: 'string', title: 'Task', oneOf: [{ const: 'a', title: 'All organs' }, { const: 'b', title: 'One organ' }] },
      site: { type: 'string', title: 'Site', readOnly: true },
    },
  };
  render(Form, { schema: nested, values: { tags: ['x'], model: { name: 'm' }, task: 'a', site: 'here' }, onchange });
  expect(await screen.findByRole('group', { name: 'Model' })).toBeTruthy();
  expect(screen.getByRole('textbox', { name: 'Site' })).toHaveProperty('readOnly', true);
  await fireEvent.input(screen.getByRole('textbox', { name: 'Model name' }), { target: { value: 'net' } });
  await fireEvent.change(screen.getByRole('combobox', { name: 'Task' }), { target: { value: '1' } });
  expect(screen.getByRole('option', { name: 'One organ' })).toBeTruthy();
  await fireEvent.click(screen.getByRole('button', { name: 'Add item' }));
  await waitFor(() => expect(screen.getAllByRole('textbox', { name: /Tag/ })).toHaveLength(2));
  await fireEvent.input(screen.getAllByRole('textbox', { name: /Tag/ })[1] as HTMLElement, { target: { value: 'y' } });
  await waitFor(() => expect(onchange.mock.lastCall).toEqual([{ tags: ['x', 'y'], model: { name: 'net' }, task: 'b', site: 'here' }]));
});

it('a form that makes no sense says so and nothing else breaks', async () => {
  const broken: Schema = { type: 'object', properties: { a: { type: 'string', pattern: '(' } } };
  render(Form, { schema: broken, values: { a: 'x' }, onchange: () => undefined });
  expect((await screen.findByRole('alert')).textContent).toContain('This form is no JSON Schema.');
});

it('every broken keyword has words', () => {
  const broken = (property: Schema, value: unknown) => problems({ type: 'object', properties: { a: { title: 'A', ...property } } }, { a: value })['a'];
  const table: [Schema, unknown, string][] = [
    [{ type: 'integer' }, 1.5, 'A is no whole number.'],
    [{ type: 'number' }, 'x', 'A is no number.'],
    [{ type: 'string', enum: ['x'] }, 'y', 'A is none of the choices.'],
    [{ type: 'string', minLength: 1 }, '', 'A is empty.'],
    [{ type: 'string', maxLength: 2 }, 'abc', 'A is longer than 2 characters.'],
    [{ type: 'string', pattern: '^a' }, 'b', 'A does not look like `^a`.'],
    [{ type: 'number', maximum: 2 }, 3, 'A is more than 2.'],
    [{ type: 'array', items: { enum: ['x'] } }, ['y'], 'A is none of the choices.'],
    [{ type: 'string', allOf: [{ pattern: '^a', errorMessage: { pattern: 'Begin with a.' } }] }, 'b', 'Begin with a.'],
  ];
  for (const [property, value, said] of table) expect(broken(property, value), said).toBe(said);
  expect(problems({ required: ['a'], properties: {} }, {})).toEqual({ a: 'a is missing.' });
});

it('answers are sent as the command line takes them', () => {
  expect(texts({ a: true, b: ['x', 'y'], c: 2.5, d: undefined, e: '' })).toEqual({ a: 'true', b: 'x,y', c: '2.5', e: '' });
  expect(changed({ a: ['x'], b: 1 }, { a: ['x'], b: 2 })).toEqual({ b: 2 });
  expect(defaults(schema)).toEqual({ name: '', classes: [], mode: '', experimental: false });
});

it('a busy button can not be pressed', async () => {
  const onclick = vi.fn();
  render(Button, { busy: true, onclick, 'aria-label': 'Deploy' });
  await userEvent.click(screen.getByRole('button', { name: 'Deploy' }));
  expect(onclick).not.toHaveBeenCalled();
});

it('every state has a word', () => {
  for (const state of ['running', 'reused', 'failed', 'something new']) {
    const { unmount, container } = render(Mark, { state });
    expect(container.textContent?.trim()).toBe(state);
    unmount();
  }
});

it('a failure tells what, why, and what to do', () => {
  render(Failed, { failure: { code: 'unreachable', what: 'the target `x` does not answer', why: ['connection refused'], hints: ['start it'] } });
  const text = screen.getByRole('alert').textContent ?? '';
  for (const part of ['The target x does not answer.', 'Connection refused.', 'Start it.']) expect(text).toContain(part);
});

it('a bar that knows its share tells it', () => {
  render(Bar, { label: 'build', share: 0.42 });
  expect(screen.getByRole('progressbar', { name: 'build' }).getAttribute('aria-valuenow')).toBe('42');
});

it('a log shows the lines that hold what is searched, and marks it', () => {
  const { container } = render(Log, { lines: [{ key: 7, text: 'Collecting numpy' }, { key: 8, text: 'done' }], search: 'NUM', label: 'Output' });
  expect(container.querySelectorAll('pre')).toHaveLength(1);
  expect(container.querySelector('mark')?.textContent).toBe('num');
});

it('a command line is copied as it stands', async () => {
  const writeText = vi.fn(async () => undefined);
  vi.stubGlobal('navigator', { clipboard: { writeText } });
  render(CommandLine, { line: "edk deploy '/a b'" });
  await fireEvent.click(screen.getByRole('button', { name: 'Copy the command line' }));
  expect(writeText).toHaveBeenCalledWith("edk deploy '/a b'");
  expect(await screen.findByText('Copied')).toBeTruthy();
  vi.unstubAllGlobals();
});

it('a tree has folders first and joins lonely ones', () => {
  const lines = rows(tree(['README.md', 'a/b/c.txt', 'a/b/d/e.txt'])).map(({ node, depth }) => `${'-'.repeat(depth)}${node.name}`);
  expect(lines).toEqual(['a/b', '-d', '--e.txt', '-c.txt', 'README.md']);
});

it('a file is chosen by a click and by the arrow keys', async () => {
  const onselect = vi.fn();
  render(Files, { paths: ['a.txt', 'b.txt'], selected: 'a.txt', onselect });
  screen.getByRole('button', { name: 'a.txt' }).focus();
  await userEvent.keyboard('{ArrowDown}');
  expect(onselect).toHaveBeenCalledWith('b.txt');
});

it('code stands between backticks, and an odd one is a character', () => {
  expect(pieces('run `x` now')).toEqual(['run ', 'x', ' now']);
  expect(pieces('a ` b')).toEqual(['a ` b']);
  expect(pieces('`x` and `')).toEqual(['', 'x', ' and `']);
});

it('a command is found by all of its words, the one that begins with it first', () => {
  const item = (label: string) => ({ label, icon: 'home' as const, run: () => undefined });
  const found = find([{ name: 'g', items: [item('Open deploy'), item('Deploy a'), item('Home')] }], 'dep');
  expect(found[0]?.items.map(({ label }) => label)).toEqual(['Deploy a', 'Open deploy']);
  expect(find([{ name: 'g', items: [item('Home')] }], 'home x')).toEqual([]);
});

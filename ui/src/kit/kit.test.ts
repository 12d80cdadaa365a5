import { fireEvent, render, screen } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { expect, it, vi } from 'vitest';
import Bar from './Bar.svelte';
import Button from './Button.svelte';
import { find } from './commands';
import CommandLine from './CommandLine.svelte';
import Failed from './Failed.svelte';
import Files from './Files.svelte';
import Form from './Form.svelte';
import Log from './Log.svelte';
import Mark from './Mark.svelte';
import { chosen, toggle, type Question } from './question';
import { rows, tree } from './tree';
import { pieces } from './words';

const questions: Question[] = [
  { id: 'name', kind: 'text', label: 'Name', help: 'Lower case.' },
  { id: 'classes', kind: 'several', label: 'Classes', choices: ['shape', 'glcm'] },
  { id: 'mode', kind: 'one', label: 'Mode', choices: ['fast', 'exact'] },
  { id: 'experimental', kind: 'yes-no', label: 'Experimental' },
];

it('a form asks by label and answers as texts', async () => {
  const onanswer = vi.fn();
  const answers = { name: 'a', classes: 'shape', mode: 'fast', experimental: 'false' };
  render(Form, { questions, answers, onanswer });
  await fireEvent.input(screen.getByRole('textbox', { name: 'Name' }), { target: { value: 'lung' } });
  await fireEvent.click(screen.getByRole('checkbox', { name: 'glcm' }));
  await fireEvent.click(screen.getByRole('checkbox', { name: 'Experimental' }));
  await fireEvent.change(screen.getByRole('combobox', { name: 'Mode' }), { target: { value: 'exact' } });
  expect(onanswer.mock.calls).toEqual([['name', 'lung'], ['classes', 'shape,glcm'], ['experimental', 'true'], ['mode', 'exact']]);
});

it('a refused answer is marked and says why', () => {
  render(Form, { questions, answers: { name: 'A' }, refusals: { name: 'Name has upper-case letters.' }, onanswer: () => undefined });
  const field = screen.getByRole('textbox', { name: 'Name' });
  expect(field.getAttribute('aria-invalid')).toBe('true');
  const described = field.getAttribute('aria-describedby')?.split(' ') ?? [];
  const said = described.map((id) => document.getElementById(id)?.textContent).join(' ');
  expect(said).toContain('upper-case letters');
  expect(said).toContain('Lower case.');
});

it('choices keep the order of the question', () => {
  expect(toggle(['a', 'b', 'c'], 'c', 'a')).toBe('a,c');
  expect(toggle(['a', 'b'], 'a,b', 'a')).toBe('b');
  expect(chosen(' a, ,b')).toEqual(['a', 'b']);
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

import { expect, it } from 'vitest';
import { duration } from './job';
import { address, parse } from './route.svelte';
import { ago, bytes, count, sentence, short } from './words';

it.each([[0, '0 B'], [999, '999 B'], [1701, '1.7 kB'], [162_463_495, '162 MB'], [1.2e9, '1.2 GB']])('%d bytes are %s', (size, text) => {
  expect(bytes(size)).toBe(text);
});

it.each([[0.298, '298 ms'], [1.94, '1.9 s'], [37.257, '37.3 s'], [125, '2 min 5 s']])('%d seconds are %s', (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});

it.each([[5, 'just now'], [61, '1 minute ago'], [7200, '2 hours ago'], [86_400 * 3, '3 days ago']])('%d seconds back is %s', (seconds, text) => {
  const now = Date.parse('2026-01-31T12:00:00Z');
  expect(ago(new Date(now - seconds * 1000).toISOString(), now)).toBe(text);
});

it('a time that is none says nothing', () => {
  expect(ago('yesterday', 0)).toBe('');
});

it('texts of the engine become sentences', () => {
  expect(sentence('it is not there')).toBe('It is not there.');
  expect(sentence('did you mean COPY?')).toBe('Did you mean COPY?');
  expect(sentence('')).toBe('');
  expect(count(1, 'file')).toBe('1 file');
  expect(count(0, 'file')).toBe('0 files');
  expect(short('sha256:0123456789abcdef')).toBe('0123456789ab');
});

it('a place survives its address', () => {
  const query = { project: '/srv/ada/a b&c', job: 'j3' };
  expect(parse(address('deploy', query))).toEqual({ page: 'deploy', query });
  expect(parse('#/nowhere')).toEqual({ page: 'home', query: {} });
  expect(parse('')).toEqual({ page: 'home', query: {} });
});

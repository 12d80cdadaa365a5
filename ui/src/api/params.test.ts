import { expect, it } from 'vitest';
import { extensions } from '../host/recording';
import { defaults, plain, questions, refusals, values } from './params';

const params = extensions[1]?.params;

it('every kind of parameter becomes a question', () => {
  expect(questions(params).map(({ id, kind, label }) => `${id} ${kind} ${label}`)).toEqual([
    'task_ids several Organs', 'precision one Precision', 'cache_models yes-no Keep the models between runs', 'proxy text Proxy',
  ]);
  expect(questions({ g: { type: 'group_name', default: 'Network' }, d: { type: 'doc', title: 'T', html: '<p>x</p>' } })).toMatchObject([
    { kind: 'heading', label: 'Network' }, { kind: 'note', label: 'T', help: 'x' },
  ]);
});

it('an install sends yes and no as such and lists as one text', () => {
  const asked = questions(params);
  expect(values(asked, defaults(params))).toEqual({ task_ids: 'liver,spleen', precision: 'fast', cache_models: true, proxy: '-' });
});

it('what a platform would drop or change is said before', () => {
  const asked = questions(params);
  const said = (proxy: string) => refusals(asked, { ...defaults(params), proxy })['proxy'];
  expect(said('-')).toBeUndefined();
  for (const bad of ['', 'a;b', 'a<b', 'a b']) expect(said(bad), bad).toBeDefined();
});

it('help is read as text, whatever it holds', () => {
  expect(plain('<b>x</b><script>alert(1)</script><img src=x onerror=alert(1)> y')).not.toContain('<');
  expect(plain('<p>a</p><p>b</p>')).toBe('a b');
});

it.each([null, undefined, [], 'x', { a: null }])('%j has no questions', (params) => {
  expect(questions(params)).toEqual([]);
  expect(defaults(params)).toEqual({});
});

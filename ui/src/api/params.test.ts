import { expect, it } from 'vitest';
import { extensions } from '../host/recording';
import { problems } from '../kit/form/problems';
import { defaults } from '../kit/form/schema';
import { plain, schema, sent } from './params';

const asked = schema(extensions[1]?.params);

it('every kind of parameter becomes a property', () => {
  const properties = Object.entries(asked.properties ?? {}).map(([id, { type, title, items }]) => `${id} ${String(type)} ${title ?? ''} ${items?.enum?.length ?? ''}`.trim());
  expect(properties).toEqual(['task_ids array Organs 4', 'precision string Precision', 'cache_models boolean Keep the models between runs', 'proxy string Proxy']);
  expect(schema({ g: { type: 'group_name', default: 'Network' }, d: { type: 'doc', title: 'T', html: '<p>x</p>' } }).properties).toEqual({
    g: { type: 'null', title: 'Network' }, d: { type: 'null', title: 'T', description: 'x' },
  });
});

it('an install sends yes and no as such and lists as one text', () => {
  expect(sent(asked, {})).toEqual({ task_ids: 'liver,spleen', precision: 'fast', cache_models: true, proxy: '-' });
  expect(sent(asked, { task_ids: ['kidney'], cache_models: false })).toMatchObject({ task_ids: 'kidney', cache_models: false });
  expect(sent(schema({ d: { type: 'doc', html: 'x' } }), {}), 'a note takes no value').toEqual({});
});

it('what a platform would drop or change is said before', () => {
  const said = (proxy: string) => problems(asked, { ...defaults(asked), proxy })['proxy'];
  expect(said('-')).toBeUndefined();
  expect(said('')).toBe('Proxy is empty.');
  for (const bad of ['a;b', 'a<b']) expect(said(bad), bad).toMatch(/drops values/);
  expect(said('a b')).toMatch(/spaces/);
});

it('help is read as text, whatever it holds', () => {
  expect(plain('<b>x</b><script>alert(1)</script><img src=x onerror=alert(1)> y')).not.toContain('<');
  expect(plain('<p>a</p><p>b</p>')).toBe('a b');
});

it.each([null, undefined, [], 'x', { a: null }])('%j asks nothing', (params) => {
  expect(schema(params).properties).toEqual({});
});

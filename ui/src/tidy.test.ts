// The rules of the folders, over the sources as text.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '.');
const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => /\.(ts|svelte|css)$/.test(path) && !path.endsWith('.test.ts'))
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));

/** Returns the files that break a rule: `path: what was found`. */
function breaking(rule: RegExp, where: (path: string) => boolean): string[] {
  return sources.filter(({ path }) => where(path)).flatMap(({ path, text }) => [...text.matchAll(rule)].map(([found]) => `${path}: ${found}`));
}

it('nothing outside of host/ touches the network or the desktop', () => {
  const outside = (path: string) => !path.startsWith('host/');
  expect(breaking(/\bfetch\(|\bXMLHttpRequest\b|\bEventSource\b|\bWebSocket\b|\bsendBeacon\b|@tauri-apps|__TAURI/g, outside)).toEqual([]);
});

it('a room never imports a room or a view, and the kit neither', () => {
  const imports = sources.flatMap(({ path, text }) => [...text.matchAll(/from '(\.[^']*)'/g)].map(([, target]) => ({ path, target: new URL(target ?? '', `file:///${path}`).pathname.slice(1) })));
  const room = (path: string) => /^rooms\/([^/]+)\//.exec(path)?.[1];
  const wrong = imports.filter(({ path, target }) => {
    if (room(path)) return target.startsWith('views/') || (room(target) !== undefined && room(target) !== room(path));
    return path.startsWith('kit/') && /^(rooms|views)\//.test(target);
  });
  expect(wrong).toEqual([]);
});

it('a colour is named only in theme/', () => {
  const raw = /#[0-9a-f]{3,8}\b(?=[^}]*[;}])|\b(rgba?|hsla?|oklch|oklab|light-dark)\(|:\s*(white|black|red|green|blue|gr[ae]y|orange)\s*;/gi;
  expect(breaking(raw, (path) => /\.(svelte|css)$/.test(path) && !path.startsWith('theme/'))).toEqual([]);
});

it('no text becomes markup, and no style or script stands in an attribute', () => {
  expect(breaking(/\{@html|\binnerHTML\b|\sstyle=|(?<!-)style:|\bon[a-z]+="/g, (path) => /\.(svelte|ts)$/.test(path))).toEqual([]);
});

it('no file is longer than it can be read', () => {
  const long = sources.filter(({ path, text }) => path !== 'api/generated.ts' && text.split('\n').length > 400);
  expect(long.map(({ path }) => path)).toEqual([]);
});

import { afterEach, expect, it, vi } from 'vitest';
import { pathsIn } from './drop';
import { HttpHost } from './http';
import { lines } from './lines';
import type { Connection } from './types';

afterEach(() => vi.unstubAllGlobals());

function body(...chunks: string[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(encoder.encode(chunk));
      controller.close();
    },
  });
}

it('lines come whole, however the stream is cut', async () => {
  const found: string[] = [];
  for await (const line of lines(body('{"a"', ':1}\n{"b":2}\n\n', 'rest'))) found.push(line);
  expect(found).toEqual(['{"a":1}', '{"b":2}']);
});

it('a call carries the token, and a lost engine is a failure with a next step', async () => {
  const fetched = vi.fn(async () => new Response('{"ok":true,"output":7}'));
  vi.stubGlobal('fetch', fetched);
  const host = new HttpHost('http://127.0.0.1:1', 'secret');
  expect(await host.call('doctor', {})).toEqual({ ok: true, output: 7 });
  expect(fetched).toHaveBeenCalledWith('http://127.0.0.1:1/rpc', expect.objectContaining({
    body: '{"name":"doctor","input":{}}', headers: expect.objectContaining({ authorization: 'Bearer secret' }),
  }));
  vi.stubGlobal('fetch', vi.fn(async () => Promise.reject(new TypeError('refused'))));
  expect(await host.call('doctor', {})).toMatchObject({ ok: false, failure: { code: 'unreachable', hints: [expect.any(String)] } });
});

it('a lost line is taken up after the last message', async () => {
  const asked: string[] = [];
  const replies = [body('{"seq":4,"kind":"snapshot","state":{"jobs":[]}}\n{"seq":5,"kind":"changed","what":"target"}\n'), body('{"seq":6,"kind":"changed","what":"target"}\n')];
  vi.stubGlobal('fetch', vi.fn(async (url: string) => {
    asked.push(url);
    return new Response(replies.shift() ?? null, { status: 200 });
  }));
  const host = new HttpHost('', 't');
  const seen: number[] = [];
  const states: Connection[] = [];
  await new Promise<void>((resolve) => {
    const end = host.subscribe({
      message: ({ seq }) => {
        seen.push(seq);
        if (seq !== 6) return;
        end();
        resolve();
      },
      connection: (state) => {
        states.push(state);
        if (state === 'offline') queueMicrotask(() => host.reconnect());
      },
    });
  });
  expect(seen).toEqual([4, 5, 6]);
  expect(asked.slice(0, 2)).toEqual(['/events', '/events?after=5']);
  expect(states.slice(0, 4)).toEqual(['connecting', 'online', 'offline', 'online']);
});

it('a window that is not known says so, and not that the engine is gone', async () => {
  vi.stubGlobal('fetch', vi.fn(async () => new Response(null, { status: 401 })));
  const host = new HttpHost('', 'old');
  const states: Connection[] = [];
  await new Promise<void>((resolve) => {
    const end = host.subscribe({
      message: () => undefined,
      connection: (state) => {
        states.push(state);
        if (state === 'connecting') return;
        end();
        resolve();
      },
    });
  });
  expect(states).toEqual(['connecting', 'locked']);
  expect(await host.call('doctor', {})).toMatchObject({ ok: false, failure: { code: 'unauthorised' } });
});

it('paths are found in what a file manager drops', () => {
  expect(pathsIn('file:///srv/ada/a%20b\r\nhttps://x.org/y\n/tmp/c.tgz')).toEqual(['/srv/ada/a b', '/tmp/c.tgz']);
});

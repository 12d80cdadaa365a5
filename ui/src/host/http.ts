import type { Message } from '../api/message';
import type { Failure } from '../api/types';
import { listenToDrops } from './drop';
import { lines } from './lines';
import type { Answer, Connection, Host, Listener, Wish } from './types';

const FIRST_WAIT = 500;
const LONGEST_WAIT = 8000;

const gone: Failure = {
  code: 'unreachable',
  what: 'the engine does not answer',
  hints: ['Start it again with `edk serve`; this window connects by itself.'],
};
const locked: Failure = {
  code: 'unauthorised',
  what: 'the engine does not know this window',
  hints: ['Open the address which `edk serve` printed when it started.'],
};

/** The headless host: `edk serve` on this machine, which served this page too. */
export class HttpHost implements Host {
  readonly knowsPaths = false;
  readonly opensLogin = false;
  #again: (() => void) | undefined;

  constructor(
    private readonly origin: string,
    private readonly token: string,
  ) {}

  async call(name: string, input: unknown): Promise<Answer> {
    return this.#ask('/rpc', JSON.stringify({ name, input }), 'application/json');
  }

  async upload(file: File, target: string): Promise<Answer> {
    const query = new URLSearchParams({ name: file.name, target });
    return this.#ask(`/upload?${query.toString()}`, file, 'application/octet-stream');
  }

  async #ask(path: string, body: BodyInit, type: string): Promise<Answer> {
    try {
      const headers = { ...this.#headers(), 'content-type': type };
      const reply = await fetch(this.origin + path, { method: 'POST', headers, body });
      if (reply.status === 401) return { ok: false, failure: locked };
      return (await reply.json()) as Answer;
    } catch {
      return { ok: false, failure: gone };
    }
  }

  #headers(): Record<string, string> {
    return { authorization: `Bearer ${this.token}` };
  }

  subscribe(listener: Listener): () => void {
    const stop = new AbortController();
    void this.#follow(listener, stop.signal);
    return () => stop.abort();
  }

  async #follow(listener: Listener, stop: AbortSignal): Promise<void> {
    let after: number | undefined;
    let wait = FIRST_WAIT;
    listener.connection('connecting');
    while (!stop.aborted) {
      let lost: Connection = 'offline';
      try {
        const query = after === undefined ? '' : `?after=${after}`;
        const reply = await fetch(`${this.origin}/events${query}`, { headers: this.#headers(), signal: stop });
        if (reply.status === 401) {
          lost = 'locked';
        } else if (reply.ok && reply.body) {
          listener.connection('online');
          wait = FIRST_WAIT;
          for await (const line of lines(reply.body)) {
            const message = JSON.parse(line) as Message;
            after = message.seq;
            listener.message(message);
          }
        }
      } catch {
        // Said below: whatever ended the stream, the line is lost.
      }
      if (stop.aborted) return;
      listener.connection(lost);
      await this.#pause(wait);
      wait = Math.min(wait * 2, LONGEST_WAIT);
    }
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#again = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  reconnect(): void {
    this.#again?.();
  }

  wishes(listener: (wish: Wish) => void): () => void {
    return listenToDrops(listener);
  }

  async login(): Promise<Answer> {
    return { ok: false, failure: { code: 'unsupported', what: 'a browser has no window for the login of a platform', hints: ['Log in with a session of this browser.'] } };
  }

  leaveLogin(): void {}

  async pickFolder(): Promise<string | null> {
    return null;
  }

  async pickArchives(): Promise<string[]> {
    return [];
  }

  // A browser closes its windows without asking, and the jobs go on: they are the host's.
  quit(): void {}
  stay(): void {}

  open(address: string): void {
    window.open(address, '_blank', 'noopener,noreferrer');
  }
}

const KEY = 'edk-token';

/** Returns the token of this window: from its address at first, from the session when reloaded. */
export function takeToken(): string {
  const found = /[#&]token=([^&]+)/.exec(location.hash);
  if (found?.[1]) {
    sessionStorage.setItem(KEY, found[1]);
    history.replaceState(null, '', location.pathname + location.search);
  }
  return sessionStorage.getItem(KEY) ?? '';
}

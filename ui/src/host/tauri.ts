import { Channel, invoke } from '@tauri-apps/api/core';
import type { Message } from '../api/message';
import type { Failure } from '../api/types';
import type { Answer, Host, Listener, Wish } from './types';

/** What comes through the channel: entries of the host, or something the desktop wants. */
type Packet = { entries: Message[] } | Wanted;
type Wanted = Exclude<Wish, { wish: 'open' }> | { wish: 'open'; paths: string[] };

function lost(error: unknown): Failure {
  return { code: 'bug', what: 'the program does not take the call', why: [String(error)], hints: ['Close the window and start it again.'] };
}

/** The desktop: the engine is in the program of this very window. */
export class TauriHost implements Host {
  readonly knowsPaths = true;
  readonly opensLogin = true;
  /** Wishes that came before anybody listened. */
  #waiting: Wish[] = [];
  #wanted: ((wish: Wish) => void) | undefined;
  #again: (() => void) | undefined;

  async call(name: string, input: unknown): Promise<Answer> {
    try {
      return await invoke<Answer>('rpc', { name, input });
    } catch (error) {
      return { ok: false, failure: lost(error) };
    }
  }

  async upload(file: File): Promise<Answer> {
    const hints = ['Drop it on the window, or choose it with Upload.'];
    return { ok: false, failure: { code: 'unsupported', what: `\`${file.name}\` came without its path`, hints } };
  }

  subscribe(listener: Listener): () => void {
    let after: number | undefined;
    let current = 0;
    const open = async () => {
      current += 1;
      const mine = current;
      const channel = new Channel<Packet>((packet) => {
        if (mine !== current) return;
        if ('wish' in packet) return this.#want(packet.wish === 'open' ? { ...packet, files: [] } : packet);
        for (const message of packet.entries) {
          // What is missing is asked for again, with all that follows it.
          if (after !== undefined && message.kind !== 'snapshot' && message.seq !== after + 1) return void open();
          after = message.seq;
          listener.message(message);
        }
      });
      try {
        await invoke('subscribe', { after: after ?? null, channel });
        if (mine === current) listener.connection('online');
      } catch {
        if (mine === current) listener.connection('offline');
      }
    };
    this.#again = () => void open();
    listener.connection('connecting');
    void open();
    return () => (current = -1);
  }

  reconnect(): void {
    this.#again?.();
  }

  #want(wish: Wish): void {
    if (this.#wanted) this.#wanted(wish);
    else this.#waiting.push(wish);
  }

  wishes(listener: (wish: Wish) => void): () => void {
    this.#wanted = listener;
    for (const wish of this.#waiting.splice(0)) listener(wish);
    return () => (this.#wanted = undefined);
  }

  async pickFolder(): Promise<string | null> {
    const answer = await this.call('pick_folder', {});
    return answer.ok ? (answer.output as string | null) : null;
  }

  async pickArchives(): Promise<string[]> {
    const answer = await this.call('pick_archives', {});
    return answer.ok ? (answer.output as string[]) : [];
  }

  login(name: string): Promise<Answer> {
    return this.call('login_window', { name });
  }

  leaveLogin(): void {
    void this.call('leave_login', {});
  }

  open(address: string): void {
    void this.call('open_address', { address });
  }

  quit(): void {
    void this.call('quit', {});
  }

  stay(): void {
    void this.call('stay', {});
  }
}

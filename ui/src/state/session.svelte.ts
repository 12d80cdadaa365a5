import { getContext, setContext } from 'svelte';
import { Client } from '../api/client';
import type { Message, Topic } from '../api/message';
import type { AppState, Job } from '../api/types';
import type { Connection, Host } from '../host/types';
import { fold, hasEnded, nothing } from './fold';

/** What the window knows of the engine: its jobs, how the line is, and what has changed. */
export class Session {
  readonly client: Client;
  /** The state of the engine, folded from its events. */
  app = $state.raw<AppState>(nothing);
  connection = $state<Connection>('connecting');
  /** Whether the first snapshot has come. */
  synced = $state(false);
  /** How often each topic has changed; reading one makes a query run again after the next change. */
  changes = $state<Record<Topic, number>>({ projects: 0, files: 0, settings: 0, registry: 0, target: 0, history: 0 });
  /** How often the line came back after a loss. */
  returns = $state(0);
  /** How many jobs have ended while we listened. */
  ended = $state(0);
  /** How often the window was come back to: files may have changed meanwhile. */
  visits = $state(0);
  /** The target that is worked with, on every page. */
  target = $state('sandbox');
  #waiting: Message[] = [];
  #lost = false;

  constructor(readonly host: Host) {
    this.client = new Client(host);
  }

  /** Starts to listen; returns the end of it. */
  start(): () => void {
    const visit = () => (this.visits += 1);
    window.addEventListener('focus', visit);
    const end = this.host.subscribe({
      message: (message) => this.#take(message),
      connection: (state) => this.#connected(state),
    });
    return () => {
      window.removeEventListener('focus', visit);
      end();
    };
  }

  /** The jobs, the newest first. */
  get jobs(): Job[] {
    return this.app.jobs.toReversed();
  }

  get running(): Job[] {
    return this.jobs.filter((job) => !hasEnded(job));
  }

  job(id: string | undefined): Job | undefined {
    return this.app.jobs.find((job) => job.id === id);
  }

  #connected(state: Connection): void {
    this.connection = state;
    if (state === 'offline') this.#lost = true;
    if (state === 'online' && this.#lost) {
      this.#lost = false;
      this.returns += 1;
    }
  }

  /** Messages that come within one frame are folded at once. */
  #take(message: Message): void {
    if (this.#waiting.push(message) > 1) return;
    // A hidden window gets no frames.
    if (document.hidden) setTimeout(() => this.#fold(), 50);
    else requestAnimationFrame(() => this.#fold());
  }

  #fold(): void {
    const messages = this.#waiting;
    this.#waiting = [];
    let state = this.app;
    for (const message of messages) {
      state = fold(state, message);
      if (message.kind === 'snapshot') this.synced = true;
      if (message.kind === 'changed') this.changes[message.what] += 1;
      if (message.kind === 'job' && message.change.to === 'ended') this.ended += 1;
    }
    this.app = state;
  }
}

const KEY = Symbol('session');

export function provideSession(session: Session): void {
  setContext(KEY, session);
}

export function useSession(): Session {
  return getContext<Session>(KEY);
}

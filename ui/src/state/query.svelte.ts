import { untrack } from 'svelte';
import { reason } from '../api/client';
import type { Failure } from '../api/types';
import { useSession } from './session.svelte';

/** Something asked of the engine, with every state it can be in. */
export class Query<T> {
  data = $state.raw<T>();
  failure = $state.raw<Failure>();
  loading = $state(true);
  #turn = 0;

  constructor(private readonly run: () => Promise<T>) {}

  /** Asks again; an answer that comes after a newer question is dropped. */
  async refresh(): Promise<void> {
    const turn = ++this.#turn;
    const answer = this.run();
    untrack(() => (this.loading = true));
    try {
      const data = await answer;
      if (turn !== this.#turn) return;
      this.data = data;
      this.failure = undefined;
    } catch (error) {
      if (turn !== this.#turn) return;
      this.failure = reason(error);
    }
    this.loading = false;
  }
}

/** Asks now, whenever something that `run` reads changes, and when a lost line comes back. */
export function query<T>(run: () => Promise<T>): Query<T> {
  const session = useSession();
  const made = new Query(run);
  $effect(() => {
    void session.returns;
    void made.refresh();
  });
  return made;
}

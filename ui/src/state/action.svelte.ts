import { reason } from '../api/client';
import type { Failure } from '../api/types';

/** Something the user starts: whether it is under way, and why it failed last. */
export class Action {
  busy = $state(false);
  failure = $state.raw<Failure>();

  /** Does `work` unless it is being done already; returns its result, or nothing if it failed. */
  async run<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (this.busy) return undefined;
    this.busy = true;
    this.failure = undefined;
    try {
      return await work();
    } catch (error) {
      this.failure = reason(error);
      return undefined;
    } finally {
      this.busy = false;
    }
  }
}

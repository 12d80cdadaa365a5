import type { IconName } from './icons';

/** What a state means to the user; each has a colour, a shape and, beside it, a word. */
export type Tone = 'neutral' | 'accent' | 'success' | 'warning' | 'danger';

/** The shape that goes with a state's word, so that colour alone says nothing. */
export interface Mark {
  tone: Tone;
  icon: IconName;
  word: string;
}

const marks: Record<string, Mark> = {
  running: { tone: 'accent', icon: 'running', word: 'running' },
  cancelling: { tone: 'warning', icon: 'running', word: 'cancelling' },
  waiting: { tone: 'neutral', icon: 'waiting', word: 'waiting' },
  done: { tone: 'success', icon: 'done', word: 'done' },
  succeeded: { tone: 'success', icon: 'done', word: 'succeeded' },
  reused: { tone: 'neutral', icon: 'reused', word: 'reused' },
  failed: { tone: 'danger', icon: 'failed', word: 'failed' },
  cancelled: { tone: 'warning', icon: 'stopped', word: 'cancelled' },
  ok: { tone: 'success', icon: 'done', word: 'in order' },
  hint: { tone: 'accent', icon: 'info', word: 'hint' },
  warning: { tone: 'warning', icon: 'warning', word: 'warning' },
  error: { tone: 'danger', icon: 'failed', word: 'error' },
};

/** Returns the mark of a state; one that is not known shows its own word. */
export function mark(state: string): Mark {
  return marks[state] ?? { tone: 'neutral', icon: 'waiting', word: state };
}

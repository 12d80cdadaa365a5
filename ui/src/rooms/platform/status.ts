import type { ExtensionView } from '../../api/types';
import type { Tone } from '../../kit/tone';

export interface Status {
  state: string;
  word: string;
  tone: Tone;
}

const BAD = /back-?off|err|fail|invalid|evicted|crash/;

/** Returns how an extension is, as one word with its shape: pods that fail outweigh Helm's status. */
export function statusOf({ installed, ready, helm_status, pods }: ExtensionView): Status {
  if (!installed) return { state: 'waiting', word: 'not installed', tone: 'neutral' };
  const broken = pods.find((pod) => BAD.test(pod.status));
  if (broken) return { state: 'failed', word: broken.status, tone: 'danger' };
  if (helm_status && BAD.test(helm_status)) return { state: 'failed', word: helm_status, tone: 'danger' };
  if (ready) return { state: 'done', word: 'ready', tone: 'success' };
  return { state: 'running', word: helm_status ?? 'starting', tone: 'accent' };
}

/** Returns the status of a pod in the same terms. */
export function podStatus(status: string): Status {
  if (BAD.test(status)) return { state: 'failed', word: status, tone: 'danger' };
  if (/^(running|completed|succeeded)$/.test(status)) return { state: 'done', word: status, tone: 'success' };
  return { state: 'running', word: status, tone: 'accent' };
}

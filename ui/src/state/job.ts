import type { Job, RunOutcome, Stage } from '../api/types';

/** Returns the stage a job is at, or the last one it was at. */
export function current(job: Job): Stage | undefined {
  return job.stages.findLast((stage) => stage.state === 'running') ?? job.stages.at(-1);
}

/** Returns the share of a stage that is done, between 0 and 1, when it is known. */
export function share(stage: Stage): number | undefined {
  if (!stage.total) return undefined;
  return Math.min(1, (stage.done ?? 0) / stage.total);
}

/** Returns how a job stands, to be said after its title. */
export function verdict(job: Job): string {
  const took = job.seconds === undefined || job.seconds === null ? '' : ` in ${duration(job.seconds)}`;
  switch (job.state) {
    case 'running':
      return 'is running';
    case 'cancelling':
      return 'is being cancelled';
    case 'succeeded':
      return `succeeded${took}${reuse(job)}`;
    case 'failed':
      return `failed: ${job.failure?.what ?? container(job) ?? 'no reason was given'}`;
    case 'cancelled':
      return `was cancelled${took}`;
  }
}

/** Returns how a processing container failed: its run is an outcome, not a failure. */
function container({ command, response }: Job): string | undefined {
  if (command !== 'run' || !response) return undefined;
  const { container, exit_code } = response as unknown as RunOutcome;
  return `${container} ended with exit code ${exit_code}`;
}

/** Returns what a job is at, while it runs. */
export function doing(job: Job): string {
  const stage = current(job);
  if (job.state === 'cancelling') return 'Stops what it is doing';
  return stage ? `Now: ${stage.stage} ${stage.subject}` : 'It begins';
}

function reuse(job: Job): string {
  const reused = job.stages.filter((stage) => stage.state === 'reused').length;
  return reused === 0 ? '' : `, ${reused} of ${job.stages.length} stages reused`;
}

/** Returns a time span as a person says it. */
export function duration(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  return `${minutes} min ${Math.round(seconds % 60)} s`;
}

// State is a fold over what happens: the same as the engine's own, so that a window that saw
// everything and one that just came agree. Pure: nothing here knows time, the network or the screen.
import type { Message } from '../api/message';
import { JOBS_KEPT, LINES_KEPT, type AppState, type Event, type Job, type JobChange, type Stage } from '../api/types';

export const nothing: AppState = { jobs: [] };

/** Returns the state after `message`; the one given stays as it is. Unknown jobs change nothing. */
export function fold(state: AppState, message: Message): AppState {
  switch (message.kind) {
    case 'snapshot':
      return message.state;
    case 'job': {
      const { change } = message;
      if (change.to === 'added') return add(state, message.job, change);
      return put(state, message.job, (job) => changed(job, change));
    }
    case 'event':
      return put(state, message.job, (job) => step(job, message.event));
    case 'changed':
      return state;
  }
}

type Added = Extract<JobChange, { to: 'added' }>;

function add(state: AppState, id: string, { command, cli, title, project, started_at }: Added): AppState {
  const header = project ? { command, cli, title, project, started_at } : { command, cli, title, started_at };
  const job: Job = { id, ...header, state: 'running', stages: [], lines: [], lines_dropped: 0, findings: [] };
  const jobs = [...state.jobs, job];
  while (jobs.length > JOBS_KEPT) {
    const oldest = jobs.findIndex((known) => hasEnded(known));
    if (oldest < 0) break;
    jobs.splice(oldest, 1);
  }
  return { ...state, jobs };
}

/** Says whether nothing more will happen. */
export function hasEnded(job: Job): boolean {
  return job.state !== 'running' && job.state !== 'cancelling';
}

function put(state: AppState, id: string, how: (job: Job) => Job): AppState {
  const at = state.jobs.findLastIndex((known) => known.id === id);
  const job = state.jobs[at];
  return job ? { ...state, jobs: state.jobs.with(at, how(job)) } : state;
}

function changed(job: Job, change: Exclude<JobChange, Added>): Job {
  if (change.to === 'cancelling') return job.state === 'running' ? { ...job, state: 'cancelling' } : job;
  const { state, seconds, response, failure, mend } = change;
  const left = state === 'succeeded' ? 'done' : 'failed';
  const end = Math.trunc(seconds * 1000);
  const stages = job.stages.map((stage): Stage => {
    if (stage.state !== 'running') return stage;
    return { ...stage, state: left, seconds: between(stage.started_ms, end) };
  });
  const ended: Job = { ...job, state, seconds, stages };
  if (response !== undefined) ended.response = response;
  if (failure !== undefined) ended.failure = failure;
  if (mend !== undefined) ended.mend = mend;
  return ended;
}

function step(job: Job, event: Event): Job {
  const { at_ms } = event;
  switch (event.event) {
    case 'stage-started':
      if (runningOn(job.stages, event) >= 0) return job;
      return { ...job, stages: [...job.stages, begun(event, at_ms)] };
    case 'progress': {
      const { done, total, unit, reused } = event;
      // Something inside of the subject may be counted: then the last stage of the kind is meant.
      let at = runningOn(job.stages, event);
      if (at < 0) at = job.stages.findLastIndex((it) => it.state === 'running' && it.stage === event.stage);
      return { ...job, stages: shown(job.stages, at, event, (it) => ({ ...it, done, total, unit, reused })) };
    }
    case 'line': {
      const lines = [...job.lines, { at_ms, stage: event.stage, text: event.text }];
      const over = Math.max(0, lines.length - LINES_KEPT);
      return { ...job, lines: over > 0 ? lines.slice(over) : lines, lines_dropped: job.lines_dropped + over };
    }
    case 'found':
      return { ...job, findings: [...job.findings, event.finding] };
    case 'stage-finished': {
      const { outcome, summary } = event;
      const finish = (it: Stage): Stage => ({ ...it, state: outcome, summary, seconds: between(it.started_ms, at_ms) });
      return { ...job, stages: shown(job.stages, runningOn(job.stages, event), event, finish) };
    }
    case 'job-started':
    case 'job-succeeded':
    case 'job-failed':
      return job;
  }
}

type Named = { stage: string; subject: string; at_ms: number };

function begun({ stage, subject }: Named, at_ms: number): Stage {
  return { stage, subject, state: 'running', started_ms: at_ms };
}

/** The place of the last stage that runs on the subject, or -1. */
function runningOn(stages: Stage[], { stage, subject }: Named): number {
  return stages.findLastIndex((it) => it.state === 'running' && it.stage === stage && it.subject === subject);
}

/** Changes the stage at `at`; without one, a new one. */
function shown(stages: Stage[], at: number, named: Named, how: (stage: Stage) => Stage): Stage[] {
  const stage = stages[at];
  return stage ? stages.with(at, how(stage)) : [...stages, how(begun(named, named.at_ms))];
}

function between(from: number, to: number): number {
  return Math.max(0, to - from) / 1000;
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AppState, Entry, Event, Failure, Job, JobChange, JobHeader } from '../api/types';
import { JOBS_KEPT, LINES_KEPT } from '../api/types';
import { runs } from '../host/recording';
import { fold, nothing } from './fold';

const header: JobHeader = { command: 'deploy', cli: 'edk deploy /a', title: 'Deploy a to sandbox', project: '/a', started_at: '2026-01-01T00:00:00Z' };
const added: JobChange = { to: 'added', ...header };

function play(events: Event[], end?: JobChange, from: AppState = nothing): AppState {
  let state = fold(from, { seq: 1, kind: 'job', job: 'j1', change: added });
  for (const event of events) state = fold(state, { seq: 2, kind: 'event', job: 'j1', event });
  return end ? fold(state, { seq: 3, kind: 'job', job: 'j1', change: end }) : state;
}

function only(state: AppState): Job {
  const [job] = state.jobs;
  if (!job || state.jobs.length !== 1) throw new Error('there is not one job');
  return job;
}

describe('a recorded deploy', () => {
  const job = only(play(runs.edit.events, { to: 'ended', state: 'succeeded', seconds: 0.298 }));

  it('keeps its header', () => {
    expect(job).toMatchObject({ id: 'j1', ...header, state: 'succeeded', seconds: 0.298 });
  });

  it('has every stage in the order it began, with how it ended', () => {
    const said = job.stages.map(({ stage, subject, state }) => `${stage} ${subject} ${state}`);
    expect(said).toEqual([
      'build dag-my-radiomics reused',
      'build my-radiomics-features done',
      'push dag-my-radiomics:0.1.0 reused',
      'push my-radiomics-features:0.1.0 done',
      'push my-radiomics-features:0.6.0 done',
      'upload my-radiomics-workflow done',
      'install my-radiomics-workflow done',
      'follow my-radiomics-workflow done',
    ]);
  });

  it('counts progress inside of a subject to the stage of that kind that runs', () => {
    expect(job.stages[1]).toMatchObject({ done: 4, total: 4, unit: 'steps', reused: 3, seconds: 0.024 });
  });

  it('keeps the output with its stage', () => {
    expect(job.lines[0]).toEqual({ at_ms: 8, stage: 'build', text: 'COPY files/ /kaapana/app/' });
    expect(job.lines_dropped).toBe(0);
  });
});

it('a failure ends what still ran', () => {
  const failure = runs.refused.result.failure as Failure;
  const job = only(play(runs.refused.events, { to: 'ended', state: 'failed', seconds: 0.5, failure }));
  expect(job.stages.at(-1)).toMatchObject({ stage: 'build', state: 'failed' });
  expect(job.failure?.code).toBe('command-failed');
});

it('the whole demo folds to the same whether a snapshot came between or not', () => {
  const { events } = runs.demo;
  const half = play(events.slice(0, 40));
  const copy = structuredClone(half);
  let late = fold(nothing, { seq: 9, kind: 'snapshot', state: copy });
  for (const event of events.slice(40)) late = fold(late, { seq: 10, kind: 'event', job: 'j1', event });
  expect(late).toEqual(play(events));
});

it('a fold changes nothing that it was given', () => {
  const before = play(runs.edit.events.slice(0, 8));
  const copy = structuredClone(before);
  for (const event of runs.edit.events.slice(8)) fold(before, { seq: 5, kind: 'event', job: 'j1', event });
  expect(before).toEqual(copy);
});

it('the oldest lines go first, and are counted', () => {
  const line = (index: number): Event => ({ seq: index, at_ms: index, event: 'line', stage: 'run', text: String(index) });
  const job = only(play(Array.from({ length: LINES_KEPT + 3 }, (_, index) => line(index))));
  expect(job.lines).toHaveLength(LINES_KEPT);
  expect(job.lines_dropped).toBe(3);
  expect(job.lines[0]?.text).toBe('3');
});

it('the oldest job that has ended goes when there are too many', () => {
  let state = nothing;
  for (let index = 0; index <= JOBS_KEPT; index += 1) {
    state = fold(state, { seq: index, kind: 'job', job: `j${index}`, change: added });
    if (index === 1) state = fold(state, { seq: index, kind: 'job', job: 'j1', change: { to: 'ended', state: 'succeeded', seconds: 1 } });
  }
  const ids = state.jobs.map(({ id }) => id);
  expect(ids).toHaveLength(JOBS_KEPT);
  expect(ids).not.toContain('j1');
  expect(ids).toContain('j0');
});

it('what belongs to no known job changes nothing', () => {
  const [event] = runs.edit.events;
  expect(event && fold(nothing, { seq: 1, kind: 'event', job: 'j9', event })).toBe(nothing);
  expect(fold(nothing, { seq: 1, kind: 'changed', what: 'target' })).toBe(nothing);
});

it('only a running job can be cancelled', () => {
  const cancelling = fold(play([]), { seq: 2, kind: 'job', job: 'j1', change: { to: 'cancelling' } });
  expect(only(cancelling).state).toBe('cancelling');
  const ended = play([], { to: 'ended', state: 'succeeded', seconds: 1 });
  expect(only(fold(ended, { seq: 3, kind: 'job', job: 'j1', change: { to: 'cancelling' } })).state).toBe('succeeded');
});

it('ten thousand lines are folded in well under a second', () => {
  const begun = performance.now();
  play(Array.from({ length: 10_000 }, (_, index): Event => ({ seq: index, at_ms: index, event: 'line', stage: 'run', text: 'x' })));
  expect(performance.now() - begun).toBeLessThan(1000);
});

it('a run of the host folds to the state which the host had', () => {
  const folder = join(import.meta.dirname, '../../../tests/host/recorded');
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  const entries = read('entries.ndjson').trim().split('\n').map((line) => JSON.parse(line) as Entry);
  expect(entries.reduce(fold, nothing)).toEqual(JSON.parse(read('state.json')));
});

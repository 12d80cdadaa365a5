import type { Job, JobRequest } from '../api/types';
import { address, route } from './route.svelte';
import type { Session } from './session.svelte';

/** Returns where a job is shown. */
export function placeOf(job: Job): string {
  switch (job.command) {
    case 'install':
    case 'uninstall_release':
    case 'upload':
      return address('extensions', { job: job.id });
    case 'base':
    case 'login':
      return address('settings', { job: job.id });
    case 'demo':
      return address('home', { job: job.id });
    default:
      return address('deploy', { project: job.project ?? '', job: job.id });
  }
}

/** Starts a job and returns its id; throws why it can't be. */
export async function start(session: Session, request: JobRequest): Promise<string> {
  return (await session.client.call('start', request)).job;
}

/** Starts the demo and goes to where it is shown. */
export async function startDemo(session: Session): Promise<void> {
  route.go('home', { job: await start(session, { command: 'demo', input: {} }) });
}

import { render } from '@testing-library/svelte';
import { ReplayHost, type Scene } from '../host/replay';
import Shell from './Shell.svelte';

/** Opens the window at a place, over recorded runs: for tests. */
export function open(hash: string, scene: Scene = 'usual'): ReplayHost {
  location.hash = hash;
  const host = new ReplayHost(scene, 0);
  render(Shell, { host });
  return host;
}

/** The inputs of every call of a name, in order. */
export const calls = (host: ReplayHost, name: string) => host.calls.filter((call) => call.name === name).map(({ input }) => input);

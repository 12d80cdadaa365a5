import { HttpHost, takeToken } from './http';
import type { Host } from './types';

/** Returns the host of the place this window runs in. */
export async function openHost(): Promise<Host> {
  if (import.meta.env.MODE === 'replay') {
    const { replayFromAddress } = await import('./replay');
    return replayFromAddress(location.search);
  }
  if ('__TAURI_INTERNALS__' in window) {
    const { TauriHost } = await import('./tauri');
    return new TauriHost();
  }
  return new HttpHost(location.origin, takeToken());
}

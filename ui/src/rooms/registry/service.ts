import type { RegistryService } from '../../api/types';

/** How the registry is served, as a mark and a few words. */
export function standing({ on, served, process, failure }: RegistryService): { state: string; word: string } {
  if (served === 'here') return { state: 'done', word: 'served by this program' };
  if (served === 'elsewhere') return { state: 'done', word: process ? `served by process ${process}` : 'served by another process' };
  return on || failure ? { state: 'failed', word: 'not served' } : { state: 'waiting', word: 'switched off' };
}

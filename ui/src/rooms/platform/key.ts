import type { ExtensionView } from '../../api/types';

/** Returns what tells a row from all others: instances of one chart differ by their release. */
export function key({ name, release }: ExtensionView): string {
  return release ? `${name} ${release}` : name;
}

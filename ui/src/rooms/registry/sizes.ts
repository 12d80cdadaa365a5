import type { TagView } from '../../api/types';

/** Returns how many bytes the layers of tags take, each layer once. */
export function stored(tags: TagView[]): number {
  const layers = new Map(tags.flatMap((tag) => tag.layers.map((layer) => [layer.digest, layer.size])));
  return [...layers.values()].reduce((sum, size) => sum + size, 0);
}

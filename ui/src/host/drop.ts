import type { Drop } from './types';

/** Returns the paths in a dropped text: a file manager gives `file://` addresses, one a line. */
export function pathsIn(text: string): string[] {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  return lines.flatMap((line) => {
    if (line.startsWith('file://')) return [decodeURIComponent(new URL(line).pathname)];
    return line.startsWith('/') ? [line] : [];
  });
}

/** Listens to drops on a page in a browser, which may give files without saying where they are. */
export function listenToDrops(listener: (drop: Drop) => void): () => void {
  const over = (event: DragEvent) => event.preventDefault();
  const drop = (event: DragEvent) => {
    event.preventDefault();
    const data = event.dataTransfer;
    if (!data) return;
    const text = data.getData('text/uri-list') || data.getData('text/plain');
    listener({ paths: pathsIn(text), files: [...data.files] });
  };
  window.addEventListener('dragover', over);
  window.addEventListener('drop', drop);
  return () => {
    window.removeEventListener('dragover', over);
    window.removeEventListener('drop', drop);
  };
}

import type { Wish } from './types';

/** Returns the paths in a dropped text: a file manager gives `file://` addresses, one a line. */
export function pathsIn(text: string): string[] {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  return lines.flatMap((line) => {
    if (line.startsWith('file://')) return [decodeURIComponent(new URL(line).pathname)];
    return line.startsWith('/') ? [line] : [];
  });
}

/** Tells of drops on a page in a browser, which may give files without saying where they are. */
export function listenToDrops(listener: (wish: Wish) => void): () => void {
  const over = (event: DragEvent) => {
    event.preventDefault();
    if (event.type === 'dragenter' && event.relatedTarget === null) listener({ wish: 'hover', over: true });
  };
  const leave = (event: DragEvent) => {
    if (event.relatedTarget === null) listener({ wish: 'hover', over: false });
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    const data = event.dataTransfer;
    if (!data) return;
    const text = data.getData('text/uri-list') || data.getData('text/plain');
    listener({ wish: 'open', paths: pathsIn(text), files: [...data.files] });
  };
  window.addEventListener('dragenter', over);
  window.addEventListener('dragover', over);
  window.addEventListener('dragleave', leave);
  window.addEventListener('drop', drop);
  return () => {
    window.removeEventListener('dragenter', over);
    window.removeEventListener('dragover', over);
    window.removeEventListener('dragleave', leave);
    window.removeEventListener('drop', drop);
  };
}

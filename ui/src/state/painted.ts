/** Resolves when the window has shown its first frame; a window that nobody sees has none yet. */
export const painted = new Promise<void>((resolve) => requestAnimationFrame(() => setTimeout(resolve)));

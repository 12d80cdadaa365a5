import type { Theme } from '../api/types';

const KEY = 'edk-theme';
export const THEMES: Theme[] = ['system', 'light', 'dark', 'contrast'];

/** The look of the window. It is kept here too, so that the first frame has it already. */
class Look {
  theme = $state<Theme>('system');

  start(): void {
    const kept = localStorage.getItem(KEY);
    this.set(THEMES.find((theme) => theme === kept) ?? 'system');
  }

  set(theme: Theme): void {
    this.theme = theme;
    localStorage.setItem(KEY, theme);
    document.documentElement.dataset['theme'] = theme;
  }
}

export const look = new Look();

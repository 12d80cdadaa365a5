import type { IconName } from './icons';

/** Something that can be done from the palette. */
export interface Command {
  label: string;
  note?: string;
  icon: IconName;
  run: () => void;
}

export interface Group {
  name: string;
  items: Command[];
}

/** Returns the commands in which every word of `text` is found; those that begin with it come first. */
export function find(groups: Group[], text: string): Group[] {
  const words = text.toLowerCase().split(/\s+/).filter((word) => word !== '');
  const holds = ({ label, note }: Command) => words.every((word) => `${label} ${note ?? ''}`.toLowerCase().includes(word));
  const starts = ({ label }: Command) => Number(!label.toLowerCase().startsWith(words[0] ?? ''));
  return groups
    .map(({ name, items }) => ({ name, items: items.filter(holds).sort((a, b) => starts(a) - starts(b)) }))
    .filter(({ items }) => items.length > 0);
}

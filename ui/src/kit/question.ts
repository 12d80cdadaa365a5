/** A question of a form, whatever asked it: a template or an extension. */
export interface Question {
  id: string;
  kind: 'text' | 'yes-no' | 'one' | 'several' | 'heading' | 'note';
  label: string;
  help?: string;
  choices?: string[];
  max?: number;
  placeholder?: string;
}

/** Answers as the wire has them: `true` or `false`, several choices with commas between them. */
export type Answers = Record<string, string>;

/** Returns the choices in an answer. */
export function chosen(answer: string | undefined): string[] {
  return (answer ?? '').split(',').map((part) => part.trim()).filter((part) => part !== '');
}

/** Returns the answer with `choice` put in or taken out, in the order of the choices. */
export function toggle(choices: string[], answer: string | undefined, choice: string): string {
  const now = new Set(chosen(answer));
  if (!now.delete(choice)) now.add(choice);
  return choices.filter((known) => now.has(known)).join(',');
}

import type { Answers } from '../../api/commands';
import type { Parameter, PreviewRefusal } from '../../api/types';
import type { Question } from '../../kit/question';
import { sentence } from '../../state/words';

const KINDS: Record<Parameter['type'], Question['kind']> = {
  string: 'text', bool: 'yes-no', choice: 'one', 'multi-choice': 'several',
};

/** Returns the questions of a template as a form asks them. */
export function questions(parameters: Parameter[]): Question[] {
  return parameters.map(({ id, type, label, help, choices, max }) => ({
    id, kind: KINDS[type], label, help, choices: choices ?? [], ...(max ? { max } : {}),
  }));
}

/** Returns what a form shows: the answers given, and the defaults that follow from them. */
export function shown(parameters: Parameter[], given: Answers): Answers {
  const all: Answers = {};
  for (const { id, default: preset } of parameters) {
    const fallback = Array.isArray(preset) ? preset.join(',') : String(preset ?? '');
    // A default may hold `{{ id }}` of a question asked earlier.
    all[id] = given[id] ?? fallback.replace(/\{\{\s*([\w-]+)\s*\}\}/g, (_, name: string) => all[name] ?? '');
  }
  return all;
}

/** Returns why answers are refused, by question, each a sentence. */
export function reasons(parameters: Parameter[], refusals: PreviewRefusal[]): Answers {
  const label = (id: string) => parameters.find((parameter) => parameter.id === id)?.label ?? id;
  return Object.fromEntries(refusals.map(({ parameter, reason }) => [parameter, sentence(`${label(parameter)} ${reason}`)]));
}

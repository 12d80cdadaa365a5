// `extension_params` of a chart: what the platform asks before it installs.
import type { Answers, Question } from '../kit/question';

type Kind = Question['kind'];
const KINDS: Record<string, Kind> = {
  string: 'text', bool: 'yes-no', boolean: 'yes-no', list_single: 'one', list_multi: 'several', group_name: 'heading', doc: 'note',
};

type Entry = Record<string, unknown>;

function entries(params: unknown): [string, Entry][] {
  if (params === null || typeof params !== 'object' || Array.isArray(params)) return [];
  const isEntry = (pair: [string, unknown]): pair is [string, Entry] => pair[1] !== null && typeof pair[1] === 'object';
  return Object.entries(params).filter(isEntry);
}

function text(value: unknown): string {
  if (Array.isArray(value)) return value.map(String).join(',');
  return value === undefined || value === null ? '' : String(value);
}

/** Helps and texts come as HTML: only what they say is kept. */
export function plain(html: unknown): string {
  const withBreaks = text(html).replace(/<\/(p|li|div)>|<br\s*\/?>/gi, ' ');
  const parsed = new DOMParser().parseFromString(withBreaks, 'text/html');
  return (parsed.body.textContent ?? '').replace(/\s+/g, ' ').trim();
}

/** Returns the questions in `params`; an entry of a kind that is not known is asked as a text. */
export function questions(params: unknown): Question[] {
  return entries(params).map(([id, entry]) => {
    const kind = KINDS[text(entry['type'])] ?? 'text';
    if (kind === 'heading') return { id, kind, label: text(entry['default']) };
    if (kind === 'note') return { id, kind, label: text(entry['title']), help: plain(entry['html']) };
    const choices = Array.isArray(entry['value']) ? entry['value'].map(String) : [];
    const definition = text(entry['definition']);
    return { id, kind, label: definition || id, help: plain(entry['help']), choices };
  });
}

/** Returns the answers that count when the user gives none. */
export function defaults(params: unknown): Answers {
  const asked = entries(params).filter(([, entry]) => !['heading', 'note'].includes(KINDS[text(entry['type'])] ?? ''));
  return Object.fromEntries(asked.map(([id, entry]) => [id, text(entry['default'])]));
}

/** Returns why answers would be refused or arrive changed on a platform, by question. */
export function refusals(asked: Question[], answers: Answers): Answers {
  const found: Answers = {};
  for (const { id, kind, label } of asked) {
    const answer = answers[id] ?? '';
    if ((kind === 'text' || kind === 'one') && answer === '') found[id] = `${label} is empty.`;
    else if (kind === 'text' && /[&<>"';]/.test(answer)) found[id] = 'The platform drops values with & < > " \' or ;.';
    else if (kind === 'text' && answer.includes(' ')) found[id] = 'The platform takes all spaces out of a value.';
  }
  return found;
}

/** Returns the answers as an install sends them: yes and no as such, all else as texts. */
export function values(asked: Question[], answers: Answers): Record<string, unknown> {
  const given = asked.filter(({ kind }) => kind !== 'heading' && kind !== 'note');
  return Object.fromEntries(given.map(({ id, kind }) => [id, kind === 'yes-no' ? answers[id] === 'true' : (answers[id] ?? '')]));
}

// `extension_params` of a chart: what the platform asks before it installs.
import { defaults, type Schema, type Values } from '../kit/form/schema';

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

/** What a text must be so that a platform neither drops nor changes it. */
const ARRIVES: Schema = {
  minLength: 1,
  allOf: [
    { pattern: '^[^&<>"\';]*$', errorMessage: { pattern: 'The platform drops values with & < > " \' or ;.' } },
    { pattern: '^[^ ]*$', errorMessage: { pattern: 'The platform takes all spaces out of a value.' } },
  ],
};

/** Returns `params` as JSON Schema; an entry of a kind that is not known is asked as a text. */
export function schema(params: unknown): Schema {
  return { type: 'object', properties: Object.fromEntries(entries(params).map(([id, entry]) => [id, property(id, entry)])) };
}

function property(id: string, entry: Entry): Schema {
  const choices = Array.isArray(entry['value']) ? entry['value'].map(String) : [];
  const preset = entry['default'];
  const asked: Schema = { title: text(entry['definition']) || id };
  if (plain(entry['help'])) asked.description = plain(entry['help']);
  switch (text(entry['type'])) {
    case 'group_name':
      return { type: 'null', title: text(preset) };
    case 'doc':
      return { type: 'null', title: text(entry['title']), description: plain(entry['html']) };
    case 'bool':
    case 'boolean':
      return { ...asked, type: 'boolean', default: text(preset).toLowerCase() === 'true' };
    case 'list_single':
      return { ...asked, type: 'string', enum: choices, minLength: 1, default: text(preset) };
    case 'list_multi':
      return { ...asked, type: 'array', uniqueItems: true, items: { type: 'string', enum: choices }, default: text(preset).split(',').map((part) => part.trim()).filter((part) => part !== '') };
    default:
      return { ...asked, type: 'string', ...ARRIVES, default: text(preset) };
  }
}

/** Returns the answers as an install sends them: yes and no as such, several as one text with commas. */
export function sent(asked: Schema, answers: Values): Values {
  const all = { ...defaults(asked), ...answers };
  return Object.fromEntries(Object.entries(all).map(([id, answer]) => [id, typeof answer === 'boolean' ? answer : text(answer)]));
}

import type { Parameter, PreviewRefusal } from '../../api/types';
import type { Refusals, Schema, Values } from '../../kit/form/schema';
import { sentence } from '../../state/words';

/** Returns what a template asks, as JSON Schema. What a text must look like beyond that, the engine knows. */
export function schema(parameters: Parameter[]): Schema {
  const properties = parameters.map((parameter): [string, Schema] => {
    const { id, label: title, help: description } = parameter;
    return [id, { title, description, ...typed(parameter) }];
  });
  const required = parameters.filter((parameter) => parameter.default === undefined || parameter.default === null).map(({ id }) => id);
  return { type: 'object', properties: Object.fromEntries(properties), required };
}

function typed({ type, choices, max }: Parameter): Schema {
  switch (type) {
    case 'bool':
      return { type: 'boolean' };
    case 'choice':
      return { type: 'string', enum: choices ?? [] };
    case 'multi-choice':
      return { type: 'array', uniqueItems: true, items: { type: 'string', enum: choices ?? [] } };
    case 'string':
      return { type: 'string', ...(max ? { maxLength: max } : {}) };
  }
}

/** Returns what a form shows: the answers given, and the defaults that follow from them. */
export function shown(parameters: Parameter[], given: Values): Values {
  const all: Values = {};
  for (const { id, type, default: preset } of parameters) {
    // A default may hold `{{ id }}` of a question asked earlier.
    const filled = typeof preset === 'string' ? preset.replace(/\{\{\s*([\w-]+)\s*\}\}/g, (_, name: string) => String(all[name] ?? '')) : preset;
    all[id] = given[id] ?? filled ?? (type === 'bool' ? false : type === 'multi-choice' ? [] : '');
  }
  return all;
}

/** Returns why answers are refused, by question, each a sentence. */
export function reasons(parameters: Parameter[], refusals: PreviewRefusal[]): Refusals {
  const label = (id: string) => parameters.find((parameter) => parameter.id === id)?.label ?? id;
  return Object.fromEntries(refusals.map(({ parameter, reason }) => [parameter, sentence(`${label(parameter)} ${reason}`)]));
}

import { Validator, type OutputUnit, type Schema as Checked } from '@cfworker/json-schema';
import type { Refusals, Schema, Values } from './schema';

/** What is said about a broken keyword: `of` is its value in the schema. */
const WORDS: Record<string, (of: unknown) => string> = {
  required: () => 'is missing',
  type: (of) => (of === 'integer' ? 'is no whole number' : of === 'number' ? 'is no number' : `is no ${String(of)}`),
  enum: () => 'is none of the choices',
  const: (of) => `is not ${String(of)}`,
  minLength: (of) => (of === 1 ? 'is empty' : `is shorter than ${String(of)} characters`),
  maxLength: (of) => `is longer than ${String(of)} characters`,
  pattern: (of) => `does not look like \`${String(of)}\``,
  format: (of) => `is no ${String(of)}`,
  minimum: (of) => `is less than ${String(of)}`,
  maximum: (of) => `is more than ${String(of)}`,
  exclusiveMinimum: (of) => `is not more than ${String(of)}`,
  exclusiveMaximum: (of) => `is not less than ${String(of)}`,
  multipleOf: (of) => `is no multiple of ${String(of)}`,
  minItems: (of) => (of === 1 ? 'has nothing chosen' : `has fewer than ${String(of)} entries`),
  maxItems: (of) => `has more than ${String(of)} entries`,
  uniqueItems: () => 'has the same entry twice',
};
/** Keywords which only say that something below them is broken. */
const CARRIERS = ['properties', 'items', 'allOf', 'anyOf', 'oneOf', '$ref', 'additionalProperties'];

/** Returns why answers do not fit their schema, by property: the first reason of each, a sentence. */
export function problems(schema: Schema, values: Values): Refusals {
  const found: Refusals = {};
  const label = (id: string) => schema.properties?.[id]?.title || id;
  const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined && value !== null));
  for (const id of schema.required ?? []) {
    if (given[id] === undefined || given[id] === '') found[id] = schema.properties?.[id]?.errorMessage?.['required'] ?? `${label(id)} is missing.`;
  }
  for (const unit of new Validator(checked(schema), '7', false).validate(given).errors) {
    const id = decodeURIComponent(unit.instanceLocation).split('/')[1]?.replaceAll('~1', '/').replaceAll('~0', '~');
    if (id === undefined || CARRIERS.includes(unit.keyword)) continue;
    found[id] ??= sentence(schema, unit, label(id));
  }
  return found;
}

/** Texts which only a person reads would be taken for schemas to look up. */
function checked(schema: Schema): Checked {
  return JSON.parse(JSON.stringify(schema)) as Checked;
}

function sentence(schema: Schema, { keyword, keywordLocation }: OutputUnit, label: string): string {
  const steps = keywordLocation.split('/').slice(1, -1).map((step) => decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~'));
  const at = steps.reduce<unknown>((place, step) => (place as Record<string, unknown> | undefined)?.[step], schema) as Schema | undefined;
  const own = at?.errorMessage?.[keyword];
  if (own) return own;
  return `${label} ${WORDS[keyword]?.(at?.[keyword]) ?? 'is not what is asked for'}.`;
}

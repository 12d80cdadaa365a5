// What a form asks, as JSON Schema (draft 7), and what it is answered. Types only: what reads them is
// loaded when the first form is shown.

/** A schema as the forms of templates, extensions and DAGs have it. */
export interface Schema {
  type?: string | string[];
  title?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  /** What is said when a keyword is broken, by keyword; without it, words of ours. */
  errorMessage?: Record<string, string>;
  [keyword: string]: unknown;
}

/** Answers by property. */
export type Values = Record<string, unknown>;

/** Why answers are refused, by property, each a sentence. */
export type Refusals = Record<string, string>;

/** Says whether two answers are the same; they are plain data. */
export function same(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

/** Returns the answers of which `shown` knows others. */
export function changed(shown: Values, now: Values): Values {
  return Object.fromEntries(Object.entries(now).filter(([id, value]) => !same(shown[id], value)));
}

/** Returns the answers that count when the user gives none. */
export function defaults(schema: Schema): Values {
  const asked = Object.entries(schema.properties ?? {}).filter(([, { type }]) => type !== 'null');
  const preset = ({ type, default: value }: Schema) => value ?? (type === 'boolean' ? false : type === 'array' ? [] : type === 'string' ? '' : undefined);
  return Object.fromEntries(asked.map(([id, property]) => [id, preset(property)]).filter(([, value]) => value !== undefined));
}

/** Returns answers as the command line takes them: `true`, numbers as written, lists with commas. */
export function texts(values: Values): Record<string, string> {
  const text = (value: unknown): string => {
    if (Array.isArray(value)) return value.map(text).join(',');
    return typeof value === 'object' ? JSON.stringify(value) : String(value);
  };
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(given.map(([id, value]) => [id, text(value)]));
}

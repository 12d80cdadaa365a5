import { getFieldErrors, getId, getPseudoId, type Config, type FormState } from '@sjsf/form';

/** Returns what the control of a field has in common with all others. */
export function attributes(form: FormState<unknown>, config: Config) {
  const { path, schema, required } = config;
  const isRefused = getFieldErrors(form, path).length > 0;
  const described = [isRefused ? getPseudoId(form, path, 'errors') : '', schema.description ? getPseudoId(form, path, 'description') : ''];
  return {
    id: getId(form, path),
    'aria-describedby': described.filter((part) => part !== '').join(' ') || undefined,
    'aria-invalid': isRefused ? ('true' as const) : undefined,
    'aria-required': required || undefined,
  };
}

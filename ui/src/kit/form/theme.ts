// The fields of a form under our look. What a form here never has keeps the parts of the library.
import '@sjsf/form/fields/extra/enum-include';
import '@sjsf/form/fields/extra/multi-enum-include';
import { base } from '@sjsf/form/theme';
import type { Theme } from '@sjsf/form';
import { overrideByRecord } from '@sjsf/form/lib/resolver';
import { translation as english } from '@sjsf/form/translations/en';
import Amount from './Amount.svelte';
import Choice from './Choice.svelte';
import Described from './Described.svelte';
import Errors from './Errors.svelte';
import Field from './Field.svelte';
import Group from './Group.svelte';
import Heading from './Heading.svelte';
import Layout from './Layout.svelte';
import Press from './Press.svelte';
import Text from './Text.svelte';
import Tick from './Tick.svelte';
import Ticks from './Ticks.svelte';

export const theme = overrideByRecord(base, {
  fieldTemplate: Field,
  objectTemplate: Group,
  textWidget: Text,
  numberWidget: Amount,
  selectWidget: Choice,
  checkboxWidget: Tick,
  checkboxesWidget: Ticks,
  layout: Layout,
  title: Heading,
  label: Heading,
  description: Described,
  errorsList: Errors,
  button: Press,
}) as unknown as Theme;

/** The few words the library has of its own. */
export const translation = overrideByRecord(english, { 'remove-array-item': 'Remove', 'remove-object-property': 'Remove', 'add-object-property': 'Add' });

import type { ExtensionView } from '../../api/types';

/** What a list of extensions is narrowed to. */
export interface Filter {
  text: string;
  kind: 'all' | 'workflow' | 'application';
  maturity: 'all' | 'stable' | 'experimental';
  hardware: 'all' | 'cpu' | 'gpu';
  installed: boolean;
}

export const everything: Filter = { text: '', kind: 'all', maturity: 'all', hardware: 'all', installed: false };

/** Says whether an extension is a workflow: the platform calls it by its DAG. */
export function kindOf(extension: ExtensionView): 'workflow' | 'application' {
  return extension.kind === 'dag' || extension.kind === 'workflow' ? 'workflow' : 'application';
}

/** Returns the extensions that pass; every word of the text has to be found in each. */
export function pass(extensions: ExtensionView[], filter: Filter): ExtensionView[] {
  const words = filter.text.toLowerCase().split(/\s+/).filter((word) => word !== '');
  return extensions.filter((extension) => {
    const { name, display_name, description, keywords, experimental, gpu, installed } = extension;
    const text = [name, display_name, description, ...keywords].join(' ').toLowerCase();
    if (filter.kind !== 'all' && kindOf(extension) !== filter.kind) return false;
    if (filter.maturity !== 'all' && experimental !== (filter.maturity === 'experimental')) return false;
    if (filter.hardware !== 'all' && gpu !== (filter.hardware === 'gpu')) return false;
    if (filter.installed && !installed) return false;
    return words.every((word) => text.includes(word));
  });
}

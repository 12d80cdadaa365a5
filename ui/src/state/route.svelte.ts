export const PAGES = ['home', 'new', 'deploy', 'extensions', 'registry', 'settings'] as const;
export type Page = (typeof PAGES)[number];

export interface Place {
  page: Page;
  query: Record<string, string>;
}

/** Returns the place an address such as `#/deploy?project=/a` names; home when it names none. */
export function parse(hash: string): Place {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?');
  const page = PAGES.find((known) => known === path) ?? 'home';
  return { page, query: Object.fromEntries(new URLSearchParams(search)) };
}

/** Returns the address of a place. */
export function address(page: Page, query: Record<string, string> = {}): string {
  const search = new URLSearchParams(query).toString();
  return `#/${page}${search === '' ? '' : `?${search}`}`;
}

class Route {
  place = $state.raw<Place>({ page: 'home', query: {} });

  /** Follows the address bar; returns the end of it. */
  start(): () => void {
    const read = () => (this.place = parse(location.hash));
    read();
    window.addEventListener('hashchange', read);
    return () => window.removeEventListener('hashchange', read);
  }

  go(page: Page, query: Record<string, string> = {}): void {
    location.hash = address(page, query);
  }
}

export const route = new Route();

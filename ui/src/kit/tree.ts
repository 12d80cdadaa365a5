/** A folder or a file of a tree made of paths. */
export interface Node {
  name: string;
  path: string;
  children?: Node[];
}

/** Returns the tree of sorted `/` paths: folders first, a chain of single folders as one. */
export function tree(paths: string[]): Node[] {
  const root: Node = { name: '', path: '', children: [] };
  for (const path of paths) {
    let here = root;
    const parts = path.split('/');
    parts.forEach((name, index) => {
      const full = parts.slice(0, index + 1).join('/');
      let next = here.children?.find((child) => child.name === name);
      if (!next) {
        next = index === parts.length - 1 ? { name, path: full } : { name, path: full, children: [] };
        here.children?.push(next);
      }
      here = next;
    });
  }
  return order(root.children ?? []);
}

function order(nodes: Node[]): Node[] {
  const joined = nodes.map(join);
  return joined.sort((a, b) => Number(!a.children) - Number(!b.children) || a.name.localeCompare(b.name));
}

function join(node: Node): Node {
  const only = node.children?.[0];
  if (node.children?.length === 1 && only?.children) {
    return join({ ...only, name: `${node.name}/${only.name}` });
  }
  return node.children ? { ...node, children: order(node.children) } : node;
}

/** A line of a tree as it is shown. */
export interface Row {
  node: Node;
  depth: number;
}

/** Returns the lines of a tree from top to bottom. */
export function rows(nodes: Node[], depth = 0): Row[] {
  return nodes.flatMap((node) => [{ node, depth }, ...rows(node.children ?? [], depth + 1)]);
}

/** Cuts a text at its backticks; every second piece is code. An odd backtick is a character. */
export function pieces(text: string): string[] {
  const parts = text.split('`');
  if (parts.length % 2 === 0) {
    const last = parts.pop() ?? '';
    parts[parts.length - 1] += `\`${last}`;
  }
  return parts;
}

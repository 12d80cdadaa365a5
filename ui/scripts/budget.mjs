// Prints how much script and style the window loads at start, and fails above the budget.
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const budget = 150_000;
const folder = process.argv[2] ?? 'dist';
const html = readFileSync(`${folder}/index.html`, 'utf8');
const size = (path) => gzipSync(readFileSync(path), { level: 9 }).length;
let start = 0;
for (const name of readdirSync(`${folder}/assets`).filter((name) => /\.(js|css)$/.test(name))) {
  const bytes = size(`${folder}/assets/${name}`);
  const atStart = html.includes(name);
  if (atStart) start += bytes;
  console.log(`${String(bytes).padStart(8)} bytes gzip  ${atStart ? 'at start' : 'later   '}  ${name}`);
}
console.log(`start-up script and style: ${(start / 1000).toFixed(1)} kB gzip of ${budget / 1000} kB`);
if (start > budget) process.exit(1);

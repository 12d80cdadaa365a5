import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

// The policy which `edk serve` sends; the preview sends it too, so that a browser test without the
// engine finds what the real host would block.
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export default defineConfig(({ mode }) => ({
  base: './',
  plugins: [svelte()],
  build: {
    target: ['safari18', 'chrome123', 'firefox125'],
    outDir: mode === 'replay' ? 'dist-replay' : 'dist',
    // An inlined asset would need `data:` in the policy for scripts and styles.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  preview: { host: '127.0.0.1', headers: { 'Content-Security-Policy': policy } },
}));

import svelte from 'eslint-plugin-svelte';
import ts from 'typescript-eslint';

const door = 'Only src/host/ talks to the world: go through the Host.';

export default ts.config(
  { ignores: ['dist', 'dist-replay', 'node_modules'] },
  ...ts.configs.recommended,
  ...svelte.configs.recommended,
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser } },
  },
  {
    files: ['src/**/*.{ts,svelte}'],
    ignores: ['src/host/**'],
    rules: {
      'no-restricted-globals': ['error', { name: 'fetch', message: door }, { name: 'EventSource', message: door }, { name: 'WebSocket', message: door }],
      'no-restricted-imports': ['error', { patterns: [{ group: ['@tauri-apps/*'], message: door }] }],
      'no-restricted-properties': ['error', { object: 'window', property: 'fetch', message: door }],
    },
  },
  {
    files: ['src/**/*.{ts,svelte}'],
    rules: {
      // What is reactive here is reassigned, not changed in place.
      'svelte/prefer-svelte-reactivity': 'off',
      'svelte/no-navigation-without-resolve': 'off',
      'no-console': 'error',
    },
  },
);

import { mount } from 'svelte';
import { openHost } from './host/open';
import { look } from './state/theme.svelte';
import './theme/tokens.css';
import './theme/base.css';
import Shell from './views/Shell.svelte';

// Before anything is waited for: the first frame has the right colours.
look.start();

const target = document.getElementById('app');
if (target) mount(Shell, { target, props: { host: await openHost() } });

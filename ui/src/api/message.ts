import type { Area, Entry } from './types';

/** What can have changed behind the window's back. */
export type Topic = Area;

/** A line of the event stream; `seq` grows strictly. */
export type Message = Entry;

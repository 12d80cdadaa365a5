import type { Message } from '../api/message';
import type { Failure } from '../api/types';

/** What a command came to. */
export type Answer = { ok: true; output: unknown } | { ok: false; failure: Failure };

/** How the line to the engine is. `locked`: the engine is there and does not know this window. */
export type Connection = 'connecting' | 'online' | 'offline' | 'locked';

/** Who listens to a host. */
export interface Listener {
  message(message: Message): void;
  connection(state: Connection): void;
}

/** Something dropped on the window: paths where the host knows them, bytes where it does not. */
export interface Drop {
  paths: string[];
  files: File[];
}

/** What the place the window runs in wants of it. */
export type Wish =
  /** Take what was dropped, or named at a start. */
  | ({ wish: 'open' } & Drop)
  /** Things are held over the window, or are no longer. */
  | { wish: 'hover'; over: boolean }
  /** Do what was chosen from the menu: a page, `open` or `commands`. */
  | { wish: 'command'; name: string }
  /** The window is to be closed while jobs run: ask, then `quit` or `stay`. */
  | { wish: 'quit' }
  /** The jobs are being stopped; the window closes by itself. */
  | { wish: 'ending' };

/**
 * The only door between the window and everything outside it. There is one host per place the
 * window runs in; nothing else in `src/` may use the network or the desktop shell.
 */
export interface Host {
  /** Whether a dropped or picked folder has a path here. */
  readonly knowsPaths: boolean;
  /** Whether the login of a platform can be shown in a window of its own here. */
  readonly opensLogin: boolean;
  call(name: string, input: unknown): Promise<Answer>;
  upload(file: File, target: string): Promise<Answer>;
  /** Tells the listener the state and then every change, over lost connections; returns the end of it. */
  subscribe(listener: Listener): () => void;
  /** Tries a lost connection again at once. */
  reconnect(): void;
  /** Tells what the place wants; returns the end of it. */
  wishes(listener: (wish: Wish) => void): () => void;
  /** Lets the user choose a folder; `null` when the user chose none. Only where `knowsPaths`. */
  pickFolder(): Promise<string | null>;
  /** Lets the user choose archives to upload; none when the user chose none. Only where `knowsPaths`. */
  pickArchives(): Promise<string[]>;
  /** Shows the login of a platform, and logs in with the session it gives. Only where `opensLogin`. */
  login(name: string): Promise<Answer>;
  /** Closes the window of the login. */
  leaveLogin(): void;
  /** Stops all jobs and closes the window. Only after the wish to quit. */
  quit(): void;
  /** Goes on after the wish to quit. */
  stay(): void;
  /** Opens an address outside the window. */
  open(address: string): void;
}

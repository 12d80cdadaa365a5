// A host without an engine: it answers from recorded runs. For the tests, and to look at states that
// are hard to bring about; never part of the program.
import type { Message } from '../api/message';
import type { AppState, Failure, JobChange, PreviewFile, RegistryService, TargetView } from '../api/types';
import { fold, hasEnded, nothing } from '../state/fold';
import * as recorded from './recording';
import { listenToDrops } from './drop';
import type { Answer, Connection, Host, Listener, Wish } from './types';

/** What the engine is like: as it usually is, just installed, in the middle of something, with things
 *  that fail, gone, or slow without end. */
export type Scene = 'usual' | 'empty' | 'busy' | 'failed' | 'offline' | 'loading';

const unreachable: Failure = {
  code: 'unreachable', what: 'the target `sandbox` does not answer', why: ['connection refused'], hints: ['Start it, or choose another target in the settings.'],
};

type Input = Record<string, unknown>;
type Unnumbered = Message extends infer M ? (M extends Message ? Omit<M, 'seq'> : never) : never;

export class ReplayHost implements Host {
  readonly knowsPaths = false;
  readonly opensLogin = true;
  /** What was called, for tests. */
  readonly calls: { name: string; input: unknown }[] = [];
  #state: AppState = nothing;
  #listeners = new Set<Listener>();
  #seq = 0;
  #jobs = 0;
  #connection: Connection = 'online';
  #theme = 'system';
  #serving = true;
  #projects = recorded.projects;
  #registry = recorded.registry;
  #project = recorded.project;
  #targets = recorded.settings.targets;

  /** `pace` stretches the time between events; 0 plays a run at once. */
  constructor(
    private readonly scene: Scene = 'usual',
    private readonly pace = 1,
  ) {
    if (scene === 'empty') this.#targets = this.#targets.slice(0, 1);
    if (scene === 'busy') this.#play('demo', recorded.headerOf('demo', {}), 0.3);
    if (scene === 'busy') this.#play('deploy', recorded.headerOf('deploy', { project: recorded.FOLDER }), 0.36);
    if (scene === 'failed') this.#fail('refused');
    if (scene === 'failed') this.#fail('broken');
    if (scene === 'offline') this.#connection = 'offline';
  }

  async call(name: string, input: unknown): Promise<Answer> {
    this.calls.push({ name, input });
    if (this.scene === 'loading') return new Promise(() => undefined);
    if (this.scene === 'offline') return failed({ code: 'unreachable', what: 'the engine does not answer', hints: ['Start it again with `edk serve`; this window connects by itself.'] });
    return this.#answer(name, (input ?? {}) as Input);
  }

  async upload(file: File, target: string): Promise<Answer> {
    return this.#start('upload', { name: file.name, target });
  }

  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    listener.connection(this.scene === 'loading' ? 'connecting' : this.#connection);
    if (this.#connection === 'online' && this.scene !== 'loading') listener.message({ seq: this.#seq, kind: 'snapshot', state: this.#state });
    return () => this.#listeners.delete(listener);
  }

  reconnect(): void {
    this.connect('online');
  }

  /** Cuts or mends the line. */
  connect(state: Connection): void {
    this.#connection = state;
    for (const listener of this.#listeners) {
      listener.connection(state);
      if (state === 'online') listener.message({ seq: this.#seq, kind: 'snapshot', state: this.#state });
    }
  }

  wishes(listener: (wish: Wish) => void): () => void {
    const end = listenToDrops(listener);
    // What a desktop would want, for tests and pictures.
    const want = (event: Event) => listener((event as CustomEvent<Wish>).detail);
    window.addEventListener('wish', want);
    return () => {
      window.removeEventListener('wish', want);
      end();
    };
  }

  async login(name: string): Promise<Answer> {
    return this.call('login_window', { name });
  }

  leaveLogin(): void {
    this.calls.push({ name: 'leave_login', input: {} });
  }

  async pickFolder(): Promise<string | null> {
    return null;
  }

  async pickArchives(): Promise<string[]> {
    return [];
  }

  quit(): void {
    for (const listener of this.#listeners) listener.connection('offline');
  }

  stay(): void {}

  open(): void {}

  /** Tells every listener, as the engine does when something happens. */
  tell(message: Unnumbered): void {
    this.#seq += 1;
    const numbered = { ...message, seq: this.#seq } as Message;
    this.#state = fold(this.#state, numbered);
    if (this.#connection !== 'online') return;
    for (const listener of this.#listeners) listener.message(numbered);
  }

  #fail(run: 'refused' | 'broken'): void {
    const header = { ...recorded.headerOf('deploy', { project: recorded.FOLDER }) };
    this.#jobs += 1;
    const job = `j${this.#jobs}`;
    const { events, result } = recorded.runs[run];
    this.tell({ kind: 'job', job, change: { to: 'added', ...header } });
    for (const event of events) this.tell({ kind: 'event', job, event });
    const seconds = (events.at(-1)?.at_ms ?? 0) / 1000;
    const change: JobChange = { to: 'ended', state: 'failed', seconds };
    if (result.failure) change.failure = result.failure;
    this.tell({ kind: 'job', job, change });
  }

  /** Plays a run; stops for good after the part `until` of it. */
  #play(command: string, header: ReturnType<typeof recorded.headerOf>, until = 1): string {
    this.#jobs += 1;
    const job = `j${this.#jobs}`;
    const { events, result } = recorded.runOf(command);
    this.tell({ kind: 'job', job, change: { to: 'added', ...header } });
    const last = Math.floor(events.length * until);
    const seconds = (events.at(-1)?.at_ms ?? 0) / 1000;
    const end = () => {
      const change: JobChange = { to: 'ended', state: 'succeeded', seconds };
      if (result.result) change.response = result.result as NonNullable<typeof change.response>;
      if (command === 'deploy') this.#project = recorded.built;
      this.tell({ kind: 'job', job, change });
      this.tell({ kind: 'changed', what: 'target' });
    };
    const isGone = () => this.#state.jobs.some((known) => known.id === job && known.state !== 'running');
    if (until < 1) {
      for (const event of events.slice(0, last)) this.tell({ kind: 'event', job, event });
      return job;
    }
    const next = (index: number) => {
      if (isGone()) return;
      const event = events[index];
      if (!event) return end();
      this.tell({ kind: 'event', job, event });
      if (this.pace === 0) return next(index + 1);
      setTimeout(() => next(index + 1), 60 * this.pace);
    };
    if (this.pace === 0) next(0);
    else setTimeout(() => next(0), 20);
    return job;
  }

  #start(command: string, input: Input): Answer {
    // A login waits for its user, who is not here.
    const until = command === 'login' ? 0.75 : 1;
    return done({ job: this.#play(command, recorded.headerOf(command, input), until) });
  }

  #answer(name: string, input: Input): Answer {
    const isEmpty = this.scene === 'empty';
    const isFailed = this.scene === 'failed';
    switch (name) {
      case 'templates':
        return done(recorded.templates);
      case 'template_preview':
        return done(preview((input['answers'] ?? {}) as Record<string, string>));
      case 'create':
        return done({ template: 'radiomics', folder: input['folder'], dry_run: false, files: recorded.files });
      case 'projects':
        return done(isEmpty ? [] : this.#projects);
      case 'forget_project':
        this.#projects = this.#projects.filter(({ folder }) => folder !== input['folder']);
        this.tell({ kind: 'changed', what: 'projects' });
        return done({});
      case 'open_project':
        if (!/^\/srv\/ada/.test(String(input['folder']))) {
          return failed({ code: 'not-found', what: `there is no folder \`${String(input['folder'])}\``, hints: ['Check the path.'] });
        }
        if (isFailed) return done({ ...this.#project, images: recorded.brokenImages, findings: recorded.runs.broken.result.failure?.findings ?? [] });
        return done({ ...this.#project, folder: input['folder'] });
      case 'check':
        return done(isFailed ? { ...recorded.checked, findings: recorded.mistakes, suppressed: 1 } : recorded.checked);
      case 'deploy_plan':
        if (isFailed && recorded.runs.broken.result.failure) return failed(recorded.runs.broken.result.failure);
        return done(input['target'] === 'sandbox' ? recorded.plan : recorded.planElsewhere);
      case 'history':
        return done(isEmpty ? [] : recorded.history);
      case 'extensions':
        return isFailed ? failed(unreachable) : done(isEmpty ? [] : recorded.extensions);
      case 'registry':
        return isFailed ? failed({ code: 'io', what: 'could not read the store', why: ['permission denied'] }) : done(isEmpty ? [] : this.#registry);
      case 'registry_delete':
        this.#registry = this.#registry
          .map((it) => (it.repository === input['repository'] ? { ...it, tags: it.tags.filter(({ tag }) => tag !== input['tag']) } : it))
          .filter(({ tags }) => tags.length > 0);
        this.tell({ kind: 'changed', what: 'registry' });
        return done({});
      case 'settings':
        return done({ ...recorded.settings, theme: this.#theme, registry: this.#service(), targets: this.#targets });
      case 'target_add':
      case 'target_use':
      case 'target_remove':
      case 'target_login':
      case 'login_window':
        return this.#target(name, String(input['name']), input);
      case 'target_doctor':
        return isFailed ? failed(unreachable) : done(recorded.doctorOfTarget);
      case 'registry_serve':
        this.#serving = input['on'] === true;
        this.tell({ kind: 'changed', what: 'settings' });
        return done(this.#service());
      case 'set_theme':
        this.#theme = String(input['theme']);
        return done({});
      case 'bases':
        return done(isEmpty ? recorded.bases.map(({ name, description }) => ({ name, description, present: false })) : recorded.bases);
      case 'doctor':
        return done(isEmpty || isFailed ? recorded.doctor : recorded.doctor.filter(({ severity }) => severity === 'ok'));
      case 'command_line':
        return done(recorded.cliOf(String(input['command']), (input['input'] ?? {}) as Input));
      case 'start':
        return this.#start(String(input['command']), (input['input'] ?? {}) as Input);
      case 'install':
      case 'uninstall_release':
      case 'upload':
        return this.#start(name, input);
      case 'cancel':
        return this.#cancel(String(input['job']));
      default:
        return failed({ code: 'not-found', what: `there is no command called \`${name}\`` });
    }
  }

  #target(call: string, name: string, input: Input): Answer {
    const known = this.#targets.find((target) => target.name === name);
    if (call === 'target_add' && known && input['change'] !== true) return failed({ code: 'conflict', what: `there is a target called \`${name}\` already` });
    if (call === 'target_login' && input['password'] === 'wrong') return failed({ code: 'unauthorised', what: `the login to \`${name}\` was refused` });
    const others = this.#targets.filter((target) => target !== known);
    if (call === 'target_add' && known) this.#targets = this.#targets.map((target) => (target === known ? { ...known, ...(input as Partial<TargetView>), trust: known.trust ?? 'system' } : target));
    else if (call === 'target_add') this.#targets = [...others, { name, url: String(input['url']), kind: 'platform', current: false, trust: typeof input['trust'] === 'string' ? input['trust'] : 'system' }];
    if (call === 'target_remove') this.#targets = others;
    if (call === 'target_use') this.#targets = this.#targets.map((target) => ({ ...target, current: target === known }));
    const logsIn = call === 'target_login' || call === 'login_window';
    if (call === 'login_window' && this.scene === 'failed') return failed({ code: 'cancelled', what: 'the window was closed before anybody had logged in' });
    if (logsIn) this.#targets = this.#targets.map((target) => (target === known ? { ...target, user: String(input['user'] ?? 'ada') } : target));
    this.tell({ kind: 'changed', what: 'settings' });
    return done(logsIn ? { target: name, user: String(input['user'] ?? 'ada'), admin: false, projects: [] } : {});
  }

  #service(): RegistryService {
    const service = recorded.settings.registry;
    if (!this.#serving) return { ...service, on: false, served: 'nobody' };
    return this.scene === 'failed' ? { ...service, served: 'nobody', failure: recorded.portTaken } : service;
  }

  #cancel(job: string): Answer {
    const known = this.#state.jobs.find(({ id }) => id === job);
    if (!known) return failed({ code: 'not-found', what: `there is no job called \`${job}\`` });
    if (hasEnded(known)) return done({});
    this.tell({ kind: 'job', job, change: { to: 'cancelling' } });
    const failure: Failure = { code: 'cancelled', what: 'cancelled' };
    setTimeout(() => this.tell({ kind: 'job', job, change: { to: 'ended', state: 'cancelled', seconds: 0.4, failure } }), 120 * this.pace);
    return done({});
  }
}

const done = (output: unknown): Answer => ({ ok: true, output });
const failed = (failure: Failure): Answer => ({ ok: false, failure });

/** About what the template makes: the recorded files under the name that was answered. */
function preview(answers: Record<string, string>): { files: PreviewFile[]; refusals: { parameter: string; value: string; reason: string }[] } {
  const name = answers['name'] ?? 'my-radiomics';
  if (!/^[a-z]([a-z0-9-]*[a-z0-9])?$/.test(name)) {
    return { files: [], refusals: [{ parameter: 'name', value: name, reason: 'has other characters than lower-case letters, digits and `-`' }] };
  }
  const renamed = (text: string) => text.replaceAll('my-radiomics', name).replaceAll('my_radiomics', name.replaceAll('-', '_'));
  const files = recorded.files.map((file) => ({ ...file, executable: false, path: renamed(file.path), text: renamed(file.text ?? '') }));
  return { files: files.toSorted((a, b) => (a.path < b.path ? -1 : 1)), refusals: [] };
}

/** Returns the host which an address such as `?scene=busy&pace=0.2` asks for. */
export function replayFromAddress(search: string): ReplayHost {
  const query = new URLSearchParams(search);
  return new ReplayHost((query.get('scene') ?? 'usual') as Scene, Number(query.get('pace') ?? 1));
}

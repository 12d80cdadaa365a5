// Runs of the real engine, as its events and its results, and the answers that go with them.
import type {
  BaseView, ChartView, CheckOutcome, Dag, DeployPlan, Diagnosis, Event, ExtensionView, Failure, Finding, ImageView, Job, JobHeader, PastJob,
  PreviewFile, ProjectView, RecentProject, RepositoryView, RunOutcome, SettingsView, TemplateSummary,
} from '../api/types';
import filesJson from './recorded/files.json';
import runsJson from './recorded/runs.json';
import templatesJson from './recorded/templates.json';

export interface Run {
  events: Event[];
  result: { ok: boolean; result?: unknown; failure?: Failure };
}

/** `first` deploy, after an `edit`, with nothing changed (`same`), with a `broken` Dockerfile, with a
 *  package that is `refused`, and the `demo`. */
export const runs = runsJson as unknown as Record<'first' | 'edit' | 'same' | 'broken' | 'refused' | 'demo', Run>;
export const templates = templatesJson as unknown as TemplateSummary[];
export const files = filesJson as unknown as PreviewFile[];

export const FOLDER = '/srv/ada/my-radiomics';
const minute = 60_000;
const before = (minutes: number) => new Date(Date.now() - minutes * minute).toISOString();

export const projects: RecentProject[] = [
  { folder: FOLDER, name: 'my-radiomics-workflow', opened_at: before(4), missing: false },
  { folder: '/srv/ada/lung-nodules', name: 'lung-nodules-workflow', opened_at: before(60 * 26), missing: false },
  { folder: '/srv/stick/old-viewer', name: 'old-viewer', opened_at: before(60 * 24 * 40), missing: true },
];

const images: ImageView[] = [
  { name: 'dag-my-radiomics', role: 'dag', dockerfile: 'extension/docker/Dockerfile', stale: false, why: 'every step is found done', steps: 1, reused: 1 },
  {
    name: 'my-radiomics-features', role: 'container', dockerfile: 'processing-containers/my-radiomics-features/Dockerfile',
    stale: true, why: 'step 4 of 4, `COPY files/ /kaapana/app/`, copies other files than last time', steps: 4, reused: 3,
  },
];
const charts: ChartView[] = [
  { name: 'my-radiomics-workflow', version: '0.1.0', keywords: ['kaapanaworkflow', 'kaapanaexperimental'], folder: `${FOLDER}/extension/my-radiomics-workflow`, dag_image: 'dag-my-radiomics', params: null },
];
const dags: Dag[] = [
  {
    id: 'my-radiomics', file: 'extension/docker/files/dag_my_radiomics.py',
    forms: {
      workflow_form: {
        type: 'object',
        properties: {
          feature_classes: {
            title: 'Feature classes', description: 'Which features are computed.', type: 'array', uniqueItems: true,
            items: { type: 'string', enum: ['firstorder', 'shape', 'glcm'] }, default: ['firstorder', 'shape', 'glcm'], readOnly: false,
          },
          bin_width: { title: 'Bin width', description: 'Width of a grey-value bin, in the unit of the images.', type: 'number', default: 25, readOnly: false },
          bin_count: { title: 'Bin count', description: 'Number of grey-value bins; 0 uses the bin width.', type: 'integer', default: 0, readOnly: false },
          single_execution: { title: 'Single execution', description: 'Whether each series is processed in a run of its own.', type: 'boolean', default: false, readOnly: false },
        },
        required: ['feature_classes', 'bin_width', 'bin_count', 'single_execution'],
      },
    },
  },
];
export const project: ProjectView = {
  folder: FOLDER, name: 'my-radiomics-workflow', images, charts, dags, findings: [],
};
/** With a Dockerfile that can't be read. */
export const brokenImages = images.map((image) => (image.role === 'container' ? { ...image, why: 'its Dockerfile is wrong', steps: 0, reused: 0 } : image));
export const built: ProjectView = {
  ...project, images: images.map((image) => ({ ...image, stale: false, why: 'every step is found done', reused: image.steps })),
};

/** What a check of the extension finds. */
export const checked: CheckOutcome = { folder: FOLDER, findings: [], suppressed: 0, files: 27, fixed: [], written: false, failed: false };
/** A mistake as a check tells it. */
export const mistakes: Finding[] = [
  {
    severity: 'warning', rule: 'P05', message: 'DAG `my-radiomics` has no `schedule_interval=None`',
    file: 'extension/docker/files/dag_my_radiomics.py', span: { line: 62, column: 12 }, fix: 'set `schedule_interval=None`',
    why: 'Airflow starts it by itself once a day, with run ids that are no names in Kubernetes, so that these runs fail',
  },
];

export const plan: DeployPlan = {
  steps: [
    { stage: 'build', subject: 'dag-my-radiomics', action: 'reuse', detail: 'every step is found done' },
    { stage: 'build', subject: 'my-radiomics-features', action: 'build', detail: '1 of 4 steps, from `COPY files/ /kaapana/app/` on' },
    { stage: 'push', subject: 'my-radiomics-features:0.1.0', action: 'push', detail: 'no bytes: the registry has the same store' },
    { stage: 'package', subject: 'my-radiomics-workflow', action: 'package', detail: 'my-radiomics-workflow-0.1.0.tgz' },
    { stage: 'upload', subject: 'my-radiomics-workflow-0.1.0.tgz', action: 'upload', detail: '1.7 kB' },
    { stage: 'install', subject: 'my-radiomics-workflow', action: 'replace', detail: 'removes the release, then installs the chart anew' },
  ],
  bytes_to_send: 1701,
  replaces: 'my-radiomics-workflow 0.1.0',
};

export const planElsewhere: DeployPlan = {
  ...plan, bytes_to_send: 12_688,
  images: [
    { name: 'registry.example.org/kaapana/dag-my-radiomics:0.1.0', way: 'archive', bytes: 0, why: 'the platform has it' },
    { name: 'registry.example.org/kaapana/my-radiomics-features:0.1.0', way: 'archive', bytes: 10_987, why: 'the platform imports them from an archive' },
  ],
  warnings: [{
    severity: 'warning', rule: 'deploy/registry-out-of-reach', message: 'nothing can be pushed to registry.example.org/kaapana from here: it wants a login, and none is kept for it; images go in archives',
    fix: '`podman login` where a login is missing; `--archives` asks no registry', file: null, span: null,
  }],
};
export const doctorOfTarget: Diagnosis[] = [
  { id: 'reach', title: 'The target can be reached', detail: 'https://kaapana.example.org', severity: 'ok' },
  { id: 'clock', title: 'Clocks differ', detail: 'that of the platform is 95 s ahead', severity: 'warning', fix: { label: 'Set the clock of this machine' } },
];

const times = [8.3, 0.31, 0.29, 0.12, 6.4, 0.33, 0.3, 0.52, 0.28, 0.12, 0.31, 1.9, 0.3, 0.29, 0.31, 0.3];
export const history: PastJob[] = times.map((seconds, index) => {
  const ok = index !== 7;
  const past: PastJob = {
    at: before((times.length - index) * 23), command: 'deploy', project: FOLDER, target: 'sandbox', seconds, ok,
    reused: seconds > 6 ? 0 : seconds < 0.2 ? 5 : seconds > 1 ? 2 : 4, steps: ok ? 5 : 0, bytes: ok ? 162_463_495 : 0,
  };
  return ok ? past : { ...past, reused: 0, what: '`RUN pip install --no-cache-dir numpyy==9.9.9` ended with exit code 1' };
});

const DATA = '/srv/ada/.local/share/kaapana-edk';
export const settings: SettingsView = {
  data_folder: DATA, theme: 'system', version: '0.1.0',
  registry: { on: true, served: 'here', address: 'localhost:5577', folder: `${DATA}/store`, bytes: 412_806_117 },
  targets: [
    { name: 'sandbox', kind: 'sandbox', current: true, served: 'here', url: 'http://127.0.0.1:41873', folder: `${DATA}/sandbox` },
    { name: 'ward', kind: 'platform', current: false, url: 'https://kaapana.example.org', registry: 'registry.example.org/kaapana', project: 'study', trust: 'system', user: 'ada' },
  ],
};
export const bases: BaseView[] = [
  { name: 'base-python-cpu', description: 'Debian 12 with Python 3.11 and pip in the virtual environment /opt/venv', present: true, size: 77_412_906 },
];
export const portTaken: Failure = {
  code: 'conflict', what: 'port 5577 is taken by another program, so the registry is not served',
  hints: ['stop that program (`ss -ltnp sport = :5577` names it), then try again', 'or serve the registry at a port of its own: `edk registry serve --port 0`'],
};
export const doctor: Diagnosis[] = [
  { id: 'user-namespaces', severity: 'ok', title: 'Containers run without root', detail: 'User namespaces are allowed, and there are 65536 subordinate ids.' },
  { id: 'disk-space', severity: 'ok', title: '212 GB are free', detail: 'The data folder is on its own partition.' },
  { id: 'data-folder', severity: 'ok', title: 'The data folder can be written', detail: '/srv/ada/.local/share/kaapana-edk' },
  { id: 'containers', severity: 'ok', title: 'Containers run', detail: 'A small one was started.' },
  { id: 'sandbox', severity: 'ok', title: 'The sandbox is up', detail: '4 extensions are on it' },
  {
    id: 'base', severity: 'hint', title: 'base-python-cpu is not made yet', detail: 'The templates start from it. It is made from Debian packages in about half a minute.',
    fix: { label: 'Make base-python-cpu', command: { command: 'base', input: { name: 'base-python-cpu' } }, cli: 'edk base base-python-cpu' },
  },
  {
    id: 'mmdebstrap', severity: 'warning', title: 'mmdebstrap is missing', detail: 'Without it no base image can be made from Debian packages.',
    fix: { label: 'Install it as an administrator', cli: 'sudo apt-get install mmdebstrap' },
  },
];

export const extensions: ExtensionView[] = [
  {
    name: 'my-radiomics-workflow', display_name: 'Radiomics features', description: 'Computes radiomics features of image series.', kind: 'dag',
    versions: ['0.1.0'], keywords: ['kaapanaworkflow', 'kaapanaexperimental'], experimental: true, gpu: false, multi: false, params: null,
    installed: true, release: 'my-radiomics-workflow', installed_version: '0.1.0', helm_status: 'deployed',
    pods: [{ name: 'dag-my-radiomics-sandbox', status: 'completed' }], ready: true, links: [],
  },
  {
    name: 'segment-organs-workflow', display_name: 'Organ segmentation', description: 'Segments organs in CT images with a pretrained network.', kind: 'dag',
    versions: ['0.3.0', '0.2.1', '0.2.0'], keywords: ['kaapanaworkflow', 'gpurequired'], experimental: false, gpu: true, multi: false,
    params: {
      task_ids: { type: 'list_multi', default: ['liver', 'spleen'], value: ['liver', 'spleen', 'kidney', 'pancreas'], definition: 'Organs', help: 'Models of these organs are <b>downloaded</b> on install.' },
      precision: { type: 'list_single', default: 'fast', value: ['fast', 'exact'], definition: 'Precision' },
      cache_models: { type: 'bool', default: true, definition: 'Keep the models between runs' },
      proxy: { type: 'string', default: '-', definition: 'Proxy' },
    },
    installed: false, pods: [], ready: false, links: [],
  },
  {
    name: 'notebook-chart', display_name: 'Notebook', description: 'A notebook server beside the data of a project.', kind: 'application',
    versions: ['0.2.0'], keywords: ['kaapanaapplication', 'kaapanamultiinstallable'], experimental: false, gpu: false, multi: true, params: null,
    installed: true, release: 'notebook-chart-1763', installed_version: '0.2.0', helm_status: 'deployed',
    pods: [{ name: 'notebook-5d9c7', status: 'running' }], ready: true, links: ['http://localhost:5578/notebook-1763'],
  },
  {
    name: 'viewer-chart', display_name: 'Slide viewer', description: 'Shows whole-slide images in the browser.', kind: 'application',
    versions: ['1.0.0', '0.9.0'], keywords: ['kaapanaapplication'], experimental: true, gpu: false, multi: false, params: null,
    installed: true, release: 'viewer-chart', installed_version: '1.0.0', helm_status: 'deployed',
    pods: [{ name: 'viewer-7f6b4', status: 'imagepullbackoff', reason: 'localhost:5577/slide-viewer:1.0.0 is not in the registry' }], ready: false, links: [],
  },
];

const digest = (seed: string) => `sha256:${seed.repeat(64).slice(0, 64)}`;
const base = [{ digest: digest('a41c9e'), size: 77_412_906 }, { digest: digest('7be20d'), size: 84_361_002 }];
export const registry: RepositoryView[] = [
  { repository: 'dag-my-radiomics', tags: [{ tag: '0.1.0', digest: digest('fde18a70'), size: 686_605, created: before(23), layers: [{ digest: digest('fde1'), size: 686_605 }] }] },
  { repository: 'local-only/base-python-cpu', tags: [{ tag: 'latest', digest: digest('2d1fd50b'), size: 77_412_906, created: before(60 * 26), layers: base.slice(0, 1) }] },
  {
    repository: 'my-radiomics-features',
    tags: ['0.1.0', '0.6.0'].map((tag, index) => ({
      tag, digest: digest('bdf9247b'), size: 161_776_890, created: before(23 + index), layers: [...base, { digest: digest('3303aa'), size: 1_211 }, { digest: digest('c05d11'), size: 1_771 }],
    })),
  },
];

export function headerOf(command: string, input: Record<string, unknown>): JobHeader {
  const project = typeof input['project'] === 'string' ? input['project'] : undefined;
  const name = project?.split('/').at(-1) ?? '';
  const titles: Record<string, string> = {
    deploy: `Deploy ${name} to sandbox`, demo: 'Demo', base: `Make ${String(input['name'])}`, install: `Install ${String(input['name'])} on sandbox`,
    uninstall_release: `Uninstall ${String(input['release'])} from sandbox`,
  };
  const title = titles[command] ?? `${command.charAt(0).toUpperCase()}${command.slice(1)} ${name}`;
  const header = { command, cli: cliOf(command, input), title, started_at: new Date().toISOString() };
  return project ? { ...header, project } : header;
}

/** Returns about the line which the engine would return. */
export function cliOf(command: string, input: Record<string, unknown>): string {
  const words = [input['release'], input['project'], input['template'], input['folder'], input['name'], input['repository'], input['file'], input['input'] && `--input ${String(input['input'])}`, input['session'] && '--session-file SESSION'].filter((word) => typeof word === 'string' && word !== '');
  const name = { create: 'new', registry_delete: 'registry delete', install: input['launch'] === true ? 'ext launch' : 'ext install', uninstall_release: 'ext uninstall', upload: 'ext upload' }[command] ?? command.replace(/^target_/, 'target ');
  const sets = Object.entries((input['answers'] ?? input['form'] ?? {}) as Record<string, string>).map(([key, value]) => `--set ${key}=${/^[\w.,-]*$/.test(value) ? value : `'${value}'`}`);
  return ['edk', name, ...words.map(String), ...sets].join(' ');
}

/** How the processing container of the demo ended, with one file for each series. */
export const ran: RunOutcome = {
  container: 'my-radiomics-features', run_id: 'my-radiomics-features-001763823344501782', state: 'success', exit_code: 0, seconds: 2.114, peak_memory: 143_912_960, series: 3,
  folder: '/srv/ada/.local/share/kaapana-edk/runs/my-radiomics-features-001763823344501782',
  outputs: ['1.3.6.1.4.1.5962.1.3.1.1.20040119072730.12322', '1.3.6.1.4.1.5962.1.3.4.1.20040826185059.5457', '1.3.6.1.4.1.5962.1.3.8.1.20040826185059.5457'].map(
    (series, index) => ({ path: `batch/${series}/my-radiomics-features/${series}.json`, size: 4102 + index * 37 }),
  ),
};

/** A login on another device up to where it waits for its user. */
const login: Run = {
  events: [
    { seq: 1, at_ms: 3, event: 'stage-started', stage: 'login', subject: 'ward' },
    { seq: 2, at_ms: 41, event: 'line', stage: 'login', text: 'open https://kaapana.example.org/auth/realms/kaapana/device?user_code=WDJB-MJHT' },
    { seq: 3, at_ms: 41, event: 'line', stage: 'login', text: 'and enter WDJB-MJHT' },
    { seq: 4, at_ms: 9_210, event: 'stage-finished', stage: 'login', subject: 'ward', outcome: 'done', summary: 'logged in as ada' },
  ],
  result: { ok: true, result: undefined },
};

/** The events which a run of a command is made of. */
export function runOf(command: string): Run {
  if (command === 'demo' || command === 'base') return runs.demo;
  if (command === 'login') return login;
  if (command === 'deploy') return runs.edit;
  if (command === 'run') return { events: runs.demo.events.filter((event) => 'stage' in event && event.stage === 'run'), result: { ok: true, result: ran } };
  const of = (stage: string) => runs.edit.events.filter((event) => !('stage' in event) || event.stage === stage);
  const stage = { push: 'push', package: 'upload', install: 'install', uninstall_release: 'install', upload: 'upload' }[command] ?? 'build';
  const { response } = { response: undefined };
  return { events: of(stage), result: { ok: true, result: response } };
}

export type { Job };

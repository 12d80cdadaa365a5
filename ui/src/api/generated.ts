// The types of the door, generated from Rust. Do not edit: change the Rust, then run
// `EDK_BLESS=1 cargo test -p edk-tests --test host generated`.

/**
 * All that a window shows of the host's jobs: a fold over the entries of its log.
 */
export type AppState = {
/**
 * The jobs, oldest first.
 */
jobs: Array<Job>, };

/**
 * What can be out of date in a window.
 */
export type Area = "projects" | "files" | "settings" | "registry" | "target" | "history";

/**
 * A base that is there now.
 */
export type BaseOutcome = {
/**
 * Its name for `FROM`.
 */
reference: string,
/**
 * Digest of its manifest.
 */
digest: Digest,
/**
 * Size of its layers as stored, in bytes.
 */
size: number,
/**
 * Whether it was there before.
 */
reused: boolean, };

/**
 * Make a base image.
 */
export type BaseRequest = {
/**
 * Name of the base, as in `local-only/<name>`.
 */
name: string,
/**
 * A registry image to take as this base, instead of making it from Debian packages.
 */
from?: Reference,
/**
 * Address of a Debian mirror.
 */
mirror?: string,
/**
 * A folder with Dockerfiles of bases, such as that of a Kaapana checkout, to make it from
 * instead.
 */
checkout?: string,
/**
 * Whether to make it again from the packages of today.
 */
refresh?: boolean, };

/**
 * A base image that can be made from Debian packages.
 */
export type BaseView = {
/**
 * Its name, as in `local-only/<name>`.
 */
name: string,
/**
 * What is in it.
 */
description: string,
/**
 * Whether it is there.
 */
present: boolean,
/**
 * Size of its layers as stored, in bytes.
 */
size?: number, };

/**
 * The images that are there now.
 */
export type BuildOutcome = {
/**
 * In the order they were built.
 */
images: Array<ImageOutcome>,
/**
 * Whether nothing had to be done.
 */
unchanged: boolean,
/**
 * Wall time of all of it, in seconds.
 */
seconds: number, };

/**
 * Build the images of an extension.
 */
export type BuildRequest = {
/**
 * Folder of the extension.
 */
project: string,
/**
 * Values for `ARG`s.
 */
args?: { [key in string]: string },
/**
 * Rules of the guard (such as `G02`) whose findings may go into images and charts.
 */
allow?: Array<string>,
/**
 * Who builds; without one, as the settings of the extension or the machine say.
 */
engine?: string, };

/**
 * A chart of an extension.
 */
export type ChartView = {
/**
 * Name in `Chart.yaml`.
 */
name: string,
/**
 * Version in `Chart.yaml`.
 */
version: string,
/**
 * Keywords in `Chart.yaml`.
 */
keywords: Array<string>,
/**
 * Its folder.
 */
folder: string,
/**
 * The DAG image of a workflow.
 */
dag_image: string | null,
/**
 * `extension_params` of its values as written, `null` when there are none.
 */
params: JsonValue, };

/**
 * What a check found.
 */
export type CheckOutcome = {
/**
 * What was checked, in full.
 */
folder: string,
/**
 * What is wrong, by file and place; after mending, what is left.
 */
findings: Array<Finding>,
/**
 * How many findings are allowed in the files, with a reason.
 */
suppressed: number,
/**
 * How many files were looked at.
 */
files: number,
/**
 * Files as mending changes them.
 */
fixed: Array<Fixed>,
/**
 * Whether they were written.
 */
written: boolean,
/**
 * Whether something as bad as asked for was found.
 */
failed: boolean, };

/**
 * Check a project.
 */
export type CheckRequest = {
/**
 * Folder of an extension, folder of many, or a packaged chart.
 */
folder: string,
/**
 * Ids or families of rules; empty for all.
 */
only?: Array<string>,
/**
 * Ids or families of rules that are left out.
 */
allow?: Array<string>,
/**
 * What to do about findings that can be mended safely.
 */
mend?: Mend,
/**
 * From which severity on the check counts as failed.
 */
fail_on?: Severity,
/**
 * A target to ask for what the rules of delivery need; without one nobody is asked.
 */
target?: string, };

/**
 * What kind of failure it was: the part a program acts on (exit code, colour, retry).
 *
 * A member nobody acts on is removed.
 */
export type Code = "invalid-input" | "not-found" | "conflict" | "precondition" | "unauthorised" | "unreachable" | "timed-out" | "refused" | "command-failed" | "disk-full" | "io" | "unsupported" | "cancelled" | "bug";

/**
 * Ask how a command is typed in a terminal.
 */
export type CommandLineRequest = {
/**
 * Name of the command, of this table or of `start`.
 */
command: string,
/**
 * Its input.
 */
input: JsonValue, };

/**
 * A DAG as its file declares it.
 */
export type Dag = {
/**
 * Its `dag_id`, when it is written out.
 */
id: string | null,
/**
 * Its file, relative to the extension.
 */
file: string,
/**
 * `ui_forms` of its `default_args`: forms such as `workflow_form` by name, each a JSON Schema.
 */
forms: Record<string, unknown>, };

/**
 * What the demo did.
 */
export type DemoOutcome = {
/**
 * Where its files are.
 */
folder: string,
/**
 * What was done, in order.
 */
stages: Array<DemoStage>,
/**
 * Wall time of all of it, in seconds.
 */
seconds: number, };

/**
 * A stage of the demo.
 */
export type DemoStage = {
/**
 * The command that does the same.
 */
command: string,
/**
 * What came of it.
 */
result: string,
/**
 * Wall time, in seconds.
 */
seconds: number, };

/**
 * Go the whole way once.
 */
export type DemoStart = {
/**
 * Folder for the demo's files, new or empty; without one, a new one in the data folder.
 */
folder?: string,
/**
 * A registry image to take as base, instead of making it from Debian packages.
 */
base?: Reference,
/**
 * Address of a Debian mirror.
 */
mirror?: string, };

/**
 * A release that is ready.
 */
export type DeployOutcome = {
/**
 * Name of the release.
 */
release: string,
/**
 * Name of the chart.
 */
chart: string,
/**
 * Version of chart and images.
 */
version: string,
/**
 * Name of the target.
 */
target: string,
/**
 * Helm's status of the release.
 */
helm_status: string,
/**
 * Status of its pods by name.
 */
pods: { [key in string]: string },
/**
 * Whether a release of the same name was removed first.
 */
replaced: boolean,
/**
 * Digest of the chart's archive.
 */
chart_digest: Digest,
/**
 * How the images were built.
 */
build: BuildOutcome,
/**
 * The names they have in the registry.
 */
pushed: Array<Pushed>,
/**
 * Wall time of each stage, in seconds, in order.
 */
stages: Array<[string, number]>,
/**
 * In the sandbox: the folder in which the DAG files are now.
 */
dags: string | null,
/**
 * DAGs which the project of the target may not use yet: they have to be allowed.
 */
to_allow?: Array<string>, };

/**
 * What a deploy would do; nothing was done.
 */
export type DeployPlan = {
/**
 * The steps, in order.
 */
steps: Array<PlanStep>,
/**
 * How many bytes would be sent to the target. Images are none of them where the target takes
 * them from the store of this machine.
 */
bytes_to_send: number,
/**
 * The release that would be removed first, with its version.
 */
replaces?: string,
/**
 * How each image gets there.
 */
images?: Array<ImagePlan>,
/**
 * What to know before: a deploy that was cut off, a release that could not be put back.
 */
warnings?: Array<Finding>, };

/**
 * Tell what a deploy would do.
 */
export type DeployPlanRequest = {
/**
 * Folder of the extension.
 */
project: string,
/**
 * Name of the target.
 */
target: string,
/**
 * Version of the extension; without one, its chart's.
 */
version?: string,
/**
 * Name of the chart, when the extension has several.
 */
chart?: string,
/**
 * Ids of rules of the preflight that may be broken.
 */
force?: Array<string>,
/**
 * Who builds; without one, as the settings of the extension or the machine say.
 */
engine?: string,
/**
 * Where the platform reaches the registry of this machine, when it is to pull from here.
 */
pull_from?: string,
/**
 * Whether images go in archives, which the platform imports, and not to its registry.
 */
archives?: boolean, };

/**
 * Build, push, package, upload and install an extension, and follow it until it is ready.
 */
export type DeployRequest = {
/**
 * Folder of the extension.
 */
project: string,
/**
 * Name of the target.
 */
target: string,
/**
 * Version of the extension; without one, its chart's.
 */
version?: string,
/**
 * Values of extension parameters.
 */
params?: { [key in string]: string },
/**
 * Values for `ARG`s.
 */
args?: { [key in string]: string },
/**
 * Who builds; without one, as the settings of the extension or the machine say.
 */
engine?: string,
/**
 * Name of the chart to deploy, when the extension has several.
 */
chart?: string,
/**
 * Rules of the guard (such as `G02`) whose findings may go into images and charts.
 */
allow?: Array<string>,
/**
 * Ids of rules of the preflight that may be broken.
 */
force?: Array<string>,
/**
 * Whether to leave out the clean-up jobs of the release that is replaced, when they hang.
 */
no_hooks?: boolean,
/**
 * Where the platform reaches the registry of this machine, such as `192.168.1.5:5577`, when it
 * is to pull images from here.
 */
pull_from?: string,
/**
 * Whether images go in archives, which the platform imports, and not to its registry.
 */
archives?: boolean,
/**
 * Whether images of this machine which the chart asks for, and which were never sent to the
 * target, are sent as well.
 */
send_missing?: boolean, };

/**
 * One thing that was looked at on this machine.
 */
export type Diagnosis = {
/**
 * Stable id of the check, such as `disk-space`.
 */
id: string,
/**
 * How bad it is.
 */
severity: Health,
/**
 * What was found, a few words.
 */
title: string,
/**
 * What it means, one or two sentences.
 */
detail: string,
/**
 * What to do about it, when we know.
 */
fix?: Remedy, };

/**
 * The digest of some bytes, written `sha256:<64 lower-case hex digits>` or
 * `sha512:<128 lower-case hex digits>`.
 *
 * The form is that of the OCI image specification, "Descriptors, Digests".
 */
export type Digest = string;

/**
 * Look at this machine.
 */
export type DoctorRequest = {
/**
 * Whether to start a container even if one has started and nothing has changed since.
 */
again?: boolean, };

/**
 * A change of a file that mends a [`Finding`]: what stands from `start` up to `end` becomes `text`.
 */
export type Edit = {
/**
 * The file, as the finding names it; a file that is not there is made.
 */
file: string,
/**
 * The first character that goes.
 */
start: Span,
/**
 * The first one that stays; `start` where something is only put in.
 */
end: Span,
/**
 * What comes in its place.
 */
text: string, };

/**
 * One line of the stream of `/events`.
 */
export type Entry = {
/**
 * Number of the entry, rising by one; a snapshot has that of the last entry it contains.
 */
seq: number, } & ({ "kind": "snapshot",
/**
 * The state.
 */
state: AppState, } | { "kind": "job",
/**
 * Its id.
 */
job: string,
/**
 * How it changed.
 */
change: JobChange, } | { "kind": "event",
/**
 * Its id.
 */
job: string,
/**
 * The event, as in the page on events.
 */
event: Event, } | { "kind": "changed",
/**
 * What to ask for again.
 */
what: Area, });

/**
 * One thing that happened, numbered and timed by the engine.
 */
export type Event = {
/**
 * Number of the event in its job, from 1, without gaps.
 */
seq: number,
/**
 * Milliseconds since the job started.
 */
at_ms: number, } & ({ "event": "job-started",
/**
 * The command, such as `build`.
 */
job: string, } | { "event": "stage-started",
/**
 * Name of the stage, such as `build`.
 */
stage: string,
/**
 * What it works on, such as the name of an image.
 */
subject: string, } | { "event": "progress",
/**
 * Name of the stage.
 */
stage: string,
/**
 * What it works on.
 */
subject: string,
/**
 * How much is done, the reused part included.
 */
done: number,
/**
 * How much there is, when known.
 */
total?: number,
/**
 * What is counted.
 */
unit: Unit,
/**
 * How much of `done` was reused from earlier work.
 */
reused: number, } | { "event": "line",
/**
 * Name of the stage.
 */
stage: string,
/**
 * The text, without its line end.
 */
text: string, } | { "event": "found",
/**
 * The finding.
 */
finding: Finding, } | { "event": "stage-finished",
/**
 * Name of the stage.
 */
stage: string,
/**
 * What it worked on.
 */
subject: string,
/**
 * How it ended.
 */
outcome: Outcome,
/**
 * What came of it, one sentence.
 */
summary: string, } | { "event": "job-succeeded",
/**
 * What came of it, one sentence.
 */
summary: string, } | { "event": "job-failed",
/**
 * Why.
 */
failure: Failure, });

/**
 * A row of a target's list: a chart, or a launched instance of one.
 */
export type ExtensionView = {
/**
 * Name of the chart.
 */
name: string,
/**
 * What it is called on the platform; the name when the chart says nothing else.
 */
display_name: string,
/**
 * What it is.
 */
description: string,
/**
 * `dag` for a workflow, `application`, or what else the platform says.
 */
kind: string,
/**
 * Versions on the target, newest first.
 */
versions: Array<string>,
/**
 * Keywords of the chart.
 */
keywords: Array<string>,
/**
 * Whether it calls itself experimental.
 */
experimental: boolean,
/**
 * Whether it asks for a GPU.
 */
gpu: boolean,
/**
 * Whether each install makes a release of its own.
 */
multi: boolean,
/**
 * `extension_params` as the target gives them, `null` when there are none.
 */
params: JsonValue,
/**
 * Whether there is a release.
 */
installed: boolean,
/**
 * Name of the release.
 */
release?: string,
/**
 * Version of the release.
 */
installed_version?: string,
/**
 * Helm's status of the release, such as `deployed`.
 */
helm_status?: string,
/**
 * Its pods.
 */
pods: Array<PodView>,
/**
 * Whether all pods run or have completed.
 */
ready: boolean,
/**
 * Paths and ports at which it can be reached.
 */
links: Array<string>, };

/**
 * Why something could not be done, in the words a user sees: the only error that crosses the
 * door of the engine.
 */
export type Failure = {
/**
 * The kind.
 */
code: Code,
/**
 * What could not be done, or what is wrong: one sentence without a full stop.
 */
what: string,
/**
 * The causes, outermost first.
 */
why?: Array<string>,
/**
 * What to do next, each a sentence.
 */
hints?: Array<string>,
/**
 * The findings that stopped it, when the user's files did.
 */
findings?: Array<Finding>, };

/**
 * A file of a new extension.
 */
export type FileOutcome = {
/**
 * Path relative to the extension.
 */
path: string,
/**
 * Its size in bytes.
 */
size: number,
/**
 * `new`, `unchanged`, or `replaced` (in a dry run: `in the way`).
 */
state: string, };

/**
 * Something wrong in a user's file: a value, not an error, so that many can be shown at once.
 */
export type Finding = {
/**
 * How bad it is.
 */
severity: Severity,
/**
 * Stable id of the rule, such as `dockerfile/unknown-instruction`.
 */
rule: string,
/**
 * What is wrong, one sentence without a full stop.
 */
message: string,
/**
 * The file, as the user would name it, when there is one.
 */
file: string | null,
/**
 * The place in the file, when known.
 */
span: Span | null,
/**
 * What to do about it, when we know.
 */
fix: string | null,
/**
 * Behind the last character of the place, when it is known and more than a point.
 */
end?: Span,
/**
 * What the platform would do about it, when a rule says so.
 */
why?: string,
/**
 * The line of the place as it stands, when it is known.
 */
excerpt?: string,
/**
 * Changes that mend it and can't harm; none where a person has to decide.
 */
edits?: Array<Edit>, };

/**
 * A file as it would be.
 */
export type Fixed = {
/**
 * Its path below the project.
 */
file: string,
/**
 * The difference, in the format of `diff -u`.
 */
diff: string,
/**
 * The rules that are mended.
 */
rules: Array<string>, };

/**
 * Look at the extension in a folder.
 */
export type FolderRequest = {
/**
 * Folder of the extension.
 */
folder: string, };

/**
 * What the containers run on.
 */
export type Hardware = "cpu" | "gpu";

/**
 * How bad a [`Diagnosis`] is.
 */
export type Health = "ok" | "hint" | "warning" | "error";

/**
 * Ask for finished jobs.
 */
export type HistoryRequest = {
/**
 * Folder of an extension; without one, those of all.
 */
project?: string, };

/**
 * A built image.
 */
export type ImageOutcome = {
/**
 * `LABEL IMAGE`.
 */
name: string,
/**
 * What it is for.
 */
role: Role,
/**
 * Digest of its manifest.
 */
digest: Digest,
/**
 * How many steps make a layer.
 */
steps: number,
/**
 * How many of them were found done.
 */
reused: number,
/**
 * Whether the very image was there before.
 */
unchanged: boolean,
/**
 * Size of its layers as stored, in bytes.
 */
size: number,
/**
 * Wall time, in seconds.
 */
seconds: number,
/**
 * What became of each step, when that was asked for.
 */
explained?: Array<StepOutcome>,
/**
 * Who built it, when it was not us; of its steps nothing is known then.
 */
engine?: string, };

/**
 * How an image gets to the target.
 */
export type ImagePlan = {
/**
 * Its full name there.
 */
name: string,
/**
 * The way it goes.
 */
way: ImageWay,
/**
 * How many bytes are sent; nothing while it has to be built first.
 */
bytes?: number,
/**
 * Why so, one sentence without a full stop.
 */
why: string, };

/**
 * An image of an extension.
 */
export type ImageView = {
/**
 * `LABEL IMAGE`.
 */
name: string,
/**
 * What it is for.
 */
role: Role,
/**
 * The Dockerfile, relative to the folder.
 */
dockerfile: string,
/**
 * Whether a build would do something.
 */
stale: boolean,
/**
 * Why it is stale or not, one sentence without a full stop.
 */
why: string,
/**
 * How many steps make a layer.
 */
steps: number,
/**
 * How many of them would be found done.
 */
reused: number, };

/**
 * How images get to a target.
 */
export type ImageWay = "shared" | "push" | "archive" | "pull";

/**
 * Install a chart that is on the target.
 */
export type InstallRequest = {
/**
 * Name of the target.
 */
target: string,
/**
 * Name of the chart.
 */
name: string,
/**
 * Its version; empty for the newest.
 */
version: string,
/**
 * Values of extension parameters; lists as texts with commas or as lists.
 */
params: Record<string, unknown>,
/**
 * Whether it has to be a chart that is launched, each time as a release of its own; without a
 * word it may be either.
 */
launch?: boolean,
/**
 * Whether images of this machine which the chart asks for, and which were never sent to the
 * target, are sent as well.
 */
send_missing?: boolean, };

/**
 * A release that is ready, or was found ready.
 */
export type Installed = {
/**
 * Name of the release.
 */
release: string,
/**
 * Name of the target.
 */
target: string,
/**
 * Helm's status.
 */
helm_status: string,
/**
 * Status of its pods by name.
 */
pods: { [key in string]: string }, };

/**
 * A job as far as it is known.
 */
export type Job = {
/**
 * Its id, such as `j3`.
 */
id: string,
/**
 * How it stands.
 */
state: JobState,
/**
 * Wall time of all of it, in seconds, once it has ended.
 */
seconds?: number,
/**
 * Its stages, in the order they began.
 */
stages: Array<Stage>,
/**
 * Its last lines of output.
 */
lines: Array<OutputLine>,
/**
 * How many earlier lines were dropped.
 */
lines_dropped: number,
/**
 * What is wrong in the user's files.
 */
findings: Array<Finding>,
/**
 * Why it has no result.
 */
failure?: Failure,
/**
 * What mends it, when we can: the input of `start`.
 */
mend?: JobRequest,
/**
 * What came of it: the outcome of its command.
 */
response?: JsonValue,
/**
 * Name of the command, as given to `start`.
 */
command: string,
/**
 * The command line that does the same.
 */
cli: string,
/**
 * What is done, for a person.
 */
title: string,
/**
 * Folder of the extension it works on.
 */
project?: string,
/**
 * When it began (RFC 3339).
 */
started_at: string, };

/**
 * How a job changed as a whole.
 */
export type JobChange = { "to": "added" } & JobHeader | { "to": "cancelling" } | { "to": "ended",
/**
 * How: `succeeded`, `failed` or `cancelled`.
 */
state: JobState,
/**
 * Wall time in seconds.
 */
seconds: number,
/**
 * What came of it.
 */
response?: JsonValue,
/**
 * Why there is no result.
 */
failure?: Failure,
/**
 * What mends it, when we can: the input of `start`.
 */
mend?: JobRequest, };

/**
 * What a job was asked for as; it never changes.
 */
export type JobHeader = {
/**
 * Name of the command, as given to `start`.
 */
command: string,
/**
 * The command line that does the same.
 */
cli: string,
/**
 * What is done, for a person.
 */
title: string,
/**
 * Folder of the extension it works on.
 */
project?: string,
/**
 * When it began (RFC 3339).
 */
started_at: string, };

/**
 * Names a job.
 */
export type JobRef = {
/**
 * Its id.
 */
job: string, };

/**
 * What `start` starts.
 */
export type JobRequest = { "command": "build", "input": BuildRequest } | { "command": "push", "input": PushRequest } | { "command": "package", "input": PackageRequest } | { "command": "deploy", "input": DeployRequest } | { "command": "uninstall", "input": UninstallRequest } | { "command": "run", "input": RunRequest } | { "command": "base", "input": BaseRequest } | { "command": "demo", "input": DemoStart } | { "command": "install", "input": InstallRequest } | { "command": "uninstall_release", "input": RemoveRequest } | { "command": "upload", "input": UploadRequest } | { "command": "login", "input": LoginStart };

/**
 * How a job stands.
 */
export type JobState = "running" | "cancelling" | "succeeded" | "failed" | "cancelled";

export type JsonValue = number | string | boolean | Array<JsonValue> | { [key in string]: JsonValue } | null;

/**
 * What a template makes.
 */
export type Kind = "workflow" | "application";

/**
 * A layer of an image.
 */
export type LayerView = {
/**
 * Digest of the blob.
 */
digest: Digest,
/**
 * Its size in bytes.
 */
size: number, };

/**
 * Who has logged in where.
 */
export type LoginOutcome = {
/**
 * Name of the target.
 */
target: string,
/**
 * Name of the user.
 */
user: string,
/**
 * Whether everything is allowed to it.
 */
admin: boolean,
/**
 * The project that calls are made for, if it is settled.
 */
project?: string,
/**
 * The projects it can work in.
 */
projects: Array<string>,
/**
 * Build version of the platform, if it told.
 */
build_version?: string, };

/**
 * Log in to a platform: with a token, with user and password, or with the session of a browser.
 * None of it is kept in clear.
 */
export type LoginRequest = {
/**
 * Name of the target.
 */
name: string,
/**
 * Name of the user.
 */
user?: string,
/**
 * The password; it is not kept.
 */
password?: string,
/**
 * Secret of the client, when it has one.
 */
client_secret?: string,
/**
 * An access token that somebody else has got; it is not renewed.
 */
token?: string,
/**
 * The session of a browser that has logged in: its header `Cookie`, or the cookies of the front
 * door in it.
 */
session?: string, };

/**
 * Log in to a platform with a public client, which an administrator has made.
 */
export type LoginStart = {
/**
 * Name of the target.
 */
name: string,
/**
 * The client, when it is another than the target's.
 */
client?: string,
/**
 * Whether the browser is on another device; else it is on the machine of the host.
 */
device?: boolean, };

/**
 * What to do about findings that can be mended safely.
 */
export type Mend = "no" | "show" | "write";

/**
 * What was made, or would be.
 */
export type NewOutcome = {
/**
 * Name of the template.
 */
template: string,
/**
 * Folder of the extension.
 */
folder: string,
/**
 * Whether nothing was written on purpose.
 */
dry_run: boolean,
/**
 * The files, sorted.
 */
files: Array<FileOutcome>, };

/**
 * Make an extension from a template.
 */
export type NewRequest = {
/**
 * Name of the template.
 */
template: string,
/**
 * Folder of the new extension; without one, the answer to `name`.
 */
folder?: string,
/**
 * Answers by parameter.
 */
answers?: { [key in string]: string },
/**
 * Whether files that are there may be replaced.
 */
overwrite?: boolean,
/**
 * Whether to only tell what would be written.
 */
dry_run?: boolean, };

/**
 * The input of commands that need none.
 */
export type Nothing = Record<string, never>;

/**
 * How a stage ended well.
 */
export type Outcome = "done" | "reused";

/**
 * A file a container wrote.
 */
export type Output = {
/**
 * Its path relative to the workflow folder.
 */
path: string,
/**
 * Its size in bytes.
 */
size: number, };

/**
 * A line of a job's output.
 */
export type OutputLine = {
/**
 * When, in milliseconds since the job began.
 */
at_ms: number,
/**
 * The stage it came from.
 */
stage: string,
/**
 * The text.
 */
text: string, };

/**
 * A packaged chart.
 */
export type PackageOutcome = {
/**
 * Name of the chart.
 */
chart: string,
/**
 * Version of it and of the charts inside.
 */
version: string,
/**
 * The archive.
 */
path: string,
/**
 * Digest of the archive.
 */
digest: Digest,
/**
 * Its size in bytes.
 */
size: number,
/**
 * Names of the charts inside.
 */
dependencies: Array<string>, };

/**
 * Package the charts of an extension.
 */
export type PackageRequest = {
/**
 * Folder of the extension.
 */
project: string,
/**
 * Version of the extension; without one, its chart's.
 */
version?: string,
/**
 * Folder for the archives; without one, `dist` in the extension.
 */
output?: string,
/**
 * Rules of the guard (such as `G02`) whose findings may go into images and charts.
 */
allow?: Array<string>,
/**
 * Ids of rules of the preflight that may be broken.
 */
force?: Array<string>, };

/**
 * One question of a template.
 *
 * It serialises as it is written in `template.toml`, so that an interface can build a form of it.
 */
export type Parameter = {
/**
 * Name of the answer in the template's files.
 */
id: string,
/**
 * What kind of answer it takes.
 */
type: Type,
/**
 * What it is called in a form.
 */
label: string,
/**
 * What a user should know to answer.
 */
help: string,
/**
 * The answer if none is given; without a default an answer is required. A text may hold
 * `{{ id }}` of questions asked earlier.
 */
default?: Preset,
/**
 * What there is to choose from.
 */
choices?: Array<string>,
/**
 * What a text must look like.
 */
rule?: Rule,
/**
 * The most characters a text may have.
 */
max?: number, };

/**
 * A finished job, for the history.
 */
export type PastJob = {
/**
 * When it began (RFC 3339).
 */
at: string,
/**
 * Name of the command: `build`, `push` or `deploy`.
 */
command: string,
/**
 * Folder of the extension.
 */
project: string,
/**
 * Name of the target, for a deploy.
 */
target?: string,
/**
 * Wall time in seconds.
 */
seconds: number,
/**
 * Whether it ended with its result.
 */
ok: boolean,
/**
 * Why not, one sentence.
 */
what?: string,
/**
 * How many build steps were found done.
 */
reused: number,
/**
 * How many build steps there were.
 */
steps: number,
/**
 * Size of the images as stored, in bytes.
 */
bytes: number, };

/**
 * What a [`PlanStep`] would do.
 */
export type PlanAction = "build" | "reuse" | "push" | "package" | "upload" | "install" | "replace";

/**
 * A step of a deploy to come.
 */
export type PlanStep = {
/**
 * The stage, as in the events of the deploy.
 */
stage: string,
/**
 * What it works on.
 */
subject: string,
/**
 * What would be done.
 */
action: PlanAction,
/**
 * Why, or how much; one sentence without a full stop.
 */
detail: string, };

/**
 * A pod of a release.
 */
export type PodView = {
/**
 * Its name.
 */
name: string,
/**
 * Its status in lower case, such as `running` or `errimagepull`.
 */
status: string,
/**
 * Why, when the target tells.
 */
reason?: string, };

/**
 * The answer to a [`Parameter`] if none is given.
 */
export type Preset = boolean | string | Array<string>;

/**
 * What a template makes of some answers.
 */
export type Preview = {
/**
 * The files, sorted; empty while answers are refused.
 */
files: Array<PreviewFile>,
/**
 * The answers that were not taken.
 */
refusals: Array<PreviewRefusal>, };

/**
 * A file which a template makes.
 */
export type PreviewFile = {
/**
 * Path relative to the extension.
 */
path: string,
/**
 * What is in it, when it is text of at most 256 KiB.
 */
text?: string,
/**
 * Its size in bytes.
 */
size: number,
/**
 * How it stands to the folder.
 */
state: PreviewState,
/**
 * Whether it is executable.
 */
executable: boolean, };

/**
 * An answer that was not taken.
 */
export type PreviewRefusal = {
/**
 * The parameter, by its id.
 */
parameter: string,
/**
 * The answer, when there was one.
 */
value?: string,
/**
 * What is wrong: the end of a sentence that starts with parameter and answer.
 */
reason: string, };

/**
 * Look at what a template makes, before anything is written.
 */
export type PreviewRequest = {
/**
 * Name of the template.
 */
template: string,
/**
 * Answers by parameter.
 */
answers?: { [key in string]: string },
/**
 * Folder to compare with; without one every file counts as new.
 */
folder?: string, };

/**
 * How a file of a template stands to the folder it would be written to.
 */
export type PreviewState = "new" | "unchanged" | "in-the-way";

/**
 * What an extension is made of, and what of it has changed since it was built.
 */
export type ProjectView = {
/**
 * Its folder, in full.
 */
folder: string,
/**
 * Name of its first chart, else of its folder.
 */
name: string,
/**
 * Its images, in the order they are built.
 */
images: Array<ImageView>,
/**
 * Its charts.
 */
charts: Array<ChartView>,
/**
 * Its DAGs, with the forms that a platform shows for them.
 */
dags: Array<Dag>,
/**
 * What is wrong with it; while there is an error it can't be built.
 */
findings: Array<Finding>, };

/**
 * What was pushed.
 */
export type PushOutcome = {
/**
 * How the images were built.
 */
build: BuildOutcome,
/**
 * The names they have in the registry.
 */
pushed: Array<Pushed>, };

/**
 * Build the images of an extension and put them into the registry of this machine, or into another
 * as well.
 */
export type PushRequest = {
/**
 * Folder of the extension.
 */
project: string,
/**
 * Version of the extension; without one, its chart's.
 */
version?: string,
/**
 * Values for `ARG`s.
 */
args?: { [key in string]: string },
/**
 * Rules of the guard (such as `G02`) whose findings may go into images and charts.
 */
allow?: Array<string>,
/**
 * Who builds; without one, as the settings of the extension or the machine say.
 */
engine?: string,
/**
 * Another registry, with the beginning of its repositories, such as
 * `registry.example.org/team`.
 */
registry?: string,
/**
 * A certificate to trust there.
 */
certificate?: string,
/**
 * The platform's build version, under which its operators ask for processing containers;
 * without one, the sandbox's.
 */
build_version?: string, };

/**
 * An image under a name in the registry.
 */
export type Pushed = {
/**
 * Repository and tag.
 */
name: string,
/**
 * Digest of the manifest.
 */
digest: Digest,
/**
 * Whether the name stood for this very image before.
 */
unchanged: boolean,
/**
 * How many bytes were copied: none into the registry of this machine, because the builder
 * writes into its store.
 */
bytes: number,
/**
 * How many bytes another registry had already; none for the registry of this machine.
 */
reused?: number, };

/**
 * An extension that was opened here before.
 */
export type RecentProject = {
/**
 * Its folder.
 */
folder: string,
/**
 * Its name when it was opened last.
 */
name: string,
/**
 * When it was opened last (RFC 3339).
 */
opened_at: string,
/**
 * Whether the folder is gone.
 */
missing: boolean, };

/**
 * The name of an image: `[registry/]repository[:tag][@digest]`.
 *
 * The grammar is that of the OCI distribution specification, section "Pulling manifests"; the
 * first part is a registry when it holds a `.` or a `:` or is `localhost`.
 */
export type Reference = string;

/**
 * Take a tag out of the registry.
 */
export type RegistryDeleteRequest = {
/**
 * Path of the repository.
 */
repository: string,
/**
 * The tag.
 */
tag: string, };

/**
 * Serve the registry of this machine for as long as the host runs, or not.
 */
export type RegistryServeRequest = {
/**
 * Whether to serve it.
 */
on: boolean, };

/**
 * How the registry of this machine is served.
 */
export type RegistryService = {
/**
 * Whether this process is to serve it.
 */
on: boolean,
/**
 * Who serves it.
 */
served: ServedBy,
/**
 * Where programs of this machine reach it, such as `localhost:5577`, when it is served.
 */
address: string,
/**
 * Number of the other process that serves it.
 */
process?: number,
/**
 * Why it is not served though it is to be.
 */
failure?: Failure,
/**
 * Folder of its images.
 */
folder: string,
/**
 * What they use of the disk, layers of builds and bases included, in bytes.
 */
bytes: number, };

/**
 * What to do about a [`Diagnosis`].
 */
export type Remedy = {
/**
 * What is done, in the imperative.
 */
label: string,
/**
 * The job that does it, when we can: the input of `start`.
 */
command?: RemedyJob,
/**
 * What to type in a terminal instead.
 */
cli?: string, };

/**
 * A job that mends something.
 */
export type RemedyJob = {
/**
 * Name of the command.
 */
command: string,
/**
 * Its input.
 */
input: JsonValue, };

/**
 * Remove a release from a target.
 */
export type RemoveRequest = {
/**
 * Name of the target.
 */
target: string,
/**
 * Name of the release.
 */
release: string,
/**
 * Version of its chart; empty for the one that the target shows.
 */
version: string,
/**
 * Whether to leave the release's own clean-up jobs out, when they hang.
 */
no_hooks?: boolean, };

/**
 * A repository of the registry of this machine.
 */
export type RepositoryView = {
/**
 * Its path.
 */
repository: string,
/**
 * Its tags, sorted.
 */
tags: Array<TagView>, };

/** What a job gives as `response`, by the name of its command. */
export interface Responses {
  build: BuildOutcome;
  push: PushOutcome;
  package: Array<PackageOutcome>;
  deploy: DeployOutcome;
  uninstall: UninstallOutcome;
  run: RunOutcome;
  base: BaseOutcome;
  demo: DemoOutcome;
  install: Installed;
  uninstall_release: UninstallOutcome;
  upload: Uploaded;
}

/**
 * What an image is for.
 */
export type Role = "dag" | "base" | "container";

/**
 * What a text must look like. Rules have names, so that what is allowed is said in one place.
 */
export type Rule = "dns-label" | "image-name" | "dag-id" | "text" | "version" | "number";

/**
 * How a run went.
 */
export type RunOutcome = {
/**
 * Name of the processing container.
 */
container: string,
/**
 * Id of the run.
 */
run_id: string,
/**
 * `success`, `skipped` (exit code 126) or `failed`, as the platform would show it.
 */
state: string,
/**
 * Exit code of the container.
 */
exit_code: number,
/**
 * Wall time, in seconds.
 */
seconds: number,
/**
 * Peak resident memory in bytes of the largest process.
 */
peak_memory: number,
/**
 * How many series the batch had.
 */
series: number,
/**
 * The workflow folder with input and output.
 */
folder: string,
/**
 * Files the container wrote, sorted by path.
 */
outputs: Array<Output>, };

/**
 * Run a processing container of an extension on local data.
 */
export type RunRequest = {
/**
 * Folder of the extension.
 */
project: string,
/**
 * Name of the processing container, when the extension has several.
 */
container?: string,
/**
 * Folder with DICOM, NIfTI or NRRD files.
 */
input: string,
/**
 * Folder in which the run's folder is made; without one, `runs` in the engine's data folder.
 */
output?: string,
/**
 * Values of the workflow's form; what is not given has the form's default.
 */
form?: { [key in string]: string }, };

/**
 * Who serves something of this machine.
 */
export type ServedBy = "nobody" | "here" | "elsewhere";

/**
 * The settings and what goes with them.
 */
export type SettingsView = {
/**
 * Where images, layers and the sandbox are kept.
 */
data_folder: string,
/**
 * How the registry of this machine is served.
 */
registry: RegistryService,
/**
 * The colours.
 */
theme: Theme,
/**
 * Where extensions can go.
 */
targets: Array<TargetView>,
/**
 * Version of the program.
 */
version: string, };

/**
 * How bad a [`Finding`] is.
 */
export type Severity = "hint" | "warning" | "error";

/**
 * A place in a text file; both numbers start at 1.
 */
export type Span = {
/**
 * Line.
 */
line: number,
/**
 * Column, in characters.
 */
column: number, };

/**
 * A stage of a job: a kind of work on one thing.
 */
export type Stage = {
/**
 * The kind of work, such as `build`.
 */
stage: string,
/**
 * What it works on, such as the name of an image.
 */
subject: string,
/**
 * How it stands.
 */
state: StageState,
/**
 * When it began, in milliseconds since the job did.
 */
started_ms: number,
/**
 * How much is done.
 */
done?: number,
/**
 * How much there is, when known.
 */
total?: number,
/**
 * What is counted.
 */
unit?: Unit,
/**
 * How much of `done` was reused.
 */
reused?: number,
/**
 * What came of it, one sentence.
 */
summary?: string,
/**
 * Wall time in seconds, once it has ended.
 */
seconds?: number, };

/**
 * How a stage stands.
 */
export type StageState = "running" | "done" | "reused" | "failed";

/**
 * A step of a built image.
 */
export type StepOutcome = {
/**
 * Name or number of its stage.
 */
stage: string,
/**
 * Where it stands, as `file:line`.
 */
place: string,
/**
 * The instruction as written.
 */
text: string,
/**
 * Whether its layer was there already.
 */
reused: boolean,
/**
 * Why it was carried out, each a sentence without a full stop; nothing for one that was not.
 */
reasons: Array<string>, };

/**
 * A tag of a repository.
 */
export type TagView = {
/**
 * The tag.
 */
tag: string,
/**
 * Digest of the manifest it stands for.
 */
digest: Digest,
/**
 * Size of the layers as stored, in bytes.
 */
size: number,
/**
 * When the tag was last written (RFC 3339). The image's own date is always the same.
 */
created?: string,
/**
 * The layers, lowest first.
 */
layers: Array<LayerView>, };

/**
 * Make a target known, or change one.
 */
export type TargetAddRequest = {
/**
 * What to call it: small letters, digits and hyphens.
 */
name: string,
/**
 * Address of its start page.
 */
url: string,
/**
 * Registry and path from which the platform pulls images, when it is known.
 */
registry?: string,
/**
 * When the platform pulls images, when it is known.
 */
pull_policy?: 'Always' | 'IfNotPresent',
/**
 * Build version of the platform, when the platform can't be asked.
 */
build_version?: string,
/**
 * Name or id of the project that calls are made for.
 */
project?: string,
/**
 * Which certificates are believed; without it, those the machine believes.
 */
trust?: TrustChoice,
/**
 * The client of the login, when it is not `kaapana`.
 */
client?: string,
/**
 * Whether a target of that name is changed: what is not named here stays as it is.
 */
change?: boolean, };

/**
 * What a target is.
 */
export type TargetKind = "sandbox" | "platform";

/**
 * A target by its name.
 */
export type TargetRef = {
/**
 * Its name.
 */
name: string, };

/**
 * Name a target.
 */
export type TargetRequest = {
/**
 * Name of the target.
 */
target: string, };

/**
 * Where extensions can go.
 */
export type TargetView = {
/**
 * Its name.
 */
name: string,
/**
 * Its address; of the sandbox, while it is served.
 */
url?: string,
/**
 * What it is.
 */
kind: TargetKind,
/**
 * Whether work begins with it.
 */
current: boolean,
/**
 * Who serves the sandbox.
 */
served?: ServedBy,
/**
 * Where the sandbox keeps what was sent to it.
 */
folder?: string,
/**
 * Registry and path from which a platform pulls images, when it is known.
 */
registry?: string,
/**
 * When a platform pulls images, when it is known.
 */
pull_policy?: 'Always' | 'IfNotPresent',
/**
 * Build version of a platform, when it is known.
 */
build_version?: string,
/**
 * The project of a platform that calls are made for.
 */
project?: string,
/**
 * Which certificates of a platform are believed: `system`, `authority`, `pinned` or `anything`.
 */
trust?: string,
/**
 * Who has logged in to a platform.
 */
user?: string, };

/**
 * A template, for a list.
 */
export type TemplateSummary = {
/**
 * Name.
 */
name: string,
/**
 * Title.
 */
title: string,
/**
 * What it is for.
 */
description: string,
/**
 * What kind of extension it makes.
 */
kind: Kind,
/**
 * What its containers run on.
 */
hardware: Hardware,
/**
 * What it makes.
 */
makes: Array<string>,
/**
 * What it asks.
 */
parameters: Array<Parameter>, };

/**
 * The colours of a window.
 */
export type Theme = "system" | "light" | "dark" | "contrast";

/**
 * Choose the colours.
 */
export type ThemeRequest = {
/**
 * The colours.
 */
theme: Theme, };

/**
 * Which certificates of a target are believed, as the user says it.
 */
export type TrustChoice = "system" | { "authority": string } | { "pinned": string } | "anything";

/**
 * What kind of answer a [`Parameter`] takes.
 */
export type Type = "string" | "bool" | "choice" | "multi-choice";

/**
 * What is gone.
 */
export type UninstallOutcome = {
/**
 * Name of the release.
 */
release: string,
/**
 * Name of the target.
 */
target: string,
/**
 * Whether it was installed at all.
 */
was_installed: boolean, };

/**
 * Remove an extension from a target.
 */
export type UninstallRequest = {
/**
 * Folder of the extension.
 */
project: string,
/**
 * Name of the target.
 */
target: string,
/**
 * Name of the chart, when the extension has several.
 */
chart?: string,
/**
 * Whether to leave the release's own clean-up jobs out, when they hang.
 */
no_hooks?: boolean, };

/**
 * What a [`EventKind::Progress`] counts.
 */
export type Unit = "bytes" | "files" | "layers" | "steps";

/**
 * Send a packaged chart, or an archive of images, to a target.
 */
export type UploadRequest = {
/**
 * Name of the target.
 */
target: string,
/**
 * The file: a chart as `<name>-<version>.tgz`, or images as `.tar`.
 */
file: string,
/**
 * Ids of rules of the preflight that may be broken.
 */
force?: Array<string>, };

/**
 * What was sent.
 */
export type Uploaded = { "kind": "chart",
/**
 * Name of the chart.
 */
name: string,
/**
 * Its version.
 */
version: string,
/**
 * Name of the target.
 */
target: string, } | { "kind": "images",
/**
 * Names of the images, as charts ask for them.
 */
images: Array<string>,
/**
 * Name of the target.
 */
target: string,
/**
 * Whether the target said that it has them now. If not, it goes on with them, and no call
 * tells how that ends.
 */
confirmed: boolean, };

/** The table of commands: what each takes and gives. */
export interface Commands {
  templates: { input: Nothing; output: Array<TemplateSummary> };
  template_preview: { input: PreviewRequest; output: Preview };
  create: { input: NewRequest; output: NewOutcome };
  projects: { input: Nothing; output: Array<RecentProject> };
  open_project: { input: FolderRequest; output: ProjectView };
  forget_project: { input: FolderRequest; output: Nothing };
  check: { input: CheckRequest; output: CheckOutcome };
  deploy_plan: { input: DeployPlanRequest; output: DeployPlan };
  start: { input: JobRequest; output: JobRef };
  cancel: { input: JobRef; output: Nothing };
  history: { input: HistoryRequest; output: Array<PastJob> };
  extensions: { input: TargetRequest; output: Array<ExtensionView> };
  install: { input: InstallRequest; output: JobRef };
  uninstall_release: { input: RemoveRequest; output: JobRef };
  upload: { input: UploadRequest; output: JobRef };
  registry: { input: Nothing; output: Array<RepositoryView> };
  registry_delete: { input: RegistryDeleteRequest; output: Nothing };
  registry_serve: { input: RegistryServeRequest; output: RegistryService };
  settings: { input: Nothing; output: SettingsView };
  target_add: { input: TargetAddRequest; output: Nothing };
  target_use: { input: TargetRef; output: Nothing };
  target_remove: { input: TargetRef; output: Nothing };
  target_login: { input: LoginRequest; output: LoginOutcome };
  target_logout: { input: TargetRef; output: Nothing };
  target_doctor: { input: TargetRef; output: Array<Diagnosis> };
  set_theme: { input: ThemeRequest; output: Nothing };
  bases: { input: Nothing; output: Array<BaseView> };
  doctor: { input: DoctorRequest; output: Array<Diagnosis> };
  command_line: { input: CommandLineRequest; output: string };
}

/** How many jobs the state keeps. */
export const JOBS_KEPT = 50;
/** How many lines of output a job keeps. */
export const LINES_KEPT = 500;

export type Reply<T> = { ok: true; output: T } | { ok: false; failure: Failure };

import type { Job, Responses } from '../../api/types';

type Said = { [N in keyof Responses]: (response: Responses[N]) => string };

const succeeded: Partial<Said> = {
  build: ({ unchanged }) => (unchanged ? 'Nothing had changed. Deploy it, or push it to the registry.' : 'Deploy it to see it on a target.'),
  push: () => 'The images can be pulled from the registry of this machine.',
  deploy: ({ release, helm_status, target, dags }) =>
    `Release ${release} is ${helm_status} on ${target}.${dags ? ` Its DAGs are in ${dags}.` : ''} Change a file and deploy again: only what depends on it is built.`,
  run: ({ folder, outputs }) => (outputs.length > 0 ? `Its files are in ${folder}.` : 'It ended well and wrote nothing: look whether it found its input.'),
  base: ({ reference }) => `Dockerfiles can start FROM ${reference}.`,
  demo: ({ folder }) => `Its files are in ${folder}. Make an extension of your own from the same template.`,
  install: ({ release, helm_status, target }) => `Release ${release} is ${helm_status} on ${target}.`,
  upload: (sent) => {
    if (sent.kind === 'chart') return `${sent.name} ${sent.version} is listed on ${sent.target}; install it there.`;
    const images = sent.images.join(', ');
    return sent.confirmed ? `Charts on ${sent.target} can use ${images} now.` : `${sent.target} goes on with ${images}, and does not tell how that ends.`;
  },
};

/** Returns what the user can do after a job, or what came of it; empty when there is nothing to say. */
export function nextStep(job: Job): string {
  if (job.state === 'cancelled') return 'What was finished before is kept and will be reused.';
  if (job.state === 'failed' && job.command === 'run') return 'What it said last says why. Correct it and run it again: only what changed is built.';
  if (job.state !== 'succeeded' || job.response === undefined || job.response === null) return '';
  const say = succeeded[job.command as keyof Responses] as ((response: unknown) => string) | undefined;
  return say?.(job.response) ?? '';
}

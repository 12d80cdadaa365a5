// What can be asked of the engine: the input and the output of each command, by its name.
import type { Commands, JobRequest } from './generated';

export type CommandName = keyof Commands;
export type Input<N extends CommandName> = Commands[N]['input'];
export type Output<N extends CommandName> = Commands[N]['output'];
/** The names of the commands that run as a job. */
export type JobName = JobRequest['command'];
/** Answers as the wire has them: `true` or `false`, several choices with commas between them. */
export type Answers = Record<string, string>;

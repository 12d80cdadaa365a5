import type { Answer, Host } from '../host/types';
import type { CommandName, Input, Output } from './commands';
import type { Failure, LoginOutcome } from './types';

/** A command that was refused, with the reason for the user. */
export class Refused extends Error {
  constructor(readonly failure: Failure) {
    super(failure.what);
    this.name = 'Refused';
  }
}

/** Returns why something failed, whatever was thrown. */
export function reason(error: unknown): Failure {
  if (error instanceof Refused) return error.failure;
  return { code: 'bug', what: 'the window made a mistake of its own', why: [String(error)] };
}

/** Returns what an answer brings, or throws {@link Refused}. */
function output<T>(answer: Answer): T {
  if (!answer.ok) throw new Refused(answer.failure);
  return answer.output as T;
}

/** The typed face of a host: a wrong input is a compile error. */
export class Client {
  constructor(readonly host: Host) {}

  /** Returns the output of the command, or throws {@link Refused}. */
  async call<N extends CommandName>(name: N, input: Input<N>): Promise<Output<N>> {
    return output(await this.host.call(name, input));
  }

  /** Shows the login of a platform, and logs in with the session it gives. Only where the host `opensLogin`. */
  async login(name: string): Promise<LoginOutcome> {
    return output(await this.host.login(name));
  }

  /** Sends the bytes of a chart or an image archive and returns the job that delivers them. */
  async upload(file: File, target: string): Promise<{ job: string }> {
    return output(await this.host.upload(file, target));
  }
}

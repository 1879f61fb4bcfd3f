import type { StreamDescriptor } from './stream-descriptor.ts';

export type FailureType = 'config_error' | 'transient_error' | 'system_error';

/**
 * A failure that the user sees. `message` says what happened and what to do, without keys or document
 * content.
 *
 * `config_error`: the user has to change something; Airbyte does not retry. `transient_error`: a later try
 * may succeed. `system_error`: anything else, including defects.
 */
export class ConnectorFailure extends Error {
  override readonly name = 'ConnectorFailure';
  readonly failureType: FailureType;
  readonly stream: StreamDescriptor | undefined;

  constructor(
    failureType: FailureType,
    message: string,
    options: { stream?: StreamDescriptor | undefined; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.failureType = failureType;
    this.stream = options.stream;
  }

  /** The same failure, assigned to a stream. */
  of(stream: StreamDescriptor): ConnectorFailure {
    return new ConnectorFailure(this.failureType, this.message, { stream, cause: this.cause });
  }
}

export function configError(message: string, stream?: StreamDescriptor): ConnectorFailure {
  return new ConnectorFailure('config_error', message, { stream });
}

export function systemError(message: string, stream?: StreamDescriptor): ConnectorFailure {
  return new ConnectorFailure('system_error', message, { stream });
}

/** TRACE messages: stream statuses and failures. */
import { ConnectorFailure } from '../core/failure.ts';
import type { StreamStatus, TraceMessage } from './protocol.generated.ts';
import type { StreamDescriptor } from '../core/stream-descriptor.ts';
import type { Secrets } from '../core/secrets.ts';

export function statusTrace(stream: StreamDescriptor, status: StreamStatus, now = Date.now()): TraceMessage {
  return {
    type: 'TRACE',
    trace: { type: 'STREAM_STATUS', emitted_at: now, stream_status: { stream_descriptor: stream, status } },
  };
}

/**
 * The TRACE of a failure, with secrets masked. An error that is not a `ConnectorFailure` is a defect. Its
 * message may contain anything, so it is only in the internal message and the stack trace.
 */
export function errorTrace(error: unknown, secrets: Secrets, now = Date.now()): TraceMessage {
  const failure = error instanceof ConnectorFailure ? error : undefined;
  const thrown = failure?.cause ?? error;
  const internal = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : typeof thrown;
  const stack = thrown instanceof Error ? thrown.stack : undefined;
  return {
    type: 'TRACE',
    trace: {
      type: 'ERROR',
      emitted_at: now,
      error: {
        message: secrets.mask(
          failure?.message ??
            'Something went wrong in the connector. This is a defect: please report it with the log of this run.',
        ),
        ...(failure !== undefined && failure.cause === undefined ? {} : { internal_message: secrets.mask(internal) }),
        ...(stack === undefined || failure?.failureType === 'config_error' ? {} : { stack_trace: secrets.mask(stack) }),
        failure_type: failure?.failureType ?? 'system_error',
        ...(failure?.stream === undefined ? {} : { stream_descriptor: failure.stream }),
      },
    },
  };
}

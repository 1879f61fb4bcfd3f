/** What a user is told of input that cannot be read. What came before it is sound: that is written and checkpointed first. */
import { descriptorText } from '../shared/core/stream-descriptor.ts';
import { systemError, type ConnectorFailure } from '../shared/core/failure.ts';
import { BrokenMessage, UnknownStream } from '../shared/airbyte/inbound.ts';
import { LineTooLong, MAX_LINE_BYTES } from '../shared/airbyte/lines.ts';

/** Undefined for an error that is not about the input. */
export function inputFailure(error: unknown): ConnectorFailure | undefined {
  if (error instanceof UnknownStream) {
    const stream = descriptorText({ name: error.stream, namespace: error.namespace });
    return systemError(`The source sent a record for the stream "${stream}", which is not in the catalog.`);
  }
  if (error instanceof BrokenMessage)
    return systemError(`The source sent ${error.message}. Skipping it would lose data.`);
  if (error instanceof LineTooLong) {
    return systemError(
      `The source sent a line of more than ${MAX_LINE_BYTES} bytes. Airbyte's messages have up to 20 MB; Convex stores documents of up to 1 MiB.`,
    );
  }
  return undefined;
}

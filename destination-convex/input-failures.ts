/** Messages about input that cannot be read or not be written as the source meant it. Pure. */
import { descriptorText, type StreamDescriptor } from '../shared/core/stream-descriptor.ts';
import { systemError, type ConnectorFailure } from '../shared/core/failure.ts';
import { BrokenMessage, UnknownStream } from '../shared/airbyte/inbound.ts';
import { LineTooLong, MAX_LINE_BYTES } from '../shared/airbyte/lines.ts';
import type { StreamPlan } from './streams.ts';

/** The system_error for an error of reading the input. Undefined for any other error. */
export function inputFailure(error: unknown, streams: readonly StreamPlan[]): ConnectorFailure | undefined {
  if (error instanceof UnknownStream) {
    const { stream: name, namespace } = error;
    const others = namesakes(streams, name).join(', ');
    if (others !== '' && namespace === undefined) {
      return systemError(
        `The source sent a record for the stream "${name}" without a namespace. Streams of this name in the catalog: ${others}. It cannot be told to which of them the record belongs. Deselect all but one, or have the source send namespaces.`,
      );
    }
    return systemError(
      `The source sent a record for the stream "${descriptorText({ name, namespace })}", which is not in the catalog.${others === '' ? '' : ` Streams of this name there: ${others}.`}`,
    );
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

/** For a STATE whose stream cannot be determined. */
export function unknownStateWarning({ name, namespace }: StreamDescriptor, streams: readonly StreamPlan[]): string {
  const others = namespace === undefined ? namesakes(streams, name).join(', ') : '';
  const which =
    others === ''
      ? 'which is not in the catalog'
      : `and which stream of the catalog it means cannot be told: ${others}`;
  return `The source sent a state for "${descriptorText({ name, namespace })}", ${which}. It is given back as if it were of all streams.`;
}

/** For a stream whose catalog entry or records refer to files. `stream`: its name in messages. */
export function filesWarning(stream: string): string {
  return `Stream "${stream}" comes with files. They are not transferred to Convex, only its records are. Turn the transfer of files off in the settings of the source or the connection.`;
}

/** The streams of this name, as messages call them. */
function namesakes(streams: readonly StreamPlan[], name: string): string[] {
  return streams.filter(({ descriptor }) => descriptor.name === name).map(({ text }) => text);
}

import type { AirbyteTrace, FailureType, OutboundMessage } from '../shared/airbyte/protocol.generated.ts';

export type StreamStatus = Extract<AirbyteTrace, { type: 'STREAM_STATUS' }>['stream_status'];

/** A line of a connector's stdout: what is passed on unread, what was read, or what is no message at all. */
export type Line =
  | { kind: 'RECORD' | 'STATE' }
  | { kind: 'MESSAGE'; message: OutboundMessage }
  /** Begins like a message but is none: something was lost. */
  | { kind: 'BROKEN' }
  | { kind: 'TEXT' };

const OPEN_BRACE = 0x7b;

/**
 * Says what a line is. Records and states are told by their first bytes, in the two spellings that connectors print; only other
 * lines, which are few, are parsed. A record in a third spelling is parsed too: slower, but right.
 */
export function classify(line: Buffer): Line {
  if (line[0] !== OPEN_BRACE) return { kind: 'TEXT' };
  const type = /^\{"type": ?"(RECORD|STATE)"/.exec(line.toString('latin1', 0, 20))?.[1];
  if (type !== undefined) return { kind: type as 'RECORD' | 'STATE' };
  const message = parse(line);
  if (message === undefined) return { kind: 'BROKEN' };
  if (message.type === 'RECORD' || message.type === 'STATE') return { kind: message.type };
  return { kind: 'MESSAGE', message };
}

/** The line's message, or undefined where the line is not one. */
export function parse(line: Buffer): OutboundMessage | undefined {
  try {
    const message = JSON.parse(line.toString()) as { type?: unknown };
    return typeof message.type === 'string' ? (message as OutboundMessage) : undefined;
  } catch {
    return undefined;
  }
}

/** What a message says of the status of a stream, or undefined for any other message. */
export function streamStatusOf(message: OutboundMessage): StreamStatus | undefined {
  return message.type === 'TRACE' && message.trace.type === 'STREAM_STATUS' ? message.trace.stream_status : undefined;
}

/** Something that went wrong, in the words of the connector where it has said so itself. */
export interface Failure {
  /** Who failed. */
  who: 'source' | 'destination' | 'sync';
  message: string;
  type?: FailureType;
  /** What the connector says of a defect: for whoever mends it, not for the user. */
  internal?: string;
}

/** The failure that a message reports, if it reports one. */
export function failureOf(who: 'source' | 'destination', message: OutboundMessage): Failure | undefined {
  if (message.type !== 'TRACE' || message.trace.type !== 'ERROR') return undefined;
  const { error } = message.trace;
  return {
    who,
    message: error.message,
    ...(error.failure_type ? { type: error.failure_type } : {}),
    ...(error.internal_message ? { internal: error.internal_message } : {}),
  };
}

/** A message for people, or undefined for one that has nothing to tell them. */
export function describe(message: OutboundMessage): string | undefined {
  if (message.type === 'LOG') return `${message.log.level.padEnd(5)} ${message.log.message}`;
  if (message.type === 'TRACE') return describeTrace(message.trace);
  return undefined;
}

function describeTrace(trace: AirbyteTrace): string | undefined {
  switch (trace.type) {
    case 'ERROR': {
      const { message, failure_type, stream_descriptor } = trace.error;
      const stream = stream_descriptor ? `stream ${streamLabel(stream_descriptor)}: ` : '';
      return `ERROR ${stream}${message}${failure_type ? ` (${failure_type})` : ''}`;
    }
    case 'STREAM_STATUS': {
      const { stream_descriptor, status, reasons } = trace.stream_status;
      // Beginnings and good ends of hundreds of streams, in every run of a cron job, would hide what matters.
      if (status !== 'INCOMPLETE' && !reasons?.length) return undefined;
      const why = reasons?.length ? ` (${reasons.map((reason) => reason.type).join(', ')})` : '';
      const level = status === 'INCOMPLETE' ? 'WARN' : 'INFO';
      return `${level.padEnd(5)} stream ${streamLabel(stream_descriptor)}: ${status}${why}`;
    }
    case 'ESTIMATE':
    case 'ANALYTICS':
      return undefined;
  }
}

/** How a stream is called on the command line and in messages: `name`, or `namespace.name`. */
export function streamLabel(stream: { name: string; namespace?: string | null }): string {
  return stream.namespace ? `${stream.namespace}.${stream.name}` : stream.name;
}

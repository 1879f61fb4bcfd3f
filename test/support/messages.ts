/** What a connector has said, sorted by kind. */
import type { OutboundMessage, TraceError } from '../../shared/airbyte/protocol.generated.ts';

type MessageOf<T extends OutboundMessage['type']> = Extract<OutboundMessage, { type: T }>;

/** Parses JSON without rounding: integers that a double cannot hold come out as bigint. */
export function parseExactly(text: string): unknown {
  const revive = (_key: string, value: unknown, context?: { source?: string }): unknown =>
    typeof value === 'number' &&
    Number.isInteger(value) &&
    !Number.isSafeInteger(value) &&
    context?.source !== undefined
      ? exact(context.source, value)
      : value;
  return JSON.parse(text, revive);
}

function exact(source: string, value: number): bigint | number {
  return /^-?\d+$/.test(source) ? BigInt(source) : value;
}

/** Every line as a message. Throws where a line is none: stdout carries nothing else. */
export function messagesOf(lines: readonly string[]): OutboundMessage[] {
  return lines.map((line) => {
    const message = parseExactly(line) as OutboundMessage | null;
    if (typeof message?.type !== 'string') throw new Error(`a line of the output is no message: ${line.slice(0, 200)}`);
    return message;
  });
}

export function messagesOfType<T extends OutboundMessage['type']>(lines: readonly string[], type: T): MessageOf<T>[] {
  return messagesOf(lines).filter((message): message is MessageOf<T> => message.type === type);
}

/** `LEVEL message` of every LOG line. */
export function logsOf(lines: readonly string[]): string[] {
  return messagesOfType(lines, 'LOG').map(({ log }) => `${log.level} ${log.message}`);
}

/** The errors of the TRACE lines. */
export function errorsOf(lines: readonly string[]): TraceError[] {
  return messagesOfType(lines, 'TRACE').flatMap(({ trace }) => (trace.type === 'ERROR' ? [trace.error] : []));
}

/** `namespace.stream STATUS` of every STREAM_STATUS, in order. */
export function statusesOf(lines: readonly string[]): string[] {
  return messagesOfType(lines, 'TRACE').flatMap(({ trace }) => {
    if (trace.type !== 'STREAM_STATUS') return [];
    const { stream_descriptor, status } = trace.stream_status;
    return [`${streamName(stream_descriptor)} ${status}`];
  });
}

export function streamName({ name, namespace }: { name: string; namespace?: string | null | undefined }): string {
  return namespace ? `${namespace}.${name}` : name;
}

/** The STATE messages, in order. */
export function statesOf(lines: readonly string[]): MessageOf<'STATE'>['state'][] {
  return messagesOfType(lines, 'STATE').map(({ state }) => state);
}

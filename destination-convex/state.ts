/**
 * A STATE in the destination: which streams it covers, and the line that is echoed. That line is the received
 * bytes with `destinationStats` inserted. Nothing is decoded, so unknown keys, their order and integers of
 * any size stay as they are.
 */
import { BrokenMessage } from '../shared/airbyte/inbound.ts';
import { JsonError, Members, OPEN_BRACE, OPEN_BRACKET, skipSpace, skipValue, stringAt } from '../shared/json/raw.ts';

interface StreamStateFacts {
  name: string;
  namespace: string | undefined;
  /** Whether the state is null, as a clear job sends it. */
  empty: boolean;
}

interface StateFacts {
  type: 'stream' | 'global' | 'legacy';
  /** The streams that it names. LEGACY names none. */
  streams: StreamStateFacts[];
}

/** Reads the state object `buffer[start, end)`. Throws `BrokenMessage` if its streams cannot be told. */
export function readState(buffer: Buffer, start: number, end: number): StateFacts {
  try {
    return factsOf(buffer, start, end);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw new BrokenMessage('a STATE message whose state is not valid');
  }
}

function factsOf(buffer: Buffer, start: number, end: number): StateFacts {
  const members = new Members().open(buffer, start, end);
  const streams: StreamStateFacts[] = [];
  let type: StateFacts['type'] = 'legacy';
  while (members.next()) {
    if (buffer[members.valueStart] !== OPEN_BRACE) continue;
    // PyAirbyte writes `global_`, and absent keys as null.
    switch (members.key()) {
      case 'stream':
        type = 'stream';
        streams.push(readStream(buffer, members.valueStart, members.valueEnd));
        break;
      case 'global':
      case 'global_':
        type = 'global';
        streams.push(...readGlobal(buffer, members.valueStart, members.valueEnd));
        break;
    }
  }
  return { type, streams };
}

/**
 * `line`, whose state object is `line[stateStart, stateEnd)`, with these counts as `destinationStats`. They
 * are written with a decimal point, because the protocol defines them as doubles.
 */
export function withStats(
  line: Buffer,
  stateStart: number,
  stateEnd: number,
  { records, rejected }: { records: number; rejected: number },
): Buffer {
  const stats = `{"recordCount":${records}.0${rejected === 0 ? '' : `,"rejectedRecordCount":${rejected}.0`}}`;
  const members = new Members().open(line, stateStart, stateEnd);
  let empty = true;
  let found: [start: number, end: number] | undefined;
  while (members.next()) {
    empty = false;
    if (members.key() === 'destinationStats') found = [members.valueStart, members.valueEnd];
  }
  if (found !== undefined)
    return Buffer.concat([line.subarray(0, found[0]), Buffer.from(stats), line.subarray(found[1])]);
  const brace = members.end - 1;
  const member = `${empty ? '' : ','}"destinationStats":${stats}`;
  return Buffer.concat([line.subarray(0, brace), Buffer.from(member), line.subarray(brace)]);
}

function readStream(buffer: Buffer, start: number, end: number): StreamStateFacts {
  const members = new Members().open(buffer, start, end);
  const facts: StreamStateFacts = { name: '', namespace: undefined, empty: true };
  while (members.next()) {
    const { valueStart, valueEnd } = members;
    switch (members.key()) {
      case 'stream_descriptor': {
        const descriptor = new Members().open(buffer, valueStart, valueEnd);
        while (descriptor.next()) {
          if (buffer[descriptor.valueStart] !== 0x22) continue;
          const text = stringAt(buffer, descriptor.valueStart, descriptor.valueEnd);
          if (descriptor.key() === 'name') facts.name = text;
          else if (descriptor.key() === 'namespace') facts.namespace = text || undefined;
        }
        break;
      }
      case 'stream_state':
        facts.empty = buffer.toString('utf8', valueStart, Math.min(valueEnd, valueStart + 5)) === 'null';
        break;
    }
  }
  return facts;
}

function readGlobal(buffer: Buffer, start: number, end: number): StreamStateFacts[] {
  const streams: StreamStateFacts[] = [];
  const members = new Members().open(buffer, start, end);
  while (members.next()) {
    if (members.key() !== 'stream_states' || buffer[members.valueStart] !== OPEN_BRACKET) continue;
    const close = members.valueEnd - 1;
    let at = skipSpace(buffer, members.valueStart + 1, close);
    while (at < close) {
      const after = skipValue(buffer, at, close);
      streams.push(readStream(buffer, at, after));
      at = skipSpace(buffer, after, close);
      if (at < close && buffer[at] !== 0x2c) throw new JsonError(`byte ${at} should be a comma`);
      at = skipSpace(buffer, at + 1, close);
    }
  }
  return streams;
}

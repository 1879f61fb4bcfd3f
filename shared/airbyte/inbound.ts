/**
 * Reads the messages of a destination, one line at a time, as positions in the bytes of the line. Only names
 * are decoded. A RECORD line that begins with the same bytes as an earlier one, up to its data, is not
 * parsed, and allocates nothing.
 */
import { parsedJson } from '../core/json.ts';
import { isDigit } from '../json/integers.ts';
import { JsonError, Members, OPEN_BRACE, bytesAre, skipNested, skipSpace, stringAt } from '../json/raw.ts';
import type { Line } from './lines.ts';
import type { StreamStatus } from './protocol.generated.ts';
import { RecordPrefixes } from './record-prefixes.ts';

export const Kind = {
  /** `stream` and the position of its record's data; `hasFile`: whether the record refers to a file. */
  Record: 0,
  /** `stateStart` and `stateEnd` say where the state object stands. */
  State: 1,
  /** `stream` and `status` say what a TRACE told of a stream. */
  Status: 2,
  /** A message that is of no concern here, or a blank line. */
  Other: 3,
  /** No message at all. */
  Noise: 4,
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

/** Finds a stream by its descriptor; -1 for one that is not configured. */
export type Resolve = (name: string, namespace: string | undefined) => number;

/**
 * Passes over the data of a stream's record, which begin at `at`. Returns the position after them; -1 if they
 * do not end before `end`. Can inspect the data on the way, so that there is only one pass.
 */
export type Skip = (stream: number, buffer: Buffer, at: number, end: number) => number;

/** A message that must not be lost cannot be read. The error's text never repeats its content. */
export class BrokenMessage extends Error {
  override readonly name = 'BrokenMessage';
}

/** A record for a stream that is not configured. */
export class UnknownStream extends Error {
  override readonly name = 'UnknownStream';
  readonly stream: string;
  readonly namespace: string | undefined;

  constructor(stream: string, namespace: string | undefined) {
    super('a record for a stream that is not configured');
    this.stream = stream;
    this.namespace = namespace;
  }
}

const EMITTED_AT = Buffer.from('emitted_at');
const META = Buffer.from('meta');
const TAIL = Buffer.from(',"emitted_at":');
const CLOSE_BRACE = 0x7d;

export class Inbound {
  stream = -1;
  dataStart = 0;
  dataEnd = 0;
  hasFile = false;
  stateStart = 0;
  stateEnd = 0;
  status: StreamStatus = 'RUNNING';
  readonly #resolve: Resolve;
  readonly #skip: Skip;
  readonly #outer = new Members();
  readonly #inner = new Members();
  readonly #prefixes = new RecordPrefixes();

  constructor(resolve: Resolve, skip: Skip = (_stream, buffer, at, end) => skipNested(buffer, at, end)) {
    this.#resolve = resolve;
    this.#skip = skip;
  }

  /** Throws `BrokenMessage` and `UnknownStream`. */
  read(line: Line): Kind {
    return this.#known(line) ? Kind.Record : this.#parse(line);
  }

  /** A RECORD whose beginning is known. False where anything is not as usual: then the line is parsed. */
  #known(line: Line): boolean {
    const { buffer, start, end } = line;
    const prefix = this.#prefixes.find(line);
    if (prefix === undefined) return false;
    const at = start + prefix.bytes.length;
    const after = this.#skip(prefix.stream, buffer, at, end);
    if (after === -1 || !this.#usualTail(buffer, after, end)) return false;
    this.stream = prefix.stream;
    this.dataStart = at;
    this.dataEnd = after;
    this.hasFile = false;
    return true;
  }

  /** Whether what follows the data ends the message without saying anything that matters. */
  #usualTail(buffer: Buffer, from: number, end: number): boolean {
    let at = from + TAIL.length;
    if (bytesAre(buffer, from, at, TAIL)) {
      while (isDigit(buffer[at])) at++;
      if (at + 2 === end && buffer[at] === CLOSE_BRACE && buffer[at + 1] === CLOSE_BRACE) return true;
    }
    try {
      const inner = this.#inner.resume(buffer, from, end);
      while (inner.next()) if (!inner.keyIs(EMITTED_AT) && !inner.keyIs(META)) return false;
      const outer = this.#outer.resume(buffer, inner.end, end);
      if (outer.next()) return false;
      return skipSpace(buffer, outer.end, end) === end;
    } catch {
      return false;
    }
  }

  #parse(line: Line): Kind {
    const { buffer, start, end } = line;
    const at = skipSpace(buffer, start, end);
    if (at === end) return Kind.Other;
    try {
      if (buffer[at] === OPEN_BRACE) return this.#parseObject(line);
    } catch (error) {
      if (!(error instanceof JsonError)) throw error;
    }
    // A message that is cut off, or that other output was written into: skipping it would silently lose data.
    const what = looksLike(line);
    if (!line.terminated && (what !== undefined || buffer[at] === OPEN_BRACE))
      throw new BrokenMessage(`a ${what ?? 'last'} message that breaks off`);
    if (what !== undefined) throw new BrokenMessage(`a ${what} message that is not valid JSON`);
    return Kind.Noise;
  }

  #parseObject({ buffer, start, end }: Line): Kind {
    const outer = this.#outer.open(buffer, start, end);
    let type = '';
    let typeAt = -1;
    let record = -1;
    let state = -1;
    let stateEnd = -1;
    let trace = '';
    while (outer.next()) {
      switch (outer.key()) {
        case 'type':
          typeAt = outer.valueStart;
          type = textOf(buffer, outer.valueStart, outer.valueEnd) ?? '';
          break;
        case 'record':
          record = outer.valueStart;
          break;
        case 'state':
          state = outer.valueStart;
          stateEnd = outer.valueEnd;
          break;
        case 'trace':
          trace = buffer.toString('utf8', outer.valueStart, outer.valueEnd);
          break;
      }
    }
    if (skipSpace(buffer, outer.end, end) !== end)
      throw new JsonError(`byte ${outer.end} should be the end of the line`);
    switch (type) {
      case 'RECORD':
        if (buffer[record] !== OPEN_BRACE) throw new BrokenMessage('a RECORD message without a record');
        return this.#parseRecord(buffer, start, record, end, typeAt);
      case 'STATE':
        if (buffer[state] !== OPEN_BRACE) throw new BrokenMessage('a STATE message without a state');
        this.stateStart = state;
        this.stateEnd = stateEnd;
        return Kind.State;
      case 'TRACE':
        return this.#parseTrace(trace);
      default:
        // Types to come are none of a destination's business, but records are, whatever they are called.
        if (buffer[record] === OPEN_BRACE)
          throw new BrokenMessage('a record in a message that is not of the type RECORD');
        return Kind.Other;
    }
  }

  #parseRecord(buffer: Buffer, start: number, record: number, end: number, typeAt: number): Kind {
    const inner = this.#inner.open(buffer, record, end);
    let name: string | undefined;
    let namespace: string | undefined;
    let dataStart = -1;
    let dataEnd = -1;
    let hasFile = false;
    // Where the first and the last thing stand that decide whose record it is.
    let differsAt = end;
    let decided = typeAt;
    while (inner.next()) {
      switch (inner.key()) {
        case 'stream':
          name = textOf(buffer, inner.valueStart, inner.valueEnd);
          differsAt = Math.min(differsAt, inner.valueStart);
          decided = Math.max(decided, inner.valueStart);
          break;
        case 'namespace':
          namespace = textOf(buffer, inner.valueStart, inner.valueEnd) || undefined;
          differsAt = Math.min(differsAt, inner.valueStart);
          decided = Math.max(decided, inner.valueStart);
          break;
        case 'data':
          dataStart = inner.valueStart;
          dataEnd = inner.valueEnd;
          break;
        case 'file_reference':
          hasFile = buffer[inner.valueStart] === OPEN_BRACE;
          break;
      }
    }
    if (name === undefined) throw new BrokenMessage('a RECORD message that names no stream');
    if (dataStart === -1 || buffer[dataStart] !== OPEN_BRACE)
      throw new BrokenMessage('a RECORD message whose data is no object');
    const stream = this.#resolve(name, namespace);
    if (stream === -1) throw new UnknownStream(name, namespace);
    this.stream = stream;
    this.dataStart = dataStart;
    this.dataEnd = dataEnd;
    this.hasFile = hasFile;
    this.#skip(stream, buffer, dataStart, dataEnd);
    if (decided < dataStart && !hasFile)
      this.#prefixes.remember(buffer.subarray(start, dataStart), stream, differsAt - start);
    return Kind.Record;
  }

  #parseTrace(text: string): Kind {
    const trace = parsedJson(text) as
      | {
          type?: unknown;
          stream_status?: { status?: unknown; stream_descriptor?: { name?: unknown; namespace?: unknown } };
        }
      | null
      | undefined;
    if (trace?.type !== 'STREAM_STATUS') return Kind.Other;
    const { status, stream_descriptor: descriptor } = trace.stream_status ?? {};
    if (typeof descriptor?.name !== 'string' || !isStatus(status)) return Kind.Other;
    this.stream = this.#resolve(
      descriptor.name,
      typeof descriptor.namespace === 'string' && descriptor.namespace !== '' ? descriptor.namespace : undefined,
    );
    this.status = status;
    return Kind.Status;
  }
}

const STATUSES: readonly unknown[] = ['STARTED', 'RUNNING', 'COMPLETE', 'INCOMPLETE'];

function isStatus(value: unknown): value is StreamStatus {
  return STATUSES.includes(value);
}

function textOf(buffer: Buffer, start: number, end: number): string | undefined {
  return buffer[start] === 0x22 ? stringAt(buffer, start, end) : undefined;
}

/** The type of message that a line that cannot be read once was, if it is one that must not be lost. */
function looksLike({ buffer, start, end }: Line): string | undefined {
  for (let at = buffer.indexOf('"type"', start); at !== -1 && at < end; at = buffer.indexOf('"type"', at + 1)) {
    let value = skipSpace(buffer, at + 6, end);
    if (buffer[value] !== 0x3a) continue;
    value = skipSpace(buffer, value + 1, end);
    for (const [type, token] of TOKENS) if (bytesAre(buffer, value, value + token.length, token)) return type;
  }
  return undefined;
}

const TOKENS = ['RECORD', 'STATE'].map((type) => [type, Buffer.from(`"${type}"`)] as const);

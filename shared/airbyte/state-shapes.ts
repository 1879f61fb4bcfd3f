/**
 * The shapes in which runners hand states back: what the protocol writes, what Airbyte's settings page and API show, and what tools make of
 * it. Each shape that can be told is read. What cannot be told is an error: taken for "no state", it would read everything again. Pure.
 *
 * States hold integers that a JavaScript number would round (older connectors saved nanoseconds as integers), so the state of a stream
 * is cut out as the raw JSON text that was stored.
 */
import { eachElement } from '../json/array.ts';
import { OPEN_BRACE, OPEN_BRACKET, rawMembers, skipSpace, skipValue } from '../json/raw.ts';
import { descriptorKey, descriptorText, type StreamDescriptor } from '../core/stream-descriptor.ts';

/** The text holds no states. `message` continues "The state file is not valid: …". */
export class StateShapeError extends Error {
  override readonly name = 'StateShapeError';
}

type Members = ReadonlyMap<string, string>;

/** A message in a message in …: more than any tool makes. */
const MAX_DEPTH = 8;

/**
 * Raw JSON text of each stream's state, by `descriptorKey`. The last state of a stream counts; a null or `{}` means that it has none.
 * `streams`: those of the catalog, which tell whether the keys of an object are names of streams.
 * Throws `StateShapeError`, and `JsonError` or `SyntaxError` where the text is not JSON.
 */
export function readStates(bytes: Buffer, streams: readonly StreamDescriptor[]): Map<string, string> {
  const reader = new StateReader(streams);
  for (const raw of values(bytes)) reader.read(raw);
  return reader.states;
}

/** The JSON values of a text: one, or one a line. Each is checked to be JSON all through. */
function* values(bytes: Buffer): Generator<string> {
  const end = bytes.length;
  let at = skipSpace(bytes, 0, end);
  while (at < end) {
    const after = skipValue(bytes, at, end);
    const raw = bytes.toString('utf8', at, after);
    JSON.parse(raw);
    yield raw;
    at = skipSpace(bytes, after, end);
  }
}

class StateReader {
  readonly states = new Map<string, string>();
  readonly #streams: readonly StreamDescriptor[];

  constructor(streams: readonly StreamDescriptor[]) {
    this.#streams = streams;
  }

  /** A whole value: nothing, a list of states, or one. */
  read(raw: string, depth = 0): void {
    if (raw === 'null') return;
    if (isList(raw)) for (const element of elements(raw)) this.#state(element, depth);
    else this.#state(raw, depth);
  }

  #state(raw: string, depth: number): void {
    if (!isObject(raw)) throw new StateShapeError('it holds something else than states');
    const state = rawMembers(Buffer.from(raw));
    if (state.size > 0 && !this.#protocol(state, depth) && !this.#byName(state, depth)) throw unknownShape(state);
  }

  /** The protocol's own shapes, and those of Airbyte's API, whose keys are in camel case. False where it is none of them. */
  #protocol(state: Members, depth: number): boolean {
    if (depth > MAX_DEPTH) throw new StateShapeError('it holds messages inside of messages');
    const type = (member(state, 'type') ?? member(state, 'stateType'))?.toUpperCase();
    if (descriptorOf(state) !== undefined) return this.#stream(state);
    const stream = member(state, 'stream');
    if (stream !== undefined && isObject(stream)) {
      const members = rawMembers(Buffer.from(stream));
      if (descriptorOf(members) !== undefined) return this.#stream(members);
    }
    const global = member(state, 'global', 'global_', 'globalState');
    if (global !== undefined && (type === '"GLOBAL"' || this.#isNoStream('global'))) return this.#global(global);
    const list = member(state, 'streamState', 'stream_states', 'streamStates');
    if (list !== undefined && isList(list)) return this.#list(list);
    if (type === '"STREAM"') throw new StateShapeError('a state in it names no stream');
    if (type === '"GLOBAL"') throw new StateShapeError('a GLOBAL state in it holds no states of streams');
    if (type === '"STATE"') return this.#wrapped(member(state, 'state'), depth);
    if (type === '"LEGACY"') return this.#legacy(member(state, 'data', 'state'), depth);
    if (type === '"NOT_SET"') return true;
    if (type !== undefined) return false;
    const data = member(state, 'data');
    if (data !== undefined && this.#isNoStream('data')) return this.#legacy(data, depth);
    const wrapped = member(state, 'state');
    return wrapped !== undefined && this.#isNoStream('state') && this.#wrapped(wrapped, depth);
  }

  #wrapped(raw: string | undefined, depth: number): boolean {
    if (raw === undefined) throw new StateShapeError('a message in it holds no state');
    this.read(raw, depth + 1);
    return true;
  }

  #global(raw: string): boolean {
    if (!isObject(raw)) throw new StateShapeError('a GLOBAL state in it is no object');
    const list = member(rawMembers(Buffer.from(raw)), 'stream_states', 'streamStates');
    return list === undefined || this.#list(list);
  }

  #list(raw: string): boolean {
    if (!isList(raw)) throw new StateShapeError('a state in it lists its streams in another form than a list');
    for (const element of elements(raw)) {
      if (!isObject(element)) throw new StateShapeError('a state in it names no stream');
      this.#stream(rawMembers(Buffer.from(element)));
    }
    return true;
  }

  #legacy(raw: string | undefined, depth: number): boolean {
    if (raw === undefined || isEmptyObject(raw)) return true;
    if (isObject(raw) && this.#byName(rawMembers(Buffer.from(raw)), depth)) return true;
    throw new StateShapeError(
      'it holds a state of the type LEGACY that does not say which stream of the catalog it is of',
    );
  }

  /** An object that has the name of a stream as each key. False where none of its keys is a stream of the catalog. */
  #byName(members: Members, depth: number): boolean {
    const entries = [...members].map(([name, raw]) => ({ name, raw, stream: this.#find(name) }));
    if (!entries.some(({ stream }) => stream !== undefined)) return false;
    for (const { name, raw, stream } of entries) {
      if (raw !== 'null' && !isObject(raw))
        throw new StateShapeError(`what it holds under the key ${shown(name)} is not the state of a stream`);
      const inner = isObject(raw) ? rawMembers(Buffer.from(raw)) : undefined;
      if (inner !== undefined && isMessage(inner)) this.#protocol(inner, depth + 1);
      else this.#set(stream ?? { name }, raw);
    }
    return true;
  }

  #find(name: string): StreamDescriptor | undefined {
    const exact = this.#streams.find((stream) => descriptorText(stream) === name);
    if (exact !== undefined) return exact;
    const [first, ...more] = this.#streams.filter((stream) => stream.name === name);
    return more.length > 0 ? undefined : first;
  }

  /** Whether no stream of the catalog has the name of a key of the protocol. */
  #isNoStream(name: string): boolean {
    return this.#streams.every((stream) => stream.name !== name);
  }

  #stream(members: Members): boolean {
    const raw = descriptorOf(members);
    const descriptor = (raw === undefined ? undefined : JSON.parse(raw)) as Record<string, unknown> | undefined;
    const name = descriptor?.['name'];
    if (typeof name !== 'string') throw new StateShapeError('a state in it names no stream');
    const namespace = descriptor?.['namespace'];
    const stream = typeof namespace === 'string' ? { name, namespace } : { name };
    this.#set(stream, member(members, 'stream_state', 'streamState') ?? 'null');
    return true;
  }

  #set(stream: StreamDescriptor, raw: string): void {
    const key = descriptorKey(stream);
    if (raw === 'null' || isEmptyObject(raw)) this.states.delete(key);
    else this.states.set(key, raw);
  }
}

function descriptorOf(members: Members): string | undefined {
  const raw = member(members, 'stream_descriptor', 'streamDescriptor');
  return raw !== undefined && isObject(raw) ? raw : undefined;
}

function isMessage(members: Members): boolean {
  return descriptorOf(members) !== undefined || ['"STREAM"', '"STATE"'].includes(members.get('type') ?? '');
}

/** The raw text of the first of these members that is there; null is as good as absent. */
function member(members: Members, ...names: string[]): string | undefined {
  return names.map((name) => members.get(name)).find((raw) => raw !== undefined && raw !== 'null');
}

function elements(raw: string): string[] {
  const buffer = Buffer.from(raw);
  const found: string[] = [];
  eachElement(buffer, 0, buffer.length, (start, end) => found.push(buffer.toString('utf8', start, end)));
  return found;
}

const isList = (raw: string): boolean => raw.charCodeAt(0) === OPEN_BRACKET;
const isObject = (raw: string): boolean => raw.charCodeAt(0) === OPEN_BRACE;
const isEmptyObject = (raw: string): boolean => /^\{\s*\}$/.test(raw);

const MAX_KEYS = 5;
const MAX_KEY_LENGTH = 40;

/** A key may be anything, and long. */
function shown(key: string): string {
  return JSON.stringify(key.length > MAX_KEY_LENGTH ? `${key.slice(0, MAX_KEY_LENGTH)}…` : key);
}

function unknownShape(members: Members): StateShapeError {
  const keys = [...members.keys()];
  const list = `${keys.slice(0, MAX_KEYS).map(shown).join(', ')}${keys.length > MAX_KEYS ? ', …' : ''}`;
  return new StateShapeError(
    `its keys (${list}) are neither those of a state nor streams of the catalog. States are read as a list of STREAM states, one message a line, or an object with the name of a stream as each key`,
  );
}

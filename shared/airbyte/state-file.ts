/**
 * The state file of a source. Runners hand states back in several shapes: the protocol's own, those of
 * Airbyte's settings page and API, and those of other tools. A shape that is not known is an error: treated
 * as "no state", it would read everything again.
 *
 * States may hold integers that a double would round, so a stream's state is cut out as raw JSON text.
 */
import { configError } from '../core/failure.ts';
import { descriptorKey, descriptorText, type StreamDescriptor, type StreamStates } from '../core/stream-descriptor.ts';
import { eachElement } from '../json/array.ts';
import { JsonError, OPEN_BRACE, OPEN_BRACKET, rawMembers, skipSpace, skipValue } from '../json/raw.ts';
import { readInputFile } from './input-files.ts';

/** `path`: undefined if there is no state. `streams`: see `parseStateFile`. */
export async function readStateFile(
  path: string | undefined,
  streams: readonly StreamDescriptor[],
): Promise<StreamStates> {
  return path === undefined ? new Map<string, string>() : parseStateFile(await readInputFile('state', path), streams);
}

/**
 * The raw JSON text of each stream's state, by `descriptorKey`. If a stream has several states, the last one
 * counts. A stream whose state is null or `{}` has none. `streams`: those of the catalog. They tell whether
 * the keys of an object are names of streams. Throws a config_error if the text is not a state file.
 */
export function parseStateFile(bytes: Buffer, streams: readonly StreamDescriptor[] = []): StreamStates {
  try {
    const reader = new StateReader(streams);
    for (const raw of values(bytes)) reader.read(raw);
    return reader.states;
  } catch (error) {
    const shape = error instanceof StateShapeError;
    if (!shape && !(error instanceof JsonError) && !(error instanceof SyntaxError)) throw error;
    throw configError(
      `The state file is not valid: ${shape ? error.message : 'it is not JSON'}. Use the file that the last sync saved, or start anew without one.`,
    );
  }
}

/** The shape is not known. The message continues the sentence "The state file is not valid: …". */
class StateShapeError extends Error {
  override readonly name = 'StateShapeError';
}

type Members = ReadonlyMap<string, string>;

/** Levels of messages inside messages; no known tool makes more. */
const MAX_DEPTH = 8;

/** The JSON values of a text, for example one a line. Throws `JsonError` or `SyntaxError`. */
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

  /** Reads null, a state, or a list of states. */
  read(raw: string, depth = 0): void {
    if (raw === 'null') return;
    if (isList(raw)) for (const element of elements(raw)) this.#state(element, depth);
    else this.#state(raw, depth);
  }

  #state(raw: string, depth: number): void {
    if (!isObject(raw)) throw new StateShapeError('it contains something that is not a state');
    const state = rawMembers(Buffer.from(raw));
    if (state.size > 0 && !this.#protocol(state, depth) && !this.#byName(state, depth)) throw unknownShape(state);
  }

  /** Reads a shape of the protocol, or of Airbyte's API (keys in camel case). False if it is none of them. */
  #protocol(state: Members, depth: number): boolean {
    if (depth > MAX_DEPTH) throw new StateShapeError('its messages are nested too deeply');
    const type = member(state, 'type', 'stateType')?.toUpperCase();
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
    if (!isObject(raw)) throw new StateShapeError('a GLOBAL state in it is not an object');
    const list = member(rawMembers(Buffer.from(raw)), 'stream_states', 'streamStates');
    return list === undefined || this.#list(list);
  }

  #list(raw: string): boolean {
    if (!isList(raw)) throw new StateShapeError('the streams of a state in it are not a list');
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

  /** Reads an object whose keys are names of streams. False if no key is a stream of the catalog. */
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

  /** Whether `name`, a key of the protocol, is not also a stream of the catalog. */
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

/** The raw text of the first of these members that is present. A null counts as absent. */
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

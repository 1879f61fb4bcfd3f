/**
 * The state file of a source, in all the forms that runners write: a list of STREAM states, `[]`, `{}`, nothing at all, a single state,
 * one of type GLOBAL (PyAirbyte spells its key `global_` and writes every absent key as null).
 *
 * States hold integers that a JavaScript number would round (older connectors saved nanoseconds as integers), so each stream's state is
 * handed on as the raw JSON text that was stored.
 */
import { JsonError, Members, OPEN_BRACKET, rawMembers, skipSpace, skipValue } from '../json/raw.ts';
import { descriptorKey } from './descriptor.ts';
import { configError } from './failure.ts';
import { readInputFile } from './input-files.ts';

/** Raw JSON text of each stream's state, by `descriptorKey`. */
export type StreamStates = ReadonlyMap<string, string>;

export async function readStateFile(path: string | undefined): Promise<StreamStates> {
  return path === undefined ? new Map<string, string>() : parseStateFile(await readInputFile('state', path));
}

/** Throws a config_error where the text is not a state file. A stream whose state is null or `{}` has none. */
export function parseStateFile(bytes: Buffer): StreamStates {
  const states = new Map<string, string>();
  try {
    for (const raw of stateObjects(bytes)) collect(raw, states);
  } catch (error) {
    if (error instanceof JsonError || error instanceof SyntaxError) {
      throw configError(
        `The state file is not valid: ${error instanceof JsonError ? error.message : 'it is not JSON'}. Use the file that the last sync saved, or start anew without one.`,
      );
    }
    throw error;
  }
  return states;
}

function* stateObjects(bytes: Buffer): Generator<Buffer> {
  const start = skipSpace(bytes, 0, bytes.length);
  if (start === bytes.length) return;
  JSON.parse(bytes.toString('utf8'));
  if (bytes.toString('utf8', start).trim() === 'null') return;
  yield* bytes[start] === OPEN_BRACKET ? elements(bytes, start) : [bytes.subarray(start)];
}

/** The elements of a list that is known to be valid JSON. */
function* elements(bytes: Buffer, start: number): Generator<Buffer> {
  let at = skipSpace(bytes, start + 1, bytes.length);
  while (bytes[at] !== 0x5d) {
    const end = skipValue(bytes, at, bytes.length);
    yield bytes.subarray(at, end);
    at = skipSpace(bytes, end, bytes.length);
    if (bytes[at] === 0x2c) at = skipSpace(bytes, at + 1, bytes.length);
  }
}

function collect(raw: Buffer, states: Map<string, string>): void {
  let state = rawMembers(raw);
  // A saved message ({"type":"STATE","state":{…}}) is not what the protocol asks for, but it is what `grep STATE` gives.
  const wrapped = state.get('state');
  if (state.get('type') === '"STATE"' && wrapped !== undefined) state = rawMembers(Buffer.from(wrapped));
  const stream = present(state.get('stream'));
  if (stream !== undefined) return collectStream(stream, states);
  const global = present(state.get('global')) ?? present(state.get('global_'));
  if (global === undefined) {
    if (present(state.get('data')) === undefined || state.get('data') === '{}') return;
    throw configError(
      'The state file holds a state of the type LEGACY, which cannot be assigned to streams. Clear the streams and sync them anew.',
    );
  }
  const list = present(rawMembers(Buffer.from(global)).get('stream_states'));
  if (list !== undefined)
    for (const entry of elements(Buffer.from(list), 0)) collectStream(entry.toString('utf8'), states);
}

function collectStream(raw: string, states: Map<string, string>): void {
  const buffer = Buffer.from(raw);
  const members = new Members().open(buffer, 0, buffer.length);
  let descriptor: { name?: unknown; namespace?: unknown } | undefined;
  let state: string | undefined;
  while (members.next()) {
    const text = buffer.toString('utf8', members.valueStart, members.valueEnd);
    if (members.key() === 'stream_descriptor') descriptor = JSON.parse(text) as typeof descriptor;
    else if (members.key() === 'stream_state') state = present(text);
  }
  if (typeof descriptor?.name !== 'string') throw new JsonError('a state in it names no stream');
  if (state === undefined || isEmptyObject(state)) return;
  const namespace = typeof descriptor.namespace === 'string' ? descriptor.namespace : null;
  states.set(descriptorKey({ name: descriptor.name, namespace }), state);
}

function present(raw: string | undefined): string | undefined {
  return raw === undefined || raw === 'null' ? undefined : raw;
}

function isEmptyObject(raw: string): boolean {
  return /^\{\s*\}$/.test(raw);
}

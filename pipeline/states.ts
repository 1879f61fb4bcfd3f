import { open, readFile, realpath, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { InboundState } from '../shared/airbyte/protocol.generated.ts';
import { eachElement } from '../shared/json/array.ts';
import { JsonError, Members, OPEN_BRACKET, skipSpace, skipValue } from '../shared/json/raw.ts';

const STATE = Buffer.from('state');

/**
 * The states that a destination has committed, the latest of each stream, in a file that is a JSON array of states as
 * connectors read them.
 *
 * A state keeps the very bytes in which it came: what is in it is the source's own, and decoding would round its big integers.
 */
export class StateFile {
  /** Absolute. */
  readonly path: string;
  readonly #states: Map<string, Buffer>;

  private constructor(path: string, states: Map<string, Buffer>) {
    this.path = path;
    this.#states = states;
  }

  /**
   * Reads the file, or starts empty where there is none.
   * @throws Error that names the file if it holds something else than states
   */
  static async load(path: string): Promise<StateFile> {
    // A symbolic link stays one: what it points at is replaced.
    const real = await realpath(path).catch(() => resolve(path));
    const bytes = await readFile(real).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return Buffer.alloc(0);
      throw new Error(`The state file ${path} cannot be read: ${error.message}`);
    });
    try {
      return new StateFile(real, new Map(statesIn(bytes)));
    } catch (error) {
      if (!(error instanceof JsonError || error instanceof SyntaxError)) throw error;
      throw new Error(
        `The state file ${path} does not hold states. Name another file, or remove it to sync everything anew.`,
        { cause: error },
      );
    }
  }

  get size(): number {
    return this.#states.size;
  }

  /**
   * Takes in the state of a STATE line. Call `save` to make it last.
   * @returns the state, decoded, for what the runner wants to know of it
   * @throws JsonError if the line holds no state
   */
  put(line: Buffer): InboundState {
    const members = new Members().open(line, 0, line.length);
    while (members.next()) {
      if (!members.keyIs(STATE)) continue;
      const bytes = Buffer.from(line.subarray(members.valueStart, members.valueEnd));
      const state = JSON.parse(bytes.toString()) as InboundState;
      this.#states.set(keyOf(state) ?? 'LEGACY', bytes);
      return state;
    }
    throw new JsonError('the message has no state');
  }

  /** Forgets the states of some streams, and states that are of no single stream. Call `save` to make it last. */
  forget(streams: readonly StreamName[]): void {
    const keys = new Set(streams.map(streamKey));
    for (const key of this.#states.keys()) {
      if (keys.has(key) || !key.startsWith('STREAM ')) this.#states.delete(key);
    }
  }

  /** Replaces the file in one step: whoever reads it, after a crash too, finds all of the old or all of the new. */
  async save(): Promise<void> {
    const temporary = `${this.path}.tmp`;
    const text = [...this.#states.values()].map((state) => state.toString());
    try {
      const file = await open(temporary, 'w');
      try {
        await file.writeFile(text.length > 0 ? `[\n${text.join(',\n')}\n]\n` : '[]\n');
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, this.path);
      await syncFolder(dirname(this.path));
    } catch (error) {
      await rm(temporary, { force: true });
      throw new Error(`The state file ${this.path} cannot be written: ${(error as Error).message}`, { cause: error });
    }
  }
}

/** The rename is durable once the folder is. Some systems (Windows) have no such operation on folders. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => undefined);
  await folder?.sync().catch(() => undefined);
  await folder?.close();
}

/** The states of a file: a list of states, or states one after the other, such as one a line. */
function* statesIn(bytes: Buffer): Generator<[string, Buffer]> {
  const end = bytes.length;
  let at = skipSpace(bytes, 0, end);
  while (at < end) {
    const after = skipValue(bytes, at, end);
    const states: [number, number][] = [];
    if (bytes[at] === OPEN_BRACKET) eachElement(bytes, at, after, (...place) => states.push(place));
    else states.push([at, after]);
    for (const [from, to] of states) yield* stateAt(bytes, from, to);
    at = skipSpace(bytes, after, end);
  }
}

function* stateAt(bytes: Buffer, start: number, end: number): Generator<[string, Buffer]> {
  const raw = bytes.subarray(start, end);
  const state = JSON.parse(raw.toString()) as InboundState | null;
  if (typeof state !== 'object' || state === null || Array.isArray(state)) throw new JsonError('a state is an object');
  // A state of another shape is for the source to read or to refuse. Two of them are two, so none replaces another.
  if (Object.keys(state).length > 0) yield [keyOf(state) ?? `OTHER ${start}`, raw];
}

/** Undefined for a state of another shape than the protocol's. */
function keyOf(state: InboundState): string | undefined {
  const name = state.stream?.stream_descriptor?.name;
  if (typeof name === 'string') return streamKey(state.stream!.stream_descriptor);
  return state.type === 'GLOBAL' ? state.type : undefined;
}

interface StreamName {
  name: string;
  namespace?: string | null;
}

function streamKey({ name, namespace }: StreamName): string {
  return `STREAM ${JSON.stringify([namespace ?? '', name])}`;
}

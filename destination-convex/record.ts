/**
 * What the data of a record say, found in one pass: where they end, whether their fields need to be looked at, and of a deduplicated record
 * whether they mark a deletion, and whether their primary key is sound.
 */
import { JsonError, Members, OPEN_BRACE, bytesAre, skipNested } from '../shared/json/raw.ts';
import { findObject, foundSuspicious } from '../shared/json/wasm/find.ts';
import type { QuietKeys } from '../shared/json/wasm/keys.ts';
import { ObjectGuard, type KeyProblem } from './key-guard.ts';
import type { KeyPlan } from './keys.ts';

/** Why a record is refused before it is sent. */
export type RecordProblem = KeyProblem | 'not-json';

export class RecordScanner {
  /** Whether the record marks a deletion; then the marker's value stands in `[markerStart, markerEnd)`. */
  tombstone = false;
  markerStart = -1;
  markerEnd = -1;
  problem: RecordProblem | undefined;
  /** Whether every field of the primary key is null. */
  keyIsNull = false;
  /** Whether a watch over fields may find anything in the record. */
  suspicious = true;
  readonly #guard: ObjectGuard | undefined;
  readonly #keyFields: number;

  /** `key`: of a stream that is deduplicated. */
  constructor(key: KeyPlan | undefined) {
    this.#keyFields = key?.fields.length ?? 0;
    if (key === undefined) return;
    this.#guard = new ObjectGuard(
      key.fields.map(({ source, stored }) => source.map((name, depth) => [name, stored[depth]!] as const)),
    );
  }

  /** Goes through the record's data, which begin at `start`; returns the position after them, or -1 if they have no end before `end`. */
  scan(buffer: Buffer, start: number, end: number, quiet: QuietKeys): number {
    const guard = this.#guard;
    if (guard === undefined) {
      const after = findObject(buffer, start, end, quiet);
      this.suspicious = after === -1 || foundSuspicious();
      return after === -1 ? skipNested(buffer, start, end) : after;
    }
    try {
      this.problem = guard.scan(buffer, start, end, quiet);
    } catch (error) {
      if (!(error instanceof JsonError)) throw error;
      // Brackets and quotes may still match, so that the line is no broken message: then the record alone is what is wrong.
      this.problem = 'not-json';
      this.tombstone = false;
      this.keyIsNull = false;
      this.suspicious = true;
      return skipNested(buffer, start, end);
    }
    this.suspicious = guard.suspicious;
    this.keyIsNull = guard.nulls >= this.#keyFields;
    this.markerStart = guard.markerStart;
    this.markerEnd = guard.markerEnd;
    this.tombstone = this.markerStart !== -1 && !bytesAre(buffer, this.markerStart, this.markerEnd, NULL);
    return guard.end;
  }
}

const NULL = Buffer.from('null');

/** The value at a path inside a record's data, as its raw text; undefined where there is none. */
export function valueAt(data: Buffer, path: readonly string[]): string | undefined {
  let start = 0;
  let end = data.length;
  for (const name of path) {
    if (data[start] !== OPEN_BRACE) return undefined;
    const members = new Members().open(data, start, end);
    let found = false;
    while (members.next()) {
      if (members.key() !== name) continue;
      start = members.valueStart;
      end = members.valueEnd;
      found = true;
    }
    if (!found) return undefined;
  }
  return data.toString('utf8', start, end);
}

/**
 * One pass over the data of a record: finds its end, and whether its fields need inspection. For a
 * deduplicated record also whether it marks a deletion, and whether its primary key is valid.
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

  /** Scans the data that begin at `start`. Returns the position after them; -1 if they exceed `end`. */
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
      // If brackets and quotes match, the line is a complete message, and only this record is refused.
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

/**
 * The head of an exported document: where it belongs and when it was written.
 *
 * The server writes `_component`, `_table`, `_ts` (and `_deleted` in deltas) before the document's own fields, so the search ends after a
 * few members; should one of them stand elsewhere, the search goes on to the document's end.
 */
import { JsonError, Members, bytesAre, stringAt } from '../json/raw.ts';

const COMPONENT = Buffer.from('_component');
const TABLE = Buffer.from('_table');
const TS = Buffer.from('_ts');
const DELETED = Buffer.from('_deleted');
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
const NO_COMPONENT = Buffer.from('""');
const UNDERSCORE = 0x5f;
const ZERO = 0x30;

export class DocumentHead {
  /** Component path; '' is the root. */
  component = '';
  table = '';
  /** The digits of `_ts`, nanoseconds (trap 1: never a number). */
  ts = '';
  /** The value of `_deleted`; undefined where the document has no such member (snapshot pages). */
  deleted: boolean | undefined;
  readonly #wantDeleted: boolean;
  readonly #members = new Members();
  // Documents of one table follow each other: their names are decoded once.
  #componentRaw: Buffer = NO_COMPONENT;
  #tableRaw: Buffer = NO_COMPONENT;

  /** `wantDeleted`: for documents of deltas, each of which has `_deleted`. */
  constructor({ wantDeleted }: { wantDeleted: boolean }) {
    this.#wantDeleted = wantDeleted;
  }

  /** Reads the head of the document `buffer[start, end)`. Throws `JsonError` where a member is missing or of another type. */
  read(buffer: Buffer, start: number, end: number): void {
    const members = this.#members.open(buffer, start, end);
    this.deleted = undefined;
    let wanted = this.#wantDeleted ? 3 : 2;
    let sawComponent = false;
    while ((wanted > 0 || !sawComponent) && members.next()) {
      // Old backends knew no components and sent none: where the meta fields are over, there will be none.
      if (wanted === 0 && buffer[members.keyStart] !== UNDERSCORE) break;
      const { valueStart, valueEnd } = members;
      if (members.keyIs(COMPONENT)) {
        if (!bytesAre(buffer, valueStart, valueEnd, this.#componentRaw)) {
          this.component = stringAt(buffer, valueStart, valueEnd);
          this.#componentRaw = Buffer.from(buffer.subarray(valueStart, valueEnd));
        }
        sawComponent = true;
      } else if (members.keyIs(TABLE)) {
        if (!bytesAre(buffer, valueStart, valueEnd, this.#tableRaw)) {
          this.table = stringAt(buffer, valueStart, valueEnd);
          this.#tableRaw = Buffer.from(buffer.subarray(valueStart, valueEnd));
        }
        wanted--;
      } else if (members.keyIs(TS)) {
        this.ts = digits(buffer, valueStart, valueEnd);
        wanted--;
      } else if (this.#wantDeleted && members.keyIs(DELETED)) {
        if (bytesAre(buffer, valueStart, valueEnd, TRUE)) this.deleted = true;
        else if (bytesAre(buffer, valueStart, valueEnd, FALSE)) this.deleted = false;
        else throw new JsonError('a document has a "_deleted" that is neither true nor false');
        wanted--;
      }
    }
    if (!sawComponent && this.component !== '') {
      this.component = '';
      this.#componentRaw = NO_COMPONENT;
    }
    if (wanted > 0) throw new JsonError('a document lacks one of "_table", "_ts" and "_deleted"');
  }
}

function digits(buffer: Buffer, start: number, end: number): string {
  if (end - start > 19 || (buffer[start] === ZERO && end - start > 1))
    throw new JsonError('a document has a "_ts" that is no timestamp');
  for (let at = start; at < end; at++) {
    const digit = buffer[at]! - ZERO;
    if (digit < 0 || digit > 9) throw new JsonError('a document has a "_ts" that is no timestamp');
  }
  return buffer.toString('latin1', start, end);
}

/**
 * What a way of reading yields. It knows Convex; it neither writes messages nor waits for the reader of the
 * output. `SourceOutput` writes its events. Streams are named by their index in the run.
 */
import type { ConnectorFailure } from '../../shared/core/failure.ts';

/** Raw text of a stream's state, made at the moment at which it is written. */
export type StateOf = () => Record<string, unknown>;

/** When a document was written, and whether this is its deletion: for the `_ab_cdc_*` columns. */
export interface RecordHead {
  /** Digits of the timestamp, nanoseconds. */
  readonly tsLength: number;
  copyTs(out: Buffer, at: number): void;
  /** Undefined where the document has no member `_deleted`: it is not deleted then. */
  readonly deleted: boolean | undefined;
}

export interface SourceRecord {
  /** The document is `buffer` from `start` to before `end`, braces included. */
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
  /** Undefined: the record has no `_ab_cdc_*` columns. */
  readonly head: RecordHead | undefined;
}

/**
 * `while (records.next())`: the members describe what `next` found, and are valid until it is called again.
 */
export interface RecordCursor {
  next(): boolean;
  readonly stream: number;
  readonly record: SourceRecord;
}

export interface StreamPosition {
  stream: number;
  state: StateOf;
  /** Whether the position is worth a STATE also where it covers no new record. */
  due?: boolean;
}

export type ReadEvent =
  /** Reading of a stream begins. */
  | { kind: 'started'; stream: number }
  /** The positions from which streams go on, as they are saved already. */
  | { kind: 'resumed'; positions: readonly StreamPosition[] }
  /** Records of any streams; valid until the next event is asked for. */
  | { kind: 'records'; records: RecordCursor }
  /** New positions. Every record that they cover was yielded before. `endsPage`: a page counts in the log. */
  | { kind: 'positions'; positions: readonly StreamPosition[]; endsPage?: boolean }
  /**
   * A point at which the states are written now. `all`: also of streams whose position covers no new record.
   */
  | { kind: 'checkpoint'; all?: boolean }
  /** What the log says while the next events are written. */
  | { kind: 'phase'; name: string; howFar: () => string }
  | { kind: 'complete'; stream: number }
  | { kind: 'failed'; stream: number; failure: ConnectorFailure };

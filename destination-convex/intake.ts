/** Inspects records, refuses those that cannot be sent, and puts the others into the body of a request. */
import { timestampNote } from './convex-records.ts';
import { deletionWarning, marksDeletion } from './append-deletions.ts';
import { nullKeyWarning } from './keys.ts';
import { uninsertable } from './tombstones.ts';
import { fieldWarnings } from './field-warnings.ts';
import { FieldWatch, type Spellings } from './field-watch.ts';
import type { Deletion } from './request-body.ts';
import type { Replacements } from './replace-at-once/replacements.ts';
import type { Ledger } from './ledger.ts';
import { mergedText, type MergedFields } from './merged-fields.ts';
import type { BatchSender } from './batch-sender.ts';
import { RecordScanner } from './record.ts';
import { GIVE_UP_AFTER, problemText, tooLarge, type Rejections } from './rejections.ts';
import type { StreamPlan } from './streams.ts';

export interface IntakeOptions {
  streams: readonly StreamPlan[];
  sender: BatchSender;
  ledger: Ledger;
  rejections: Rejections;
  warn: (text: string) => void;
  /** How the deployment spells parts of names, as far as it was asked. */
  spellings: Spellings;
  /** Asks the deployment how it spells a part of a name beyond ASCII; undefined where it cannot say. */
  spellingOf: (part: string) => Promise<string | undefined>;
  replacements?: Replacements | undefined;
}

export class Intake {
  readonly #streams: readonly StreamPlan[];
  readonly #sender: BatchSender;
  readonly #ledger: Ledger;
  readonly #rejections: Rejections;
  /** By stream. */
  readonly #scanners: readonly RecordScanner[];
  /** By stream: records whose primary key is null. */
  readonly #nullKeys: number[];
  /** By stream: whether a deletion among appended records is still to be reported. */
  readonly #watchesDeletions: boolean[];
  readonly #watches: readonly FieldWatch[];
  readonly #warn: (text: string) => void;
  readonly #spellingOf: IntakeOptions['spellingOf'];
  /** By stream: set where deletions have to be sent alone (see tombstones.ts). */
  readonly #uninsertable: (Buffer | undefined)[] = [];
  /** Takes the records of streams whose tables are replaced at once. */
  readonly #replacements: Replacements | undefined;

  constructor({ streams, sender, ledger, rejections, warn, spellings, spellingOf, replacements }: IntakeOptions) {
    this.#streams = streams;
    this.#sender = sender;
    this.#ledger = ledger;
    this.#rejections = rejections;
    this.#warn = warn;
    this.#spellingOf = spellingOf;
    this.#watches = streams.map(({ fromConvex }) => new FieldWatch(spellings, fromConvex));
    this.#replacements = replacements;
    this.#nullKeys = streams.map(() => 0);
    this.#watchesDeletions = streams.map(({ appendsDeletions }) => appendsDeletions);
    this.#scanners = streams.map(({ key }) => new RecordScanner(key));
  }

  /** Passes over a record's data; what `take` needs to know is found on the way. */
  skip(stream: number, buffer: Buffer, at: number, end: number): number {
    return this.#scanners[stream]!.scan(buffer, at, end, this.#watches[stream]!.quiet);
  }

  // A closure in the functions below would cost every record an allocation for its variables.

  /**
   * Takes the record with the data `buffer[start, end)`, which `skip` has just passed over. Copies the data.
   * Returns a promise if the next record has to wait; `buffer` must not change until it resolves.
   */
  take(index: number, buffer: Buffer, start: number, end: number): Promise<void> | undefined {
    if (!this.#scanners[index]!.suspicious) return this.#takeInspected(index, buffer, start, end);
    const watch = this.#watches[index]!;
    watch.inspect(buffer, start, end);
    const unspelled = watch.unspelled(this.#replacements?.has(index) === true);
    if (unspelled.size > 0) return this.#spellAndTake(index, buffer, start, end, unspelled);
    return this.#takeInspected(index, buffer, start, end, watch.merged());
  }

  /** Takes a record with names that only the deployment can spell. */
  async #spellAndTake(
    index: number,
    buffer: Buffer,
    start: number,
    end: number,
    unspelled: ReadonlySet<string>,
  ): Promise<void> {
    const watch = this.#watches[index]!;
    // Before the ledger knows the record: with no request in flight, it takes all it knows for durable.
    await watch.spell(unspelled, this.#spellingOf);
    await this.#takeInspected(index, buffer, start, end, watch.merged());
  }

  /** `merged`: fields that Convex would store under one name. */
  #takeInspected(
    index: number,
    buffer: Buffer,
    start: number,
    end: number,
    merged?: MergedFields,
  ): Promise<void> | undefined {
    const stream = this.#streams[index]!;
    const scanner = this.#scanners[index]!;
    let deletion: Deletion | undefined;
    if (stream.key !== undefined) {
      const { problem, tombstone, markerStart, markerEnd } = scanner;
      if (problem !== undefined) {
        const data = buffer.subarray(start, end);
        return this.#rejectHere(stream, data, problemText(problem, data));
      }
      if (scanner.keyIsNull) this.#nullKeys[index]!++;
      if (tombstone) deletion = { markerStart, markerEnd, uninsertable: this.#uninsertable[index] };
    } else if (this.#watchesDeletions[index] && marksDeletion(buffer.subarray(start, end))) {
      this.#watchesDeletions[index] = false;
      this.#warn(deletionWarning(stream.text));
    }
    if (merged !== undefined) return this.#rejectHere(stream, buffer.subarray(start, end), mergedText(merged));
    if (this.#replacements?.has(index) === true) {
      const record = this.#ledger.record(index);
      return this.#endWhereRefused(this.#replacements.take(index, record, buffer, start, end, deletion));
    }
    return this.#put(stream, buffer, start, end, deletion);
  }

  /** Puts a record into the batch, or into the next one if it does not fit into this one. */
  #put(
    stream: StreamPlan,
    buffer: Buffer,
    start: number,
    end: number,
    deletion: Deletion | undefined,
  ): Promise<void> | undefined {
    const { batch } = this.#sender;
    const body = batch.bodyFor(stream);
    if (body.fits(stream, end - start, deletion)) {
      batch.lastRecord = this.#ledger.record(stream.index);
      body.add(stream, batch.lastRecord, buffer, start, end, deletion);
      this.#sender.touched();
      return batch.full ? this.#sender.submit() : undefined;
    }
    if (body.count === 0) return this.#rejectHere(stream, buffer.subarray(start, end), tooLarge(end - start));
    return this.#submitAndPut(stream, buffer, start, end, deletion);
  }

  /** The ledger does not know the record while it waits, for the reason given in `#spellAndTake`. */
  async #submitAndPut(
    stream: StreamPlan,
    buffer: Buffer,
    start: number,
    end: number,
    deletion: Deletion | undefined,
  ): Promise<void> {
    await this.#sender.submit();
    await this.#put(stream, buffer, start, end, deletion);
  }

  /** What is to be reported of the streams' keys and fields at the end of the run. */
  warnings(): string[] {
    return this.#streams.flatMap(({ index, text, key }) => {
      const count = this.#nullKeys[index]!;
      const warnings = fieldWarnings(text, this.#watches[index]!);
      return count === 0 ? warnings : [nullKeyWarning(text, key!, count), ...warnings];
    });
  }

  /** What is only good to know at the end of the run. */
  note(): string | undefined {
    return timestampNote(
      this.#streams.filter(({ index }) => this.#watches[index]!.hasKnownRounded).map(({ text }) => text),
    );
  }

  /** From now on, deletions of this stream are sent without making their rows first. */
  sendDeletionsAlone({ index, key }: StreamPlan): void {
    if (key !== undefined) this.#uninsertable[index] = uninsertable(key);
  }

  /** A record was refused for good. Throws where that is enough to end the sync at once. */
  reject(stream: StreamPlan, record: number, data: Buffer, reason: string): void {
    this.#rejections.add(stream, data, reason);
    this.#ledger.reject(stream.index, record, this.#rejections.failing);
    if (this.#rejections.failing && this.#rejections.count >= GIVE_UP_AFTER) throw this.#rejections.failure();
  }

  /** After a record was checked: ends the sync where it was refused and that fails the sync. */
  #endWhereRefused(taken: Promise<void> | undefined): Promise<void> | undefined {
    return taken?.then(async () => {
      if (!this.#rejections.failing || this.#rejections.count === 0) return;
      // What came of other streams is still written.
      await this.#sender.finish();
      throw this.#rejections.failure();
    });
  }

  /** Refuses a record before it is sent. If that fails the sync, what came before it is still written. */
  #rejectHere(stream: StreamPlan, data: Buffer, reason: string): Promise<void> | undefined {
    this.reject(stream, this.#ledger.record(stream.index), data, reason);
    if (!this.#rejections.failing) return undefined;
    return this.#sender.finish().then(() => {
      throw this.#rejections.failure();
    });
  }
}

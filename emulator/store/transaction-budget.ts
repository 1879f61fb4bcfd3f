import { TransactionLimit } from '../http/errors.ts';
import { formatBytes } from '../values/format-bytes.ts';
import type { Limits } from './limits.ts';
import { sizeOf, type ValueObject } from '../values/values.ts';

const ADVICE =
  'Consider using smaller limits in your queries, paginating your queries, or using indexed queries with a selective ' +
  'index range expressions.';

/**
 * What one transaction has read and written so far (crates/database/src/{reads,writes}.rs). The counters grow even where
 * they refuse: what was refused is not part of the transaction, but the transaction is spent.
 */
export class TransactionBudget {
  readonly #limits: Limits;
  #documentsWritten = 0;
  #bytesWritten = 0;
  #documentsRead = 0;
  #bytesRead = 0;
  readonly #ranges = new Set<string>();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** A document of so many bytes written, or one deleted with none. @throws TransactionLimit */
  write(bytes: number): void {
    this.#documentsWritten++;
    this.#bytesWritten += bytes;
    const { documentsWritten, bytesWritten } = this.#limits;
    const what = 'in a single function execution';
    if (this.#documentsWritten > documentsWritten) {
      throw new TransactionLimit('TooManyWrites', `Too many writes ${what} (limit: ${documentsWritten})`);
    }
    if (this.#bytesWritten > bytesWritten) {
      throw new TransactionLimit(
        'TooManyBytesWritten',
        `Too many bytes written ${what} (limit: ${formatBytes(bytesWritten)})`,
      );
    }
  }

  /** A document read. @throws TransactionLimit */
  read(document: ValueObject): void {
    this.#documentsRead++;
    this.#bytesRead += sizeOf(document);
    const { documentsRead, bytesRead } = this.#limits;
    const what = 'in a single function execution';
    if (this.#documentsRead > documentsRead) {
      throw new TransactionLimit(
        'TooManyDocumentsRead',
        `Too many documents read ${what} (limit: ${documentsRead}). ${ADVICE}`,
      );
    }
    if (this.#bytesRead > bytesRead) {
      throw new TransactionLimit(
        'TooManyBytesRead',
        `Too many bytes read ${what} (limit: ${bytesRead} bytes). ${ADVICE}`,
      );
    }
  }

  /** A range of an index read; the same one again costs nothing. @throws TransactionLimit */
  range(name: string): void {
    this.#ranges.add(name);
    const { indexRanges } = this.#limits;
    if (this.#ranges.size > indexRanges) {
      throw new TransactionLimit(
        'TooManyReads',
        `Too many reads in a single function execution (limit: ${indexRanges}). ${ADVICE}`,
      );
    }
  }
}

/** Records that were refused: counted, named by stream and primary key, never by content. */
import { ConnectorFailure } from '../shared/core/failure.ts';
import type { Log } from '../shared/core/log.ts';
import { valueAt } from './record.ts';
import type { StreamPlan } from './streams.ts';

/** Log lines about single records; the number of the others is in the summary. */
const MAX_NAMED = 100;
/** Records named in the message that fails the sync. */
const MAX_IN_FAILURE = 5;
/** With `Fail sync`: so many refused records are no exception any more, and finding each of them would only load the deployment. */
export const GIVE_UP_AFTER = 100;

export class Rejections {
  readonly failing: boolean;
  count = 0;
  readonly #log: Log;
  readonly #first: string[] = [];
  readonly #byStream = new Map<StreamPlan, number>();

  readonly #aftermath: () => string | undefined;

  /** `aftermath`: what became of the other records, where it is something else than that they were written. */
  constructor(failing: boolean, log: Log, aftermath: () => string | undefined = () => undefined) {
    this.failing = failing;
    this.#log = log;
    this.#aftermath = aftermath;
  }

  add(stream: StreamPlan, data: Buffer, reason: string): void {
    this.count++;
    this.#byStream.set(stream, (this.#byStream.get(stream) ?? 0) + 1);
    const text = `A record of stream "${stream.text}"${keyOf(stream, data)} was refused: ${reason}`;
    if (this.#first.length < MAX_IN_FAILURE) this.#first.push(text);
    if (this.count <= MAX_NAMED) this.#log.warn(text);
    if (this.count === MAX_NAMED) this.#log.warn('Further refused records are counted, but not named any more.');
  }

  of(stream: StreamPlan): number {
    return this.#byStream.get(stream) ?? 0;
  }

  /** With `Fail sync`, what the sync fails with once something was refused. */
  failure(): ConnectorFailure {
    const more = this.count - this.#first.length;
    return new ConnectorFailure(
      'config_error',
      `Convex refused ${this.count === 1 ? 'a record' : `${this.count} records`}. ${this.#first.join(' ')}${more > 0 ? ` And ${more} more.` : ''} ${this.#aftermath() ?? 'The records around them were written.'} Mend or deselect what is refused, or set "When Convex refuses a record" to "Skip and report" to go on without such records.`,
    );
  }

  summary(): string | undefined {
    if (this.count === 0) return undefined;
    const streams = [...this.#byStream].map(([{ text }, count]) => `${text}: ${count}`);
    return `Records that Convex refused: ${streams.join(', ')}.`;
  }
}

/** Text of a key value longer than this is cut. */
const MAX_KEY_TEXT = 100;

function keyOf({ label }: StreamPlan, data: Buffer): string {
  try {
    const parts = label.map((path) => `${path.join('.')} = ${keyText(valueAt(data, path))}`);
    return parts.length === 0 ? ' (it has no primary key to name it by)' : ` with ${parts.join(', ')}`;
  } catch {
    // Data that are no JSON have no key.
    return '';
  }
}

function keyText(raw: string | undefined): string {
  if (raw === undefined) return '(missing)';
  if (raw.startsWith('{')) return '(an object)';
  if (raw.startsWith('[')) return '(a list)';
  return raw.length > MAX_KEY_TEXT ? `${raw.slice(0, MAX_KEY_TEXT)}…` : raw;
}

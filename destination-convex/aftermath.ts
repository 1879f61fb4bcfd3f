/** Messages about streams that have refused records or were not reported complete. Pure. */
import { ConnectorFailure } from '../shared/core/failure.ts';
import type { Tables } from './tables.ts';
import type { Progress } from './progress.ts';
import type { Rejections } from './rejections.ts';
import type { StreamPlan } from './streams.ts';

/**
 * A sentence for each stream that replaces its table, has refused records, and of which no record is known to
 * be written. Undefined if there is none.
 */
export function aftermathOf(
  streams: readonly StreamPlan[],
  rejections: Pick<Rejections, 'of'>,
  progress: Pick<Progress, 'written'>,
  tables: Pick<Tables, 'emptied'>,
): string | undefined {
  const replaced = streams.filter(
    (stream) => stream.truncation !== 'none' && rejections.of(stream) > 0 && progress.written(stream) <= 0,
  );
  const sentences = replaced.map((stream) =>
    tables.emptied(stream)
      ? `Table ${stream.table} had been emptied for the new records of stream "${stream.text}", none of which is known to be written: it is empty, or holds a few of them, until a sync succeeds.`
      : `No record of stream "${stream.text}" was written in this run, and its table ${stream.table} was not emptied.`,
  );
  return sentences.length === 0 ? undefined : sentences.join(' ');
}

/** For a complete stream that replaces its table. `emptied`: whether the table was emptied in this run. */
export function allRefused({ text, table }: StreamPlan, emptied: boolean): string {
  return emptied
    ? `Every record of stream "${text}" was refused after its table was emptied: its table ${table} is empty now.`
    : `Every record of stream "${text}" was refused before it was sent. Its table ${table} was not emptied and holds what it held.`;
}

/**
 * The transient_error of a sync in which streams were not reported complete. `anew`: those that the next sync
 * reads from their beginning. `kept`: those that are replaced at once and keep their old rows.
 */
export function incompleteFailure(
  incomplete: readonly StreamPlan[],
  anew: readonly StreamPlan[],
  kept: readonly StreamPlan[],
): ConnectorFailure {
  const again =
    anew.length === 0
      ? ''
      : ` ${listed(anew)} will start anew: the documents replace older ones, and the catalog has no generation that identifies the replacement.`;
  const one = incomplete.length === 1;
  return new ConnectorFailure(
    'transient_error',
    `${one ? 'Stream' : 'Streams'} ${listed(incomplete)} ${one ? 'was' : 'were'} not reported complete: the source failed, or ${one ? 'its' : 'their'} status was not forwarded. Records received were written${kept.length === 0 ? '' : `, except those of ${listed(kept)}: these tables are replaced when a whole sync succeeds, and keep their old rows until then`}. The next sync continues.${again}`,
  );
}

/** The names of streams in messages. */
export function listed(streams: readonly StreamPlan[]): string {
  return streams.map(({ text }) => text).join(', ');
}

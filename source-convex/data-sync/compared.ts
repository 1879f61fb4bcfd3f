/**
 * How far comparisons of a table's contents came before their runs ended. A later comparison reads the
 * listings again, but writes nothing again that the destination has. Pure.
 *
 * A part says: of ids up to `upTo`, the destination holds no document other than those that listings as
 * of `at` or later show.
 */
import { compareDigits } from '../../shared/json/integers.ts';
import type { ComparedPart } from '../streaming-export/state.ts';

/** Whether what a table held at `ts` (digits) still matters for an id. */
export function matters(parts: readonly ComparedPart[], id: string, ts: string): boolean {
  for (const { at, upTo } of parts) if (id <= upTo) return compareDigits(ts, at) >= 0;
  return true;
}

/** The parts when a comparison of `now`, which is the newest of them, has come to an id. Sorted by id. */
export function withPart(parts: readonly ComparedPart[], now: ComparedPart): ComparedPart[] {
  return [now, ...parts.filter(({ upTo }) => upTo > now.upTo)];
}

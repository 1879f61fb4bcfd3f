/** The lines of the live view and of the final table, as text. Nothing here knows a terminal. */
import stringWidth from 'string-width';
import { count, table } from './report.ts';
import type { StreamCounts } from './streams.ts';

export type Phase = 'waiting' | 'reading' | 'writing' | 'done' | 'failed';

/** A stream of the live view; `rate` is in records per second. */
export interface LiveStream {
  label: string;
  phase: Phase;
  read: number;
  committed: number;
  rate: number;
}

export function phaseOf({ status, read, committed }: Pick<StreamCounts, 'status' | 'read' | 'committed'>): Phase {
  if (status === 'INCOMPLETE') return 'failed';
  if (status === 'COMPLETE') return committed < read ? 'writing' : 'done';
  // A source may begin all its streams at once: those that nothing came of yet are not worth a line.
  return read === 0 ? 'waiting' : 'reading';
}

/** Of many streams, those that are shown; the first ones first. */
const ACTIVE: readonly Phase[] = ['failed', 'reading', 'writing'];
const PHASES: readonly Phase[] = ['reading', 'writing', 'waiting', 'done', 'failed'];

/** Columns of `phase`, `records`, `records/s` and `committed`, two blanks in front of each. */
const WIDTHS = [7, 11, 10, 11] as const;
const FIXED = WIDTHS.reduce<number>((sum, width) => sum + width + 2, 0);
/** What the longest names get: a wide terminal does not tear name and numbers apart. */
const LONGEST_NAME = 40;
/** Lines besides those of streams: the heading and the total; a third one tells of streams that are not shown. */
const OTHER_LINES = 2;

/**
 * At most `rows` lines of at most `columns` columns. Streams that do not fit are summed up in a line; those that are active are
 * shown then: what has failed, what is read, what is written.
 */
export function liveLines(
  streams: readonly LiveStream[],
  { columns, rows }: { columns: number; rows: number },
): string[] {
  const room = Math.max(1, rows - OTHER_LINES);
  const active = ACTIVE.flatMap((phase) => streams.filter((stream) => stream.phase === phase));
  const shown = streams.length <= room ? streams : active.slice(0, Math.max(0, room - 1));
  const longest = Math.max('stream'.length, ...shown.map(({ label }) => stringWidth(label)));
  const name = Math.max('stream'.length, Math.min(longest, LONGEST_NAME, columns - FIXED));
  const line = (label: string, ...cells: string[]): string => {
    const text = cells.map((cell, at) => (at === 0 ? cell.padEnd(WIDTHS[0]) : cell.padStart(WIDTHS[at] ?? 0)));
    return cut([pad(cut(label, name), name), ...text].join('  ').trimEnd(), columns);
  };
  const rowOf = ({ label, phase, read, rate, committed }: LiveStream): string =>
    line(printable(label), phase, count(read), rate >= 0.5 ? count(rate) : '', count(committed));
  const lines = [line('stream', 'phase', 'records', 'records/s', 'committed'), ...shown.map(rowOf)];
  const rest = streams.filter((stream) => !shown.includes(stream));
  const others = shown.length > 0 ? `and ${count(rest.length)} more` : `${count(rest.length)} streams`;
  if (rest.length > 0) lines.push(cut(`${others}: ${phases(rest)}`, columns));
  const sum = (of: (stream: LiveStream) => number): number => streams.reduce((all, stream) => all + of(stream), 0);
  lines.push(
    line(
      'total',
      '',
      count(sum(({ read }) => read)),
      count(sum(({ rate }) => rate)),
      count(sum(({ committed }) => committed)),
    ),
  );
  return lines;
}

function phases(streams: readonly LiveStream[]): string {
  return PHASES.map((phase) => [streams.filter((stream) => stream.phase === phase).length, phase] as const)
    .filter(([number]) => number > 0)
    .map(([number, phase]) => `${count(number)} ${phase}`)
    .join(', ');
}

/** At most so many columns; an ellipsis stands for what is left out. */
export function cut(text: string, columns: number): string {
  if (stringWidth(text) <= columns) return text;
  let kept = '';
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (stringWidth(kept + segment) > columns - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

function pad(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - stringWidth(text)));
}

/** A name of a foreign source must not move the cursor. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '?');
}

/** Whether the state file holds a state for what was read of a stream: of all, of a part, or of none. */
export function savedState(stream: StreamCounts, saved: boolean): 'saved' | 'partly' | 'none' {
  if (!saved || (stream.states === 0 && stream.committed === 0)) return 'none';
  return stream.committed < stream.read ? 'partly' : 'saved';
}

/** Records that are durable in the destination; deletions among them. */
export function written({ committed, rejected }: StreamCounts): number {
  return Math.max(0, committed - rejected);
}

/** The table at the end. `saved`: whether the states that came back are in the state file. */
export function finalTable(streams: readonly StreamCounts[], saved: boolean, columns: number): string {
  const numbers = ({ read, deleted, rejected }: StreamCounts, durable: number): string[] =>
    [read, durable, deleted, rejected].map(count);
  const rows = streams.map((stream) => [...numbers(stream, written(stream)), savedState(stream, saved)]);
  const head = ['read', 'written', 'deleted', 'rejected', 'state'];
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const name = Math.max(8, columns - widths.reduce((sum, width) => sum + width + 2, 0));
  return table([
    ['stream', ...head],
    ...rows.map((row, at) => [cut(printable(streams[at]?.label ?? ''), name), ...row]),
  ]);
}

import type { Show } from './connector.ts';
import type { Outcome } from './run.ts';

const COUNT = new Intl.NumberFormat('en-US');

/** 1234567 → 1,234,567 */
export function count(value: number): string {
  return COUNT.format(Math.round(value));
}

/** A line after its speaker. */
export function spoken(who: string, line: string): string {
  return `${who.padEnd(11)} ${line}`;
}

/** Prints what connectors say to stderr, each line after its speaker. */
export const showOnStderr: Show = (who, text) => {
  for (const line of text.split('\n')) process.stderr.write(`${spoken(who, line)}\n`);
};

/** What came of a sync, for people. */
export function summary(outcome: Outcome, seconds: number, statePath: string, replaces = false): string {
  const { read, committed, rejected, states, failures } = outcome;
  const speed = seconds > 0 ? `, ${count(read / seconds)} records/s` : '';
  const moved =
    `${count(read)} records read, ${count(committed)} committed` +
    (rejected > 0 ? `, ${count(rejected)} rejected` : '') +
    ` in ${seconds.toFixed(1)} s${speed}`;
  if (failures.length === 0) return `${moved}\n`;
  const why = failures.map(({ who, message, type }) => `  ${who}: ${message}${type ? ` (${type})` : ''}\n`);
  const again =
    'The tables that were to be replaced may hold a part of the data, and no state of them is kept: run it again with the same options.\n';
  const kept = replaces
    ? again
    : states > 0
      ? `What was committed is remembered in ${statePath}: the next run goes on from there.\n`
      : '';
  return `The sync failed.\n${why.join('')}${moved}\n${kept}`;
}

/** A table of text: the first column to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, cell.length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ');
  const [head = [], ...body] = rows;
  const rule = widths.map((width) => '─'.repeat(width));
  return [head, rule, ...body].map((row) => `${line(row).trimEnd()}\n`).join('');
}

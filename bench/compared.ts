import type { Usage } from './measure.ts';

export const COMPARED_HEADINGS = [
  'MB/s',
  'records/s',
  'of (a)',
  'x (b)',
  'of (a), CPU',
  'x (b), CPU',
  'peak MiB',
  '(b) peak MiB',
];

/** A row: our speed, and its ratios to the limits, by the clock and by processor time (the machine's other work counts in the first only). */
export function compared(
  { bytes, records }: { bytes: number; records: number },
  ours: Usage,
  copy: Usage,
  parse: Usage,
): string[] {
  return [
    (bytes / 1e6 / ours.wall).toFixed(0),
    Math.round(records / ours.wall).toLocaleString('en'),
    (copy.wall / ours.wall).toFixed(2),
    (parse.wall / ours.wall).toFixed(2),
    (copy.cpu / ours.cpu).toFixed(2),
    (parse.cpu / ours.cpu).toFixed(2),
    mebibytes(ours.rss),
    mebibytes(parse.rss),
  ];
}

export function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}

import type { Usage } from './measure.ts';
import { type ComparedResult, rounded } from './results.ts';

export const COMPARED_HEADINGS = [
  'documents',
  'MB/s',
  'records/s',
  'of (a)',
  'x (b)',
  'of (a), CPU',
  'x (b), CPU',
  'peak MiB',
  '(b) peak MiB',
];

/** Our speed, and its ratios to the limits, by the clock and by processor time (the machine's other work counts in the first only). */
export function compared(
  documents: string,
  { bytes, records }: { bytes: number; records: number },
  ours: Usage,
  copy: Usage,
  parse: Usage,
): ComparedResult {
  return {
    documents,
    megabytesPerSecond: rounded(bytes / 1e6 / ours.wall),
    recordsPerSecond: rounded(records / ours.wall),
    ofCopy: rounded(copy.wall / ours.wall),
    ofCopyCpu: rounded(copy.cpu / ours.cpu),
    overParse: rounded(parse.wall / ours.wall),
    overParseCpu: rounded(parse.cpu / ours.cpu),
    peakMiB: mebibytes(ours.rss),
    parsePeakMiB: mebibytes(parse.rss),
  };
}

export function comparedRow(result: ComparedResult): string[] {
  return [
    result.documents,
    result.megabytesPerSecond.toFixed(0),
    result.recordsPerSecond.toLocaleString('en'),
    result.ofCopy.toFixed(2),
    result.overParse.toFixed(2),
    result.ofCopyCpu.toFixed(2),
    result.overParseCpu.toFixed(2),
    String(result.peakMiB),
    String(result.parsePeakMiB),
  ];
}

export function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}

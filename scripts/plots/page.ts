/** The tables of docs/performance.md, which are written between two comments of the page. */
import type { ComparedResult, MemoryResult, Results } from '../../bench/results.ts';

const BEGIN = '<!-- Written by npm run plots from bench/results.json. -->';
const END = '<!-- End of what npm run plots writes. -->';

/** The page with the results in place of those that it has. @throws Error where the page has no place for them */
export function withResults(page: string, results: Results): string {
  const [before, rest] = halves(page, BEGIN);
  const [, after] = halves(rest, END);
  return `${before}${BEGIN}\n\n${measured(results)}\n${END}${after}`;
}

function halves(text: string, at: string): [string, string] {
  const position = text.indexOf(at);
  if (position === -1) throw new Error(`docs/performance.md has no line "${at}".`);
  return [text.slice(0, position), text.slice(position + at.length)];
}

function measured(results: Results): string {
  const { date, machine, node, rounds, load, source = [], destination = [], memory = [] } = results;
  const speeds = [...source.map((row) => speed('source', row)), ...destination.map((row) => speed('destination', row))];
  return `On ${date}, with connectors ${results.connectors}, on ${machine}, Node ${node}; medians of ${rounds} rounds. Load before it: ${load.join(', ')}.

![Speed of source and destination as ratios to the limits (a) and (b), for each shape of documents](images/speed.svg)

${table(['', 'MB/s', 'records/s', 'of (a), clock', 'of (a), CPU', 'x (b), clock', 'x (b), CPU', 'peak memory'], speeds)}
![Peak memory and requests of source and destination over the number of documents](images/growth.svg)

${table(['documents', 'read', 'write', 'requests to read', 'to write'], memory.map(size))}`;
}

function speed(side: string, row: ComparedResult): string[] {
  return [
    `${side}, ${row.documents}`,
    row.megabytesPerSecond.toFixed(0),
    row.recordsPerSecond.toLocaleString('en-US'),
    row.ofCopy.toFixed(2),
    row.ofCopyCpu.toFixed(2),
    row.overParse.toFixed(1),
    row.overParseCpu.toFixed(1),
    `${row.peakMiB} MiB`,
  ];
}

function size(row: MemoryResult): string[] {
  const { documents, readMiB, writeMiB, readRequests, writeRequests } = row;
  return [
    documents.toLocaleString('en-US'),
    `${readMiB} MiB`,
    `${writeMiB} MiB`,
    ...[readRequests, writeRequests].map((count) => count.toLocaleString('en-US')),
  ];
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]): string => `| ${cells.join(' | ')} |\n`;
  return [head, head.map(() => '---'), ...rows].map(line).join('');
}

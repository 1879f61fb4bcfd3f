/** Peak memory as tables grow: it should not, beyond what V8 needs once, whatever their size (see docs/performance.md). */
import { fileURLToPath } from 'node:url';
import { mebibytes } from '../compared.ts';
import { measure, startReplay } from '../measure.ts';
import { printTable } from '../print.ts';
import type { MemoryResult, Results } from '../results.ts';
import { shapeNamed } from '../shapes.ts';
import { DESTINATION, SOURCE, catalog, config, type Workspace } from '../workspace.ts';

const FEED = fileURLToPath(new URL('../feed.ts', import.meta.url));
const DOCUMENTS = [10_000, 100_000, 1_000_000, 3_000_000];

/** The limit of the design. */
const LIMIT_MIB = 256;

export async function peakMemory(workspace: Workspace): Promise<Pick<Results, 'memory'>> {
  const shape = shapeNamed('typical');
  const memory: MemoryResult[] = [];
  for (const documents of DOCUMENTS) {
    const pages = Math.ceil(documents / shape.perPage);
    const replay = await startReplay(shape.name, pages);
    const files = [
      '--config',
      await config(workspace, replay.url),
      '--catalog',
      await catalog(workspace, 'append_dedup'),
    ];
    const read = await measure([SOURCE, 'read', ...files]);
    const { requests: readRequests } = await replay.report();
    const write = await measure([DESTINATION, 'write', ...files], {
      feed: [process.execPath, FEED, shape.name, String(pages)],
    });
    const { requests } = await replay.report();
    replay.stop();
    memory.push({
      documents,
      readMiB: mebibytes(read.rss),
      writeMiB: mebibytes(write.rss),
      limitMiB: LIMIT_MIB,
      readRequests,
      writeRequests: requests - readRequests,
    });
  }
  printTable(
    'Peak memory and requests over tables of typical documents',
    ['documents', 'read MiB', 'write MiB', 'limit', 'read requests', 'write requests'],
    memory.map((row) => [
      row.documents.toLocaleString('en'),
      ...[row.readMiB, row.writeMiB, row.limitMiB, row.readRequests, row.writeRequests].map(String),
    ]),
  );
  return { memory };
}

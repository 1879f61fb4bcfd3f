/** Peak memory as tables grow: it should not, beyond what V8 needs once, whatever their size (see docs/performance.md). */
import { fileURLToPath } from 'node:url';
import { mebibytes } from '../compared.ts';
import { measure, startReplay } from '../measure.ts';
import { printTable } from '../print.ts';
import { shapeNamed } from '../shapes.ts';
import { DESTINATION, SOURCE, catalog, config, type Workspace } from '../workspace.ts';

const FEED = fileURLToPath(new URL('../feed.ts', import.meta.url));
const DOCUMENTS = [10_000, 100_000, 1_000_000, 3_000_000];

export async function memory(workspace: Workspace): Promise<void> {
  const shape = shapeNamed('typical');
  const rows: string[][] = [];
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
    const write = await measure([DESTINATION, 'write', ...files], {
      feed: [process.execPath, FEED, shape.name, String(pages)],
    });
    replay.stop();
    rows.push([documents.toLocaleString('en'), mebibytes(read.rss), mebibytes(write.rss), '256']);
  }
  printTable('Peak memory over tables of typical documents', ['documents', 'read MiB', 'write MiB', 'limit'], rows);
}

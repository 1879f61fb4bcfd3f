/** Speed of `write` against (a) stdin posted unread and (b) lines parsed and bodies stringified. */
import { fileURLToPath } from 'node:url';
import { measure, medians, startReplay, type Usage } from '../measure.ts';
import { SHAPES, pageBytes } from '../shapes.ts';
import { compared, comparedRow, COMPARED_HEADINGS } from '../compared.ts';
import type { ComparedResult, Results } from '../results.ts';
import { printTable } from '../print.ts';
import { DESTINATION, catalog, compiled, config, type Workspace } from '../workspace.ts';

const COPY = compiled('limits/destination-copy');
const PARSE = compiled('limits/destination-parse');
const FEED = fileURLToPath(new URL('../feed.ts', import.meta.url));
/** What the destination puts into a request. */
const BODY_BYTES = String(4 * 1024 * 1024);

export async function destinationThroughput(
  workspace: Workspace,
  rounds: number,
): Promise<Pick<Results, 'destination'>> {
  const results: ComparedResult[] = [];
  for (const shape of SHAPES) {
    const replay = await startReplay(shape.name, shape.pages);
    const files = [
      '--config',
      await config(workspace, replay.url),
      '--catalog',
      await catalog(workspace, 'append_dedup'),
    ];
    const feed = [process.execPath, FEED, shape.name, String(shape.pages)];
    const ours: Usage[] = [];
    const copy: Usage[] = [];
    const parse: Usage[] = [];
    for (let round = 0; round < rounds; round++) {
      copy.push(await measure([COPY, replay.url, BODY_BYTES], { feed }));
      ours.push(await measure([DESTINATION, 'write', ...files], { feed }));
      parse.push(await measure([PARSE, replay.url, BODY_BYTES], { feed }));
    }
    replay.stop();
    const amount = { bytes: pageBytes(shape) * shape.pages, records: shape.perPage * shape.pages };
    results.push(compared(shape.name, amount, medians(ours), medians(copy), medians(parse)));
  }
  printTable(
    'Destination: write, against (a) stdin posted unread, (b) parsed and stringified',
    COMPARED_HEADINGS,
    results.map(comparedRow),
  );
  return { destination: results };
}

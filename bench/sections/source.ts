/** Speed of `read` against (a) the same pages copied unread and (b) parsed and stringified. */
import { measure, medians, startReplay, type Usage } from '../measure.ts';
import { SHAPES } from '../shapes.ts';
import { compared, comparedRow, COMPARED_HEADINGS } from '../compared.ts';
import type { ComparedResult, Results } from '../results.ts';
import { printTable } from '../print.ts';
import { SOURCE, catalog, compiled, config, type Workspace } from '../workspace.ts';
import { pageBytes } from '../shapes.ts';

const COPY = compiled('limits/source-copy');
const PARSE = compiled('limits/source-parse');

export async function sourceThroughput(workspace: Workspace, rounds: number): Promise<Pick<Results, 'source'>> {
  const results: ComparedResult[] = [];
  for (const shape of SHAPES) {
    const replay = await startReplay(shape.name, shape.pages);
    const files = ['--config', await config(workspace, replay.url), '--catalog', await catalog(workspace, 'append')];
    const ours: Usage[] = [];
    const copy: Usage[] = [];
    const parse: Usage[] = [];
    for (let round = 0; round < rounds; round++) {
      copy.push(await measure([COPY, replay.url, String(shape.pages)]));
      ours.push(await measure([SOURCE, 'read', ...files]));
      parse.push(await measure([PARSE, replay.url, String(shape.pages)]));
    }
    replay.stop();
    const amount = { bytes: pageBytes(shape) * shape.pages, records: shape.perPage * shape.pages };
    results.push(compared(shape.name, amount, medians(ours), medians(copy), medians(parse)));
  }
  printTable(
    'Source: read, against (a) pages copied unread, (b) parsed and stringified',
    COMPARED_HEADINGS,
    results.map(comparedRow),
  );
  return { source: results };
}

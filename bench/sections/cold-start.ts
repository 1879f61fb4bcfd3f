/** What a verb costs that only asks: processor time of the whole process. */
import { measure, median, startReplay } from '../measure.ts';
import { printTable } from '../print.ts';
import { type Results, rounded, type StartResult } from '../results.ts';
import { DESTINATION, SOURCE, config, type Workspace } from '../workspace.ts';

const CASES: [name: string, executable: string, verb: string, limit: string][] = [
  ['source-convex spec', SOURCE, 'spec', '0.30'],
  ['source-convex check', SOURCE, 'check', '0.40'],
  ['source-convex discover', SOURCE, 'discover', ''],
  ['destination-convex spec', DESTINATION, 'spec', '0.30'],
  ['destination-convex check', DESTINATION, 'check', '0.40'],
];

export async function coldStart(workspace: Workspace, rounds: number): Promise<Pick<Results, 'start'>> {
  const replay = await startReplay('tiny', 1);
  const path = await config(workspace, replay.url);
  const rows: string[][] = [];
  const start: StartResult[] = [];
  for (const [name, executable, verb, limit] of CASES) {
    const runs = [];
    for (let round = 0; round < Math.max(rounds, 5); round++) {
      runs.push(await measure([executable, verb, ...(verb === 'spec' ? [] : ['--config', path])]));
    }
    const cpu = rounded(median(runs.map((run) => run.cpu)));
    const wall = rounded(median(runs.map((run) => run.wall)));
    start.push({ command: name, cpu, wall });
    rows.push([name, cpu.toFixed(2), limit, wall.toFixed(2)]);
  }
  replay.stop();
  printTable('Cold start', ['command', 'CPU s', 'limit', 's'], rows);
  return { start };
}

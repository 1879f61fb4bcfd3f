/**
 * `npm run bench`: how fast the connectors are, as ratios to limits that are measured in the same run. Absolute figures depend on the
 * machine and on what else it does; ratios of medians of alternating rounds hold. See docs/performance.md.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import os from 'node:os';
import { VERSION } from '../shared/connector/version.ts';
import { type Results, rounded } from './results.ts';
import { catchUp } from './sections/changes.ts';
import { coldStart } from './sections/cold-start.ts';
import { destinationThroughput } from './sections/destination.ts';
import { distance } from './sections/latency.ts';
import { peakMemory } from './sections/memory.ts';
import { requestsForChanges } from './sections/requests.ts';
import { sourceThroughput } from './sections/source.ts';
import { withWorkspace } from './workspace.ts';

const SECTIONS = {
  source: sourceThroughput,
  destination: destinationThroughput,
  changes: catchUp,
  start: coldStart,
  memory: peakMemory,
  latency: distance,
  requests: requestsForChanges,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help || positionals.some((name) => !(name in SECTIONS))) {
  console.log(`usage: npm run bench -- [${Object.keys(SECTIONS).join('|')} …] [--rounds N] [--json FILE]`);
  process.exitCode = values.help ? 0 : 2;
} else {
  const rounds = Number(values.rounds);
  const cpu = os.cpus()[0]?.model ?? 'unknown processor';
  const results: Results = {
    date: new Date().toISOString().slice(0, 10),
    machine: `${os.cpus().length} x ${cpu}, ${(os.totalmem() / 2 ** 30).toFixed(0)} GiB, ${os.type()} ${/^\d+\.\d+/.exec(os.release())?.[0] ?? ''}`,
    node: process.versions.node,
    connectors: VERSION,
    load: os.loadavg().map(rounded),
    rounds,
  };
  console.log(`${results.machine}; Node ${results.node}; connectors ${VERSION}`);
  console.log(`Load before: ${results.load.join(', ')}. Each figure is the median of ${rounds} rounds.`);
  await withWorkspace(async (workspace) => {
    for (const [name, section] of Object.entries(SECTIONS)) {
      if (positionals.length > 0 && !positionals.includes(name)) continue;
      Object.assign(results, await section(workspace, rounds));
      // After every section: what is measured is kept, whatever becomes of the next.
      if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(results, null, 2)}\n`);
    }
  });
}

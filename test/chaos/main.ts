#!/usr/bin/env node
/** `npm run test:chaos`: campaigns over many seeds, and the sum of them. Exit code 1 if a promise was broken. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { campaign } from './campaign.ts';
import { describeFigures, describeReplaced, Trial, type Seeded } from './figures.ts';
import { CAMPAIGN_MODES, type CampaignMode } from './jobs.ts';
import { replacedTables } from './replaced-tables/campaign.ts';

const HELP = `Usage: npm run test:chaos -- [options]

  --seed N      The first seed. Default 1.
  --seeds N     How many seeds, one after the other. Default 20.
  --kills N     Kills of each seed and mode. Default 15.
  --modes A,B   Of append_dedup, append, overwrite, refresh, replace, replace_dedup, clear. Default: append_dedup,append.
                In those that replace tables (all but the first two), one stream of some syncs is made to fail.
                replace: overwrite with the method "Replace at once", while a reader lists the tables without pause.
                replace_dedup: refreshes with this method of tables that are deduplicated; rows come more than once.
                clear: as replace, with "Clear, then insert". The reader sees gaps, so it has to end with broken promises.
  --verbose     A line for each sync.
  --replaced-tables
                Instead of the modes: the source alone, on a deployment whose tables are imported over, cleared,
                dropped and made again, with two modelled consumers. With --fallback on a backend without Data Sync,
                where nothing tells of replaced tables, so none is replaced. With --without-drops no table is dropped.
                With --old-states the first syncs leave states of version 0.1.0 or of the Python source, in the middle
                of a snapshot and after it. With --refresh a full refresh of another table runs beside.

Which transactions are made, what goes wrong and when is killed is decided by the seed; how far the processes have come by
then is not, so a run is repeated in its decisions, not in every microsecond.
`;

/** Complaints of a campaign that are written out. */
const SHOWN = 20;

const ROOT = join(import.meta.dirname, '../..');

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '20' },
    kills: { type: 'string', default: '15' },
    modes: { type: 'string', default: 'append_dedup,append' },
    verbose: { type: 'boolean', default: false },
    'replaced-tables': { type: 'boolean', default: false },
    fallback: { type: 'boolean', default: false },
    'without-drops': { type: 'boolean', default: false },
    'old-states': { type: 'boolean', default: false },
    refresh: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (values.help) {
  process.stdout.write(HELP);
} else {
  const modes = values.modes.split(',').map((name) => CAMPAIGN_MODES.find((mode) => mode === name));
  const numbers = [values.seed, values.seeds, values.kills].map(Number);
  if (modes.includes(undefined) || !numbers.every(Number.isSafeInteger)) {
    process.stderr.write(HELP);
    process.exitCode = 2;
  } else {
    const [seed = 1, seeds = 20, kills = 15] = numbers;
    const { verbose, fallback } = values;
    const show = verbose ? { show: (line: string) => process.stdout.write(`  ${line}\n`) } : {};
    const options = { kills, code: { root: build(), extension: 'js' as const }, ...show };
    const trials = values['replaced-tables']
      ? [
          new Trial(
            fallback ? 'replaced tables, fallback' : 'replaced tables',
            (at) =>
              replacedTables({
                ...options,
                seed: at,
                fallback,
                drops: !values['without-drops'],
                oldStates: values['old-states'],
                refresh: values.refresh,
              }),
            describeReplaced,
          ),
        ]
      : (modes as CampaignMode[]).map(
          (mode) => new Trial(mode, (at) => campaign({ ...options, seed: at, mode }), describeFigures),
        );
    try {
      process.exitCode = (await run(trials, seed, seeds)) ? 0 : 1;
    } finally {
      rmSync(options.code.root, { recursive: true, force: true });
    }
  }
}

/** Returns whether all promises were kept. */
async function run(trials: readonly Seeded[], first: number, seeds: number): Promise<boolean> {
  const started = performance.now();
  for (let seed = first; seed < first + seeds; seed++) {
    for (const trial of trials) {
      const { text, complaints } = await trial.run(seed);
      process.stdout.write(`seed ${seed} ${trial.name}: ${text}\n`);
      for (const complaint of complaints.slice(0, SHOWN)) process.stdout.write(`  BROKEN: ${complaint}\n`);
    }
  }
  const minutes = (performance.now() - started) / 60_000;
  process.stdout.write(`\n${seeds} seeds, ${minutes.toFixed(1)} minutes:\n`);
  for (const trial of trials) process.stdout.write(`${trial.name}: ${trial.text}\n`);
  return trials.every(({ failed }) => !failed);
}

/** Compiles the connectors to a folder of this run's own, where their packages are found: they start in half the time that sources take. */
function build(): string {
  const root = join(ROOT, 'node_modules', '.cache', `chaos-${process.pid}`);
  mkdirSync(root, { recursive: true });
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  execFileSync(process.execPath, [tsc, '-p', join(ROOT, 'tsconfig.build.json'), '--noCheck', '--outDir', root], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  copyFileSync(join(ROOT, 'package.json'), join(root, 'package.json'));
  return root;
}

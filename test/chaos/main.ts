#!/usr/bin/env node
/** `npm run test:chaos`: campaigns over many seeds, and the sum of them. Exit code 1 if a promise was broken. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { campaign, type Figures } from './campaign.ts';
import { CAMPAIGN_MODES, type CampaignMode as Mode } from './jobs.ts';

const HELP = `Usage: npm run test:chaos -- [options]

  --seed N      The first seed. Default 1.
  --seeds N     How many seeds, one after the other. Default 20.
  --kills N     Kills of each seed and mode. Default 15.
  --modes A,B   Of append_dedup, append, overwrite, refresh, replace, clear. Default: append_dedup,append.
                In those that replace tables (all but the first two), one stream of some syncs is made to fail.
                replace: overwrite with the method "Replace at once", while a reader lists the tables without pause.
                clear: the same with "Clear, then insert". The reader sees gaps, so it has to end with broken promises.
  --verbose     A line for each sync.

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
    process.exitCode = (await run(seed, seeds, kills, modes as Mode[], values.verbose)) ? 0 : 1;
  }
}

async function run(first: number, seeds: number, kills: number, modes: Mode[], verbose: boolean): Promise<boolean> {
  const code = { root: build(), extension: 'js' as const };
  const started = performance.now();
  const sums = new Map<Mode, Figures>();
  try {
    for (let seed = first; seed < first + seeds; seed++) {
      for (const mode of modes) {
        const show = verbose ? { show: (line: string) => process.stdout.write(`  ${line}\n`) } : {};
        const figures = await campaign({ seed, kills, mode, code, ...show });
        process.stdout.write(`seed ${seed} ${mode}: ${text(figures)}\n`);
        for (const complaint of figures.complaints.slice(0, SHOWN)) process.stdout.write(`  BROKEN: ${complaint}\n`);
        sums.set(mode, add(sums.get(mode), figures));
      }
    }
  } finally {
    rmSync(code.root, { recursive: true, force: true });
  }
  const minutes = (performance.now() - started) / 60_000;
  process.stdout.write(`\n${seeds} seeds, ${minutes.toFixed(1)} minutes:\n`);
  for (const [mode, figures] of sums) process.stdout.write(`${mode}: ${text(figures)}\n`);
  return [...sums.values()].every(({ complaints }) => complaints.length === 0);
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

function add(sum: Figures | undefined, figures: Figures): Figures {
  if (sum === undefined) return { ...figures };
  const total = { ...sum, complaints: [...sum.complaints, ...figures.complaints] };
  for (const name of Object.keys(figures) as (keyof Figures)[]) if (name !== 'complaints') total[name] += figures[name];
  return total;
}

function text(figures: Figures): string {
  const { kills, processes, syncs, completed, gaveUp, oneFailing, faults, states, transactions, revisions, records } =
    figures;
  const { looks, replacements } = figures;
  const broken = figures.complaints.length;
  return [
    `${kills} kills (${processes} processes) in ${syncs} syncs`,
    `${completed} completed, ${gaveUp} gave up, ${oneFailing} with a stream that fails`,
    `${faults} faults`,
    `${transactions} transactions with ${revisions} revisions`,
    `${records} records`,
    `${states} states compared`,
    ...(looks > 0 ? [`${looks} looks at the tables, which were replaced ${replacements} times`] : []),
    broken === 0 ? 'nothing lost' : `${broken} PROMISES BROKEN`,
  ].join('; ');
}

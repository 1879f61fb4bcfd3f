/**
 * `npm run test:mutations`: do the tests notice mistakes? Makes each mistake of scripts/mutations/list.ts in a copy of the repository and
 * runs the test that has to notice it. Exit code 1 if one survives, if it cannot be made any more, or if a test fails without it.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MUTATIONS } from './mutations/list.ts';
import type { Mutation } from './mutations/mutation.ts';

const ROOT = join(import.meta.dirname, '..');
/** Milliseconds after which a run of a test is ended: a mistake may well lead to one that never ends. */
const TIME_LIMIT = 300_000;

const { values } = parseArgs({
  options: { only: { type: 'string', default: '' }, list: { type: 'boolean', default: false } },
});
const chosen = MUTATIONS.filter(({ name, file }) => `${file} ${name}`.includes(values.only));

if (values.list) {
  for (const { file, name, test } of chosen) console.log(`${file}: ${name} (${test})`);
} else {
  process.exitCode = run() ? 0 : 1;
}

function run(): boolean {
  const copy = copyOfTheRepository();
  try {
    const sound = soundTests(copy);
    let good = true;
    let caught = 0;
    for (const mutation of chosen) {
      const [outcome, detail] = sound.has(keyOf(mutation))
        ? judge(copy, mutation)
        : ['UNSOUND', 'its test fails without it'];
      console.log(`${outcome.padEnd(8)} ${mutation.name}\n         ${detail}`);
      if (outcome === 'caught') caught++;
      else good = false;
    }
    console.log(`\n${caught} of ${chosen.length} mistakes are noticed.`);
    return good && chosen.length > 0;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** All files that belong to the repository, with what has not been committed yet; the packages are shared. */
function copyOfTheRepository(): string {
  const copy = mkdtempSync(join(tmpdir(), 'mutations-'));
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT });
  for (const path of listed.toString().split('\0'))
    if (path !== '' && existsSync(join(ROOT, path))) cpSync(join(ROOT, path), join(copy, path));
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

function keyOf({ test, only = '' }: Mutation): string {
  return `${test} ${only}`;
}

/** The tests that pass as long as nothing is wrong. Of the others a failure would say nothing. */
function soundTests(copy: string): Set<string> {
  const sound = new Set<string>();
  for (const [key, mutation] of new Map(chosen.map((each) => [keyOf(each), each]))) {
    const { passed, failed } = test(copy, mutation);
    if (passed > 0 && failed.length === 0) sound.add(key);
    else console.log(`without any mistake, ${passed} tests of ${key}pass and these fail: ${failed.join('; ')}`);
  }
  return sound;
}

function judge(copy: string, mutation: Mutation): [outcome: string, detail: string] {
  const path = join(copy, mutation.file);
  const original = readFileSync(path, 'utf8');
  if (original.split(mutation.find).length !== 2)
    return ['STALE', `${mutation.file} does not hold, exactly once: ${mutation.find}`];
  writeFileSync(
    path,
    original.replace(mutation.find, () => mutation.replace),
  );
  try {
    const { failed, broken } = test(copy, mutation);
    if (broken.length > 0) return ['BROKEN', `the test cannot even be loaded: ${broken.join('; ')}`];
    const [first] = failed;
    if (first === undefined) return ['SURVIVED', `${mutation.test} does not notice it`];
    return ['caught', `${mutation.test}: ${first}${failed.length > 1 ? ` and ${failed.length - 1} more` : ''}`];
  } finally {
    writeFileSync(path, original);
  }
}

interface Report {
  testResults: { message: string; assertionResults: { status: string; fullName: string }[] }[];
}

/** Runs a mutation's test as things are in the copy. */
function test(copy: string, { test: file, only }: Mutation): { passed: number; failed: string[]; broken: string[] } {
  const output = join(copy, 'report.json');
  rmSync(output, { force: true });
  const vitest = join('node_modules', 'vitest', 'vitest.mjs');
  const names = only === undefined ? [] : ['-t', only];
  const { error } = spawnSync(
    process.execPath,
    [vitest, 'run', file, ...names, '--reporter=json', `--outputFile=${output}`, '--maxWorkers=1'],
    { cwd: copy, stdio: 'ignore', timeout: TIME_LIMIT, killSignal: 'SIGKILL' },
  );
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ETIMEDOUT')
    return { passed: 0, failed: ['it never ends'], broken: [] };
  const { testResults } = JSON.parse(readFileSync(output, 'utf8')) as Report;
  const results = testResults.flatMap(({ assertionResults }) => assertionResults);
  return {
    passed: results.filter(({ status }) => status === 'passed').length,
    failed: results.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName),
    // A file that cannot be loaded has a message and no results. That is no mistake noticed, but one that nobody could make.
    broken: testResults
      .filter(({ message, assertionResults }) => message !== '' && assertionResults.length === 0)
      .map(({ message }) => message.split('\n')[0] ?? ''),
  };
}

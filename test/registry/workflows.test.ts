/** The workflows of GitHub, as far as they can be looked at from here. */
import { describe, expect, test } from 'vitest';
import { load } from 'js-yaml';
import { SIDES, text } from './support.ts';

interface Step {
  uses?: string;
  run?: string;
  if?: string;
  with?: Record<string, string>;
}
interface Workflow {
  on: unknown;
  permissions: object;
  jobs: Record<
    string,
    { 'timeout-minutes'?: number; permissions?: object; needs?: string; steps: Step[]; strategy?: { matrix: object } }
  >;
}

const { scripts } = JSON.parse(text('package.json')) as { scripts: Record<string, string> };
const read = (name: string): Workflow => load(text(`.github/workflows/${name}.yml`)) as Workflow;

describe.each(['ci', 'release', 'campaigns'])('%s.yml', (name) => {
  const workflow = read(name);
  const steps = Object.values(workflow.jobs).flatMap((job) => job.steps);

  test('needs no secret', () => {
    expect(text(`.github/workflows/${name}.yml`)).not.toMatch(/secrets\./);
  });

  test('may do no more than it has to, and ends some time', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
    for (const job of Object.values(workflow.jobs)) expect(job['timeout-minutes']).toBeLessThanOrEqual(90);
  });

  test('runs scripts that exist', () => {
    for (const { run = '' } of steps)
      for (const [, script = ''] of run.matchAll(/npm run ([\w:]+)/g)) expect(scripts).toHaveProperty([script]);
  });

  test('puts nothing from outside into a shell', () => {
    for (const { run = '' } of steps) expect(run).not.toContain('${{');
  });
});

test.each(['ci', 'release'])('%s.yml lets .ci/run decide', (name) => {
  const steps = Object.values(read(name).jobs).flatMap((job) => job.steps);
  expect(steps.some(({ run }) => run === 'bash .ci/run')).toBe(true);
});

test('a release has both images for both processors, and the package, all after the tests', () => {
  const { jobs } = read('release');
  expect(jobs['images']?.strategy?.matrix).toEqual({ side: [...SIDES] });
  const build = jobs['images']?.steps.find(({ uses }) => uses?.startsWith('docker/build-push-action'));
  expect(build?.with).toMatchObject({ platforms: 'linux/amd64,linux/arm64', push: true, provenance: 'mode=max' });
  for (const job of ['images', 'npm']) expect(jobs[job]?.needs).toBe('test');
  expect(jobs['npm']?.steps.at(-1)).toMatchObject({
    if: expect.stringContaining('PUBLISH_TO_NPM') as string,
    run: expect.stringContaining('--provenance') as string,
  });
});

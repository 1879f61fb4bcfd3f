/** What can be said of the images without building them. `npm run test:docker` builds and runs them. */
import { describe, expect, test } from 'vitest';
import { lastStage, metadata, SIDES, text, version } from './support.ts';

describe.each(SIDES)('Dockerfile.%s', (side) => {
  const stage = lastStage(side);
  const labels = stage.get('LABEL')?.join(' ') ?? '';

  test('AIRBYTE_ENTRYPOINT is the entry point, with absolute paths', () => {
    const words = JSON.parse(stage.get('ENTRYPOINT')?.[0] ?? '[]') as string[];
    const variable = stage.get('ENV')?.find((line) => line.startsWith('AIRBYTE_ENTRYPOINT='));
    expect(variable).toBe(`AIRBYTE_ENTRYPOINT="${words.join(' ')}"`);
    expect(words[0]).toMatch(/^\//);
    expect(words.at(-1)).toMatch(new RegExp(`^/airbyte/.*/${side}-convex/main\\.js$`));
  });

  test('the version is the one of package.json, the name the one of the metadata', () => {
    expect(stage.get('ARG')).toContain(`VERSION=${version}`);
    expect(labels).toContain('io.airbyte.version=$VERSION');
    expect(labels).toContain(`io.airbyte.name=${metadata(side).data['dockerRepository'] as string} `);
  });

  test('uid 1000, called airbyte', () => {
    expect(stage.get('USER')).toEqual(['airbyte']);
    expect(stage.get('RUN')?.join()).toContain('--login airbyte');
  });

  test('is built from the lock file, on the public image', () => {
    const file = text(`Dockerfile.${side}`);
    expect([...file.matchAll(/^FROM (?:--platform=\S+ )?(\S+)/gm)].map(([, image]) => image)).toEqual([
      'node:24-bookworm-slim',
      'node:24-bookworm-slim',
    ]);
    expect(file).not.toMatch(/npm (install|i) /);
    expect(file).toContain('npm ci --omit=dev');
  });
});

test('the two files differ in nothing but the side', () => {
  const neutral = (side: string) =>
    text(`Dockerfile.${side}`).replaceAll(`${side}-convex`, 'X').replaceAll(`Dockerfile.${side}`, 'X');
  const common = (file: string) => file.replace(/^COPY (source|destination|X)-?\S* \S+$/gm, '');
  expect(common(neutral('source'))).toBe(common(neutral('destination')));
});

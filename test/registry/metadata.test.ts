import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { metadata, root, SIDES, text, version } from './support.ts';

describe.each(SIDES)('%s-convex/metadata.yaml', (side) => {
  const { metadataSpecVersion, data } = metadata(side);

  test('has the fields that a registry needs', () => {
    expect(metadataSpecVersion).toBe('1.0');
    expect(data).toMatchObject({
      name: 'Convex',
      connectorType: side,
      connectorSubtype: expect.stringMatching(/^(api|database)$/) as string,
      dockerRepository: `airbyte-convex/${side}-convex`,
      githubIssueLabel: `${side}-convex`,
      icon: 'icon.svg',
      license: 'MIT',
      releaseStage: expect.stringMatching(/^(alpha|beta|generally_available|custom)$/) as string,
      supportLevel: expect.stringMatching(/^(community|certified|archived)$/) as string,
      registryOverrides: { oss: { enabled: true } },
    });
    expect(data['definitionId']).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(data['tags']).toContain('language:typescript');
    expect(data['releaseDate']).toMatch(/^\d{4}-\d\d-\d\d$/);
  });

  test('does not take over the id of the Python connector', () => {
    const theirs = ['c332628c-f55c-4017-8222-378cfafda9b2', '3eb4d99c-11fa-4561-a259-fc88e0c2f8f4'];
    expect(theirs).not.toContain(data['definitionId']);
  });

  test('the version is the one of package.json', () => {
    expect(data['dockerImageTag']).toBe(version);
  });

  test('the documentation is where the specification says it is', () => {
    const { documentationUrl } = JSON.parse(text(`spec/${side}-convex.json`)) as { documentationUrl: string };
    expect(data['documentationUrl']).toBe(documentationUrl);
  });

  test('may reach the cloud, and the host that the user has configured', () => {
    const { hosts } = data.allowedHosts;
    expect(hosts).toContain('*.convex.cloud');
    const spec = text(`spec/${side}-convex.json`);
    for (const [, field] of hosts.join(' ').matchAll(/\$\{(\w+)\}/g)) expect(spec).toContain(`"${field}": {`);
  });

  test('the icon is square, and loads nothing', () => {
    const icon = text(`${side}-convex/icon.svg`);
    const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(icon) ?? [];
    expect(width).toBeDefined();
    expect(width).toBe(height);
    expect(icon).not.toMatch(/<script|<image|<foreignObject|href=|url\(/i);
    expect(icon.replace('http://www.w3.org/2000/svg', '')).not.toContain('http');
  });
});

test('the source tells how long it may be silent, the destination that it understands refreshes', () => {
  const heartbeat = metadata('source').data['maxSecondsBetweenMessages'];
  // A missed heartbeat at 90 minutes has been seen; a state comes once a minute.
  expect(heartbeat).toBeGreaterThan(60);
  expect(heartbeat).toBeLessThanOrEqual(5400);
  expect(metadata('destination').data['supportsRefreshes']).toBe(true);
});

test('the two ids differ', () => {
  expect(metadata('source').data['definitionId']).not.toBe(metadata('destination').data['definitionId']);
});

test('npm run registry prints entries with all that Airbyte asks for', () => {
  const script = join(root, 'scripts', 'registry.ts');
  const printed = execFileSync(process.execPath, [script, '--repository-prefix', 'ghcr.io/acme/'], {
    encoding: 'utf8',
  });
  expect(JSON.parse(printed)).toMatchObject({
    sources: [
      {
        sourceDefinitionId: metadata('source').data['definitionId'],
        dockerRepository: 'ghcr.io/acme/airbyte-convex/source-convex',
        dockerImageTag: version,
        maxSecondsBetweenMessages: 3600,
        spec: JSON.parse(text('spec/source-convex.json')) as object,
      },
    ],
    destinations: [
      {
        destinationDefinitionId: metadata('destination').data['definitionId'],
        dockerRepository: 'ghcr.io/acme/airbyte-convex/destination-convex',
        supportsRefreshes: true,
        spec: JSON.parse(text('spec/destination-convex.json')) as object,
      },
    ],
  });
});
